//! What is collected while settings are read: every problem, and every name that somebody asked for,
//! so that a name nobody asked for can be reported with the nearest one that exists.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use toml::{Table, Value};

use super::environment::{VariableOrigins, in_one_line, variable_of};
use super::files::Files;
use super::lines::SettingLines;

/// Everything that is wrong with a configuration, in one message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        writeln!(formatter, "the configuration has {count} {noun}:")?;
        for problem in &self.0 {
            writeln!(formatter, "  - {problem}")?;
        }
        formatter.write_str("storegate.example.toml explains every setting; `storegate demo` needs none of them.")
    }
}

/// Collects problems and known names while the sections of one configuration are read.
#[derive(Debug, Default)]
pub struct Report {
    /// Dotted path of the setting, and what is wrong with it.
    problems: RefCell<Vec<(String, String)>>,
    /// What is no mistake and should be known.
    warnings: RefCell<Vec<String>>,
    known: RefCell<BTreeSet<String>>,
    /// Sections of which nothing is read, and whose names are not reported.
    skipped: RefCell<BTreeSet<String>>,
    /// Whether no variable of the environment outranks the text.
    is_text_alone: bool,
    origins: VariableOrigins,
    /// Variables that begin like ours and have no effect.
    strays: Vec<String>,
    /// What was read, for the lines of what is wrong in it.
    text: Option<String>,
    files: Files,
}

impl Report {
    /// A report that names the variable, instead of the key, for values that came from the environment.
    pub fn with_variables(origins: VariableOrigins) -> Self {
        Self { origins, ..Self::default() }
    }

    /// Names the line, too, of what is wrong in this text.
    #[must_use]
    pub fn of_text(self, text: Option<String>) -> Self {
        Self { text, ..self }
    }

    /// Suggests no variables of the environment, which have no effect on this text.
    #[must_use]
    pub fn without_variables(self) -> Self {
        Self { is_text_alone: true, ..self }
    }

    /// Looks for the settings that these variables were meant for, which have no effect.
    #[must_use]
    pub fn with_strays(self, strays: Vec<String>) -> Self {
        Self { strays, ..self }
    }

    /// The files that the configuration names, as far as they were read.
    pub const fn files(&self) -> &Files {
        &self.files
    }

    pub(super) fn know(&self, path: String) {
        self.known.borrow_mut().insert(path);
    }

    pub(super) fn skip(&self, path: String) {
        self.skipped.borrow_mut().insert(path);
    }

    /// Whether a problem was found with the setting at `path` (dotted), or below it.
    pub(super) fn has_problem(&self, path: &str) -> bool {
        self.problems.borrow().iter().any(|(own, _)| is_within(own, path))
    }

    /// Whether a problem was found with the setting at `path` (dotted) itself.
    pub(super) fn has_problem_at(&self, path: &str) -> bool {
        self.problems.borrow().iter().any(|(own, _)| own == path)
    }

    /// Reports that the setting at `path` must be set; `help` says what it is.
    pub(super) fn missing(&self, path: &str, help: &str) {
        let way = match self.is_text_alone {
            true => String::new(),
            false => {
                let variable = path.replace('.', "__").replace('-', "_").to_uppercase();
                format!("; set it in the file or as STOREGATE__{variable}")
            }
        };
        self.problem(path, format!("missing: {help}{way}"));
    }

    /// Adds a problem about the setting at `path` (dotted).
    pub fn problem(&self, path: &str, message: impl fmt::Display) {
        let problem = (path.to_owned(), message.to_string());
        let mut problems = self.problems.borrow_mut();
        // A setting may be read more than once.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// Adds what is no mistake and should be known of the setting at `path` (dotted).
    pub(super) fn warning(&self, path: &str, message: impl fmt::Display) {
        self.warnings.borrow_mut().push(format!("{path}: {message}"));
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    /// Ends the reading: reports names in `table` that no section asked for, and gives what is only to be told.
    ///
    /// # Errors
    /// Every problem found, in the order in which the settings were read.
    pub fn finish(self, table: &Table) -> Result<Vec<String>, Problems> {
        self.report_unknown(table, "");
        self.report_without_place();
        let (misspelt, mut warnings) = self.stray_variables();
        warnings.extend(self.warnings.take());
        let problems = self.problems.into_inner();
        if problems.is_empty() && misspelt.is_empty() {
            return Ok(warnings);
        }
        let lines = self.text.as_deref().map(SettingLines::of).unwrap_or_default();
        let shown = problems.into_iter().map(|(path, message)| {
            let place = match (self.origins.variables.get(&path), lines.of_setting(&path)) {
                (Some(variable), _) => format!("{path} (from {variable})"),
                (None, Some(line)) => format!("line {line}: {path}"),
                (None, None) => path,
            };
            format!("{place}: {message}")
        });
        Err(Problems(shown.chain(misspelt).collect()))
    }

    /// Variables that are clearly meant for a setting, which are problems, and all others that begin like ours.
    fn stray_variables(&self) -> (Vec<String>, Vec<String>) {
        let (mut misspelt, mut warnings) = (Vec::new(), Vec::new());
        let known = self.known.borrow();
        let settings: BTreeMap<String, &String> = known.iter().map(|path| (in_one_line(path), path)).collect();
        for name in &self.strays {
            let bare = in_one_line(name).replacen("storegate_", "", 1);
            if let Some(path) = settings.get(&bare) {
                misspelt.push(format!("the variable {name} has no effect; write {}", variable_of(path)));
                continue;
            }
            let near = nearest(&bare, settings.keys().map(String::as_str)).and_then(|near| settings.get(near));
            let hint = near.map_or_else(String::new, |path| format!("; did you mean {}?", variable_of(path)));
            warnings.push(format!("the variable {name} has no effect: those of settings begin with STOREGATE__{hint}"));
        }
        (misspelt, warnings)
    }

    fn report_unknown(&self, table: &Table, parent: &str) {
        for (key, value) in table {
            let path = if parent.is_empty() { key.clone() } else { format!("{parent}.{key}") };
            if self.skipped.borrow().contains(&path) {
                continue;
            }
            let known = self.known.borrow().contains(&path);
            match value {
                Value::Table(inner) if known => self.report_unknown(inner, &path),
                Value::Array(items) if known => {
                    let tables = items.iter().enumerate().filter_map(|(place, item)| Some((place, item.as_table()?)));
                    tables.for_each(|(place, inner)| self.report_unknown(inner, &format!("{path}.{place}")));
                }
                _ if known => {}
                _ => {
                    let meant = self.meant(parent, key);
                    if let Some(meant) = meant.as_ref().filter(|meant| is_absent(table, parent, meant)) {
                        // What follows from its absence is the same mistake.
                        self.problems.borrow_mut().retain(|(path, _)| !is_within(path, meant));
                    }
                    let hint = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
                    self.problem(&path, format!("there is no such setting{hint}"));
                }
            }
        }
    }

    fn report_without_place(&self) {
        for path in &self.origins.without_place {
            let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
            self.problem(path, format!("{parent} is not a section: nothing can be set below it"));
        }
    }

    /// The setting that a name nobody asked for was meant for.
    fn meant(&self, parent: &str, key: &str) -> Option<String> {
        let prefix = if parent.is_empty() { String::new() } else { format!("{parent}.") };
        let known = self.known.borrow();
        let path = in_one_line(&format!("{prefix}{key}"));
        if let Some(meant) = known.iter().find(|known| in_one_line(known) == path) {
            return Some(meant.clone());
        }
        let siblings = known.iter().filter_map(|path| path.strip_prefix(&prefix)).filter(|name| !name.contains('.'));
        nearest(key, siblings).map(|name| format!("{prefix}{name}"))
    }
}

/// Whether the setting at `path` is `parent` or below it.
fn is_within(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether the table of `parent` has no setting or section at `path`, which would stand right in it.
fn is_absent(table: &Table, parent: &str, path: &str) -> bool {
    let key =
        if parent.is_empty() { Some(path) } else { path.strip_prefix(parent).and_then(|key| key.strip_prefix('.')) };
    key.is_some_and(|key| !key.contains('.') && !table.contains_key(key))
}

/// The candidate most like `name`, if one is near enough to be a likely typing error.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LIKELY: f64 = 0.7;
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKELY)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}
