//! Reads fields that a vendor has not documented, under the names they are likely to have. A value that does not fit is
//! noted as odd and left where it is, so that nothing is lost.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Number, Value};

use super::wire_time;
use crate::json::{odd_values, raw, scalar};

/// The members of an object as they stand on the wire. As values, numbers of more than 64 bits or seventeen digits would
/// be rounded.
pub type RawFields = BTreeMap<String, Box<RawValue>>;

/// The fields of one row, taken out one by one; what is left was not recognized.
pub struct LikelyFields<'a> {
    rest: RawFields,
    zone: &'a TimeZone,
}

impl<'a> LikelyFields<'a> {
    /// The fields of a row whose times are in `zone`.
    pub const fn new(row: RawFields, zone: &'a TimeZone) -> Self {
        Self { rest: row, zone }
    }

    /// The first of these fields that `read` can read. A blank before it is taken and gives nothing.
    pub fn parsed<T>(&mut self, names: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        self.take(names, read).map(|(parsed, _)| parsed)
    }

    /// The first of these fields that `read` can read, and how it is written.
    fn take<T>(&mut self, names: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<(T, Box<RawValue>)> {
        let mut is_odd = false;
        for name in names {
            let Some(value) = self.value(name) else { continue };
            if let Some(parsed) = read(&value) {
                return self.rest.remove(*name).map(|written| (parsed, written));
            }
            if is_blank(&value) {
                self.rest.remove(*name);
            } else {
                is_odd = true;
            }
        }
        if is_odd && let Some(name) = names.first() {
            odd_values::note(name);
        }
        None
    }

    fn value(&self, name: &str) -> Option<Value> {
        serde_json::from_str(raw::harmless(self.rest.get(name)?, name).get()).ok()
    }

    /// A text, or a number as text, unless it was rounded when it was read: then it is no id.
    pub fn text(&mut self, names: &[&str]) -> Option<String> {
        self.parsed(names, |value| match value {
            Value::String(text) if !is_blank(value) => Some(text.trim().to_owned()),
            Value::Number(number) if !number.is_f64() => Some(number.to_string()),
            Value::Number(number) => scalar::parse_number(&number.to_string()).map(|number| number.to_string()),
            _ => None,
        })
    }

    /// A number, with or without quotes.
    pub fn number(&mut self, names: &[&str]) -> Option<Number> {
        self.parsed(names, as_number)
    }

    /// A time as RFC 3339.
    pub fn time(&mut self, names: &[&str]) -> Option<String> {
        let zone = self.zone;
        self.parsed(names, |value| match value {
            Value::String(text) => wire_time::parse(text)?.rfc3339(zone),
            Value::Number(number) => wire_time::parse(&number.to_string())?.rfc3339(zone),
            _ => None,
        })
    }

    /// A list of objects, each of them untouched.
    pub fn objects(&mut self, names: &[&str]) -> Option<Box<RawValue>> {
        let (_, written) = self.take(names, |value| {
            let written = to_raw_value(value).ok()?;
            let items = raw::items(&written).filter(|_| !is_blank(value) || value.is_array())?;
            items.iter().all(|item| item.get().starts_with('{')).then_some(())
        })?;
        if written.get().starts_with('[') { Some(written) } else { to_raw_value(&raw::items(&written)?).ok() }
    }

    /// Addresses: a list of texts, or one text with commas.
    pub fn addresses(&mut self, names: &[&str]) -> Vec<String> {
        let read = |value: &Value| match value {
            Value::Array(items) => {
                items.iter().filter(|item| !is_blank(item)).map(|item| item.as_str().map(str::to_owned)).collect()
            }
            Value::String(text) if !is_blank(value) => {
                Some(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
            }
            _ => None,
        };
        self.parsed(names, read).unwrap_or_default()
    }

    /// Reward and penalty: fields of their own, or an amount with a type (1 reward, 2 penalty). The type is left in
    /// place when it is neither.
    pub fn reward_or_penalty(&mut self) -> (Option<Number>, Option<Number>) {
        const TYPES: [&str; 4] = ["rewardPenaltyType", "rewardPunishType", "rewardType", "moneyType"];
        const AMOUNTS: [&str; 4] = ["rewardPenaltyAmount", "rewardPunishAmount", "rewardAmount", "money"];
        let (reward, penalty) = (self.number(&["reward"]), self.number(&["penalty"]));
        if reward.is_some() || penalty.is_some() {
            return (reward, penalty);
        }
        let kind = TYPES.iter().find_map(|name| as_number(&self.value(name)?)?.as_i64());
        match kind {
            Some(1) => (self.take_amount(&TYPES, &AMOUNTS), None),
            Some(2) => (None, self.take_amount(&TYPES, &AMOUNTS)),
            _ => (None, None),
        }
    }

    /// Every field that was not taken, as it may be handed on.
    pub fn into_rest(self) -> RawFields {
        self.rest.into_iter().map(|(name, value)| (name, raw::harmless(&value, "extra"))).collect()
    }

    fn take_amount(&mut self, types: &[&str], amounts: &[&str]) -> Option<Number> {
        let amount = self.number(amounts)?;
        self.number(types);
        Some(amount)
    }
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
