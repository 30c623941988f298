//! The strict reader of JSON from outside: one complete object, without anything that two readers could understand
//! differently. The readers of tokens and of an issuer's keys use it before they read anything. Answers of gateways are
//! read field by field instead ([`raw`](super::raw)), and the parts that are passed on unchanged are checked here.
//!
//! A reader skips fields that it does not know without checking them, so the whole document is visited here once. Only
//! the keys of the enclosing objects are kept in memory.

use std::borrow::Cow;
use std::fmt;
use std::str::Utf8Error;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// The prefix of the keys by which `serde_json` passes its own types through serde. A `Value` parses the text under
/// such a key as a document of its own, which has not been checked.
const RESERVED: &str = "$serde_json::";

/// Why a body is not one readable object.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StrictJsonError {
    /// The body is not UTF-8, which JSON requires (RFC 8259 §8.1).
    #[error("the body is not UTF-8")]
    NotUtf8(#[from] Utf8Error),
    /// The body is empty, cut short, followed by something, not an object, nested more than 127 deep, with a number
    /// that overflows, with a raw control character or half a surrogate pair in a text, or with a key that is repeated
    /// or reserved.
    #[error("the body is not one readable JSON object")]
    NotOneObject(#[from] serde_json::Error),
}

/// Returns the body as text, if it is one complete JSON object, with or without surrounding blanks. No object within it
/// may repeat a key (RFC 8259 §4 leaves open which one counts). A byte order mark is refused (RFC 8259 §8.1).
///
/// # Errors
/// Why the body is not such an object.
pub(crate) fn object(body: &[u8]) -> Result<&str, StrictJsonError> {
    let text = std::str::from_utf8(body)?;
    let mut keys = Vec::new();
    let mut document = serde_json::Deserializer::from_str(text);
    document.deserialize_map(DuplicateKeyVisitor { keys: &mut keys })?;
    document.end()?;
    Ok(text)
}

/// Whether every reader understands the value, which is valid JSON, in the same way.
pub(crate) fn is_unambiguous(value: &str) -> bool {
    serde_json::Deserializer::from_str(value).deserialize_any(DuplicateKeyVisitor { keys: &mut Vec::new() }).is_ok()
}

/// Whether a lenient reader parses the text under this key as a document.
pub(crate) fn is_reserved(key: &str) -> bool {
    key.starts_with(RESERVED)
}

/// Visits a value and everything in it. `keys` holds the keys of the enclosing objects, the innermost last; an object
/// removes its keys when it ends.
struct DuplicateKeyVisitor<'w, 'de> {
    keys: &'w mut Vec<Cow<'de, str>>,
}

impl<'de> DeserializeSeed<'de> for DuplicateKeyVisitor<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DuplicateKeyVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let outer = self.keys.len();
        while let Some(key) = object.next_key_seed(BorrowedKey)? {
            if is_reserved(&key) {
                return Err(A::Error::custom("an object has a reserved key"));
            }
            self.keys.push(key);
            object.next_value_seed(DuplicateKeyVisitor { keys: self.keys })?;
        }
        let own = self.keys.get_mut(outer..).unwrap_or_default();
        // Sorted, because comparing all pairs would let one large object block the worker.
        own.sort_unstable();
        if own.windows(2).any(|pair| matches!(pair, [one, next] if one == next)) {
            return Err(A::Error::custom("an object has a key twice"));
        }
        self.keys.truncate(outer);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(DuplicateKeyVisitor { keys: self.keys })?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A key, borrowed from the body unless it contains escapes.
pub(crate) struct BorrowedKey;

impl<'de> DeserializeSeed<'de> for BorrowedKey {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for BorrowedKey {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests;
