//! The context of a request for handlers: the request, the tenant's accounts, the cache and the gateways. A handler
//! reads top to bottom: it checks the caller, parses the parameters, checks the grants, and then returns a cached
//! response or calls the gateway.

mod granted;
mod source;

use std::cell::{Cell, OnceCell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::Resource;
use super::joined::JoinedPart;
use super::params::{ParameterReader, Parsed};
use crate::auth::VerifiedCaller;
use crate::auth::caller::Caller;
use crate::auth::scope::{CacheBypass, Scope};
use crate::cache::{CacheKey, CachedResponse, Lookup};
use crate::directory::{Directories, StoreId};
use crate::fast_path::NewMemo;
use crate::gateway::GatewayClient;
use crate::gateway::error::Error;
use crate::gateway::tenants::Tenant;
use crate::http::accept::{self, Media};
use crate::http::exchange::Exchange;
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::problem_type::ProblemType;
use crate::http::reply;

pub use granted::{GrantedStore, no_number_at_the_vendor};
pub use source::{AnswerSource, FetchedValue, SharedState};

/// A request with everything that is needed to respond to it.
pub struct RequestContext {
    /// The request.
    pub request: HttpRequest,
    /// The source of responses, for work that continues after this request.
    pub source: AnswerSource,
    /// The store directories, the same for the whole request.
    directories: Directories,
    /// The caller's tenant, the same for the whole request: whatever is fetched with its accounts is cached under them.
    tenant: OnceCell<Arc<Tenant>>,
    /// Whether the lookup depends on the time of the request.
    is_for_now: Cell<bool>,
    /// The lookup that was made in the cache, and its caller.
    asked: RefCell<Option<(VerifiedCaller, CacheKey)>>,
    exchange: Rc<Exchange>,
    /// Whether a part was not ready in time.
    is_late: Cell<bool>,
}

impl RequestContext {
    /// Creates the context of a request whose response has this media type.
    ///
    /// # Errors
    /// 406 when the caller does not accept that type.
    pub fn at(request: &HttpRequest, media: Media) -> Result<Self, Problem> {
        accept::require(request, media)?;
        let shared = request.app_data::<Data<SharedState>>().cloned();
        let gateway = request.app_data::<GatewayClient>().cloned();
        let (Some(shared), Some(gateway)) = (shared, gateway) else {
            return Err(Problem::of(ProblemType::InternalError).caused_by("the app was built without its state"));
        };
        let directories = shared.directories.load();
        Ok(Self {
            request: request.clone(),
            source: AnswerSource { shared, gateway },
            directories,
            tenant: OnceCell::new(),
            is_for_now: Cell::new(false),
            asked: RefCell::default(),
            exchange: Exchange::of(request),
            is_late: Cell::new(false),
        })
    }

    /// The tenant of the caller's token.
    ///
    /// # Errors
    /// 401 when this service does not serve it.
    pub fn tenant<S: Scope>(&self, caller: &Caller<S>) -> Result<Arc<Tenant>, Problem> {
        if let Some(tenant) = self.tenant.get() {
            return Ok(tenant.clone());
        }
        let tenant = self.shared().tenants.get(caller.tenant());
        let tenant = tenant.ok_or_else(|| caller.refuse("The token's tenant is not known here."))?;
        Ok(self.tenant.get_or_init(|| tenant).clone())
    }

    /// Parses the request's parameters; dates are read in `zone`.
    ///
    /// # Errors
    /// 400 with all problems.
    pub fn parse<T>(
        &self,
        tenant: &Tenant,
        zone: &TimeZone,
        read: impl FnOnce(&mut ParameterReader<'_>) -> Option<T>,
    ) -> Result<T, Problem> {
        let (now, directory) = (self.shared().clock.now(), self.directories.of(tenant.name()));
        let (path, query, headers) = (self.request.match_info(), self.request.query_string(), self.request.headers());
        let reader = ParameterReader::new(path, query, headers, &directory, zone, now);
        let Parsed { result, is_for_now, stores } = reader.parse(read);
        self.is_for_now.set(is_for_now);
        self.exchange.note_stores(stores.iter().map(StoreId::as_str));
        result
    }

    /// The path of the request and its parameters in the query, but for those that choose a page, for links to other
    /// pages. The parameters must have been parsed.
    pub fn filters_beside_page(&self) -> (String, Vec<(String, String)>) {
        let query = form_urlencoded::parse(self.request.query_string().as_bytes()).into_owned();
        let filters = query.filter(|(name, _)| name != "page" && name != "page_size");
        (self.request.path().to_owned(), filters.collect())
    }

    /// Creates a lookup in the cache. `canonical` is equal for all requests with the same response, and `ended` says
    /// whether the lookup is about a period that has ended.
    ///
    /// # Errors
    /// 500 when the resource has no policy, because its responses are never cached. 401 when this service does not
    /// serve the tenant.
    pub fn lookup<S: Scope>(
        &self,
        caller: &Caller<S>,
        resource: &Resource,
        canonical: &str,
        stores: Vec<String>,
        ended: bool,
    ) -> Result<Lookup, Problem> {
        let SharedState { policies, catalogue, .. } = self.shared();
        let known = policies.of(resource).zip(catalogue.shape(resource));
        let (policy, shape) = known.ok_or_else(|| Problem::of(ProblemType::InternalError))?;
        let tenant = self.tenant(caller)?;
        let source = tenant.source(resource.method().map(|method| method.vendor));
        let key = CacheKey::new(tenant.name(), resource.name, shape, source, canonical);
        if !self.is_for_now.get() {
            self.asked.replace(Some((caller.verified.clone(), key.clone())));
        }
        Ok(Lookup {
            key,
            freshness: policy.freshness(ended),
            stores,
            require_fresh: false,
            principal: caller.verified.token.principal().clone(),
            bypass: caller.has_scope(CacheBypass::NAME) && reply::wants_no_cache(&self.request),
        })
    }

    /// Waits for a part of a response until shortly before the request's deadline. A part that is too late continues in
    /// the background, for the next requests.
    ///
    /// # Errors
    /// The part's own problem, or 504 when it is not ready in time.
    pub async fn in_time(&self, part: impl Future<Output = JoinedPart>) -> JoinedPart {
        let Some(answer_by) = self.exchange.answer_by else { return part.await };
        let left = answer_by.left();
        // A part that would be too late is not started.
        if left.is_zero() {
            return Err(self.too_late());
        }
        tokio::time::timeout(left, part).await.unwrap_or_else(|_| Err(self.too_late()))
    }

    fn too_late(&self) -> Problem {
        let detail =
            "This part was not there when the request had to be answered. Ask again in a moment, or for fewer at once.";
        let problem = Problem::new(ProblemType::GatewayTimeout, detail)
            .caused_by("the request's time ended before all parts came");
        // Logged once for all parts.
        if self.is_late.replace(true) { problem.already_logged() } else { problem.logged() }
    }

    /// Responds with what was found.
    pub async fn reply(&self, found: &CachedResponse) -> HttpResponse {
        self.exchange.note_outcome(found.outcome);
        reply::from_cache(&self.request, &self.shared().public_url, found).await
    }

    /// Responds with what was found for the only lookup of this request, and records the lookup for repeats of the
    /// request.
    pub async fn reply_to_lookup(&self, resource: &'static Resource, found: &CachedResponse) -> HttpResponse {
        if let Some((caller, key)) = self.asked.take() {
            let stores = self.exchange.details().stores.clone();
            let new_memo = NewMemo { caller, key, resource: resource.name, entry: found.entry.clone(), stores };
            self.request.extensions_mut().insert(new_memo);
        }
        self.reply(found).await
    }

    /// Finds the response as [`AnswerSource::find`] does, and then calls [`Self::reply_to_lookup`].
    ///
    /// # Errors
    /// The problem of the gateway's failure.
    pub async fn answer<T, F, Fut>(
        &self,
        resource: &'static Resource,
        lookup: Lookup,
        fetch: F,
    ) -> Result<HttpResponse, Problem>
    where
        T: Serialize,
        F: FnOnce(GatewayClient) -> Fut + 'static,
        Fut: Future<Output = Result<FetchedValue<T>, Error>> + 'static,
    {
        let found = self.source.find(resource, lookup, fetch).await?;
        Ok(self.reply_to_lookup(resource, &found).await)
    }

    /// The document of a problem within a response.
    pub fn document(&self, problem: Problem) -> ProblemDocument {
        problem.logged().document(&self.shared().public_url, self.request.path(), self.request_id())
    }

    /// The request's id.
    pub fn request_id(&self) -> &str {
        &self.exchange.id
    }

    /// Responds with the result of `fetch`, which is never cached, here or anywhere.
    ///
    /// # Errors
    /// The problem of the gateway's failure.
    pub async fn answer_uncached<S, T, F, Fut>(&self, caller: &Caller<S>, fetch: F) -> Result<HttpResponse, Problem>
    where
        S: Scope,
        T: Serialize,
        F: FnOnce(GatewayClient) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let gateway = self.source.gateway.on_behalf_of(caller.verified.token.principal().clone());
        let value = fetch(gateway).await?;
        let mut response = HttpResponse::Ok().json(value);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }

    /// The state that all workers share.
    pub fn shared(&self) -> &SharedState {
        self.source.shared()
    }
}
