//! What a stream of events sends, and to whom: the flow, what has changed, and what a client that comes back has missed.

use std::time::Duration;

use storegate::sandbox::Fault;

use super::{EVENTS, listen};
use crate::app::TestApp;
use crate::app::requests::{FLOW, TOTAL_DATA};
use crate::app::waiting::eventually;
use crate::peers::event_stream::EventStream;

#[actix_web::test]
async fn the_flow_is_sent_at_once_and_again_when_it_has_changed() {
    let app = TestApp::spawn();
    let mut listening = listen(&app).await;
    let header = |name| listening.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    assert_eq!(header("content-type"), "text/event-stream; charset=utf-8");
    assert_eq!((header("cache-control"), header("x-accel-buffering")), ("no-store".into(), "no".into()));
    let first = listening.next().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data), ("flow", &app.get(FLOW).await.json()));
    app.pass(600);
    let second = listening.next().await.unwrap();
    assert_eq!((second.name.as_str(), &second.data), ("flow", &app.get(FLOW).await.json()));
    assert_ne!((&second.id, &second.data["visitors"]), (&first.id, &first.data["visitors"]));
}

#[actix_web::test]
async fn the_gateway_is_called_once_a_store_for_any_number_of_streams_on_any_worker() {
    let app = TestApp::spawn();
    let mut all = Vec::new();
    for _ in 0..8 {
        all.push(listen(&app).await);
    }
    for round in 1..=3 {
        for listening in &mut all {
            assert_eq!(listening.next().await.unwrap().name, "flow");
        }
        assert_eq!(app.sandbox().calls_of(TOTAL_DATA), round);
        app.pass(400);
    }
}

#[actix_web::test]
async fn nothing_is_sent_while_the_figures_stay_the_same() {
    let app = TestApp::spawn();
    // Ten minutes to midnight in China: the shops are closed.
    app.pass(13 * 3600 + 50 * 60);
    let mut listening = listen(&app).await;
    let evening = listening.next().await.unwrap();
    for round in 2..=4 {
        app.pass(31);
        eventually("the gateway is called", async || app.sandbox().calls_of(TOTAL_DATA) == round).await;
        // The answer is on its way, and time stands still until it is kept.
        while app.get(FLOW).await.header("age") != Some("0") {}
    }
    app.pass(600);
    let morning = listening.next().await.unwrap();
    assert_eq!(morning.data["visitors"]["today"], 0);
    assert_ne!(evening.data["visitors"]["today"], 0);
}

#[actix_web::test]
async fn a_client_with_the_last_event_id_gets_only_what_is_new() {
    let app = TestApp::spawn();
    let first = listen(&app).await.next().await.unwrap();
    let token = app.token("dashboard");
    let mut back = EventStream::open(&app, EVENTS, &token, first.id.as_deref()).await;
    app.pass(600);
    let second = back.next().await.unwrap();
    assert_ne!(second.id, first.id);
    let third = EventStream::open(&app, EVENTS, &token, first.id.as_deref()).await.next().await.unwrap();
    assert_eq!(third, second, "it has changed meanwhile");
}

#[actix_web::test]
async fn the_last_id_is_taken_from_the_query_in_every_spelling_that_libraries_have() {
    let app = TestApp::spawn();
    let id = listen(&app).await.next().await.unwrap().id.unwrap();
    let token = app.token("dashboard");
    let queries =
        ["lastEventId=", "last_event_id=", "Last-Event-ID=", "last-event-id=", "lastEventId=older&lastEventId="];
    let mut back = Vec::new();
    for query in queries {
        back.push(EventStream::open(&app, &format!("{EVENTS}?limit=1&{query}{id}"), &token, None).await);
    }
    // The header is written for each connection, and the query may be as old as the page.
    back.push(EventStream::open(&app, &format!("{EVENTS}?lastEventId=older"), &token, Some(id.as_str())).await);
    app.pass(600);
    for (listening, query) in back.iter_mut().zip(queries.iter().chain(&["the header"])) {
        assert_ne!(listening.next().await.unwrap().id.as_deref(), Some(id.as_str()), "{query}");
    }
    let empty = EventStream::open(&app, &format!("{EVENTS}?lastEventId="), &token, None).await.next().await.unwrap();
    assert_eq!(empty.name, "flow", "an empty id is none");
    let scalar = app.get(&format!("{EVENTS}?limit=1&limit=1")).await;
    assert_eq!(scalar.status, 400, "other parameters are given once");
}

/// What a library that knows no comments, or hands on every block, would take for a message.
fn blocks_without_data(text: &str) -> Vec<&str> {
    text.split_inclusive("\n\n")
        .filter(|block| block.ends_with("\n\n"))
        .filter(|block| !block.lines().any(|line| line.starts_with("data: ")))
        .collect()
}

#[actix_web::test]
async fn no_block_is_without_data_and_the_time_to_come_back_stands_in_the_first_one() {
    let app = TestApp::with(|setup| setup.set("EVENTS__HEARTBEAT", "1s"));
    let first = app.get(&format!("{EVENTS}?limit=1")).await.text();
    assert_eq!(blocks_without_data(&first), Vec::<&str>::new(), "{first}");
    assert_eq!(first.matches("retry: ").count(), 1, "{first}");
    // Who has the flow already hears of nothing but that the stream is alive, and then of its end.
    let id = listen(&app).await.next().await.unwrap().id.unwrap();
    let token = app.token("operator");
    let mut quiet = EventStream::open(&app, EVENTS, &token, Some(id.as_str())).await;
    assert_eq!(quiet.comment().await, ": the flow follows");
    assert_eq!(quiet.comment().await, ": nothing new");
    assert_eq!(app.post_form("operator", "/oauth/revoke", &format!("token={token}")).await.status, 200);
    let rest = quiet.block().await.unwrap();
    let rest = rest.trim_start_matches(": nothing new\n");
    assert!(rest.starts_with("retry: 5000\nevent: end\ndata: {\"reason\":\"token-revoked\"}"), "{rest}");
}

#[actix_web::test]
async fn a_purge_of_the_cache_is_followed_by_a_call() {
    let app = TestApp::spawn();
    let mut listening = listen(&app).await;
    listening.next().await.unwrap();
    assert_eq!(app.request("operator", "DELETE", "/cache?store_id=S_123456", &[]).await.status, 200);
    eventually("the gateway is called", async || app.sandbox().calls_of(TOTAL_DATA) == 2).await;
}

#[actix_web::test]
async fn streams_and_requests_share_one_call() {
    let app = TestApp::spawn();
    let mut listening = listen(&app).await;
    listening.next().await.unwrap();
    app.sandbox().fail_next(Fault::Delay(Duration::from_millis(600)), 1);
    app.pass(200);
    eventually("the gateway is called", async || app.sandbox().calls_of(TOTAL_DATA) == 2).await;
    // The feed's call is under way, and a reader who asks now joins it, or gets the old answer meanwhile.
    assert_eq!(app.get(FLOW).await.status, 200);
    listening.next().await.unwrap();
    assert_eq!(app.sandbox().calls_of(TOTAL_DATA), 2);
}

#[actix_web::test]
async fn a_limit_ends_the_stream_and_head_has_its_headers_without_a_body() {
    let app = TestApp::spawn();
    let answer = app.get_with("/stores/S_123456/flow/events?limit=1", &[("accept", "text/event-stream")]).await;
    let events: Vec<String> = answer.text().split_terminator("\n\n").map(str::to_owned).collect();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events[0].starts_with(": the flow follows\nretry: 5000\nevent: flow\nid: "), "{events:?}");
    assert_eq!(events[1], "event: end\ndata: {\"reason\":\"limit\"}");
    let head = app.request("dashboard", "HEAD", EVENTS, &[]).await;
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream; charset=utf-8")));
    assert_eq!((head.body.len(), head.header("content-length")), (0, None));
}

#[actix_web::test]
async fn a_caller_of_http_1_0_gets_the_stream_without_chunks_until_the_connection_ends() {
    let app = TestApp::spawn();
    for keep in ["", "Connection: keep-alive\r\n"] {
        let path = "/stores/S_123456/flow/events?limit=1";
        let token = app.token("dashboard");
        let answer = app.raw(&format!("GET {path} HTTP/1.0\r\nHost: a\r\n{keep}Authorization: Bearer {token}\r\n\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(!head.contains("transfer-encoding") && !head.contains("content-length"), "{head}");
        assert!(
            body.starts_with(": the flow follows\nretry: 5000\nevent: flow\n")
                && body.ends_with("{\"reason\":\"limit\"}\n\n"),
            "{body}"
        );
    }
}

#[actix_web::test]
async fn requests_behind_a_stream_wait_for_its_end_and_the_connection_goes_on() {
    let app = TestApp::spawn();
    let token = app.token("dashboard");
    let events = "GET /stores/S_123456/flow/events?limit=1 HTTP/1.1";
    let last = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = app.raw(&format!("{events}\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n{last}"));
    let places = ["event: flow", "event: end", "{\"status\":\"ok\"}"].map(|part| answer.find(part).unwrap());
    assert!(places.is_sorted(), "{answer}");
}
