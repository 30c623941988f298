//! The stream slots: limits how many event streams are open at a time, in total and per client. When all slots are
//! taken, tenants get equal shares, and so do the clients of a tenant: a new stream takes over the newest slot of the
//! one with the most.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;
use crate::settings::section;
use crate::telemetry::metrics;

/// How long a refused client should wait; a slot may become free at any time.
const COME_BACK_AFTER: Duration = Duration::from_secs(10);

section! {
    /// Event streams (`GET /stores/{store_id}/flow/events`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct EventSettings in "events" on restart {
        /// Most streams at a time. Each holds one of `server.connections`.
        streams: usize = 1000;
        /// Most streams of one client.
        streams_per_client: usize = 100;
        // Clients and proxies give up a stream that is silent for longer than a minute.
        /// How often a stream without events sends a sign of life.
        heartbeat: Duration = "15s", from "1s" to "60s" else "write a time from 1s to 60s; 15s is a good value";
    }
}

/// The client whose streams are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct StreamClient {
    tenant: Arc<str>,
    id: Arc<str>,
}

/// The slots of all event streams, shared by all workers.
#[derive(Debug)]
pub struct StreamSlots {
    settings: EventSettings,
    taken: Mutex<TakenSlots>,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct TakenSlots {
    /// The open streams by number; the newest come last.
    streams: BTreeMap<u64, OpenStream>,
    next: u64,
}

#[derive(Debug)]
struct OpenStream {
    client: StreamClient,
    is_displaced: Arc<AtomicBool>,
}

impl TakenSlots {
    fn count(&self, is_counted: impl Fn(&StreamClient) -> bool) -> usize {
        self.streams.values().filter(|stream| is_counted(&stream.client)).count()
    }

    /// Ends the newest stream of the tenant with the most streams, if these are more than the new client's tenant will
    /// have; otherwise that of the tenant's client with the most streams, if these are more than the new client will
    /// have.
    fn displace_for(&mut self, client: &StreamClient) -> bool {
        let everybody = self.streams.values().map(|stream| &stream.client);
        let by_tenant = greediest(everybody.clone().map(|other| &other.tenant), &client.tenant);
        let tenant = by_tenant.unwrap_or(&client.tenant);
        let of_tenant = everybody.filter(|other| other.tenant == *tenant);
        // Another tenant gives up a stream of its client with the most; within the tenant, only a client with more than
        // the new one does.
        let greediest = match by_tenant {
            Some(_) => most_frequent(of_tenant).map(|(other, _)| other),
            None => greediest(of_tenant, client),
        };
        let Some(greediest) = greediest.cloned() else { return false };
        let newest =
            self.streams.iter().rev().find(|(_, stream)| stream.client == greediest).map(|(number, _)| *number);
        let Some(displaced) = newest.and_then(|number| self.streams.remove(&number)) else { return false };
        displaced.is_displaced.store(true, Ordering::Release);
        true
    }
}

/// The most frequent name, if it is still more frequent than `newcomer` after giving up one.
fn greediest<'a, T: Eq + Hash>(names: impl Iterator<Item = &'a T> + Clone, newcomer: &T) -> Option<&'a T> {
    let own = names.clone().filter(|name| *name == newcomer).count();
    most_frequent(names).filter(|(_, most)| *most > own + 1).map(|(name, _)| name)
}

fn most_frequent<'a, T: Eq + Hash>(names: impl Iterator<Item = &'a T>) -> Option<(&'a T, usize)> {
    let mut counts = HashMap::new();
    names.for_each(|name| *counts.entry(name).or_insert(0) += 1);
    counts.into_iter().max_by_key(|(_, count)| *count)
}

impl StreamSlots {
    /// Creates the slots, all free.
    pub fn new(settings: EventSettings) -> Self {
        Self { settings, taken: Mutex::default(), closed: AtomicBool::new(false) }
    }

    /// The longest time that a stream may be silent.
    pub const fn heartbeat(&self) -> Duration {
        self.settings.heartbeat
    }

    /// Takes a slot for a client of a tenant.
    ///
    /// # Errors
    /// 503 when no slot is free and no other client has more streams than this one.
    pub fn take(self: &Arc<Self>, tenant: &Arc<str>, id: &Arc<str>) -> Result<StreamSlot, Problem> {
        let client = StreamClient { tenant: tenant.clone(), id: id.clone() };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.count(|other| *other == client);
        if own >= self.settings.streams_per_client {
            return Err(full("Your client has", own));
        }
        let all = taken.streams.len();
        if all >= self.settings.streams && !taken.displace_for(&client) {
            return Err(full("This service has", all));
        }
        taken.next += 1;
        let (number, is_displaced) = (taken.next, Arc::<AtomicBool>::default());
        taken.streams.insert(number, OpenStream { client, is_displaced: is_displaced.clone() });
        metrics::set(&metrics::event_streams(), taken.streams.len() as u64);
        Ok(StreamSlot { slots: self.clone(), number, is_displaced })
    }

    /// Ends all streams when the service stops; they would never end by themselves.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether all streams are to end.
    pub fn are_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

fn full(who: &str, streams: usize) -> Problem {
    let remedy = ProblemType::TooManyStreams.remedy();
    let detail = format!("{who} {streams} event streams open, and that is the most. {remedy}");
    Problem::new(ProblemType::TooManyStreams, detail).retry_after(COME_BACK_AFTER)
}

/// The slot of one stream, which is free again when this is dropped.
#[derive(Debug)]
pub struct StreamSlot {
    /// The slots of all streams.
    pub slots: Arc<StreamSlots>,
    number: u64,
    is_displaced: Arc<AtomicBool>,
}

impl StreamSlot {
    /// Whether a client with fewer streams has taken this slot over.
    pub fn is_displaced(&self) -> bool {
        self.is_displaced.load(Ordering::Acquire)
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.streams.remove(&self.number);
        metrics::set(&metrics::event_streams(), taken.streams.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::{EventSettings, StreamSlot, StreamSlots};
    use std::sync::Arc;

    fn slots(streams: usize) -> Arc<StreamSlots> {
        Arc::new(StreamSlots::new(EventSettings { streams, ..EventSettings::default() }))
    }

    fn take(slots: &Arc<StreamSlots>, tenant: &str, id: &str) -> Option<StreamSlot> {
        slots.take(&tenant.into(), &id.into()).ok()
    }

    fn displaced(slots: &[StreamSlot]) -> usize {
        slots.iter().filter(|slot| slot.is_displaced()).count()
    }

    #[test]
    fn a_tenant_alone_has_all_slots_and_gives_up_no_more_than_half_to_another() {
        let slots = slots(10);
        let acme: Vec<StreamSlot> =
            (0..10).map(|number| take(&slots, "acme", &(number % 5).to_string()).unwrap()).collect();
        assert!(take(&slots, "acme", "0").is_none());
        let zenith: Vec<StreamSlot> = (0..6).filter_map(|_| take(&slots, "zenith", "z")).collect();
        assert_eq!((zenith.len(), displaced(&acme)), (5, 5));
        assert!(acme.iter().take(2).all(|slot| !slot.is_displaced()), "the newest ones end");
        drop(acme);
        assert!(take(&slots, "zenith", "z").is_some());
    }

    #[test]
    fn within_a_tenant_the_client_with_the_most_makes_room() {
        let slots = slots(6);
        let greedy: Vec<StreamSlot> = (0..6).map(|_| take(&slots, "acme", "greedy").unwrap()).collect();
        let modest: Vec<StreamSlot> = (0..4).filter_map(|_| take(&slots, "acme", "modest")).collect();
        assert_eq!((modest.len(), displaced(&greedy), displaced(&modest)), (3, 3, 0));
    }
}
