//! An answer in which at least one documented field stands. Each field alone may be missing, so any object at all would
//! be read as an answer that gives nothing, and put a good older one aside.

use std::fmt;

use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::{Map, Value};

/// A JSON object in which at least one field of `T` stands, be it `null`.
pub struct Recognized<T>(pub T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Recognized<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields(Map::deserialize(deserializer)?);
        T::deserialize(fields).map(Self).map_err(D::Error::custom)
    }
}

/// What is in it may be a secret.
impl<T> fmt::Debug for Recognized<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Recognized").finish_non_exhaustive()
    }
}

/// Hands the object to the derived reader of a struct, which tells the names of its fields first.
struct Fields(Map<String, Value>);

impl<'de> Deserializer<'de> for Fields {
    type Error = serde_json::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if names.iter().any(|name| self.0.contains_key(*name)) {
            return self.0.deserialize_any(visitor);
        }
        Err(Self::Error::custom("none of the documented fields is there"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
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
