//! Everything that the transport can meet instead of a whole answer, made to happen for real, and what it is taken for.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use storegate::clock::Clock;
use storegate::gateway::account_settings::AccountSettings;
use storegate::gateway::diagnosis::UnexpectedAnswer;
use storegate::gateway::error::{Error, Kind};
use storegate::gateway::protocol::Call;
use storegate::gateway::registry::Registry;
use storegate::gateway::tenants::{Tenant, TenantSettings};
use storegate::gateway::tls;
use storegate::gateway::transport::Transport;
use storegate::gateway::transport_failure::TransportFailure::{
    self, BrokeOff, Closed, ConnectionRefused, CutShort, Empty, EndsEarly, MalformedHttp, NameNotResolved,
    NoConnectionInTime, NotAnEnvelope, NotInTime, Reset, StaleConnection, TlsFailed, TooLarge, Undecodable,
};
use storegate::gateway::{GatewayClient, GatewaySettings};
use storegate::vendors::built_in_method;

use crate::app::NOW;
use crate::app::reserved_port::ReservedPort;
use crate::fixtures::protocols::vendor;
use crate::peers::raw_peer::{BROTLI_BOMB, RawPeer, Then};

const STORE: &str = r#"{"response":{"shop_bn":"A1"}}"#;

/// Calls an OMS at this address, with short times and a small body.
async fn call(url: &str) -> Result<Option<serde_json::Value>, Error> {
    let settings = GatewaySettings {
        connect_timeout: Duration::from_millis(300),
        attempt_timeout: Duration::from_millis(600),
        deadline: Duration::from_secs(3),
        max_body: 64 << 10,
        reuse_after: Duration::ZERO,
        ..GatewaySettings::default()
    };
    let section = format!("url = {url:?}\nflag = \"demo\"\ntoken = \"token\"");
    let oms = AccountSettings::parse(vendor("oms"), &section).unwrap();
    let tenant = TenantSettings { name: "acme".to_owned(), accounts: vec![oms] };
    let tenant = Tenant::new(tenant, &Registry::new(&settings, Clock::manual(NOW).0));
    let transport = Transport::new(&settings, tls::client_config(&[]).unwrap());
    let client = GatewayClient::new(transport, Clock::manual(NOW).0, settings.deadline);
    client
        .call(
            &Arc::clone(&tenant.access(vendor("oms")).unwrap().account),
            &Call::new(&built_in_method("oms", "shop.get")).with("shop_bn", "A1"),
        )
        .await
}

async fn failure(url: &str) -> Error {
    call(url).await.unwrap_err()
}

fn head(fields: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{fields}\r\n\r\n").into_bytes()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn chunk(body: &str) -> Vec<u8> {
    format!("{:x}\r\n{body}\r\n", body.len()).into_bytes()
}

/// What a peer answers, and what the transport must take it for.
struct Broken {
    name: &'static str,
    failure: TransportFailure,
    head: Vec<u8>,
    bytes: Vec<u8>,
    then: Then,
}

#[expect(clippy::too_many_lines, reason = "a table of answers")]
fn answers() -> Vec<Broken> {
    let length = |length: usize| head(&format!("content-length: {length}"));
    let coded = |coding: &str, length: usize| head(&format!("content-encoding: {coding}\r\ncontent-length: {length}"));
    let zipped = |length: usize| coded("gzip", length);
    let bomb = gzip(&vec![b' '; 32 << 20]);
    let broken = [&gzip(STORE.as_bytes())[..12], b"not gzip at all"].concat();
    let cut = gzip(STORE.as_bytes())[..20].to_vec();
    let store = || STORE.as_bytes().to_vec();
    let chunked = || head("transfer-encoding: chunked");
    let broken = [
        ("closed without a word", Closed, vec![], vec![], Then::Close),
        ("reset without a word", Reset, vec![], vec![], Then::Reset),
        ("silent", NotInTime, vec![], vec![], Then::Silence),
        ("silent behind the head", NotInTime, length(9), vec![], Then::Silence),
        ("silent in the middle", NotInTime, length(STORE.len()), store()[..9].to_vec(), Then::Silence),
        ("no HTTP", MalformedHttp, b"hello\r\n\r\n".to_vec(), vec![], Then::Close),
        ("a head without end", MalformedHttp, b"HTTP/1.1 200 OK\r\n".to_vec(), b"a: b\r\n".to_vec(), Then::ForEver),
        ("two lengths", MalformedHttp, head("content-length: 3\r\ncontent-length: 4"), store(), Then::Close),
        ("shorter than promised", CutShort, length(STORE.len() + 1), store(), Then::Close),
        ("nothing of what was promised", CutShort, length(7), vec![], Then::Close),
        ("no body", Empty, length(0), vec![], Then::Close),
        ("nothing until the end of the connection", Empty, head("connection: close"), vec![], Then::Close),
        ("lengths in one field", MalformedHttp, head("content-length: 3, 3"), store(), Then::Close),
        (
            "a length and chunks",
            MalformedHttp,
            head("content-length: 3\r\ntransfer-encoding: chunked"),
            store(),
            Then::Close,
        ),
        ("a folded field", MalformedHttp, head("a: b\r\n c"), store(), Then::Close),
        (
            "another protocol",
            MalformedHttp,
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec(),
            vec![],
            Then::Silence,
        ),
        (
            "interim responses without end",
            MalformedHttp,
            vec![],
            b"HTTP/1.1 102 Processing\r\n\r\n".to_vec(),
            Then::ForEver,
        ),
        ("no chunk", MalformedHttp, chunked(), b"nothing\r\n".to_vec(), Then::Close),
        ("a head cut", Closed, b"HTTP/1.1 200 OK\r\nconte".to_vec(), vec![], Then::Close),
        ("an interim response and no other", Closed, b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(), vec![], Then::Close),
        ("chunks of nothing", Empty, chunked(), b"0\r\n\r\n".to_vec(), Then::Close),
        ("larger than allowed", TooLarge, length(65 << 10), vec![b' '; 65 << 10], Then::Silence),
        ("chunks without end", TooLarge, chunked(), chunk("[[[[[[[["), Then::ForEver),
        ("a compressed bomb", TooLarge, zipped(bomb.len()), bomb, Then::Silence),
        ("a brotli bomb", Undecodable, coded("br", BROTLI_BOMB.len()), BROTLI_BOMB.to_vec(), Then::Silence),
        ("deflated", Undecodable, coded("deflate", STORE.len()), store(), Then::Silence),
        ("compressed twice", Undecodable, coded("gzip, gzip", 3), b"abc".to_vec(), Then::Silence),
        ("compressed and shorter than promised", CutShort, zipped(21), cut.clone(), Then::Close),
        ("not compressed as it says", Undecodable, zipped(broken.len()), broken, Then::Silence),
        ("compressed and cut", Undecodable, zipped(cut.len()), cut, Then::Silence),
        ("reset in the middle", BrokeOff, length(STORE.len()), store()[..9].to_vec(), Then::Reset),
        ("a chunk cut", CutShort, chunked(), b"1d\r\n{\"respo".to_vec(), Then::Close),
        ("chunks without the last", CutShort, chunked(), chunk(STORE), Then::Close),
        ("the last chunk cut", CutShort, chunked(), [chunk(STORE), b"0\r\n".to_vec()].concat(), Then::Close),
        ("a document cut", EndsEarly, length(9), store()[..9].to_vec(), Then::Silence),
        ("a page", NotAnEnvelope, length(13), b"<html></html>".to_vec(), Then::Silence),
        ("a list", NotAnEnvelope, length(2), b"[]".to_vec(), Then::Silence),
        ("two documents", NotAnEnvelope, length(4), b"{}{}".to_vec(), Then::Silence),
    ];
    broken.into_iter().map(|(name, failure, head, bytes, then)| Broken { name, failure, head, bytes, then }).collect()
}

fn is_taken_for(failure: TransportFailure, error: &Error) -> bool {
    let instead = error.instead.map_or("", UnexpectedAnswer::text);
    error.kind == Kind::of_transport(failure) && error.cause == format!("{}{instead}", failure.words())
}

#[actix_web::test]
async fn each_broken_answer_is_taken_for_what_it_is() {
    for Broken { name, failure: expected, head, bytes, then } in answers() {
        let peer = RawPeer::start(&head, &bytes, then);
        let error = failure(&format!("http://{}/", peer.address())).await;
        assert!(is_taken_for(expected, &error), "{name}: {error}");
        // A read is tried once more, unless a living gateway would say the same again.
        let attempts = if matches!(expected, TooLarge | NotAnEnvelope) { 1 } else { 2 };
        assert_eq!(peer.requests(), attempts, "{name}");
    }
}

#[actix_web::test]
async fn each_way_of_not_reaching_a_gateway_is_taken_for_what_it_is() {
    let nobody_port = ReservedPort::new();
    let nobody = nobody_port.address();
    let no_tls = RawPeer::start(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", b"", Then::Close);
    let hangs_up = RawPeer::start(b"", b"", Then::Close);
    let silent = RawPeer::start(b"", b"", Then::Silence);
    for (url, expected) in [
        ("http://gateway.invalid/".to_owned(), NameNotResolved),
        (format!("http://{nobody}/"), ConnectionRefused),
        (format!("https://{}/", no_tls.address()), TlsFailed),
        (format!("https://{}/", hangs_up.address()), TlsFailed),
        (format!("https://{}/", silent.address()), NoConnectionInTime),
    ] {
        let error = failure(&url).await;
        assert!(is_taken_for(expected, &error), "{url}: {error}");
        assert!(!format!("{error:?}").contains("127.0.0.1"), "an address is nobody's business: {error:?}");
    }
}

#[actix_web::test]
async fn every_failure_of_the_transport_has_been_seen() {
    let seen: Vec<TransportFailure> = answers().into_iter().map(|broken| broken.failure).collect();
    // The last is for `connections.rs`: it takes a connection that was used before.
    let unreached = [NameNotResolved, ConnectionRefused, NoConnectionInTime, TlsFailed, StaleConnection];
    for failure in TransportFailure::ALL {
        assert!(seen.contains(failure) || unreached.contains(failure), "{failure:?}");
    }
}

#[actix_web::test]
async fn a_whole_answer_is_read_in_each_of_its_framings() {
    let zipped = gzip(STORE.as_bytes());
    let members = [gzip(&STORE.as_bytes()[..9]), gzip(&STORE.as_bytes()[9..])].concat();
    let marked = format!("\u{feff}{STORE}").into_bytes();
    let chunks = |last: &[u8]| [chunk(&STORE[..9]), chunk(&STORE[9..]), last.to_vec()].concat();
    let interim = |head: Vec<u8>| [b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".to_vec(), head].concat();
    for (head, bytes) in [
        (head(&format!("content-length: {}", STORE.len())), STORE.as_bytes().to_vec()),
        (head("transfer-encoding: chunked"), chunks(b"0\r\n\r\n")),
        (head("transfer-encoding: chunked"), chunks(b"000;x=y\r\nexpires: never\r\n\r\n")),
        (head(&format!("content-encoding: gzip\r\ncontent-length: {}", zipped.len())), zipped.clone()),
        (head("content-encoding: gzip"), zipped),
        (head(&format!("content-encoding: gzip\r\ncontent-length: {}", members.len())), members),
        (head(&format!("content-length: {}", marked.len())), marked.clone()),
        (head("connection: close"), STORE.as_bytes().to_vec()),
        (head("connection: close"), marked),
        (b"HTTP/1.0 200 OK\r\n\r\n".to_vec(), STORE.as_bytes().to_vec()),
        (interim(interim(head(&format!("content-length: {}", STORE.len())))), STORE.as_bytes().to_vec()),
        (interim(head("transfer-encoding: chunked")), chunks(b"0\r\n\r\n")),
    ] {
        let peer = RawPeer::start(&head, &bytes, Then::Close);
        let data = call(&format!("http://{}/", peer.address())).await.unwrap();
        assert_eq!(data.unwrap()["shop_bn"], "A1");
    }
}
