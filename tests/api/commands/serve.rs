//! `storegate demo`, `serve` and `token`: what they serve, what they print, and what they refuse.

use std::fs;
use std::path::Path;

use awc::Client;
use serde_json::Value;
use storegate::sandbox::{OmsServer, SandboxSettings};

use crate::app::configurations::sandbox_configuration;
use crate::app::program::{Running, directory, run, stdout_of};
use crate::app::sandbox_gateway::SandboxGateway;

async fn get(url: &str, token: &str) -> (u16, Value) {
    let mut answer = Client::default().get(url).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[actix_web::test]
async fn the_demo_comes_up_answers_and_stops_on_sigterm() {
    let ready_file = directory("demo").join("ready.json");
    let demo = Running::start(&["demo", "--listen", "127.0.0.1:0"], &ready_file);
    let ready = demo.ready.clone();
    let (status, flow) = get(&demo.url("/stores/S_123456/flow"), ready["token"].as_str().unwrap()).await;
    assert_eq!((status, flow["store_id"].as_str()), (200, Some("S_123456")));
    let [id, secret] = ["client_id", "client_secret"].map(|name| ready[name].as_str().unwrap().to_owned());
    let request = Client::default().post(demo.url("/oauth/token")).basic_auth(id, secret);
    let mut answer = request.send_form(&[("grant_type", "client_credentials")]).await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(get(&demo.url("/organizations/2/developer-account"), token).await.0, 200);
    let calls = format!("{}/_sandbox/calls", ready["sandbox_url"].as_str().unwrap());
    // A login may have come before them.
    let counts = get(&calls, "").await.1["methods"].clone();
    for method in ["open.shopweb.passengerFlow.getTotalData", "open.gateway.authentication"] {
        assert_eq!(counts[method], 1, "{method}");
    }
    let mut metrics = Client::default().get(demo.url("/metrics")).send().await.unwrap();
    let metrics = String::from_utf8(metrics.body().await.unwrap().to_vec()).unwrap();
    assert!(metrics.contains("storegate_http_requests_total{"), "it counts as serve does: {metrics:?}");
    assert!(metrics.contains(&format!("storegate_build_info{{version=\"{}\"", env!("CARGO_PKG_VERSION"))), "{metrics}");
    // What is known everywhere; a system may know more.
    for name in ["cpu_seconds_total", "resident_memory_bytes", "virtual_memory_bytes", "open_fds", "max_fds", "threads"]
    {
        let value = metrics.lines().find_map(|line| line.strip_prefix(&format!("process_{name} "))).unwrap_or("none");
        assert!(value.parse::<f64>().is_ok_and(|value| value > 0.0 || name == "cpu_seconds_total"), "{name} {value}");
    }
    assert_is_private(&ready_file);
    assert_eq!(demo.terminate().0, Some(0));
}

/// The ready file holds a token and a secret.
#[cfg(unix)]
fn assert_is_private(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(not(unix))]
fn assert_is_private(_: &Path) {}

#[actix_web::test]
async fn a_minted_token_reads_from_a_server_of_the_same_configuration() {
    let gateway = SandboxGateway::live();
    let (path, secrets) = sandbox_configuration("serve", &gateway);
    let config = path.to_str().unwrap();
    let server = Running::serve(&path);
    let mint = ["token", "--config", config, "--client", "dashboard"];
    let all = stdout_of(&mint, &[], "");
    let narrow = stdout_of(&[&mint[..], &["--scope", "flow:read", "--lifetime", "1h"]].concat(), &[], "");
    assert_eq!(get(&server.url("/stores/SHOP001"), &all).await.0, 200);
    assert_eq!(get(&server.url("/stores/SHOP002"), &all).await.0, 403, "the client's stores are in its token");
    assert_eq!(get(&server.url("/stores/S_123456/flow"), &narrow).await.0, 200);
    assert_eq!(get(&server.url("/stores/SHOP001"), &narrow).await.0, 403);
    assert_eq!(stdout_of(&["health", &server.url("/healthz")], &[], ""), "healthy");
    gateway.sandbox.fail_next(storegate::sandbox::Fault::code("e000002"), 1);
    assert_eq!(get(&server.url("/stores?page_size=1"), &all).await.0, 502);
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0));
    assert!(log.contains("an operator must act") && log.contains("stopped"), "{log}");
    for secret in secrets.iter().chain([&all, &narrow]) {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[actix_web::test]
async fn a_refused_key_is_an_alarm_in_the_log_even_when_an_older_answer_hides_it_from_callers() {
    let oms_server = OmsServer::Documented;
    let gateway = SandboxGateway::live_with(SandboxSettings { oms_server, ..SandboxSettings::default() });
    let (path, _) = sandbox_configuration("hidden", &gateway);
    let old = "\n[cache.store]\nfresh = \"0s\"\nstale = \"0s\"\non_error = \"1h\"\n";
    fs::write(&path, fs::read_to_string(&path).unwrap() + old).unwrap();
    let config = path.to_str().unwrap();
    let server = Running::serve(&path);
    let token = stdout_of(&["token", "--config", config, "--client", "dashboard"], &[], "");
    assert_eq!(get(&server.url("/stores/SHOP001"), &token).await.0, 200);
    gateway.sandbox.fail_next(storegate::sandbox::Fault::code("e000002"), 1);
    assert_eq!(get(&server.url("/stores/SHOP001"), &token).await.0, 200);
    assert_eq!(gateway.sandbox.calls(), 2);
    let (_, log) = server.terminate();
    assert_eq!(log.matches("an operator must act").count(), 1, "{log}");
}

#[test]
fn no_token_is_minted_for_an_unknown_client_or_a_scope_that_it_does_not_have() {
    let (path, _) = sandbox_configuration("token", &SandboxGateway::live());
    let config = path.to_str().unwrap();
    let unknown = run(&["token", "--config", config, "--client", "nobody"], &[], "");
    assert_eq!((unknown.status.code(), unknown.stdout.len()), (Some(1), 0));
    let wider = run(&["token", "--config", config, "--client", "dashboard", "--scope", "cache:purge"], &[], "");
    assert_eq!((wider.status.code(), wider.stdout.len()), (Some(1), 0));
    assert!(String::from_utf8(wider.stderr).unwrap().contains("it has stores:read, flow:read"));
}

#[test]
fn a_hash_is_not_overwritten_and_a_lifetime_is_checked() {
    let hash = directory("hash").join("dashboard.sha256");
    let arguments = ["secret", "new", "--hash-file", hash.to_str().unwrap()];
    stdout_of(&arguments, &[], "");
    let before = fs::read_to_string(&hash).unwrap();
    let again = run(&arguments, &[], "");
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("remove it first"));
    assert_eq!(fs::read_to_string(&hash).unwrap(), before);
    let (path, _) = sandbox_configuration("lifetime", &SandboxGateway::live());
    for lifetime in ["0s", "25h"] {
        let token = ["token", "--config", path.to_str().unwrap(), "--client", "dashboard", "--lifetime", lifetime];
        assert!(!run(&token, &[], "").status.success(), "{lifetime}");
    }
}
