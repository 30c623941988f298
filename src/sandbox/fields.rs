//! Reads a JSON object that people write to the sandbox: each name at most once, with a sentence for every problem.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::error::Category;

/// The names and values of an object, in the order in which they were written. Reading a value removes it.
pub struct ObjectFields(Vec<(String, Value)>);

impl ObjectFields {
    /// Reads an object. `form` tells what to write, for the sentence about anything else: `an order is …`.
    ///
    /// # Errors
    /// A sentence that says where the JSON is invalid, that it is not an object, or which name is repeated.
    pub fn read(text: &str, form: &str) -> Result<Self, String> {
        let fields: Self = serde_json::from_str(text).map_err(|error| match error.classify() {
            Category::Data => format!("this is no JSON object; {form}"),
            _ => format!("this cannot be read as JSON at line {}, column {}; {form}", error.line(), error.column()),
        })?;
        match fields.written_twice() {
            Some(name) => Err(format!("`{name}` is written twice; which one counts?")),
            None => Ok(fields),
        }
    }

    /// Takes a value of any type.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let position = self.0.iter().position(|(candidate, _)| candidate == name)?;
        Some(self.0.remove(position).1)
    }

    /// Takes a text; `example` is one, with its quotes.
    ///
    /// # Errors
    /// A sentence when it is not a text.
    pub fn text(&mut self, name: &str, example: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("`{name}` must be a text in quotes, such as {example}")),
        }
    }

    /// Takes a whole number.
    ///
    /// # Errors
    /// A sentence with the range when it is not a whole number, or out of range.
    pub fn whole<T>(&mut self, name: &str, range: RangeInclusive<T>) -> Result<Option<T>, String>
    where
        T: Display + PartialOrd + TryFrom<u64>,
    {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| T::try_from(number).ok());
        let number = number.filter(|number| range.contains(number)).map(Some);
        number.ok_or_else(|| format!("`{name}` must be a whole number from {} to {}", range.start(), range.end()))
    }

    /// The first name that was not taken.
    pub fn left_over(&self) -> Option<&str> {
        self.iter().map(|(name, _)| name).next()
    }

    /// The values that were not taken, in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn written_twice(&self) -> Option<&str> {
        let is_repeated =
            |(position, name): &(usize, &str)| self.iter().take(*position).any(|(earlier, _)| earlier == *name);
        self.iter().map(|(name, _)| name).enumerate().find(is_repeated).map(|(_, name)| name)
    }
}

// serde_json's own map keeps the last of two values under one name, and derived readers accept a list as an object.
impl<'de> Deserialize<'de> for ObjectFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs).map(Self)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::ObjectFields;

    const FORM: &str = "it is an object such as {}";

    fn refusal(text: &str) -> String {
        ObjectFields::read(text, FORM).err().unwrap()
    }

    #[test]
    fn only_one_whole_object_is_read_and_no_name_twice() {
        for text in ["[\"hang\",null]", "null", "7", "\"hang\""] {
            assert_eq!(refusal(text), format!("this is no JSON object; {FORM}"), "{text}");
        }
        for (text, place) in
            [("", "line 1, column 0"), ("{\n\"a\":}", "line 2, column 5"), ("{} {}", "line 1, column 4")]
        {
            assert_eq!(refusal(text), format!("this cannot be read as JSON at {place}; {FORM}"), "{text}");
        }
        assert_eq!(refusal(r#"{"a":1,"b":2,"a":1}"#), "`a` is written twice; which one counts?");
    }

    #[test]
    fn values_of_another_type_are_refused_with_what_to_write() {
        for text in ["null", "3", "[]", "{}", "true"] {
            let mut fields = ObjectFields::read(&format!(r#"{{"a":{text}}}"#), FORM).unwrap();
            assert_eq!(fields.text("a", "\"x\"").unwrap_err(), "`a` must be a text in quotes, such as \"x\"");
        }
        for text in ["null", "\"3\"", "3.0", "0", "10", "-3", "18446744073709551616"] {
            let mut fields = ObjectFields::read(&format!(r#"{{"a":{text}}}"#), FORM).unwrap();
            assert_eq!(fields.whole("a", 1..=9_u32).unwrap_err(), "`a` must be a whole number from 1 to 9", "{text}");
        }
    }

    #[test]
    fn what_is_taken_is_gone_and_the_rest_is_left_over() {
        let mut fields = ObjectFields::read(r#"{"b":"x","a":9,"c":null}"#, FORM).unwrap();
        assert_eq!((fields.whole("a", 0..=9_u8), fields.whole("a", 0..=9_u8)), (Ok(Some(9)), Ok(None)));
        assert_eq!(fields.left_over(), Some("b"));
        assert_eq!((fields.text("b", ""), fields.text("b", "")), (Ok(Some("x".to_owned())), Ok(None)));
        assert_eq!(fields.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["c"]);
    }
}
