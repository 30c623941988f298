//! What is known of each store that somebody watches: one task a store asks for its flow, however many listen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt;
use bytes::Bytes;
use tokio::sync::watch;

use super::event;
use crate::cache::{CacheEntry, CacheKey, CacheOutcome, CachedResponse};
use crate::http::problem::Problem;
use crate::resources::flow::StoreFlowQuestion;
use crate::supervisor::Supervisor;

/// How often a watched store is looked at: whether its flow is due, was dropped, or has no listener any more.
pub const RECHECK: Duration = Duration::from_millis(250);

/// Where answers are fresh for a shorter time, or never, the gateway is asked so often.
const SHORTEST_PAUSE: Duration = Duration::from_secs(5);

/// A gateway that fails is asked again after so long at the latest.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A flow as listeners get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Tells it from flows with other figures.
    pub id: Arc<str>,
    /// The body of the same store's `/flow`.
    pub json: Bytes,
}

/// What is known of a store.
#[derive(Clone, Debug)]
pub enum LatestFigures {
    /// Its flow, as the gateway told it when it was due.
    Flow(Flow),
    /// An older flow, since the gateway fails.
    Stale {
        /// The flow.
        flow: Flow,
        /// How old it was when that was found.
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
        let json = found.entry.identity().body.clone();
        let flow = Flow { id: event::id_of(&json).into(), json };
        match found.outcome {
            CacheOutcome::StaleIfError => Self::Stale { flow, age: found.age },
            _ => Self::Flow(flow),
        }
    }

    /// Whether listeners learn nothing new from the other.
    fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Flow(this), Self::Flow(that)) => this.id == that.id,
            (Self::Stale { flow: this, .. }, Self::Stale { flow: that, .. }) => this.id == that.id,
            (Self::Problem(this), Self::Problem(that)) => this.kind() == that.kind(),
            _ => false,
        }
    }
}

/// The key of a store's feed, and the number of the account that it is asked for with: after a reload of the account, others ask
/// with the next.
type FeedKey = (CacheKey, u64);

/// The stores that are watched, of all companies. Shared by all workers.
#[derive(Debug, Default)]
pub struct Feeds {
    by_key: Mutex<HashMap<FeedKey, Arc<watch::Sender<LatestFigures>>>>,
    supervisor: Supervisor,
}

impl Feeds {
    /// No feed yet; the tasks of feeds run under this supervisor.
    pub fn new(supervisor: Supervisor) -> Self {
        Self { by_key: Mutex::default(), supervisor }
    }

    /// Listens to a store of which `found` is known. The first listener's worker asks from then on.
    pub fn listen(
        self: &Arc<Self>,
        lookup: StoreFlowQuestion,
        found: &CachedResponse,
    ) -> watch::Receiver<LatestFigures> {
        let mut feeds = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(&lookup.feed_key()) {
            return feed.subscribe();
        }
        let (sender, receiver) = watch::channel(LatestFigures::of(Ok(found)));
        let sender = Arc::new(sender);
        feeds.insert(lookup.feed_key(), sender.clone());
        let feed =
            StoreFeed { feeds: self.clone(), sender, due: NextRefresh::after(found), lookup: lookup.for_refresh() };
        // One that fails ends the streams of its listeners, who come back and start the next.
        self.supervisor.on_demand("flow_feeds", feed.run());
        receiver
    }
}

/// When the gateway is to be asked again.
struct NextRefresh {
    /// On the clock's own scale.
    at: Duration,
    /// The answer until then.
    entry: Option<Arc<CacheEntry>>,
}

impl NextRefresh {
    /// When the answer is no longer fresh, counted from its arrival: this task may look at it a moment later.
    fn after(found: &CachedResponse) -> Self {
        Self { at: found.entry.fresh_until(SHORTEST_PAUSE), entry: Some(found.entry.clone()) }
    }

    /// Soon, but not so soon that a gateway in trouble is asked for each look. The breaker is there for the rest.
    fn after_failure(lookup: &StoreFlowQuestion) -> Self {
        Self {
            at: lookup.clock().elapsed() + lookup.refresh_interval().clamp(SHORTEST_PAUSE, LONGEST_PAUSE),
            entry: None,
        }
    }

    fn is_now(&self, now: Duration) -> bool {
        // Somebody may have dropped it from the cache, or got a newer one.
        now >= self.at || self.entry.as_ref().is_some_and(|entry| entry.is_retired())
    }
}

/// One store's task.
struct StoreFeed {
    feeds: Arc<Feeds>,
    sender: Arc<watch::Sender<LatestFigures>>,
    lookup: StoreFlowQuestion,
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

    /// Asks together with all others who ask. Listeners do not wait for it, so an old answer that would do for other callers is
    /// none here.
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

    /// Whether nobody listens any more; nobody can begin to meanwhile.
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
    /// However the task ends: whoever listens to it learns that it does, and the next one starts another.
    fn drop(&mut self) {
        let mut feeds = self.feeds.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if feeds.get(&self.lookup.feed_key()).is_some_and(|sender| Arc::ptr_eq(sender, &self.sender)) {
            feeds.remove(&self.lookup.feed_key());
        }
    }
}
