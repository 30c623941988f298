//! The pool of idle connections of one worker, by server. If unsolicited bytes arrive on a connection, it is closed,
//! and its server's connections are used for one request each for a while: a server that responds twice may answer the
//! next request with the response to the previous one. Once that request is sent, nothing distinguishes the two. A
//! server is therefore on probation first, and its connections are reused at once only after some of them have stayed
//! quiet for a time.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use awc::http::uri::Authority;

use super::Options;
use super::stream::{Stream, UnsolicitedData};
use crate::clock::Deadline;

/// The longest lifetime of a connection, so that changes of a name's addresses take effect and load is distributed
/// again.
const LIFETIME: Duration = Duration::from_secs(75);
/// How long connections are not reused after a server sent unsolicited bytes.
const DISTRUST: Duration = Duration::from_secs(600);

/// The number of connections that must stay quiet before a server's probation ends.
const PROOFS: u8 = 3;
/// The number of connections that are pooled during a probation; others are closed after their request.
const MOST_ON_PROBATION: usize = 8;

/// The key of a server: whether it uses TLS, with its host and port.
pub(super) type ServerKey = (bool, Authority);

/// The pool.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    servers: Rc<RefCell<HashMap<ServerKey, Connections>>>,
    options: Options,
}

#[derive(Debug, Default)]
struct Connections {
    waiting: VecDeque<IdleConnection>,
    distrusted: Option<Deadline>,
    /// The number of connections that stayed quiet for the time of the probation.
    proofs: u8,
}

#[derive(Debug)]
struct IdleConnection {
    stream: Stream,
    /// When the connection has stayed quiet for the time of the probation.
    proven: Deadline,
    until: Deadline,
    old: Deadline,
}

/// The place in the pool to which a connection returns.
#[derive(Debug)]
pub(super) struct PoolSlot {
    pool: Pool,
    server: ServerKey,
    old: Deadline,
}

impl Pool {
    pub(super) fn new(options: Options) -> Self {
        Self { servers: Rc::default(), options }
    }

    /// Returns the place for a new connection to this server.
    pub(super) fn home(&self, server: ServerKey) -> PoolSlot {
        PoolSlot { pool: self.clone(), server, old: Deadline::after(LIFETIME) }
    }

    /// Takes a usable connection, the one that has been idle the longest: late bytes on it have arrived by then.
    /// Connections that are no longer usable are closed.
    pub(super) fn take(&self, server: &ServerKey) -> Option<(Stream, PoolSlot)> {
        loop {
            let IdleConnection { mut stream, old, .. } = self.longest_idle(server)?;
            let home = || PoolSlot { pool: self.clone(), server: server.clone(), old };
            match stream.unasked() {
                UnsolicitedData::Nothing => {
                    self.stayed_quiet(server);
                    return Some((stream, home()));
                }
                UnsolicitedData::End => {}
                UnsolicitedData::Bytes => home().distrust(),
            }
        }
    }

    fn longest_idle(&self, server: &ServerKey) -> Option<IdleConnection> {
        let mut servers = self.servers.borrow_mut();
        let connections = servers.get_mut(server)?;
        connections.waiting.retain(IdleConnection::is_fresh);
        let is_proven = |waiting: &IdleConnection| waiting.proven.left().is_zero();
        let may_be_used = !connections.is_on_probation() || connections.waiting.front().is_some_and(is_proven);
        if may_be_used { connections.waiting.pop_front() } else { None }
    }

    fn stayed_quiet(&self, server: &ServerKey) {
        if let Some(connections) = self.servers.borrow_mut().get_mut(server) {
            connections.proofs = connections.proofs.saturating_add(1);
        }
    }
}

impl Connections {
    const fn is_on_probation(&self) -> bool {
        self.proofs < PROOFS
    }

    fn are_distrusted(&self) -> bool {
        self.distrusted.is_some_and(|until| !until.left().is_zero())
    }
}

impl IdleConnection {
    fn is_fresh(&self) -> bool {
        !self.until.left().is_zero() && !self.old.left().is_zero()
    }
}

impl PoolSlot {
    /// Returns a connection to the pool for the next request.
    pub(super) fn put(self, stream: Stream) {
        let Options { idle, probation, .. } = self.pool.options;
        if idle.is_zero() {
            return;
        }
        let mut servers = self.pool.servers.borrow_mut();
        let connections = servers.entry(self.server).or_default();
        connections.waiting.retain(IdleConnection::is_fresh);
        let is_enough = connections.is_on_probation() && connections.waiting.len() >= MOST_ON_PROBATION;
        if is_enough || connections.are_distrusted() {
            return;
        }
        let (proven, until) = (Deadline::after(probation), Deadline::after(idle));
        connections.waiting.push_back(IdleConnection { stream, proven, until, old: self.old });
    }

    /// Stops the reuse of the server's connections for a while, because it sent unsolicited bytes.
    pub(super) fn distrust(self) {
        let server = self.server.1.to_string();
        let mut servers = self.pool.servers.borrow_mut();
        let connections = servers.entry(self.server).or_default();
        connections.waiting.clear();
        connections.proofs = 0;
        connections.distrusted = Some(Deadline::after(DISTRUST));
        tracing::warn!(server, "unsolicited response; the server's connections are not reused for now");
    }
}
