//! The HTTP client that calls gateways, on its own: which connections are used again, and where a response ends.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use awc::http::Method;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use storegate::gateway::tls;
use storegate::http_client::{ConnectionReuse, HttpClient, Options, RequestFailure};

use crate::peers::scripted_peer::{ScriptedPeer, Served, Step, response};

const OPTIONS: Options =
    Options { connect_timeout: Duration::from_secs(20), idle: Duration::from_secs(600), probation: Duration::ZERO };

async fn text(client: &HttpClient, url: &str) -> Result<String, RequestFailure> {
    let mut response = client.request(Method::GET, url, ConnectionReuse::Any)?.send().await?;
    Ok(String::from_utf8(response.body().await?.to_vec()).unwrap())
}

/// A server certificate for the loopback addresses, and a client that trusts it.
fn certified() -> (Arc<ServerConfig>, HttpClient) {
    let names = ["127.0.0.1", "::1", "localhost"].map(str::to_owned);
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let client = HttpClient::new(OPTIONS, Some(tls::client_config(&[cert.der().clone()]).unwrap()));
    (Arc::new(server), client)
}

/// The same peer without TLS and with it, each with a client.
async fn with_and_without_tls(
    script: impl Fn(&mut Served) + Clone + Send + Sync + 'static,
    test: impl AsyncFn(&ScriptedPeer, &HttpClient, &str),
) {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    let plain = ScriptedPeer::at(loopback, None, script.clone());
    test(&plain, &HttpClient::new(OPTIONS, None), &format!("http://{}/", plain.address())).await;
    let (server, client) = certified();
    let secure = ScriptedPeer::at(loopback, Some(server), script);
    test(&secure, &client, &format!("https://{}/", secure.address())).await;
}

#[actix_web::test]
async fn a_connection_is_used_again_when_its_response_has_ended_by_itself() {
    let responses = [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 1),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", 1),
        ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", 1),
        ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", 5),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", 5),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok\r\n", 5),
    ];
    for (response, connections) in responses {
        let script = move |connection: &mut Served| {
            while connection.request().is_some() {
                connection.send(response);
            }
        };
        with_and_without_tls(script, async |peer, client, url| {
            for _ in 0..5 {
                assert_eq!(text(client, url).await.unwrap(), "ok", "{response}");
            }
            assert_eq!(peer.connections(), connections, "{url}: {response}");
        })
        .await;
    }
}

#[actix_web::test]
async fn bytes_that_come_while_a_connection_is_idle_are_no_response() {
    let (answered, sent) = (Step::new(), Step::new());
    let (its_answered, its_sent) = (answered.clone(), sent.clone());
    let script = move |connection: &mut Served| {
        connection.request();
        connection.send(&response("200 OK", "first"));
        its_answered.wait();
        connection.send(&response("200 OK", "unasked"));
        its_sent.done();
        while connection.request().is_some() {
            connection.send(&response("200 OK", "never"));
        }
    };
    with_and_without_tls(script, async |peer, client, url| {
        for number in 1..=2 {
            assert_eq!(text(client, url).await.unwrap(), "first");
            answered.done();
            sent.is_done().await;
            assert_eq!(peer.connections(), number, "{url}");
        }
    })
    .await;
}

#[actix_web::test]
async fn a_server_that_says_why_it_closes_an_idle_connection_is_trusted_as_before() {
    let (answered, sent) = (Step::new(), Step::new());
    let (its_answered, its_sent) = (answered.clone(), sent.clone());
    let peer = ScriptedPeer::start(move |connection| {
        connection.request();
        connection.send(&response("200 OK", "ok"));
        if connection.number == 1 {
            its_answered.wait();
            connection.send("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n");
            return its_sent.done();
        }
        while connection.request().is_some() {
            connection.send(&response("200 OK", "ok"));
        }
    });
    let client = HttpClient::new(OPTIONS, None);
    let url = format!("http://{}/", peer.address());
    assert_eq!(text(&client, &url).await.unwrap(), "ok");
    answered.done();
    sent.is_done().await;
    for _ in 0..3 {
        assert_eq!(text(&client, &url).await.unwrap(), "ok");
    }
    assert_eq!(peer.connections(), 2);
}

#[actix_web::test]
async fn a_server_that_speaks_first_answers_nothing() {
    let peer = ScriptedPeer::start(|connection| {
        connection.send(&response("200 OK", "before"));
        connection.request();
    });
    let client = HttpClient::new(OPTIONS, None);
    // The greeting may also come just after the request was written: then it is a response, of a connection that is not
    // used again.
    let outcome = text(&client, &format!("http://{}/", peer.address())).await;
    assert!(outcome == Err(RequestFailure::Malformed) || outcome.as_deref() == Ok("before"), "{outcome:?}");
}

#[actix_web::test]
async fn a_body_that_is_cut_is_never_a_whole_one() {
    for cut in [
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
    ] {
        let script = move |connection: &mut Served| {
            connection.request();
            connection.send(cut);
        };
        with_and_without_tls(script, async |_, client, url| {
            assert_eq!(text(client, url).await, Err(RequestFailure::CutShort), "{url}: {cut}");
        })
        .await;
    }
    // TLS that ends without saying so may have been cut by anybody (RFC 9112 §9.8).
    let script = |connection: &mut Served| {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\n\r\nok");
    };
    with_and_without_tls(script, async |_, client, url| {
        let expected = if url.starts_with("https") { Err(RequestFailure::CutShort) } else { Ok("ok".to_owned()) };
        assert_eq!(text(client, url).await, expected);
    })
    .await;
}

#[actix_web::test]
async fn a_new_connection_that_ends_without_a_response_is_no_stale_one() {
    let peer = ScriptedPeer::start(|connection| {
        if connection.number % 2 == 1 {
            connection.request();
            connection.send(&response("200 OK", "ok"));
        }
        connection.request();
    });
    let client = HttpClient::new(OPTIONS, None);
    let url = format!("http://{}/", peer.address());
    assert_eq!(text(&client, &url).await.unwrap(), "ok");
    assert_eq!(text(&client, &url).await, Err(RequestFailure::StaleConnection));
    assert_eq!(text(&client, &url).await, Err(RequestFailure::Closed));
}

#[actix_web::test]
async fn a_server_is_reached_by_its_address_in_either_family_with_a_certificate_for_it() {
    let ipv6 = IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]);
    // A machine without IPv6 has no such address.
    let has_ipv6 = std::net::TcpListener::bind((ipv6, 0)).is_ok();
    let addresses = [Some(IpAddr::from([127, 0, 0, 1])), has_ipv6.then_some(ipv6)];
    for address in addresses.into_iter().flatten() {
        let (server, client) = certified();
        let script = |connection: &mut Served| {
            while let Some(request) = connection.request() {
                let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
                connection.send(&response("200 OK", host));
            }
        };
        let secure = ScriptedPeer::at(address, Some(server), script);
        let plain = ScriptedPeer::at(address, None, script);
        for url in [format!("https://{}", secure.address()), format!("http://{}", plain.address())] {
            let host = url.split("//").nth(1).unwrap();
            assert_eq!(text(&client, &format!("{url}/")).await.as_deref(), Ok(host), "{url}");
        }
        let (_, stranger) = certified();
        assert_eq!(text(&stranger, &format!("https://{}/", secure.address())).await, Err(RequestFailure::TlsFailed));
    }
}

#[actix_web::test]
async fn a_second_answer_that_comes_late_meets_no_other_request_of_a_new_server() {
    let (called, sent) = (Step::new(), Step::new());
    let (its_called, its_sent) = (called.clone(), sent.clone());
    let script = move |connection: &mut Served| {
        connection.request();
        connection.send(&response("200 OK", &format!("answer {}", connection.number)));
        // By now the next request may be under way.
        its_called.wait();
        connection.send(&response("200 OK", &format!("answer {}", connection.number)));
        its_sent.done();
        while connection.request().is_some() {
            connection.send(&response("200 OK", "another"));
        }
    };
    let peer = ScriptedPeer::start(script);
    let client = HttpClient::new(Options { probation: Duration::from_secs(600), ..OPTIONS }, None);
    for number in 1..=12 {
        let answer = text(&client, &format!("http://{}/", peer.address())).await;
        assert_eq!(answer.unwrap(), format!("answer {number}"));
    }
    (0..12).for_each(|_| called.done());
    sent.is_done().await;
}

#[actix_web::test]
async fn a_server_whose_connections_stay_quiet_gets_all_requests_on_few_of_them() {
    let peer = ScriptedPeer::start(|connection| {
        while connection.request().is_some() {
            connection.send(&response("200 OK", "ok"));
        }
    });
    let client = HttpClient::new(Options { probation: Duration::from_millis(20), ..OPTIONS }, None);
    let url = format!("http://{}/", peer.address());
    let trusted = async {
        let (mut before, mut same) = (0, 0);
        while same < 20 {
            assert_eq!(text(&client, &url).await.unwrap(), "ok");
            same = if peer.connections() == before { same + 1 } else { 0 };
            before = peer.connections();
        }
    };
    tokio::time::timeout(Duration::from_secs(30), trusted).await.expect("the probation ends");
}
