//! When a stream of events ends, and which stream makes room for another.

#![expect(clippy::disallowed_methods, reason = "streams are waited for in real time")]

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;
use storegate::reload::ReloadOutcome;

use super::{EVENTS, ZENITHS, listen};
use crate::app::TestApp;
use crate::app::configuration_files::Files;
use crate::app::program::{Running, directory};
use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::tenants::{configuration, sandbox_settings};
use crate::peers::event_stream::EventStream;

#[actix_web::test]
async fn a_stream_ends_with_its_token_and_says_why() {
    let app = TestApp::spawn();
    let mut expiring = listen(&app).await;
    expiring.next().await.unwrap();
    let token = app.token("operator");
    let mut given_back = EventStream::open(&app, EVENTS, &token, None).await;
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
async fn a_reload_ends_streams_so_that_grants_are_checked_again() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "watched-reload");
    let mut listening = listen(&app).await;
    listening.next().await.unwrap();
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    assert_eq!(listening.next().await.unwrap().data, json!({"reason": "configuration-changed"}));
    assert_eq!(listening.next().await, None);
}

#[actix_web::test]
async fn a_tenant_that_took_all_streams_makes_room_for_another() {
    let app = TestApp::with(|setup| {
        setup.set("EVENTS__STREAMS", "2");
        setup.set("EVENTS__HEARTBEAT", "1s");
    });
    let mut first = listen(&app).await;
    first.next().await.unwrap();
    let mut second = listen(&app).await;
    second.next().await.unwrap();
    let mut other = EventStream::open(&app, ZENITHS, &app.token("zenith"), None).await;
    let end = second.next().await.unwrap();
    assert_eq!((end.name.as_str(), &end.data), ("end", &json!({"reason": "displaced"})));
    assert!(other.next().await.is_some());
    let refused = app.get_as("zenith", ZENITHS).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "too-many-streams"), "both have their share");
    first.comment().await;
}

#[actix_web::test]
async fn a_client_has_a_limited_number_of_streams_and_a_closed_one_frees_its_slot() {
    let app = TestApp::with(|setup| {
        setup.set("EVENTS__STREAMS_PER_CLIENT", "1");
        setup.set("EVENTS__STREAMS", "2");
        setup.set("EVENTS__HEARTBEAT", "1s");
    });
    let mut first = listen(&app).await;
    first.next().await.unwrap();
    let refused = app.get(EVENTS).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "too-many-streams"));
    assert_eq!(refused.header("retry-after"), Some("10"));
    let second = EventStream::open(&app, EVENTS, &app.token("operator"), None).await;
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
    let gateway = SandboxGateway::live_with(sandbox_settings());
    let home = directory("watched-stop");
    let path = home.join("storegate.toml");
    fs::write(&path, configuration(&gateway.sandbox)).unwrap();
    let server = Running::serve(&path);
    let (took, text) = actix_web::rt::System::new().block_on(async {
        let form = [("grant_type", "client_credentials")];
        let client = awc::Client::default();
        let secret = crate::app::tenants::CLIENT_SECRET;
        let request = client.post(server.url("/oauth/token")).basic_auth("dashboard", secret);
        let token: serde_json::Value = request.send_form(&form).await.unwrap().json().await.unwrap();
        let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
        let request = client.get(server.url(EVENTS)).insert_header(("authorization", bearer));
        let mut listening = EventStream::of(request.send().await.unwrap());
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
