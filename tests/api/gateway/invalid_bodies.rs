//! Bodies that are not one whole answer of the documented shape, sent by a running gateway: the callers see a problem,
//! and nothing of it is kept.

use futures_util::future::join_all;
use serde_json::to_value;
use storegate::resources::ALL;
use storegate::resources::vendors::opretail;
use storegate::sandbox::{Fault, SandboxVendor};

use crate::app::answer::Answer;
use crate::app::requests::NO_CACHE;
use crate::app::{TestApp, documented};
use crate::fixtures::examples::with_examples;
use crate::fixtures::invalid_bodies::{INVALID_MEMBERS, NO_ENVELOPES, REQUESTS, Request, beside, envelope};

impl Request {
    /// Asks it.
    pub async fn read(&self, app: &TestApp) -> Answer {
        app.get_as("operator", self.path).await
    }

    /// Asks while the gateway answers so, and again when it has come to its senses.
    async fn refuses(&self, app: &TestApp, body: &str) {
        app.sandbox().fail_next_at(self.vendor, Fault::Body(body.to_owned()), u32::MAX);
        assert_is_a_problem(&self.read(app).await, self.path, body);
        app.sandbox().clear_faults();
        app.pass(1);
        self.is_fetched_again(app, body).await;
        let dropped = app.request("operator", "DELETE", "/cache", &[]).await;
        assert_eq!(dropped.json()["dropped"], u64::from(self.is_cached), "{} {body}", self.path);
        forget_failures(app);
    }

    /// Nothing was kept: the next good answer comes from the gateway.
    pub async fn is_fetched_again(&self, app: &TestApp, body: &str) {
        let answer = self.read(app).await;
        assert_eq!(answer.status, 200, "{} after {body}: {}", self.path, answer.text());
        let is_miss = answer.header("cache-status").map(|status| status.starts_with("storegate; fwd=miss; stored"));
        assert_eq!(is_miss, self.is_cached.then_some(true), "{} after {body}", self.path);
    }
}

/// The gateway's answer was not taken, and the caller is told of nothing that was kept.
pub fn assert_is_a_problem(answer: &Answer, path: &str, body: &str) {
    assert_eq!(answer.status, 502, "{path} with {body}: {}", answer.text());
    assert_eq!(answer.problem(), "gateway-error", "{path} with {body}");
    for header in ["etag", "age", "cache-status", "last-modified"] {
        assert_eq!(answer.header(header), None, "{path} with {body}");
    }
}

/// Lets the breaker's minute pass, so that it looks at no more than the attempts of one request.
pub fn forget_failures(app: &TestApp) {
    app.pass(61);
}

#[actix_web::test]
async fn no_invalid_body_is_a_response_to_any_request_or_cached() {
    // All of them are made first: one thread writes all requests, and must not keep a connection waiting meanwhile.
    let halves = REQUESTS.iter().flat_map(|request| {
        let bodies = request.invalid_bodies();
        let half = |first: usize| bodies.iter().skip(first).step_by(2).cloned().collect::<Vec<_>>();
        [(request, half(0)), (request, half(1))]
    });
    let halves: Vec<_> = halves.collect();
    join_all(halves.iter().map(|(request, bodies)| async move {
        // One store is a method of its own there; where it is read from the list, `{}` is an empty one.
        let app = TestApp::with(documented);
        for body in bodies {
            request.refuses(&app, body).await;
        }
    }))
    .await;
}

#[actix_web::test]
async fn the_parts_of_the_invalid_bodies_make_a_valid_one() {
    for request in REQUESTS {
        let app = TestApp::spawn();
        for member in [r#""a":[{"b":1}]"#].iter().chain(INVALID_MEMBERS) {
            let good = envelope(request.vendor, &beside(member, request.data));
            app.sandbox().fail_next_at(request.vendor, Fault::Body(beside(member, &good)), 1);
            let answer = app.request("operator", "GET", request.path, NO_CACHE).await;
            assert_eq!(answer.status, 200, "{} {member}: {}", request.path, answer.text());
            assert_eq!(answer.header("etag").is_some(), request.is_cached, "{}", request.path);
        }
    }
}

#[actix_web::test]
async fn no_resource_takes_a_body_that_is_no_envelope_for_an_answer() {
    join_all(ALL.iter().filter(|resource| resource.method.is_some()).map(|resource| async move {
        let route = resource.route();
        let path = with_examples(&route.path, &to_value(&route.operation).unwrap()).leak();
        let is_opretail = resource.method().unwrap().vendor == opretail();
        let vendor = if is_opretail { SandboxVendor::OpRetail } else { SandboxVendor::Oms };
        let request = Request { path, vendor, is_cached: resource.policy.is_some(), data: "", refused: &[] };
        let app = TestApp::with(documented);
        for body in NO_ENVELOPES {
            request.refuses(&app, body).await;
        }
    }))
    .await;
}

#[actix_web::test]
async fn a_list_filtered_by_store_omits_inspections_without_a_store() {
    let app = TestApp::spawn();
    let period = "from=2026-11-01&to=2026-11-07";
    let lists = [
        ("operator", format!("/inspections?{period}&store_id=S_123456")),
        ("franchisee", format!("/inspections?{period}")),
    ];
    for row in [r#"{"id":2}"#, r#"{"id":2,"depId":[123456]}"#, r#"{"id":2,"depId":null}"#, r#"{"id":2,"depName":"a"}"#]
    {
        let body =
            envelope(SandboxVendor::OpRetail, &format!(r#"{{"total":2,"rows":[{{"id":1,"depId":123456}},{row}]}}"#));
        for (client, path) in &lists {
            app.sandbox().fail_next_at(SandboxVendor::OpRetail, Fault::Body(body.clone()), 1);
            let list = app.request(client, "GET", path, NO_CACHE).await;
            let ids: Vec<_> = list.json()["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
            assert_eq!((list.status, ids), (200, vec!["1".into()]), "{body}");
        }
        app.sandbox().fail_next_at(SandboxVendor::OpRetail, Fault::Body(body.clone()), 1);
        let unfiltered = app.request("operator", "GET", &format!("/inspections?{period}"), NO_CACHE).await;
        assert_eq!((unfiltered.status, unfiltered.json()["items"][1]["id"].as_str()), (200, Some("2")), "{body}");
    }
}

#[actix_web::test]
async fn a_list_filtered_by_store_in_which_no_inspection_has_a_store_is_an_error() {
    let app = TestApp::spawn();
    let body = envelope(SandboxVendor::OpRetail, r#"{"total":1,"rows":[{"id":1,"shop":123456}]}"#);
    let path = "/inspections?from=2026-11-01&to=2026-11-07&store_id=S_123456";
    app.sandbox().fail_next_at(SandboxVendor::OpRetail, Fault::Body(body.clone()), 1);
    assert_is_a_problem(&app.get_as("operator", path).await, path, &body);
}

#[actix_web::test]
async fn no_data_is_a_404_where_the_gateway_has_no_code_for_it_and_an_empty_list_of_inspections() {
    let app = TestApp::spawn();
    for request in REQUESTS.iter().filter(|request| request.vendor == SandboxVendor::OpRetail && request.is_cached) {
        for data in ["null", "[]", "\"\"", "false"] {
            app.sandbox().fail_next_at(request.vendor, Fault::Body(envelope(request.vendor, data)), 1);
            let answer = app.request("operator", "GET", request.path, NO_CACHE).await;
            if request.path.starts_with("/inspections") {
                assert_eq!((answer.status, answer.json()["items"].as_array().map(Vec::len)), (200, Some(0)), "{data}");
            } else {
                let of_store = request.path.starts_with("/stores/");
                let problem = if of_store { "store-not-found" } else { "not-found" };
                assert_eq!((answer.status, answer.problem().as_str()), (404, problem), "{} {data}", request.path);
                assert_eq!(answer.header("etag"), None);
            }
            app.pass(31);
        }
    }
}

#[actix_web::test]
async fn a_store_whose_code_is_no_id_is_listed_without_one_beside_the_others() {
    let app = TestApp::spawn();
    let lists = r#"[{"shop_bn":"A/../x?y"},{"shop_bn":"B1"},{"shop_bn":"123456"},{"shop_bn":"C","shop_name":"1"},{"shop_bn":"C","shop_name":"2"}]"#;
    let body = envelope(SandboxVendor::Oms, &format!(r#"{{"count":5,"lists":{lists}}}"#));
    app.sandbox().fail_next_at(SandboxVendor::Oms, Fault::Body(body), 1);
    let list = app.get("/stores").await.json();
    let ids: Vec<Option<&str>> = list["items"].as_array().unwrap().iter().map(|store| store["id"].as_str()).collect();
    assert_eq!(ids, [None, Some("B1"), None, None, None]);
    assert_eq!((&list["items"][0]["oms_code"], &list["page"]["total"]), (&"A/../x?y".into(), &5.into()));
}
