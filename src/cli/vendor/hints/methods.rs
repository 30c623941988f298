//! Names of methods that belong together and differ: in `[resources]`, in `[methods]` and in `[sandbox.answers]`.

use crate::gateway::vendor::Pack;
use crate::resources::Declarations;

/// How many letters a misspelt name differs by, at most. Names of one vendor's methods are alike.
const MOST_LETTERS: usize = 2;

/// Methods and example answers that no resource calls, with the name that may have been meant.
pub(super) fn of(pack: &Pack, declared: &Declarations) -> Vec<String> {
    let called: Vec<&str> = declared.iter().map(|resource| resource.method().name.as_ref()).collect();
    if called.is_empty() {
        return Vec::new();
    }
    let logins: Vec<&str> = pack.login.iter().flat_map(|login| &login.calls).map(|call| call.method.as_str()).collect();
    let is_listed = |name: &str| pack.methods.iter().any(|method| method.name == name);
    let is_used = |name: &str| called.contains(&name) || logins.contains(&name);
    let mut hints = Vec::new();
    for name in pack.methods.iter().map(|method| method.name.as_str()).filter(|name| !is_used(name)) {
        let meant = called.iter().find(|other| !is_listed(other) && is_near(name, other));
        hints.extend(meant.map(|meant| format!("methods.{name}: no resource calls it; did you mean {meant}?")));
    }
    for name in pack.sandbox.answers.keys().filter(|name| !is_used(name)) {
        let meant = called.iter().find(|other| !pack.sandbox.answers.contains_key(**other) && is_near(name, other));
        let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
        hints.push(format!("sandbox.answers.{name}: no resource calls this method{meant}"));
    }
    hints
}

fn is_near(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other) || strsim::damerau_levenshtein(name, other) <= MOST_LETTERS
}
