//! Reads `fuzz/corpus`. A file whose name begins with `accepted-` or `refused-` must be judged so; one with `found-` may
//! be either.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of a corpus.
pub struct CorpusFile {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The files of a target's corpus, in the order of their names.
pub fn files(target: &str) -> Vec<CorpusFile> {
    let names = names(&folder("corpus").join(target));
    names
        .into_iter()
        .map(|name| CorpusFile { bytes: fs::read(folder("corpus").join(target).join(&name)).unwrap(), name })
        .collect()
}

/// The files of a target's corpus that it accepts.
pub fn accepted(target: &str) -> Vec<CorpusFile> {
    files(target).into_iter().filter(|file| file.name.starts_with("accepted-")).collect()
}

/// A folder of the fuzzing crate.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

/// What a folder holds, in the order of the names.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
