//! The error of a failed gateway call: the gateway's cleaned message, and the cause for the log. `reactions.rs` decides
//! what to do about it.

use std::time::Duration;

use jiff::Timestamp;

use super::diagnosis::UnexpectedAnswer;
use super::transport_failure::TransportFailure;
use super::vendor::Vendor;
use crate::json::raw::ObjectError;

pub use super::reactions::{Kind, StaleIfErrorPolicy};

/// A refusal from a gateway's envelope, before it is assigned to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRefusal {
    /// The kind, decided from the code.
    pub kind: Kind,
    /// The gateway's message.
    pub note: CleanText,
    /// The gateway's clock, if its envelope carries it.
    pub gateway_time: Option<Timestamp>,
    /// For the log: the record that spoils the answer, if it can be identified.
    pub spoiled_by: Option<String>,
}

impl GatewayRefusal {
    /// A refusal for an answer that does not match the vendor's documentation.
    pub fn unreadable() -> Self {
        Self::of(Kind::Unreadable, CleanText::default())
    }

    /// A refusal of this kind.
    pub const fn of(kind: Kind, note: CleanText) -> Self {
        Self { kind, note, gateway_time: None, spoiled_by: None }
    }
}

/// An incomplete body and an unreadable one both say nothing about the requested data.
impl From<ObjectError> for GatewayRefusal {
    fn from(flaw: ObjectError) -> Self {
        match flaw {
            ObjectError::CutShort => Self::of(Kind::Incomplete, CleanText::default()),
            ObjectError::NotOneObject => Self::unreadable(),
        }
    }
}

/// A gateway's message, cleaned so that it is safe to show to a caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CleanText {
    /// The gateway's return code, such as `-500` or `e000006`.
    pub code: Option<String>,
    /// The gateway's name for the code, such as `API_SYSTEM_CALL_ERROR`.
    pub codename: Option<String>,
    /// The gateway's sentence, without control characters and limited in length.
    pub message: Option<String>,
    /// The gateway's number for this call, for its support.
    pub call_id: Option<String>,
}

impl CleanText {
    /// Whether the gateway sent this; otherwise the message is our own.
    pub const fn is_of_gateway(&self) -> bool {
        self.code.is_some() || self.call_id.is_some()
    }

    /// Cleans a gateway's message: removes control characters and possible signatures, limits the length, and drops
    /// malformed codes and call ids.
    pub fn cleaned(
        code: Option<String>,
        codename: Option<String>,
        message: Option<String>,
        call_id: Option<String>,
    ) -> Self {
        let clean = |words: Option<String>| words.map(|words| clean(&words)).filter(|words| !words.is_empty());
        let plain = |word: Option<String>| word.map(|word| word.trim().to_owned()).filter(|word| is_plain(word));
        // A code and its sub-code have a colon between them.
        let code = code.map(|code| code.trim().to_owned()).filter(|code| code.split(':').all(is_plain));
        Self { code, codename: plain(codename), message: clean(message), call_id: plain(call_id) }
    }
}

fn clean(words: &str) -> String {
    const LONGEST: usize = 200;
    let printable: String = words.chars().filter(|character| !character.is_control()).collect();
    // Digests are removed first: cutting a signature's end would leave its beginning.
    let cleaned: String = without_digests(&printable).chars().take(LONGEST).collect();
    cleaned.trim().to_owned()
}

/// Replaces with `…` every run of hexadecimal digits that is at least as long as the shortest signature, an MD5 digest.
fn without_digests(words: &str) -> String {
    const SHORTEST: usize = 32;
    let mut shown = String::with_capacity(words.len());
    let mut rest = words;
    while !rest.is_empty() {
        let run = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (digits, behind) = rest.split_at(run);
        shown.push_str(if run >= SHORTEST { "…" } else { digits });
        let other = behind.find(|character: char| character.is_ascii_hexdigit()).unwrap_or(behind.len());
        let (between, next) = behind.split_at(other);
        shown.push_str(between);
        rest = next;
    }
    shown
}

/// Whether a word looks like a vendor's code, code name or call id. Sentences and form data do not.
pub(super) fn is_plain(word: &str) -> bool {
    const LONGEST: usize = 64;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=LONGEST).contains(&word.len()) && word.bytes().all(is_plain)
}

/// A gateway call that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{vendor} {}: {cause}", kind.name())]
pub struct Error {
    /// The vendor whose gateway was called.
    pub vendor: Vendor,
    /// The kind of failure, which decides the reaction.
    pub kind: Kind,
    /// The gateway's message, if it sent one.
    pub note: Option<CleanText>,
    /// For the log: what happened, without secrets, tokens or signed strings.
    pub cause: String,
    /// What was received instead of an envelope, if it is recognized.
    pub instead: Option<UnexpectedAnswer>,
    /// The time after which a retry is worthwhile, if known.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// An error on our side of the connection, or for an unusable response.
    pub fn local(vendor: Vendor, kind: Kind, cause: impl Into<String>) -> Self {
        Self { vendor, kind, note: None, cause: cause.into(), instead: None, retry_after: None }
    }

    /// An error of the transport.
    pub fn transport(vendor: Vendor, failure: TransportFailure) -> Self {
        Self::local(vendor, Kind::of_transport(failure), failure.words())
    }

    /// Sets the time after which a retry is worthwhile.
    #[must_use]
    pub fn retry_after(self, wait: Option<Duration>) -> Self {
        Self { retry_after: wait, ..self }
    }

    /// An error for a refusal by the gateway.
    pub fn refused(vendor: Vendor, refusal: GatewayRefusal) -> Self {
        let GatewayRefusal { kind, note, .. } = refusal;
        let code = note.code.as_deref().unwrap_or("no code");
        // A pack may name a member as both.
        let codename = note.codename.as_deref().filter(|name| !code.ends_with(name)).unwrap_or_default();
        let cause = format!("the gateway answered {code} {codename}").trim_end().to_owned();
        Self { vendor, kind, note: Some(note), cause, instead: None, retry_after: None }
    }
}

impl crate::cache::FetchFailure for Error {
    fn stale_is_better(&self) -> bool {
        self.kind.reaction().older == StaleIfErrorPolicy::IsBetter
    }

    fn must_be_confirmed(&self) -> bool {
        self.kind.reaction().older == StaleIfErrorPolicy::OutlivesOne
    }

    fn remembered(&self) -> Duration {
        self.kind.reaction().remembered
    }
}

#[cfg(test)]
mod tests {
    use super::{CleanText, without_digests};

    fn message(words: &str) -> Option<String> {
        CleanText::cleaned(None, None, Some(words.to_owned()), None).message
    }

    #[test]
    fn what_may_be_a_signature_is_not_shown_and_a_shorter_number_is() {
        let (md5, sha1) = ("0123456789abcdefABCDEF0123456789", "0123456789abcdef0123456789abcdef01234567");
        assert_eq!(message(&format!("signed {md5}, not {sha1}!")).unwrap(), "signed …, not …!");
        assert_eq!(message(&format!("签名{md5}x{}", &md5[1..])).unwrap(), format!("签名…x{}", &md5[1..]));
        assert_eq!(message(&format!("{}{md5}", "x".repeat(180))).unwrap(), format!("{}…", "x".repeat(180)));
        assert_eq!(message(&format!("{}\u{7}{}", &md5[..16], &md5[16..])).unwrap(), "…", "it is cleaned first");
        for words in ["", "sign error", "店 not found", "5f0c1c1e8a"] {
            assert_eq!(without_digests(words), words);
        }
    }

    #[test]
    fn codes_names_and_numbers_of_calls_that_are_none_are_left_out() {
        let words = |word: &str| {
            let word = || Some(word.to_owned());
            let note = CleanText::cleaned(word(), word(), None, word());
            assert!(note.code == note.codename && note.codename == note.call_id);
            note.code
        };
        for word in ["-500", "e000006", "API_SYSTEM_CALL_ERROR", "5f0c1c1e-8a.1", &"a".repeat(64)] {
            assert_eq!(words(word).as_deref(), Some(word));
        }
        for word in ["", " ", "two words", "_akey=x", "a&b", "错误", "a\u{7}", &"a".repeat(65)] {
            assert_eq!(words(word), None, "{word}");
        }
    }
}
