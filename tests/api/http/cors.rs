//! What browsers are told about pages of other origins: exactly the configured origins may read, every answer of theirs
//! and nothing else.

use storegate::resources::ALL;

use crate::app::TestApp;
use crate::app::answer::Answer;

const PAGE: &str = "https://dashboard.example.com";
const OTHERS: [&str; 7] = [
    "null",
    "http://dashboard.example.com",
    "https://dashboard.example.com:8443",
    "https://dashboard.example.com.evil.com",
    "https://evil.dashboard.example.com",
    "https://DASHBOARD.example.com",
    "https://dashboard.example.com, https://evil.com",
];

fn app() -> TestApp {
    TestApp::with(|setup| setup.set("SERVER__CORS__ORIGINS", format!("http://localhost:3000,{PAGE}")))
}

async fn preflight(app: &TestApp, path: &str, origin: &str, method: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "authorization,x-request-id"),
    ];
    app.send("OPTIONS", path, &headers, "").await
}

/// Nothing of CORS is in it.
fn is_silent(answer: &Answer) -> bool {
    !answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"))
}

fn varies_by_origin(answer: &Answer) -> bool {
    answer.header("vary").is_some_and(|vary| vary.split(", ").any(|name| name == "Origin"))
}

#[actix_web::test]
async fn the_preflight_of_every_path_names_the_methods_of_that_very_path() {
    let app = app();
    let resources = ALL.iter().map(|resource| resource.route()).map(|route| (route.path, route.allow));
    let others = [("/oauth/token", "POST, OPTIONS"), ("/openapi.json", "GET, HEAD, OPTIONS")];
    let others = others.map(|(path, allow)| (path.to_owned(), allow));
    for (path, allow) in resources.chain(others) {
        let path = path.replace("{store_id}", "S_123456").replace("{organization_id}", "1084");
        let answer = preflight(&app, &path, PAGE, "GET").await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE), "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), Some(allow), "{path}");
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some(
                "Authorization, X-API-Key, Content-Type, If-None-Match, Cache-Control, Last-Event-ID, X-Request-Id, traceparent, \
                 tracestate, baggage, X-Requested-With"
            )
        );
        assert_eq!(answer.header("access-control-max-age"), Some("600"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert!(varies_by_origin(&answer), "{path}");
    }
    assert_eq!(app.sandbox().calls(), 0);
}

#[actix_web::test]
async fn an_operator_may_allow_further_headers() {
    let app = TestApp::with(|setup| {
        setup.set("SERVER__CORS__ORIGINS", PAGE);
        setup.set("SERVER__CORS__ALLOWED_HEADERS", "X-Team, sentry-trace");
    });
    let answer = preflight(&app, "/stores", PAGE, "GET").await;
    let allowed = answer.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
    for name in ["authorization", "traceparent", "x-team", "sentry-trace"] {
        assert!(allowed.split(", ").any(|allowed| allowed == name), "{name} in {allowed}");
    }
}

#[actix_web::test]
async fn an_unlisted_origin_gets_no_cors_headers() {
    let app = app();
    for origin in OTHERS {
        for answer in [
            preflight(&app, "/stores/S_123456/flow", origin, "GET").await,
            app.get_with("/stores/S_123456/flow", &[("origin", origin)]).await,
            app.send("GET", "/stores/S_123456/flow", &[("origin", origin)], "").await,
        ] {
            assert!(is_silent(&answer), "{origin}: {answer:?}");
            assert!(varies_by_origin(&answer), "{origin}");
        }
    }
}

#[actix_web::test]
async fn a_page_may_read_answers_and_their_headers() {
    let app = app();
    let answer = app.get_with("/stores/S_123456/flow", &[("origin", PAGE)]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(PAGE)));
    assert_eq!(answer.header("vary"), Some("Authorization, X-API-Key, Accept-Encoding, Origin"));
    let readable = answer.header("access-control-expose-headers").unwrap();
    for name in
        ["ETag", "Age", "Cache-Status", "Link", "Retry-After", "X-Request-Id", "RateLimit", "WWW-Authenticate", "Date"]
    {
        assert!(readable.split(", ").any(|readable| readable == name), "{name} in {readable}");
    }
    let etag = answer.header("etag").unwrap().to_owned();
    let known = app.get_with("/stores/S_123456/flow", &[("origin", PAGE), ("if-none-match", &etag)]).await;
    assert_eq!((known.status, known.header("access-control-allow-origin")), (304, Some(PAGE)));
    assert!(varies_by_origin(&known));
}

#[actix_web::test]
async fn a_page_may_read_every_error_also_those_of_the_edge() {
    let app = app();
    let cookie = "x".repeat(17 << 10);
    let long = format!("/stores?name={}", "x".repeat(11 << 10));
    let origin = ("origin", PAGE);
    let answers = [
        (401, app.send("GET", "/stores", &[origin], "").await),
        (400, app.get_with("/stores?page=0", &[origin]).await),
        (403, app.request("counter", "GET", "/stores", &[origin]).await),
        (404, app.get_with("/nowhere", &[origin]).await),
        (405, app.request("dashboard", "PUT", "/stores", &[origin]).await),
        (406, app.get_with("/stores", &[origin, ("accept", "text/html")]).await),
        (414, app.get_with(&long, &[origin]).await),
        (431, app.get_with("/stores", &[origin, ("cookie", &cookie)]).await),
        (400, app.get_with("/stores", &[origin, ("host", "a/b")]).await),
        (400, app.send("POST", "/oauth/token", &[origin], "").await),
    ];
    for (status, answer) in answers {
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some(PAGE)));
        assert!(varies_by_origin(&answer), "{status}");
        assert!(answer.header("access-control-expose-headers").unwrap().contains("WWW-Authenticate"), "{status}");
    }
}

#[actix_web::test]
async fn a_star_is_for_every_origin_and_needs_no_vary() {
    let app = TestApp::with(|setup| setup.set("SERVER__CORS__ORIGINS", "*"));
    for origin in [PAGE, "null"] {
        let answer = app.get_with("/stores", &[("origin", origin)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("vary"), Some("Authorization, X-API-Key, Accept-Encoding"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    assert!(is_silent(&app.get("/stores").await));
}

#[actix_web::test]
async fn without_a_configuration_nothing_is_said() {
    let app = TestApp::spawn();
    for answer in [
        preflight(&app, "/stores", PAGE, "GET").await,
        app.get_with("/stores", &[("origin", PAGE)]).await,
        app.send("GET", "/stores", &[("origin", PAGE)], "").await,
    ] {
        assert!(is_silent(&answer) && !varies_by_origin(&answer), "{answer:?}");
    }
}
