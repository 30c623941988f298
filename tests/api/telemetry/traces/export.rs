//! Sending spans to a collector: with its token, without one, at a collector that is dead, and when the program stops.

use std::fs;

use futures_util::future::join_all;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::{TRACE, of_kind, traced, traceparent};
use crate::app::TestApp;
use crate::app::configurations::sandbox_configuration;
use crate::app::program::{Running, stdout_of};
use crate::app::requests::FLOW;
use crate::app::reserved_port::ReservedPort;
use crate::app::sandbox_gateway::SandboxGateway;
use crate::peers::collector::Collector;
use crate::peers::independent_gateway::{app_before, gateway};

#[actix_web::test]
async fn without_a_collector_nothing_is_handed_on() {
    let gateway = gateway();
    let app = app_before(&gateway, |_| {});
    assert_eq!(app.get_with(FLOW, &[("traceparent", &traceparent("01"))]).await.status, 200);
    assert!(!gateway.only().headers.contains_key("traceparent"));
}

#[actix_web::test]
async fn a_collector_that_wants_a_token_gets_it_and_the_gateway_does_not() {
    let (collector, gateway) = (Collector::that_wants("authorization: Bearer planted-for-traces"), gateway());
    let with = |token: &'static str| {
        app_before(&gateway, |setup| {
            traced(&collector)(setup);
            setup.set("TELEMETRY__TRACES_HEADERS__AUTHORIZATION", token);
        })
    };
    let app = with("Bearer another");
    assert_eq!(app.get(FLOW).await.status, 200);
    drop(app);
    assert!(collector.spans().is_empty(), "it does not take them");
    let app = with("Bearer planted-for-traces");
    assert_eq!(app.get("/stores/S_8/flow").await.status, 200);
    drop(app);
    assert_eq!(collector.spans().len(), 2);
    for received in gateway.received() {
        assert!(!format!("{:?}", received.headers).contains("planted"), "{:?}", received.headers);
    }
}

#[actix_web::test]
async fn a_collector_that_is_down_or_hangs_disturbs_no_request_and_lost_spans_are_counted() {
    let dead_port = ReservedPort::new();
    let dead = dead_port.address();
    let hanging = Collector::hanging();
    for url in [format!("http://{dead}"), hanging.url()] {
        let app = TestApp::with(|setup| setup.set("TELEMETRY__TRACES", &url));
        let token = app.token("dashboard");
        // With the one that hangs, more than can wait.
        for _ in 0..if url == hanging.url() { 600 } else { 20 } {
            let answers = join_all((0..10).map(|_| app.get_with_token(&token, FLOW))).await;
            assert!(answers.iter().all(|answer| answer.status == 200), "{url}");
        }
        let metrics = app.get("/metrics").await.text();
        if url == hanging.url() {
            // On a busy machine the export times out before the queue is full.
            let is_counted =
                |outcome| metrics.contains(&format!("storegate_trace_spans_total{{outcome=\"{outcome}\"}}"));
            assert!(is_counted("dropped") || is_counted("failed"), "{metrics}");
        }
        // And it can be stopped.
        drop(app);
    }
}

#[actix_web::test]
async fn the_program_names_the_trace_in_its_log_and_sends_the_last_spans_when_it_stops() {
    let (collector, gateway) = (Collector::start(), SandboxGateway::live());
    let (path, secrets) = sandbox_configuration("traced", &gateway);
    let text = fs::read_to_string(&path).unwrap();
    let telemetry = format!("[telemetry]\ntraces = \"{}\"", collector.url());
    fs::write(&path, text.replace("[telemetry]", &telemetry)).unwrap();
    let config = path.to_str().unwrap();
    let server = Running::serve(&path);
    let token = stdout_of(&["token", "--config", config, "--client", "dashboard"], &[], "");
    for _ in 0..3 {
        let request = awc::Client::default().get(server.url(FLOW)).bearer_auth(&token);
        let answer = request.insert_header(("traceparent", traceparent("01"))).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0));
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("answered") && line.contains(FLOW)).collect();
    assert!(lines.len() == 3 && lines.iter().all(|line| line.contains(TRACE)), "{lines:#?}");
    assert_eq!(of_kind(&collector.spans(), SpanKind::Server).len(), 3);
    for secret in secrets.iter().chain([&token]) {
        assert!(!log.contains(secret) && !collector.has_seen(secret));
    }
}
