//! Scalars as the vendors write them: `12.5`, `"12.5"`, `"12.5%"`, `""`, `"--"` and `null` all occur for one field.
//! For `#[serde(default, deserialize_with = "…")]` on the fields of what a vendor sends. What is too large to be true is no
//! figure.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// The largest amount that is believed, either way: more than any company sells, and every cent of it fits a float.
const LARGEST_AMOUNT: f64 = 1e15;

/// The largest whole number that is believed, either way. Up to here every reader of JSON has it exactly (RFC 8259 §6).
const LARGEST_INTEGER: i64 = 1 << 53;

/// A number, with or without quotes and percent sign; a blank is `None`. A whole number stays one: `48210`, not
/// `48210.0`.
///
/// # Errors
/// When the value is neither a number nor a blank, or beyond 10¹⁵.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Number>, D::Error> {
    let Some(text) = deserializer.deserialize_any(Scalar)? else { return Ok(None) };
    parse_number(&text).map(Some).ok_or_else(|| D::Error::custom("expected a number"))
}

/// Reads a number as the vendors write it, with or without percent sign; `None` beyond 10¹⁵.
pub fn parse_number(text: &str) -> Option<Number> {
    let text = text.trim();
    let digits = text.strip_suffix('%').unwrap_or(text).trim_end();
    let starts_like_one = digits.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    if !starts_like_one {
        return None;
    }
    let number: f64 = digits.parse().ok().filter(|number: &f64| number.abs() <= LARGEST_AMOUNT)?;
    whole(digits).map(Number::from).or_else(|| Number::from_f64(number))
}

/// A whole number, with or without quotes; a blank is `None`.
///
/// # Errors
/// When the value is neither a whole number nor a blank, or beyond 2⁵³.
pub fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(text) = deserializer.deserialize_any(Scalar)? else { return Ok(None) };
    whole(&text).map(Some).ok_or_else(|| D::Error::custom("expected a whole number"))
}

/// How many there are: a whole number that is not negative, with or without quotes; a blank is `None`.
///
/// # Errors
/// When the value is neither such a number nor a blank, or beyond 2⁵³.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match integer(deserializer)? {
        Some(count) if count < 0 => Err(D::Error::custom("expected a count, which is not negative")),
        count => Ok(count),
    }
}

/// A text; numbers and booleans become their text, a blank is `None`. Ids are read as text, so that those of 64 bits
/// stay what they are.
///
/// # Errors
/// When the value is a list or an object, or a number that was rounded when it was read.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_any(Scalar)
}

/// A code as [`text`], without booleans: `true` is no code.
///
/// # Errors
/// When the value is a boolean, a list or an object, or a number that was rounded when it was read.
pub fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(_) => Err(D::Error::custom("expected a code")),
        value => text(value).map_err(D::Error::custom),
    }
}

/// A member as it stands, `null` too: with `default`, only one that is missing is `None`.
///
/// # Errors
/// When the member is not JSON.
pub fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// `318.0` is the whole number 318.
fn whole(text: &str) -> Option<i64> {
    let number = text.parse().ok().or_else(|| without_fraction(text.parse().ok()?))?;
    (-LARGEST_INTEGER..=LARGEST_INTEGER).contains(&number).then_some(number)
}

fn without_fraction(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the exact range")]
    (number.fract() == 0.0 && is_exact(number)).then_some(number as i64)
}

/// Beyond 2⁵³ a float no longer tells which whole number it was read from.
fn is_exact(number: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a power of two is exact")]
    let largest = LARGEST_INTEGER as f64;
    number.abs() <= largest
}

/// A JSON object. Derived readers of structs take a list of their fields for one, which no gateway means.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectOf(PhantomData)).map(Self)
    }
}

struct ObjectOf<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectOf<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// An object; `null` and the empty list, which PHP writes for an empty object, are `None`.
///
/// # Errors
/// When the value is anything else.
pub fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Array(items) if items.is_empty() => Ok(None),
        value => serde_json::from_value(value).map(|Object(value)| Some(value)).map_err(D::Error::custom),
    }
}

/// One object or a list of them, as some fields come with either.
///
/// # Errors
/// When a value is not of the expected type.
pub fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        list @ Value::Array(_) => serde_json::from_value(list).map(inner).map_err(D::Error::custom),
        one => serde_json::from_value(one).map(|Object(one)| vec![one]).map_err(D::Error::custom),
    }
}

fn inner<T>(objects: Vec<Object<T>>) -> Vec<T> {
    objects.into_iter().map(|Object(value)| value).collect()
}

/// Any scalar as trimmed text; `null`, blanks and dashes are `None`.
struct Scalar;

fn unless_blank(text: &str) -> Option<String> {
    let text = text.trim();
    let blank = text.is_empty() || text.chars().all(|character| character == '-') || text == "null";
    (!blank).then(|| text.to_owned())
}

impl<'de> Visitor<'de> for Scalar {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a number or null")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(unless_blank(text))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    /// Whole numbers that do not fit 64 bits come here too, rounded: as an id they would be another's.
    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        if is_exact(number) {
            return Ok(Some(number.to_string()));
        }
        Err(E::custom("a number is too large to be read exactly"))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Some(flag.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[cfg(test)]
mod tests;
