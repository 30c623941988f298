//! What a setting may hold: how each type is read, from TOML or from the text of a variable, and what it is called in the
//! reference and in the schema.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Value as Json, json};
use toml::{Table, Value as Toml};

use super::certificates;
use super::files::MOST_OF_A_TEXT;
use super::report::Report;
use super::section::Section;
use super::units::{parse_duration, parse_size};

/// What a setting is, for people and for editors.
#[derive(Clone, Debug)]
pub struct Kind {
    /// The name in the reference.
    pub name: Cow<'static, str>,
    /// The JSON Schema.
    pub schema: Json,
}

impl Kind {
    /// One of these texts.
    pub fn choice(texts: &[impl AsRef<str>]) -> Self {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        Self { name: format!("`{}`", texts.join("`, `")).into(), schema: json!({"enum": texts}) }
    }

    /// Whether the name with `_file` behind it takes the path of a file with the value.
    pub fn is_secret(&self) -> bool {
        self.name == "secret"
    }
}

/// The type of a setting.
pub trait SettingValue: Sized {
    /// What it is.
    fn kind() -> Kind;

    /// Reads the setting `key`; `None` if it is absent, or wrong and reported.
    fn read(section: &Section<'_>, key: &str) -> Option<Self>;
}

/// The type of a setting that is written as a text.
pub trait TextValue: FromStr<Err: Display> {
    /// What it is.
    fn kind() -> Kind {
        Kind { name: "text".into(), schema: json!({"type": "string"}) }
    }
}

impl TextValue for String {}

impl<T: TextValue> SettingValue for T {
    fn kind() -> Kind {
        T::kind()
    }

    fn read(section: &Section<'_>, key: &str) -> Option<Self> {
        section.text(key)?.parse().map_err(|error| section.problem(key, error)).ok()
    }
}

impl<T: TextValue> SettingValue for Vec<T> {
    fn kind() -> Kind {
        let schema = json!({"type": ["string", "array"], "items": {"type": "string"}});
        Kind { name: "list of texts".into(), schema }
    }

    fn read(section: &Section<'_>, key: &str) -> Option<Self> {
        let report = |item: &str, error| section.problem(key, format!("{item:?}: {error}"));
        let items = section.list(key)?.into_iter();
        Some(items.filter_map(|item| item.parse().map_err(|error| report(&item, error)).ok()).collect())
    }
}

/// A setting that need not be there, and has no default.
impl<T: SettingValue> SettingValue for Option<T> {
    fn kind() -> Kind {
        T::kind()
    }

    fn read(section: &Section<'_>, key: &str) -> Option<Self> {
        T::read(section, key).map(Some)
    }
}

impl<T: SettingValue> SettingValue for BTreeMap<String, T> {
    fn kind() -> Kind {
        let schema = json!({"type": "object", "additionalProperties": T::kind().schema});
        Kind { name: "table".into(), schema }
    }

    fn read(section: &Section<'_>, key: &str) -> Option<Self> {
        let map = section.section(key);
        let entry = |name: String| Some((name.clone(), map.get(&name)?));
        map.is_present().then(|| map.names().into_iter().filter_map(entry).collect())
    }
}

/// Types with a reader of their own.
macro_rules! values {
    ($($type:ty: $name:literal $schema:tt, $read:expr;)*) => {$(
        impl SettingValue for $type {
            fn kind() -> Kind {
                Kind { name: $name.into(), schema: json!($schema) }
            }

            fn read(section: &Section<'_>, key: &str) -> Option<Self> {
                let read: fn(&Section<'_>, &str) -> Option<Self> = $read;
                read(section, key)
            }
        }
    )*};
}

/// A size in bytes such as `256MiB`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Size(u64);

impl From<Size> for u64 {
    fn from(size: Size) -> Self {
        size.0
    }
}

impl From<Size> for usize {
    fn from(size: Size) -> Self {
        Self::try_from(size.0).unwrap_or(Self::MAX)
    }
}

/// A text, or another value as JSON: a number, `true` or `false`, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scalar {
    /// The text, or the JSON.
    pub text: String,
    /// Whether it is JSON.
    pub is_json: bool,
}

impl SettingValue for Scalar {
    fn kind() -> Kind {
        let schema = json!({"type": ["string", "number", "boolean", "array"]});
        Kind { name: "text, number, `true`, `false` or a list of them".into(), schema }
    }

    fn read(section: &Section<'_>, key: &str) -> Option<Self> {
        let text = match section.value(key)? {
            Toml::String(text) => return Some(Self { text: text.clone(), is_json: false }),
            Toml::Array(items) if items.iter().all(is_scalar) => serde_json::to_string(items).ok(),
            value if is_scalar(value) => serde_json::to_string(value).ok(),
            _ => None,
        };
        if text.is_none() {
            section.problem(key, "this is a text in double quotes, a number, true or false, or a list of them");
        }
        Some(Self { text: text?, is_json: true })
    }
}

fn is_scalar(value: &Toml) -> bool {
    match value {
        Toml::String(_) | Toml::Integer(_) | Toml::Boolean(_) => true,
        Toml::Float(number) => number.is_finite(),
        Toml::Array(_) | Toml::Table(_) | Toml::Datetime(_) => false,
    }
}

/// The path of a file.
#[derive(Debug)]
pub struct File(pub String);

values! {
    bool: "`true`, `false`" {"type": "boolean"}, |section, key| section.boolean(key);
    u16: "whole number" {"type": "integer"}, |section, key| section.integer(key);
    i64: "whole number" {"type": "integer"}, |section, key| section.integer(key);
    usize: "whole number" {"type": "integer"}, |section, key| section.integer(key);
    NonZeroU32: "whole number" {"type": "integer", "minimum": 1}, |section, key| match section.integer(key)? {
        0 => {
            section.problem(key, "write a number of at least 1, or leave it out for no limit");
            None
        }
        number => Self::new(number),
    };
    Timestamp: "instant, such as `2027-12-31T23:59:59+08:00`" {"type": "string", "format": "date-time"}, |section, key| {
        let read = match section.value(key)? {
            Toml::String(text) => text.parse().ok(),
            Toml::Datetime(instant) => instant.to_string().parse().ok(),
            _ => None,
        };
        if read.is_none() {
            section.problem(key, "write an instant with its offset, such as \"2027-12-31T23:59:59+08:00\"");
        }
        read
    };
    f64: "number" {"type": "number"}, |section, key| {
        let number = match section.value(key)? {
            Toml::Float(number) => Some(*number),
            Toml::Integer(number) => i32::try_from(*number).ok().map(f64::from),
            Toml::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.or_else(|| { section.problem(key, "this is a number such as 0.5"); None })
    };
    Duration: "duration" {"type": "string", "pattern": r"^\s*[0-9]+\s*(ms|s|m|h|d)\s*$"},
        |section, key| section.with_unit(key, parse_duration);
    Size: "size" {"type": "string", "pattern": r"^\s*[0-9]+\s*(B|KiB|MiB|GiB)\s*$"},
        |section, key| section.with_unit(key, parse_size).map(Size);
    SocketAddr: "address and port" {"type": "string"}, |section, key| {
        let complaint = "write an address and a port, such as 127.0.0.1:8080 or [::]:8080";
        section.text(key)?.parse().map_err(|_| section.problem(key, complaint)).ok()
    };
    SecretString: "secret" {"type": "string"}, |section, key| section.secret(key);
    File: "path of a file" {"type": "string"}, |section, key| section.text(key).map(Self);
    Vec<CertificateDer<'static>>: "path of a file" {"type": "string"}, |section, key| {
        let content = section.file(key, MOST_OF_A_TEXT)?;
        certificates::read(&content).map_err(|error| section.problem_in(key, error)).ok()
    };
}

/// The value that a text of the program stands for: a default, or the end of a range. It is written as in TOML.
pub fn written<T: SettingValue>(text: &str) -> T {
    let table = format!("value = {text}").parse::<Table>().unwrap_or_default();
    #[expect(clippy::expect_used, reason = "it is part of the program, and a test reads all defaults")]
    T::read(&Section::root(&table, &Report::default()), "value").expect("a default that can be read")
}

/// Reads a setting that lies between two others.
pub fn read_within<T>(section: &Section<'_>, key: &str, least: &str, most: Option<&str>, complaint: &str) -> Option<T>
where
    T: SettingValue + PartialOrd,
{
    let value: T = section.get(key)?;
    // Written so that `nan`, which is neither less nor more than anything, is outside.
    let is_within = value >= written(least) && most.is_none_or(|most| value <= written(most));
    if !is_within {
        section.problem(key, complaint);
    }
    Some(value)
}

/// Declares an enum whose variants are written as texts.
macro_rules! choices {
    (
        $(#[$about:meta])* $visible:vis enum $type:ident {
            $($(#[$text_of:meta])* $variant:ident = $text:literal,)+
        } else $complaint:literal
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
        $visible enum $type {
            $($(#[$text_of])* $variant,)+
        }

        choices!($type { $($text => $variant),+ } else $complaint);
    };
    ($type:ident { $($text:literal => $variant:ident),+ $(,)? } else $complaint:literal) => {
        impl std::str::FromStr for $type {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($complaint),
                }
            }
        }

        impl $crate::settings::TextValue for $type {
            fn kind() -> $crate::settings::Kind {
                $crate::settings::Kind::choice(&[$($text),+])
            }
        }
    };
}
pub(crate) use choices;

/// Declares an enum whose variants have names that users see: in metrics, documents or on the wire.
macro_rules! named {
    (
        $(#[$about:meta])* $visible:vis enum $type:ident {
            $($(#[$text_of:meta])* $variant:ident = $name:literal,)+
        }
    ) => {
        $(#[$about])*
        $visible enum $type {
            $($(#[$text_of])* $variant,)+
        }

        impl $type {
            /// Returns the name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}
pub(crate) use named;
