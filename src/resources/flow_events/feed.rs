//! The feed of each watched store: one task per store refreshes its flow for all listeners.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt;
use bytes::Bytes;
use tokio::sync::watch;

use super::event;
use crate::cache::{CacheEntry, CacheKey, CacheOutcome, CachedResponse};
use crate::http::problem::Problem;
use crate::resources::flow::StoreFlowLookup;
use crate::supervisor::Supervisor;

/// How often a feed checks whether its flow is due or was dropped, and whether listeners remain.
pub const RECHECK: Duration = Duration::from_millis(250);

/// The refresh interval where responses are fresh for a shorter time, or never.
const SHORTEST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause before a failing gateway is called again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A flow as listeners get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The id, which differs for different figures.
    pub id: Arc<str>,
    /// The body of the store's `/flow` response.
    pub json: Bytes,
}

/// The latest state of a store's flow.
#[derive(Clone, Debug)]
pub enum LatestFigures {
    /// The flow from the latest refresh.
    Flow(Flow),
    /// An older flow, because the gateway fails.
    Stale {
        /// The flow.
        flow: Flow,
        /// The age of the flow when the failure was noticed.
        age: Duration,
    },
    /// The gateway fails, and there is no flow to show.
    Problem(Problem),
}

impl LatestFigures {
    fn of(found: Result<&CachedResponse, Problem>) -> Self {
        let found = match found {
            Ok(found) => found,
            Err(problem) => return Self::Problem(problem),
        };
        let json = found.entry.identity.body.clone();
        let flow = Flow { id: event::id_of(&json).into(), json };
        match found.outcome {
            CacheOutcome::StaleIfError => Self::Stale { flow, age: found.age },
            _ => Self::Flow(flow),
        }
    }

    /// Whether listeners learn nothing new from the other state.
    fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Flow(this), Self::Flow(that)) => this.id == that.id,
            (Self::Stale { flow: this, .. }, Self::Stale { flow: that, .. }) => this.id == that.id,
            (Self::Problem(this), Self::Problem(that)) => this.kind == that.kind,
            _ => false,
        }
    }
}

/// The key of a store's feed, with the number of the account that is used: after a reload of the account, new listeners
/// use another feed.
type FeedKey = (CacheKey, u64);

/// The feeds of all watched stores, of all tenants, shared by all workers.
#[derive(Debug, Default)]
pub struct Feeds {
    by_key: Mutex<HashMap<FeedKey, Arc<watch::Sender<LatestFigures>>>>,
    supervisor: Supervisor,
}

impl Feeds {
    /// Creates an empty set; the supervisor runs the tasks of the feeds.
    pub fn new(supervisor: Supervisor) -> Self {
        Self { by_key: Mutex::default(), supervisor }
    }

    /// Listens to a store for which `found` is the latest response. The first listener's worker runs the feed.
    pub fn listen(self: &Arc<Self>, lookup: StoreFlowLookup, found: &CachedResponse) -> watch::Receiver<LatestFigures> {
        let mut feeds = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(&lookup.feed_key()) {
            return feed.subscribe();
        }
        let (sender, receiver) = watch::channel(LatestFigures::of(Ok(found)));
        let sender = Arc::new(sender);
        feeds.insert(lookup.feed_key(), sender.clone());
        let feed =
            StoreFeed { feeds: self.clone(), sender, due: NextRefresh::after(found), lookup: lookup.for_refresh() };
        // A feed that fails ends the streams of its listeners, which reconnect and start the next one.
        self.supervisor.on_demand("flow_feeds", feed.run());
        receiver
    }
}

/// When the flow is refreshed next.
struct NextRefresh {
    /// The elapsed time of the clock.
    at: Duration,
    /// The cached response until then.
    entry: Option<Arc<CacheEntry>>,
}

impl NextRefresh {
    /// When the response is no longer fresh, counted from its arrival, because this task may look at it a moment later.
    fn after(found: &CachedResponse) -> Self {
        Self { at: found.entry.fresh_until(SHORTEST_PAUSE), entry: Some(found.entry.clone()) }
    }

    /// Soon after a failure, but not on every check. The circuit breaker protects the gateway beyond that.
    fn after_failure(lookup: &StoreFlowLookup) -> Self {
        Self {
            at: lookup.clock().elapsed() + lookup.refresh_interval().clamp(SHORTEST_PAUSE, LONGEST_PAUSE),
            entry: None,
        }
    }

    fn is_now(&self, now: Duration) -> bool {
        // Another caller may have dropped the response from the cache, or refreshed it.
        now >= self.at || self.entry.as_ref().is_some_and(|entry| entry.is_retired())
    }
}

/// The task of one store's feed.
struct StoreFeed {
    feeds: Arc<Feeds>,
    sender: Arc<watch::Sender<LatestFigures>>,
    lookup: StoreFlowLookup,
    due: NextRefresh,
}

impl StoreFeed {
    async fn run(mut self) {
        loop {
            rt::time::sleep(RECHECK).await;
            if self.ends_without_listeners() {
                return;
            }
            if self.due.is_now(self.lookup.clock().elapsed()) {
                self.refresh().await;
            }
        }
    }

    /// Refreshes the flow in a single flight with all other callers. Listeners do not wait for it, so a stale response
    /// that other callers accept is not used here.
    async fn refresh(&mut self) {
        let found = self.lookup.fetch().await;
        self.due = match &found {
            Ok(found) if found.outcome != CacheOutcome::StaleIfError => NextRefresh::after(found),
            Ok(_) | Err(_) => NextRefresh::after_failure(&self.lookup),
        };
        let latest = LatestFigures::of(found.as_ref().map_err(Clone::clone));
        self.sender.send_if_modified(|sent| {
            let is_news = !sent.is_same_as(&latest);
            *sent = latest;
            is_news
        });
    }

    /// Whether no listeners remain; checked under the lock under which new ones are added.
    fn ends_without_listeners(&self) -> bool {
        let mut feeds = self.feeds.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let has_no_listeners = self.sender.receiver_count() == 0;
        if has_no_listeners {
            feeds.remove(&self.lookup.feed_key());
        }
        has_no_listeners
    }
}

impl Drop for StoreFeed {
    /// Removes the feed however its task ends: its listeners learn of the end, and the next listener starts another
    /// feed.
    fn drop(&mut self) {
        let mut feeds = self.feeds.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if feeds.get(&self.lookup.feed_key()).is_some_and(|sender| Arc::ptr_eq(sender, &self.sender)) {
            feeds.remove(&self.lookup.feed_key());
        }
    }
}
