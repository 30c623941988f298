//! Answers that end early on the wire, at a running service: the callers see a problem, and nothing of it is kept. The
//! decoders themselves are cut at every byte in `tests/fuzzed`.

use awc::Client;
use futures_util::future::join_all;
use storegate::sandbox::{Fault, SandboxVendor};

use crate::app::tenants::SECRETS;
use crate::app::{TestApp, documented};
use crate::fixtures::invalid_bodies::{FLOW, Request, STORE};
use crate::gateway::invalid_bodies::{assert_is_a_problem, forget_failures};
use crate::peers::independent_rules::{Parameters, oms_signature, opretail_signature};

/// Services that are asked side by side.
const SERVICES: usize = 8;

/// Every so many bytes an answer is cut.
const STEP: usize = 3;

const FLOW_FORM: &[(&str, &str)] = &[
    ("_aid", "S107"),
    ("_akey", "S107-00000001"),
    ("_mt", "open.shopweb.passengerFlow.getTotalData"),
    ("_requestMode", "POST"),
    ("_sm", "md5"),
    ("_timestamp", "20261122100000"),
    ("_version", "v1"),
    ("id", "S_123456"),
    ("needUnit", "0"),
];

const STORE_FORM: &[(&str, &str)] = &[
    ("charset", "utf-8"),
    ("flag", "acme"),
    ("method", "shop.get"),
    ("shop_bn", "SHOP001"),
    ("timestamp", "1795312800"),
    ("type", "json"),
    ("ver", "1"),
];

/// The gateway's own answer to the flow or the store, without the service between.
async fn whole_answer(vendor: SandboxVendor) -> String {
    let app = TestApp::with(documented);
    let texts = |form: &[(&str, &str)]| -> Parameters {
        form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let (url, mut form) = match vendor {
        SandboxVendor::OpRetail => (app.sandbox().opretail_m_api_url(), texts(FLOW_FORM)),
        _ => (app.sandbox().oms_url(), texts(STORE_FORM)),
    };
    match vendor {
        SandboxVendor::OpRetail => form.insert("_sig".to_owned(), opretail_signature(&form, SECRETS[0], false)),
        _ => form.insert("sign".to_owned(), oms_signature(&form, SECRETS[1])),
    };
    let mut answer = Client::default().post(url).send_form(&form).await.unwrap();
    let whole = String::from_utf8(answer.body().await.unwrap().to_vec()).unwrap();
    assert!(whole.contains("SUCCESS") || whole.contains("SHOP001"), "{whole}");
    whole
}

/// Each fault in turn at one of several services, which spend their pauses before a retry side by side. One path is
/// asked for all the time: an answer that was kept would be served instead of the next problem.
async fn each_is_refused(request: &Request, faults: &[Fault]) {
    let services: Vec<TestApp> = (0..SERVICES).map(|_| TestApp::with(documented)).collect();
    join_all(services.iter().enumerate().map(|(number, app)| async move {
        for fault in faults.iter().skip(number).step_by(SERVICES) {
            app.sandbox().fail_next_at(request.vendor, fault.clone(), u32::MAX);
            assert_is_a_problem(&request.read(app).await, request.path, &format!("{fault:?}"));
            app.sandbox().clear_faults();
            forget_failures(app);
        }
        request.is_fetched_again(app, "all of them").await;
    }))
    .await;
}

#[actix_web::test]
async fn a_body_whose_connection_ends_early_is_a_problem_and_not_cached() {
    for request in [&FLOW, &STORE] {
        let length = whole_answer(request.vendor).await.len();
        let faults: Vec<Fault> = (0..length).step_by(STEP).map(Fault::Cut).collect();
        each_is_refused(request, &faults).await;
    }
}

#[actix_web::test]
async fn a_truncated_body_with_a_corrected_length_is_a_problem_and_not_cached() {
    for request in [&FLOW, &STORE] {
        let whole = whole_answer(request.vendor).await;
        // A fault's body is text; a cut inside a character is one of the connections above.
        let cuts = whole.char_indices().step_by(STEP);
        let faults: Vec<Fault> = cuts.map(|(byte, _)| Fault::Body(whole[..byte].to_owned())).collect();
        each_is_refused(request, &faults).await;
    }
}
