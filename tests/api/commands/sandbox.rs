//! Rehearsing an outage as an operator does: by the command line, and by the endpoints of a running sandbox.

use awc::Client;
use insta::assert_json_snapshot;
use jiff::tz;
use serde_json::{Value, json};
use storegate::clock::Clock;

use crate::app::program::{Running, directory, run, stdout_of};
use crate::app::requests::FLOW;

async fn control(gateway: &str, method: &str, endpoint: &str, body: &str) -> (u16, String) {
    let request = Client::default().request(method.parse().unwrap(), format!("{gateway}/_sandbox/{endpoint}"));
    let mut answer = request.send_body(body.to_owned()).await.unwrap();
    let body = answer.body().await.unwrap();
    (answer.status().as_u16(), String::from_utf8(body.to_vec()).unwrap())
}

async fn shown(gateway: &str, endpoint: &str) -> Value {
    serde_json::from_str(&control(gateway, "GET", endpoint, "").await.1).unwrap()
}

/// A demo, and the address of its sandbox.
fn demo(name: &str, flags: &[&str]) -> (Running, String) {
    let arguments = [&["demo", "--listen", "127.0.0.1:0"], flags].concat();
    let demo = Running::start(&arguments, &directory(name).join("ready.json"));
    let gateway = demo.ready["sandbox_url"].as_str().unwrap().to_owned();
    (demo, gateway)
}

async fn read(demo: &Running, path: &str) -> u16 {
    let token = demo.ready["token"].as_str().unwrap();
    Client::default().get(demo.url(path)).bearer_auth(token).send().await.unwrap().status().as_u16()
}

#[actix_web::test]
async fn every_flag_reaches_the_sandbox() {
    let flags = [
        "sandbox",
        "--listen=127.0.0.1:0",
        "--latency=20ms",
        "--clock-skew",
        "-2h",
        "--replay-window=0s",
        "--timestamp-window=5m",
        "--oms=documented",
        "--require-login",
        "--login-lifetime=10m",
        r#"--fault={"fault":"code","code":-500,"gateway":"opretail"}"#,
        r#"--fault={"fault":"mixed","percent":30}"#,
    ];
    let sandbox = Running::start(&flags, &directory("flags").join("ready.json"));
    let gateway = sandbox.url("");
    let behaviour = shown(&gateway, "behaviour").await;
    assert_json_snapshot!("behaviour_by_flags", behaviour);
    assert_json_snapshot!("faults_by_flags", shown(&gateway, "faults").await);
    assert_eq!(control(&gateway, "PATCH", "behaviour", r#"{"latency":"0s"}"#).await.0, 204);
    assert_eq!(control(&gateway, "DELETE", "behaviour", "").await.0, 204);
    assert_eq!(shown(&gateway, "behaviour").await, behaviour, "the flags are the start");
    assert_eq!(sandbox.terminate().0, Some(0));
}

#[actix_web::test]
async fn without_flags_nothing_is_out_of_the_ordinary() {
    let arguments = ["sandbox", "--listen", "127.0.0.1:0"];
    let sandbox = Running::start(&arguments, &directory("no-flags").join("ready.json"));
    assert_json_snapshot!("behaviour_without_flags", shown(&sandbox.url(""), "behaviour").await);
    assert_eq!(shown(&sandbox.url(""), "faults").await, json!([]));
}

#[actix_web::test]
async fn a_sandbox_with_an_application_prints_the_credential_that_its_cloud_api_takes() {
    let arguments = ["sandbox", "--listen=127.0.0.1:0", "--application-credential"];
    let sandbox = Running::start(&arguments, &directory("application").join("ready.json"));
    let (cloud_api, m_api) = (sandbox.url("/cloud.api"), sandbox.url("/m.api"));
    let developer = ("S107", "S107-00000001", "sandbox-secret");
    let application = ("DC-000001", "sandbox-application", "sandbox-application-secret");
    let method = "open.gateway.authentication";
    // Signed by this function, sent in the query as some clients do.
    let code = async |url: &str, (system, key, secret): (&str, &str, &str)| {
        let timestamp = tz::offset(8).to_datetime(Clock::system().now()).strftime("%Y%m%d%H%M%S").to_string();
        let signed = format!(
            "{secret}_aid{system}_akey{key}_mt{method}_requestModeget_smmd5_timestamp{timestamp}_versionv2orgid2{secret}"
        );
        let query = format!(
            "orgid=2&_aid={system}&_akey={key}&_mt={method}&_requestMode=get&_sm=md5\
             &_timestamp={timestamp}&_version=v2&_sig={:X}",
            independent_md5::compute(signed)
        );
        let mut answer = Client::default().get(format!("{url}?{query}")).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["stat"]["code"].clone()
    };
    assert_eq!((code(&cloud_api, application).await, code(&m_api, developer).await), (json!("0"), json!(0)));
    assert_eq!((code(&cloud_api, developer).await, code(&m_api, application).await), (json!("2"), json!(2)));
    let told = sandbox.told.clone();
    let printed = told + &sandbox.terminate().1;
    let section = "[tenants.demo.opretail.cloud]\nsystem = \"DC-000001\"\nkey = \"sandbox-application\"\n";
    for line in [section, "secret = \"sandbox-application-secret\"\n"] {
        assert!(printed.contains(line), "{line} in {printed}");
    }
}

#[test]
fn a_wrong_flag_is_refused_with_what_to_write() {
    let wrong = [
        (["--latency", "200"], "write a number and a unit: ms, s, m, h or d, such as 30s"),
        (["--clock-skew", "later"], "or -30s for a clock that is behind"),
        (["--replay-window", "1 week"], "write a number and a unit"),
        (["--latency", "11m"], "an answer can be late by 10m at most"),
        (["--timestamp-window", "0s"], "a window of 0s refuses nearly every timestamp"),
        (["--fault", "hang"], r#"an order is a JSON object such as {"fault":"hang"}"#),
        (["--fault", r#"{"fault":"code","code":0}"#], "a `code` of 0 is success"),
        (["--fault", r#"{"fault":"cut"}"#], "`bytes` is missing; write one such as 17"),
    ];
    for command in ["sandbox", "demo"] {
        for (flag, sentence) in wrong {
            let refused = run(&[&[command], flag.as_slice()].concat(), &[], "");
            let message = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(2), "{flag:?}");
            assert!(message.contains(sentence), "{message}");
        }
    }
}

#[test]
fn the_help_names_the_endpoints_and_the_flags() {
    for command in ["sandbox", "demo"] {
        let help = stdout_of(&[command, "--help"], &[], "");
        for endpoint in ["POST   /_sandbox/faults", "PATCH  /_sandbox/behaviour", "DELETE /_sandbox/logins"] {
            assert!(help.contains(endpoint), "{endpoint} in {help}");
        }
        for flag in ["--latency", "--clock-skew", "--replay-window", "--login-lifetime", "--fault <JSON>"] {
            assert!(help.contains(flag), "{flag} in {help}");
        }
    }
}

#[actix_web::test]
async fn a_demo_lives_through_an_outage_that_is_ordered_and_ended_while_it_runs() {
    let (demo, gateway) = demo("outage", &[]);
    assert_eq!(read(&demo, FLOW).await, 200);
    let order = r#"{"fault":"code","code":"-500","gateway":"opretail","percent":100}"#;
    assert_eq!(control(&gateway, "POST", "faults", order).await, (204, String::new()));
    assert_eq!(read(&demo, FLOW).await, 200, "what is kept is served");
    assert_eq!(read(&demo, "/stores/S_100001/flow").await, 502);
    assert_eq!(read(&demo, "/stores/SHOP001").await, 200, "the other gateway is well");
    assert_eq!(control(&gateway, "DELETE", "faults", "").await.0, 204);
    assert_eq!(read(&demo, "/stores/S_100002/flow").await, 200);
}

#[actix_web::test]
async fn a_demo_follows_a_gateway_whose_clock_is_moved() {
    let (demo, gateway) = demo("clock", &["--clock-skew=2h"]);
    let offset = async || {
        let mut ready = Client::default().get(demo.url("/readyz")).send().await.unwrap();
        ready.json::<Value>().await.unwrap()["gateways"][0]["clock_offset_seconds"].as_f64().unwrap()
    };
    assert_eq!(read(&demo, FLOW).await, 200);
    // A slow machine adds to the two hours what passes between the gateway's reading of the clock and ours.
    assert!((7_100.0..=7_200.5).contains(&offset().await));
    assert_eq!(control(&gateway, "PATCH", "behaviour", r#"{"clock_skew":"-2h"}"#).await.0, 204);
    assert_eq!(read(&demo, "/stores/S_100001/flow").await, 200);
    assert!((-7_300.0..=-7_199.5).contains(&offset().await));
}

#[actix_web::test]
async fn a_demo_logs_in_again_when_its_login_is_lost() {
    let (demo, gateway) = demo("login", &["--require-login"]);
    let logins = async || shown(&gateway, "calls").await["methods"]["open.shopweb.security.ssoLogin"].clone();
    assert_eq!(read(&demo, FLOW).await, 200);
    assert_eq!(read(&demo, "/stores/S_100001/flow").await, 200);
    assert_eq!(logins().await, 1);
    assert_eq!(control(&gateway, "DELETE", "logins", "").await.0, 204);
    assert_eq!(read(&demo, "/stores/S_100002/flow").await, 200);
    assert_eq!(logins().await, 2);
}

#[actix_web::test]
async fn an_outage_is_seen_in_metrics_and_in_the_log() {
    let (demo, gateway) = demo("seen", &["--clock-skew=2h"]);
    assert_eq!(read(&demo, FLOW).await, 200);
    control(&gateway, "POST", "faults", r#"{"fault":"code","code":"-500","gateway":"opretail","percent":100}"#).await;
    for store in 200_001..200_012 {
        assert_ne!(read(&demo, &format!("/stores/S_{store}/flow")).await, 200);
    }
    let token = demo.ready["token"].as_str().unwrap();
    let older = Client::default().get(demo.url(FLOW)).bearer_auth(token).insert_header(("cache-control", "no-cache"));
    assert_eq!(older.send().await.unwrap().status(), 200);
    let mut metrics = Client::default().get(demo.url("/metrics")).send().await.unwrap();
    let metrics = String::from_utf8(metrics.body().await.unwrap().to_vec()).unwrap();
    let value = |name: &str| -> f64 {
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in {metrics}"));
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    let flow = r#"gateway="opretail",method="open.shopweb.passengerFlow.getTotalData""#;
    assert!((7_100.0..=7_200.5).contains(&value(r#"storegate_gateway_clock_offset_seconds{gateway="opretail"}"#)));
    assert_eq!(value(&format!(r#"storegate_gateway_attempts_total{{{flow},outcome="success"}}"#)), 1.0);
    // The login went first, and found out about the clock.
    let login = r#"gateway="opretail",method="open.shopweb.security.ssoLogin""#;
    assert_eq!(value(&format!(r#"storegate_gateway_attempts_total{{{login},outcome="timestamp_refused"}}"#)), 1.0);
    assert_eq!(value(&format!(r#"storegate_gateway_attempts_total{{{login},outcome="success"}}"#)), 1.0);
    let failed = value(&format!(r#"storegate_gateway_attempts_total{{{flow},outcome="gateway_failed"}}"#));
    assert_eq!(failed, 9.0, "nine of the last ten of this method, one of which was answered");
    assert_eq!(value(&format!(r#"storegate_gateway_calls_total{{{flow},outcome="success"}}"#)), 1.0);
    assert!(value(&format!(r#"storegate_gateway_calls_total{{{flow},outcome="breaker_open"}}"#)) > 0.0);
    assert!(value(r#"storegate_gateway_retries_total{gateway="opretail",cause="gateway_failed"}"#) > 0.0);
    assert_eq!(value(r#"storegate_gateway_breakers{gateway="opretail",state="open"}"#), 1.0);
    assert_eq!(value(r#"storegate_gateway_breakers{gateway="oms",state="closed"}"#), 1.0);
    assert_eq!(value(r#"storegate_gateway_breaker_opened_total{gateway="opretail"}"#), 1.0);
    assert_eq!(value(r#"storegate_gateway_calls_in_flight{gateway="opretail"}"#), 0.0);
    assert_eq!(value(r#"storegate_gateway_calls_waiting{gateway="opretail"}"#), 0.0);
    assert_eq!(value(r#"storegate_gateway_logins_total{gateway="opretail",outcome="success"}"#), 1.0);
    assert_eq!(value(r#"storegate_cache_reads_total{resource="flow",outcome="stale_if_error"}"#), 1.0);
    let (code, log) = demo.terminate();
    assert_eq!(code, Some(0));
    assert!(log.lines().any(|line| line.contains("stale_if_error") && line.contains("/stores/S_123456/flow")), "{log}");
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains("circuit breaker opened")), "{log}");
}

#[actix_web::test]
async fn an_invalid_fault_is_explained_to_its_sender() {
    let (_demo, gateway) = demo("wrong-order", &[]);
    let (status, message) = control(&gateway, "POST", "faults", r#"{"fault":"delay","delay":"soon"}"#).await;
    assert_eq!(status, 400);
    assert!(message.contains("write a number and a unit"), "{message}");
    assert_eq!(message.lines().count(), 1, "a sentence: {message}");
    let (status, message) = control(&gateway, "PATCH", "behaviour", r#"{"lateness":"1s"}"#).await;
    assert_eq!(status, 400);
    assert!(
        message.contains("there is no behaviour `lateness`; there are") && message.contains("latency"),
        "{message}"
    );
}
