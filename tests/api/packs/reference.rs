//! The reference of packs names every key that a pack may have.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use storegate::gateway::diagnosis::Diagnosis;

/// How the compiler of packs asks for a key.
const READERS: [&str; 17] = [
    "text(",
    "required_text(",
    "flag(",
    "list(",
    "integer(",
    "get(",
    "choice(",
    "section(",
    "tables(",
    "slots(",
    "slot(",
    "named_slots(",
    "read_template(",
    "read_title(",
    "read_pointers(",
    "read_carrier(",
    "read_name(",
];

/// The keys that the sources of the compiler name.
fn keys() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vendors/pack");
    let sources = fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let mut keys: BTreeSet<String> = Diagnosis::OF_CODES.iter().map(|(name, _)| (*name).to_owned()).collect();
    for source in sources {
        let source = source.split("#[cfg(test)]").next().unwrap();
        for reader in READERS {
            for call in source.split(reader).skip(1) {
                let arguments = call.split([')', '\n']).next().unwrap();
                let key = arguments.split('"').nth(1).unwrap_or_default();
                let is_key = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
                if !key.is_empty() && key.bytes().all(is_key) {
                    keys.insert(key.to_owned());
                }
            }
        }
    }
    keys
}

#[test]
fn the_reference_names_every_key_of_a_pack() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/packs.md")).unwrap();
    let named: BTreeSet<&str> = page.split('`').skip(1).step_by(2).flat_map(words).collect();
    let keys = keys();
    assert!(keys.len() > 60, "the sources are read otherwise by now: {keys:?}");
    let missing: Vec<&String> = keys.iter().filter(|key| !named.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "docs/packs.md lacks {missing:?}");
}

/// The names in a piece of code.
fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|one: char| !(one.is_ascii_alphanumeric() || one == '_')).filter(|word| !word.is_empty())
}
