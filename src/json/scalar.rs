//! Reads scalars as the vendors write them: `12.5`, `"12.5"`, `"12.5%"`, `"1,012.50"`, `""`, `"--"`, `false` and `null`
//! all occur for one field. Implausibly large numbers are refused. For `#[serde(default, deserialize_with = "…")]` on
//! the fields of a vendor's data.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// The largest amount that is accepted, positive or negative: more than any tenant sells, and a float holds every cent
/// of it.
const LARGEST_AMOUNT: f64 = 1e15;
const LARGEST_WHOLE_AMOUNT: i64 = 1_000_000_000_000_000;

/// The largest whole number that is accepted, positive or negative. Up to it every JSON reader is exact (RFC 8259 §6).
const LARGEST_INTEGER: i64 = 1 << 53;

/// Reads a number, with or without quotes, thousands separators and percent sign; a blank is `None`. A whole number
/// stays one: `48210`, not `48210.0`.
///
/// # Errors
/// The value is neither a number nor a blank, or is beyond 10¹⁵.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Number>, D::Error> {
    let Some(scalar) = deserializer.deserialize_any(ScalarVisitor)? else { return Ok(None) };
    scalar.number().map(Some).ok_or_else(|| D::Error::custom("expected a number"))
}

/// Parses a number as the vendors write it, with or without thousands separators and percent sign; `None` beyond 10¹⁵.
pub fn parse_number(text: &str) -> Option<Number> {
    let text = text.trim();
    let digits = without_separators(text.strip_suffix('%').unwrap_or(text).trim_end())?;
    let starts_like_one = digits.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    if !starts_like_one {
        return None;
    }
    let number: f64 = digits.parse().ok().filter(|number: &f64| number.abs() <= LARGEST_AMOUNT)?;
    whole(&digits).map(Number::from).or_else(|| Number::from_f64(number))
}

/// Removes the commas between thousands; `None` when they do not separate groups of three digits, because their meaning
/// is then unknown. A number below one has no thousands.
fn without_separators(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(',') {
        return Some(text.into());
    }
    let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split(',');
    let first = groups.next().filter(|first| are_digits(first) && first.len() <= 3 && !first.starts_with('0'))?;
    let is_grouped = groups.clone().all(|group| are_digits(group) && group.len() == 3);
    if !is_grouped || !fraction.is_none_or(are_digits) {
        return None;
    }
    let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
    Some(format!("{sign}{first}{}{fraction}", groups.collect::<String>()).into())
}

/// Reads a whole number, with or without quotes and thousands separators; a blank is `None`.
///
/// # Errors
/// The value is neither a whole number nor a blank, or is beyond 2⁵³.
pub fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(scalar) = deserializer.deserialize_any(ScalarVisitor)? else { return Ok(None) };
    scalar.integer().map(Some).ok_or_else(|| D::Error::custom("expected a whole number"))
}

/// Reads a count: a whole number that is not negative, with or without quotes; a blank is `None`.
///
/// # Errors
/// The value is neither such a number nor a blank, or is beyond 2⁵³.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match integer(deserializer)? {
        Some(count) if count < 0 => Err(D::Error::custom("expected a count, which is not negative")),
        count => Ok(count),
    }
}

/// Reads a text; numbers and `true` become their text, a blank is `None`. Ids are read as text, so that those of 64
/// bits stay exact.
///
/// # Errors
/// The value is a list or an object, or a number that was rounded when it was read.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(deserializer.deserialize_any(ScalarVisitor)?.map(Scalar::into_text))
}

/// Reads a code like [`text`], except that `true` is not a code.
///
/// # Errors
/// The value is `true`, a list or an object, or a number that was rounded when it was read.
pub fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(true) => Err(D::Error::custom("expected a code")),
        value => text(value).map_err(D::Error::custom),
    }
}

/// Reads a boolean as `true`, `1`, their texts and their opposites; a blank is `None`.
///
/// # Errors
/// The value is anything else.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value == Value::Bool(false) {
        return Ok(Some(false));
    }
    match text(value).map_err(D::Error::custom)?.as_deref() {
        None => Ok(None),
        Some("1" | "true") => Ok(Some(true)),
        Some("0" | "false") => Ok(Some(false)),
        Some(_) => Err(D::Error::custom("expected true or false, 1 or 0")),
    }
}

/// Reads a member unchanged, including `null`: with `default`, only a missing one is `None`.
///
/// # Errors
/// The member is not JSON.
pub fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Parses a whole number: `318.0` is 318, and `1,318` is 1318.
fn whole(text: &str) -> Option<i64> {
    let text = without_separators(text)?;
    text.parse().map_or_else(|_| without_fraction(text.parse().ok()?), within)
}

fn within(number: i64) -> Option<i64> {
    (-LARGEST_INTEGER..=LARGEST_INTEGER).contains(&number).then_some(number)
}

fn without_fraction(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the exact range")]
    (number.fract() == 0.0 && is_exact(number)).then_some(number as i64)
}

/// Whether a float is exact; beyond 2⁵³ it may have been rounded from another whole number.
fn is_exact(number: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a power of two is exact")]
    let largest = LARGEST_INTEGER as f64;
    number.abs() <= largest
}

/// A scalar that is not blank. Numbers stay numbers, because most figures are numbers, and converting them to text
/// would mean parsing them again.
enum Scalar {
    /// A trimmed text.
    Text(String),
    Signed(i64),
    Unsigned(u64),
    /// A float; a whole number in it was not rounded.
    Float(f64),
    True,
}

impl Scalar {
    fn number(&self) -> Option<Number> {
        match self {
            Self::Text(text) => parse_number(text),
            Self::True => None,
            Self::Float(number) if number.fract() != 0.0 => {
                Number::from_f64(*number).filter(|_| number.abs() <= LARGEST_AMOUNT)
            }
            whole => whole.integer().filter(|number| number.abs() <= LARGEST_WHOLE_AMOUNT).map(Number::from),
        }
    }

    fn integer(&self) -> Option<i64> {
        match self {
            Self::Text(text) => whole(text),
            Self::Signed(number) => within(*number),
            Self::Unsigned(number) => within(i64::try_from(*number).ok()?),
            Self::Float(number) => without_fraction(*number),
            Self::True => None,
        }
    }

    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Signed(number) => number.to_string(),
            Self::Unsigned(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::True => "true".to_owned(),
        }
    }
}

/// Reads any scalar; `null`, blanks, dashes and PHP's `false` are `None`.
struct ScalarVisitor;

fn unless_blank(text: &str) -> Option<Scalar> {
    let text = text.trim();
    let blank = text.is_empty() || text.chars().all(|character| character == '-') || text == "null";
    (!blank).then(|| Scalar::Text(text.to_owned()))
}

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Option<Scalar>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a number or null")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(unless_blank(text))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Signed(number)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Unsigned(number)))
    }

    /// Whole numbers that do not fit into 64 bits arrive here too, rounded: as an id they could be another object's.
    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        if is_exact(number) {
            return Ok(Some(Scalar::Float(number)));
        }
        Err(E::custom("a number is too large to be read exactly"))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(flag.then_some(Scalar::True))
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
