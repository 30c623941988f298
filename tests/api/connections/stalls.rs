//! Callers who stall, in a head, in a body, between requests, by the hundred: they are left in time, and nobody else
//! waits for them.
//!
//! `cargo test --test api 2000_stalled -- --ignored` runs the large case. It needs some 5,000 open files.

#![expect(clippy::disallowed_methods, reason = "sockets stall in real time")]

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix_web::rt::time::interval;
use futures_util::future::join_all;

use storegate::sandbox::Fault;

use crate::app::configurations::sandbox_configuration;
use crate::app::program::Running;
use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::waiting::eventually;
use crate::app::{Setup, TestApp};
use crate::peers::raw_connection::RawConnection;

const GOOD: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// What needs a slot.
const ORDINARY: &str = "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

const CHECK: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

const CHUNKS: &str = "POST /oauth/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ngrant";

/// As impatient as the configuration allows.
fn impatient(setup: &mut Setup) {
    for name in ["HEAD_TIMEOUT", "KEEP_ALIVE", "REQUEST_TIMEOUT"] {
        setup.set(&format!("SERVER__{name}"), "1s");
    }
}

/// What came, and how long the other side kept the connection.
fn left_after(address: SocketAddr, sent: &str, more: &str) -> (String, Duration) {
    let started = Instant::now();
    let mut connection = RawConnection::open(address, sent.as_bytes());
    let first = if more.is_empty() { String::new() } else { connection.read_answer() };
    connection.send(more.as_bytes());
    let (rest, ended) = connection.read_to_end();
    assert!(ended, "still open: {sent:?} {more:?}");
    (first + &rest, started.elapsed())
}

#[actix_web::test]
async fn a_client_that_stalls_is_disconnected_wherever_that_is() {
    let app = TestApp::with(impatient);
    let half = "GET /healthz HTTP/1.1\r\nHost";
    let post = "POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\ngrant";
    let get = "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf";
    let cases = [
        ("silence", "", "", ["408"].as_slice()),
        ("in the first head", half, "", &["408"]),
        ("in a later head", GOOD, half, &["200"]),
        ("in a later head in one piece", &format!("{GOOD}{half}"), "", &["200"]),
        ("between requests", GOOD, "", &["200"]),
        ("between requests behind an empty line", GOOD, "\r\n", &["200"]),
        ("between requests behind an empty line in one piece", &format!("{GOOD}\r\n"), "", &["200"]),
        ("in a form", post, "", &["408"]),
        ("in a chunk of a form", CHUNKS, "", &["408"]),
        ("in a body that nobody reads", get, "", &["200"]),
    ];
    let address = app.address();
    let cases = cases.map(|(what, sent, more, expected)| {
        let (sent, more) = (sent.to_owned(), more.to_owned());
        let waiting = actix_web::rt::task::spawn_blocking(move || left_after(address, &sent, &more));
        async move {
            let (answers, took) = waiting.await.unwrap();
            let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
            assert_eq!(statuses, expected, "{what}");
            let is_explained = answers.contains("/problems/request-timeout") && answers.contains("connection: close");
            assert!(!answers.contains(" 408 ") || is_explained, "{what}: {answers}");
            assert!(took < Duration::from_secs(15), "{what}: {took:?}");
        }
    });
    join_all(cases).await;
}

#[actix_web::test]
async fn connections_beyond_the_limit_wait_for_one_to_end() {
    let app = TestApp::with(|setup| {
        setup.set("SERVER__HEAD_TIMEOUT", "1s");
        setup.set("SERVER__WORKERS", "1");
        setup.set("SERVER__CONNECTIONS", "20");
    });
    let stalled: Vec<RawConnection> = (0..20).map(|_| RawConnection::open(app.address(), b"GET")).collect();
    let (answer, took) = left_after(app.address(), ORDINARY, "");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(took > Duration::from_millis(400), "the limit was not kept: {took:?}");
    drop(stalled);
}

#[actix_web::test]
async fn a_client_that_reads_none_of_its_responses_is_disconnected() {
    let app = TestApp::with(|setup| {
        impatient(setup);
        setup.set("SERVER__WORKERS", "1");
        setup.set("SERVER__CONNECTIONS", "1");
    });
    let greedy = RawConnection::open(app.address(), LARGE.repeat(16).as_bytes());
    // It has the only connection, so the next caller is answered when it is gone.
    let started = Instant::now();
    let mut answer = left_after(app.address(), ORDINARY, "").0;
    while answer.starts_with("HTTP/1.1 503 ") {
        assert!(answer.contains("/problems/too-many-connections") && answer.contains("retry-after: 1"), "{answer}");
        answer = left_after(app.address(), ORDINARY, "").0;
    }
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(started.elapsed() > Duration::from_secs(3), "it was not waited for: {:?}", started.elapsed());
    drop(greedy);
}

const LARGE: &str = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n";

#[actix_web::test]
async fn a_health_check_is_answered_however_many_stall() {
    let app = TestApp::with(|setup| setup.set("SERVER__CONNECTIONS", "200"));
    let mut stalled = Vec::new();
    for (number, stalling) in
        [CHUNKS, "POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\ngrant", "GET", ""]
            .iter()
            .cycle()
            .take(400)
            .enumerate()
    {
        stalled.push(RawConnection::open(app.address(), stalling.as_bytes()));
        if number % 100 == 99 {
            let (answer, took) = left_after(app.address(), CHECK, "");
            assert!(answer.starts_with("HTTP/1.1 200 ") && took < Duration::from_secs(3), "{took:?} {answer}");
        }
    }
    let (answer, _) = left_after(app.address(), ORDINARY, "");
    assert!(answer.starts_with("HTTP/1.1 404 "), "those who stall make room for others, too: {answer}");
    let metrics = app.send("GET", "/metrics", &[], "").await;
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    for name in ["storegate_connection_limit_reached_total", "storegate_connections_closed_total{reason=\"idle\"}"] {
        assert!(metrics.contains(name), "{name}");
    }
}

#[actix_web::test]
async fn a_health_check_is_answered_while_all_connections_are_in_use() {
    let app = TestApp::with(|setup| {
        setup.set("SERVER__WORKERS", "1");
        setup.set("SERVER__CONNECTIONS", "2");
    });
    app.sandbox().fail_next(Fault::Hang, u32::MAX);
    let request = |store: u32| {
        let bearer = app.token("dashboard");
        format!("GET /stores/S_{store}/flow HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {bearer}\r\n\r\n")
    };
    let served: Vec<_> = (1..=2).map(|store| RawConnection::open(app.address(), request(store).as_bytes())).collect();
    eventually("both are served", async || app.sandbox().calls() >= 2).await;
    let waiting: Vec<_> = (3..=5).map(|store| RawConnection::open(app.address(), request(store).as_bytes())).collect();
    for path in ["/healthz", "/readyz", "/metrics"] {
        let (answer, _) = left_after(app.address(), &CHECK.replace("/healthz", path), "");
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(app.sandbox().calls(), 2, "the others wait for a slot");
    drop((served, waiting));
}

#[actix_web::test]
async fn a_connection_with_a_stalled_body_ends_soon_after_its_response() {
    let app = TestApp::with(|setup| {
        setup.set("SERVER__HEAD_TIMEOUT", "5s");
        setup.set("SERVER__REQUEST_TIMEOUT", "1s");
    });
    let (answer, took) = left_after(app.address(), CHUNKS, "");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(took < Duration::from_secs(15), "a body has five times as long as a head: {took:?}");
}

/// How callers stall: in a head, in a body, taking nothing of an answer, and between requests behind an empty line.
fn stalling(number: usize) -> String {
    match number % 4 {
        0 => "GET /stores HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ".to_owned(),
        1 => "POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\ngrant".to_owned(),
        2 => LARGE.repeat(16),
        _ => format!("{GOOD}\r\n"),
    }
}

#[test]
fn a_stop_does_not_wait_for_stalled_clients() {
    let gateway = SandboxGateway::live();
    let (path, _) = sandbox_configuration("stop-beside-stalled", &gateway);
    let text = fs::read_to_string(&path).unwrap().replace("[server]", "[server]\ndrain = \"1s\"");
    fs::write(&path, text).unwrap();
    let server = Running::serve(&path);
    let refused = "GET /healthz HTTP/1.1\nHost: a\r\n\r\n".to_owned();
    let mut stalled: Vec<RawConnection> = (0..40)
        .map(|number| if number % 5 == 4 { refused.clone() } else { stalling(number % 5) })
        .map(|begun| RawConnection::to(&server.url(""), begun.as_bytes()))
        .collect();
    // The last that was accepted is served, so all others are, too.
    let mut last = RawConnection::to(&server.url(""), GOOD.as_bytes());
    assert!(last.read_answer().starts_with("HTTP/1.1 200 "));
    let asked = Instant::now();
    let (code, _) = server.terminate();
    let took = asked.elapsed();
    assert_eq!(code, Some(0));
    assert!(
        took < Duration::from_secs(3),
        "{took:?} for a drain of one second, and as long to look whether it is over"
    );
    assert!(stalled.iter_mut().all(|connection| connection.read_to_end().1));
}

/// Good requests, a hundred a second for this long, beside so many who stall; gives the slowest. Each must be answered with
/// 200: one that waits for a connection for longer than `server.head_timeout` gets 503.
async fn beside_stalled(app: &TestApp, stalled: usize, seconds: u64) -> Duration {
    let connections: Vec<RawConnection> =
        (0..stalled).map(|number| RawConnection::open(app.address(), stalling(number).as_bytes())).collect();
    let bearer = format!("Bearer {}", app.token("dashboard"));
    let mut tick = interval(Duration::from_millis(10));
    let mut requests = Vec::new();
    for _ in 0..seconds * 100 {
        tick.tick().await;
        let (url, bearer) = (app.url("/stores/S_123456/flow"), bearer.clone());
        requests.push(actix_web::rt::spawn(async move {
            let started = Instant::now();
            let client = awc::Client::builder().timeout(Duration::from_secs(60)).finish();
            let answer = client.get(url).insert_header(("authorization", bearer)).send().await;
            (answer.map(|answer| answer.status().as_u16()).map_err(|error| error.to_string()), started.elapsed())
        }));
    }
    let answers: Vec<_> = join_all(requests).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.len(), usize::try_from(seconds * 100).unwrap());
    assert!(answers.iter().all(|(answer, _)| *answer == Ok(200)), "{answers:?}");
    drop(connections);
    answers.iter().map(|(_, took)| *took).max().unwrap()
}

#[actix_web::test]
async fn beside_300_stalled_clients_all_others_are_answered() {
    beside_stalled(&TestApp::spawn(), 300, 2).await;
}

#[actix_web::test]
#[expect(clippy::print_stderr, reason = "the figure is the result")]
#[ignore = "needs 5,000 open files and ten seconds"]
async fn beside_2000_stalled_clients_all_others_are_answered() {
    let app = TestApp::spawn();
    let slowest = beside_stalled(&app, 2000, 8).await;
    let (files, kibibytes) = in_use();
    eprintln!("2,000 stalled, 800 good requests in 8 s: all answered, the slowest in {slowest:?}; {kibibytes} KiB");
    assert!(kibibytes < 512 << 10, "{kibibytes} KiB");
    // All of them have left; the service has noticed when their files are gone.
    let mut tick = interval(Duration::from_millis(50));
    for _ in 0..200 {
        if in_use().0 < 500 {
            return;
        }
        tick.tick().await;
    }
    panic!("{} files were open, and {} still are", files, in_use().0);
}

/// Open files of this process, in which both sides run, and its memory. Nothing where the system does not tell.
fn in_use() -> (usize, u64) {
    let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    (files, resident.unwrap_or(0))
}
