//! Lays environment variables (`STOREGATE__SECTION__KEY`) over the table that the file gave.
//! Values stay text; the reader of each setting knows its type.

use std::collections::BTreeMap;

use toml::{Table, Value};

const PREFIX: &str = "STOREGATE__";

/// Writes every `STOREGATE__…` variable into `table` and returns which dotted path came from which variable.
///
/// A part of a name is matched against an existing key without regard to case and with `_` for `-`,
/// since most shells allow neither lower case by custom nor a dash at all.
pub fn overlay(table: &mut Table, variables: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let mut origins = BTreeMap::new();
    for (name, value) in variables {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let parts: Vec<&str> = rest.split("__").collect();
        let path = place(table, &parts, value);
        origins.insert(path, name);
    }
    origins
}

fn place(table: &mut Table, parts: &[&str], value: String) -> String {
    let (Some(first), rest) = (parts.first(), parts.get(1..).unwrap_or_default()) else {
        return String::new();
    };
    let key = existing_key(table, first);
    if rest.is_empty() {
        table.insert(key.clone(), Value::String(value));
        return key;
    }
    let inner = table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new()));
    if !inner.is_table() {
        *inner = Value::Table(Table::new());
    }
    let path = inner.as_table_mut().map(|inner| place(inner, rest, value)).unwrap_or_default();
    format!("{key}.{path}")
}

fn existing_key(table: &Table, part: &str) -> String {
    let wanted = part.to_lowercase();
    let found = table.keys().find(|key| key.to_lowercase().replace('-', "_") == wanted);
    found.cloned().unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::overlay;
    use toml::Table;

    #[test]
    fn a_variable_outranks_the_file_and_keeps_its_leading_zero() {
        let mut table: Table = "[tenants.acme-east.oms]\ntoken = \"a\"".parse().unwrap();
        let variable = ("STOREGATE__TENANTS__ACME_EAST__OMS__TOKEN".to_owned(), "0123456".to_owned());
        let origins = overlay(&mut table, [variable].into_iter());
        assert_eq!(table["tenants"]["acme-east"]["oms"]["token"].as_str(), Some("0123456"));
        assert!(origins.contains_key("tenants.acme-east.oms.token"));
    }

    #[test]
    fn variables_of_other_programs_are_left_alone() {
        let mut table = Table::new();
        overlay(&mut table, [("PATH".to_owned(), "/bin".to_owned())].into_iter());
        assert!(table.is_empty());
    }
}
