//! The flow of a store as a stream of events: what is sent, how often the gateway is asked, and when a stream ends.

#![expect(clippy::disallowed_methods, reason = "streams are waited for in real time")]

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;
use storegate::auth::issue::TokenGrant;
use storegate::reload::Outcome;
use storegate::sandbox::Fault;

use crate::app::TestApp;
use crate::app::answer::problem_name;
use crate::app::configuration_files::Files;
use crate::app::program::{Running, directory};
use crate::app::requests::{FLOW, TOTAL_DATA};
use crate::app::tenants::{configuration, grant, sandbox_settings};
use crate::app::waiting::eventually;
use crate::peers::event_stream::Listening;

const EVENTS: &str = "/stores/S_123456/flow/events";
const ZENITHS: &str = "/stores/S_200001/flow/events";

/// Listens, or gives the status that stands in the way.
macro_rules! listen {
    ($app:expr, $path:expr, $token:expr, $last:expr) => {{
        let request = awc::Client::builder().timeout(Duration::from_secs(20)).finish().get($app.url($path));
        let request = request.insert_header(("authorization", format!("Bearer {}", $token)));
        let last: Option<&str> = $last;
        let request = last.into_iter().fold(request, |request, id| request.insert_header(("last-event-id", id)));
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        Listening::to(response)
    }};
    ($app:expr) => {
        listen!($app, EVENTS, $app.token("dashboard"), None)
    };
}

#[actix_web::test]
async fn the_flow_is_sent_at_once_and_again_when_it_has_changed() {
    let app = TestApp::spawn();
    let mut listening = listen!(app);
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
async fn the_gateway_is_asked_once_a_store_however_many_listen_on_whichever_worker() {
    let app = TestApp::spawn();
    let mut all = Vec::new();
    for _ in 0..8 {
        all.push(listen!(app));
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
    let mut listening = listen!(app);
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
async fn who_comes_back_with_the_last_id_gets_only_what_is_new() {
    let app = TestApp::spawn();
    let first = listen!(app).next().await.unwrap();
    let token = app.token("dashboard");
    let mut back = listen!(app, EVENTS, token, first.id.as_deref());
    app.pass(600);
    let second = back.next().await.unwrap();
    assert_ne!(second.id, first.id);
    let third = listen!(app, EVENTS, token, first.id.as_deref()).next().await.unwrap();
    assert_eq!(third, second, "it has changed meanwhile");
}

#[actix_web::test]
async fn the_last_id_is_taken_from_the_query_in_every_spelling_that_libraries_have() {
    let app = TestApp::spawn();
    let id = listen!(app).next().await.unwrap().id.unwrap();
    let token = app.token("dashboard");
    let queries =
        ["lastEventId=", "last_event_id=", "Last-Event-ID=", "last-event-id=", "lastEventId=older&lastEventId="];
    let mut back = Vec::new();
    for query in queries {
        back.push(listen!(app, &format!("{EVENTS}?limit=1&{query}{id}"), token, None));
    }
    // The header is written for each connection, and the query may be as old as the page.
    back.push(listen!(app, &format!("{EVENTS}?lastEventId=older"), token, Some(id.as_str())));
    app.pass(600);
    for (listening, query) in back.iter_mut().zip(queries.iter().chain(&["the header"])) {
        assert_ne!(listening.next().await.unwrap().id.as_deref(), Some(id.as_str()), "{query}");
    }
    let empty = listen!(app, &format!("{EVENTS}?lastEventId="), token, None).next().await.unwrap();
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
    let id = listen!(app).next().await.unwrap().id.unwrap();
    let token = app.token("operator");
    let mut quiet = listen!(app, EVENTS, token, Some(id.as_str()));
    assert_eq!(quiet.comment().await, ": the flow follows");
    assert_eq!(quiet.comment().await, ": nothing new");
    assert_eq!(app.post_form("operator", "/oauth/revoke", &format!("token={token}")).await.status, 200);
    let rest = quiet.block().await.unwrap();
    let rest = rest.trim_start_matches(": nothing new\n");
    assert!(rest.starts_with("retry: 5000\nevent: end\ndata: {\"reason\":\"token-revoked\"}"), "{rest}");
}

#[actix_web::test]
async fn a_purge_of_the_cache_is_followed_by_a_look_at_the_gateway() {
    let app = TestApp::spawn();
    let mut listening = listen!(app);
    listening.next().await.unwrap();
    assert_eq!(app.ask("operator", "DELETE", "/cache?store_id=S_123456", &[]).await.status, 200);
    eventually("the gateway is called", async || app.sandbox().calls_of(TOTAL_DATA) == 2).await;
}

#[actix_web::test]
async fn a_stream_ends_with_its_token_and_says_why() {
    let app = TestApp::spawn();
    let mut expiring = listen!(app);
    expiring.next().await.unwrap();
    let token = app.token("operator");
    let mut given_back = listen!(app, EVENTS, token, None);
    given_back.next().await.unwrap();
    assert_eq!(app.post_form("operator", "/oauth/revoke", &format!("token={token}")).await.status, 200);
    let end = given_back.next().await.unwrap();
    assert_eq!((end.name.as_str(), end.data), ("end", json!({"reason": "token-revoked"})));
    assert_eq!(given_back.next().await, None);
    app.pass(1000);
    let end = expiring.next().await.unwrap();
    assert_eq!((end.name.as_str(), end.data), ("end", json!({"reason": "token-expired"})));
    assert_eq!(expiring.next().await, None);
}

#[actix_web::test]
async fn a_reload_ends_streams_so_that_grants_are_looked_at_anew() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "watched-reload");
    let mut listening = listen!(app);
    listening.next().await.unwrap();
    assert_eq!(files.reloader.reload(), Outcome::Applied);
    assert_eq!(listening.next().await.unwrap().data, json!({"reason": "configuration-changed"}));
    assert_eq!(listening.next().await, None);
}

#[actix_web::test]
async fn while_the_gateway_fails_listeners_learn_that_the_flow_is_old_and_later_that_it_is_not() {
    let app = TestApp::spawn();
    let mut listening = listen!(app);
    let first = listening.next().await.unwrap();
    app.sandbox().fail_percent(Fault::code("-500"), 100);
    app.pass(40);
    let stale = listening.next().await.unwrap();
    assert_eq!((stale.name.as_str(), &stale.data, stale.id), ("stale", &json!({"age_seconds": 40}), None));
    let mut another = listen!(app);
    assert_eq!(another.next().await.unwrap(), first, "who has nothing gets the old flow first");
    assert_eq!(another.next().await.unwrap().name, "stale");
    let mut back = listen!(app, EVENTS, app.token("dashboard"), first.id.as_deref());
    assert_eq!(back.next().await.unwrap().name, "stale", "who has it learns at once that it is old");
    app.sandbox().clear_faults();
    app.pass(60);
    assert_eq!(listening.next().await.unwrap().name, "flow");
    assert_eq!(another.next().await.unwrap().name, "flow");
}

#[actix_web::test]
async fn a_gateway_that_fails_is_not_asked_at_each_look() {
    let app = TestApp::with(|setup| setup.set("EVENTS__HEARTBEAT", "1s"));
    let mut listening = listen!(app);
    listening.next().await.unwrap();
    app.sandbox().fail_percent(Fault::code("-500"), 100);
    app.pass(40);
    assert_eq!(listening.next().await.unwrap().name, "stale");
    let calls = app.sandbox().calls_of(TOTAL_DATA);
    // Two heartbeats are eight looks, and time stands still meanwhile.
    for _ in 0..2 {
        assert_eq!(listening.comment().await, ": nothing new");
    }
    assert_eq!(app.sandbox().calls_of(TOTAL_DATA), calls);
    app.pass(11);
    eventually("the gateway is called", async || app.sandbox().calls_of(TOTAL_DATA) > calls).await;
}

#[actix_web::test]
async fn a_limit_counts_an_old_flow_and_the_news_that_it_is_old_as_one() {
    let app = TestApp::spawn();
    app.get(FLOW).await;
    app.sandbox().fail_percent(Fault::code("-500"), 100);
    app.pass(200);
    let mut listening = listen!(app, "/stores/S_123456/flow/events?limit=1", app.token("dashboard"), None);
    for name in ["flow", "stale", "end"] {
        assert_eq!(listening.next().await.unwrap().name, name);
    }
}

#[actix_web::test]
async fn a_slow_gateway_is_waited_for_and_not_taken_for_one_that_fails() {
    let app = TestApp::spawn();
    app.get(FLOW).await;
    app.pass(200);
    app.sandbox().fail_next(Fault::Delay(Duration::from_millis(600)), 1);
    let mut listening = listen!(app);
    let first = listening.next().await.unwrap();
    assert_eq!((first.name.as_str(), app.sandbox().calls_of(TOTAL_DATA)), ("flow", 2));
    assert_eq!(first.data, app.get(FLOW).await.json(), "it is the new one");
}

#[actix_web::test]
async fn watchers_and_readers_share_one_call() {
    let app = TestApp::spawn();
    let mut listening = listen!(app);
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
async fn without_anything_to_show_a_problem_is_an_event_and_the_stream_goes_on() {
    let app = TestApp::with(|setup| {
        setup.set("CACHE__FLOW__STALE", "0s");
        setup.set("CACHE__FLOW__ON_ERROR", "0s");
    });
    let mut listening = listen!(app);
    listening.next().await.unwrap();
    app.sandbox().fail_percent(Fault::code("-500"), 100);
    app.pass(40);
    let problem = listening.next().await.unwrap();
    assert_eq!(problem.name, "problem");
    assert_eq!(
        (problem_name(&problem.data["type"]).as_str(), &problem.data["instance"]),
        ("gateway-error", &json!(EVENTS))
    );
    app.sandbox().clear_faults();
    app.pass(60);
    assert_eq!(listening.next().await.unwrap().name, "flow");
}

#[actix_web::test]
async fn what_is_wrong_from_the_beginning_is_an_answer_of_its_own() {
    let app = TestApp::spawn();
    for (client, path, status, problem) in [
        ("dashboard", "/stores/S_123456/flow/events?limit=0", 400, "invalid-parameter"),
        ("dashboard", "/stores/S_123456/flow/events?since=1", 400, "invalid-parameter"),
        ("franchisee", "/stores/S_100002/flow/events", 403, "store-not-granted"),
        ("dashboard", "/stores/SHOP001/flow/events", 404, "store-not-mapped"),
        ("dashboard", "/stores/S_999/flow/events", 404, "not-found"),
    ] {
        let answer = app.get_as(client, path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, problem), "{path}");
    }
    assert_eq!(app.send("GET", EVENTS, &[], "").await.status, 401);
    let narrow = TokenGrant { scopes: vec!["stores:read".to_owned()], ..grant("dashboard") };
    assert_eq!(app.get_with_token(&app.token_for("storegate", &narrow), EVENTS).await.status, 403);
    let json = app.get_with(EVENTS, &[("accept", "application/json")]).await;
    assert_eq!((json.status, json.problem().as_str()), (406, "not-acceptable"));
    assert!(json.json()["detail"].as_str().unwrap().contains("text/event-stream"));
    let failing = TestApp::spawn();
    failing.sandbox().fail_percent(Fault::code("-500"), 100);
    assert_eq!(failing.get(EVENTS).await.status, 502);
    let head = app.ask("dashboard", "HEAD", "/stores/S_999/flow/events", &[]).await;
    assert_eq!(head.status, 404, "HEAD tells what GET would");
}

#[actix_web::test]
async fn a_limit_ends_the_stream_and_head_tells_of_it_without_beginning_it() {
    let app = TestApp::spawn();
    let answer = app.get_with("/stores/S_123456/flow/events?limit=1", &[("accept", "text/event-stream")]).await;
    let events: Vec<String> = answer.text().split_terminator("\n\n").map(str::to_owned).collect();
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events[0].starts_with(": the flow follows\nretry: 5000\nevent: flow\nid: "), "{events:?}");
    assert_eq!(events[1], "event: end\ndata: {\"reason\":\"limit\"}");
    let head = app.ask("dashboard", "HEAD", EVENTS, &[]).await;
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

#[actix_web::test]
async fn a_tenant_that_took_all_streams_makes_room_for_another() {
    let app = TestApp::with(|setup| {
        setup.set("EVENTS__STREAMS", "2");
        setup.set("EVENTS__HEARTBEAT", "1s");
    });
    let mut first = listen!(app);
    first.next().await.unwrap();
    let mut second = listen!(app);
    second.next().await.unwrap();
    let mut other = listen!(app, ZENITHS, app.token("zenith"), None);
    let end = second.next().await.unwrap();
    assert_eq!((end.name.as_str(), &end.data), ("end", &json!({"reason": "displaced"})));
    assert!(other.next().await.is_some());
    let refused = app.get_as("zenith", ZENITHS).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "too-many-streams"), "both have their share");
    first.comment().await;
}

#[actix_web::test]
async fn a_client_has_only_so_many_streams_and_a_place_is_free_again_when_one_leaves() {
    let app = TestApp::with(|setup| {
        setup.set("EVENTS__STREAMS_PER_CLIENT", "1");
        setup.set("EVENTS__STREAMS", "2");
        setup.set("EVENTS__HEARTBEAT", "1s");
    });
    let mut first = listen!(app);
    first.next().await.unwrap();
    let refused = app.get(EVENTS).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "too-many-streams"));
    assert_eq!(refused.header("retry-after"), Some("10"));
    let second = listen!(app, EVENTS, app.token("operator"), None);
    let full = app.get_as("counter", EVENTS).await;
    assert!(full.json()["detail"].as_str().unwrap().starts_with("This service has 2 event streams open"));
    drop(second);
    let begun = Instant::now();
    while app.get_as("counter", "/stores/S_123456/flow/events?limit=1").await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the place is never free");
    }
    // The other one is still there, and shows it.
    first.comment().await;
}

#[test]
fn a_stop_ends_streams_at_once() {
    let clock = storegate::clock::Clock::system();
    let gateway = crate::app::sandbox_gateway::SandboxGateway::start(sandbox_settings(), clock);
    let home = directory("watched-stop");
    let path = home.join("storegate.toml");
    fs::write(&path, configuration(&gateway.sandbox)).unwrap();
    let arguments = ["serve", "--config", path.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let server = Running::start(&arguments, &home.join("ready.json"));
    let (took, text) = actix_web::rt::System::new().block_on(async {
        let form = [("grant_type", "client_credentials")];
        let client = awc::Client::default();
        let secret = crate::app::tenants::CLIENT_SECRET;
        let request = client.post(server.url("/oauth/token")).basic_auth("dashboard", secret);
        let token: serde_json::Value = request.send_form(&form).await.unwrap().json().await.unwrap();
        let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
        let request = client.get(server.url(EVENTS)).insert_header(("authorization", bearer));
        let mut listening = Listening::to(request.send().await.unwrap());
        listening.next().await.unwrap();
        let asked = Instant::now();
        server.signal("TERM");
        let end = listening.next().await.unwrap();
        assert_eq!(listening.next().await, None);
        (asked.elapsed(), end.data)
    });
    assert_eq!(text, json!({"reason": "shutdown"}));
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(server.terminate().0, Some(0));
}
