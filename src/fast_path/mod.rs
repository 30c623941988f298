//! The fast path: a repeated request is answered from the cache before router, extractors and handlers.
//!
//! Only what cannot have changed is taken from memory: the meaning of a target ([`crate::cache::RequestMemo`], shared
//! by all workers), a token's claims and grants, and the encodings that a caller prefers ([`known_callers`], one per
//! worker). It is found by the exact bytes that were sent, and dropped as a whole if keys, clients or limits change;
//! whatever else a response comes to depend on belongs into [`Generation`]. What may change is checked each time: the
//! size of the headers, the token's expiry and revocation, the quota, and the age of the response. If the outcome is
//! not a fresh response from the cache, the request takes the normal path.

mod authorization_class;
mod head;
mod known_callers;
mod service;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{Request, Response};
use actix_web::HttpMessage as _;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::web::Data;

use self::head::HeadKey;
use self::known_callers::{KnownCallers, KnownToken};
use crate::auth::quota::{Quota, headers};
use crate::auth::verify::VerifiedToken;
use crate::auth::{Auth, CurrentAuth, Generation};
use crate::cache::{AnswerCache, CacheEntry, CacheKey, CacheOutcome, CachedResponse, FreshnessState, RequestMemo};
use crate::clock::Clock;
use crate::gateway::error::Error;
use crate::http::access_log::AccessLine;
use crate::http::edge::{Completion, Edge};
use crate::http::rate_limit::RateLimit;
use crate::http::reply::{ChosenRepresentation, EncodingPreference, KnownAges};
use crate::http::{reply, request_id};
use crate::telemetry::metrics;
use crate::telemetry::traces::Trace;

pub use authorization_class::AuthorizationClasses;
pub use service::WithFastPath;

/// Of this many hits, one is reported to the cache, which is enough to know the popular responses.
const USES_FOR_A_LOOK: u32 = 16;

/// A verified token, with the generation of keys, clients and limits that it was verified under.
#[derive(Clone, Debug)]
pub struct VerifiedCaller {
    /// The token.
    pub token: Arc<VerifiedToken>,
    /// The generation of keys, clients and limits.
    pub generation: Generation,
}

/// A memo to be stored after a response, left in the request's extensions. It has the response and everything that the
/// response depends on besides the bytes of the headers.
#[derive(Clone, Debug)]
pub struct NewMemo {
    /// The caller.
    pub caller: VerifiedCaller,
    /// The resource's name.
    pub resource: &'static str,
    /// The cache key of the response.
    pub key: CacheKey,
    /// The cache entry.
    pub entry: Arc<CacheEntry>,
    /// The ids of the stores that the query names.
    pub stores: Option<Arc<str>>,
}

/// The fast path of one worker.
pub struct FastPath {
    auth: Data<CurrentAuth>,
    cache: AnswerCache<Error>,
    edge: Data<Edge>,
    clock: Clock,
    classes: Arc<AuthorizationClasses>,
    memo: RefCell<KnownCallers>,
    ages: RefCell<KnownAges>,
}

/// A request that can be answered on the fast path.
struct Hit {
    memo: Arc<RequestMemo>,
    token: Rc<KnownToken>,
    preference: EncodingPreference,
}

impl FastPath {
    /// Creates the fast path of a worker that knows no callers yet. Authorization classes are shared by all workers.
    pub fn new(
        auth: Data<CurrentAuth>,
        cache: AnswerCache<Error>,
        edge: Data<Edge>,
        clock: Clock,
        classes: Arc<AuthorizationClasses>,
    ) -> Self {
        let memo = RefCell::new(KnownCallers::new(auth.load().generation()));
        Self { auth, cache, edge, clock, classes, memo, ages: RefCell::default() }
    }

    /// Returns the response, if the same request was answered before and its response is still fresh.
    fn answer(&self, request: &Request) -> Option<Response<BoxBody>> {
        let head = HeadKey::read(request.head())?;
        let now = self.clock.elapsed();
        let auth = self.auth.load();
        let hit = self.find(&head, auth.generation())?;
        let entry = &hit.memo.entry;
        if entry.is_retired() || entry.state(now) != FreshnessState::Fresh {
            return None;
        }
        auth.verifier().check_standing(&hit.token.verified).ok()?;
        // An encoding that is not made yet is made on the normal path, where that delays no other caller.
        let chosen = hit.preference.choose(entry)?;
        // The quota is counted last: a request that takes the normal path is counted there, and must not be counted
        // twice.
        let counted = count(&auth, &hit.token, now)?;
        self.record_use(&hit.memo.key);
        Some(self.write(request, &head, &hit, &chosen, counted, now))
    }

    fn find(&self, head: &HeadKey<'_>, generation: Generation) -> Option<Hit> {
        let mut memo = self.memo.borrow_mut();
        memo.sync_generation(generation);
        let token = memo.token(head.authorization)?.clone();
        let preference = memo.preference(head.profile)?;
        let memo = self.cache.from_memo(token.class, head.target)?;
        Some(Hit { memo, token, preference })
    }

    /// Chooses hits at random, since a counter would always meet the same responses when they are requested in
    /// rotation.
    fn record_use(&self, key: &CacheKey) {
        if fastrand::u32(..USES_FOR_A_LOOK) == 0 {
            let _used = self.cache.cached(key);
        }
    }

    fn write(
        &self,
        request: &Request,
        head: &HeadKey<'_>,
        hit: &Hit,
        chosen: &ChosenRepresentation<'_>,
        rate_limit: Option<RateLimit>,
        now: Duration,
    ) -> Response<BoxBody> {
        let id = request_id::of(request.headers(), &self.clock);
        let is_known = head.if_none_match.is_some_and(|tags| reply::names(tags, chosen.form.etag.as_bytes()));
        let mut response = if is_known {
            Response::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(()))
        } else {
            Response::with_body(StatusCode::OK, BoxBody::new(chosen.form.body.clone()))
        };
        let status = response.status().as_u16();
        let entry = &hit.memo.entry;
        let found = CachedResponse { age: entry.age(now), entry: entry.clone(), outcome: CacheOutcome::Hit };
        let headers = response.headers_mut();
        let fields = self.ages.borrow_mut().of(&found);
        reply::describe(headers, &self.edge.public_url, &found, chosen, is_known, fields);
        if self.edge.stopping.has_begun() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        let took = self.clock.elapsed().saturating_sub(now);
        metrics::cache_hit(hit.memo.resource);
        let trace = self.trace(request, took);
        let line = AccessLine {
            id: &id,
            method: request.method().as_str(),
            path: request.path(),
            resource: hit.memo.resource,
            status,
            bytes_sent: Some(if is_known { 0 } else { chosen.form.body.len() as u64 }),
            cache: Some(CacheOutcome::Hit.name()),
            attempts: (0, None),
            took,
            caller: Some((hit.token.verified.client_id(), hit.token.verified.tenant())),
            client_address: self.edge.addresses.find(request.peer_addr(), request.headers()),
            trace: trace.id(),
        };
        let origin = self.edge.cors.as_ref().map(|cors| cors.read(request.method(), request.headers()));
        let completion = Completion {
            id: &id,
            origin: origin.as_ref(),
            rate_limit: rate_limit.as_ref(),
            stores: hit.memo.stores.as_deref(),
            route: None,
            line,
            trace,
        };
        self.edge.complete(response.headers_mut(), completion);
        response
    }

    /// Records the trace of a hit. A hit is over before its trace could be sampled, so that is decided afterwards.
    fn trace(&self, request: &Request, took: Duration) -> Trace {
        if !self.edge.traces.is_on() {
            return Trace::None;
        }
        let now = self.clock.now();
        self.edge.traces.begin(request.headers(), now.checked_sub(took).unwrap_or(now), true)
    }

    /// Stores the memo of a request that the handlers have answered.
    fn remember(&self, response: &ServiceResponse<BoxBody>) {
        let request = response.request();
        let Some(new_memo) = request.extensions_mut().remove::<NewMemo>() else { return };
        let auth = self.auth.load();
        if new_memo.caller.generation != auth.generation() {
            return;
        }
        let Some(head) = HeadKey::read(request.head()) else { return };
        let NewMemo { caller: VerifiedCaller { token, generation }, resource, key, entry, stores } = new_memo;
        let mut memo = self.memo.borrow_mut();
        memo.sync_generation(generation);
        let class = match memo.token(head.authorization) {
            Some(known) => known.class,
            None => {
                let (quota, class) = (auth.quota_of(&token), self.classes.of(&token, generation));
                memo.remember_token(head.authorization, token, quota, class);
                class
            }
        };
        if memo.preference(head.profile).is_none() {
            memo.remember_profile(head.profile, EncodingPreference::read(request.headers()));
        }
        self.cache.remember(RequestMemo { class, target: head.target.into(), resource, key, entry, stores });
    }
}

/// Counts the request against its client's quota. Returns `None` if the quota is exhausted, or Redis must be asked
/// first.
#[expect(clippy::option_option, reason = "no quota, or its standing; or the ordinary way")]
fn count(auth: &Auth, token: &KnownToken, now: Duration) -> Option<Option<RateLimit>> {
    let Quota::Limited(rate) = token.quota else { return Some(None) };
    let standing = auth.quotas().take_now(&token.verified, rate, now)?.ok()?;
    Some(Some(headers::rate_limit(rate, 1, Ok(standing))))
}
