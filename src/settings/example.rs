//! The example configuration: every section with every setting, those that have defaults as comments.

use std::borrow::Cow;

use super::table::{SectionTable, Setting};

const WIDTH: usize = 130;
/// Where the texts of settings begin.
const COLUMN: usize = 51;

impl Setting {
    /// The key under which its value is shown: secrets are shown as files.
    fn shown_name(&self) -> Cow<'_, str> {
        if self.kind.is_secret() { format!("{}_file", self.name).into() } else { self.name.as_ref().into() }
    }

    fn write(&self, text: &mut String) {
        let mark = if self.is_given { "" } else { "#" };
        let value = self.example.as_ref().or(self.default.as_ref()).map_or("", AsRef::as_ref).replace('\n', " ");
        let code = format!("{mark}{} = {value} ", self.shown_name());
        let mut lines = wrapped(&self.text, WIDTH - COLUMN - 2).into_iter();
        *text += &format!("{code:COLUMN$}# {}\n", lines.next().unwrap_or_default());
        lines.for_each(|line| *text += &format!("{:COLUMN$}# {line}\n", ""));
    }
}

impl SectionTable {
    /// Whether it has further settings that are known elsewhere, which one called `*` stands for.
    fn is_open(&self) -> bool {
        self.settings.iter().any(|setting| setting.name == "*")
    }

    /// Whether it stands in the example as a comment: nothing in it is given, and it may be left out.
    fn is_comment(&self) -> bool {
        let is_given = self.settings.iter().any(|setting| setting.is_given);
        !is_given && (self.path.contains('.') || self.settings.iter().any(|setting| setting.is_required))
    }
}

/// The example behind these first lines; `vendor` is one whose name stands for that of any other.
pub fn example(preamble: &str, tables: &[SectionTable], vendor: &str) -> String {
    let mut text = preamble.to_owned();
    // An open one shows what is in others already.
    for table in tables.iter().filter(|table| !table.is_open()) {
        text.push('\n');
        wrapped(&table.text, WIDTH - 2).iter().for_each(|line| text += &format!("# {line}\n"));
        let mark = if table.is_comment() { "#" } else { "" };
        let path = table.path.replace("<vendor>", vendor).replace(['<', '>'], "");
        text += &format!("{mark}[{path}]\n");
        table.settings.iter().for_each(|setting| setting.write(&mut text));
    }
    text
}

/// The lines of a text, each at most so long.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut().filter(|line| line.chars().count() + word.chars().count() < width) {
            Some(line) => *line += &format!(" {word}"),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}
