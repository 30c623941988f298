//! The reference of all settings, as Markdown.

use super::table::{SectionTable, Setting};

impl Setting {
    fn row(&self) -> String {
        let file = if self.kind.is_secret() { format!(", `{}_file`", self.name) } else { String::new() };
        let range = match &self.range {
            (Some(least), Some(most)) => format!(", {least} to {most}"),
            (Some(least), None) => format!(", at least {least}"),
            (None, Some(most)) => format!(", at most {most}"),
            (None, None) => String::new(),
        };
        let kind = format!("{}{}", self.kind.name, range.replace('"', ""));
        let default = match &self.default {
            Some(default) => format!("`{default}`"),
            None if self.is_required => "required".to_owned(),
            None => "–".to_owned(),
        };
        let change = if self.on_reload { "reload" } else { "restart" };
        format!(
            "| `{}`{file} | {kind} | {default} | {change} | {} |\n",
            self.name,
            self.text.replace('|', "\\|").replace('<', "\\<")
        )
    }
}

/// The reference behind these first lines.
pub fn reference(preamble: &str, tables: &[SectionTable]) -> String {
    let mut text = preamble.to_owned();
    for table in tables {
        text += &format!("\n## `[{}]`\n\n{}\n\n", table.path, table.text);
        text += "| setting | type | default | change | meaning |\n|---|---|---|---|---|\n";
        table.settings.iter().for_each(|setting| text += &setting.row());
    }
    text
}
