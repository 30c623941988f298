//! The path of a claim in a token: a name, nested names, or a JSON Pointer.

use serde_json::{Map, Value};

/// The path of a claim: its name, nested names joined by dots (`realm_access.roles`), or a JSON Pointer for names that
/// contain dots (`/resource_access/shop.example.com/roles`, RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClaimPath(String);

/// The value at the end of a path.
pub(super) enum ClaimValue<'a> {
    Value(&'a Value),
    /// The token does not contain the claim.
    Absent,
    /// The claim, or an object on the path, is null: the token grants nothing, or its limits are unknown.
    Null,
    /// A value on the path is not an object, so it is unknown what the token states.
    NoWay,
}

impl ClaimPath {
    pub(super) fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// A claim of exactly this name comes first, since names such as `https://example.com/roles` contain dots.
    pub(super) fn find<'a>(&self, claims: &'a Map<String, Value>) -> ClaimValue<'a> {
        if let Some(value) = claims.get(&self.0) {
            return ClaimValue::of(value);
        }
        match self.0.strip_prefix('/') {
            Some(pointer) => {
                let names: Vec<String> =
                    pointer.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
                follow(claims, names.iter().map(String::as_str))
            }
            None => follow(claims, self.0.split('.')),
        }
    }
}

fn follow<'a, 'n>(claims: &'a Map<String, Value>, mut names: impl Iterator<Item = &'n str>) -> ClaimValue<'a> {
    let mut value = names.next().and_then(|first| claims.get(first));
    for name in names {
        match value {
            None => return ClaimValue::Absent,
            Some(Value::Null) => return ClaimValue::Null,
            Some(Value::Object(inner)) => value = inner.get(name),
            Some(_) => return ClaimValue::NoWay,
        }
    }
    value.map_or(ClaimValue::Absent, ClaimValue::of)
}

impl<'a> ClaimValue<'a> {
    const fn of(value: &'a Value) -> Self {
        if matches!(value, Value::Null) { Self::Null } else { Self::Value(value) }
    }

    /// Returns the value of a claim that a token must have. Without a value the token is refused for any reason.
    pub(super) const fn value(self) -> Option<&'a Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null | Self::NoWay => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ClaimPath, ClaimValue};
    use serde_json::{Value, json};

    fn find(path: &str) -> Option<Value> {
        let claims = json!({
            "a": { "b": { "c": 1 }, "b.c": 2, "x/y": 3, "~": 4 }, "a.b": { "c": 5 }, "/a/b": 6, "text": "t", "null": null, "n": { "null": null },
        });
        match ClaimPath::new(path).find(claims.as_object().unwrap()) {
            ClaimValue::Value(value) => Some(value.clone()),
            ClaimValue::Absent => None,
            ClaimValue::Null => Some(json!(null)),
            ClaimValue::NoWay => Some(json!("no way")),
        }
    }

    #[test]
    fn a_name_comes_first_then_a_pointer_or_names_joined_by_dots() {
        for (path, expected) in [
            ("a.b.c", Some(json!(1))),
            ("a.b", Some(json!({ "c": 5 }))),
            ("/a/b/c", Some(json!(1))),
            ("/a/b.c", Some(json!(2))),
            ("/a.b/c", Some(json!(5))),
            ("/a/x~1y", Some(json!(3))),
            ("/a/~0", Some(json!(4))),
            ("/a/b", Some(json!(6))),
            ("/text", Some(json!("t"))),
            ("/a/none", None),
            ("a.none.c", None),
            ("none", None),
            ("", None),
            ("/", None),
            ("null", Some(json!(null))),
            ("null.a.b", Some(json!(null))),
            ("n.null", Some(json!(null))),
            ("/n/null/a", Some(json!(null))),
            ("text.b", Some(json!("no way"))),
            ("/text/b", Some(json!("no way"))),
            ("a.b.c.d", Some(json!("no way"))),
        ] {
            assert_eq!(find(path), expected, "{path}");
        }
    }
}
