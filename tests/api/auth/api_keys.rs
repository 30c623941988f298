//! API keys: callers that send the same key with every request and need no token.

use std::fs;

use futures_util::future::join_all;
use secrecy::SecretString;
use storegate::auth::secrets::sha256_hex;
use storegate::config::Settings;

use crate::app::TestApp;
use crate::app::answer::Answer;
use crate::app::program::{directory, run, stdout_of};
use crate::app::requests::{FLOW, GRANT};
use crate::app::tenants::CLIENT_SECRET;

const KEY: &str = "sgk_an-api-key-that-only-tests-know-000000000000000";
const OTHER_KEY: &str = "sgk_another-api-key-that-only-tests-know-0000000000";
const UNKNOWN_KEY: &str = "sgk_an-api-key-that-nobody-has-configured-000000000";

fn section(name: &str, key: &str, more: &str) -> String {
    let hash = sha256_hex(&SecretString::from(key));
    format!("\n[auth.api_keys.{name}]\ntenant = \"acme\"\nkey_sha256 = \"{hash}\"\n{more}\n")
}

fn app_with(more: &str) -> TestApp {
    TestApp::with(|setup| setup.more = section("excel", KEY, more))
}

fn app() -> TestApp {
    app_with("scopes = [\"stores:read\", \"flow:read\"]")
}

async fn get(app: &TestApp, key: &str, path: &str) -> Answer {
    app.send("GET", path, &[("x-api-key", key)], "").await
}

async fn get_as_bearer(app: &TestApp, key: &str, path: &str) -> Answer {
    app.get_with_token(key, path).await
}

#[actix_web::test]
async fn a_key_is_sent_in_either_header_and_shares_the_cache_with_tokens() {
    let app = app();
    assert_eq!(get(&app, KEY, FLOW).await.status, 200);
    let calls = app.sandbox().calls();
    for _ in 0..3 {
        for answer in [get(&app, KEY, FLOW).await, get_as_bearer(&app, KEY, FLOW).await, app.get(FLOW).await] {
            assert_eq!(answer.status, 200);
            assert!(answer.header("cache-status").unwrap().contains("hit"));
            assert_eq!(answer.header("vary"), Some("Authorization, X-API-Key, Accept-Encoding"));
        }
    }
    assert_eq!(app.sandbox().calls(), calls);
}

#[actix_web::test]
async fn a_key_may_do_what_its_section_says_and_no_more() {
    let app = app_with("scopes = [\"flow:read\"]\nstores = [\"S_123456\"]\nquota = \"4/1m\"");
    assert_eq!(get(&app, KEY, FLOW).await.status, 200);
    let other = get(&app, KEY, "/stores/S_123457/flow").await;
    assert_eq!((other.status, other.problem().as_str()), (403, "store-not-granted"));
    let unscoped = get(&app, KEY, "/stores").await;
    assert_eq!((unscoped.status, unscoped.problem().as_str()), (403, "insufficient-scope"));
    assert_eq!(get(&app, KEY, FLOW).await.header("ratelimit-policy"), Some("\"default\";q=4;w=60"));
    let exhausted = get(&app, KEY, FLOW).await;
    assert_eq!((exhausted.status, exhausted.problem().as_str()), (429, "quota-exceeded"));
}

#[actix_web::test]
async fn two_credentials_or_a_malformed_key_are_refused_whoever_was_known_before() {
    let app = app();
    let (bearer, key_as_bearer) = (format!("Bearer {}", app.token("dashboard")), format!("Bearer {KEY}"));
    for _ in 0..2 {
        assert_eq!(get(&app, KEY, FLOW).await.status, 200);
        assert_eq!(get_as_bearer(&app, KEY, FLOW).await.status, 200);
    }
    for headers in [
        &[("x-api-key", KEY), ("authorization", &*bearer)][..],
        &[("x-api-key", KEY), ("authorization", &*key_as_bearer)],
        &[("x-api-key", KEY), ("x-api-key", KEY)],
        &[("x-api-key", KEY), ("x-api-key", OTHER_KEY)],
        &[("authorization", KEY)],
        &[("x-api-key", &*key_as_bearer)],
        &[("x-api-key", "")],
        &[("x-api-key", &*app.token("dashboard"))],
        &[("x-api-key", CLIENT_SECRET)],
        &[("authorization", &*format!("Basic {KEY}"))],
        &[("authorization", &*format!("Bearer {}", &KEY[..KEY.len() - 1]))],
        &[("x-api-key", &*format!("{KEY}x"))],
    ] {
        let answer = app.send("GET", FLOW, headers, "").await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "invalid-token"), "{headers:?}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer realm=\"storegate\""));
        assert!(!String::from_utf8_lossy(&answer.body).contains("sgk_"), "{headers:?}");
    }
}

#[actix_web::test]
async fn a_key_in_a_url_is_no_credential_and_is_not_repeated() {
    let app = app();
    for path in [format!("{FLOW}?api_key={KEY}"), format!("/stores/{KEY}/flow"), format!("/{KEY}")] {
        let unauthenticated = app.send("GET", &path, &[], "").await;
        assert!([401, 404].contains(&unauthenticated.status), "{path}");
        let refused = app.get(&path).await;
        assert!([400, 404].contains(&refused.status), "{path}");
        for answer in [unauthenticated, refused] {
            assert!(!String::from_utf8_lossy(&answer.body).contains("an-api-key"), "{path}: {:?}", answer.body);
        }
    }
}

#[actix_web::test]
async fn a_key_ends_at_its_time_to_the_second() {
    let app = app_with("scopes = [\"flow:read\"]\nexpires = 2026-11-22T10:01:00+08:00");
    assert_eq!(get(&app, KEY, FLOW).await.status, 200);
    app.pass(59);
    assert_eq!(get(&app, KEY, FLOW).await.status, 200);
    app.pass(1);
    let ended = get(&app, KEY, FLOW).await;
    assert_eq!((ended.status, ended.problem().as_str()), (401, "token-expired"));
    assert!(ended.json()["detail"].as_str().unwrap().starts_with("The API key has expired."));
}

#[actix_web::test]
async fn a_reload_adds_changes_and_takes_out_keys() {
    let app = TestApp::spawn();
    let reload = |more: &str| {
        let settings = Settings::parse(&format!("{}{more}", app.configuration), std::iter::empty()).unwrap();
        app.auth.renew(settings.auth).unwrap();
    };
    assert_eq!(get(&app, KEY, FLOW).await.status, 401);
    reload(&section("excel", KEY, "scopes = [\"flow:read\"]"));
    assert_eq!(get(&app, KEY, FLOW).await.status, 200);
    reload(&section("excel", KEY, "scopes = [\"stores:read\"]"));
    assert_eq!(get(&app, KEY, FLOW).await.status, 403);
    reload(&section("excel", OTHER_KEY, "scopes = [\"flow:read\"]"));
    assert_eq!((get(&app, KEY, FLOW).await.status, get(&app, OTHER_KEY, FLOW).await.status), (401, 200));
    reload("");
    assert_eq!(get(&app, OTHER_KEY, FLOW).await.status, 401);
}

#[actix_web::test]
async fn unknown_keys_are_failed_logins_of_their_address_and_a_right_key_still_passes() {
    let app = app();
    let wrong = join_all((0..10).map(|_| get(&app, UNKNOWN_KEY, FLOW))).await;
    assert!(wrong.iter().all(|answer| answer.status == 401));
    for answer in [get(&app, UNKNOWN_KEY, FLOW).await, get_as_bearer(&app, UNKNOWN_KEY, FLOW).await] {
        assert_eq!((answer.status, answer.problem().as_str()), (429, "too-many-wrong-keys"));
        assert_eq!(answer.header("retry-after"), Some("6"));
    }
    let login = app.post_form("dashboard", "/oauth/token", GRANT).await;
    assert_eq!(login.status, 429, "client secrets are counted with them");
    assert_eq!(get(&app, KEY, FLOW).await.status, 200);
    assert_eq!(app.get(FLOW).await.status, 200, "tokens are not affected");
    app.pass(6);
    assert_eq!(get(&app, UNKNOWN_KEY, FLOW).await.status, 401);
}

#[actix_web::test]
async fn a_service_may_have_api_keys_alone() {
    let hash = sha256_hex(&SecretString::from(KEY));
    let app = TestApp::with(|setup| {
        setup.issues_tokens = false;
        setup.more =
            format!("\n[auth.api_keys.excel]\ntenant = \"acme\"\nscopes = [\"flow:read\"]\nkey_sha256 = \"{hash}\"\n");
    });
    assert_eq!(get(&app, KEY, FLOW).await.status, 200);
    assert_eq!(get_as_bearer(&app, "eyJh.eyJi.c", FLOW).await.status, 401);
    let document = app.send("GET", "/openapi.json", &[], "").await.json();
    assert!(document["components"]["securitySchemes"]["api_key"]["name"] == "X-API-Key");
}

#[actix_web::test]
async fn a_mistake_in_a_section_is_reported_with_its_place() {
    let configuration = TestApp::spawn().configuration;
    let problems =
        |more: &str| Settings::parse(&format!("{configuration}{more}"), std::iter::empty()).unwrap_err().to_string();
    let twice =
        section("excel", KEY, "scopes = [\"flow:read\"]") + &section("grafana", KEY, "scopes = [\"flow:read\"]");
    assert!(problems(&twice).contains("auth.api_keys.grafana.key_sha256: this is the hash of excel, too"));
    for (more, expected) in [
        ("scopes = [\"flow:read\"]\nexpires = \"2027-01-01\"", "auth.api_keys.excel.expires: write an instant"),
        ("scopes = [\"flow:read\"]\nexpires = 2027-01-01", "auth.api_keys.excel.expires: write an instant"),
        ("scopes = [\"flow:write\"]", "auth.api_keys.excel.scopes: there is no scope flow:write"),
        ("", "auth.api_keys.excel.scopes: list what this client may do"),
        ("scopes = [\"flow:read\"]\nstores = []", "auth.api_keys.excel.stores: list the ids"),
        ("scopes = [\"flow:read\"]\nsecret_sha256 = \"x\"", "auth.api_keys.excel.secret_sha256: "),
    ] {
        let problems = problems(&section("excel", KEY, more));
        assert!(problems.contains(expected), "{problems}");
    }
    let same = problems(&section("dashboard", KEY, "scopes = [\"flow:read\"]"));
    assert!(same.contains("auth.api_keys.dashboard.tenant: there is a client dashboard, too"), "{same}");
    let plain =
        section("excel", KEY, "scopes = [\"flow:read\"]").replace("key_sha256 = \"", &format!("key_sha256 = \"{KEY}"));
    let problems = problems(&plain);
    assert!(problems.contains("64 hexadecimal digits") && !problems.contains("sgk_an-api"), "{problems}");
}

#[test]
fn the_command_makes_a_key_and_its_hash() {
    let file = directory("secret-api-key").join("excel.sha256");
    let key = stdout_of(&["secret", "api-key", "--hash-file", file.to_str().unwrap()], &[], "");
    assert!(key.starts_with("sgk_") && key.len() == 47, "{key}");
    assert_eq!(fs::read_to_string(&file).unwrap().trim(), sha256_hex(&SecretString::from(key)));
    let shown = stdout_of(&["secret", "api-key"], &[], "");
    assert!(shown.contains("[auth.api_keys.<name>]:\nkey_sha256 = \""), "{shown}");
    let taken = run(&["secret", "api-key", "--hash-file", file.to_str().unwrap()], &[], "");
    assert!(!taken.status.success() && taken.stdout.is_empty(), "an existing file is kept");
}
