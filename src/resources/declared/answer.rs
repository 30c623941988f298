//! Translates a gateway's data into the response of a declared resource: where in the data the response is, and which
//! fields it has.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::gateway::error::{Error, Kind};
use crate::gateway::vendor::Vendor;
use crate::json::raw::{self, RawMember, is_nothing};
use crate::json::{odd_values, scalar};
use crate::resources::params::PageInfo;
use crate::resources::wire_time;
use crate::settings::choices;

choices! {
    /// The type of a field.
    pub enum FieldKind {
        /// A text.
        Text = "text",
        /// A number, with or without quotes and percent sign at the gateway.
        Number = "number",
        /// A whole number.
        Integer = "integer",
        /// `true` or `false`; `1` and `0` at the gateway.
        Boolean = "boolean",
        /// A time as RFC 3339, from the gateway's time in its zone.
        Time = "time",
        /// Any JSON, passed on unchanged.
        Any = "any",
    } else "the types of fields are text, number, integer, boolean, time and any"
}

/// A field of the response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeclaredField {
    /// The name that callers see.
    pub name: String,
    /// The JSON pointer to the field in the gateway's object (RFC 6901).
    pub pointer: String,
    /// The type of the field.
    pub kind: FieldKind,
    /// The description in the API document.
    #[serde(skip)]
    pub description: Option<String>,
}

/// The form of the response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum AnswerShape {
    /// The gateway's data, unchanged.
    AsGiven,
    /// One object of these fields.
    Object(Vec<DeclaredField>),
    /// `{"items": […]}`, a list of objects of these fields.
    List(Vec<DeclaredField>),
}

/// Where the response is in the gateway's data, and its form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeclaredAnswer {
    /// The JSON pointer into the gateway's data (RFC 6901); empty for the whole data.
    pub select: String,
    /// The form of the response.
    pub shape: AnswerShape,
}

impl DeclaredAnswer {
    /// Translates the gateway's data. A value that cannot be read becomes `null` and a row that cannot be read is
    /// skipped; both are noted as odd.
    ///
    /// # Errors
    /// There is no data, or nothing of the declared form can be read.
    pub fn of(&self, data: Option<&RawValue>, vendor: Vendor, zone: &TimeZone) -> Result<MappedAnswer, Error> {
        let unreadable = |what: String| Error::local(vendor, Kind::Unreadable, what);
        let selected = self.selected(data.unwrap_or(RawValue::NULL));
        let selected = selected.ok_or_else(|| unreadable(format!("the answer has nothing at {}", self.select)))?;
        match &self.shape {
            AnswerShape::AsGiven => Ok(MappedAnswer::Value(raw::harmless(selected, "answer"))),
            AnswerShape::List(_) => {
                let items = raw::items(selected).ok_or_else(|| unreadable("the answer is not a list".to_owned()))?;
                self.list(&items, None, vendor, zone)
            }
            // Gateways have no code for an object that does not exist: they send no data, or one of PHP's empty values.
            AnswerShape::Object(_) if is_nothing(selected) => {
                Err(Error::local(vendor, Kind::NotFound, "the gateway has no data for this"))
            }
            AnswerShape::Object(fields) => read_object(selected, fields, zone)
                .filter(|_| selected.get().starts_with('{'))
                .ok_or_else(|| unreadable("the answer is no object, or none of its fields can be read".to_owned())),
        }
    }

    /// The rows of a list, as the gateway wrote them; `None` where there is no list.
    ///
    /// # Errors
    /// The data has something else in its place.
    pub fn rows<'a>(&self, data: &'a RawValue, vendor: Vendor) -> Result<Option<Vec<&'a RawValue>>, Error> {
        let unreadable = |what: &str| Error::local(vendor, Kind::Unreadable, what);
        let selected =
            self.selected(data).ok_or_else(|| unreadable("the answer has nothing where its list should be"))?;
        if is_nothing(selected) && !raw::is_list(selected) {
            return Ok(None);
        }
        raw::items(selected).map(Some).ok_or_else(|| unreadable("the answer is not a list"))
    }

    /// Translates the rows of a list, or of a page of it.
    ///
    /// # Errors
    /// There are rows, and none of them can be read.
    pub fn list(
        &self,
        rows: &[&RawValue],
        page: Option<PageInfo>,
        vendor: Vendor,
        zone: &TimeZone,
    ) -> Result<MappedAnswer, Error> {
        let fields = match &self.shape {
            AnswerShape::List(fields) | AnswerShape::Object(fields) => fields.as_slice(),
            AnswerShape::AsGiven => &[],
        };
        let items = read_rows(rows, fields, zone);
        let items = items.ok_or_else(|| Error::local(vendor, Kind::Unreadable, "no row of the list can be read"))?;
        Ok(MappedAnswer::List { items, page })
    }

    /// Whether empty data means the same as success without data, and not an empty list or object.
    pub fn lacks(&self, data: Option<&RawValue>) -> bool {
        let selected = self.selected(data.unwrap_or(RawValue::NULL)).unwrap_or(RawValue::NULL);
        !(raw::is_list(selected) || matches!(self.shape, AnswerShape::AsGiven) && selected.get() != "null")
    }

    /// The value at the pointer; `null` where the data ends before it, or where a list is too short.
    pub(super) fn selected<'a>(&self, data: &'a RawValue) -> Option<&'a RawValue> {
        let mut selected = data;
        for name in names(&self.select) {
            if is_nothing(selected) {
                return Some(RawValue::NULL);
            }
            selected = match step(selected, &name) {
                RawMember::Is(value) => value,
                RawMember::Ambiguous => {
                    odd_values::note("select");
                    RawValue::NULL
                }
                RawMember::Missing if raw::items(selected).is_some() => RawValue::NULL,
                RawMember::Missing => return None,
            };
        }
        Some(selected)
    }
}

/// The translated response.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum MappedAnswer {
    /// One value, digit for digit as the gateway wrote it.
    Value(Box<RawValue>),
    /// The declared fields of an object.
    Object(BTreeMap<String, FieldValue>),
    /// A list.
    List {
        /// The rows.
        items: Vec<Self>,
        /// Where the page stands in the list, if the list is paged.
        #[serde(skip_serializing_if = "Option::is_none")]
        page: Option<PageInfo>,
    },
}

impl MappedAnswer {
    /// Whether there is no content: no row, no field other than `null`, or no data.
    pub fn gives_nothing(&self) -> bool {
        match self {
            Self::Value(value) => {
                value.get() == "null"
                    || (raw::is_list(value) && raw::items(value).is_some_and(|items| items.is_empty()))
            }
            Self::Object(fields) => fields.values().all(Option::is_none),
            Self::List { items, .. } => items.is_empty(),
        }
    }
}

/// The value of a declared field, as the gateway wrote it.
type FieldValue = Option<Box<RawValue>>;

/// The names of a JSON pointer (RFC 6901).
fn names(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"))
}

/// Follows one step of a pointer: the member of an object, or the item of a list, in any shape that a list may have.
fn step<'a>(value: &'a RawValue, name: &str) -> RawMember<'a> {
    let index: Option<usize> = name.parse().ok();
    let list = index.and_then(|index| Some((index, raw::items(value)?)));
    match (list, raw::members(value)) {
        (Some((index, items)), _) => items.get(index).map_or(RawMember::Missing, |item| RawMember::Is(item)),
        (None, Some(members)) => raw::member(&members, name),
        (None, None) => RawMember::Missing,
    }
}

/// The value at a pointer in an object.
fn find<'a>(object: &'a RawValue, pointer: &str) -> RawMember<'a> {
    names(pointer).fold(RawMember::Is(object), |found, name| match found {
        RawMember::Is(value) => step(value, &name),
        other => other,
    })
}

/// The value at a JSON pointer in the data, if there is exactly one.
pub fn value_at<'a>(data: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    match find(data, pointer) {
        RawMember::Is(value) => Some(value),
        RawMember::Missing | RawMember::Ambiguous => None,
    }
}

/// Reads the rows; `None` when there are rows and none of them can be read.
fn read_rows(items: &[&RawValue], fields: &[DeclaredField], zone: &TimeZone) -> Option<Vec<MappedAnswer>> {
    let row = |item: &&RawValue| {
        let row = read_object(item, fields, zone);
        if row.is_none() {
            odd_values::note_row("items");
        }
        row
    };
    let rows: Vec<MappedAnswer> = items.iter().filter_map(row).collect();
    (items.is_empty() || !rows.is_empty()).then_some(rows)
}

/// Reads one object with the declared fields. Single fields may be missing; an object without any of them is another
/// kind of answer.
fn read_object(object: &RawValue, fields: &[DeclaredField], zone: &TimeZone) -> Option<MappedAnswer> {
    if fields.is_empty() {
        return Some(MappedAnswer::Value(raw::harmless(object, "answer")));
    }
    let mut is_known = false;
    let mut read = |field: &DeclaredField| {
        let value = match find(object, &field.pointer) {
            RawMember::Missing => return None,
            RawMember::Is(value) => field.kind.read(value, &field.name, zone),
            RawMember::Ambiguous => Err(()),
        };
        is_known |= value.is_ok();
        value.unwrap_or_else(|()| {
            odd_values::note(&field.name);
            None
        })
    };
    let fields = fields.iter().map(|field| (field.name.clone(), read(field))).collect();
    is_known.then_some(MappedAnswer::Object(fields))
}

impl FieldKind {
    fn read(self, value: &RawValue, name: &str, zone: &TimeZone) -> Result<FieldValue, ()> {
        match self {
            Self::Any => Ok(Some(value).filter(|value| value.get() != "null").map(|value| raw::harmless(value, name))),
            Self::Text => written(scalar::text(value)),
            Self::Number => written(scalar::number(value)),
            Self::Integer => written(scalar::integer(value)),
            Self::Boolean => written(scalar::flag(value)),
            Self::Time => {
                let time = wire_time::read(value).map_err(drop)?;
                written::<_, ()>(Ok(time.and_then(|time| time.rfc3339(zone))))
            }
        }
    }
}

fn written<T: Serialize, E>(read: Result<Option<T>, E>) -> Result<FieldValue, ()> {
    read.map_err(drop)?.map(|value| to_raw_value(&value).map_err(drop)).transpose()
}

#[cfg(test)]
mod tests {
    use super::{AnswerShape, DeclaredAnswer, DeclaredField, FieldKind};
    use crate::gateway::endpoint::china_standard_time;
    use crate::gateway::error::Kind;
    use crate::json::odd_values::collect;
    use serde_json::{Value, json};

    fn field(name: &str, pointer: &str, kind: FieldKind) -> DeclaredField {
        DeclaredField { name: name.to_owned(), pointer: pointer.to_owned(), kind, description: None }
    }

    fn fields() -> Vec<DeclaredField> {
        vec![
            field("visitors", "/flow", FieldKind::Integer),
            field("rate", "/deep/rate", FieldKind::Number),
            field("name", "/name", FieldKind::Text),
            field("is_open", "/open", FieldKind::Boolean),
            field("since", "/since", FieldKind::Time),
        ]
    }

    fn read(select: &str, shape: AnswerShape, data: &Value) -> Result<Value, (Kind, String)> {
        read_text(select, shape, &data.to_string()).map(|read| serde_json::from_str(&read).unwrap())
    }

    fn read_text(select: &str, shape: AnswerShape, data: &str) -> Result<String, (Kind, String)> {
        let answer = DeclaredAnswer { select: select.to_owned(), shape };
        let data = serde_json::from_str(data).unwrap();
        let read = answer.of(Some(data), crate::resources::vendors::opretail(), &china_standard_time());
        read.map(|read| serde_json::to_string(&read).unwrap()).map_err(|error| (error.kind, error.to_string()))
    }

    #[test]
    fn fields_are_found_by_their_pointers_and_read_as_the_vendors_write_them() {
        let data = json!({"list": [
            {"flow": "318", "deep": {"rate": "12.5%"}, "name": 7, "open": "1", "since": "2026-11-22 10:00:00"},
            {"flow": "--"},
        ]});
        let items = read("/list", AnswerShape::List(fields()), &data).unwrap();
        let full =
            json!({"visitors": 318, "rate": 12.5, "name": "7", "is_open": true, "since": "2026-11-22T10:00:00+08:00"});
        let empty = json!({"visitors": null, "rate": null, "name": null, "is_open": null, "since": null});
        assert_eq!(items, json!({"items": [full, empty]}));
    }

    #[test]
    fn what_is_not_there_is_not_found_and_a_list_of_nothing_is_empty() {
        for nothing in [json!(null), json!([]), json!(""), json!(false)] {
            assert_eq!(read("", AnswerShape::Object(fields()), &nothing).unwrap_err().0, Kind::NotFound);
            assert_eq!(read("", AnswerShape::List(fields()), &nothing).unwrap(), json!({"items": []}));
        }
        assert_eq!(read("/list/0", AnswerShape::Object(fields()), &json!({"list": []})).unwrap_err().0, Kind::NotFound);
        for (select, data) in
            [("/list/0/d", json!({"list": []})), ("/list/0/d", json!({"list": null})), ("/x/y", json!({"x": null}))]
        {
            assert_eq!(read(select, AnswerShape::Object(fields()), &data).unwrap_err().0, Kind::NotFound, "{data}");
        }
        assert_eq!(read("/a~1b/~0", AnswerShape::AsGiven, &json!({"a/b": {"~": 3}})).unwrap(), json!(3));
        assert_eq!(read("", AnswerShape::AsGiven, &json!({"a": [1]})).unwrap(), json!({"a": [1]}));
    }

    #[test]
    fn an_answer_as_given_stays_to_the_letter() {
        for data in
            ["[]", "{}", "\"\"", "null", "false", "[[],{}]", "[12345678901234567890123]", r#"{"b":1.50,"a":[ ]}"#]
        {
            assert_eq!(read_text("", AnswerShape::AsGiven, data).unwrap(), data);
        }
        let odd = r#"{"list":{"a":1e999,"b":12345678901234567890123}}"#;
        assert_eq!(read_text("/list", AnswerShape::AsGiven, odd).unwrap(), r#"{"a":null,"b":12345678901234567890123}"#);
    }

    #[test]
    fn an_odd_value_is_null_and_an_odd_row_is_left_out() {
        let data = r#"{"list":[
            {"flow": "many", "deep": {"rate": "1,012.5%"}, "name": [], "open": "yes", "since": "2026-02-30"},
            null, 7, [], {"other": 1}, {"flow": -1e400}, {"flow": 3, "flow": 4, "name": "a"}, {"flow": 5, "open": false}
        ]}"#;
        let (items, odd) = collect(|| read_text("/list", AnswerShape::List(fields()), data).unwrap());
        let items: Value = serde_json::from_str(&items).unwrap();
        let items: Vec<Value> = items["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| json!([item["visitors"], item["rate"], item["name"], item["is_open"], item["since"]]))
            .collect();
        let expected = [
            json!([null, 1012.5, null, null, null]),
            json!([null, null, "a", null, null]),
            json!([5, null, null, false, null]),
        ];
        assert_eq!(items, expected);
        let odd: Vec<(&str, u64)> = odd.iter().collect();
        assert_eq!(odd, [("is_open", 1), ("items[]", 5), ("name", 1), ("since", 1), ("visitors", 3)]);
        let one = r#"{"flow":"x","name":"a"}"#;
        assert_eq!(
            serde_json::from_str::<Value>(&read_text("", AnswerShape::Object(fields()), one).unwrap()).unwrap()["name"],
            "a"
        );
    }

    #[test]
    fn phps_lists_are_lists() {
        let data = json!({"list": {"0": {"flow": 1}, "7": {"flow": 2}}});
        let visitors = |read: Value| {
            read["items"].as_array().unwrap().iter().map(|one| one["visitors"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(visitors(read("/list", AnswerShape::List(fields()), &data).unwrap()), [1, 2]);
        assert_eq!(read("/list/1", AnswerShape::Object(fields()), &data).unwrap()["visitors"], 2);
        assert_eq!(
            read("/list", AnswerShape::List(fields()), &json!({})).unwrap(),
            json!({"items": []}),
            "PHP's empty array"
        );
        for empty in [json!([]), json!({}), json!(""), json!(false), json!(null)] {
            assert_eq!(
                read("/list", AnswerShape::List(fields()), &json!({"list": empty})).unwrap(),
                json!({"items": []})
            );
        }
    }

    #[test]
    fn an_answer_of_another_form_is_unreadable() {
        for (select, shape, data) in [
            ("/list", AnswerShape::List(fields()), json!({"items": []})),
            ("", AnswerShape::List(fields()), json!({"flow": 1})),
            ("", AnswerShape::Object(fields()), json!([{"flow": 1}])),
            ("", AnswerShape::Object(fields()), json!({"other": 1})),
            ("", AnswerShape::Object(fields()), json!({"flow": "many"})),
            ("", AnswerShape::Object(fields()), json!({"open": "yes"})),
            ("", AnswerShape::Object(fields()), json!({"since": "soon"})),
            ("", AnswerShape::List(fields()), json!([7])),
        ] {
            assert_eq!(read(select, shape, &data).unwrap_err().0, Kind::Unreadable, "{data}");
        }
    }
}
