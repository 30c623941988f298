//! The sandbox's routes: the vendors' three doors, and the two endpoints that control the sandbox itself.

use actix_web::http::header::ContentType;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use bytes::Bytes;

use super::calls::CallCounts;
use super::delivery::{ConnectionHandle, deliver};
use super::faults::{Fault, FaultOrder, FaultQueue};
use super::form::Form;
use super::oms::Oms;
use super::opretail::{Door, OpRetail};
use super::settings::SandboxSettings;
use crate::clock::Clock;

/// OPRetail's door for most methods.
pub const M_API: &str = "/m.api";
/// OPRetail's door for its newer services.
pub const CLOUD_API: &str = "/cloud.api";
/// The OMS's door.
pub const RPC: &str = "/index.php/openapi/rpc/service/";
const RPC_WITHOUT_SLASH: &str = "/index.php/openapi/rpc/service";

/// What all workers share.
pub struct State {
    opretail: OpRetail,
    oms: Oms,
    clock: Clock,
    pub(super) calls: CallCounts,
    pub(super) faults: FaultQueue,
}

impl State {
    /// A sandbox that nobody has called yet.
    pub fn new(settings: &SandboxSettings, clock: Clock) -> Self {
        Self {
            opretail: OpRetail::new(settings, clock.clone()),
            oms: Oms::new(settings, clock.clone()),
            clock,
            calls: CallCounts::default(),
            faults: FaultQueue::default(),
        }
    }

    fn arrived(&self, method: Option<&str>) -> Option<Fault> {
        let method = method.unwrap_or_default();
        self.calls.count(method);
        let fault = self.faults.take(method);
        tracing::debug!(?method, ?fault, "a call reached the sandbox");
        fault
    }
}

/// Adds the sandbox's routes to a server.
pub fn routes(configuration: &mut ServiceConfig) {
    configuration
        .service(web::resource(M_API).route(web::post().to(m_api)))
        .service(web::resource(CLOUD_API).route(web::post().to(cloud_api)))
        .service(web::resource([RPC, RPC_WITHOUT_SLASH]).route(web::post().to(rpc)))
        .service(
            web::resource("/_sandbox/faults").route(web::post().to(order_fault)).route(web::delete().to(clear_faults)),
        )
        .service(web::resource("/_sandbox/calls").route(web::get().to(calls)));
}

async fn m_api(request: HttpRequest, body: Bytes, state: Data<State>) -> HttpResponse {
    opretail(Door::MApi, &request, &body, &state).await
}

async fn cloud_api(request: HttpRequest, body: Bytes, state: Data<State>) -> HttpResponse {
    opretail(Door::CloudApi, &request, &body, &state).await
}

async fn opretail(door: Door, request: &HttpRequest, body: &[u8], state: &State) -> HttpResponse {
    let form = form(request, body);
    let fault = state.arrived(form.get("_mt"));
    let mut answer = state.opretail.answer(door, &form);
    if let Some(Fault::Code(code)) = &fault {
        answer = state.opretail.answer_code(door, code.parse().unwrap_or(UNKNOWN_ERROR));
    }
    deliver(answer, fault, state.clock.now(), request.conn_data::<ConnectionHandle>()).await
}

// A fault's code that is not a number is not one of OPRetail's.
const UNKNOWN_ERROR: i64 = -999;

async fn rpc(request: HttpRequest, body: Bytes, state: Data<State>) -> HttpResponse {
    let form = form(&request, &body);
    let fault = state.arrived(form.get("method"));
    let mut answer = state.oms.answer(&form);
    if let Some(Fault::Code(code)) = &fault {
        answer = state.oms.answer_code(code);
    }
    deliver(answer, fault, state.clock.now(), request.conn_data::<ConnectionHandle>()).await
}

// A body of another type has no parameters, as for the vendors' own servers.
fn form<'a>(request: &HttpRequest, body: &'a [u8]) -> Form<'a> {
    let is_form = request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded");
    Form::decode(if is_form { body } else { &[] })
}

async fn order_fault(body: Bytes, state: Data<State>) -> HttpResponse {
    let order = serde_json::from_slice::<FaultOrder>(&body).map_err(|error| error.to_string());
    match order.and_then(|order| order.place(&state.faults)) {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(message) => HttpResponse::BadRequest().content_type(ContentType::plaintext()).body(message),
    }
}

async fn clear_faults(state: Data<State>) -> HttpResponse {
    state.faults.clear();
    HttpResponse::NoContent().finish()
}

async fn calls(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.calls.snapshot())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::sandbox::faults::Fault;
    use crate::sandbox::testing::TestBed;

    const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";

    #[actix_web::test]
    async fn a_code_replaces_the_answer_at_either_gateway() {
        let bed = TestBed::start();
        for (code, name) in [(-500, "API_SYSTEM_CALL_ERROR"), (-999, "UNKNOWN_ERROR"), (9_990_001, "TOKEN_NOT_EXIST")] {
            bed.sandbox.fail_next(Fault::code(code.to_string()), 1);
            let answer = bed.call_m_api(bed.opretail(FLOW, &[("id", "S_123456")])).await;
            assert_eq!(answer["stat"]["code"], code);
            assert_eq!(answer["stat"]["codename"], name);
            bed.hand.advance(std::time::Duration::from_secs(1));
        }
        bed.sandbox.fail_next(Fault::code("e000005"), 1);
        let answer = bed.call_oms(bed.oms("shop.getList", &[("nonce", "1")])).await;
        assert_eq!(answer["error_response"]["code"], "e000005");
        bed.sandbox.fail_next(Fault::code("500"), 1);
        let answer = bed.call_oms(bed.oms("shop.getList", &[("nonce", "2")])).await;
        assert_eq!(answer, json!({"code": 500, "msg": "服务器内部错误"}));
    }

    #[actix_web::test]
    async fn a_fault_uses_up_the_signature_too() {
        let bed = TestBed::start();
        bed.sandbox.fail_next(Fault::code("-500"), 1);
        let signed = bed.sign_opretail(bed.opretail(FLOW, &[("id", "S_123456")]));
        assert_eq!(bed.post("/m.api", &signed).await["stat"]["code"], -500);
        assert_eq!(bed.post("/m.api", &signed).await["stat"]["code"], -100);
    }

    #[actix_web::test]
    async fn broken_answers_are_broken_on_the_wire() {
        let bed = TestBed::start();
        let body = bed.sign_oms(bed.oms("shop.getList", &[]));
        let send = || bed.send("/index.php/openapi/rpc/service/", &body);
        bed.sandbox.fail_next(Fault::HttpStatus(503), 1);
        let mut answer = send().await.unwrap();
        assert_eq!(answer.status(), 503);
        assert!(answer.body().await.unwrap().starts_with(b"<html>"));
        bed.sandbox.fail_next(Fault::Empty, 1);
        assert_eq!(send().await.unwrap().body().await.unwrap(), "");
        bed.sandbox.fail_next(Fault::Html, 1);
        assert!(send().await.unwrap().body().await.unwrap().starts_with(b"<html>"));
        bed.sandbox.fail_next(Fault::Truncate, 1);
        let mut answer = send().await.unwrap();
        let announced: usize = answer.headers().get("content-length").unwrap().to_str().unwrap().parse().unwrap();
        // The client gives what arrived, or an error; it must not be the whole.
        let arrived = answer.body().await.map_or(0, |body| body.len());
        assert!(arrived < announced);
        bed.sandbox.fail_next(Fault::Reset, 1);
        let error = send().await.err().map(|error| format!("{error:?}")).unwrap();
        assert!(error.contains("ConnectionReset"), "{error}");
        assert_eq!(send().await.unwrap().status(), 200, "the next call is answered again");
    }

    #[actix_web::test]
    async fn a_call_that_hangs_is_counted_and_holds_up_neither_others_nor_the_end() {
        let bed = TestBed::start();
        bed.sandbox.fail_next_of(FLOW, Fault::Hang, 1);
        let signed = bed.sign_opretail(bed.opretail(FLOW, &[("id", "S_123456")]));
        let hanging = actix_web::rt::spawn(bed.send("/m.api", &signed));
        while bed.sandbox.calls_of(FLOW) == 0 {
            actix_web::rt::task::yield_now().await;
        }
        let other = bed.opretail(FLOW, &[("id", "S_123456"), ("_nonce", "2")]);
        assert_eq!(bed.call_m_api(other).await["stat"]["code"], 0);
        assert!(!hanging.is_finished());
        bed.sandbox.stop().await;
        assert!(hanging.await.unwrap().is_err(), "stopping ends the calls under way");
    }

    #[actix_web::test]
    async fn faults_can_be_ordered_and_calls_counted_over_http() {
        let bed = TestBed::start();
        let order = |order: Value| bed.client.post(bed.url("/_sandbox/faults")).send_json(&order);
        let placed = order(json!({"fault": "code", "code": "-500", "times": 2})).await.unwrap();
        assert_eq!(placed.status(), 204);
        assert_eq!(order(json!({"fault": "flood"})).await.unwrap().status(), 400);
        let call = async |nonce| {
            let answer = bed.call_m_api(bed.opretail(FLOW, &[("id", "S_123456"), ("_nonce", nonce)])).await;
            answer["stat"]["code"].as_i64().unwrap()
        };
        assert_eq!(call("1").await, -500);
        assert_eq!(bed.client.delete(bed.url("/_sandbox/faults")).send().await.unwrap().status(), 204);
        assert_eq!(call("2").await, 0);
        let mut counts = bed.client.get(bed.url("/_sandbox/calls")).send().await.unwrap();
        let counts: Value = counts.json().await.unwrap();
        assert_eq!(counts, json!({"total": 2, "methods": {FLOW: 2}}));
        assert_eq!((bed.sandbox.calls(), bed.sandbox.calls_of(FLOW), bed.sandbox.calls_of("other")), (2, 2, 0));
    }

    #[actix_web::test]
    async fn a_body_that_is_not_a_form_has_no_parameters() {
        let bed = TestBed::start();
        let mut answer = bed.client.post(bed.url("/m.api")).send_json(&json!({"_akey": "x"})).await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["stat"]["code"], 1);
    }

    #[actix_web::test]
    async fn the_date_header_is_the_sandboxs_clock() {
        let bed = TestBed::start();
        let answer = bed.send("/m.api", &[]).await.unwrap();
        assert_eq!(answer.headers().get("date").unwrap(), "Sun, 22 Nov 2026 02:00:00 GMT");
    }
}
