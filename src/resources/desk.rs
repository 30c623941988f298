//! What a handler works at: the parameters of its request, the company's accounts, the cache, the gateways.
//! A handler reads top to bottom: who asks, what, may they, and then either a kept answer or a call.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
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
use crate::directory::{CurrentDirectories, Directories, Directory, OrganizationId, StoreId, StoreNumbers};
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

/// A store, as one vendor and the caller know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The id that answers give.
    pub id: String,
    /// The vendor's number or code.
    pub number: String,
}

impl Store {
    /// What tells it from all others in a question: its answers hold both.
    pub fn canonical(&self) -> String {
        format!("{} {}", self.id, self.number)
    }
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

    /// The store's numbers, if the caller's token grants the store.
    ///
    /// # Errors
    /// 403 when it does not.
    pub fn granted<S: Scope>(&self, caller: &Caller<S>, store: &StoreId) -> Result<StoreNumbers, Problem> {
        let directory = self.directory(caller);
        let numbers = directory.find(store);
        if caller.grants().may_read_store(&numbers, &directory) {
            return Ok(numbers);
        }
        Err(not_granted(store))
    }

    /// The directory of the caller's company.
    pub fn directory<S: Scope>(&self, caller: &Caller<S>) -> Arc<Directory> {
        self.directories.of(caller.tenant())
    }

    /// The store, with its number at OPRetail.
    ///
    /// # Errors
    /// 403 when the token does not grant the store, 404 when it has no such number.
    pub fn opretail_store<S: Scope>(&self, caller: &Caller<S>, store: &StoreId) -> Result<Store, Problem> {
        let StoreNumbers { id, opretail, .. } = self.granted(caller, store)?;
        let number = opretail.ok_or_else(|| self.not_mapped(caller, store, Gateway::OpRetail))?;
        Ok(Store { id, number })
    }

    /// The store, with its code at the OMS.
    ///
    /// # Errors
    /// 403 when the token does not grant the store, 404 when it has no such code.
    pub fn oms_store<S: Scope>(&self, caller: &Caller<S>, store: &StoreId) -> Result<Store, Problem> {
        let StoreNumbers { id, oms, .. } = self.granted(caller, store)?;
        let number = oms.ok_or_else(|| self.not_mapped(caller, store, Gateway::Oms))?;
        Ok(Store { id, number })
    }

    fn not_mapped<S: Scope>(&self, caller: &Caller<S>, store: &StoreId, gateway: Gateway) -> Problem {
        let (wanted, column) = match gateway {
            Gateway::OpRetail => ("OPRetail number (S_ and digits)", "opretail_id"),
            Gateway::Oms => ("OMS code", "oms_code"),
        };
        let remedy = if self.directory(caller).knows(store) {
            format!("Fill in the column `{column}` of its line in the store directory.")
        } else {
            format!("Use that id in the path, or add the store to the store directory with its `{column}`.")
        };
        let detail = format!("Store {store} has no {wanted} that this service knows, and this path needs it. {remedy}");
        Problem::new(ProblemType::StoreNotMapped, detail)
    }

    /// An OMS code as a caller wrote it, if the token grants it: a grant of OPRetail's store 123456 says nothing of the
    /// OMS's code 123456.
    ///
    /// # Errors
    /// 403 when it does not.
    pub fn granted_code<S: Scope>(&self, caller: &Caller<S>, code: &StoreId) -> Result<String, Problem> {
        let granted = self.granted_oms_stores(caller)?;
        if granted.is_none_or(|codes| codes.iter().any(|granted| granted == code.as_str())) {
            return Ok(code.to_string());
        }
        Err(not_granted(code))
    }

    /// The stores at OPRetail that the token is limited to; `None` when it is not limited.
    ///
    /// # Errors
    /// 403 when it is limited to stores without such a number.
    pub fn granted_opretail_stores<S: Scope>(&self, caller: &Caller<S>) -> Result<Option<Vec<String>>, Problem> {
        self.granted_stores(caller, |numbers| numbers.opretail)
    }

    /// The codes at the OMS that the token is limited to; `None` when it is not limited.
    ///
    /// # Errors
    /// 403 when it is limited to stores without such a code.
    pub fn granted_oms_stores<S: Scope>(&self, caller: &Caller<S>) -> Result<Option<Vec<String>>, Problem> {
        self.granted_stores(caller, |numbers| numbers.oms)
    }

    fn granted_stores<S: Scope>(
        &self,
        caller: &Caller<S>,
        number: fn(StoreNumbers) -> Option<String>,
    ) -> Result<Option<Vec<String>>, Problem> {
        let Some(stores) = caller.grants().stores() else { return Ok(None) };
        let directory = self.directory(caller);
        // A list may name a store by several of its ids.
        let numbers: BTreeSet<String> = stores.iter().filter_map(|id| number(directory.find(id))).collect();
        if numbers.is_empty() {
            let detail = "The token is limited to stores that have no number at the vendor of this list.";
            return Err(Problem::new(ProblemType::StoreNotGranted, detail));
        }
        Ok(Some(numbers.into_iter().collect()))
    }

    /// Lets a token read an organization's figures only if it grants that organization.
    ///
    /// # Errors
    /// 403 when it does not.
    pub fn require_organization<S: Scope>(
        &self,
        caller: &Caller<S>,
        organization: &OrganizationId,
    ) -> Result<(), Problem> {
        if caller.grants().may_read_organization(organization.number()) {
            return Ok(());
        }
        let remedy = ProblemType::StoreNotGranted.remedy();
        let detail = format!("The token does not grant organization {organization}. {remedy}");
        Err(Problem::new(ProblemType::StoreNotGranted, detail))
    }

    /// Refuses a token that is limited to certain stores or organizations where something is asked for that belongs to
    /// all of them.
    ///
    /// # Errors
    /// 403 when the token is limited.
    pub fn require_no_limits<S: Scope>(&self, caller: &Caller<S>) -> Result<(), Problem> {
        if caller.grants().may_read_all() {
            return Ok(());
        }
        let detail = "The token is limited to certain stores or organizations, and this belongs to all of the company.";
        Err(Problem::new(ProblemType::StoreNotGranted, detail))
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

    /// The stores that are asked for, each once, whichever of its ids it is asked for by.
    pub fn each_once<S: Scope>(&self, caller: &Caller<S>, stores: Vec<StoreId>) -> Vec<StoreId> {
        let directory = self.directory(caller);
        let mut seen = HashSet::new();
        stores.into_iter().filter(|store| seen.insert(directory.find(store).id)).collect()
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

fn not_granted(store: &StoreId) -> Problem {
    let detail = format!("The token does not grant store {store}. {}", ProblemType::StoreNotGranted.remedy());
    Problem::new(ProblemType::StoreNotGranted, detail)
}
