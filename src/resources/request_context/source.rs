//! Where answers come from, whoever asks: the cache, or else the gateway.

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
use crate::resources::vendor_methods::opretail;
use crate::resources::{Catalogue, Policies, Resource};
use crate::telemetry::metrics;

/// What all workers share.
pub struct SharedState {
    /// Companies and their accounts.
    pub tenants: Tenants,
    /// Store ids.
    pub directories: Arc<CurrentDirectories>,
    /// Finished answers.
    pub cache: AnswerCache<Error>,
    /// The resources, and what shapes their answers.
    pub catalogue: Catalogue,
    /// How long answers keep.
    pub policies: Policies,
    /// The stores that are watched.
    pub feeds: Arc<Feeds>,
    /// The slots of event streams.
    pub stream_slots: Arc<StreamSlots>,
    /// The address that callers use.
    pub public_url: PublicUrl,
    /// The clock of the service.
    pub clock: Clock,
}

/// What a fetch gives to be kept: a document, and its place in a list when it is a page.
pub struct FetchedValue<T> {
    /// Becomes the JSON body.
    pub value: T,
    /// Becomes the `Link` header.
    pub link: Option<String>,
    /// How long it keeps at the most, where that is shorter than what the resource says.
    pub keeps: Option<Freshness>,
    /// Whether the gateway gave nothing: that must be confirmed where an older answer has something.
    pub gives_nothing: bool,
}

impl<T> From<T> for FetchedValue<T> {
    fn from(value: T) -> Self {
        Self { value, link: None, keeps: None, gives_nothing: false }
    }
}

impl<T> FetchedValue<T> {
    /// Marks what was fetched as nothing, if the gateway `gives_nothing`: that must be confirmed where an older answer has something.
    #[must_use]
    pub fn of_nothing_if(self, gives_nothing: bool) -> Self {
        Self { gives_nothing, ..self }
    }

    /// Marks what was fetched as a success without data, if it `is_without_data`: it keeps for seconds only.
    #[must_use]
    pub fn without_data_if(self, is_without_data: bool) -> Self {
        if !is_without_data {
            return self;
        }
        Self { gives_nothing: true, keeps: Some(Freshness::DOUBTFUL), ..self }
    }
}

/// Finds answers. Cloning shares the cache and the worker's connections.
#[derive(Clone)]
pub struct AnswerSource {
    pub(super) shared: Data<SharedState>,
    pub(super) gateway: GatewayClient,
}

impl AnswerSource {
    /// Finds the answer in the cache, or by `fetch` from the gateway.
    ///
    /// # Errors
    /// The problem that the gateway's failure is for the caller.
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
            // An older answer may hide the failure from every caller, so it is logged where it happens.
            async move { fetch_result(resource, &fetching.await.inspect_err(log)?) }
        };
        let found = self.shared.cache.read(lookup, fetch).await;
        metrics::cache_read(resource.name, found.as_ref().map_or("failure", |found| found.outcome.name()));
        found.map_err(|error| Problem::from(&error).already_logged())
    }

    /// A source for one of many answers that one request needs: its calls wait behind the others.
    #[must_use]
    pub fn for_one_of_many(&self) -> Self {
        Self { shared: self.shared.clone(), gateway: self.gateway.as_one_of_many() }
    }

    /// What all workers share.
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
