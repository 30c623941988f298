//! Reads fields whose name a vendor has not documented, by aliases. The first alias that the row has is the field,
//! whatever its value, because another name may mean something else. A value that does not fit is noted as odd and left
//! in the row, so that nothing is lost.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Number, Value};

use super::wire_time;
use crate::json::{odd_values, raw, scalar};

/// The members of an object as the gateway wrote them. As parsed values, numbers of more than 64 bits or seventeen
/// digits would be rounded.
pub type RawFields = BTreeMap<String, Box<RawValue>>;

/// The fields of one row, which are taken by their aliases one by one; the rest is left.
pub struct AliasedFields<'a> {
    rest: RawFields,
    zone: &'a TimeZone,
}

impl<'a> AliasedFields<'a> {
    /// Creates a reader of a row whose times are in `zone`.
    pub const fn new(row: RawFields, zone: &'a TimeZone) -> Self {
        Self { rest: row, zone }
    }

    /// Takes a field if `read` can read it. A blank value is taken and gives `None`.
    pub fn parsed<T>(&mut self, aliases: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        self.take(aliases, |_, written| read(&value(written)?))
    }

    /// Takes a field, read from its JSON text, if `read` can read it. `read` also gets the name.
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

    /// The alias that this row has.
    fn present<'n>(&self, aliases: &[&'n str]) -> Option<&'n str> {
        aliases.iter().copied().find(|name| self.rest.contains_key(*name))
    }

    /// Takes a text, or a number as text unless it was rounded, because then it is not an id.
    pub fn text(&mut self, aliases: &[&str]) -> Option<String> {
        self.parsed(aliases, |value| match value {
            Value::String(text) if !is_blank(value) => Some(text.trim().to_owned()),
            Value::Number(number) if !number.is_f64() => Some(number.to_string()),
            Value::Number(number) => scalar::parse_number(&number.to_string()).map(|number| number.to_string()),
            _ => None,
        })
    }

    /// Takes a number, with or without quotes.
    pub fn number(&mut self, aliases: &[&str]) -> Option<Number> {
        self.parsed(aliases, as_number)
    }

    /// Takes a time, as RFC 3339.
    pub fn time(&mut self, aliases: &[&str]) -> Option<String> {
        let zone = self.zone;
        self.parsed(aliases, |value| match value {
            Value::String(text) => wire_time::parse(text)?.rfc3339(zone),
            Value::Number(number) => wire_time::parse(&number.to_string())?.rfc3339(zone),
            _ => None,
        })
    }

    /// Takes a list of objects, each unchanged. Items that are not objects are skipped.
    pub fn objects(&mut self, aliases: &[&str]) -> Option<Box<RawValue>> {
        let object = |item: &RawValue| item.get().starts_with('{').then(|| item.to_owned());
        to_raw_value(&self.take(aliases, |name, written| list(name, written, object))?).ok()
    }

    /// Takes addresses: a list of texts, or one text with commas. Items that are not texts are skipped.
    pub fn addresses(&mut self, aliases: &[&str]) -> Vec<String> {
        let addresses = self.take(aliases, |name, written| match text(written) {
            Some(texts) => {
                Some(texts.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
            }
            None => list(name, written, text),
        });
        addresses.unwrap_or_default()
    }

    /// Takes reward and penalty: fields of their own, or an amount with a type (1 reward, 2 penalty). Any other type is
    /// left in place.
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

    /// The fields that were not taken, which may be passed on.
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

/// A text that is not blank.
fn text(written: &RawValue) -> Option<String> {
    match value(written)? {
        Value::String(text) if !is_blank(&Value::String(text.clone())) => Some(text),
        _ => None,
    }
}

/// The items of a list that `read` can read; others are skipped and noted as odd. `None` for a value that is not a
/// list, and for a list without a readable item.
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

/// Whether the value is one that vendors write for no value.
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
