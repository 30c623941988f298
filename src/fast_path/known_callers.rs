//! The known callers of a worker: their verified tokens, and the header fields that they send with every request.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::rc::Rc;

use foldhash::fast::RandomState;

use super::head::{Profile, SentCredential};
use crate::auth::{Generation, KnownCaller};
use crate::cache::AuthorizationClass;
use crate::http::reply::EncodingPreference;

/// The most tokens. Beyond it, the older ones are dropped.
const MOST_TOKENS: usize = 4096;
const MOST_PROFILES: usize = 256;

/// A token as it was sent, with its caller. It has no `Debug`.
pub(super) struct KnownToken {
    /// The `Authorization` or `X-API-Key` header. Comparing it is much cheaper than a keyed hash that nobody can forge.
    /// The number of headers is bounded, and they are dropped with their generation.
    credential: Box<[u8]>,
    is_api_key: bool,
    pub(super) caller: KnownCaller,
    pub(super) class: AuthorizationClass,
}

impl KnownToken {
    fn is(&self, sent: SentCredential<'_>) -> bool {
        self.is_api_key == matches!(sent, SentCredential::ApiKey(_)) && *self.credential == *sent.bytes()
    }
}

/// Accepted header fields, and the encodings that they prefer.
#[derive(Debug)]
struct KnownProfile {
    host: Box<[u8]>,
    accept: Option<Box<[u8]>>,
    accept_encoding: Option<Box<[u8]>>,
    preference: EncodingPreference,
}

impl KnownProfile {
    fn is(&self, profile: Profile<'_>) -> bool {
        let known = Profile {
            host: &self.host,
            accept: self.accept.as_deref(),
            accept_encoding: self.accept_encoding.as_deref(),
        };
        known == profile
    }
}

/// The known callers of one worker.
#[derive(Default)]
pub(super) struct KnownCallers {
    generation: Generation,
    tokens: HashMap<u64, Rc<KnownToken>, RandomState>,
    /// The token of the previous request.
    last: Option<Rc<KnownToken>>,
    /// Earlier tokens. Dropping them by age needs no record of their use.
    older_tokens: HashMap<u64, Rc<KnownToken>, RandomState>,
    profiles: Vec<KnownProfile>,
    hasher: RandomState,
}

impl KnownCallers {
    /// Drops everything if keys, clients or limits have changed.
    pub(super) fn sync_generation(&mut self, generation: Generation) {
        if self.generation != generation {
            *self = Self { generation, ..Self::default() };
        }
    }

    /// Returns the token or API key that this field carries.
    pub(super) fn token(&mut self, sent: SentCredential<'_>) -> Option<&Rc<KnownToken>> {
        // One client often sends many requests in a row, and comparing is cheaper than hashing.
        if self.last.as_ref().is_none_or(|last| !last.is(sent)) {
            let hash = self.hasher.hash_one(sent);
            if !self.tokens.contains_key(&hash) {
                let token = self.older_tokens.remove(&hash)?;
                self.insert(hash, token);
            }
            let known = self.tokens.get(&hash).filter(|token| token.is(sent))?;
            self.last = Some(known.clone());
        }
        self.last.as_ref()
    }

    /// Returns the encodings that a caller with this profile prefers.
    pub(super) fn preference(&self, profile: Profile<'_>) -> Option<EncodingPreference> {
        self.profiles.iter().find(|known| known.is(profile)).map(|known| known.preference)
    }

    /// Stores a token, in place of another one of the same hash.
    pub(super) fn remember_token(&mut self, sent: SentCredential<'_>, caller: KnownCaller, class: AuthorizationClass) {
        let hash = self.hasher.hash_one(sent);
        self.insert(
            hash,
            Rc::new(KnownToken {
                credential: sent.bytes().into(),
                is_api_key: matches!(sent, SentCredential::ApiKey(_)),
                caller,
                class,
            }),
        );
    }

    /// Stores a profile.
    pub(super) fn remember_profile(&mut self, profile: Profile<'_>, preference: EncodingPreference) {
        if self.profiles.len() >= MOST_PROFILES {
            self.profiles.clear();
        }
        self.profiles.push(KnownProfile {
            host: profile.host.into(),
            accept: profile.accept.map(Into::into),
            accept_encoding: profile.accept_encoding.map(Into::into),
            preference,
        });
    }

    fn insert(&mut self, hash: u64, token: Rc<KnownToken>) {
        if self.tokens.len() >= MOST_TOKENS / 2 {
            self.older_tokens = std::mem::take(&mut self.tokens);
        }
        self.tokens.insert(hash, token);
    }
}
