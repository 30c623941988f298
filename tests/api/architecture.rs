//! What the source promises about itself: imports point down, and only packs, resources and the sandbox know vendors.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders and files of `src/` that may use only what stands behind them here.
const ORDER: [&str; 23] = [
    "cli",
    "config",
    "reload",
    "app",
    "shortcut",
    "openapi",
    "resources",
    "auth",
    "http",
    "sandbox",
    "vendors",
    "directory",
    "gateway",
    "cache",
    "replicas",
    "fair_queue",
    "json",
    "telemetry",
    "http_client",
    "supervisor",
    "settings",
    "clock",
    "sha256",
];

/// Where a vendor may be named: what is built on its methods, what plays it, and what is read out for people.
const MAY_NAME_VENDORS: [&str; 4] = ["cli", "resources", "sandbox", "vendors"];

/// What knows vendors by their packs alone.
const KNOWS_NO_VENDOR: [&str; 4] = ["gateway/", "json/", "directory/", "auth/"];

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
fn the_engine_the_directory_and_tokens_name_no_vendor() {
    let mut named = Vec::new();
    for (part, path, text) in sources() {
        if MAY_NAME_VENDORS.contains(&part.as_str()) || part == "lib" {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            let words = ["opretail", "shopex", "ovopark", "shop_bn", "_akey"];
            let is_oms = lower.split(|character: char| !character.is_alphanumeric()).any(|word| word == "oms");
            if is_oms || words.iter().any(|word| lower.contains(word)) {
                named.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    let is_wrong = |line: &&String| KNOWS_NO_VENDOR.iter().any(|folder| line.starts_with(folder));
    let wrong: Vec<&String> = named.iter().filter(is_wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_engine_and_what_is_below_it_use_nothing_above_them() {
    let place = |part: &str| ORDER.iter().position(|own| *own == part);
    let mut wrong = Vec::new();
    for (part, path, text) in sources() {
        if !["gateway", "json", "vendors", "directory"].contains(&part.as_str()) {
            continue;
        }
        for line in text.lines().filter(|line| line.trim_start().starts_with("use crate::")) {
            let used = line.trim_start().trim_start_matches("use crate::").split([':', ';', ' ']).next().unwrap();
            if place(used).is_none_or(|used| used < place(&part).unwrap()) {
                wrong.push(format!("{}: {}", path.display(), line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
