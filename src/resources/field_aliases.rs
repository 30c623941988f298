//! Reads fields of which a vendor has not documented the name, by aliases. The first alias that stands in the row is the
//! field, whatever its value: under another name there may be something else. A value that does not fit is noted as odd and
//! left where it is, so that nothing is lost.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Number, Value};

use super::wire_time;
use crate::json::{odd_values, raw, scalar};

/// The members of an object as they stand on the wire. As values, numbers of more than 64 bits or seventeen digits would
/// be rounded.
pub type RawFields = BTreeMap<String, Box<RawValue>>;

/// The fields of one row, taken out one by one by their aliases; what is left has none of them.
pub struct AliasedFields<'a> {
    rest: RawFields,
    zone: &'a TimeZone,
}

impl<'a> AliasedFields<'a> {
    /// The fields of a row whose times are in `zone`.
    pub const fn new(row: RawFields, zone: &'a TimeZone) -> Self {
        Self { rest: row, zone }
    }

    /// The field, if `read` can read it. A blank is taken and gives nothing.
    pub fn parsed<T>(&mut self, aliases: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        self.take(aliases, |_, written| read(&value(written)?))
    }

    /// Takes a field that is read as it is written, if `read` can read it. `read` is given the name, too.
    fn take<T>(&mut self, aliases: &[&str], read: impl Fn(&str, &RawValue) -> Option<T>) -> Option<T> {
        let name = self.present(aliases)?;
        let written = raw::harmless(self.rest.get(name)?, name);
        let parsed = read(name, &written);
        if parsed.is_some() || value(&written).is_some_and(|value| is_blank(&value)) {
            self.rest.remove(name);
        } else {
            odd_values::note(name);
        }
        parsed
    }

    /// The name that the field has in this row.
    fn present<'n>(&self, aliases: &[&'n str]) -> Option<&'n str> {
        aliases.iter().copied().find(|name| self.rest.contains_key(*name))
    }

    /// A text, or a number as text, unless it was rounded when it was read: then it is no id.
    pub fn text(&mut self, aliases: &[&str]) -> Option<String> {
        self.parsed(aliases, |value| match value {
            Value::String(text) if !is_blank(value) => Some(text.trim().to_owned()),
            Value::Number(number) if !number.is_f64() => Some(number.to_string()),
            Value::Number(number) => scalar::parse_number(&number.to_string()).map(|number| number.to_string()),
            _ => None,
        })
    }

    /// A number, with or without quotes.
    pub fn number(&mut self, aliases: &[&str]) -> Option<Number> {
        self.parsed(aliases, as_number)
    }

    /// A time as RFC 3339.
    pub fn time(&mut self, aliases: &[&str]) -> Option<String> {
        let zone = self.zone;
        self.parsed(aliases, |value| match value {
            Value::String(text) => wire_time::parse(text)?.rfc3339(zone),
            Value::Number(number) => wire_time::parse(&number.to_string())?.rfc3339(zone),
            _ => None,
        })
    }

    /// A list of objects, each of them untouched. What is no object is left out.
    pub fn objects(&mut self, aliases: &[&str]) -> Option<Box<RawValue>> {
        let object = |item: &RawValue| item.get().starts_with('{').then(|| item.to_owned());
        to_raw_value(&self.take(aliases, |name, written| list(name, written, object))?).ok()
    }

    /// Addresses: a list of texts, or one text with commas. What is no text is left out.
    pub fn addresses(&mut self, aliases: &[&str]) -> Vec<String> {
        let addresses = self.take(aliases, |name, written| match text(written) {
            Some(texts) => {
                Some(texts.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
            }
            None => list(name, written, text),
        });
        addresses.unwrap_or_default()
    }

    /// Reward and penalty: fields of their own, or an amount with a type (1 reward, 2 penalty). The type is left in
    /// place when it is neither.
    pub fn reward_or_penalty(&mut self) -> (Option<Number>, Option<Number>) {
        const PAIRS: [(&str, &str); 2] =
            [("rewardPenaltyType", "rewardPenaltyAmount"), ("rewardPunishType", "rewardPunishAmount")];
        let (reward, penalty) = (self.number(&["reward"]), self.number(&["penalty"]));
        if reward.is_some() || penalty.is_some() {
            return (reward, penalty);
        }
        let Some((kind, amount)) = PAIRS.into_iter().find(|(kind, _)| self.rest.contains_key(*kind)) else {
            return (None, None);
        };
        let code = self.rest.get(kind).and_then(|written| value(&raw::harmless(written, kind)));
        match code.as_ref().and_then(as_number).and_then(|code| code.as_i64()) {
            Some(1) => (self.take_amount(kind, amount), None),
            Some(2) => (None, self.take_amount(kind, amount)),
            Some(_) => (None, None),
            None => {
                if !code.as_ref().is_some_and(is_blank) {
                    odd_values::note(kind);
                }
                (None, None)
            }
        }
    }

    /// Every field that was not taken, as it may be handed on.
    pub fn into_rest(self) -> RawFields {
        self.rest.into_iter().map(|(name, value)| (name, raw::harmless(&value, "extra"))).collect()
    }

    fn take_amount(&mut self, kind: &str, amount: &str) -> Option<Number> {
        let amount = self.number(&[amount])?;
        self.number(&[kind]);
        Some(amount)
    }
}

fn value(written: &RawValue) -> Option<Value> {
    serde_json::from_str(written.get()).ok()
}

/// A text that is no blank.
fn text(written: &RawValue) -> Option<String> {
    match value(written)? {
        Value::String(text) if !is_blank(&Value::String(text.clone())) => Some(text),
        _ => None,
    }
}

/// The items of a list that `read` can read; the others are left out and noted. `None` for what is no list, and for one of
/// which nothing can be read.
fn list<T>(name: &str, written: &RawValue, read: impl Fn(&RawValue) -> Option<T>) -> Option<Vec<T>> {
    let items = raw::items(written).filter(|_| written.get().starts_with(['[', '{']))?;
    let parsed: Vec<T> = items.iter().filter_map(|item| read(item)).collect();
    if parsed.is_empty() && !items.is_empty() {
        return None;
    }
    (parsed.len()..items.len()).for_each(|_| odd_values::note_row(name));
    Some(parsed)
}

fn as_number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => scalar::parse_number(&number.to_string()),
        Value::String(text) => scalar::parse_number(text),
        _ => None,
    }
}

/// What the vendors write where there is nothing.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => {
            text.trim().chars().all(|character| character == '-') || wire_time::is_database_blank(text)
        }
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
