//! The redactor: removes everything that was sent to a gateway and is secret from the gateway's messages. A gateway may
//! echo it in a refusal, for example by showing the signed string. It reaches neither a response nor the log, in
//! whichever form the gateway writes it: a text is checked as it is, and decoded in every common way, several times
//! over ([`decodings`]).

mod decodings;

use std::collections::HashSet;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;

use super::error::CleanText;
use crate::sha256::sha256;

/// The shortest secret that is searched for; a shorter word occurs in many sentences by chance.
const SHORTEST_SECRET: usize = 4;

/// The length of a part of a secret that is redacted, too: texts are cut to a sentence, and the cut may fall within a
/// secret. A shorter part may be a word that a gateway uses by itself, such as `password`.
const PART: usize = 12;

/// The shortest value of the request that is redacted. Our call numbers and the signature are longer; a gateway's code
/// that happens to occur in a request is shorter.
const SHORTEST_ECHO: usize = 16;

/// How many nested encodings are decoded, such as base64 in a URL in JSON.
const LAYERS: usize = 3;

/// The most readings of a text. An honest text has fewer; a text with more is not shown.
const MOST_READINGS: usize = 512;

/// The secrets of one call, which are removed from texts.
pub struct Redactor<'a> {
    secrets: Vec<&'a str>,
    nonce: Option<&'a str>,
    sent: Bytes,
}

impl<'a> Redactor<'a> {
    /// Creates a redactor of the call's secrets, its nonce, and the form that was sent, whose last field is the
    /// signature.
    pub fn new(secrets: impl Iterator<Item = &'a SecretString>, nonce: Option<&'a str>, sent: Bytes) -> Self {
        let long_enough = |word: &&str| word.len() >= SHORTEST_SECRET;
        let secrets = secrets.map(|secret| secret.expose_secret()).filter(long_enough).collect();
        Self { secrets, nonce: nonce.filter(long_enough), sent }
    }

    /// Removes from a message whatever repeats one of the secrets.
    pub fn redact_note(&self, note: CleanText) -> CleanText {
        if note == CleanText::default() {
            return note;
        }
        let words = self.search_forms();
        let clean = |said: Option<String>| said.filter(|said| !words.appear_in(said));
        let unlike_ours = |id: Option<String>| clean(id).filter(|id| !self.has_sent(id));
        CleanText {
            code: unlike_ours(note.code),
            codename: unlike_ours(note.codename),
            message: clean(note.message),
            call_id: unlike_ours(note.call_id),
        }
    }

    fn has_sent(&self, id: &str) -> bool {
        id.len() >= SHORTEST_ECHO && memmem::find(&self.sent, id.as_bytes()).is_some()
    }

    fn search_forms(&self) -> SecretForms {
        let mut words = SecretForms::default();
        for secret in &self.secrets {
            words.add_parts(secret);
            for digest in digests(secret.as_bytes()) {
                words.add(&digest);
            }
        }
        words.extend(self.nonce.map(str::as_bytes));
        let pairs: Vec<_> = form_urlencoded::parse(&self.sent).collect();
        if let Some(((_, signature), signed)) = pairs.split_last() {
            words.extend((signature.len() >= SHORTEST_ECHO).then_some(signature.as_bytes()));
            // Parts of the signed string and of the form: more than one parameter in a row.
            for pair in signed.windows(2) {
                if let [(name, value), (next, _)] = pair {
                    words.add(format!("{name}{value}{next}").as_bytes());
                    words.add(format!("{name}={value}&{next}=").as_bytes());
                }
            }
        }
        words
    }
}

fn digests(secret: &[u8]) -> [Vec<u8>; 3] {
    [Md5::digest(secret).to_vec(), Sha1::digest(secret).to_vec(), sha256([secret]).to_vec()]
}

/// The forms that are searched for: in lower case, and reduced to letters and digits for texts that write a secret with
/// blanks or dashes in between.
#[derive(Default)]
struct SecretForms {
    whole: Vec<Vec<u8>>,
    bare: Vec<Vec<u8>>,
}

impl SecretForms {
    fn add(&mut self, word: &[u8]) {
        self.whole.push(word.to_ascii_lowercase());
    }

    /// Adds a word of which not even a part may be shown.
    fn add_parts(&mut self, word: &str) {
        let bare = bare(word.as_bytes());
        self.whole.extend(parts(&word.as_bytes().to_ascii_lowercase()));
        self.bare.extend(parts(&bare).filter(|part| part.len() >= PART));
    }

    fn extend<'w>(&mut self, words: impl IntoIterator<Item = &'w [u8]>) {
        words.into_iter().for_each(|word| self.add(word));
    }

    /// Whether the text contains one of the words, in any reading.
    fn appear_in(&self, text: &str) -> bool {
        let mut seen: HashSet<Vec<u8>> = HashSet::from([text.as_bytes().to_vec()]);
        let mut layer: Vec<Vec<u8>> = seen.iter().cloned().collect();
        for depth in 0..=LAYERS {
            if layer.iter().any(|reading| self.are_in(reading)) || seen.len() > MOST_READINGS {
                return true;
            }
            if depth == LAYERS {
                break;
            }
            let next = layer.iter().flat_map(|reading| decodings::of(reading));
            layer = next.filter(|reading| seen.insert(reading.clone())).take(MOST_READINGS).collect();
        }
        false
    }

    fn are_in(&self, reading: &[u8]) -> bool {
        let is_in = |words: &[Vec<u8>], text: &[u8]| words.iter().any(|word| memmem::find(text, word).is_some());
        is_in(&self.whole, &reading.to_ascii_lowercase()) || is_in(&self.bare, &bare(reading))
    }
}

fn bare(text: &[u8]) -> Vec<u8> {
    text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
}

fn parts(word: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    word.windows(PART.min(word.len()).max(1)).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests;
