//! The fast path: what a worker answers again ahead of router and handlers. A caller must not be able to tell it from the
//! ordinary way, and nothing that has ended may live on in it.
//!
//! A worker remembers a question when it answers it, so the second of two equal requests with one token takes the fast path.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::ExposeSecret;
use storegate::auth::AuthSettings;
use storegate::auth::key_algorithm::KeyAlgorithm;
use storegate::auth::private_key;
use storegate::config::Settings;

use crate::app::answer::Answer;
use crate::app::requests::FLOW;
use crate::app::tenants::grant;
use crate::app::{Setup, TestApp};

/// One worker, so that the worker that remembers is the one that is asked again.
fn app_with(choose: impl FnOnce(&mut Setup)) -> TestApp {
    TestApp::with(|setup| {
        setup.set("SERVER__WORKERS", "1");
        choose(setup);
    })
}

fn app() -> TestApp {
    app_with(|_| {})
}

/// A client with one token, which sends the same each time.
struct Client<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Client<'a> {
    fn new(app: &'a TestApp, client: &str) -> Self {
        Self { app, token: app.token(client) }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        self.app.send("GET", path, &[headers, &[("authorization", &bearer)]].concat(), "").await
    }

    /// Asks until the worker must have remembered the question.
    async fn settle(&self, path: &str, headers: &[(&str, &str)]) {
        for _ in 0..2 {
            let answer = self.get(path, headers).await;
            assert!([200, 304].contains(&answer.status), "{}", answer.text());
        }
    }
}

/// The head but for what differs between any two answers.
fn head(answer: &Answer) -> BTreeMap<String, String> {
    let fields = answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    fields.filter(|(name, _)| name != "x-request-id" && name != "date").collect()
}

#[actix_web::test]
async fn its_responses_are_byte_for_byte_those_of_the_router() {
    let app = app_with(|setup| {
        setup.set("SERVER__CORS__ORIGINS", "https://dashboard.example.com");
        setup.set("LIMITS__QUOTA", "1000/1m");
    });
    let client = Client::new(&app, "dashboard");
    let etag = client.get(FLOW, &[]).await.header("etag").unwrap().to_owned();
    let page = "/stores?page_size=20";
    let encoded = client.get(page, &[("accept-encoding", "br")]).await.header("etag").unwrap().to_owned();
    let cases: &[(&str, &[(&str, &str)])] = &[
        (FLOW, &[]),
        (FLOW, &[("accept-encoding", "gzip, br")]),
        (FLOW, &[("if-none-match", &etag)]),
        (FLOW, &[("if-none-match", "\"other\", *")]),
        (FLOW, &[("if-none-match", "\"other\"")]),
        (FLOW, &[("origin", "https://dashboard.example.com")]),
        (FLOW, &[("origin", "https://elsewhere.example.com")]),
        (page, &[("accept-encoding", "gzip")]),
        (page, &[("accept-encoding", "br;q=0.5, gzip;q=0.4")]),
        (page, &[("accept-encoding", "br"), ("if-none-match", &encoded)]),
        (page, &[("accept", "application/*")]),
        ("/stores/S_123456/demographics?from=2026-11-01&to=2026-11-07", &[]),
        ("/organizations/O_1084/flow", &[]),
    ];
    for (path, headers) in cases {
        // The answer is there already, and the worker has not met this token.
        Client::new(&app, "dashboard").get(path, headers).await;
        let client = Client::new(&app, "dashboard");
        let (ordinary, again) = (client.get(path, headers).await, client.get(path, headers).await);
        let mut expected = head(&ordinary);
        let mut found = head(&again);
        // Each request counts.
        let left = |head: &mut BTreeMap<String, String>| head.remove("ratelimit").unwrap();
        assert_ne!(left(&mut expected), left(&mut found));
        assert_eq!(
            (found, &again.body, again.status),
            (expected, &ordinary.body, ordinary.status),
            "{path} {headers:?}"
        );
        assert!(again.header("cache-status").unwrap().starts_with("storegate; hit"), "{path}");
    }
}

#[actix_web::test]
async fn a_request_id_is_echoed_and_otherwise_generated() {
    let app = app();
    let client = Client::new(&app, "dashboard");
    client.settle(FLOW, &[]).await;
    let given = client.get(FLOW, &[("x-request-id", "build-7")]).await;
    assert_eq!(given.header("x-request-id"), Some("build-7"));
    let (one, other) = (client.get(FLOW, &[("x-request-id", "a b")]).await, client.get(FLOW, &[]).await);
    let ids = [&one, &other].map(|answer| answer.header("x-request-id").unwrap().to_owned());
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 36), "{ids:?}");
}

#[actix_web::test]
async fn an_expired_or_revoked_token_is_refused() {
    let app = app();
    let client = Client::new(&app, "dashboard");
    client.settle(FLOW, &[]).await;
    assert_eq!(app.post_form("dashboard", "/oauth/revoke", &format!("token={}", client.token)).await.status, 200);
    assert_eq!(client.get(FLOW, &[]).await.problem(), "invalid-token");
    let client = Client::new(&app, "dashboard");
    client.settle(FLOW, &[]).await;
    app.pass(931);
    assert_eq!(client.get(FLOW, &[]).await.problem(), "token-expired");
}

#[actix_web::test]
async fn a_key_that_was_removed_and_a_quota_that_was_set_are_in_force_for_the_next_request() {
    let app = app();
    let client = Client::new(&app, "dashboard");
    client.settle(FLOW, &[]).await;
    let quota = settings(&app, &[("STOREGATE__LIMITS__QUOTA", "2/1m")]);
    app.auth.renew(quota).unwrap();
    assert_eq!(client.get(FLOW, &[]).await.header("ratelimit-policy"), Some("\"default\";q=2;w=60"));
    client.get(FLOW, &[]).await;
    assert_eq!(client.get(FLOW, &[]).await.problem(), "quota-exceeded");
    app.auth.renew(settings_with_another_key(&app)).unwrap();
    assert_eq!(client.get(FLOW, &[]).await.problem(), "invalid-token");
}

fn settings(app: &TestApp, variables: &[(&str, &str)]) -> AuthSettings {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::parse(&app.configuration, variables).unwrap().auth
}

fn settings_with_another_key(app: &TestApp) -> AuthSettings {
    let another = private_key::generate(KeyAlgorithm::EdDsa).unwrap();
    let old = app.configuration.split("'''").nth(1).unwrap();
    let configuration = app.configuration.replace(old, another.expose_secret());
    Settings::parse(&configuration, std::iter::empty()).unwrap().auth
}

#[actix_web::test]
async fn a_purged_replaced_or_stale_response_is_not_served_as_fresh() {
    let app = app();
    let client = Client { token: long_lived(&app, "operator"), app: &app };
    let status = async || client.get(FLOW, &[]).await.header("cache-status").unwrap().to_owned();
    client.settle(FLOW, &[]).await;
    app.request("operator", "DELETE", "/cache?store_id=S_123456", &[]).await;
    assert!(status().await.contains("fwd=miss"));
    client.settle(FLOW, &[]).await;
    app.pass(3 * 3600);
    assert!(status().await.starts_with("storegate; fwd="), "it is too old to be a hit");
    client.settle(FLOW, &[]).await;
    let before = client.get(FLOW, &[]).await;
    app.time.advance(Duration::from_secs(1));
    let fresh = client.get(FLOW, &[("cache-control", "no-cache")]).await;
    assert_ne!(fresh.header("etag"), before.header("etag"), "the time of observation is another");
    assert_eq!(client.get(FLOW, &[]).await.header("etag"), fresh.header("etag"));
}

#[actix_web::test]
async fn a_request_without_a_date_has_another_cache_key_after_midnight() {
    let app = app_with(|setup| setup.set("CACHE__DEMOGRAPHICS__FRESH", "7d"));
    let client = Client { token: long_lived(&app, "dashboard"), app: &app };
    let path = "/stores/S_123456/demographics";
    client.settle(path, &[]).await;
    assert_eq!(client.get(path, &[]).await.json()["period"]["from"], "2026-11-22T00:00:00+08:00");
    app.pass(15 * 3600);
    assert_eq!(client.get(path, &[]).await.json()["period"]["from"], "2026-11-23T00:00:00+08:00");
}

fn long_lived(app: &TestApp, client: &str) -> String {
    let mut grant = grant(client);
    grant.lifetime = Some(Duration::from_secs(48 * 3600));
    app.token_for("storegate", &grant)
}

#[actix_web::test]
async fn requests_with_other_headers_take_the_router() {
    let app = app_with(|setup| setup.set("SERVER__HOSTS", "127.0.0.1"));
    let client = Client::new(&app, "dashboard");
    client.settle(FLOW, &[]).await;
    assert_eq!(client.get(FLOW, &[("accept", "text/html")]).await.problem(), "not-acceptable");
    assert_eq!(client.get("/stores/S_123456/flow?", &[]).await.status, 200);
    assert_eq!(client.get("/stores/S_123456/flow?x=1", &[]).await.problem(), "invalid-parameter");
    let long = "a".repeat(17 << 10);
    assert_eq!(client.get(FLOW, &[("x-long", &long)]).await.status, 431);
    let ask = |request: &str| app.raw(&request.replace("TOKEN", &client.token));
    let two_tokens = "GET /stores/S_123456/flow HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer TOKEN\r\n\
        Authorization: Bearer TOKEN\r\nConnection: close\r\n\r\n";
    assert!(ask(two_tokens).starts_with("HTTP/1.1 401"));
    let elsewhere = "GET /stores/S_123456/flow HTTP/1.1\r\nHost: elsewhere\r\nAuthorization: Bearer TOKEN\r\nConnection: close\r\n\r\n";
    assert!(ask(elsewhere).starts_with("HTTP/1.1 421"));
}

#[actix_web::test]
async fn one_request_of_two_tenants_and_of_a_limited_client_gets_each_its_own_data() {
    let app = app();
    let (acme, zenith, limited) =
        (Client::new(&app, "operator"), Client::new(&app, "zenith"), Client::new(&app, "franchisee"));
    let path = "/inspections?from=2026-11-01&to=2026-11-07";
    for client in [&acme, &zenith, &limited] {
        client.settle(path, &[]).await;
    }
    let bodies = [acme.get(path, &[]).await.body, zenith.get(path, &[]).await.body, limited.get(path, &[]).await.body];
    assert!(bodies[0] != bodies[1] && bodies[0] != bodies[2] && bodies[1] != bodies[2]);
    acme.settle("/stores/S_100008/flow", &[]).await;
    for _ in 0..3 {
        assert_eq!(limited.get("/stores/S_100008/flow", &[]).await.problem(), "store-not-granted");
    }
}
