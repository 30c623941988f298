//! What a pack may have at all, before its keys are read: not more than can be gone through again and again, and no characters
//! that would write lines of their own into a terminal or a log.

use toml::{Table, Value};

/// The most keys and items of lists, more than ten times those of the largest pack that we know. Names are looked up by going
/// through them, so that their number bounds what reading a pack costs.
const MOST_VALUES: usize = 4000;

/// The most bytes of a key: names stand in logs, metrics and errors.
const LONGEST_KEY: usize = 200;

/// Says so if the pack has too many values.
pub(super) fn too_many(table: &Table) -> Option<String> {
    let count = table.values().map(values_in).sum::<usize>();
    (count > MOST_VALUES)
        .then(|| format!("{count} keys and items of lists are too many: a pack has {MOST_VALUES} at most"))
}

/// The first place that breaks another bound, and what is wrong there; the parser bounds how deep a table is.
pub(super) fn broken(table: &Table) -> Option<(String, String)> {
    of_table(table, "")
}

fn values_in(value: &Value) -> usize {
    match value {
        Value::Table(table) => 1 + table.values().map(values_in).sum::<usize>(),
        Value::Array(items) => 1 + items.iter().map(values_in).sum::<usize>(),
        _ => 1,
    }
}

fn of_table(table: &Table, path: &str) -> Option<(String, String)> {
    table.iter().find_map(|(key, value)| {
        if key.len() > LONGEST_KEY {
            return Some((path.to_owned(), format!("a key is longer than {LONGEST_KEY} bytes")));
        }
        if key.contains(char::is_control) {
            return Some((path.to_owned(), format!("the key {key:?} has a control character: leave it out")));
        }
        of_value(value, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") })
    })
}

fn of_value(value: &Value, path: &str) -> Option<(String, String)> {
    // Texts of several lines are in order; what signs may have any separator.
    let is_wrong = |one: char| one.is_control() && !matches!(one, '\n' | '\r' | '\t') && !path.starts_with("sign.");
    match value {
        Value::Table(table) => of_table(table, path),
        Value::Array(items) => items.iter().find_map(|item| of_value(item, path)),
        Value::String(text) => {
            let found = text.chars().find(|one| is_wrong(*one))?;
            Some((path.to_owned(), format!("this text has the control character {found:?}: leave it out")))
        }
        _ => None,
    }
}
