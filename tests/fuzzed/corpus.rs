//! Each target with its corpus: as it is, cut, and with bytes flipped.

use std::panic::catch_unwind;

use crate::corpus_files::{files, folder, names};
use crate::fuzz::{TARGETS, Target};

/// How many places of a file are cut and flipped.
const PLACES: usize = 8;

/// What becomes of the bytes; a promise that is broken names the file.
fn is_accepted((name, target): Target, file: &str, bytes: &[u8]) -> bool {
    catch_unwind(|| target(bytes)).unwrap_or_else(|_| panic!("{name} breaks its promise with {file}: {bytes:?}"))
}

fn places(length: usize) -> impl Iterator<Item = usize> {
    let step = (length / PLACES).max(1);
    (0..length).step_by(step)
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let targets: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    let sources: Vec<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&folder("fuzz_targets")), sources);
    assert_eq!(names(&folder("corpus")), targets);
    for target in targets {
        let files = files(target);
        for judged in ["accepted-", "refused-"] {
            assert!(files.iter().any(|file| file.name.starts_with(judged)), "{target} has no file {judged}…");
        }
    }
}

#[test]
fn every_file_is_judged_as_its_name_says() {
    let mut misjudged = Vec::new();
    for target in TARGETS {
        for file in files(target.0) {
            let is_accepted = is_accepted(target, &file.name, &file.bytes);
            match file.name.split('-').next() {
                Some("accepted") if is_accepted => {}
                Some("refused") if !is_accepted => {}
                Some("found") => {}
                Some("accepted" | "refused") => misjudged.push(format!("{} {}", target.0, file.name)),
                _ => panic!("{} has a file {}, whose name says nothing", target.0, file.name),
            }
        }
    }
    assert_eq!(misjudged, Vec::<String>::new());
}

#[test]
fn no_file_breaks_a_promise_when_it_is_cut_or_flipped() {
    for target in TARGETS {
        for file in files(target.0) {
            for place in places(file.bytes.len()) {
                is_accepted(target, &file.name, &file.bytes[..place]);
                is_accepted(target, &file.name, &file.bytes[place..]);
                for bit in [0x01, 0x20, 0x80] {
                    let mut flipped = file.bytes.clone();
                    flipped[place] ^= bit;
                    is_accepted(target, &file.name, &flipped);
                }
            }
        }
    }
}
