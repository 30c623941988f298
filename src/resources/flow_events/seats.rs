//! How many may listen at a time: all together, and each client.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;
use crate::settings::Section;
use crate::telemetry::metrics;

/// Somebody may leave at any time.
const COME_BACK_AFTER: Duration = Duration::from_secs(10);

/// `[events]`: streams that stay open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSettings {
    /// `streams`: most streams at a time. Each holds one of `server.connections`. Default 1000.
    pub streams: usize,
    /// `streams_per_client`: most streams of one client. Default 100.
    pub streams_per_client: usize,
    /// `heartbeat`: a stream with nothing new shows so often that it is alive. Default `15s`.
    pub heartbeat: Duration,
}

impl Default for EventSettings {
    fn default() -> Self {
        Self { streams: 1_000, streams_per_client: 100, heartbeat: Duration::from_secs(15) }
    }
}

impl EventSettings {
    /// Reads the section.
    pub fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let heartbeat = section.duration("heartbeat", default.heartbeat);
        // Clients give a stream up that is silent for longer, and so do proxies.
        if !(Duration::from_secs(1)..=Duration::from_secs(60)).contains(&heartbeat) {
            section.problem("heartbeat", "write a time from 1s to 60s; 15s is a good value");
        }
        Self {
            streams: section.integer("streams").unwrap_or(default.streams),
            streams_per_client: section.integer("streams_per_client").unwrap_or(default.streams_per_client),
            heartbeat,
        }
    }
}

/// Whose streams are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Client {
    tenant: Arc<str>,
    id: Arc<str>,
}

/// The places of all who listen. Shared by all workers.
#[derive(Debug)]
pub struct Seats {
    settings: EventSettings,
    taken: Mutex<HashMap<Client, usize>>,
    closed: AtomicBool,
}

impl Seats {
    /// Places that are all free.
    pub fn new(settings: EventSettings) -> Self {
        Self { settings, taken: Mutex::default(), closed: AtomicBool::new(false) }
    }

    /// How long a stream may be silent.
    pub const fn heartbeat(&self) -> Duration {
        self.settings.heartbeat
    }

    /// Takes a place for a client of a company.
    ///
    /// # Errors
    /// 503 when there is none.
    pub fn take(self: &Arc<Self>, tenant: &Arc<str>, id: &Arc<str>) -> Result<Seat, Problem> {
        let client = Client { tenant: tenant.clone(), id: id.clone() };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (taken.values().sum::<usize>(), taken.get(&client).copied().unwrap_or_default());
        if own >= self.settings.streams_per_client {
            return Err(full("Your client has", own));
        }
        if all >= self.settings.streams {
            return Err(full("This service has", all));
        }
        *taken.entry(client.clone()).or_default() += 1;
        metrics::event_streams(all + 1);
        Ok(Seat { seats: self.clone(), client })
    }

    /// Ends all streams: the service stops, and they would never end by themselves.
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

/// A place, which is free again when this is dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    client: Client,
}

impl Seat {
    /// All places.
    pub const fn seats(&self) -> &Arc<Seats> {
        &self.seats
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.client);
            }
        }
        metrics::event_streams(taken.values().sum());
    }
}
