//! A worker's shortcut: a question that it has answered before, it answers again from the cache ahead of router,
//! extractors and handlers.
//!
//! Only what cannot have changed is taken from memory: what a target asks, what a token says and grants, which encodings
//! a caller prefers. It is found by the very bytes that were sent, and forgotten as a whole when keys, clients or limits
//! change: whatever else an answer comes to depend on belongs into [`Generation`]. What may change is asked each time: the size of the head, the token's time and revocation, the quota, the
//! age of the answer. Whenever the outcome is not a fresh answer from the cache, the request goes the ordinary way.

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
use actix_web::http::StatusCode;
use actix_web::web::Data;

use self::head::Head;
use self::memo::{Known, Lesson, Memo};
use crate::auth::quota::{Quota, headers::Counted};
use crate::auth::verify::VerifiedToken;
use crate::auth::{Auth, CurrentAuth, Generation};
use crate::cache::{AnswerCache, Entry, Found, Key, Outcome, State};
use crate::clock::Clock;
use crate::gateway::error::Error;
use crate::http::edge::{self, Edge};
use crate::http::reply::{AgeFields, Preference};
use crate::http::{access_log, reply, request_id};
use crate::telemetry::metrics::HitMeters;

pub use service::WithShortcut;

/// The cache learns of every so many uses of an answer, which is enough to know the popular ones.
const USES_BETWEEN_LOOKS: u32 = 16;

/// Left in a request's extensions by the handler's desk: all that the answer depends on besides the head's bytes.
#[derive(Clone, Debug)]
pub struct Repeatable {
    /// Who asked.
    pub token: Arc<VerifiedToken>,
    /// Under which keys, clients and limits the token was found good.
    pub generation: Generation,
    /// Which answer.
    pub key: Key,
    /// The resource's name.
    pub resource: &'static str,
}

/// One worker's shortcut.
pub struct Shortcut {
    auth: Data<CurrentAuth>,
    cache: AnswerCache<Error>,
    edge: Data<Edge>,
    clock: Clock,
    memo: RefCell<Memo>,
    ages: RefCell<AgeFields>,
    meters: RefCell<Vec<(&'static str, Rc<HitMeters>)>>,
}

impl Shortcut {
    /// A shortcut that remembers nothing yet.
    pub fn new(auth: Data<CurrentAuth>, cache: AnswerCache<Error>, edge: Data<Edge>, clock: Clock) -> Self {
        let memo = RefCell::new(Memo::new(auth.load().generation()));
        Self { auth, cache, edge, clock, memo, ages: RefCell::default(), meters: RefCell::default() }
    }

    /// The answer, if this very question was answered before and its answer is still fresh.
    fn answer(&self, request: &Request) -> Option<Response<BoxBody>> {
        let head = Head::read(request.head())?;
        let now = self.clock.elapsed();
        let auth = self.auth.load();
        let mut memo = self.memo.borrow_mut();
        memo.keep_up_with(auth.generation());
        let known = memo.find(&head.identity)?;
        let entry = self.fresh_entry(known, now)?;
        auth.verifier().check_standing(&known.token.verified).ok()?;
        // Last, so that nothing is counted twice: whoever goes the ordinary way is counted there.
        let counted = count(&auth, known, now)?;
        let found = Found { age: entry.age(now), entry, outcome: Outcome::Hit };
        Some(self.write(request, &head, known, &found, counted, now))
    }

    fn fresh_entry(&self, known: &mut Known, now: Duration) -> Option<Arc<Entry>> {
        let is_current = |entry: &Arc<Entry>| !entry.is_retired() && entry.state(now) == State::Fresh;
        known.uses = known.uses.wrapping_add(1);
        if !known.uses.is_multiple_of(USES_BETWEEN_LOOKS)
            && let Some(entry) = known.entry.upgrade().filter(is_current)
        {
            return Some(entry);
        }
        let entry = self.cache.kept(&known.key).filter(is_current)?;
        known.entry = Arc::downgrade(&entry);
        Some(entry)
    }

    fn write(
        &self,
        request: &Request,
        head: &Head<'_>,
        known: &Known,
        found: &Found,
        counted: Option<Counted>,
        now: Duration,
    ) -> Response<BoxBody> {
        let id = request_id::of(request.headers(), &self.clock);
        let chosen = known.profile.preference.choose(&found.entry);
        let is_known = head.if_none_match.is_some_and(|tags| reply::names(tags, chosen.form.etag.as_bytes()));
        let mut response = if is_known {
            Response::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(()))
        } else {
            Response::with_body(StatusCode::OK, BoxBody::new(chosen.form.body.clone()))
        };
        let status = response.status().as_u16();
        let headers = response.headers_mut();
        let fields = self.ages.borrow_mut().of(found);
        reply::describe(headers, found, &chosen, is_known, fields);
        if let Some(counted) = counted {
            counted.write(headers);
        }
        edge::add_common_headers(headers, &id);
        if let Some(cors) = &self.edge.cors {
            cors.describe(&cors.read(request.method(), request.headers()), headers);
        }
        let took = self.clock.elapsed().saturating_sub(now);
        known.meters.count(status, took);
        if access_log::is_wanted() {
            let token = &known.token.verified;
            let line = access_log::Line {
                method: request.method().as_str(),
                path: request.path(),
                resource: known.meters.resource(),
                status,
                cache: Some(Outcome::Hit.name()),
                took,
                caller: Some((token.client_id(), token.tenant())),
            };
            access_log::span(&id).in_scope(|| access_log::line(&line));
        }
        response
    }

    /// Remembers a question that the handlers have answered by an answer that the cache keeps.
    fn learn(&self, response: &ServiceResponse<BoxBody>) {
        let request = response.request();
        let Some(repeatable) = request.extensions_mut().remove::<Repeatable>() else { return };
        if !request.extensions().contains::<Outcome>() {
            return;
        }
        let auth = self.auth.load();
        if repeatable.generation != auth.generation() {
            return;
        }
        let Some(head) = Head::read(request.head()) else { return };
        let Repeatable { token, key, resource, .. } = repeatable;
        let lesson = Lesson {
            quota: auth.quota_of(&token),
            preference: Preference::read(request.headers()),
            meters: self.meters(resource),
            verified: token,
            key,
        };
        let mut memo = self.memo.borrow_mut();
        memo.keep_up_with(auth.generation());
        memo.learn(&head.identity, lesson);
    }

    fn meters(&self, resource: &'static str) -> Rc<HitMeters> {
        let mut all = self.meters.borrow_mut();
        if let Some((_, meters)) = all.iter().find(|(name, _)| *name == resource) {
            return meters.clone();
        }
        let meters = Rc::new(HitMeters::new(resource));
        all.push((resource, meters.clone()));
        meters
    }
}

/// Counts the request against its client's quota; `None` when that is spent.
#[expect(clippy::option_option, reason = "no quota, or its standing; or the ordinary way")]
fn count(auth: &Auth, known: &Known, now: Duration) -> Option<Option<Counted>> {
    let Quota::Limited(rate) = known.token.quota else { return Some(None) };
    let standing = auth.take_quota(&known.token.verified, rate, now).ok()?;
    Some(Some(Counted::from(standing)))
}
