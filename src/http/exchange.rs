//! The state of one request: its id, method, path and client, and what handlers add on the way.
//!
//! It is the only extension of a request. The edge shares it, since a request that ends at its deadline is dropped by
//! then.

use std::cell::{Ref, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::{HttpMessage as _, HttpRequest};

use super::answer_deadline::AnswerDeadline;
use super::rate_limit::RateLimit;
use super::request_id::{self, RequestId};
use super::{redacted_path, request_limits};
use crate::cache::CacheOutcome;
use crate::telemetry::traces::TrustedCaller;

/// The client that sent a request, and its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The client's id.
    pub client_id: Arc<str>,
    /// The tenant's name.
    pub tenant: Arc<str>,
}

/// The state of one request, from its head to its response.
#[derive(Debug)]
pub struct Exchange {
    /// The request's id.
    pub id: RequestId,
    /// The method.
    pub method: String,
    /// The path without its query, which may hold names of people, and without what may be a token.
    pub path: String,
    /// The client's address.
    pub client_address: Option<IpAddr>,
    /// The deadline for the parts of a response; `None` for a request without one.
    pub answer_by: Option<AnswerDeadline>,
    /// Notified once the caller is authenticated; the caller then decides about the trace.
    pub trusted: Option<TrustedCaller>,
    details: RefCell<Details>,
}

/// What handlers add about a request, for the response's headers and the access log.
#[derive(Debug, Default)]
pub struct Details {
    /// The caller.
    pub caller: Option<CallerIdentity>,
    /// The outcome of the cache lookup.
    pub outcome: Option<CacheOutcome>,
    /// The ids of the stores that the query names, separated by commas.
    pub stores: Option<Arc<str>>,
    /// The caller's rate-limit status after this request.
    pub rate_limit: Option<RateLimit>,
}

impl Exchange {
    /// Creates the state of a new request.
    pub fn new(id: RequestId, method: &str, path: &str, client_address: Option<IpAddr>) -> Self {
        Self {
            id,
            method: request_limits::named_method(method),
            path: request_limits::named_path(&redacted_path::of(path)),
            client_address,
            answer_by: None,
            trusted: None,
            details: RefCell::default(),
        }
    }

    /// Returns the state of the request. A request that did not pass the edge gets a new one.
    pub fn of(request: &HttpRequest) -> Rc<Self> {
        if let Some(exchange) = request.extensions().get::<Rc<Self>>() {
            return exchange.clone();
        }
        let exchange = Rc::new(Self::new(request_id::fresh(), request.method().as_str(), request.path(), None));
        request.extensions_mut().insert(exchange.clone());
        exchange
    }

    /// Returns what handlers have added so far.
    pub fn details(&self) -> Ref<'_, Details> {
        self.details.borrow()
    }

    /// Records who sent the request. The caller then decides about the trace.
    pub fn note_caller(&self, caller: CallerIdentity) {
        if let Some(trusted) = &self.trusted {
            trusted.confirm();
        }
        self.details.borrow_mut().caller = Some(caller);
    }

    /// Records the outcome of the cache lookup.
    pub fn note_outcome(&self, outcome: CacheOutcome) {
        self.details.borrow_mut().outcome = Some(outcome);
    }

    /// Records the stores that the query names.
    pub fn note_stores<'a>(&self, ids: impl Iterator<Item = &'a str>) {
        let ids: Vec<&str> = ids.collect();
        if !ids.is_empty() {
            self.details.borrow_mut().stores = Some(ids.join(",").into());
        }
    }

    /// Records the caller's rate-limit status.
    pub fn note_rate_limit(&self, rate_limit: RateLimit) {
        self.details.borrow_mut().rate_limit = Some(rate_limit);
    }
}
