//! The shortcut: a question that was answered before is answered again from the cache ahead of router, extractors and
//! handlers.
//!
//! Only what cannot have changed is taken from memory: what a target asks ([`crate::cache::Asked`], shared by all workers),
//! what a token says and grants, and which encodings a caller prefers ([`memo`], one for each worker). It is found by the very
//! bytes that were sent, and forgotten as a whole when keys, clients or limits change: whatever else an answer comes to
//! depend on belongs into [`Generation`]. What may change is asked each time: the size of the head, the token's time and
//! revocation, the quota, the age of the answer. Whenever the outcome is not a fresh answer from the cache, the request goes
//! the ordinary way.

mod circles;
mod head;
mod memo;
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

use self::head::Head;
use self::memo::{KnownToken, Memo};
use crate::auth::quota::{Quota, headers};
use crate::auth::verify::VerifiedToken;
use crate::auth::{Auth, CurrentAuth, Generation};
use crate::cache::{AnswerCache, Asked, Entry, Found, Key, Outcome, State};
use crate::clock::Clock;
use crate::gateway::error::Error;
use crate::http::access_log::Line;
use crate::http::edge::{Completion, Edge};
use crate::http::rate_limit::RateLimit;
use crate::http::reply::{Chosen, KnownAges, Preference};
use crate::http::{reply, request_id};
use crate::telemetry::metrics;
use crate::telemetry::traces::Trace;

pub use circles::Circles;
pub use service::WithShortcut;

/// The cache learns of one in so many uses of answers, which is enough to know the popular ones.
const USES_FOR_A_LOOK: u32 = 16;

/// Who asked, and under which keys, clients and limits the token was found good.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The token.
    pub token: Arc<VerifiedToken>,
    /// What was in force.
    pub generation: Generation,
}

/// Left in a request's extensions by the handler's desk: all that the answer depends on besides the head's bytes, and the
/// answer.
#[derive(Clone, Debug)]
pub struct Repeatable {
    /// Who asked.
    pub asker: Asker,
    /// The resource's name.
    pub resource: &'static str,
    /// The answer's key.
    pub key: Key,
    /// The answer.
    pub entry: Arc<Entry>,
    /// The stores that the query names.
    pub stores: Option<Arc<str>>,
}

/// One worker's shortcut.
pub struct Shortcut {
    auth: Data<CurrentAuth>,
    cache: AnswerCache<Error>,
    edge: Data<Edge>,
    clock: Clock,
    circles: Arc<Circles>,
    memo: RefCell<Memo>,
    ages: RefCell<KnownAges>,
}

/// What the shortcut found for a request.
struct Hit {
    asked: Arc<Asked>,
    token: Rc<KnownToken>,
    preference: Preference,
}

impl Shortcut {
    /// A shortcut whose worker remembers nobody yet. Circles are shared by all workers.
    pub fn new(
        auth: Data<CurrentAuth>,
        cache: AnswerCache<Error>,
        edge: Data<Edge>,
        clock: Clock,
        circles: Arc<Circles>,
    ) -> Self {
        let memo = RefCell::new(Memo::new(auth.load().generation()));
        Self { auth, cache, edge, clock, circles, memo, ages: RefCell::default() }
    }

    /// The answer, if this very question was answered before and its answer is still fresh.
    fn answer(&self, request: &Request) -> Option<Response<BoxBody>> {
        let head = Head::read(request.head())?;
        let now = self.clock.elapsed();
        let auth = self.auth.load();
        let hit = self.find(&head, auth.generation())?;
        let entry = &hit.asked.entry;
        if entry.is_retired() || entry.state(now) != State::Fresh {
            return None;
        }
        auth.verifier().check_standing(&hit.token.verified).ok()?;
        // Whoever takes another form waits where that costs no other caller's time.
        let chosen = hit.preference.choose(entry)?;
        // Last, so that nothing is counted twice: whoever goes the ordinary way is counted there.
        let counted = count(&auth, &hit.token, now)?;
        self.tell_of_use(&hit.asked.key);
        Some(self.write(request, &head, &hit, &chosen, counted, now))
    }

    fn find(&self, head: &Head<'_>, generation: Generation) -> Option<Hit> {
        let mut memo = self.memo.borrow_mut();
        memo.keep_up_with(generation);
        let token = memo.token(head.authorization)?.clone();
        let preference = memo.preference(head.profile)?;
        let asked = self.cache.asked(token.circle, head.target)?;
        Some(Hit { asked, token, preference })
    }

    /// By chance, since counting would always meet the same ones of answers that are asked for in turn.
    fn tell_of_use(&self, key: &Key) {
        if fastrand::u32(..USES_FOR_A_LOOK) == 0 {
            let _used = self.cache.kept(key);
        }
    }

    fn write(
        &self,
        request: &Request,
        head: &Head<'_>,
        hit: &Hit,
        chosen: &Chosen<'_>,
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
        let entry = &hit.asked.entry;
        let found = Found { age: entry.age(now), entry: entry.clone(), outcome: Outcome::Hit };
        let headers = response.headers_mut();
        let fields = self.ages.borrow_mut().of(&found);
        reply::describe(headers, &self.edge.public_url, &found, chosen, is_known, fields);
        if self.edge.stopping.has_begun() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        let took = self.clock.elapsed().saturating_sub(now);
        metrics::cache_hit(hit.asked.resource);
        let trace = self.trace(request, took);
        let line = Line {
            id: &id,
            method: request.method().as_str(),
            path: request.path(),
            resource: hit.asked.resource,
            status,
            bytes_sent: Some(if is_known { 0 } else { chosen.form.body.len() as u64 }),
            cache: Some(Outcome::Hit.name()),
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
            stores: hit.asked.stores.as_deref(),
            route: None,
            line,
            trace,
        };
        self.edge.complete(response.headers_mut(), completion);
        response
    }

    /// A hit is over before anybody could wait for it, so that its trace is decided about when it is.
    fn trace(&self, request: &Request, took: Duration) -> Trace {
        if !self.edge.traces.is_on() {
            return Trace::None;
        }
        let now = self.clock.now();
        self.edge.traces.begin(request.headers(), now.checked_sub(took).unwrap_or(now), true)
    }

    /// Remembers a question that the handlers have answered.
    fn learn(&self, response: &ServiceResponse<BoxBody>) {
        let request = response.request();
        let Some(repeatable) = request.extensions_mut().remove::<Repeatable>() else { return };
        let auth = self.auth.load();
        if repeatable.asker.generation != auth.generation() {
            return;
        }
        let Some(head) = Head::read(request.head()) else { return };
        let Repeatable { asker: Asker { token, generation }, resource, key, entry, stores } = repeatable;
        let mut memo = self.memo.borrow_mut();
        memo.keep_up_with(generation);
        let circle = match memo.token(head.authorization) {
            Some(known) => known.circle,
            None => {
                let (quota, circle) = (auth.quota_of(&token), self.circles.of(&token, generation));
                memo.learn_token(head.authorization, token, quota, circle);
                circle
            }
        };
        if memo.preference(head.profile).is_none() {
            memo.learn_profile(head.profile, Preference::read(request.headers()));
        }
        self.cache.remember(Asked { circle, target: head.target.into(), resource, key, entry, stores });
    }
}

/// Counts the request against its client's quota; `None` when that is spent, or others have to be asked.
#[expect(clippy::option_option, reason = "no quota, or its standing; or the ordinary way")]
fn count(auth: &Auth, token: &KnownToken, now: Duration) -> Option<Option<RateLimit>> {
    let Quota::Limited(rate) = token.quota else { return Some(None) };
    let standing = auth.quotas().take_now(&token.verified, rate, now)?.ok()?;
    Some(Some(headers::standing(rate, 1, Ok(standing))))
}
