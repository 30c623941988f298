//! The source of an inspection: the vendor's sixteen codes (there is no 5) and our English names.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

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
        ALL.iter().find(|(_, source)| *source == self).map_or("unknown", |(name, _)| *name)
    }
}

/// Our names with the vendor's codes, in the order of the codes. Source: the vendor's page of the method.
pub const ALL: [(&str, SourceType); 16] = [
    ("spot_check_task", SourceType(1)),
    ("shake_to_inspect", SourceType(2)),
    ("snapshot", SourceType(3)),
    ("manual_issue", SourceType(4)),
    ("quick_shot", SourceType(6)),
    ("alarm", SourceType(7)),
    ("on_site", SourceType(8)),
    ("remote", SourceType(9)),
    ("ai_snapshot_comparison", SourceType(10)),
    ("ai_live_monitoring", SourceType(11)),
    ("store_self_check", SourceType(12)),
    ("planned_remote_task", SourceType(13)),
    ("planned_on_site_task", SourceType(14)),
    ("planned_inspection_plan", SourceType(15)),
    ("mystery_visit", SourceType(16)),
    ("planned_store_self_check_task", SourceType(17)),
];

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
    use super::{ALL, SourceTypeDocument};
    use serde_json::json;

    #[test]
    fn there_are_sixteen_codes_and_no_five() {
        let codes = ALL.map(|(_, source)| source.code());
        assert_eq!(codes, [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
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
