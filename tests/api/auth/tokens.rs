//! Who gets a token, and what it opens.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use insta::assert_json_snapshot;
use secrecy::SecretString;
use serde_json::{Value, json};
use storegate::auth::secrets::{argon2_hash, sha256_hex};

use crate::app::TestApp;
use crate::app::answer::{Answer, redacted};
use crate::app::requests::FLOW;
use crate::app::tenants::{CLIENT_SECRET, grant};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn request_token(app: &TestApp, authorization: Option<&str>, form: &str) -> Answer {
    let basic = authorization.map(|pair| format!("Basic {}", STANDARD.encode(pair)));
    let mut headers = vec![FORM];
    headers.extend(basic.as_ref().map(|basic| ("authorization", basic.as_str())));
    app.send("POST", "/oauth/token", &headers, form).await
}

fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn assert_401(answer: &Answer, what: &str) {
    let problem = if what == "The token has expired" { "token-expired" } else { "invalid-token" };
    assert_eq!((answer.status, answer.problem().as_str()), (401, problem), "{what}");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer realm=\"storegate\"") && challenge.contains(what), "{challenge}");
}

#[actix_web::test]
async fn a_client_gets_a_token_by_basic_and_by_form_and_reads_with_it() {
    let app = TestApp::spawn();
    let pair = format!("dashboard:{CLIENT_SECRET}");
    let in_form = format!("grant_type=client_credentials&client_id=dashboard&client_secret={CLIENT_SECRET}");
    for (authorization, form) in [(Some(pair.as_str()), "grant_type=client_credentials"), (None, in_form.as_str())] {
        let answer = request_token(&app, authorization, form).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
        assert_json_snapshot!("token", answer.snapshot());
        let body = answer.json();
        let token = body["access_token"].as_str().unwrap();
        assert_eq!(app.get_with_token(token, FLOW).await.status, 200);
        assert_json_snapshot!("claims", redacted(claims(token)));
    }
}

#[actix_web::test]
async fn a_scope_narrows_a_token_and_never_widens_it() {
    let app = TestApp::spawn();
    let pair = format!("dashboard:{CLIENT_SECRET}");
    let answer = request_token(&app, Some(&pair), "grant_type=client_credentials&scope=flow:read").await;
    assert_eq!(answer.json()["scope"], "flow:read");
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(app.get_with_token(&token, FLOW).await.status, 200);
    assert_eq!(app.get_with_token(&token, "/stores").await.status, 403);
    let wider = request_token(&app, Some(&pair), "grant_type=client_credentials&scope=flow:read+cache:purge").await;
    assert_eq!((wider.status, wider.json()["error"].as_str()), (400, Some("invalid_scope")));
}

#[actix_web::test]
async fn a_wrong_secret_and_an_unknown_client_get_the_same_response() {
    let app = TestApp::spawn();
    let mut bodies = Vec::new();
    for pair in ["dashboard:wrong", "nobody:wrong", "dashboard:"] {
        let answer = request_token(&app, Some(pair), "grant_type=client_credentials").await;
        assert_eq!((answer.status, answer.header("cache-control")), (401, Some("no-store")), "{pair}");
        assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"storegate\""));
        assert_eq!(answer.json()["error"], "invalid_client");
        bodies.push(answer.body);
    }
    assert_eq!(bodies[0], bodies[1]);
}

#[actix_web::test]
async fn a_request_for_a_token_that_is_not_one_is_400() {
    let app = TestApp::spawn();
    let pair = format!("dashboard:{CLIENT_SECRET}");
    let wrong = [
        ("", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&client_secret=x", "invalid_request"),
        ("grant_type=client_credentials&scope=%FF", "invalid_request"),
        ("grant_type=client_credentials%C4", "invalid_request"),
    ];
    for (form, error) in wrong {
        let answer = request_token(&app, Some(&pair), form).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some(error)), "{form}");
    }
}

#[actix_web::test]
async fn what_a_form_has_besides_is_ignored_however_often_it_is_there() {
    let app = TestApp::spawn();
    let pair = format!("dashboard:{CLIENT_SECRET}");
    let besides = "resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example&%00=1&%00=2&%FF=%FF";
    let answer = request_token(&app, Some(&pair), &format!("{besides}&grant_type=client_credentials&{besides}")).await;
    assert_eq!(answer.status, 200);
    for path in ["/oauth/introspect", "/oauth/revoke"] {
        let form = |token: &str| format!("{besides}&token={token}&client_id=dashboard&client_secret={CLIENT_SECRET}");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = app.send("POST", path, &headers, &form("x")).await;
        assert_eq!(answer.status, 200, "{path}");
        let answer = app.send("POST", path, &headers, &form("x&token=y")).await;
        assert_eq!(answer.json()["error_description"], "The parameter token is there more than once", "{path}");
        let answer = app.send("POST", path, &headers, &form("%FF")).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_request")), "{path}");
        assert_eq!(answer.json()["error_description"], "The parameter token is not UTF-8", "{path}");
    }
}

#[actix_web::test]
async fn without_a_token_there_is_a_challenge_and_no_gateway_call() {
    let app = TestApp::spawn();
    let answer = app.send("GET", FLOW, &[], "").await;
    assert_401(&answer, "");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"storegate\""));
    assert_401(&app.send("GET", "/stores?nonsense=1", &[("authorization", "Basic eA==")], "").await, "");
    assert_eq!(app.sandbox().calls(), 0);
}

#[actix_web::test]
async fn a_token_without_the_scope_is_403_with_the_missing_scope() {
    let app = TestApp::spawn();
    let needs = [
        ("/stores", "stores:read"),
        ("/stores/SHOP001", "stores:read"),
        ("/stores/S_1/demographics", "demographics:read"),
        ("/inspections", "inspections:read"),
        ("/organizations/2/developer-account", "organizations:read"),
    ];
    for (path, scope) in needs {
        let answer = app.get_as("counter", path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (403, "insufficient-scope"), "{path}");
        let challenge = format!("Bearer realm=\"storegate\", error=\"insufficient_scope\", scope=\"{scope}\"");
        assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()), "{path}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(scope));
    }
    assert_eq!(app.sandbox().calls(), 0);
}

#[actix_web::test]
async fn a_token_ends_when_its_time_has_passed() {
    let app = TestApp::spawn();
    let token = app.token("dashboard");
    assert_eq!(app.get_with_token(&token, FLOW).await.status, 200);
    app.pass(900 + 29);
    assert_eq!(app.get_with_token(&token, FLOW).await.status, 200, "clocks may differ by half a minute");
    app.pass(1);
    assert_401(&app.get_with_token(&token, FLOW).await, "The token has expired");
}

#[actix_web::test]
async fn a_token_for_another_audience_opens_nothing() {
    let app = TestApp::spawn();
    let token = app.token_for("another-service", &grant("dashboard"));
    assert_401(&app.get_with_token(&token, FLOW).await, "The token is for another audience");
}

#[actix_web::test]
async fn a_token_for_an_unknown_tenant_is_refused() {
    let app = TestApp::spawn();
    let token = app.token_for(
        "storegate",
        &storegate::auth::issue::TokenGrant { tenant: "umbra".to_owned(), ..grant("dashboard") },
    );
    assert_401(&app.get_with_token(&token, FLOW).await, "tenant is not known");
    assert_eq!(app.sandbox().calls(), 0);
}

#[actix_web::test]
async fn a_token_that_was_changed_or_signed_by_another_opens_nothing() {
    let app = TestApp::spawn();
    let token = app.token("counter");
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let mut wider = claims(&token);
    wider["scope"] = json!("flow:read stores:read");
    let wider = URL_SAFE_NO_PAD.encode(wider.to_string());
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"typ":"at+jwt","alg":"none","kid":"first"}"#);
    let forged = [
        format!("{header}.{wider}.{signature}"),
        format!("{unsigned}.{payload}."),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        "x".repeat(9000),
        TestApp::spawn().token("counter"),
    ];
    for token in forged {
        let answer = app.get_with_token(&token, FLOW).await;
        assert_401(&answer, "error=\"invalid_token\"");
    }
    assert_eq!(app.get_with_token(&token, FLOW).await.status, 200);
}

#[actix_web::test]
async fn a_token_limited_to_stores_reads_those_and_no_other() {
    let app = TestApp::spawn();
    let granted = [
        "/stores/S_123456/flow",
        "/stores/123456/flow",
        "/stores/S_123456/demographics",
        "/stores/SHOP001",
        "/stores?code=SHOP001",
        "/inspections?store_id=123456",
    ];
    for path in granted {
        assert_eq!(app.get_as("franchisee", path).await.status, 200, "{path}");
    }
    let calls = app.sandbox().calls();
    let others = [
        "/stores/S_100001/flow",
        "/stores/S_100001/demographics",
        "/stores/SHOP002",
        "/stores?code=SHOP001,SHOP002",
        // The grant is of OPRetail's store of this number; a code is the OMS's.
        "/stores?code=123456",
        "/stores?code=S_123456",
        "/inspections?store_id=S_100001",
        "/organizations/1084/flow",
        "/organizations/2/developer-account",
    ];
    for path in others {
        let answer = app.get_as("franchisee", path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (403, "store-not-granted"), "{path}");
    }
    assert_eq!(app.sandbox().calls(), calls, "what is not granted is not even asked for");
}

#[actix_web::test]
async fn lists_show_a_limited_token_its_own_stores_only() {
    let app = TestApp::spawn();
    assert_eq!(app.get("/stores?page_size=1000").await.json()["page"]["total"], 260, "all of them are in the cache");
    let stores = app.get_as("franchisee", "/stores?page_size=1000").await.json();
    assert_eq!((&stores["page"]["total"], &stores["items"][0]["id"]), (&json!(1), &json!("SHOP001")));
    let period = "from=2026-08-25&to=2026-11-22&page_size=1000";
    let all = app.get(&format!("/inspections?{period}")).await.json();
    let is_mine = |item: &&Value| item["store"]["id"] == "S_123456";
    let expected = all["items"].as_array().unwrap().iter().filter(is_mine).count();
    assert!(0 < expected && expected < all["items"].as_array().unwrap().len());
    let mine = app.get_as("franchisee", &format!("/inspections?{period}")).await.json();
    assert_eq!(mine["page"]["total"], expected);
    assert_eq!(mine["items"].as_array().unwrap().iter().filter(is_mine).count(), expected);
}

#[actix_web::test]
async fn a_limited_token_does_not_get_from_the_cache_what_it_may_not_read() {
    let app = TestApp::spawn();
    for path in ["/stores/S_100001/flow", "/organizations/1084/flow"] {
        assert_eq!(app.get(path).await.status, 200);
        assert_eq!(app.get_as("franchisee", path).await.status, 403, "{path}");
    }
}

/// Clients whose secrets have signs that a form decodes: as `curl -u` sends them, and as RFC 6749 §2.3.1 asks for.
fn with_secrets(secrets: &[&str]) -> TestApp {
    TestApp::with(|setup| {
        for (number, secret) in secrets.iter().enumerate() {
            let (made, chosen) = (sha256_hex(&SecretString::from(*secret)), argon2_hash(&SecretString::from(*secret)));
            let client = |id: &str, hash: &str| {
                format!("[auth.clients.\"{id}\"]\ntenant = \"acme\"\nscopes = [\"flow:read\"]\n{hash}\n")
            };
            setup.more += &client(&format!("made+{number}"), &format!("secret_sha256 = \"{made}\""));
            setup.more += &client(&format!("chosen%{number}"), &format!("secret_argon2 = \"{}\"", chosen.unwrap()));
        }
    })
}

#[actix_web::test]
async fn a_client_secret_with_signs_that_a_form_decodes_is_taken_as_sent_and_encoded() {
    let secrets = ["a+b", "100%25", "a%2Bb", "+", "a b", "%41%", "a%zzb+=&c"];
    let app = with_secrets(&secrets);
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    for (number, secret) in secrets.iter().enumerate() {
        for id in [format!("made+{number}"), format!("chosen%{number}")] {
            let grant = "grant_type=client_credentials";
            for credentials in [format!("{id}:{secret}"), format!("{}:{}", encode(&id), encode(secret))] {
                let answer = app.post_form_with(&credentials, "/oauth/token", grant).await;
                assert_eq!(answer.status, 200, "{credentials}");
            }
            let with_id = format!("{grant}&client_id={}", encode(&id));
            let answer = app.post_form_with(&format!("{id}:{secret}"), "/oauth/token", &with_id).await;
            assert_eq!(answer.status, 200, "{id} in the form, too");
        }
    }
}

#[actix_web::test]
async fn a_secret_that_is_wrong_in_both_ways_counts_once_and_against_the_client_that_is_meant() {
    let app = with_secrets(&["right"]);
    let grant = "grant_type=client_credentials";
    let wrong = join_all((0..10).map(|_| app.post_form_with("made+0:wr+ng", "/oauth/token", grant))).await;
    assert!(wrong.iter().all(|answer| answer.status == 401));
    assert_eq!(app.post_form_with("made+0:wr+ng", "/oauth/token", grant).await.status, 429);
}
