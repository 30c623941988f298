//! What may come on a connection besides the one response to the one request: nothing of it is ever an answer, and no
//! connection on which it came is used again.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use awc::http::Method;
use futures_util::future::{join, join_all};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use storegate::gateway::tls;
use storegate::http_client::{Connection, Failure, HttpClient, Options};

use crate::app::{Setup, TestApp};
use crate::peers::scripted_peer::{ScriptedPeer, Served, Step, response};

const OPTIONS: Options =
    Options { connect_timeout: Duration::from_secs(20), idle: Duration::from_secs(600), probation: Duration::ZERO };

/// The OMS of acme is this peer, which one worker talks to.
fn before(peer: &ScriptedPeer) -> impl FnOnce(&mut Setup) {
    let url = format!("http://{}/", peer.address());
    move |setup| {
        setup.set("TENANTS__ACME__OMS__URL", url);
        setup.set("SERVER__WORKERS", "1");
        setup.set("GATEWAY__REUSE_AFTER", "0s");
    }
}

/// The store that a signed form asks for.
fn store_of(request: &str) -> String {
    let body = request.split("\r\n\r\n").nth(1).unwrap();
    let store = body.split('&').find_map(|pair| pair.strip_prefix("shop_bn="));
    store.expect("it is asked for a store").to_owned()
}

fn store(id: &str) -> String {
    response("200 OK", &format!("{{\"response\":{{\"shop_bn\":\"{id}\"}}}}"))
}

async fn is_its_own_answer(app: &TestApp, id: &str) {
    let answer = app.get(&format!("/stores/{id}")).await;
    assert_eq!(answer.status, 200, "{id}: {}", answer.text());
    assert_eq!(answer.json()["id"], id);
}

async fn text(client: &HttpClient, url: &str) -> Result<String, Failure> {
    let mut response = client.request(Method::GET, url, Connection::Any)?.send().await?;
    Ok(String::from_utf8(response.body().await?.to_vec()).unwrap())
}

#[actix_web::test]
async fn an_interim_response_is_read_past_whenever_the_final_one_comes() {
    for status in ["100 Continue", "102 Processing", "103 Early Hints", "199 Nobody Knows"] {
        let (sent, go_on) = (Step::new(), Step::new());
        let (its_sent, its_go_on) = (sent.clone(), go_on.clone());
        let peer = ScriptedPeer::start(move |connection| {
            while let Some(request) = connection.request() {
                let interim = format!("HTTP/1.1 {status}\r\nlink: </a>\r\n\r\n");
                // At once with the final one, or alone.
                if store_of(&request) == "A0" {
                    connection.send(&(interim + &store("A0")));
                    continue;
                }
                connection.send(&interim);
                its_sent.done();
                its_go_on.wait();
                connection.send(&store(&store_of(&request)));
            }
        });
        let app = TestApp::with(before(&peer));
        is_its_own_answer(&app, "A0").await;
        for id in ["A1", "A2"] {
            let final_one = async {
                sent.is_done().await;
                go_on.done();
            };
            join(is_its_own_answer(&app, id), final_one).await;
        }
        assert_eq!(peer.connections(), 1, "{status}: the connection is as good as before");
    }
}

#[actix_web::test]
async fn a_gateway_that_answers_twice_is_never_asked_twice_on_one_connection() {
    let (answered, sent) = (Step::new(), Step::new());
    let (its_answered, its_sent) = (answered.clone(), sent.clone());
    let peer = ScriptedPeer::start(move |connection| {
        while let Some(request) = connection.request() {
            let id = store_of(&request);
            match connection.number {
                // Both at once.
                1 => connection.send(&(store(&id) + &store(&id))),
                // The second one when the first has been read.
                2 => {
                    connection.send(&store(&id));
                    its_answered.wait();
                    connection.send(&store(&id));
                    its_sent.done();
                }
                _ => connection.send(&store(&id)),
            }
        }
    });
    let app = TestApp::with(before(&peer));
    is_its_own_answer(&app, "A1").await;
    is_its_own_answer(&app, "A2").await;
    answered.done();
    sent.is_done().await;
    for id in ["A3", "A4", "A5"] {
        is_its_own_answer(&app, id).await;
    }
    assert_eq!(peer.connections(), 5, "who did it once is trusted with one request for each connection");
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

#[actix_web::test]
async fn under_load_with_interim_and_second_answers_each_caller_gets_its_own_store() {
    let peer = ScriptedPeer::start(|connection| {
        let mut served = 0;
        while let Some(request) = connection.request() {
            served += 1;
            let id = store_of(&request);
            connection.send(&"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(connection.number % 3));
            connection.send(&store(&id));
            if (connection.number + served) % 4 == 0 {
                connection.send("HTTP/1.1 103 Early Hints\r\n\r\n");
                return;
            }
        }
    });
    let app = TestApp::with(before(&peer));
    let ids: Vec<String> = (0..120).map(|number| format!("B{number}")).collect();
    for ids in ids.chunks(30) {
        join_all(ids.iter().map(|id| is_its_own_answer(&app, id))).await;
    }
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
async fn bytes_that_come_while_a_connection_waits_are_nobodys_response() {
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
    assert!(outcome == Err(Failure::Malformed) || outcome.as_deref() == Ok("before"), "{outcome:?}");
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
            assert_eq!(text(client, url).await, Err(Failure::CutShort), "{url}: {cut}");
        })
        .await;
    }
    // TLS that ends without saying so may have been cut by anybody (RFC 9112 §9.8).
    let script = |connection: &mut Served| {
        connection.request();
        connection.send("HTTP/1.1 200 OK\r\n\r\nok");
    };
    with_and_without_tls(script, async |_, client, url| {
        let expected = if url.starts_with("https") { Err(Failure::CutShort) } else { Ok("ok".to_owned()) };
        assert_eq!(text(client, url).await, expected);
    })
    .await;
}

#[actix_web::test]
async fn a_connection_that_ends_as_it_is_used_again_is_replaced_outside_of_the_retry_budget() {
    let peer = ScriptedPeer::start(|connection| {
        if let Some(request) = connection.request() {
            connection.send(&store(&store_of(&request)));
        }
        // It has read another request, and closes without a word.
        connection.request();
    });
    let app = TestApp::with(before(&peer));
    // Many more than the retries that a credential may spend.
    for number in 0..60 {
        is_its_own_answer(&app, &format!("C{number}")).await;
    }
    assert_eq!(peer.connections(), 60, "each connection is tried once more than it can answer");
    let ready = app.get("/readyz").await.json();
    assert_eq!(ready["gateways"][1]["breaker"], "closed");
}

#[actix_web::test]
async fn a_new_connection_that_ends_without_an_answer_is_no_stale_one() {
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
    assert_eq!(text(&client, &url).await, Err(Failure::StaleConnection));
    assert_eq!(text(&client, &url).await, Err(Failure::Closed));
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
        assert_eq!(text(&stranger, &format!("https://{}/", secure.address())).await, Err(Failure::TlsFailed));
    }
}
