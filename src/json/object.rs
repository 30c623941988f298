//! Reads objects and lists as the vendors write them. A value that cannot be read becomes `null`, a row that cannot be
//! read is skipped, both are noted ([`odd_values`]), and everything else is read; PHP's shapes are read as what they
//! mean ([`raw`]). For `#[serde(default, deserialize_with = "…")]` on the fields of a vendor's data.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::Error;
use serde_json::value::RawValue;

use super::odd_values;
use super::raw::{self, RawMember, RawMembers, is_empty_object, is_nothing};

/// A JSON object in which at least one field of `T` is present and can be read, even as `null`. Every single field may
/// be missing, so any object would otherwise count as an answer without content, and would replace a good older one.
///
/// `Debug` prints nothing, since the object may hold a secret.
pub struct Object<T>(pub T);

impl<T> std::fmt::Debug for Object<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Object").finish_non_exhaustive()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(<&RawValue>::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

/// An [`Object`], or `None` where the vendor wrote an empty value.
#[derive(Debug)]
pub struct Optional<T>(pub Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Optional<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = <&RawValue>::deserialize(deserializer)?;
        if is_nothing(value) { Ok(Self(None)) } else { read(value).map(Some).map(Self).map_err(D::Error::custom) }
    }
}

/// Reads an object in a field; an empty value, and an object without members, are `None`.
///
/// # Errors
/// The value is anything else, or none of the fields can be read.
pub fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let value = <&RawValue>::deserialize(deserializer)?;
    if is_nothing(value) || is_empty_object(value) {
        return Ok(None);
    }
    read(value).map(Some).map_err(D::Error::custom)
}

/// Reads one object or a list of them, for fields that occur in both forms; an empty value is the empty list.
///
/// # Errors
/// The value is anything else, or a list without a readable row.
pub fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let value = <&RawValue>::deserialize(deserializer)?;
    let rows = match raw::items(value) {
        Some(items) => read_rows(&items, |_| true),
        None => read(value).map(|object| vec![Some(object)]),
    };
    Ok(rows.map_err(D::Error::custom)?.into_iter().flatten().collect())
}

/// Reads the rows of a list of objects, each in its place; `None` for one that cannot be read, or is not whole.
///
/// # Errors
/// The value is not a list, or is one without a readable row.
pub fn rows<'de, D, T>(deserializer: D, is_whole: impl Fn(&T) -> bool) -> Result<Vec<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let items = raw::items(<&RawValue>::deserialize(deserializer)?);
    let items = items.ok_or_else(|| D::Error::custom("expected a list"))?;
    read_rows(&items, is_whole).map_err(D::Error::custom)
}

fn read_rows<'de, T>(items: &[&'de RawValue], is_whole: impl Fn(&T) -> bool) -> Result<Vec<Option<T>>, Error>
where
    T: Deserialize<'de>,
{
    let row = |item: &&'de RawValue| {
        let row = read(item).ok().filter(&is_whole);
        if row.is_none() {
            odd_values::note_row("");
        }
        row
    };
    let rows: Vec<Option<T>> = items.iter().map(row).collect();
    let is_readable = rows.is_empty() || rows.iter().any(Option::is_some);
    if is_readable { Ok(rows) } else { Err(Error::custom("no row of the list can be read")) }
}

fn read<'de, T: Deserialize<'de>>(value: &'de RawValue) -> Result<T, Error> {
    let members = raw::members(value).ok_or_else(|| Error::custom("expected an object"))?;
    T::deserialize(ObjectReader { value, members })
}

/// Passes an object to the derived reader of a struct, which first states the names of its fields.
struct ObjectReader<'de> {
    value: &'de RawValue,
    members: RawMembers<'de>,
}

impl<'de> Deserializer<'de> for ObjectReader<'de> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut fields = KnownFields { names: names.iter(), members: &self.members, current: None, is_known: false };
        let read = visitor.visit_map(&mut fields)?;
        if fields.is_known { Ok(read) } else { Err(Error::custom("no documented field can be read")) }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        serde_json::Deserializer::from_str(self.value.get()).deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The fields of the object that the reader knows.
struct KnownFields<'r, 'de> {
    names: std::slice::Iter<'static, &'static str>,
    members: &'r RawMembers<'de>,
    current: Option<(&'static str, RawMember<'de>)>,
    /// Whether one of them could be read.
    is_known: bool,
}

impl<'de> KnownFields<'_, 'de> {
    fn take(&mut self) -> Result<(&'static str, RawMember<'de>), Error> {
        self.current.take().ok_or_else(|| Error::custom("a value without a name"))
    }
}

impl<'de> MapAccess<'de> for &mut KnownFields<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        for name in self.names.by_ref() {
            match raw::member(self.members, name) {
                RawMember::Missing => {}
                member => {
                    self.current = Some((name, member));
                    return seed.deserialize(StrDeserializer::new(name)).map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Derived readers do not use this. A seed can be used only once, so nothing could be read in place of an odd
    /// value.
    fn next_value_seed<W: DeserializeSeed<'de>>(&mut self, seed: W) -> Result<W::Value, Error> {
        let (_, member) = self.take()?;
        let RawMember::Is(value) = member else { return Err(Error::custom("an ambiguous field")) };
        self.is_known = true;
        seed.deserialize(&mut serde_json::Deserializer::from_str(value.get()))
    }

    fn next_value<W: Deserialize<'de>>(&mut self) -> Result<W, Error> {
        let (name, member) = self.take()?;
        if let RawMember::Is(value) = member
            && let Ok(read) = odd_values::within(name, || serde_json::from_str(value.get()))
        {
            self.is_known = true;
            return Ok(read);
        }
        odd_values::note(name);
        serde_json::from_str("null")
    }
}

#[cfg(test)]
mod tests;
