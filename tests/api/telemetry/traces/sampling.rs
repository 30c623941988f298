//! Which requests are recorded: as their callers decided, as is configured, and never as strangers decide.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::{PARENT, TRACE, of_kind, spans_of, traced, traceparent};
use crate::app::TestApp;
use crate::app::requests::FLOW;
use crate::app::tenants::CLIENT_SECRET;
use crate::peers::collector::{Collector, Exported};
use crate::peers::independent_gateway::{app_before, gateway};

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

/// Four requests that show no good credentials, each with this decision of its caller's.
async fn send_unauthenticated(app: &TestApp, flags: &str) {
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
async fn only_authenticated_clients_decide_whether_they_are_sampled() {
    for (sampled, strangers) in [("0", 0), ("1", 4)] {
        for flags in ["00", "01"] {
            let collector = Collector::start();
            let app = TestApp::with(|setup| {
                traced(&collector)(setup);
                setup.set("TELEMETRY__TRACES_SAMPLED", sampled);
            });
            send_unauthenticated(&app, flags).await;
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
        send_unauthenticated(&app, flags).await;
        assert_eq!(spans_of(app, &collector).len(), expected, "{flags}");
    }
}

#[actix_web::test]
async fn a_malformed_trace_context_of_an_unauthenticated_client_is_ignored() {
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
