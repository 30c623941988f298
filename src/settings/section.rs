//! Typed readers for one section of the configuration. A reader never fails: it reports the problem and gives the
//! default (or nothing), so that one start shows all that is wrong.

use std::fmt::Display;
use std::path::Path;
use std::rc::Rc;

use secrecy::SecretString;
use toml::{Table, Value};

use super::files::{FileError, MOST_OF_A_TEXT};
use super::named_file::unreadable;
use super::report::Report;
use super::secret_file;
use super::sources::FILE_SUFFIX;
use super::value::SettingValue;

/// What is read like a secret and is none: everybody may have it.
const PUBLIC: [&str; 2] = ["public_key", "secret_sha256"];

/// One table of the configuration, with its place in the whole.
#[derive(Debug, Clone)]
pub struct Section<'a> {
    path: String,
    table: Option<&'a Table>,
    report: &'a Report,
}

impl<'a> Section<'a> {
    /// The whole configuration.
    pub fn root(table: &'a Table, report: &'a Report) -> Self {
        Self { path: String::new(), table: Some(table), report }
    }

    /// Whether the setting `key` is there.
    pub fn is_set(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Whether the configuration has this section at all.
    pub fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// The section `key` inside this one; an absent one reads as empty.
    pub fn section(&self, key: &str) -> Section<'a> {
        let table = match self.value(key) {
            Some(Value::Table(table)) => Some(table),
            Some(_) => {
                self.problem(key, "this is a section: write its settings below it");
                None
            }
            None => None,
        };
        Section { path: self.path_of(key), table, report: self.report }
    }

    /// Whether `key` is written as a section, where it may be something else, too.
    pub fn is_section(&self, key: &str) -> bool {
        matches!(self.table.and_then(|table| table.get(key)), Some(Value::Table(_)))
    }

    /// The sections of a list: `[[vectors]]`. Each is named by its place: `vectors.0`.
    pub fn tables(&self, key: &str) -> Vec<Section<'a>> {
        let items = match self.value(key) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.problem(key, "this is a list of sections: write them below [[…]]");
                self.skip(key);
                return Vec::new();
            }
        };
        let path = self.path_of(key);
        let section = |(place, item): (usize, &'a Value)| {
            let table = item.as_table();
            if table.is_none() {
                self.problem(key, "every item of this list is a section");
            }
            let path = format!("{path}.{place}");
            self.report.know(path.clone());
            Section { path, table, report: self.report }
        };
        items.iter().enumerate().map(section).collect()
    }

    /// The sections inside this one, whatever their names: `[tenants.acme]` and `[tenants.zenith]`.
    pub fn entries(&self) -> Vec<(String, Section<'a>)> {
        self.names().into_iter().map(|key| (key.clone(), self.section(&key))).collect()
    }

    /// The names in this section, for one whose names are not known beforehand.
    pub fn names(&self) -> Vec<String> {
        self.table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
    }

    /// A setting of any type.
    pub fn get<T: SettingValue>(&self, key: &str) -> Option<T> {
        T::read(self, key)
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Table(_) => {
                self.problem(key, "this is a text and not a section: it has no settings below it");
                self.skip(key);
                None
            }
            _ => {
                self.problem(key, "this is a text: write it in double quotes");
                None
            }
        }
    }

    /// A text that must be there; `help` says what it is and where to get it.
    pub fn required_text(&self, key: &str, help: &str) -> String {
        match self.text(key) {
            Some(text) if !text.trim().is_empty() => text,
            _ => {
                self.missing(key, help);
                String::new()
            }
        }
    }

    /// The place of a text among these; `complaint` says what is wrong with another one.
    pub fn one_of(&self, key: &str, texts: &[impl AsRef<str>], complaint: impl Fn(&[&str]) -> String) -> Option<usize> {
        let given = self.text(key)?;
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let place = texts.iter().position(|text| *text == given);
        if place.is_none() {
            self.problem(key, complaint(&texts));
        }
        place
    }

    /// What one of these texts stands for.
    pub fn choice<T: Copy>(&self, key: &str, values: &[(&str, T)], complaint: &str) -> Option<T> {
        let texts: Vec<&str> = values.iter().map(|(text, _)| *text).collect();
        let place = self.one_of(key, &texts, |_| complaint.to_owned())?;
        values.get(place).map(|(_, value)| *value)
    }

    /// A whole number.
    pub fn integer<T: TryFrom<i64>>(&self, key: &str) -> Option<T> {
        let number = match self.value(key)? {
            Value::Integer(number) => Some(*number),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            self.problem(key, "this is a whole number in a sensible range");
        }
        number
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Value::Boolean(flag) => return Some(*flag),
            Value::String(text) if text == "true" => return Some(true),
            Value::String(text) if text == "false" => return Some(false),
            _ => self.problem(key, "this is either true or false"),
        }
        None
    }

    /// `true` or `false`, with a default.
    pub fn flag(&self, key: &str, default: bool) -> bool {
        self.boolean(key).unwrap_or(default)
    }

    /// A list of texts; in an environment variable, separated by commas.
    pub fn list(&self, key: &str) -> Option<Vec<String>> {
        let items = match self.value(key)? {
            Value::String(text) => Some(text.split(',').map(|item| item.trim().to_owned()).collect()),
            Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        if items.is_none() {
            self.problem(key, "this is a list of texts: write [\"one\", \"two\"]");
        }
        items
    }

    /// A secret, given as `key` or, better, as the path of a file in `key_file`. The end of the file's last line is dropped.
    pub fn secret(&self, key: &str) -> Option<SecretString> {
        let file_key = format!("{key}_file");
        let path = self.text(&file_key);
        let text = self.text(key);
        if path.is_some() && text.is_some() {
            self.problem(key, format!("give either {key} or {file_key}, not both"));
        }
        let secret = match path {
            Some(path) => self.read_secret_file(key, &file_key, &path)?,
            None => text?,
        };
        if secret.is_empty() {
            self.problem_in(key, "the secret is empty");
            return None;
        }
        Some(SecretString::from(secret))
    }

    /// A secret that must be there.
    pub fn required_secret(&self, key: &str, help: &str) -> SecretString {
        let given = self.value(key).is_some() || self.value(&format!("{key}_file")).is_some();
        match self.secret(key) {
            Some(secret) => secret,
            None => {
                if !given {
                    self.missing(key, &format!("{help} (or its file's path as {key}_file)"));
                }
                SecretString::default()
            }
        }
    }

    /// The content of the file that `key` names, if it can be read.
    pub fn file(&self, key: &str, most: usize) -> Option<Rc<[u8]>> {
        let path = self.text(key)?;
        self.read_file(&path, most).map_err(|error| self.problem(key, unreadable(&path, &error))).ok()
    }

    /// The key by which `key` is given: itself, or the one of its file.
    pub fn given_as(&self, key: &str) -> String {
        let file_key = format!("{key}_file");
        if !self.is_set(key) && self.is_set(&file_key) { file_key } else { key.to_owned() }
    }

    /// Reports a problem with the setting `key` of this section.
    pub fn problem(&self, key: &str, message: impl Display) {
        self.report.problem(&self.path_of(key), message);
    }

    /// Reports a problem with what the setting `key` of this section holds. What came from a file is reported by the key and
    /// the path of the file, which was read, so that it is no secret in the place of a path.
    pub fn problem_in(&self, key: &str, message: impl Display) {
        let key = self.given_as(key);
        let path = self.table.and_then(|table| table.get(&key)).and_then(Value::as_str);
        match path.filter(|_| key.ends_with(FILE_SUFFIX)) {
            Some(path) => self.problem(&key, format!("{path}: {message}")),
            None => self.problem(&key, message),
        }
    }

    /// Reports that `key` must be set; `help` says what it is. What is there and was found wrong is not missing, too, nor is
    /// anything in what should be a section and is none.
    pub fn missing(&self, key: &str, help: &str) {
        let is_no_section = self.table.is_none() && self.report.has_problem_at(&self.path);
        if !self.has_problem(key) && !is_no_section {
            self.report.missing(&self.path_of(key), help);
        }
    }

    /// Whether a problem was found with `key`, or below it: what follows from it need not be reported.
    pub fn has_problem(&self, key: &str) -> bool {
        self.report.has_problem(&self.path_of(key))
    }

    /// Leaves out `key` with all below it: it cannot be read as long as something else is wrong.
    pub fn skip(&self, key: &str) {
        self.report.skip(self.path_of(key));
    }

    /// Reports that `key` is the begin of a method's name without quotes, where a dot makes a section, and leaves it out.
    pub fn unquoted(&self, key: &str) {
        self.problem(key, format!("a method's name is one text: write \"{key}.…\" in double quotes"));
        self.skip(key);
    }

    fn read_secret_file(&self, key: &str, file_key: &str, path: &str) -> Option<String> {
        let way_out = format!("this is a path, the secret itself belongs in {key}");
        let content = self.read_file(path, MOST_OF_A_TEXT);
        let content =
            content.map_err(|error| self.problem(file_key, format!("{}; {way_out}", unreadable(path, &error))));
        let secret = secret_file::read(content.as_deref().ok()?);
        let secret = secret.map_err(|error| self.problem(file_key, format!("{path}: {error}"))).ok()?;
        if !PUBLIC.contains(&key) && secret_file::is_open_to_all(Path::new(path)) {
            self.report.warning(&self.path_of(file_key), "every user of this machine may read the file: chmod 600 it");
        }
        Some(secret.to_owned())
    }

    fn read_file(&self, path: &str, most: usize) -> Result<Rc<[u8]>, FileError> {
        self.report.files().get(Path::new(path), most)
    }

    pub(super) fn with_unit<T>(&self, key: &str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        parse(&text).map_err(|message| self.problem(key, message)).ok()
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.report.know(self.path_of(key));
        self.table?.get(key)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, Section};
    use toml::Table;

    #[test]
    fn a_secret_in_the_place_of_its_path_is_not_shown() {
        let table: Table = "token_file = \"planted-secret\"\nlist_file = \"planted\\nlist\"".parse().unwrap();
        let report = Report::default();
        let root = Section::root(&table, &report);
        assert!(root.secret("token").is_none() && root.file("list_file", 10).is_none());
        let problems = report.finish(&table).unwrap_err().0.join("\n");
        assert!(
            problems.contains("token_file: the file that is named here cannot be read (looked up in "),
            "{problems}"
        );
        assert!(problems.contains("; this is a path, the secret itself belongs in token"), "{problems}");
        assert!(problems.contains("list_file: ") && !problems.contains("planted"), "{problems}");
    }
}
