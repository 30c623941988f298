//! How settings are read: a TOML file under environment variables, section by section, with every problem collected.
//! Each module reads its own section with the typed readers of [`Section`]; nothing is parsed before its type is known,
//! so a secret made of digits stays the text that was written.

mod certificates;
mod digest;
mod environment;
mod example;
mod files;
pub mod http_url;
mod lines;
mod named_file;
mod reference;
mod report;
mod schema;
mod secret_file;
mod section;
mod sources;
mod table;
mod toml_text;
mod units;
mod value;

pub use certificates::{CertificatesError, read as read_certificates};
pub use digest::SettingsDigest;
pub use environment::{VariableOrigins, overlay, readable, strays};
pub use example::example;
pub use files::{
    FileError, Files, MOST_OF_A_LIST, MOST_OF_A_TEXT, read as read_file, text as text_of_file, without_mark,
};
pub use reference::reference;
pub use report::{Problems, Report, nearest};
pub use schema::schema;
pub use section::Section;
pub use sources::{ContentHash, Sources};
pub(crate) use table::section;
pub use table::{SectionSettings, SectionTable, Setting};
pub use toml_text::parse_toml;
pub use units::{parse_duration, shown_duration};
pub use value::{File, Kind, Scalar, SettingValue, Size, TextValue, read_within, written};
pub(crate) use value::{choices, named};
