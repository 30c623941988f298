//! How settings are read: a TOML file under environment variables, section by section, with every problem collected.
//! Each module reads its own section with the typed readers of [`Section`]; nothing is parsed before its type is known,
//! so a secret made of digits stays the text that was written.

mod environment;
mod report;
mod section;
mod sources;
mod units;

pub use environment::overlay;
pub use report::{Problems, Report, nearest};
pub use section::Section;
pub use sources::{Fingerprint, Sources};
pub use units::{parse_duration, parse_size};
