//! Connections that wait for their next request, of one worker, by server. One on which anything came unasked is closed,
//! and its server's connections are used for one request each for a while: who answers twice may answer the next request
//! with the answer to the one before.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use awc::http::uri::Authority;

use super::stream::{Stream, Unasked};
use crate::clock::Deadline;

/// So that changes of a name's addresses are noticed, and load is spread anew.
const LIFETIME: Duration = Duration::from_secs(75);
/// How long connections are not reused after a server sent what nobody asked for.
const DISTRUST: Duration = Duration::from_secs(600);

/// A server: whether it is spoken to with TLS, and its host and port.
pub(super) type Server = (bool, Authority);

/// The pool.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    servers: Rc<RefCell<HashMap<Server, Connections>>>,
    /// How long a connection may wait; zero for no reuse.
    idle: Duration,
}

#[derive(Debug, Default)]
struct Connections {
    waiting: VecDeque<Waiting>,
    distrusted: Option<Deadline>,
}

#[derive(Debug)]
struct Waiting {
    stream: Stream,
    until: Deadline,
    old: Deadline,
}

/// Where a connection goes back to.
#[derive(Debug)]
pub(super) struct Home {
    pool: Pool,
    server: Server,
    old: Deadline,
}

impl Pool {
    pub(super) fn new(idle: Duration) -> Self {
        Self { servers: Rc::default(), idle }
    }

    /// Where a new connection to this server goes when it has done its work.
    pub(super) fn home(&self, server: Server) -> Home {
        Home { pool: self.clone(), server, old: Deadline::after(LIFETIME) }
    }

    /// A connection that can be used, the one that waited least; those that cannot be used any more are closed.
    pub(super) fn take(&self, server: &Server) -> Option<(Stream, Home)> {
        loop {
            let Waiting { mut stream, old, .. } = self.last_waiting(server)?;
            let home = || Home { pool: self.clone(), server: server.clone(), old };
            match stream.unasked() {
                Unasked::Nothing => return Some((stream, home())),
                Unasked::End => {}
                Unasked::Bytes => home().distrust(),
            }
        }
    }

    fn last_waiting(&self, server: &Server) -> Option<Waiting> {
        let mut servers = self.servers.borrow_mut();
        let connections = servers.get_mut(server)?;
        connections.waiting.retain(Waiting::is_fresh);
        connections.waiting.pop_back()
    }
}

impl Waiting {
    fn is_fresh(&self) -> bool {
        !self.until.left().is_zero() && !self.old.left().is_zero()
    }
}

impl Home {
    /// Keeps a connection for the next request.
    pub(super) fn put(self, stream: Stream) {
        if self.pool.idle.is_zero() {
            return;
        }
        let mut servers = self.pool.servers.borrow_mut();
        let connections = servers.entry(self.server).or_default();
        if connections.distrusted.is_some_and(|until| !until.left().is_zero()) {
            return;
        }
        connections.waiting.retain(Waiting::is_fresh);
        connections.waiting.push_back(Waiting { stream, until: Deadline::after(self.pool.idle), old: self.old });
    }

    /// The server sent what nobody asked for: none of its connections is used for a second request for a while.
    pub(super) fn distrust(self) {
        let server = self.server.1.to_string();
        let mut servers = self.pool.servers.borrow_mut();
        let connections = servers.entry(self.server).or_default();
        connections.waiting.clear();
        connections.distrusted = Some(Deadline::after(DISTRUST));
        tracing::warn!(
            server,
            "the server sent a response that was not asked for; its connections are not reused for now"
        );
    }
}
