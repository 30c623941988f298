//! A loopback port that belongs to one test from its first moment to its last. A port that was merely free a moment ago may
//! be taken by another test, or by a connection that goes out, before it is used.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// As many callers as a test has at once.
const BACKLOG: i32 = 1024;

/// A port on which nothing listens until [`ReservedPort::listen`]: connections are refused.
pub struct ReservedPort(Socket);

impl ReservedPort {
    /// Takes a free port.
    pub fn new() -> Self {
        Self(bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap().as_socket().unwrap()
    }

    /// Listens on the port. When the listener is gone, connections are refused again.
    pub fn listen(&self) -> TcpListener {
        let listener = bound(self.address());
        listener.listen(BACKLOG).unwrap();
        listener.into()
    }
}

/// Sockets that share a port must all say so, and those of other programs do not. `SO_REUSEADDR` would let any program take a
/// port on which nothing listens.
fn bound(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.bind(&address.into()).unwrap();
    socket
}

#[test]
fn a_reserved_port_refuses_connections_until_somebody_listens_and_afterwards() {
    use std::io::ErrorKind::{AddrInUse, ConnectionRefused};
    use std::net::TcpStream;

    let port = ReservedPort::new();
    let is_refused = || TcpStream::connect(port.address()).is_err_and(|error| error.kind() == ConnectionRefused);
    assert!(is_refused());
    let listener = port.listen();
    assert!(TcpStream::connect(port.address()).is_ok());
    drop(listener);
    assert!(is_refused());
    assert!(TcpListener::bind(port.address()).is_err_and(|error| error.kind() == AddrInUse), "it stays the test's own");
}
