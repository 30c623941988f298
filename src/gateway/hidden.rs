//! What was sent to a gateway and is nobody else's business. A gateway that repeats it in a refusal, such as one that shows
//! the string which was signed, gets it neither into an answer nor into the log.

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};

use super::error::Note;

/// A shorter word is in many a sentence by chance.
const SHORTEST_SECRET: usize = 4;

/// Our numbers for a call, its signature among them, are longer; a gateway's code that stands in a request is not one.
const SHORTEST_ECHO: usize = 16;

/// The secrets of one call.
pub struct Hidden<'a> {
    words: Vec<&'a str>,
    sent: Bytes,
}

impl<'a> Hidden<'a> {
    /// The secrets that the call was made with, its nonce, and the body that was sent.
    pub fn new(secrets: impl Iterator<Item = &'a SecretString>, nonce: Option<&'a str>, sent: Bytes) -> Self {
        let words = secrets.map(ExposeSecret::expose_secret).chain(nonce);
        Self { words: words.filter(|word| word.len() >= SHORTEST_SECRET).collect(), sent }
    }

    /// The note without what repeats something of it.
    pub fn keep_out_of(&self, note: Note) -> Note {
        let clean = |words: Option<String>| words.filter(|said| !self.words.iter().any(|word| said.contains(word)));
        let unlike_ours = |id: Option<String>| clean(id).filter(|id| !self.has_sent(id));
        Note {
            code: unlike_ours(note.code),
            codename: unlike_ours(note.codename),
            message: clean(note.message),
            call_id: unlike_ours(note.call_id),
        }
    }

    fn has_sent(&self, id: &str) -> bool {
        id.len() >= SHORTEST_ECHO && memchr::memmem::find(&self.sent, id.as_bytes()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::Hidden;
    use crate::gateway::error::Note;
    use bytes::Bytes;
    use secrecy::SecretString;

    fn said(words: &str) -> Note {
        let words = || Some(words.to_owned());
        Note::cleaned(words(), words(), words(), words())
    }

    #[test]
    fn a_secret_that_a_gateway_repeats_is_left_out_wherever_it_stands() {
        let secrets = [SecretString::from("s3cret-of-ours"), SecretString::from("ab")];
        let sent = Bytes::from_static(b"_mt=x&_nonce=n0nce&_sig=0123456789ABCDEF0123");
        let hidden = Hidden::new(secrets.iter(), Some("n0nce"), sent);
        for words in ["s3cret-of-ours", "xs3cret-of-oursx", "n0nce"] {
            assert_eq!(hidden.keep_out_of(said(words)), Note::default(), "{words}");
        }
        let echo = hidden.keep_out_of(said("0123456789ABCDEF0123"));
        assert_eq!((echo.code, echo.codename, echo.call_id), (None, None, None));
        for words in ["ab", "_mt", "another-number-of-theirs"] {
            assert_eq!(hidden.keep_out_of(said(words)), said(words), "{words}");
        }
    }
}
