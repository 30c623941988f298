//! The JSON Schema (2020-12) of a configuration, for editors of TOML.

use serde_json::{Value as Json, json};
use toml::Table;

use super::table::{SectionTable, Setting};

/// What a text of TOML says.
fn value(text: &str) -> Option<Json> {
    let table: Table = format!("value = {text}").parse().ok()?;
    serde_json::to_value(table.get("value")?).ok()
}

impl Setting {
    fn schema(&self) -> Json {
        let mut schema = self.kind.schema.clone();
        schema["description"] = json!(self.text);
        let is_number = schema["type"] == "integer" || schema["type"] == "number";
        let (least, most) = &self.range;
        for (key, text, applies) in
            [("default", &self.default, true), ("minimum", least, is_number), ("maximum", most, is_number)]
        {
            if let Some(value) = text.as_deref().filter(|_| applies).and_then(value) {
                schema[key] = value;
            }
        }
        schema
    }
}

/// The schema. What must be set is not required in it, since a variable may set it.
pub fn schema(tables: &[SectionTable]) -> Json {
    let mut root = section();
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("storegate.toml");
    for table in tables {
        let mut node = &mut root;
        for name in table.path.split('.') {
            node = match name.starts_with('<') {
                true => &mut node["additionalProperties"],
                false => &mut node["properties"][name],
            };
            if !node.is_object() {
                *node = section();
            }
        }
        node["description"] = json!(table.text);
        for setting in &table.settings {
            if setting.name == "*" {
                node["additionalProperties"] = json!(true);
                continue;
            }
            node["properties"][setting.name.as_ref()] = setting.schema();
            if setting.kind.is_secret() {
                node["properties"][format!("{}_file", setting.name)] = setting.schema();
            }
        }
    }
    root
}

fn section() -> Json {
    json!({"type": "object", "properties": {}, "additionalProperties": false})
}
