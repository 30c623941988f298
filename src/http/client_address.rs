//! The address of the client: the connection's, or the one in `X-Forwarded-For` if trusted proxies wrote it. What
//! anyone else writes there is ignored.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderValue};
use arc_swap::ArcSwap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// A network of addresses that share a prefix: `10.0.0.0/8`, `192.0.2.7`, `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    mask: u128,
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.address
    }
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let grammar = "write an address or a network, such as 10.0.0.7, 10.0.0.0/8 or fd00::/8";
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.trim().parse().map_err(|_| grammar)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let length: u32 = length.map_or(Ok(width), str::parse).map_err(|_| grammar)?;
        let free = width.checked_sub(length).ok_or(grammar)?;
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        Ok(Self { address: bits(address) & mask, mask })
    }
}

/// Maps IPv4 addresses to IPv6, so that both are compared in one way.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The proxies whose `X-Forwarded-For` is trusted. Clones share them, and a reload replaces them.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<ArcSwap<Vec<Network>>>);

impl TrustedProxies {
    /// Trusts the proxies of these networks instead of earlier ones.
    pub fn replace(&self, networks: Vec<Network>) {
        self.0.store(Arc::new(networks));
    }

    /// Returns the client's address of a request with these headers on a connection from `connection`.
    pub fn client_address(&self, connection: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        connection.map(|connection| origin(connection.ip(), headers, &self.0.load()).to_canonical())
    }
}

/// Returns the client's address of a request with these headers, as far as these proxies are trusted.
pub fn origin(connection: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    if trusted.is_empty() {
        return connection;
    }
    let lines: Vec<&[u8]> = headers.get_all(FORWARDED_FOR).map(HeaderValue::as_bytes).collect();
    // The header is read from the right and as bytes: a stranger wrote what is left of the trusted proxies' entries,
    // readable or not.
    let backwards = lines.into_iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
    before_proxies(connection, backwards, trusted)
}

/// Goes back from the connection as long as a trusted proxy names the previous hop.
fn before_proxies<'a>(connection: IpAddr, backwards: impl Iterator<Item = &'a [u8]>, trusted: &[Network]) -> IpAddr {
    let mut nearest = connection;
    for before in backwards {
        let is_trusted = trusted.iter().any(|network| network.contains(nearest));
        let Some(before) = read(before).filter(|_| is_trusted) else { break };
        nearest = before;
    }
    nearest
}

/// Parses an address with an optional port.
fn read(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
}

/// Returns the address that limits count by. Of an IPv6 address only the network counts, since its user has all the
/// addresses in it.
pub fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::{Network, counted};
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;
    use std::net::IpAddr;

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn origin(connection: &str, forwarded: &[&str], trusted: &[&str]) -> IpAddr {
        let lines: Vec<&[u8]> = forwarded.iter().map(|line| line.as_bytes()).collect();
        origin_of_bytes(connection, &lines, trusted)
    }

    fn origin_of_bytes(connection: &str, forwarded: &[&[u8]], trusted: &[&str]) -> IpAddr {
        let peer = std::net::SocketAddr::new(connection.parse().unwrap(), 4711);
        let request = forwarded.iter().fold(TestRequest::get().peer_addr(peer), |request, line| {
            request.append_header(("X-Forwarded-For", HeaderValue::from_bytes(line).unwrap()))
        });
        let request = request.to_http_request();
        let connection = request.peer_addr().unwrap().ip();
        counted(super::origin(connection, request.headers(), &networks(trusted)))
    }

    fn is(address: IpAddr, expected: &str) -> bool {
        address == expected.parse::<IpAddr>().unwrap()
    }

    #[test]
    fn what_a_stranger_writes_is_not_believed() {
        assert!(is(origin("192.0.2.1", &["203.0.113.9"], &[]), "192.0.2.1"));
        assert!(is(origin("192.0.2.1", &["203.0.113.9"], &["10.0.0.0/8"]), "192.0.2.1"));
    }

    #[test]
    fn behind_trusted_proxies_the_address_is_the_last_that_none_of_them_has() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        assert!(is(origin("10.1.2.3", &["198.51.100.4"], &trusted), "198.51.100.4"));
        assert!(is(origin("10.1.2.3", &["6.6.6.6, 198.51.100.4, 10.9.9.9"], &trusted), "198.51.100.4"));
        assert!(is(origin("10.1.2.3", &["6.6.6.6", "198.51.100.4:5555"], &trusted), "198.51.100.4"));
        assert!(is(origin("::ffff:10.1.2.3", &["198.51.100.4"], &trusted), "198.51.100.4"));
        assert!(is(origin("10.1.2.3", &["nonsense"], &trusted), "10.1.2.3"));
        assert!(is(origin("10.1.2.3", &[], &trusted), "10.1.2.3"));
    }

    #[test]
    fn nothing_that_a_stranger_writes_hides_the_address_that_a_proxy_added() {
        let strange: [&[&[u8]]; 4] = [
            &[b"\xff, 198.51.100.4"],
            &[b"\x80\xe5", b"198.51.100.4"],
            &[b",, ,198.51.100.4"],
            &["店,198.51.100.4".as_bytes()],
        ];
        for lines in strange {
            assert!(is(origin_of_bytes("10.1.2.3", lines, &["10.0.0.0/8"]), "198.51.100.4"), "{lines:?}");
        }
        assert!(is(origin_of_bytes("10.1.2.3", &[b"198.51.100.4, \xff"], &["10.0.0.0/8"]), "10.1.2.3"));
    }

    #[test]
    fn of_an_ipv6_address_the_network_counts() {
        assert!(is(origin("2001:db8:1:2:aaaa::1", &[], &[]), "2001:db8:1:2::"));
        assert!(is(origin("fd00::1", &["[2001:db8:1:2::7]:443"], &["fd00::/8"]), "2001:db8:1:2::"));
        assert!(is(origin("::ffff:192.0.2.1", &[], &[]), "192.0.2.1"));
    }

    #[test]
    fn a_network_is_an_address_with_or_without_a_length_that_it_can_have() {
        assert!(networks(&["0.0.0.0/0"])[0].contains("255.1.2.3".parse().unwrap()));
        assert!(!networks(&["0.0.0.0/0"])[0].contains("2001:db8::1".parse().unwrap()));
        assert!(!networks(&["10.0.0.7"])[0].contains("10.0.0.8".parse().unwrap()));
        for text in ["", "10.0.0.0/33", "10.0.0.0/-1", "fd00::/129", "ten", "10.0.0.0/"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
