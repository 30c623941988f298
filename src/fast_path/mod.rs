//! The fast path: a repeated request is answered from the cache before router, extractors and handlers.
//!
//! Only what cannot have changed is taken from memory: the meaning of a target ([`crate::cache::RequestMemo`], shared
//! by all workers), a token's claims and grants, and the encodings that a caller prefers ([`known_callers`], one per
//! worker). It is found by the exact bytes that were sent, and no longer used if keys, clients or limits change;
//! whatever else a response comes to depend on belongs into [`crate::auth::Generation`]. What may change is checked
//! each time: the size of the headers, the token's expiry and revocation, the quota, and the age of the response. If
//! the outcome is not a fresh response from the cache, the request takes the normal path.

mod authorization_class;
mod head;
mod known_callers;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_http::{Request, Response};
use actix_service::{IntoServiceFactory, Service as _, ServiceFactory, apply_fn_factory};
use actix_web::HttpMessage as _;
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::web::Data;
use futures_util::future::{Either, ready};

use self::head::HeadKey;
use self::known_callers::{KnownCallers, KnownToken};
use crate::auth::{CurrentAuth, VerifiedCaller};
use crate::cache::{AnswerCache, CacheEntry, CacheKey, CacheOutcome, CachedResponse, Representation, RequestMemo};
use crate::clock::Clock;
use crate::gateway::error::Error;
use crate::http::access_log::Completion;
use crate::http::edge::Edge;
use crate::http::rate_limit::RateLimit;
use crate::http::reply::{EncodingPreference, KnownAges};
use crate::http::{reply, request_id};
use crate::telemetry::metrics;
use crate::telemetry::traces::{AnsweredRequest, Trace, Traces};

pub use authorization_class::AuthorizationClasses;

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
    callers: RefCell<KnownCallers>,
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
        Self { auth, cache, edge, clock, classes, callers: RefCell::default(), ages: RefCell::default() }
    }

    /// Puts the fast path in front of an application.
    pub fn before<F, S>(
        self,
        application: F,
    ) -> impl ServiceFactory<
        Request,
        Config = AppConfig,
        Response = Response<BoxBody>,
        Error = actix_web::Error,
        InitError = S::InitError,
    >
    where
        F: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<BoxBody>, Error = actix_web::Error>,
    {
        let fast_path = Rc::new(self);
        apply_fn_factory(application, move |request: Request, application: &S::Service| {
            if let Some(answer) = fast_path.answer(&request) {
                return Either::Left(ready(Ok(answer)));
            }
            let (answering, fast_path) = (application.call(request), fast_path.clone());
            Either::Right(async move {
                let answer = answering.await?;
                fast_path.remember(&answer);
                Ok(answer.into())
            })
        })
    }

    /// Returns the response, if the same request was answered before and its response is still fresh.
    fn answer(&self, request: &Request) -> Option<Response<BoxBody>> {
        let head = HeadKey::read(request.head())?;
        let now = self.clock.elapsed();
        let hit = self.find(&head, now)?;
        // An encoding that is not made yet is made on the normal path, where that delays no other caller.
        let form = hit.preference.choose(&hit.memo.entry)?;
        // The caller is admitted last: a request that takes the normal path is counted there, and must not be counted
        // twice.
        let rate_limit = self.auth.admit(&hit.token.caller, now)?;
        Some(self.write(request, &head, &hit, form, rate_limit, now))
    }

    fn find(&self, head: &HeadKey<'_>, now: Duration) -> Option<Hit> {
        let mut callers = self.callers.borrow_mut();
        let token = callers.token(head.credential)?.clone();
        let preference = callers.preference(head.profile)?;
        let memo = self.cache.fresh_memo(token.class, head.target, now)?;
        Some(Hit { memo, token, preference })
    }

    fn write(
        &self,
        request: &Request,
        head: &HeadKey<'_>,
        hit: &Hit,
        form: &Representation,
        rate_limit: Option<RateLimit>,
        now: Duration,
    ) -> Response<BoxBody> {
        let id = request_id::of(request.headers(), &self.clock);
        let is_known = head.if_none_match.is_some_and(|tags| reply::names(tags, form.etag.as_bytes()));
        let mut response = if is_known {
            Response::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(()))
        } else {
            Response::with_body(StatusCode::OK, BoxBody::new(form.body.clone()))
        };
        let status = response.status().as_u16();
        let entry = &hit.memo.entry;
        let found = CachedResponse { age: entry.age(now), entry: entry.clone(), outcome: CacheOutcome::Hit };
        let headers = response.headers_mut();
        let fields = self.ages.borrow_mut().of(&found);
        reply::describe(headers, &self.edge.public_url, &found, form, is_known, fields);
        if self.edge.stopping.load(Ordering::Relaxed) {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        let took = self.clock.elapsed().saturating_sub(now);
        metrics::cache_hit(hit.memo.resource);
        let trace = self.edge.traces.as_ref().and_then(|traces| self.trace(traces, request, took));
        let origin = self.edge.cors.as_ref().map(|cors| cors.read(request.method(), request.headers()));
        let caller = &hit.token.caller.identity;
        let answered = AnsweredRequest {
            id: &id,
            method: request.method().as_str(),
            path: request.path(),
            resource: hit.memo.resource,
            route: None,
            stores: hit.memo.stores.as_deref(),
            status,
            bytes_sent: Some(if is_known { 0 } else { form.body.len() as u64 }),
            cache: Some(const { CacheOutcome::Hit.name() }),
            attempts: (0, None),
            took,
            caller: Some((&caller.client_id, &caller.tenant)),
            client_address: self.edge.trusted_proxies.client_address(request.peer_addr(), request.headers()),
        };
        let cors = self.edge.cors.as_ref().zip(origin.as_ref());
        let completion = Completion { id: &id, cors, rate_limit: rate_limit.as_ref(), answered, trace };
        completion.write(response.headers_mut());
        response
    }

    /// Records the trace of a hit. A hit is over before its trace could be sampled, so that is decided afterwards.
    fn trace(&self, traces: &Traces, request: &Request, took: Duration) -> Option<Trace> {
        let now = self.clock.now();
        traces.begin(request.headers(), now.checked_sub(took).unwrap_or(now), true)
    }

    /// Stores the memo of a request that the handlers have answered.
    fn remember(&self, response: &ServiceResponse<BoxBody>) {
        let request = response.request();
        let Some(new_memo) = request.extensions_mut().remove::<NewMemo>() else { return };
        let Some(head) = HeadKey::read(request.head()) else { return };
        let NewMemo { caller, resource, key, entry, stores } = new_memo;
        if caller.generation != self.auth.generation() {
            return;
        }
        let mut callers = self.callers.borrow_mut();
        callers.sync_generation(caller.generation);
        let class = match callers.token(head.credential) {
            Some(known) => known.class,
            None => {
                let class = self.classes.of(&caller);
                callers.remember_token(head.credential, self.auth.known(caller), class);
                class
            }
        };
        if callers.preference(head.profile).is_none() {
            callers.remember_profile(head.profile, EncodingPreference::read(request.headers()));
        }
        self.cache.remember(RequestMemo { class, target: head.target.into(), resource, key, entry, stores });
    }
}
