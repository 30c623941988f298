//! What is known of one request: its id, method, path and client, and what handlers find out about it on the way.
//!
//! It is the one thing that a request carries in its extensions. The edge shares it, since a request that ends at its deadline
//! is gone by then.

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
    /// The client.
    pub client_id: Arc<str>,
    /// Its tenant.
    pub tenant: Arc<str>,
}

/// One request, from its head to its response.
#[derive(Debug)]
pub struct Exchange {
    /// The request's id.
    pub id: RequestId,
    /// The method.
    pub method: String,
    /// The path without its query, which may hold names of people, and without what may be a token.
    pub path: String,
    /// The address of the client.
    pub client_address: Option<IpAddr>,
    /// When the parts of a response must be there; `None` for a request without a deadline.
    pub answer_by: Option<AnswerDeadline>,
    /// Told once the caller has shown who it is: then the caller decides about the trace.
    pub trusted: Option<TrustedCaller>,
    details: RefCell<Details>,
}

/// What handlers find out about a request, for the response's headers and the access log.
#[derive(Debug, Default)]
pub struct Details {
    /// The caller.
    pub caller: Option<CallerIdentity>,
    /// How the cache answered.
    pub outcome: Option<CacheOutcome>,
    /// The ids of the stores that the query names, separated by commas.
    pub stores: Option<Arc<str>>,
    /// The standing of the caller's quota after this request.
    pub rate_limit: Option<RateLimit>,
}

impl Exchange {
    /// Begins an exchange.
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

    /// The exchange of a request; one that did not pass the edge gets its own.
    pub fn of(request: &HttpRequest) -> Rc<Self> {
        if let Some(exchange) = request.extensions().get::<Rc<Self>>() {
            return exchange.clone();
        }
        let exchange = Rc::new(Self::new(request_id::fresh(), request.method().as_str(), request.path(), None));
        request.extensions_mut().insert(exchange.clone());
        exchange
    }

    /// What was found out so far.
    pub fn details(&self) -> Ref<'_, Details> {
        self.details.borrow()
    }

    /// Notes who sent the request, whose trace is then the caller's to decide about.
    pub fn note_caller(&self, caller: CallerIdentity) {
        if let Some(trusted) = &self.trusted {
            trusted.confirm();
        }
        self.details.borrow_mut().caller = Some(caller);
    }

    /// Notes how the cache answered.
    pub fn note_outcome(&self, outcome: CacheOutcome) {
        self.details.borrow_mut().outcome = Some(outcome);
    }

    /// Notes the stores that the query names.
    pub fn note_stores<'a>(&self, ids: impl Iterator<Item = &'a str>) {
        let ids: Vec<&str> = ids.collect();
        if !ids.is_empty() {
            self.details.borrow_mut().stores = Some(ids.join(",").into());
        }
    }

    /// Notes the standing of the caller's quota.
    pub fn note_rate_limit(&self, rate_limit: RateLimit) {
        self.details.borrow_mut().rate_limit = Some(rate_limit);
    }
}
