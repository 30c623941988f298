//! What a worker remembers of the requests that it answered from the cache. It holds no answer: those stay in the cache,
//! which may drop them.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use foldhash::fast::RandomState;

use super::head::{Identity, Profile, Sensitive};
use crate::auth::Generation;
use crate::auth::quota::Quota;
use crate::auth::verify::VerifiedToken;
use crate::cache::{Entry, Key};
use crate::http::reply::Preference;
use crate::telemetry::metrics::HitMeters;

/// Places for questions in a worker's memo: four to a set, so that few of ten thousand keys push each other out.
const SETS: usize = 8192;
const WAYS: usize = 4;

/// Tokens and profiles that are remembered apart, since many questions share them. With more, the memo starts anew.
const MOST_TOKENS: usize = 2048;
const MOST_PROFILES: usize = 256;

/// A question that was answered, with all that was found out about it and does not change while the generation is in force.
#[derive(Debug)]
pub(super) struct Known {
    hash: u64,
    target: Box<str>,
    pub(super) token: Rc<KnownToken>,
    pub(super) profile: Rc<KnownProfile>,
    pub(super) key: Key,
    pub(super) meters: Rc<HitMeters>,
    /// The answer, as long as the cache has it.
    pub(super) entry: Weak<Entry>,
    pub(super) uses: u32,
}

/// A token that was verified.
#[derive(Debug)]
pub(super) struct KnownToken {
    authorization: Authorization,
    pub(super) verified: Arc<VerifiedToken>,
    pub(super) quota: Quota,
}

/// An `Authorization` header as it was sent, since comparing it is much cheaper than a hash that nobody can forge. It is
/// bounded, goes when the generation does, and is not printed.
struct Authorization(Box<[u8]>);

impl std::fmt::Debug for Authorization {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[REDACTED]")
    }
}

/// Fields that were found good, and the encodings that they prefer.
#[derive(Debug)]
pub(super) struct KnownProfile {
    host: Box<[u8]>,
    accept: Option<Box<[u8]>>,
    accept_encoding: Option<Box<[u8]>>,
    pub(super) preference: Preference,
}

impl KnownProfile {
    fn borrowed(&self) -> Profile<'_> {
        Profile { host: &self.host, accept: self.accept.as_deref(), accept_encoding: self.accept_encoding.as_deref() }
    }
}

impl Known {
    fn is(&self, hash: u64, identity: &Identity<'_>) -> bool {
        self.hash == hash
            && *self.target == *identity.target
            && *self.token.authorization.0 == *identity.authorization.0
            && self.profile.borrowed() == identity.profile
    }
}

/// What was found out about a request, to be remembered.
#[derive(Debug)]
pub(super) struct Lesson {
    pub(super) verified: Arc<VerifiedToken>,
    pub(super) quota: Quota,
    pub(super) preference: Preference,
    pub(super) key: Key,
    pub(super) meters: Rc<HitMeters>,
}

/// The memo of one worker.
#[derive(Debug)]
pub(super) struct Memo {
    generation: Generation,
    places: Vec<Option<Box<Known>>>,
    tokens: HashMap<u64, Vec<Rc<KnownToken>>>,
    token_count: usize,
    profiles: Vec<Rc<KnownProfile>>,
    hasher: RandomState,
}

impl Memo {
    pub(super) fn new(generation: Generation) -> Self {
        Self {
            generation,
            places: Vec::new(),
            tokens: HashMap::new(),
            token_count: 0,
            profiles: Vec::new(),
            hasher: RandomState::default(),
        }
    }

    /// Forgets everything if something that it rests on has changed: keys, clients, limits.
    pub(super) fn keep_up_with(&mut self, generation: Generation) {
        if self.generation != generation {
            *self = Self::new(generation);
        }
    }

    /// The question of this identity.
    pub(super) fn find(&mut self, identity: &Identity<'_>) -> Option<&mut Known> {
        let hash = self.hash(identity);
        let places = self.places.get_mut(set(hash))?;
        places.iter_mut().flatten().find(|known| known.is(hash, identity)).map(|known| &mut **known)
    }

    /// Remembers a question, in the place of another if all are taken.
    pub(super) fn learn(&mut self, identity: &Identity<'_>, lesson: Lesson) {
        let hash = self.hash(identity);
        if self.places.is_empty() {
            self.places.resize_with(SETS * WAYS, || None);
        }
        let Lesson { verified, quota, preference, key, meters } = lesson;
        let token = self.token(identity.authorization, verified, quota);
        let profile = self.profile(identity.profile, preference);
        let known =
            Known { hash, target: identity.target.into(), token, profile, key, meters, entry: Weak::new(), uses: 0 };
        let Some(places) = self.places.get_mut(set(hash)) else { return };
        let same = places.iter().position(|place| place.as_ref().is_none_or(|place| place.is(hash, identity)));
        let victim = same.unwrap_or_else(|| usize::try_from(hash >> 61).unwrap_or_default() % WAYS);
        if let Some(place) = places.get_mut(victim) {
            *place = Some(Box::new(known));
        }
    }

    fn hash<T: Hash>(&self, what: T) -> u64 {
        self.hasher.hash_one(what)
    }

    fn token(&mut self, Sensitive(bytes): Sensitive<'_>, verified: Arc<VerifiedToken>, quota: Quota) -> Rc<KnownToken> {
        let hash = self.hash(bytes);
        if self.token_count >= MOST_TOKENS {
            self.forget_unused_tokens();
        }
        let known = self.tokens.entry(hash).or_default();
        if let Some(same) = known.iter().find(|token| *token.authorization.0 == *bytes) {
            return same.clone();
        }
        let token = Rc::new(KnownToken { authorization: Authorization(bytes.into()), verified, quota });
        known.push(token.clone());
        self.token_count += 1;
        token
    }

    /// Tokens that no question uses any more go; when all are in use, everything does.
    fn forget_unused_tokens(&mut self) {
        self.tokens.values_mut().for_each(|tokens| tokens.retain(|token| Rc::strong_count(token) > 1));
        self.tokens.retain(|_, tokens| !tokens.is_empty());
        self.token_count = self.tokens.values().map(Vec::len).sum();
        if self.token_count >= MOST_TOKENS / 2 {
            self.tokens.clear();
            self.token_count = 0;
            self.places.iter_mut().for_each(|place| *place = None);
        }
    }

    fn profile(&mut self, profile: Profile<'_>, preference: Preference) -> Rc<KnownProfile> {
        if let Some(same) = self.profiles.iter().find(|known| known.borrowed() == profile) {
            return same.clone();
        }
        if self.profiles.len() >= MOST_PROFILES {
            self.profiles.clear();
        }
        let known = Rc::new(KnownProfile {
            host: profile.host.into(),
            accept: profile.accept.map(Into::into),
            accept_encoding: profile.accept_encoding.map(Into::into),
            preference,
        });
        self.profiles.push(known.clone());
        known
    }
}

/// The places where a question of this hash may be.
fn set(hash: u64) -> std::ops::Range<usize> {
    let first = usize::try_from(hash % SETS as u64).unwrap_or_default() * WAYS;
    first..first + WAYS
}
