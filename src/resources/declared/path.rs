//! The path of a declared resource: its grammar, and its conflicts with other paths.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// The first segments of paths that belong to the service itself.
const RESERVED: [&str; 9] =
    ["oauth", "docs", "dashboard", "problems", "healthz", "readyz", "metrics", "cache", "openapi"];

const MOST_SEGMENTS: usize = 8;

/// One part of a path between slashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
enum Segment {
    Literal(String),
    /// A segment that matches any text; the name is that of a parameter.
    Parameter(String),
}

/// A path such as `/stores/{store_id}/traffic`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PathTemplate(Vec<Segment>);

impl PathTemplate {
    /// The names of the parameters in the path.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }

    /// Whether a request could match both paths, so that one of them would never get it.
    pub fn meets(&self, other: &Self) -> bool {
        let fit = |(this, that): (&Segment, &Segment)| match (this, that) {
            (Segment::Literal(this), Segment::Literal(that)) => this == that,
            _ => true,
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(fit)
    }
}

impl FromStr for PathTemplate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix('/').ok_or("a path begins with a slash, such as /stores/{store_id}/traffic")?;
        let segments: Vec<Segment> = rest.split('/').map(read_segment).collect::<Result<_, _>>()?;
        let Some(Segment::Literal(first)) = segments.first() else {
            return Err("the first part of a path is a word, not a parameter".to_owned());
        };
        if RESERVED.contains(&first.as_str()) {
            return Err(format!("what begins with /{first} belongs to the service itself"));
        }
        if segments.len() > MOST_SEGMENTS {
            return Err(format!("a path has at most {MOST_SEGMENTS} parts"));
        }
        Ok(Self(segments))
    }
}

fn read_segment(text: &str) -> Result<Segment, String> {
    if let Some(name) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return is_name(name).then(|| Segment::Parameter(name.to_owned())).ok_or_else(|| {
            format!(
                "{{{name}}}: the name of a parameter is made of small letters, digits and `_`, and begins with a letter"
            )
        });
    }
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    let is_word = !text.is_empty() && text.bytes().all(is_letter);
    is_word.then(|| Segment::Literal(text.to_owned())).ok_or_else(|| {
        format!("{text:?}: a part of a path is small letters, digits, dashes and `_`, or a parameter in braces")
    })
}

/// Whether a text is a name that callers may see in paths, queries and responses.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 40
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| match segment {
            Segment::Literal(word) => write!(formatter, "/{word}"),
            Segment::Parameter(name) => write!(formatter, "/{{{name}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::PathTemplate;

    fn path(text: &str) -> PathTemplate {
        text.parse().unwrap()
    }

    #[test]
    fn a_path_is_read_and_written_as_it_was() {
        let traffic = path("/stores/{store_id}/traffic");
        assert_eq!(traffic.to_string(), "/stores/{store_id}/traffic");
        assert_eq!(traffic.parameters().collect::<Vec<_>>(), ["store_id"]);
        assert_eq!(path("/tiktok_shop/orders").to_string(), "/tiktok_shop/orders");
    }

    #[test]
    fn paths_meet_when_one_request_fits_both() {
        let traffic = path("/stores/{store_id}/traffic");
        assert!(traffic.meets(&path("/stores/{id}/traffic")) && traffic.meets(&path("/stores/all/{what}")));
        assert!(!traffic.meets(&path("/stores/{store_id}/flow")) && !traffic.meets(&path("/stores/{store_id}")));
    }

    #[test]
    fn what_is_no_path_is_refused_with_its_reason() {
        for (text, reason) in [
            ("stores", "begins with a slash"),
            ("/{store_id}", "is a word"),
            ("/oauth/more", "belongs to the service itself"),
            ("/stores/", "a part of a path"),
            ("/Stores", "a part of a path"),
            ("/stores/{Store}", "the name of a parameter"),
            ("/a/b/c/d/e/f/g/h/i", "at most 8"),
        ] {
            let error = text.parse::<PathTemplate>().unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
