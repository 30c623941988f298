//! What a configuration was made of: its files, and a fingerprint of each section, so that a later reading can tell what
//! has changed without keeping the text, which may hold secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::files::{self, FileError, Files, MOST_OF_A_LIST};
use crate::sha256::sha256;

/// Secrets and lists are named by keys that end so.
pub(super) const FILE_SUFFIX: &str = "_file";

/// The files and sections of one reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    files: Vec<(PathBuf, ContentHash)>,
    sections: BTreeMap<String, ContentHash>,
}

impl Sources {
    /// Of the table that was read, with the environment over it, from this file of this content.
    pub fn of(file: Option<(&Path, ContentHash)>, table: &Table, files: &Files) -> Self {
        let mut named = Vec::new();
        collect_files(table, &mut named);
        let sections = table.iter().map(|(name, section)| (name.clone(), ContentHash::of_section(section, files)));
        let named = named.into_iter().map(|path| (path.clone(), ContentHash::of_named(&path, files)));
        let files = file.map(|(path, content)| (path.to_owned(), content)).into_iter().chain(named);
        Self { files: files.collect(), sections: sections.collect() }
    }

    /// Every file that took part, as it was.
    pub fn files(&self) -> &[(PathBuf, ContentHash)] {
        &self.files
    }

    /// Whether there is a section of this name.
    pub fn has_section(&self, name: &str) -> bool {
        self.sections.contains_key(name)
    }

    /// The sections that differ, by name; one that is there in only one of the two differs.
    pub fn differing<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let names = self.sections.keys().chain(other.sections.keys().filter(|name| !self.sections.contains_key(*name)));
        let differs = |name: &&String| self.sections.get(*name) != other.sections.get(*name);
        names.filter(differs).map(String::as_str).collect()
    }
}

fn collect_files(table: &Table, files: &mut Vec<PathBuf>) {
    for (key, value) in table {
        match value {
            Value::Table(inner) => collect_files(inner, files),
            Value::String(path) if key.ends_with(FILE_SUFFIX) || key == "file" => files.push(PathBuf::from(path)),
            _ => {}
        }
    }
}

/// A hash that stands for a content. It does not print itself, since a short secret could be guessed from it.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Of a file's content, or of why it cannot be read.
    pub fn of_file(path: &Path) -> Self {
        Self::of_content(files::read(path, MOST_OF_A_LIST).as_deref())
    }

    /// Of a file as it was read.
    pub fn of_named(path: &Path, files: &Files) -> Self {
        Self::of_content(files.get(path, MOST_OF_A_LIST).as_deref())
    }

    /// Of a content that was read, or why it could not be.
    fn of_content(content: Result<&[u8], &FileError>) -> Self {
        Self(match content {
            Ok(content) => sha256([&b"content"[..], content]),
            Err(error) => sha256([&b"error"[..], error.distinction().as_ref()]),
        })
    }

    /// Of a section, with the content of the files that it names.
    fn of_section(section: &Value, files: &Files) -> Self {
        let mut named = Vec::new();
        if let Value::Table(table) = section {
            collect_files(table, &mut named);
        }
        let text = section.to_string();
        let of_files: Vec<[u8; 32]> = named.iter().map(|path| Self::of_named(path, files).0).collect();
        Self(sha256([text.as_bytes()].into_iter().chain(of_files.iter().map(<[u8; 32]>::as_slice))))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fingerprint(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{ContentHash, Files, Sources};
    use std::path::Path;

    fn of(text: &str) -> Sources {
        let file = (Path::new("storegate.toml"), ContentHash::of_content(Ok(text.as_bytes())));
        Sources::of(Some(file), &text.parse().unwrap(), &Files::default())
    }

    #[test]
    fn every_file_of_every_section_is_named() {
        let sources = of("[auth]\nrevoked_tokens_file = \"a\"\n[auth.keys.x]\nprivate_key_file = \"b\"\nkid = \"c\"");
        let mut files: Vec<&Path> = sources.files().iter().map(|(path, _)| path.as_path()).collect();
        files.sort();
        assert_eq!(files, ["a", "b", "storegate.toml"].map(Path::new));
    }

    #[test]
    fn sections_differ_that_were_changed_added_or_taken_away() {
        let before = of("[server]\nlisten = \"a\"\n[cache]\nsize = \"1MiB\"\n[auth]\nissuer = \"x\"");
        let after = of("[server]\nlisten = \"b\"\n[auth]\nissuer = \"x\"\n[limits]\nquota = \"1/1s\"");
        assert_eq!(before.differing(&after), ["cache", "server", "limits"]);
        assert!(before.differing(&before).is_empty());
        assert!(!format!("{before:?}").contains("1MiB"));
    }
}
