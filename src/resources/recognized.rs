//! An answer in which at least one documented field stands. Each field alone may be missing, so any object at all would
//! be read as an answer that gives nothing, and put a good older one aside.

use std::fmt;

use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

use crate::gateway::strict_json::Key;

/// A JSON object in which at least one field of `T` stands, be it `null`.
pub struct Recognized<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Recognized<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(ForStruct(deserializer)).map(Self)
    }
}

/// What is in it may be a secret.
impl<T> fmt::Debug for Recognized<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Recognized").finish_non_exhaustive()
    }
}

/// Hands an object to the derived reader of a struct, which tells the names of its fields first.
struct ForStruct<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ForStruct<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Watching { names, visitor })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The reader's visitor, and the names that it knows.
struct Watching<V> {
    names: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watching<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(formatter)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<V::Value, A::Error> {
        let mut is_known = false;
        let value = self.visitor.visit_map(Watched { object, names: self.names, is_known: &mut is_known })?;
        if is_known {
            return Ok(value);
        }
        Err(A::Error::custom("none of the documented fields is there"))
    }
}

/// An object whose keys are looked at on their way.
struct Watched<'w, A> {
    object: A,
    names: &'static [&'static str],
    is_known: &'w mut bool,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Watched<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(key) = self.object.next_key_seed(Key)? else { return Ok(None) };
        *self.is_known |= self.names.contains(&&*key);
        seed.deserialize(CowStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<W: DeserializeSeed<'de>>(&mut self, seed: W) -> Result<W::Value, A::Error> {
        self.object.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::Recognized;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire {
        #[serde(default)]
        day_flow: Option<i64>,
        #[serde(default, rename = "type")]
        kind: Option<i64>,
    }

    #[test]
    fn one_documented_field_is_enough() {
        let read =
            |json| serde_json::from_str::<Recognized<Wire>>(json).map(|Recognized(wire)| (wire.day_flow, wire.kind));
        assert_eq!(read(r#"{"dayFlow":7,"x":{}}"#).unwrap(), (Some(7), None));
        assert_eq!(read(r#"{"type":1}"#).unwrap(), (None, Some(1)));
        assert_eq!(read(r#"{"dayFlow":null}"#).unwrap(), (None, None));
    }

    #[test]
    fn an_object_without_any_and_anything_else_is_refused() {
        for json in ["{}", r#"{"message":"busy"}"#, r#"{"day_flow":7}"#, r#"{"kind":1}"#, "[7,1]", "7", "null"] {
            assert!(serde_json::from_str::<Recognized<Wire>>(json).is_err(), "{json}");
        }
    }
}
