//! The spans of a request and of its calls: whose trace they are in, and what stands in them.

use futures_util::future::join_all;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use storegate::sandbox::{Fault, OpRetailUser};

use super::{PARENT, TRACE, of_kind, spans_of, traced, traceparent};
use crate::app::TestApp;
use crate::app::requests::{FLOW, TOTAL_DATA};
use crate::app::tenants::{CLIENT_SECRET, SECRETS};
use crate::peers::collector::{Collector, Exported};
use crate::peers::independent_gateway::{app_before, gateway};

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
async fn each_attempt_has_a_span_with_its_failure() {
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
async fn one_call_for_many_requests_is_in_the_trace_of_the_leader() {
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
