//! The connection slots of one worker. At the limit, the connections that have been idle the longest are closed for new
//! ones. Health checks need no slot: an operator must see that a service is alive, however full it is.
//!
//! A connection beyond the limit waits for a slot. What it sends is read only to recognize a health check.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use memchr::memmem;

use crate::clock::Deadline;
use crate::telemetry::metrics;

/// A connection that has been idle for less time is not closed: its request may be in transit.
const LEAST_WAIT: Duration = Duration::from_millis(500);

/// How often a connection that waits for a slot checks whether others may be closed.
pub const RECHECK: Duration = Duration::from_millis(100);

/// The shortest time between two warnings of a full worker.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(60);

/// The request lines of operators and their probes.
const HEALTH_CHECKS: [&[u8]; 6] =
    [b"GET /healthz", b"GET /readyz", b"GET /metrics", b"HEAD /healthz", b"HEAD /readyz", b"HEAD /metrics"];

/// The connections of a worker.
#[derive(Debug)]
pub struct Slots {
    limit: usize,
    /// The most connections that may wait for a slot.
    reserve: usize,
    admitted: Cell<usize>,
    waiting: Cell<usize>,
    /// The connections by number, so the oldest come first.
    connections: RefCell<BTreeMap<u64, Rc<TrackedConnection>>>,
    next: Cell<u64>,
    silent_until: Cell<Option<Deadline>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    /// The connection is served.
    Admitted,
    /// The connection waits for a slot.
    Waiting,
    /// The connection is served without a slot.
    Exempt,
}

#[derive(Debug)]
struct TrackedConnection {
    admission: Cell<Admission>,
    /// When the connection may be closed, because it is idle. `None` while it has a request in progress.
    idle: Cell<Option<Deadline>>,
    is_closed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl TrackedConnection {
    fn may_be_closed(&self) -> bool {
        !self.is_closed.get() && self.idle.get().is_some_and(|idle| idle.left().is_zero())
    }

    fn close(&self) {
        self.is_closed.set(true);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Returns the most connections of a worker, including those that wait for a slot.
pub fn most(limit: usize) -> usize {
    limit.saturating_add(reserve(limit))
}

fn reserve(limit: usize) -> usize {
    (limit / 8).clamp(4, 64)
}

impl Slots {
    /// Creates `limit` slots. A few more connections may wait.
    pub fn new(limit: usize) -> Rc<Self> {
        Rc::new(Self {
            limit,
            reserve: reserve(limit),
            admitted: Cell::default(),
            waiting: Cell::default(),
            connections: RefCell::default(),
            next: Cell::default(),
            silent_until: Cell::default(),
        })
    }

    /// Registers a new connection.
    pub fn enter(self: &Rc<Self>) -> ConnectionSlot {
        let is_free = self.admitted.get() < self.limit;
        let connection = Rc::new(TrackedConnection {
            admission: Cell::new(if is_free { Admission::Admitted } else { Admission::Waiting }),
            idle: Cell::new(Some(Deadline::after(LEAST_WAIT))),
            is_closed: Cell::new(false),
            waker: RefCell::default(),
        });
        let number = self.next.replace(self.next.get() + 1);
        self.connections.borrow_mut().insert(number, connection.clone());
        self.count(connection.admission.get(), 1);
        if !is_free {
            self.warn();
            self.make_room();
        }
        ConnectionSlot { slots: self.clone(), number, connection }
    }

    /// Closes as many idle connections as others wait for a slot, the longest idle first. If none may be closed and too
    /// many wait, the first waiting connection is closed.
    fn make_room(&self) {
        let connections = self.connections.borrow();
        let admitted = || connections.values().filter(|other| other.admission.get() == Admission::Admitted);
        let closing = admitted().filter(|other| other.is_closed.get()).count();
        let wanted = self.waiting.get().saturating_sub(closing);
        let mut idle: Vec<_> = admitted().filter(|other| other.may_be_closed()).collect();
        idle.sort_by_key(|other| other.idle.get());
        let mut closed: Vec<_> = idle.into_iter().take(wanted).collect();
        if closed.is_empty() && self.waiting.get() >= self.reserve {
            let mut waiting = connections.values().filter(|other| other.admission.get() == Admission::Waiting);
            closed.extend(waiting.find(|other| other.may_be_closed()));
        }
        for connection in closed {
            let is_admitted = connection.admission.get() == Admission::Admitted;
            metrics::connections_closed(if is_admitted { "idle" } else { "no_slot" }).increment(1);
            connection.close();
        }
    }

    fn leave(&self, number: u64) {
        let mut connections = self.connections.borrow_mut();
        let Some(left) = connections.remove(&number) else { return };
        self.count(left.admission.get(), -1);
        if self.admitted.get() >= self.limit {
            return;
        }
        let mut waiting = connections.values().filter(|other| other.admission.get() == Admission::Waiting);
        if let Some(next) = waiting.find(|other| !other.is_closed.get()) {
            self.admit(next, Admission::Admitted);
            next.wake();
        }
    }

    fn admit(&self, connection: &TrackedConnection, admission: Admission) {
        self.count(connection.admission.replace(admission), -1);
        self.count(admission, 1);
        connection.idle.set(Some(Deadline::after(LEAST_WAIT)));
    }

    fn count(&self, admission: Admission, change: isize) {
        let count = match admission {
            Admission::Admitted => &self.admitted,
            Admission::Waiting => &self.waiting,
            Admission::Exempt => return,
        };
        count.set(count.get().saturating_add_signed(change));
    }

    fn warn(&self) {
        metrics::connection_limit_reached().increment(1);
        if self.silent_until.get().is_some_and(|until| !until.left().is_zero()) {
            return;
        }
        self.silent_until.set(Some(Deadline::after(BETWEEN_WARNINGS)));
        tracing::warn!(
            connections_of_this_worker = self.limit,
            "connection limit reached: idle and stalled connections are closed for new ones; see `server.connections`"
        );
    }
}

/// The slot of one connection, or its place in the queue for one.
#[derive(Debug)]
pub struct ConnectionSlot {
    slots: Rc<Slots>,
    number: u64,
    connection: Rc<TrackedConnection>,
}

impl ConnectionSlot {
    /// Whether the connection must end to make room for others.
    pub fn is_closed(&self) -> bool {
        self.connection.is_closed.get()
    }

    /// Whether the connection waits for a slot.
    pub fn is_waited_for(&self) -> bool {
        self.connection.admission.get() == Admission::Waiting
    }

    /// Whether the connection is served without a slot, for one request.
    pub fn is_exempt(&self) -> bool {
        self.connection.admission.get() == Admission::Exempt
    }

    /// Lets the connection be served without a slot if these first bytes are a complete health check.
    pub fn exempt(&self, sent: &[u8]) {
        let is_path = |rest: &[u8]| matches!(rest.first(), Some(b' ' | b'?'));
        let mut checks = HEALTH_CHECKS.iter().filter_map(|check| sent.strip_prefix(*check));
        if checks.any(is_path) && memmem::find(sent, b"\r\n\r\n").is_some() {
            self.slots.admit(&self.connection, Admission::Exempt);
        }
    }

    /// Checks whether idle connections may be closed.
    pub fn look(&self) {
        self.slots.make_room();
    }

    /// Records that the connection is idle.
    pub fn is_idle(&self) {
        if self.connection.idle.get().is_none() {
            self.connection.idle.set(Some(Deadline::after(LEAST_WAIT)));
        }
    }

    /// Records that the connection has a complete request in progress.
    pub fn is_busy(&self) {
        self.connection.idle.set(None);
    }

    /// Sets the waker to use when the connection must end or has its slot.
    pub fn wake_by(&self, waker: &Waker) {
        let mut known = self.connection.waker.borrow_mut();
        if known.as_ref().is_none_or(|known| !known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.slots.leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectionSlot, LEAST_WAIT, Slots};
    use std::rc::Rc;
    use tokio::time::{advance, pause};

    fn enter(slots: &Rc<Slots>, count: usize) -> Vec<ConnectionSlot> {
        (0..count).map(|_| slots.enter()).collect()
    }

    #[actix_web::test]
    async fn a_connection_to_a_full_worker_waits_until_another_closes() {
        let slots = Slots::new(2);
        let mut served = enter(&slots, 2);
        served.iter().for_each(ConnectionSlot::is_busy);
        let waiting = enter(&slots, 2);
        assert!(waiting.iter().all(ConnectionSlot::is_waited_for) && served.iter().all(|slot| !slot.is_closed()));
        served.pop();
        assert!(!waiting[0].is_waited_for() && waiting[1].is_waited_for(), "in the order in which they came");
        drop(waiting);
        assert_eq!((slots.admitted.get(), slots.waiting.get()), (1, 0));
    }

    #[actix_web::test]
    async fn at_the_limit_those_that_have_idled_the_longest_are_closed_and_no_busy_or_new_one() {
        pause();
        let slots = Slots::new(3);
        let served = enter(&slots, 3);
        served[0].is_busy();
        advance(LEAST_WAIT).await;
        served[1].is_busy();
        served[1].is_idle();
        let waiting = slots.enter();
        assert_eq!(served.iter().map(ConnectionSlot::is_closed).collect::<Vec<_>>(), [false, false, true]);
        drop(served.into_iter().next_back());
        assert!(!waiting.is_waited_for());
    }

    #[actix_web::test]
    async fn the_first_of_too_many_waiting_connections_is_closed_when_none_is_idle() {
        pause();
        let slots = Slots::new(1);
        let served = enter(&slots, 1);
        served[0].is_busy();
        let waiting = enter(&slots, 4);
        waiting[0].look();
        assert!(waiting.iter().all(|slot| !slot.is_closed()), "it has only just come");
        advance(LEAST_WAIT).await;
        waiting[3].look();
        assert_eq!(waiting.iter().map(ConnectionSlot::is_closed).collect::<Vec<_>>(), [true, false, false, false]);
    }

    #[actix_web::test]
    async fn a_whole_health_check_needs_no_slot_and_nothing_else_does_without() {
        let slots = Slots::new(1);
        let _served = slots.enter();
        for sent in
            ["GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD /readyz?x HTTP/1.1\r\n\r\n", "GET /metrics ?\r\n\r\n"]
        {
            let slot = slots.enter();
            slot.exempt(sent.as_bytes());
            assert!(slot.is_exempt() && !slot.is_waited_for(), "{sent}");
        }
        for sent in
            ["", "GET /healthz HTTP/1.1\r\nHost: a\r\n", "GET /healthzz HTTP/1.1\r\n\r\n", "POST /healthz \r\n\r\n"]
        {
            let slot = slots.enter();
            slot.exempt(sent.as_bytes());
            assert!(slot.is_waited_for(), "{sent}");
        }
    }
}
