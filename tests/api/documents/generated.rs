//! Files that the program writes: each is the one that is committed. One command writes all of them again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::app::program::stdout_of;

/// The variable that lets this test write the files.
const WRITE: &str = "STOREGATE_WRITE_GENERATED";

/// The files, each with the command that prints it.
const FILES: [(&str, &[&str]); 5] = [
    ("openapi/openapi.json", &["openapi"]),
    ("openapi/openapi.yaml", &["openapi", "--yaml"]),
    ("storegate.example.toml", &["config", "example"]),
    ("storegate.schema.json", &["config", "schema"]),
    ("docs/configuration.md", &["config", "reference"]),
];

/// The lines of README around the table of routes.
const ROUTES: [&str; 2] = ["<!-- storegate routes --markdown -->\n", "<!-- end -->"];

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// README with the program's table of routes.
fn readme(committed: &str) -> String {
    let [begin, end] = ROUTES;
    let (before, rest) = committed.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    format!("{before}{begin}{}\n{end}{after}", stdout_of(&["routes", "--markdown"], &[], ""))
}

#[test]
fn generated_files_are_those_that_are_committed() {
    let mut wanted: Vec<(&str, String)> =
        FILES.iter().map(|(file, command)| (*file, stdout_of(command, &[], "") + "\n")).collect();
    wanted.push(("README.md", readme(&fs::read_to_string(path("README.md")).unwrap())));
    let is_stale = |(file, content): &&(&str, String)| {
        fs::read_to_string(path(file)).map_or(true, |committed| committed.trim_end() != content.trim_end())
    };
    let stale: Vec<&(&str, String)> = wanted.iter().filter(is_stale).collect();
    if std::env::var_os(WRITE).is_some() {
        stale.iter().for_each(|(file, content)| fs::write(path(file), content).unwrap());
        return;
    }
    let stale: Vec<&str> = stale.iter().map(|(file, _)| *file).collect();
    assert!(stale.is_empty(), "{stale:?} are stale: {WRITE}=1 cargo test --locked --test api generated_files");
}
