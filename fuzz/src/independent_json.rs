//! What a strict reader must have seen to, found out in another way: the document is read leniently, and its members
//! are counted before and after.

use serde_json::Value;

/// Keys by which `serde_json` hides a document in a document from a lenient reader.
const RESERVED: &str = "$serde_json::";

/// The document, read leniently.
///
/// # Panics
/// When it is not one object, or a key in it occurs twice or is reserved: the strict reader has accepted too much.
pub fn assert_unambiguous_object(body: &[u8]) -> Value {
    let document: Value = serde_json::from_slice(body).expect("what was read is JSON");
    assert!(document.is_object(), "what was read is an object");
    assert_eq!(members(&document), colons(body), "a lenient reader keeps one of two equal keys");
    assert!(!has_reserved_key(&document), "what was read has no reserved key");
    document
}

/// The members of all objects.
fn members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        Value::Array(items) => items.iter().map(members).sum(),
        _ => 0,
    }
}

fn has_reserved_key(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.iter().any(|(key, value)| key.starts_with(RESERVED) || has_reserved_key(value)),
        Value::Array(items) => items.iter().any(has_reserved_key),
        _ => false,
    }
}

/// In a JSON document there is one colon outside of strings for every member.
fn colons(body: &[u8]) -> usize {
    let (mut count, mut is_inside, mut is_escaped) = (0, false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_inside => is_escaped = true,
            b'"' => is_inside = !is_inside,
            b':' if !is_inside => count += 1,
            _ => {}
        }
    }
    count
}
