//! Finds responses independently of the caller: in the cache, or else at the gateway.

use std::future::Future;
use std::sync::Arc;

use actix_web::web::Data;
use bytes::Bytes;
use serde::Serialize;

use crate::cache::{AnswerCache, CachedResponse, FetchResult, FetchedBody, Freshness, Lookup};
use crate::clock::Clock;
use crate::directory::CurrentDirectories;
use crate::gateway::GatewayClient;
use crate::gateway::error::{Error, Kind};
use crate::gateway::tenants::Tenants;
use crate::http::problem::Problem;
use crate::http::public_url::PublicUrl;
use crate::resources::flow_events::{Feeds, StreamSlots};
use crate::resources::vendors::opretail;
use crate::resources::{Catalogue, Policies, Resource};
use crate::telemetry::metrics;

/// The state that all workers share.
pub struct SharedState {
    /// The tenants and their accounts.
    pub tenants: Tenants,
    /// The store directories.
    pub directories: Arc<CurrentDirectories>,
    /// The response cache.
    pub cache: AnswerCache<Error>,
    /// The resources, and what shapes their responses.
    pub catalogue: Catalogue,
    /// The freshness of responses.
    pub policies: Policies,
    /// The feeds of watched stores.
    pub feeds: Arc<Feeds>,
    /// The slots of event streams.
    pub stream_slots: Arc<StreamSlots>,
    /// The public address of the service.
    pub public_url: PublicUrl,
    /// The clock of the service.
    pub clock: Clock,
}

/// The result of a fetch, to be cached: a document, and its `Link` when it is a page.
pub struct FetchedValue<T> {
    /// Becomes the JSON body.
    pub value: T,
    /// Becomes the `Link` header.
    pub link: Option<String>,
    /// The longest freshness, where that is shorter than the resource's.
    pub keeps: Option<Freshness>,
    /// Whether the gateway sent nothing, which must be confirmed where an older response has content.
    pub gives_nothing: bool,
}

impl<T> From<T> for FetchedValue<T> {
    fn from(value: T) -> Self {
        Self { value, link: None, keeps: None, gives_nothing: false }
    }
}

impl<T> FetchedValue<T> {
    /// Marks the result as empty if the gateway `gives_nothing`. That must be confirmed where an older response has
    /// content.
    #[must_use]
    pub fn of_nothing_if(self, gives_nothing: bool) -> Self {
        Self { gives_nothing, ..self }
    }

    /// Marks the result as a success without data, which is cached for seconds only, if it `is_without_data`.
    #[must_use]
    pub fn without_data_if(self, is_without_data: bool) -> Self {
        if !is_without_data {
            return self;
        }
        Self { gives_nothing: true, keeps: Some(Freshness::DOUBTFUL), ..self }
    }
}

/// Finds responses. Cloning shares the cache and the worker's connections.
#[derive(Clone)]
pub struct AnswerSource {
    pub(super) shared: Data<SharedState>,
    pub(super) gateway: GatewayClient,
}

impl AnswerSource {
    /// Finds the response in the cache, or fetches it from the gateway with `fetch`.
    ///
    /// # Errors
    /// The problem of the gateway's failure.
    pub async fn find<T, F, Fut>(
        &self,
        resource: &'static Resource,
        lookup: Lookup,
        fetch: F,
    ) -> Result<CachedResponse, Problem>
    where
        T: Serialize,
        F: FnOnce(GatewayClient) -> Fut + 'static,
        Fut: Future<Output = Result<FetchedValue<T>, Error>> + 'static,
    {
        let gateway = self.gateway.clone();
        let fetch = move |principal| {
            let fetching = fetch(gateway.for_one_answer().on_behalf_of(principal));
            // A stale response may hide the failure from every caller, so it is logged here.
            async move { fetch_result(resource, &fetching.await.inspect_err(log)?) }
        };
        let found = self.shared.cache.read(lookup, fetch).await;
        let outcome = found.as_ref().map_or("failure", |found| found.outcome.name());
        metrics::cache_reads(resource.name, outcome).increment(1);
        found.map_err(|error| {
            let problem = Problem::from(&error).already_logged();
            if resource.route().path.contains("{store_id}") { problem.of_store() } else { problem }
        })
    }

    /// A source for one of many responses that one request needs: its calls wait behind the others.
    #[must_use]
    pub fn for_one_of_many(&self) -> Self {
        Self { shared: self.shared.clone(), gateway: self.gateway.as_one_of_many() }
    }

    /// The state that all workers share.
    pub fn shared(&self) -> &SharedState {
        &self.shared
    }
}

fn log(error: &Error) {
    let _logged = Problem::from(error).logged();
}

fn fetch_result<T: Serialize>(resource: &Resource, fetched: &FetchedValue<T>) -> Result<FetchResult<Error>, Error> {
    let vendor = resource.method().map_or_else(opretail, |method| method.vendor);
    let body = serde_json::to_vec(&fetched.value)
        .map_err(|error| Error::local(vendor, Kind::Unreadable, format!("the answer cannot be written: {error}")))?;
    let document = FetchedBody { body: Bytes::from(body), link: fetched.link.clone(), max_freshness: fetched.keeps };
    let doubt = || Error::local(vendor, Kind::NotFound, "the gateway gives nothing where it gave something before");
    Ok(FetchResult { document, suspicion: fetched.gives_nothing.then(doubt) })
}
