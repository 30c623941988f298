//! Connects to a server: name resolution, TCP and TLS. The first address that accepts the connection is used (RFC
//! 8305): addresses are tried one after the other with a short delay, alternating between families, and a slow one does
//! not hold up the others.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use super::failure::RequestFailure;
use super::stream::Stream;

/// The delay between two attempts (RFC 8305 §8 recommends this value).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Why there is no connection, by the step that failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name cannot be resolved.
    #[error("the name {0} cannot be resolved: {1}")]
    Name(String, io::Error),
    /// No address accepted the connection; the error is the last one.
    #[error("no connection to {0}: {1}")]
    Connect(SocketAddr, io::Error),
    /// The TLS handshake failed.
    #[error("TLS with {0} cannot be agreed: {1}")]
    Tls(String, io::Error),
    /// A step took too long.
    #[error("{0} was not reached in time")]
    NotInTime(String),
}

impl ConnectError {
    pub(super) fn failure(&self) -> RequestFailure {
        match self {
            Self::Name(..) => RequestFailure::NameNotResolved,
            Self::Connect(_, error) if error.kind() == io::ErrorKind::TimedOut => RequestFailure::NoConnectionInTime,
            Self::Connect(..) => RequestFailure::ConnectionRefused,
            Self::Tls(..) => RequestFailure::TlsFailed,
            Self::NotInTime(_) => RequestFailure::NoConnectionInTime,
        }
    }
}

/// Connects to a host, which is a name or an address (an IPv6 one in brackets), with TLS if there is a configuration
/// for it. `time` applies to name and connection together, and again to TLS.
///
/// # Errors
/// Returns a [`ConnectError`] that says which step failed.
pub async fn connect(
    host: &str,
    port: u16,
    tls: Option<&Arc<ClientConfig>>,
    time: Duration,
) -> Result<Stream, ConnectError> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let late = || ConnectError::NotInTime(host.to_owned());
    let addresses = timeout(time, resolve(host, port)).await.map_err(|_| late())??;
    connect_to(host, addresses, tls, time).await
}

/// Connects to one of a host's addresses. An address that accepts the connection and then fails at TLS is skipped, and
/// the others are tried.
///
/// # Errors
/// Returns a [`ConnectError`] that says which step failed.
pub async fn connect_to(
    host: &str,
    addresses: Vec<SocketAddr>,
    tls: Option<&Arc<ClientConfig>>,
    time: Duration,
) -> Result<Stream, ConnectError> {
    let late = || ConnectError::NotInTime(host.to_owned());
    let mut addresses = interleaved(addresses);
    loop {
        let (stream, address) = timeout(time, first_of(host, &addresses, time)).await.map_err(|_| late())??;
        // A request is written at once, and must not wait for the acknowledgement of the previous one.
        let _unchanged = stream.set_nodelay(true);
        let Some(tls) = tls else { return Ok(Stream::Plain(stream)) };
        let share = time / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let agreed = timeout(share, agree(host, stream, tls)).await.unwrap_or_else(|_| Err(late()));
        addresses.retain(|other| *other != address);
        match agreed {
            Err(_) if !addresses.is_empty() => {}
            agreed => return agreed,
        }
    }
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let unknown = |error| ConnectError::Name(host.to_owned(), error);
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await.map_err(unknown)?.collect();
    if addresses.is_empty() { Err(unknown(io::ErrorKind::NotFound.into())) } else { Ok(addresses) }
}

/// Alternates between the families, beginning with that of the first address; otherwise keeps the order of the resolver
/// (RFC 8305 §4).
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let starts_with_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == starts_with_ipv6);
    let mut second = second.into_iter();
    let mut sorted: Vec<_> = first.into_iter().flat_map(|address| [Some(address), second.next()]).flatten().collect();
    sorted.extend(second);
    sorted
}

async fn first_of(
    host: &str,
    addresses: &[SocketAddr],
    time: Duration,
) -> Result<(TcpStream, SocketAddr), ConnectError> {
    // Every address, however many there are, is tried in the first half of the time, so that the last one has the other
    // half.
    let most = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let delay = ATTEMPT_DELAY.min(time / 2 / most);
    let mut waiting = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = ConnectError::NotInTime(host.to_owned());
    loop {
        let next = waiting.next().map(|address| async move { (TcpStream::connect(address).await, *address) });
        let may_start_another = next.is_some();
        attempts.extend(next);
        let ended = tokio::select! {
            biased;
            ended = attempts.next() => ended,
            () = sleep(delay), if may_start_another && waiting.len() > 0 => continue,
        };
        match ended {
            Some((Ok(stream), address)) => return Ok((stream, address)),
            Some((Err(error), address)) => failure = ConnectError::Connect(address, error),
            None => return Err(failure),
        }
    }
}

async fn agree(host: &str, stream: TcpStream, tls: &Arc<ClientConfig>) -> Result<Stream, ConnectError> {
    let failed = |error| ConnectError::Tls(host.to_owned(), error);
    // A final dot makes a name absolute; certificates do not contain it.
    let name = ServerName::try_from(host.trim_end_matches('.').to_owned());
    let name = name.map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    let stream = TlsConnector::from(tls.clone()).connect(name, stream).await.map_err(failed)?;
    Ok(Stream::Tls(Box::new(stream)))
}

#[cfg(test)]
mod tests {
    use super::{ConnectError, connect_to, interleaved};
    use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
    use std::time::Duration;

    use crate::http_client::stream::Stream;
    use socket2::{Domain, Socket, Type};

    /// Longer than any test waits: the awaited event must come before.
    const LONG: Duration = Duration::from_secs(60);

    /// A listener that accepts no more connections: its queue is full, so that the kernel drops further ones.
    struct UnresponsiveListener {
        address: SocketAddr,
        _listener: Socket,
        _queued: Vec<Socket>,
    }

    impl UnresponsiveListener {
        fn new() -> Self {
            let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
            listener.listen(0).unwrap();
            let address = listener.local_addr().unwrap();
            let queued = (0..4).map(|_| {
                let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                socket.set_nonblocking(true).unwrap();
                // The connection is in progress or in the queue.
                let _begun = socket.connect(&address);
                socket
            });
            Self { address: address.as_socket().unwrap(), _queued: queued.collect(), _listener: listener }
        }
    }

    fn nobody() -> SocketAddr {
        StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    async fn reach(addresses: &[SocketAddr], time: Duration) -> Result<Stream, ConnectError> {
        connect_to("gateway.test", addresses.to_vec(), None, time).await
    }

    fn peer(stream: &Stream) -> SocketAddr {
        let Stream::Plain(stream) = stream else { panic!("it is without TLS") };
        stream.peer_addr().unwrap()
    }

    #[actix_web::test]
    async fn an_address_that_drops_packets_does_not_delay_the_others() {
        let swallower = UnresponsiveListener::new();
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let living = listener.local_addr().unwrap();
        for addresses in [
            vec![swallower.address, living],
            vec![swallower.address, nobody(), living],
            vec![nobody(), living],
            vec![living, swallower.address],
            [vec![swallower.address; 7], vec![living]].concat(),
        ] {
            let stream = reach(&addresses, LONG).await.unwrap();
            assert_eq!(peer(&stream), living, "{addresses:?}");
            let _accepted: (StdStream, _) = listener.accept().unwrap();
        }
    }

    #[actix_web::test]
    async fn many_addresses_each_get_a_share_of_the_time() {
        let swallower = UnresponsiveListener::new();
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let addresses = [vec![swallower.address; 40], vec![listener.local_addr().unwrap()]].concat();
        // With the usual delay the last address would be tried only after ten seconds.
        assert!(reach(&addresses, Duration::from_secs(5)).await.is_ok());
    }

    #[actix_web::test]
    async fn without_any_address_that_answers_the_failure_says_why() {
        let swallower = UnresponsiveListener::new();
        let nobody = nobody();
        let refused = reach(&[nobody, nobody], LONG).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Connect(address, _) if address == nobody), "{refused}");
        let late = reach(&[swallower.address, nobody], Duration::from_millis(300)).await.unwrap_err();
        assert!(matches!(late, ConnectError::NotInTime(_)), "{late}");
        assert!(reach(&[], LONG).await.is_err());
    }

    #[test]
    fn the_families_alternate_from_that_of_the_first_address() {
        let address = |text: &str| SocketAddr::new(text.parse().unwrap(), 443);
        let sorted = |texts: &[&str]| -> Vec<String> {
            interleaved(texts.iter().map(|text| address(text)).collect())
                .iter()
                .map(|one| one.ip().to_string())
                .collect()
        };
        assert_eq!(sorted(&["::1", "::2", "10.0.0.1", "10.0.0.2"]), ["::1", "10.0.0.1", "::2", "10.0.0.2"]);
        assert_eq!(sorted(&["10.0.0.1", "10.0.0.2", "10.0.0.3", "::1"]), ["10.0.0.1", "::1", "10.0.0.2", "10.0.0.3"]);
        assert_eq!(sorted(&["10.0.0.1", "::1", "::2"]), ["10.0.0.1", "::1", "::2"]);
        assert!(sorted(&[]).is_empty());
    }
}
