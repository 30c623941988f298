//! Guessing at client secrets: a few wrong ones, then a wait; and nobody is shut out by somebody else's guesses.

use futures_util::future::join_all;

use crate::app::TestApp;
use crate::app::requests::GRANT;
use crate::app::tenants::CLIENT_SECRET;

/// Asks for a token as a trusted proxy would pass it on for this address.
async fn log_in_from(app: &TestApp, address: &str, client: &str, secret: &str) -> crate::app::answer::Answer {
    let form = format!("{GRANT}&client_id={client}&client_secret={secret}");
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-forwarded-for", address)];
    app.send("POST", "/oauth/token", &headers, &form).await
}

fn behind_a_proxy() -> TestApp {
    TestApp::with(|setup| setup.set("LIMITS__TRUSTED_PROXIES", "127.0.0.0/8"))
}

#[actix_web::test]
async fn after_ten_wrong_secrets_an_address_gets_429_with_retry_after() {
    let app = TestApp::spawn();
    let wrong = join_all((0..10).map(|_| app.post_form_with("dashboard:wrong", "/oauth/token", GRANT))).await;
    assert!(wrong.iter().all(|answer| answer.status == 401));
    // Whoever guesses must not learn from the answer that a secret was right, or that a client exists.
    let mut bodies = Vec::new();
    for credentials in ["dashboard:wrong", &format!("dashboard:{CLIENT_SECRET}"), "nobody:wrong"] {
        let answer = app.post_form_with(credentials, "/oauth/token", GRANT).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("6")), "{credentials}");
        assert_eq!(
            (answer.json()["error"].as_str(), answer.header("cache-control")),
            (Some("slow_down"), Some("no-store"))
        );
        bodies.push(answer.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    for path in ["/oauth/revoke", "/oauth/introspect"] {
        assert_eq!(app.post_form_with("dashboard:wrong", path, "token=x").await.status, 429, "{path}");
    }
    app.pass(6);
    assert_eq!(app.post_form("dashboard", "/oauth/token", GRANT).await.status, 200);
}

#[actix_web::test]
async fn right_secrets_are_never_counted() {
    let app = TestApp::spawn();
    for _ in 0..30 {
        assert_eq!(app.post_form("dashboard", "/oauth/token", GRANT).await.status, 200);
    }
}

#[actix_web::test]
async fn while_others_guess_at_a_client_it_still_gets_its_token_from_its_own_address() {
    let app = behind_a_proxy();
    let addresses: Vec<String> = (0..40).map(|number| format!("198.51.100.{number}")).collect();
    let guesses = join_all(addresses.iter().map(|address| log_in_from(&app, address, "dashboard", "wrong"))).await;
    assert!(guesses.iter().all(|answer| answer.status == 401));
    let again = log_in_from(&app, "198.51.100.1", "dashboard", "wrong").await;
    assert_eq!(again.status, 429, "one guess for each address, now that so many guess");
    assert_eq!(log_in_from(&app, "192.0.2.1", "dashboard", CLIENT_SECRET).await.status, 200);
    assert_eq!(log_in_from(&app, "198.51.100.1", "operator", CLIENT_SECRET).await.status, 200, "another client");
}

#[actix_web::test]
async fn a_forwarded_address_is_trusted_from_trusted_proxies_only() {
    let app = TestApp::spawn();
    let guess = async |number| {
        log_in_from(&app, &format!("198.51.100.{number}"), &format!("nobody-{number}"), "x").await.status
    };
    assert_eq!(join_all((0..10).map(&guess)).await, [401; 10]);
    assert_eq!(guess(10).await, 429);
}
