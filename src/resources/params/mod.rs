//! What callers may write in paths and queries, parsed at the door: wrong values cannot get further, and all that is
//! wrong is told at once.

pub mod documented;
mod page;
mod period;
mod reader;

pub use page::{Page, PageInfo, PageQuery};
pub use period::{Period, PeriodDocument, PeriodQuery, rfc3339};
pub use reader::{Ask, LONGEST_LIST, Parameters, Reader};

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};

/// The store in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the document only; `Reader::store` reads the value")]
pub struct StorePath {
    /// The store: the company's own id, OPRetail's with or without `S_`, or the OMS's code. `S_` alone is none.
    #[param(example = "S_123456", pattern = "^[A-Za-z0-9_.-]{1,32}$", min_length = 1, max_length = 32)]
    store_id: String,
}

/// The organization in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the document only; `Reader::organization` reads the value")]
pub struct OrganizationPath {
    /// The organization: OPRetail's number with or without `O_`.
    #[param(example = "O_1084", pattern = "^(O_)?[0-9]{1,11}$")]
    organization_id: String,
}

/// The stores in the query.
pub struct StoresQuery;

impl IntoParams for StoresQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let id = ObjectBuilder::new().schema_type(Type::String).pattern(Some(STORE_ID_PATTERN)).max_length(Some(32));
        let ids = ArrayBuilder::new().items(id).min_items(Some(1)).max_items(Some(LONGEST_LIST)).build();
        let words = "The stores, by any of their ids: `store_id=A&store_id=B`, at most 200. `S_` alone is none.";
        vec![documented::required_list("store_id", words, ids, &["S_123456"])]
    }
}

/// The grammar of store ids, for the document.
pub const STORE_ID_PATTERN: &str = "^[A-Za-z0-9_.-]{1,32}$";
