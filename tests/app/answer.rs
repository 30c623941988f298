//! A whole answer of the service, and the shape that every problem must have.

use actix_web::http::header::HeaderMap;
use bytes::Bytes;
use serde_json::Value;

use crate::app::tenants::ISSUER;

/// The name of a type, where it is the address of its page at a service of the tests.
pub fn problem_name(kind: &Value) -> String {
    let pages = [ISSUER, "http://127.0.0.1:8080"].map(|service| format!("{service}/problems/"));
    let kind = kind.as_str().unwrap();
    pages.iter().find_map(|pages| kind.strip_prefix(pages)).unwrap_or_else(|| panic!("{kind} is no page")).to_owned()
}

/// Members that differ from run to run or from release to release.
const VARYING: [&str; 6] = ["access_token", "call_id", "jti", "request_id", "version", "x"];

/// JSON in which the text of each such member is the member's name.
pub fn redacted(mut json: Value) -> Value {
    match &mut json {
        Value::Object(members) => {
            for (name, member) in members {
                *member = match member.take() {
                    Value::String(_) if VARYING.contains(&name.as_str()) => format!("[{name}]").into(),
                    other => redacted(other),
                };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = redacted(item.take())),
        _ => {}
    }
    json
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came, still encoded.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body for a snapshot: what differs from run to run is replaced.
    pub fn snapshot(&self) -> Value {
        redacted(self.json())
    }

    /// The ids of a list's items.
    pub fn ids(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{}", self.text());
        let list = self.json();
        list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header that is there at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name);
        let value = values.next().map(|value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} is there twice");
        value
    }

    /// The problem's type without what stands before its name, after a look at the whole shape.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json; charset=utf-8"), "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        for field in ["title", "detail", "instance"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {problem}");
        }
        problem_name(&problem["type"])
    }
}
