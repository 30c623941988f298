//! Traces as a collector gets them: whose they are, what stands in them and what does not, and collectors that are no help.

use std::fs;

use futures_util::future::join_all;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use storegate::sandbox::{Fault, OpRetailUser};

use crate::app::configurations::sandbox_configuration;
use crate::app::program::{Running, stdout_of};
use crate::app::requests::{FLOW, TOTAL_DATA};
use crate::app::reserved_port::ReservedPort;
use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::tenants::{CLIENT_SECRET, SECRETS};
use crate::app::{Setup, TestApp};
use crate::peers::collector::{Collector, Exported};
use crate::peers::independent_gateway::{app_before, gateway};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

fn traced(collector: &Collector) -> impl FnOnce(&mut Setup) {
    let url = collector.url();
    |setup| setup.set("TELEMETRY__TRACES", url)
}

/// Stops the service, with which the last spans leave it.
fn spans_of(app: TestApp, collector: &Collector) -> Vec<Exported> {
    drop(app);
    collector.spans()
}

fn of_kind(spans: &[Exported], kind: SpanKind) -> Vec<&Exported> {
    spans.iter().filter(|span| span.kind == kind).collect()
}

#[actix_web::test]
async fn the_callers_trace_goes_through_to_the_gateway_and_both_spans_are_in_it() {
    let (collector, gateway) = (Collector::start(), gateway());
    let app = app_before(&gateway, traced(&collector));
    let headers = [("traceparent", &*traceparent("01")), ("tracestate", "a=1,b=2"), ("x-request-id", "r-1")];
    assert_eq!(app.get_with(FLOW, &headers).await.status, 200);
    let sent = gateway.only();
    let spans = spans_of(app, &collector);
    let [request, call] = [SpanKind::Server, SpanKind::Client].map(|kind| of_kind(&spans, kind)[0].clone());
    assert_eq!(spans.len(), 2, "{spans:#?}");

    assert_eq!(
        (request.trace_id.as_str(), request.parent.as_str(), request.state.as_str()),
        (TRACE, PARENT, "a=1,b=2")
    );
    assert_eq!(request.name, "GET /stores/{store_id}/flow");
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/stores/{store_id}/flow"),
        ("http.response.status_code", "200"),
        ("url.path", FLOW),
        ("storegate.cache", "miss"),
        ("storegate.request_id", "r-1"),
        ("storegate.client_id", "dashboard"),
        ("storegate.tenant", "acme"),
    ] {
        assert_eq!(request.says(name), value, "{name}");
    }

    assert_eq!((call.trace_id.as_str(), &call.parent), (TRACE, &request.span_id));
    assert_eq!(call.name, format!("opretail {TOTAL_DATA}"));
    for (name, value) in [
        ("storegate.gateway", "opretail"),
        ("storegate.gateway.method", TOTAL_DATA),
        ("storegate.gateway.outcome", "success"),
        ("storegate.gateway.attempt", "1"),
        ("storegate.gateway.call_id", "c1"),
        ("server.address", "127.0.0.1"),
    ] {
        assert_eq!(call.says(name), value, "{name}");
    }
    assert_eq!(
        sent.headers["traceparent"],
        format!("00-{TRACE}-{}-01", call.span_id),
        "the gateway is behind the call"
    );
    assert_eq!(sent.headers["tracestate"], "a=1,b=2");
    assert_eq!(collector.resource()["service.name"], "storegate");
    let heads = collector.heads();
    assert!(
        heads[0].starts_with("POST /v1/traces HTTP/1.1") && heads[0].contains("application/x-protobuf"),
        "{heads:?}"
    );
}

#[actix_web::test]
async fn a_hit_has_its_span_on_the_fast_path_too() {
    let collector = Collector::start();
    let app = TestApp::with(traced(&collector));
    let token = app.token("dashboard");
    for _ in 0..4 {
        assert_eq!(app.get_with_token(&token, FLOW).await.status, 200);
    }
    let parent = traceparent("01");
    let bearer = format!("Bearer {token}");
    app.send("GET", FLOW, &[("authorization", &bearer), ("traceparent", &parent)], "").await;
    assert_eq!(app.get("/nowhere").await.status, 404);
    let spans = spans_of(app, &collector);
    let requests = of_kind(&spans, SpanKind::Server);
    let outcomes: Vec<&str> = requests.iter().map(|span| span.says("storegate.cache")).collect();
    assert_eq!(outcomes, ["miss", "hit", "hit", "hit", "hit", ""]);
    for span in &requests[..5] {
        assert_eq!(
            (span.name.as_str(), span.says("http.route")),
            ("GET /stores/{store_id}/flow", "/stores/{store_id}/flow")
        );
        assert!(!span.is_error && span.took_ns < 60_000_000_000);
    }
    assert_eq!((requests[4].trace_id.as_str(), requests[4].parent.as_str()), (TRACE, PARENT));
    assert_eq!(requests.iter().filter(|span| span.parent.is_empty()).count(), 5, "each other one begins a trace");
    assert_eq!((requests[5].name.as_str(), requests[5].says("http.route")), ("GET", ""), "no id and no path in a name");
    assert_eq!(of_kind(&spans, SpanKind::Client).len(), 1);
}

#[actix_web::test]
async fn each_attempt_has_a_span_and_a_failure_is_told() {
    let collector = Collector::start();
    let app = TestApp::with(traced(&collector));
    app.sandbox().fail_next_of(TOTAL_DATA, Fault::code("-500"), 1);
    assert_eq!(app.get(FLOW).await.status, 200);
    app.sandbox().fail_next_of("shop.get", Fault::code("e000002"), 1);
    assert_eq!(app.get("/stores/SHOP001").await.status, 502);
    let spans = spans_of(app, &collector);
    let calls = of_kind(&spans, SpanKind::Client);
    let told = |call: &Exported| {
        ["outcome", "attempt", "call_id"].map(|name| call.says(&format!("storegate.gateway.{name}")).to_owned())
    };
    assert_eq!(calls.len(), 3, "{calls:#?}");
    assert!(calls[0].is_error && !calls[1].is_error && calls[2].is_error);
    assert_eq!(told(calls[0])[..2], ["gateway_failed", "1"]);
    assert_eq!(told(calls[1])[..2], ["success", "2"]);
    assert!(calls[..2].iter().all(|call| told(call)[2].starts_with("sandbox-")));
    assert_eq!(calls[1].says("http.request.resend_count"), "1");
    assert_eq!(told(calls[2]), ["credentials_refused", "1", ""], "an OMS gives its calls no number");
    let requests = of_kind(&spans, SpanKind::Server);
    assert_eq!((requests[1].is_error, requests[1].says("error.type")), (true, "502"));
}

#[actix_web::test]
async fn one_call_for_many_is_in_the_trace_of_the_one_who_led() {
    let collector = Collector::start();
    let app = TestApp::with(traced(&collector));
    app.sandbox().fail_next_of(TOTAL_DATA, Fault::Delay(std::time::Duration::from_millis(200)), 1);
    let answers = join_all((0..10).map(|_| app.get(FLOW))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let spans = spans_of(app, &collector);
    let (requests, calls) = (of_kind(&spans, SpanKind::Server), of_kind(&spans, SpanKind::Client));
    assert_eq!((requests.len(), calls.len()), (10, 1));
    let leader = requests.iter().find(|request| request.span_id == calls[0].parent).expect("a request that led");
    assert_eq!((leader.says("storegate.cache"), &leader.trace_id), ("miss", &calls[0].trace_id));
}

#[actix_web::test]
async fn a_malformed_context_begins_a_new_trace_and_an_unsampled_one_is_handed_on_unrecorded() {
    let (collector, gateway) = (Collector::start(), gateway());
    let app = app_before(&gateway, traced(&collector));
    for (store, parent) in
        [traceparent("zz"), traceparent("01").to_uppercase(), "nonsense".to_owned()].iter().enumerate()
    {
        let answer = app.get_with(&format!("/stores/S_{}/flow", store + 1), &[("traceparent", parent)]).await;
        assert_eq!(answer.status, 200, "{parent}");
    }
    assert_eq!(app.get_with("/stores/S_9/flow", &[("traceparent", &traceparent("00"))]).await.status, 200);
    let handed_on = gateway.received().last().unwrap().headers["traceparent"].clone();
    assert_eq!(handed_on, traceparent("00"));
    let spans = spans_of(app, &collector);
    assert_eq!(spans.len(), 6, "{spans:#?}");
    assert!(spans.iter().all(|span| span.trace_id != TRACE && span.parent != PARENT));
}

#[actix_web::test]
async fn of_requests_without_a_trace_as_many_are_recorded_as_is_configured() {
    let (collector, gateway) = (Collector::start(), gateway());
    let app = app_before(&gateway, |setup| {
        traced(&collector)(setup);
        setup.set("TELEMETRY__TRACES_SAMPLED", "0");
        setup.set("TELEMETRY__SERVICE_NAME", "storegate-shanghai");
    });
    assert_eq!(app.get("/stores/S_1/flow").await.status, 200);
    assert!(!gateway.only().headers.contains_key("traceparent"), "there is no trace");
    app.get_with("/stores/S_2/flow", &[("traceparent", &traceparent("01"))]).await;
    let spans = spans_of(app, &collector);
    assert!(spans.len() == 2 && spans.iter().all(|span| span.trace_id == TRACE), "{spans:#?}");
    assert_eq!(collector.resource()["service.name"], "storegate-shanghai");
}

#[actix_web::test]
async fn without_a_collector_nothing_is_handed_on() {
    let gateway = gateway();
    let app = app_before(&gateway, |_| {});
    assert_eq!(app.get_with(FLOW, &[("traceparent", &traceparent("01"))]).await.status, 200);
    assert!(!gateway.only().headers.contains_key("traceparent"));
}

#[actix_web::test]
async fn no_secret_token_or_signature_is_exported() {
    const PASSWORD: &str = "planted-password";
    let (collector, gateway) = (Collector::start(), gateway());
    gateway.answer("open.shopweb.security.ssoLogin", r#"{"stat":{"code":0},"data":{"token":"planted-login-token"}}"#);
    let app = app_before(&gateway, |setup| {
        traced(&collector)(setup);
        setup.sandbox.opretail[0].users = vec![OpRetailUser { name: "u".to_owned(), password: PASSWORD.into() }];
        setup.set("TENANTS__ACME__OPRETAIL__LOGIN__USER_NAME", "planted-user");
        setup.set("TENANTS__ACME__OPRETAIL__LOGIN__PASSWORD", PASSWORD);
    });
    let token = app.token("dashboard");
    assert_eq!(app.get_with_token(&token, FLOW).await.status, 200);
    gateway.echo(TOTAL_DATA, r#"{"stat":{"cid":"%SIGN%","code":100001,"codename":"%FORM%"},"result":"%FORM%"}"#);
    assert_eq!(app.get_with_token(&token, "/stores/S_8/flow").await.status, 503);
    app.get_with_token(&token, &format!("/{token}")).await;
    app.get_with_token(&token, &format!("/stores/{token}/flow?secret=planted-query")).await;
    app.post_form("dashboard", "/oauth/token", "grant_type=client_credentials").await;
    let received = gateway.received();
    let spans = spans_of(app, &collector);
    assert!(spans.iter().any(|span| span.name.ends_with("ssoLogin")), "{spans:#?}");
    assert!(spans.iter().any(|span| span.name == "POST /oauth/token"), "{spans:#?}");
    let signatures = received.iter().filter_map(|received| received.parameters.get("_sig").cloned());
    let hashed = received.iter().filter_map(|received| received.parameters.get("password").cloned());
    let parts = token.split('.').skip(1).map(str::to_owned);
    let known = [SECRETS[0], SECRETS[1], CLIENT_SECRET, "planted-"].map(str::to_owned);
    let secrets: Vec<String> = signatures.chain(hashed).chain(parts).chain(known).collect();
    assert!(secrets.len() >= 9, "{}", secrets.len());
    for secret in secrets {
        assert!(!collector.has_seen(&secret), "{secret} was exported");
    }
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
async fn a_collector_that_is_dead_or_hangs_disturbs_nobody_and_what_is_lost_is_counted() {
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
            assert!(metrics.contains("storegate_trace_spans_total{outcome=\"dropped\"}"), "{metrics}");
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
    let arguments = ["serve", "--config", config, "--listen", "127.0.0.1:0"];
    let server = Running::start(&arguments, &path.with_extension("json"));
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

/// Four requests that show no good credentials, each with this decision of its caller's.
async fn send_strange(app: &TestApp, flags: &str) {
    let parent = traceparent(flags);
    let basic =
        [("content-type", "application/x-www-form-urlencoded"), ("traceparent", &*parent), ("tracestate", "a=1")];
    for headers in [&[][..], &[("authorization", "Bearer a.b.c")]] {
        let headers = [headers, &[("traceparent", &*parent), ("baggage", "sampled=1")]].concat();
        assert_eq!(app.send("GET", FLOW, &headers, "").await.status, 401);
    }
    assert_eq!(app.send("GET", "/healthz", &basic[1..], "").await.status, 200);
    let form = "grant_type=client_credentials&client_id=dashboard&client_secret=wrong";
    assert_eq!(app.send("POST", "/oauth/token", &basic, form).await.status, 401);
}

#[actix_web::test]
async fn a_strangers_decision_does_not_count_and_that_of_a_known_caller_does() {
    for (sampled, strangers) in [("0", 0), ("1", 4)] {
        for flags in ["00", "01"] {
            let collector = Collector::start();
            let app = TestApp::with(|setup| {
                traced(&collector)(setup);
                setup.set("TELEMETRY__TRACES_SAMPLED", sampled);
            });
            send_strange(&app, flags).await;
            let parent = traceparent(flags);
            let token = app.token("dashboard");
            let bearer = format!("Bearer {token}");
            // The ordinary way, where the token is only found good on the way, and the fast one.
            for _ in 0..3 {
                let headers = [("authorization", &*bearer), ("traceparent", &*parent), ("x-request-id", "known")];
                assert_eq!(app.send("GET", FLOW, &headers, "").await.status, 200);
            }
            let form = format!("grant_type=client_credentials&client_id=dashboard&client_secret={CLIENT_SECRET}");
            let headers = [
                ("content-type", "application/x-www-form-urlencoded"),
                ("traceparent", &*parent),
                ("x-request-id", "known"),
            ];
            assert_eq!(app.send("POST", "/oauth/token", &headers, &form).await.status, 200);
            let spans = spans_of(app, &collector);
            let (known, strange): (Vec<&Exported>, Vec<&Exported>) = of_kind(&spans, SpanKind::Server)
                .into_iter()
                .partition(|span| span.says("storegate.request_id") == "known");
            let expected = if flags == "01" { 4 } else { 0 };
            assert_eq!((known.len(), strange.len()), (expected, strangers), "sampled {sampled}, flags {flags}");
            assert_eq!(of_kind(&spans, SpanKind::Client).len(), expected.min(1), "sampled {sampled}, flags {flags}");
            assert!(known.iter().all(|span| (span.trace_id.as_str(), span.parent.as_str()) == (TRACE, PARENT)));
        }
    }
}

#[actix_web::test]
async fn where_callers_are_trusted_the_decision_of_each_counts() {
    for (flags, expected) in [("00", 0), ("01", 4)] {
        let collector = Collector::start();
        let app = TestApp::with(|setup| {
            traced(&collector)(setup);
            setup.set("TELEMETRY__TRACES_SAMPLED", if expected == 0 { "1" } else { "0" });
            setup.set("TELEMETRY__TRACES_TRUST_CALLERS", "true");
        });
        send_strange(&app, flags).await;
        assert_eq!(spans_of(app, &collector).len(), expected, "{flags}");
    }
}

#[actix_web::test]
async fn what_is_no_trace_context_decides_nothing_for_a_stranger_either() {
    let collector = Collector::start();
    let app = TestApp::with(|setup| {
        traced(&collector)(setup);
        setup.set("TELEMETRY__TRACES_SAMPLED", "0");
    });
    let upper = traceparent("01").to_uppercase();
    for (name, value) in
        [("traceparent", "nonsense"), ("traceparent", &upper), ("tracestate", "a=1"), ("baggage", "a=1")]
    {
        assert_eq!(app.send("GET", FLOW, &[(name, value)], "").await.status, 401);
        assert_eq!(app.get_with(FLOW, &[(name, value)]).await.status, 200);
    }
    assert!(spans_of(app, &collector).is_empty());
}
