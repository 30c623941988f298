//! Vendors as data: what their packs say, what may not stand there, and calls as the vendors document them.

mod captured_oms;
mod codes;
mod demo_of_packs;
mod every_signature;
mod given_tokens;
mod hostile;
mod mistakes;
mod names;
mod paging;
mod plain;
mod published_oms;
mod reference;
mod reported_once;
mod resources_of_packs;
mod sandbox_of_packs;
mod schemes;
mod signature_properties;
mod signing;
mod third_vendor;
mod third_vendor_calls;
mod third_vendor_reload;
mod third_vendor_stores;
mod vectors;
mod wire_forms;

use storegate::vendors::pack::compile;

use crate::peers::lumen::PACK;

/// The problems of the pack with `part` written as `by`.
fn problems(part: &str, by: &str) -> Vec<String> {
    assert!(PACK.contains(part), "{part}");
    compile(&PACK.replacen(part, by, 1), "lumen.toml").map_or_else(|problems| problems.0, |_| Vec::new())
}

/// Each change is one problem, which has a line and these words.
fn each_is_one_problem(changes: &[(&str, &str, &str)]) {
    for (part, by, words) in changes {
        let problems = problems(part, by);
        assert_eq!(problems.len(), 1, "{by}: {problems:?}");
        assert!(problems[0].starts_with("lumen.toml: line ") && problems[0].contains(words), "{by}: {problems:?}");
    }
}
