//! On which line of a configuration a setting stands.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The lines of all settings and sections, by their dotted paths.
#[derive(Debug, Default)]
pub struct SettingLines(BTreeMap<String, usize>);

impl SettingLines {
    /// Those of this text; none if it is not TOML.
    pub fn of(text: &str) -> Self {
        let mut lines = BTreeMap::new();
        if let Ok(table) = DeTable::parse(text) {
            note(table.get_ref(), "", text, &mut lines);
        }
        Self(lines)
    }

    /// The line of a setting, or of the section around it where it is missing; counted from 1.
    pub fn of_setting(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            (path, _) = path.rsplit_once('.')?;
        }
    }
}

fn note(table: &DeTable<'_>, parent: &str, text: &str, lines: &mut BTreeMap<String, usize>) {
    for (key, value) in table {
        let name = key.get_ref();
        let path = if parent.is_empty() { name.to_string() } else { format!("{parent}.{name}") };
        lines.insert(path.clone(), line_of(key, text));
        note_value(value, &path, text, lines);
    }
}

fn note_value(value: &Spanned<DeValue<'_>>, path: &str, text: &str, lines: &mut BTreeMap<String, usize>) {
    match value.get_ref() {
        DeValue::Table(inner) => note(inner, path, text, lines),
        DeValue::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                let path = format!("{path}.{place}");
                lines.insert(path.clone(), line_of(item, text));
                note_value(item, &path, text, lines);
            }
        }
        _ => {}
    }
}

fn line_of<T>(part: &Spanned<T>, text: &str) -> usize {
    text.get(..part.span().start).unwrap_or_default().matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::SettingLines;

    #[test]
    fn a_setting_has_its_line_and_a_missing_one_that_of_its_section() {
        let lines = SettingLines::of("[a]\nb = 1\n\n[a.c]\nd = \"x\"\n'é.f' = { g = 2 }\n");
        for (path, line) in [("a", 1), ("a.b", 2), ("a.c", 4), ("a.c.d", 5), ("a.c.é.f.g", 6), ("a.c.missing.deep", 4)]
        {
            assert_eq!(lines.of_setting(path), Some(line), "{path}");
        }
        let lines = SettingLines::of("[[a]]\nb = 1\n[[a]]\nb = [\n{ c = 2 }]\n");
        for (path, line) in [("a.0.b", 2), ("a.1", 3), ("a.1.b", 4), ("a.1.b.0.c", 5), ("a.1.x", 3)] {
            assert_eq!(lines.of_setting(path), Some(line), "{path}");
        }
        assert_eq!(lines.of_setting("z"), None);
        assert_eq!(SettingLines::of("= no TOML").of_setting("a"), None);
    }
}
