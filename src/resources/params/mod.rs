//! The parameters that callers may send in paths and queries. They are parsed before the handler runs, and all problems
//! are reported at once.

pub mod kinds;
mod page;
mod parameter;
mod period;
mod reader;

pub use page::{PageInfo, PageParameters};
pub use parameter::{InvalidValue, LONGEST_LIST, Location, Parameter, ParameterDocument, ParameterKind, Presence};
pub use period::{Period, PeriodDocument, rfc3339};
pub use reader::{ParameterReader, Parsed};

use self::kinds::StoreKind;

/// The store in the path.
pub static STORE: Parameter<StoreKind> = Parameter::with_example(
    "store_id",
    "The store: the company's own id, OPRetail's with or without `S_`, or the OMS's code. `S_` alone is none.",
    "S_123456",
    StoreKind::ONE,
);

/// The stores in the query.
pub static STORES: Parameter<StoreKind> = Parameter::with_example(
    "store_id",
    "The stores, by any of their ids: `store_id=A&store_id=B`, at most 200. `S_` alone is none.",
    "S_123456",
    StoreKind::OF_LIST,
);
