//! How an inspection came about: the vendor's sixteen codes (there is no 5) and our English names.

use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};

/// Code and name, in the order of the codes. Source: the vendor's page of the method.
const ALL: [(u8, &str); 16] = [
    (1, "spot_check_task"),
    (2, "shake_to_inspect"),
    (3, "snapshot"),
    (4, "manual_issue"),
    (6, "quick_shot"),
    (7, "alarm"),
    (8, "on_site"),
    (9, "remote"),
    (10, "ai_snapshot_comparison"),
    (11, "ai_live_monitoring"),
    (12, "store_self_check"),
    (13, "planned_remote_task"),
    (14, "planned_on_site_task"),
    (15, "planned_inspection_plan"),
    (16, "mystery_visit"),
    (17, "planned_store_self_check_task"),
];

/// How an inspection came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceType(u8);

impl SourceType {
    /// The vendor's code.
    pub const fn code(self) -> u8 {
        self.0
    }

    /// Our name.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(code, _)| *code == self.0).map_or("unknown", |(_, name)| *name)
    }
}

impl FromStr for SourceType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = ALL.iter().find(|(_, name)| *name == text).map(|(code, _)| Self(*code));
        found.ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|(_, name)| *name).collect();
            format!("write source types; they are {}", names.join(", "))
        })
    }
}

/// A list of names.
pub fn list_schema() -> Array {
    let names = ALL.iter().map(|(_, name)| *name);
    ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names))).build()
}

/// How an inspection came about.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SourceType)]
pub struct SourceTypeDocument {
    /// The gateway's code.
    #[schema(example = 8)]
    code: i64,
    /// Our name for it; `unknown` for a code that the vendor has not published.
    #[schema(example = "on_site")]
    name: &'static str,
}

impl SourceTypeDocument {
    /// Reads the gateway's code, as number or text; `None` when it is neither.
    pub fn from_wire(value: &Value) -> Option<Self> {
        let code = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())?;
        let name = u8::try_from(code).map_or("unknown", |code| SourceType(code).name());
        Some(Self { code, name })
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, SourceType, SourceTypeDocument};
    use serde_json::json;

    #[test]
    fn all_sixteen_names_are_read_and_there_is_no_five() {
        let codes: Vec<u8> = ALL.iter().map(|(_, name)| name.parse::<SourceType>().unwrap().code()).collect();
        assert_eq!(codes, [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
        assert!("onsite".parse::<SourceType>().unwrap_err().contains("on_site"));
    }

    #[test]
    fn a_code_is_read_as_number_and_text_and_an_unpublished_one_is_kept() {
        let read = |value| SourceTypeDocument::from_wire(&value).map(|source| (source.code, source.name));
        assert_eq!(read(json!(8)), Some((8, "on_site")));
        assert_eq!(read(json!("16")), Some((16, "mystery_visit")));
        assert_eq!(read(json!(5)), Some((5, "unknown")));
        assert_eq!(read(json!("x")), None);
    }
}
