//! What the source promises about itself: imports point down, only packs, resources and the sandbox know vendors, and files
//! are short, tests included. That time is read in `clock.rs` alone, and that functions are short, Clippy checks
//! (`clippy.toml`).

use std::fs;
use std::path::{Path, PathBuf};

/// The folders and files of `src/` that may use only what stands behind them here. `lib.rs` has the same order.
const ORDER: [&str; 26] = [
    "cli",
    "app",
    "reload",
    "config",
    "openapi",
    "resources",
    "fast_path",
    "auth",
    "server",
    "http",
    "sandbox",
    "vendors",
    "directory",
    "gateway",
    "cache",
    "replicas",
    "fair_queue",
    "single_flight",
    "purge_list",
    "json",
    "telemetry",
    "http_client",
    "supervisor",
    "settings",
    "clock",
    "sha256",
];

/// Where a vendor may be named: what is built on its methods, and what plays it.
const MAY_NAME_VENDORS: [&str; 5] = ["resources/", "sandbox/", "vendors/", "cli/sandbox.rs", "cli/sandbox_flags.rs"];

/// Where a vendor stands as an example in the API document.
const EXAMPLES: [&str; 3] = ["http/ops.rs", "http/problem.rs", "openapi/responses.rs"];

/// Lines of a file without its tests.
const LONGEST: usize = 380;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

/// Each source file with the first part of its path below `src/`, and its text without tests.
fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let part = |path: &Path| {
        path.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
    };
    let of = |path: PathBuf| {
        let below = path.strip_prefix(&root).unwrap().to_owned();
        let is_test = below.to_str().unwrap().contains("tests") || below.ends_with("fixtures.rs");
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
        (!is_test).then(|| (part(&below), below, text))
    };
    files(&root).into_iter().filter_map(of).collect()
}

#[test]
fn vendors_are_named_only_by_what_is_built_on_them() {
    let words = ["opretail", "shopex", "ovopark", "shop_bn", "_akey"];
    let is_example = |path: &str, line: &str| {
        EXAMPLES.contains(&path) && ["example", "///", "json!("].iter().any(|mark| line.contains(mark))
    };
    let mut wrong = Vec::new();
    for (_, path, text) in sources() {
        let path = path.to_str().unwrap();
        if MAY_NAME_VENDORS.iter().any(|allowed| path.starts_with(allowed)) || path == "lib.rs" {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            let is_oms = lower.split(|character: char| !character.is_alphanumeric()).any(|word| word == "oms");
            if (is_oms || words.iter().any(|word| lower.contains(word))) && !is_example(path, line) {
                wrong.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_folder_uses_only_what_stands_below_it() {
    let place = |part: &str| ORDER.iter().position(|own| *own == part);
    let mut wrong = Vec::new();
    for (part, path, text) in sources() {
        if ["lib", "main"].contains(&part.as_str()) {
            continue;
        }
        let own = place(&part).unwrap_or_else(|| panic!("{} stands in no order", path.display()));
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for used in code.flat_map(|line| line.split("crate::").skip(1)) {
            let name: String = used.chars().take_while(|one| one.is_ascii_alphanumeric() || *one == '_').collect();
            if place(&name).is_some_and(|used| used < own) {
                wrong.push(format!("{}: crate::{name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_map_of_the_library_has_the_same_order() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let modules: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(modules, ORDER);
}

#[test]
fn no_file_is_long() {
    let length = |text: &str| text.lines().count();
    let tests = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")).into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    });
    let all = sources().into_iter().map(|(_, path, text)| (path, text)).chain(tests);
    let long = all.filter(|(_, text)| length(text) > LONGEST);
    let long: Vec<String> = long.map(|(path, text)| format!("{}: {}", path.display(), length(&text))).collect();
    assert!(long.is_empty(), "{long:#?}");
}
