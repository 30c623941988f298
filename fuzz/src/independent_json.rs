//! A reader of JSON that shares nothing with the service's: it splits a document at its own level, and leaves what is within
//! as it is written.

use serde_json::Value;

/// The members of an object, in their order: each key without its escapes, each value as it is written.
///
/// # Panics
/// When it is no object, or one that never ends.
pub fn members(object: &str) -> Vec<(String, &str)> {
    let inside = object.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).expect("it is an object");
    let parts = parts(inside);
    parts
        .into_iter()
        .map(|member| {
            let colon = ends(member, b':').next().expect("a member has a colon");
            let key = serde_json::from_str(member[..colon].trim()).expect("a key is a text");
            (key, member[colon + 1..].trim())
        })
        .collect()
}

/// The only member of this name.
///
/// # Panics
/// When there are several that differ: nobody can tell which one counts.
pub fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut found = members(object).into_iter().filter(|(key, _)| key == name).map(|(_, value)| value);
    let first = found.next()?;
    assert!(found.all(|other| other == first), "{name} is ambiguous");
    Some(first)
}

/// The value, if any reader can read it.
pub fn value(written: &str) -> Option<Value> {
    serde_json::from_str(written).ok()
}

fn parts(inside: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for end in ends(inside, b',').chain([inside.len()]) {
        parts.push(&inside[start..end]);
        start = end + 1;
    }
    if inside.trim().is_empty() { Vec::new() } else { parts }
}

/// Where this byte stands outside of texts, objects and lists.
fn ends(text: &str, wanted: u8) -> impl Iterator<Item = usize> {
    let (mut depth, mut is_inside, mut is_escaped) = (0, false, false);
    text.bytes()
        .enumerate()
        .filter_map(move |(at, byte)| {
            let is_outside = depth == 0 && !is_inside;
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_inside => is_escaped = true,
                b'"' => is_inside = !is_inside,
                b'{' | b'[' if !is_inside => depth += 1,
                b'}' | b']' if !is_inside => depth -= 1,
                _ => {}
            }
            (is_outside && byte == wanted).then_some(at)
        })
        .collect::<Vec<_>>()
        .into_iter()
}
