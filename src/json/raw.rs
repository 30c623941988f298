//! Reads JSON without parsing more than necessary: values that are not used cannot make the rest unreadable, and
//! numbers keep all their digits. PHP's shapes are read as what they mean: an object whose keys are numbers is a list,
//! and an empty list, an empty text and `false` are empty values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::{RawValue, to_raw_value};

use super::odd_values;
use super::strict::{self, BorrowedKey};

/// The deepest nesting that is accepted: deeper than any answer, and less than would exhaust a reader's stack.
const DEEPEST: usize = 127;

/// Why a body is not one JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectError {
    /// It ends before the object does, or is blank.
    CutShort,
    /// It is anything else.
    NotOneObject,
}

/// Returns the body as text, if it is one complete JSON object that is not nested too deep. The values of its members
/// are not checked.
///
/// # Errors
/// Why the body is not such an object.
pub fn object(body: &[u8]) -> Result<&str, ObjectError> {
    let text = std::str::from_utf8(body).map_err(|error| match error.error_len() {
        None => ObjectError::CutShort,
        Some(_) => ObjectError::NotOneObject,
    })?;
    let whole: &RawValue =
        serde_json::from_str(text).map_err(|error| match error.is_eof() || ends_in_a_number(text) {
            true => ObjectError::CutShort,
            false => ObjectError::NotOneObject,
        })?;
    if whole.get().starts_with('{') && depth(text) <= DEEPEST { Ok(text) } else { Err(ObjectError::NotOneObject) }
}

/// Whether the text ends in the middle of a number, which readers report as another error than the end of the text.
fn ends_in_a_number(text: &str) -> bool {
    let is_within = text.ends_with(['.', 'e', 'E', '+', '-']);
    is_within && serde_json::from_str::<&RawValue>(&format!("{text}0")).is_err_and(|error| error.is_eof())
}

/// The depth of nesting of a well-formed document.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut is_inside, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_inside => is_escaped = true,
            b'"' => is_inside = !is_inside,
            b'{' | b'[' if !is_inside => depth += 1,
            b'}' | b']' if !is_inside => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The members of an object, in their order.
pub type RawMembers<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// The members of an object; `None` for anything else.
pub fn members(value: &RawValue) -> Option<RawMembers<'_>> {
    struct MemberVisitor;
    impl<'de> Visitor<'de> for MemberVisitor {
        type Value = RawMembers<'de>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(key) = object.next_key_seed(BorrowedKey)? {
                members.push((key, object.next_value()?));
            }
            Ok(members)
        }
    }
    serde_json::Deserializer::from_str(value.get()).deserialize_map(MemberVisitor).ok()
}

/// The value of a member. A repeated member is ambiguous, unless its values are equal.
#[derive(Clone, Copy, Debug)]
pub enum RawMember<'a> {
    /// The member is missing.
    Missing,
    /// The member has this value.
    Is(&'a RawValue),
    /// The member has several values.
    Ambiguous,
}

/// Finds the member of this name.
pub fn member<'a>(members: &[(Cow<'_, str>, &'a RawValue)], name: &str) -> RawMember<'a> {
    let mut found = members.iter().filter(|(key, _)| key == name).map(|(_, value)| *value);
    match found.next() {
        None => RawMember::Missing,
        Some(first) if found.all(|other| other.get() == first.get()) => RawMember::Is(first),
        Some(_) => RawMember::Ambiguous,
    }
}

/// The members of an object by name; an ambiguous one is `null` and noted as `field`.
pub fn fields(value: &RawValue, field: &str) -> Option<BTreeMap<String, Box<RawValue>>> {
    let mut members = members(value)?;
    // Sorted, because comparing all pairs would let one large object block the worker.
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    let fields = members.chunk_by(|(one, _), (other, _)| one == other).filter_map(|same| {
        let (name, first) = same.first()?;
        let is_one = same.iter().all(|(_, other)| other.get() == first.get());
        if !is_one {
            odd_values::note(field);
        }
        Some((name.clone().into_owned(), if is_one { *first } else { RawValue::NULL }.to_owned()))
    });
    Some(fields.collect())
}

/// Whether the value is one that PHP writes for no value: `null`, `false`, a blank text or an empty list.
pub fn is_nothing(value: &RawValue) -> bool {
    match value.get().as_bytes() {
        b"null" | b"false" => true,
        [b'[', between @ .., b']'] => between.iter().all(u8::is_ascii_whitespace),
        [b'"', between @ .., b'"'] => between.iter().all(u8::is_ascii_whitespace),
        _ => false,
    }
}

/// Whether the value is a list, even an empty one, and not another empty value of PHP.
pub fn is_list(value: &RawValue) -> bool {
    value.get().starts_with(['[', '{']) && items(value).is_some()
}

/// Whether the value is an empty object.
pub fn is_empty_object(value: &RawValue) -> bool {
    matches!(value.get().as_bytes(), [b'{', between @ .., b'}'] if between.iter().all(u8::is_ascii_whitespace))
}

/// The items of a list; an empty value and an object without members are the empty list. `None` for anything else.
pub fn items(value: &RawValue) -> Option<Vec<&RawValue>> {
    if is_nothing(value) || is_empty_object(value) {
        return Some(Vec::new());
    }
    if value.get().starts_with('[') {
        return serde_json::from_str(value.get()).ok();
    }
    let members = members(value)?;
    let is_list = members.iter().all(|(key, _)| is_index(key));
    is_list.then(|| members.into_iter().map(|(_, item)| item).collect())
}

/// Whether a key is an array index as PHP writes it.
fn is_index(key: &str) -> bool {
    const LONGEST: usize = 10;
    let is_number = (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_digit());
    is_number && (key == "0" || !key.starts_with('0'))
}

/// The value in a form that may be passed on, because every reader understands it in the same way. Whatever only some
/// readers accept (a number beyond all floats, half of a surrogate pair, a repeated key) becomes `null`, noted as
/// `field`; the rest stays as written.
pub fn harmless(value: &RawValue, field: &str) -> Box<RawValue> {
    match strict::is_unambiguous(value.get()) {
        true => value.to_owned(),
        false => repaired(value, field).unwrap_or_else(|| RawValue::NULL.to_owned()),
    }
}

fn repaired(value: &RawValue, field: &str) -> Option<Box<RawValue>> {
    if strict::is_unambiguous(value.get()) {
        return Some(value.to_owned());
    }
    let child = |value: &RawValue| repaired(value, field);
    let written = match value.get().as_bytes().first() {
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
            to_raw_value(&items.into_iter().map(child).collect::<Vec<_>>())
        }
        Some(b'{') => {
            let fields = fields(value, field)?.into_iter().filter(|(name, _)| !strict::is_reserved(name));
            to_raw_value(&fields.map(|(name, value)| (name, child(&value))).collect::<BTreeMap<_, _>>())
        }
        _ => Err(serde_json::Error::custom("a scalar")),
    };
    written.inspect_err(|_| odd_values::note(field)).ok()
}

#[cfg(test)]
mod tests;
