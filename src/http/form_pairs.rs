//! The pairs of a query or a form (`application/x-www-form-urlencoded`), decoded strictly. Text that is not UTF-8 is an
//! error here, where other decoders insert replacement characters.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// A name with its value.
pub type Pair<'a> = (Cow<'a, str>, Result<Cow<'a, str>, NotUtf8>);

/// A value is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value is not UTF-8: encode the text as UTF-8 before it is percent-encoded")]
pub struct NotUtf8;

/// Returns the pairs in their order. A name that is not UTF-8 gets replacement characters, so that it matches no known
/// name.
pub fn pairs(encoded: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = match memchr::memchr(b'=', pair) {
            Some(at) => (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default()),
            None => (pair, &b""[..]),
        };
        (lossy(bytes(name)), text(bytes(value)))
    })
}

/// Decodes one name or value.
///
/// # Errors
/// Returns [`NotUtf8`] if the text is not UTF-8.
pub fn decoded(encoded: &str) -> Result<Cow<'_, str>, NotUtf8> {
    text(bytes(encoded.as_bytes()))
}

fn bytes(encoded: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'+', encoded).is_none() {
        return percent_decode(encoded).into();
    }
    let spaced: Vec<u8> = encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    Cow::Owned(percent_decode(&spaced).collect())
}

fn text(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, NotUtf8> {
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| NotUtf8),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| NotUtf8),
    }
}

fn lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{NotUtf8, decoded, pairs};

    #[test]
    fn texts_are_read_as_every_other_reader_reads_them() {
        for query in [
            "",
            "a=b&c=d",
            "a=b=c&&d",
            "=x&y=",
            "a+b=c+d%2B%20e",
            "%E6%9C%A8=%e6%9c%a8",
            "a=%&b=%4&c=%zz",
            "a=木&b=%EF%BF%BD",
        ] {
            let read: Vec<_> = pairs(query.as_bytes()).map(|(name, value)| (name, value.unwrap())).collect();
            let expected: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
            assert_eq!(read, expected, "{query}");
        }
        assert_eq!(decoded("a+b%26c").unwrap(), "a b&c");
    }

    #[test]
    fn what_is_not_utf8_is_an_error_and_never_altered() {
        for value in ["%FF", "a%C4%BE%C4", "%C4+", "%ED%A0%80", "%C0%80", "%F5%80%80%80", "x%80"] {
            let query = format!("a={value}&b=c");
            let read: Vec<_> = pairs(query.as_bytes()).collect();
            assert_eq!((&*read[0].0, &read[0].1), ("a", &Err(NotUtf8)), "{value}");
            assert_eq!((&*read[1].0, read[1].1.as_deref()), ("b", Ok("c")), "{value}");
            assert_eq!(decoded(value), Err(NotUtf8), "{value}");
        }
        assert_eq!(pairs(b"%FF=a").next().unwrap().0, "\u{FFFD}");
    }
}
