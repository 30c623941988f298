//! What a handler works at: the parameters of its request, the company's accounts, the cache, the gateways.
//! A handler reads top to bottom: who asks, what, may they, and then either a kept answer or a call.

mod granted;

use std::cell::{Cell, RefCell};
use std::future::{Future, Ready, ready};
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, dev::Payload};
use bytes::Bytes;
use serde::Serialize;

use super::params::{Ask, Reader};
use super::{Policies, Resource};
use crate::auth::caller::Caller;
use crate::auth::scope::{CacheBypass, Scope};
use crate::cache::{AnswerCache, Document, Found, Key, Question};
use crate::clock::Clock;
use crate::directory::{CurrentDirectories, Directories};
use crate::gateway::GatewayClient;
use crate::gateway::dialect::Method;
use crate::gateway::error::{Error, Kind};
use crate::gateway::tenants::{Tenant, Tenants};
use crate::gateway::vendor::Gateway;
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::problem_type::ProblemType;
use crate::http::request_id::RequestId;
use crate::http::{accept, reply};
use crate::shortcut::{Asker, Repeatable};
use crate::telemetry::metrics;

pub use granted::Store;

/// What all workers share.
pub struct Shared {
    /// Companies and their accounts.
    pub tenants: Tenants,
    /// Store ids.
    pub directories: Arc<CurrentDirectories>,
    /// Finished answers.
    pub cache: AnswerCache<Error>,
    /// How long answers keep.
    pub policies: Policies,
    /// Time.
    pub clock: Clock,
}

/// One request's place of work.
pub struct Desk {
    request: HttpRequest,
    shared: Data<Shared>,
    gateway: GatewayClient,
    /// Those of one moment, for the whole request.
    directories: Directories,
    /// Whether what the caller asks depends on the time of asking.
    is_for_now: Cell<bool>,
    /// The question that was asked of the cache, and by whom.
    asked: RefCell<Option<(Asker, Key)>>,
}

/// What a fetch gives to be kept: a document, and its place in a list when it is a page.
pub struct Fetched<T> {
    /// Becomes the JSON body.
    pub value: T,
    /// Becomes the `Link` header.
    pub link: Option<String>,
}

impl<T> From<T> for Fetched<T> {
    fn from(value: T) -> Self {
        Self { value, link: None }
    }
}

impl FromRequest for Desk {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::at(request))
    }
}

impl Desk {
    fn at(request: &HttpRequest) -> Result<Self, Problem> {
        accept::require_json(request)?;
        let shared = request.app_data::<Data<Shared>>().cloned();
        let gateway = request.app_data::<GatewayClient>().cloned();
        let (Some(shared), Some(gateway)) = (shared, gateway) else {
            return Err(Problem::of(ProblemType::InternalError).caused_by("the app was built without its state"));
        };
        let directories = shared.directories.load();
        Ok(Self {
            request: request.clone(),
            shared,
            gateway,
            directories,
            is_for_now: Cell::new(false),
            asked: RefCell::default(),
        })
    }

    /// The company that the caller's token is for.
    ///
    /// # Errors
    /// 401 when this service does not serve it.
    pub fn tenant<S: Scope>(&self, caller: &Caller<S>) -> Result<Arc<Tenant>, Problem> {
        self.shared.tenants.get(caller.tenant()).ok_or_else(|| caller.refuse("The token's tenant is not known here."))
    }

    /// Reads what the caller asks; dates are read in the company's zone.
    ///
    /// # Errors
    /// 400 with everything that is wrong.
    pub fn ask<T: Ask>(&self, tenant: &Tenant) -> Result<T, Problem> {
        let zone = tenant.zone();
        let now = self.shared.clock.now();
        let reader = Reader::new(self.request.match_info(), self.request.query_string(), &zone, now);
        let (asked, is_for_now) = reader.ask();
        self.is_for_now.set(is_for_now);
        asked
    }

    /// A question to the cache. `canonical` is the same for all requests that have the same answer, and `ended` says
    /// whether it is about a period that has ended.
    ///
    /// # Errors
    /// 500 when the resource has no policy: its answers are never kept.
    pub fn question<S: Scope>(
        &self,
        caller: &Caller<S>,
        resource: &Resource,
        canonical: &str,
        stores: Vec<String>,
        ended: bool,
    ) -> Result<Question, Problem> {
        let policy = self.shared.policies.of(resource).ok_or_else(|| Problem::of(ProblemType::InternalError))?;
        let key = Key::new(caller.tenant(), resource.name, canonical);
        if !self.is_for_now.get() {
            let asker = Asker { token: caller.token().clone(), generation: caller.generation() };
            self.asked.replace(Some((asker, key.clone())));
        }
        Ok(Question {
            key,
            freshness: policy.freshness(ended),
            stores,
            bypass: caller.has_scope(CacheBypass::NAME) && reply::wants_no_cache(&self.request),
        })
    }

    /// Finds the answer in the cache, or by `fetch` from the gateway.
    ///
    /// # Errors
    /// The problem that the gateway's failure is for the caller.
    pub async fn find<T, F, Fut>(
        &self,
        resource: &'static Resource,
        question: Question,
        fetch: F,
    ) -> Result<Found, Problem>
    where
        T: Serialize,
        F: FnOnce(GatewayClient) -> Fut + 'static,
        Fut: Future<Output = Result<Fetched<T>, Error>> + 'static,
    {
        let gateway = self.gateway.clone();
        let fetch = move || {
            let fetching = fetch(gateway.for_one_answer());
            // An older answer may hide the failure from every caller, so it is logged where it happens.
            async move { document(resource, &fetching.await.inspect_err(log)?) }
        };
        let found = self.shared.cache.read(question, fetch).await;
        metrics::cache_read(resource.name, found.as_ref().map_or("failure", |found| found.outcome.name()));
        found.map_err(|error| Problem::from(&error).already_logged())
    }

    /// Answers with what was found.
    pub fn reply(&self, found: &Found) -> HttpResponse {
        self.request.extensions_mut().insert(found.outcome);
        reply::from_cache(&self.request, found)
    }

    /// The same for the only question of this request: what was asked is remembered then.
    pub fn reply_to_question(&self, resource: &'static Resource, found: &Found) -> HttpResponse {
        if let Some((asker, key)) = self.asked.take() {
            let repeatable = Repeatable { asker, key, resource: resource.name, entry: found.entry.clone() };
            self.request.extensions_mut().insert(repeatable);
        }
        self.reply(found)
    }

    /// [`Self::find`], and then [`Self::reply_to_question`].
    ///
    /// # Errors
    /// The problem that the gateway's failure is for the caller.
    pub async fn answer<T, F, Fut>(
        &self,
        resource: &'static Resource,
        question: Question,
        fetch: F,
    ) -> Result<HttpResponse, Problem>
    where
        T: Serialize,
        F: FnOnce(GatewayClient) -> Fut + 'static,
        Fut: Future<Output = Result<Fetched<T>, Error>> + 'static,
    {
        let found = self.find(resource, question, fetch).await?;
        Ok(self.reply_to_question(resource, &found))
    }

    /// A problem as the caller reads it inside an answer.
    pub fn document(&self, problem: Problem) -> ProblemDocument {
        let extensions = self.request.extensions();
        let id = extensions.get::<RequestId>().map_or("-", |id| id);
        problem.logged().document(self.request.path(), id)
    }

    /// Answers by `fetch` alone; the answer is never kept, here or anywhere.
    ///
    /// # Errors
    /// The problem that the gateway's failure is for the caller.
    pub async fn answer_unkept<T, F, Fut>(&self, fetch: F) -> Result<HttpResponse, Problem>
    where
        T: Serialize,
        F: FnOnce(GatewayClient) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let value = fetch(self.gateway.clone()).await?;
        let mut response = HttpResponse::Ok().json(value);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }

    /// What all workers share.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }
}

fn log(error: &Error) {
    let _logged = Problem::from(error).logged();
}

fn document<T: Serialize>(resource: &Resource, fetched: &Fetched<T>) -> Result<Document, Error> {
    let body = serde_json::to_vec(&fetched.value).map_err(|error| {
        let gateway = resource.method.as_ref().map_or(Gateway::OpRetail, Method::gateway);
        Error::local(gateway, Kind::Unreadable, format!("the answer cannot be written: {error}"))
    })?;
    Ok(Document { body: Bytes::from(body), link: fetched.link.clone() })
}
