//! The vendors' endpoints, and the state that all workers share.

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Resource};
use bytes::Bytes;
use fastrand::Rng;
use tokio::time::sleep;

use super::behaviour::{Behaviour, CurrentBehaviour};
use super::calls::CallCounts;
use super::delivery::{ConnectionHandle, SandboxAnswer, deliver};
use super::faults::{Fault, FaultQueue};
use super::form::DecodedForm;
use super::oms::{self, Oms};
use super::opretail::{self, CallParameters, OpRetail, SandboxEndpoint, USER_TOKEN_HEADERS};
use super::pack::{PACKS, PackGateway, Received, Request as PackRequest};
use super::settings::SandboxSettings;
use super::vendor::SandboxVendor;
use crate::clock::Clock;
use crate::gateway::vendor::Vendor;

/// The older endpoint of OPRetail.
pub const M_API: &str = "/m.api";
/// The newer endpoint of OPRetail.
pub const CLOUD_API: &str = "/cloud.api";
/// The endpoint of the OMS.
pub const RPC: &str = "/index.php/openapi/rpc/service/";
const RPC_WITHOUT_SLASH: &str = "/index.php/openapi/rpc/service";

/// The state that all workers share.
pub struct SandboxState {
    opretail: OpRetail,
    oms: Oms,
    packs: Vec<PackGateway>,
    clock: Clock,
    pub(super) behaviour: CurrentBehaviour,
    pub(super) calls: CallCounts,
    pub(super) faults: FaultQueue,
}

impl SandboxState {
    /// Creates the state of a sandbox without calls.
    pub fn new(settings: &SandboxSettings, clock: Clock) -> Self {
        Self {
            opretail: OpRetail::new(settings, clock.clone()),
            oms: Oms::new(settings, clock.clone()),
            packs: settings.packs.iter().map(|vendor| PackGateway::new(*vendor, settings, clock.clone())).collect(),
            clock,
            behaviour: CurrentBehaviour::new(Behaviour::from(settings)),
            calls: CallCounts::default(),
            faults: FaultQueue::new(settings.seed.map_or_else(Rng::new, Rng::with_seed)),
        }
    }

    /// Ends every user's token.
    pub fn forget_logins(&self) {
        self.opretail.forget_logins();
        self.packs.iter().for_each(PackGateway::forget_logins);
    }

    /// The packs whose gateways are simulated.
    pub fn packs(&self) -> Vec<Vendor> {
        self.packs.iter().map(|gateway| gateway.vendor).collect()
    }

    fn arrived(&self, vendor: SandboxVendor, method: Option<&str>) -> Option<Fault> {
        let method = method.unwrap_or_default();
        self.calls.count(method);
        let fault = self.faults.take(vendor, method);
        tracing::debug!(?method, ?fault, "sandbox call received");
        fault
    }

    /// Sends an answer after its delay.
    async fn send(&self, answer: SandboxAnswer, fault: Option<Fault>, request: &HttpRequest) -> HttpResponse {
        let latency = self.behaviour.get().latency;
        let delay = if let Some(Fault::Delay(delay)) = fault { latency.saturating_add(delay) } else { latency };
        if !delay.is_zero() {
            sleep(delay).await;
        }
        let now = self.behaviour.get().now(&self.clock);
        deliver(answer, fault, now, request.conn_data::<ConnectionHandle>()).await
    }
}

/// Adds the endpoints to a server.
pub fn routes(configuration: &mut ServiceConfig) {
    configuration
        .service(opretail_endpoint(M_API, SandboxEndpoint::MApi))
        .service(opretail_endpoint(CLOUD_API, SandboxEndpoint::CloudApi))
        .service(web::resource([RPC, RPC_WITHOUT_SLASH]).route(web::post().to(rpc)).route(web::get().to(rpc)))
        .service(web::resource(format!("{PACKS}/{{_:.*}}")).route(web::post().to(pack)).route(web::get().to(pack)));
}

// The HTTP methods that the vendor's SDKs send.
fn opretail_endpoint(path: &str, endpoint: SandboxEndpoint) -> Resource {
    let answer = move |request, body, state| opretail(endpoint, request, body, state);
    let mut resource = web::resource(path);
    for method in [web::get(), web::post(), web::put(), web::delete()] {
        resource = resource.route(method.to(answer));
    }
    resource
}

async fn opretail(
    endpoint: SandboxEndpoint,
    request: HttpRequest,
    body: Bytes,
    state: Data<SandboxState>,
) -> HttpResponse {
    let parameters = CallParameters::read(request.query_string(), opretail_body(endpoint, &request, &body));
    let fault = state.arrived(SandboxVendor::OpRetail, parameters.get("_mt"));
    let behaviour = state.behaviour.get();
    let user_tokens = USER_TOKEN_HEADERS.iter().filter_map(|name| request.headers().get(*name)?.to_str().ok());
    let user_tokens: Vec<&str> = user_tokens.collect();
    let arrived = opretail::Request { endpoint, parameters: &parameters, user_tokens: &user_tokens };
    let mut answer = state.opretail.answer(&arrived, &behaviour);
    if let Some(Fault::Code(code)) = &fault {
        answer = state.opretail.answer_code(endpoint, code.parse().unwrap_or(UNKNOWN_ERROR), &behaviour);
    }
    state.send(answer.into(), fault, &request).await
}

// A body is a form unless its type says otherwise, and only `cloud.api` reads JSON. Source: the vendor's SDKs.
fn opretail_body<'a>(endpoint: SandboxEndpoint, request: &HttpRequest, body: &'a [u8]) -> opretail::CallBody<'a> {
    if is_form(request) || request.content_type().is_empty() {
        opretail::CallBody::Form(body)
    } else if endpoint == SandboxEndpoint::CloudApi && request.content_type().eq_ignore_ascii_case("application/json") {
        opretail::CallBody::Json(body)
    } else {
        opretail::CallBody::Other
    }
}

// A code that is not a number is not one of OPRetail's. Orders in JSON cannot have one; those of tests can.
const UNKNOWN_ERROR: i64 = -999;

async fn rpc(request: HttpRequest, body: Bytes, state: Data<SandboxState>) -> HttpResponse {
    let form = form(&request, &body);
    let fault = state.arrived(SandboxVendor::Oms, form.get("method"));
    let behaviour = state.behaviour.get();
    let mut answer = state.oms.answer(&form, &behaviour);
    if let Some(Fault::Code(code)) = &fault {
        answer = oms::answer_code(code, &form, &behaviour);
    }
    state.send(answer, fault, &request).await
}

async fn pack(request: HttpRequest, body: Bytes, state: Data<SandboxState>) -> HttpResponse {
    let path = request.path();
    let found = state.packs.iter().find_map(|gateway| Some((gateway, gateway.below(path)?)));
    let Some((gateway, below)) = found else { return HttpResponse::NotFound().finish() };
    let headers = request.headers().iter();
    let received = Received::read(
        gateway.vendor,
        &PackRequest {
            http: request.method().as_str(),
            url: format!("{}://{}{path}", request.connection_info().scheme(), request.connection_info().host()),
            path,
            below,
            query: request.query_string(),
            headers: headers
                .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
                .collect(),
            content_type: request.content_type(),
            body: &body,
        },
    );
    let fault = state.arrived(SandboxVendor::Pack(gateway.vendor), Some(received.method()));
    let behaviour = state.behaviour.get();
    let mut answer = gateway.answer(&received, &behaviour);
    if let Some(Fault::Code(code)) = &fault {
        answer = gateway.answer_code(code, &behaviour);
    }
    state.send(answer.into(), fault, &request).await
}

// A body of another type has no parameters, as at the vendors' own servers.
fn form<'a>(request: &HttpRequest, body: &'a [u8]) -> DecodedForm<'a> {
    DecodedForm::decode(if is_form(request) { body } else { &[] })
}

fn is_form(request: &HttpRequest) -> bool {
    request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded")
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
