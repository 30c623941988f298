//! What a declared resource makes of the gateway's data: where in it the answer is, and which fields it has.

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::gateway::error::{Error, Kind};
use crate::gateway::scalar;
use crate::gateway::vendor::Gateway;
use crate::resources::wire_time;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum FieldKind {
    /// A text.
    Text,
    /// A number, with or without quotes and percent sign at the gateway.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`; `1` and `0` at the gateway.
    Boolean,
    /// A moment as RFC 3339, from the gateway's time in its zone.
    Time,
    /// Whatever the gateway gives.
    Any,
}

/// A field of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its name for callers.
    pub name: String,
    /// Where it stands in the gateway's object (RFC 6901).
    pub pointer: String,
    /// What it holds.
    pub kind: FieldKind,
    /// What people should know of it.
    #[serde(skip)]
    pub description: Option<String>,
}

/// The form of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Shape {
    /// What the gateway gives, as it is.
    AsGiven,
    /// One object of these fields.
    Object(Vec<Field>),
    /// `{"items": […]}`, objects of these fields.
    List(Vec<Field>),
}

/// Where the answer is, and its form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Where it stands in the gateway's data (RFC 6901); the whole of it when empty.
    pub select: String,
    /// Its form.
    pub shape: Shape,
}

impl Answer {
    /// The answer from the gateway's data.
    ///
    /// # Errors
    /// There is no data, or it is not of the declared form.
    pub fn of(&self, data: Option<Value>, gateway: Gateway, zone: &TimeZone) -> Result<Value, Error> {
        let unreadable = |what: String| Error::local(gateway, Kind::Unreadable, what);
        let data = data.unwrap_or(Value::Null);
        let selected = self.selected(&data);
        let selected = selected.ok_or_else(|| unreadable(format!("the answer has nothing at {}", self.select)))?;
        match &self.shape {
            Shape::AsGiven if is_exact(selected) => Ok(selected.clone()),
            Shape::AsGiven => Err(unreadable("there is a whole number that would be rounded".to_owned())),
            Shape::Object(fields) if is_object(selected) => read_object(selected, fields, zone).map_err(unreadable),
            Shape::List(_) if selected.is_null() => Ok(json!({"items": []})),
            Shape::List(fields) => {
                let items = selected.as_array().ok_or_else(|| unreadable("the answer is not a list".to_owned()))?;
                let items: Result<Vec<Value>, String> =
                    items.iter().map(|item| read_object(item, fields, zone)).collect();
                Ok(json!({"items": items.map_err(unreadable)?}))
            }
            // Gateways have no code for what is not there: they give no data, or PHP's empty list.
            Shape::Object(_) if is_nothing(selected) => {
                Err(Error::local(gateway, Kind::NotFound, "the gateway has no data for this"))
            }
            Shape::Object(_) => Err(unreadable("the answer is not an object".to_owned())),
        }
    }
}

impl Answer {
    /// What the pointer points at; `null` where there is no data on the way, or a list has not so many members.
    fn selected<'a>(&self, data: &'a Value) -> Option<&'a Value> {
        let mut selected = data;
        for name in self.select.split('/').skip(1) {
            let name = name.replace("~1", "/").replace("~0", "~");
            selected = match selected {
                Value::Null => return Some(&Value::Null),
                Value::Array(items) => name.parse().ok().and_then(|at: usize| items.get(at)).unwrap_or(&Value::Null),
                other => other.get(&name)?,
            };
        }
        Some(selected)
    }
}

const fn is_object(value: &Value) -> bool {
    matches!(value, Value::Object(_))
}

/// Whether every whole number is what the gateway wrote: beyond 64 bits it would be rounded.
fn is_exact(value: &Value) -> bool {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => !number.is_f64() || number.as_f64().is_some_and(|number| number.abs() < EXACT),
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(fields) => fields.values().all(is_exact),
        _ => true,
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// One object with the declared fields. Each may be missing, but not all of them: then it is another answer.
fn read_object(object: &Value, fields: &[Field], zone: &TimeZone) -> Result<Value, String> {
    if fields.is_empty() {
        return Ok(object.clone());
    }
    let mut read = Map::new();
    let mut is_known = false;
    for Field { name, pointer, kind, .. } in fields {
        let value = object.pointer(pointer);
        is_known |= value.is_some();
        let value = value.filter(|value| !value.is_null()).map(|value| kind.read(value, zone)).transpose();
        let value = value.map_err(|error| format!("{pointer}: {error}"))?;
        read.insert(name.clone(), value.unwrap_or(Value::Null));
    }
    if is_known { Ok(Value::Object(read)) } else { Err("none of the declared fields is there".to_owned()) }
}

impl FieldKind {
    fn read(self, value: &Value, zone: &TimeZone) -> Result<Value, serde_json::Error> {
        let value = value.clone();
        Ok(match self {
            Self::Any if is_exact(&value) => value,
            Self::Any => return Err(serde::de::Error::custom("there is a whole number that would be rounded")),
            Self::Text => json!(scalar::text(value)?),
            Self::Number => json!(scalar::number(value)?),
            Self::Integer => json!(scalar::integer(value)?),
            Self::Boolean => match value {
                Value::Bool(_) => value,
                other => match scalar::text(other)?.as_deref() {
                    None => Value::Null,
                    Some("1" | "true") => Value::Bool(true),
                    Some("0" | "false") => Value::Bool(false),
                    Some(_) => return Err(serde::de::Error::custom("expected true or false, 1 or 0")),
                },
            },
            Self::Time => match scalar::text(value)? {
                // What databases write for no time.
                Some(text) if !text.starts_with("0000-00-00") => {
                    let read = wire_time::read(&text, zone);
                    json!(read.ok_or_else(|| <serde_json::Error as serde::de::Error>::custom("expected a time"))?)
                }
                _ => Value::Null,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Field, FieldKind, Shape};
    use crate::gateway::endpoint::china_standard_time;
    use crate::gateway::error::Kind;
    use crate::gateway::vendor::Gateway;
    use serde_json::{Value, json};

    fn field(name: &str, pointer: &str, kind: FieldKind) -> Field {
        Field { name: name.to_owned(), pointer: pointer.to_owned(), kind, description: None }
    }

    fn fields() -> Vec<Field> {
        vec![
            field("visitors", "/flow", FieldKind::Integer),
            field("rate", "/deep/rate", FieldKind::Number),
            field("name", "/name", FieldKind::Text),
            field("is_open", "/open", FieldKind::Boolean),
            field("since", "/since", FieldKind::Time),
        ]
    }

    fn read(select: &str, shape: Shape, data: Value) -> Result<Value, (Kind, String)> {
        let answer = Answer { select: select.to_owned(), shape };
        let read = answer.of(Some(data), Gateway::OpRetail, &china_standard_time());
        read.map_err(|error| (error.kind, error.to_string()))
    }

    #[test]
    fn fields_are_found_by_their_pointers_and_read_as_the_vendors_write_them() {
        let data = json!({"list": [
            {"flow": "318", "deep": {"rate": "12.5%"}, "name": 7, "open": "1", "since": "2026-11-22 10:00:00"},
            {"flow": "--"},
        ]});
        let items = read("/list", Shape::List(fields()), data).unwrap();
        let full =
            json!({"visitors": 318, "rate": 12.5, "name": "7", "is_open": true, "since": "2026-11-22T10:00:00+08:00"});
        let empty = json!({"visitors": null, "rate": null, "name": null, "is_open": null, "since": null});
        assert_eq!(items, json!({"items": [full, empty]}));
    }

    #[test]
    fn what_is_not_there_is_not_found_and_a_list_of_nothing_is_empty() {
        for nothing in [json!(null), json!([])] {
            assert_eq!(read("", Shape::Object(fields()), nothing.clone()).unwrap_err().0, Kind::NotFound);
            assert_eq!(read("", Shape::List(fields()), nothing).unwrap(), json!({"items": []}));
        }
        assert_eq!(read("/list/0", Shape::Object(fields()), json!({"list": []})).unwrap_err().0, Kind::NotFound);
        for (select, data) in
            [("/list/0/d", json!({"list": []})), ("/list/0/d", json!({"list": null})), ("/x/y", json!({"x": null}))]
        {
            assert_eq!(read(select, Shape::Object(fields()), data.clone()).unwrap_err().0, Kind::NotFound, "{data}");
        }
        assert_eq!(read("/a~1b/~0", Shape::AsGiven, json!({"a/b": {"~": 3}})).unwrap(), json!(3));
        assert_eq!(read("", Shape::AsGiven, json!({"a": [1]})).unwrap(), json!({"a": [1]}));
    }

    #[test]
    fn an_answer_of_another_form_is_unreadable() {
        for (select, shape, data) in [
            ("/list", Shape::List(fields()), json!({"items": []})),
            ("", Shape::List(fields()), json!({"flow": 1})),
            ("", Shape::Object(fields()), json!([{"flow": 1}])),
            ("", Shape::Object(fields()), json!({"other": 1})),
            ("", Shape::Object(fields()), json!({"flow": "many"})),
            ("", Shape::Object(fields()), json!({"open": "yes"})),
            ("", Shape::Object(fields()), json!({"since": "soon"})),
            ("", Shape::AsGiven, serde_json::from_str("[12345678901234567890123]").unwrap()),
            ("", Shape::List(fields()), json!([7])),
        ] {
            assert_eq!(read(select, shape, data.clone()).unwrap_err().0, Kind::Unreadable, "{data}");
        }
    }
}
