//! Connections that wait for their next request, of one worker, by server. One on which anything came unasked is closed,
//! and its server's connections are used for one request each for a while: who answers twice may answer the next request
//! with the answer to the one before. Once that request is sent, nothing tells the two apart; so a server is on probation
//! first, and its connections are reused at once only after some of them have stayed quiet for a time.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use awc::http::uri::Authority;

use super::Options;
use super::stream::{Stream, UnsolicitedData};
use crate::clock::Deadline;

/// So that changes of a name's addresses are noticed, and load is spread anew.
const LIFETIME: Duration = Duration::from_secs(75);
/// How long connections are not reused after a server sent what nobody asked for.
const DISTRUST: Duration = Duration::from_secs(600);

/// Connections that must have stayed quiet before a server's probation ends.
const PROOFS: u8 = 3;
/// Connections that are kept meanwhile; others are closed after their request.
const MOST_ON_PROBATION: usize = 8;

/// A server: whether it is spoken to with TLS, and its host and port.
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
    /// How many connections stayed quiet for the time of the probation.
    proofs: u8,
}

#[derive(Debug)]
struct IdleConnection {
    stream: Stream,
    /// When it has stayed quiet for the time of the probation.
    proven: Deadline,
    until: Deadline,
    old: Deadline,
}

/// Where a connection goes back to.
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

    /// Where a new connection to this server goes when it has done its work.
    pub(super) fn home(&self, server: ServerKey) -> PoolSlot {
        PoolSlot { pool: self.clone(), server, old: Deadline::after(LIFETIME) }
    }

    /// A connection that can be used, the one that waited longest: what comes late on it has come by then. Those that
    /// cannot be used any more are closed.
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
    /// Keeps a connection for the next request.
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

    /// The server sent what nobody asked for: none of its connections is used for a second request for a while.
    pub(super) fn distrust(self) {
        let server = self.server.1.to_string();
        let mut servers = self.pool.servers.borrow_mut();
        let connections = servers.entry(self.server).or_default();
        connections.waiting.clear();
        connections.proofs = 0;
        connections.distrusted = Some(Deadline::after(DISTRUST));
        tracing::warn!(
            server,
            "the server sent a response that was not asked for; its connections are not reused for now"
        );
    }
}
