//! The redacted path of a request for logs and errors. A token that a caller puts into a path by mistake appears in
//! neither.

use std::borrow::Cow;

/// The longest segment that is shown. No id is longer, and every token is.
const LONGEST_SEGMENT: usize = 64;

/// Replaces a segment that is not shown. The character is allowed in paths (RFC 3986 §3.3).
const MASK: &str = "*";

/// The prefixes of client secrets and API keys.
pub const SECRET_PREFIXES: [&str; 2] = ["sgs_", "sgk_"];

/// Returns the path without segments that may be tokens.
pub fn of(path: &str) -> Cow<'_, str> {
    if !path.split('/').any(may_be_token) {
        return Cow::Borrowed(path);
    }
    let shown = path.split('/').map(|segment| if may_be_token(segment) { MASK } else { segment });
    Cow::Owned(shown.collect::<Vec<&str>>().join("/"))
}

/// Whether the segment may be a secret of this service, or a JWT, which begins with the base64url of `{"` and has three
/// parts (RFC 7519 §3).
fn may_be_token(segment: &str) -> bool {
    segment.len() > LONGEST_SEGMENT
        || SECRET_PREFIXES.iter().any(|prefix| segment.starts_with(prefix))
        || segment.starts_with("eyJ") && segment.bytes().filter(|byte| *byte == b'.').count() == 2
}

#[cfg(test)]
mod tests {
    use super::of;
    use std::borrow::Cow;

    #[test]
    fn what_may_be_a_token_is_not_shown_and_every_other_path_is_as_it_came() {
        let long = "a".repeat(65);
        for (path, shown) in [
            (format!("/{long}"), "/*"),
            ("/stores/sgk_abc/flow".to_owned(), "/stores/*/flow"),
            ("/stores/eyJh.eyJi.c/flow".to_owned(), "/stores/*/flow"),
            (format!("/stores/{long}/flow/{long}/"), "/stores/*/flow/*/"),
        ] {
            assert_eq!(of(&path), shown);
        }
        let just_not = format!("/stores/{}/eyJ.x", "a".repeat(64));
        for path in ["/", "", "*", "/stores/S_123456/flow", "/a.b.c", &just_not] {
            assert!(matches!(of(path), Cow::Borrowed(shown) if shown == path), "{path}");
        }
    }
}
