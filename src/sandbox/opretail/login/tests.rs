//! Logins at a running sandbox, and the calls that their tokens allow.

use std::time::Duration;

use serde_json::{Value, json};

use super::{MOBILE, SINGLE_SIGN_ON};
use crate::sandbox::testing::{START, TestBed, TestParameters};
use crate::sandbox::{LoginExpiry, LoginTokenField, OpRetailAccount, OpRetailUser, SandboxSettings};

const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";
const INSPECTIONS: &str = "open.shopweb.liveCheck.statisticsDetailPageForCustomer";
const USER: (&str, &str) = ("userName", "13800000000");
const PASSWORD: (&str, &str) = ("password", "sandbox-password");
/// The MD5 of `sandbox-password`, by md5sum.
const DIGEST: &str = "911b7bf55b7b03cdfe2af9d1e68e4897";

fn strict() -> TestBed {
    TestBed::with(SandboxSettings { require_login: true, ..SandboxSettings::default() })
}

async fn log_in(bed: &TestBed) -> String {
    // The nonce allows one test to log in twice within a second.
    let nonce = bed.sandbox.calls().to_string();
    let answer = bed.call_m_api(bed.opretail(MOBILE, &[USER, PASSWORD, ("_nonce", &nonce)])).await;
    assert_eq!(answer["stat"]["code"], 0, "{answer}");
    answer["data"]["token"].as_str().unwrap().to_owned()
}

async fn code_with(bed: &TestBed, path: &str, parameters: TestParameters, header: &str, token: &str) -> Value {
    let request = bed.client.post(bed.url(path)).insert_header((header, token));
    let signed = bed.sign_opretail(parameters);
    let answer: Value = request.send_form(&signed).await.unwrap().json().await.unwrap();
    answer["stat"]["code"].clone()
}

async fn flow_with(bed: &TestBed, token: &str) -> Value {
    let nonce = bed.sandbox.calls().to_string();
    let flow = bed.opretail(FLOW, &[("id", "S_123456"), ("_nonce", &nonce)]);
    code_with(bed, "/m.api", flow, "authenticator", token).await
}

#[actix_web::test]
async fn the_mobile_login_gives_a_token_for_the_password() {
    let bed = TestBed::start();
    let answer = bed.call_m_api(bed.opretail(MOBILE, &[USER, PASSWORD])).await;
    assert_eq!(answer["stat"]["code"], 0);
    assert!(answer["data"]["token"].as_str().unwrap().len() >= 32);
    assert_eq!(answer["data"].get("tokenExpirationTimestamp"), None);
}

#[actix_web::test]
async fn the_single_sign_on_takes_the_digest_in_either_case_and_says_when_the_token_ends() {
    let bed = TestBed::start();
    bed.sandbox.set_behaviour(|behaviour| {
        behaviour.login_lifetime = Duration::from_secs(600);
        behaviour.clock_skew = jiff::SignedDuration::from_secs(30);
    });
    for digest in [DIGEST.to_lowercase(), DIGEST.to_uppercase()] {
        let answer = bed.call_m_api(bed.opretail(SINGLE_SIGN_ON, &[USER, ("password", &digest)])).await;
        assert_eq!(answer["stat"]["code"], 0, "{digest}");
        let end = START.as_millisecond() + 30_000 + 600_000;
        assert_eq!(answer["data"]["tokenExpirationTimestamp"], end);
        assert!(answer["data"]["token"].as_str().unwrap().len() >= 32);
    }
}

#[actix_web::test]
async fn a_wrong_user_a_wrong_password_and_a_missing_one_are_distinguished() {
    let bed = TestBed::start();
    let refused = [
        (MOBILE, vec![("userName", "13900000000"), PASSWORD], 103_094),
        (MOBILE, vec![USER, ("password", "guess")], 103_095),
        (MOBILE, vec![USER, ("password", DIGEST)], 103_095),
        (MOBILE, vec![USER], 100_001),
        (MOBILE, vec![PASSWORD], 100_001),
        (SINGLE_SIGN_ON, vec![("userName", "13900000000"), ("password", DIGEST)], 103_094),
        (SINGLE_SIGN_ON, vec![USER, PASSWORD], 103_095),
        (SINGLE_SIGN_ON, vec![USER], 100_001),
    ];
    for (method, parameters, code) in refused {
        let answer = bed.call_m_api(bed.opretail(method, &parameters)).await;
        assert_eq!((&answer["stat"]["code"], &answer["data"]), (&code.into(), &Value::Null), "{method}");
    }
    let mut forged = bed.sign_opretail(bed.opretail(MOBILE, &[USER, PASSWORD, ("_nonce", "f")]));
    forged.push(("more".to_owned(), "x".to_owned()));
    assert_eq!(bed.post("/m.api", &forged).await["stat"]["code"], 7, "a login is signed like any call");
}

#[actix_web::test]
async fn both_endpoints_take_the_token_from_either_header() {
    let bed = strict();
    let token = log_in(&bed).await;
    let call = async |path: &str, authenticator: &str, ovo_authorization: &str| {
        let nonce = bed.sandbox.calls().to_string();
        let signed = bed.sign_opretail(bed.opretail(INSPECTIONS, &[("enterpriseId", "1084"), ("_nonce", &nonce)]));
        let mut request = bed.client.post(bed.url(path));
        for (name, value) in [("authenticator", authenticator), ("ovo-authorization", ovo_authorization)] {
            if value != "absent" {
                request = request.insert_header((name, value));
            }
        }
        let answer: Value = request.send_form(&signed).await.unwrap().json().await.unwrap();
        answer["stat"]["code"].to_string().replace('"', "")
    };
    for path in ["/m.api", "/cloud.api"] {
        // The vendor's Python SDK sends an empty `authenticator` when it has no token.
        for (authenticator, ovo_authorization) in [
            (token.as_str(), "absent"),
            ("absent", token.as_str()),
            (&token, &token),
            ("", &token),
            (&token, "made-up"),
        ] {
            let code = call(path, authenticator, ovo_authorization).await;
            assert_eq!(code, "0", "{path} {authenticator} {ovo_authorization}");
        }
        for (authenticator, ovo_authorization) in
            [("absent", "absent"), ("made-up", "absent"), ("absent", "made-up"), ("", ""), ("made-up", "made-up")]
        {
            let code = call(path, authenticator, ovo_authorization).await;
            assert_eq!(code, "9990001", "{path} {authenticator} {ovo_authorization}");
        }
    }
}

#[actix_web::test]
async fn the_token_stays_the_same_until_it_ends() {
    let bed = strict();
    let first = log_in(&bed).await;
    bed.hand.advance(Duration::from_secs(7_199));
    let digest = bed.opretail(SINGLE_SIGN_ON, &[USER, ("password", DIGEST)]);
    assert_eq!(bed.call_cloud_api(digest).await["data"]["token"], first.as_str(), "by any login");
    bed.hand.advance(Duration::from_secs(7_199));
    assert_eq!(flow_with(&bed, &first).await, 0, "the second login has moved the end");
    bed.hand.advance(Duration::from_secs(1));
    assert_eq!(flow_with(&bed, &first).await, 9_990_001);
    let second = log_in(&bed).await;
    assert_ne!(first, second);
    bed.sandbox.forget_logins();
    assert_ne!(second, log_in(&bed).await);
}

#[actix_web::test]
async fn the_form_of_a_logins_answer_can_be_chosen() {
    let bed = TestBed::start();
    let end = START.as_second() + 7_200;
    let forms = [
        (LoginExpiry::Milliseconds, json!(end * 1_000)),
        (LoginExpiry::Seconds, json!(end)),
        (LoginExpiry::Date, json!("2026-11-22 12:00:00")),
        (LoginExpiry::Missing, Value::Null),
    ];
    for (name, field) in [("token", LoginTokenField::Token), ("authenticator", LoginTokenField::Authenticator)] {
        for (expiry, written) in &forms {
            bed.sandbox.set_behaviour(|behaviour| {
                behaviour.login_token_field = field;
                behaviour.login_expiry = *expiry;
            });
            let nonce = bed.sandbox.calls().to_string();
            let login = bed.opretail(SINGLE_SIGN_ON, &[USER, ("password", DIGEST), ("_nonce", &nonce)]);
            let mut data = bed.call_m_api(login).await["data"].clone();
            let data = data.as_object_mut().unwrap();
            assert!(data.remove(name).unwrap().as_str().unwrap().len() >= 32);
            assert_eq!(data.remove("tokenExpirationTimestamp").unwrap_or_default(), *written, "{name} {expiry:?}");
            assert!(data.is_empty(), "{data:?}");
            let login = bed.opretail(MOBILE, &[USER, PASSWORD, ("_nonce", &nonce)]);
            let mobile = bed.call_m_api(login).await["data"].clone();
            assert_eq!(mobile.as_object().unwrap().keys().collect::<Vec<_>>(), [name]);
        }
    }
}

#[actix_web::test]
async fn the_signature_is_checked_before_the_token() {
    let bed = strict();
    let mut forged = bed.sign_opretail(bed.opretail(FLOW, &[("id", "S_123456")]));
    forged.push(("more".to_owned(), "x".to_owned()));
    assert_eq!(bed.post("/m.api", &forged).await["stat"]["code"], 7);
}

#[actix_web::test]
async fn only_the_shop_web_wants_a_login_and_only_where_it_is_required() {
    let bed = strict();
    let account = [("orgid", "2"), ("_version", "v2")];
    let answer = bed.call_m_api(bed.opretail("open.gateway.authentication", &account)).await;
    assert_eq!(answer["stat"]["code"], 0);
    assert_eq!(flow_with(&bed, "made-up").await, 9_990_001);
    bed.sandbox.set_behaviour(|behaviour| behaviour.require_login = false);
    assert_eq!(flow_with(&bed, "made-up").await, 0);
}

#[actix_web::test]
async fn a_token_lives_until_its_end_or_until_it_is_forgotten() {
    let bed = strict();
    let token = log_in(&bed).await;
    bed.hand.advance(Duration::from_secs(7_199));
    assert_eq!(flow_with(&bed, &token).await, 0);
    bed.hand.advance(Duration::from_secs(1));
    assert_eq!(flow_with(&bed, &token).await, 9_990_001);
    let token = log_in(&bed).await;
    assert_eq!(flow_with(&bed, &token).await, 0);
    bed.sandbox.forget_logins();
    assert_eq!(flow_with(&bed, &token).await, 9_990_001);
}

#[actix_web::test]
async fn a_lifetime_holds_for_the_logins_from_then_on() {
    let bed = strict();
    let token = log_in(&bed).await;
    bed.sandbox.set_behaviour(|behaviour| behaviour.login_lifetime = Duration::from_secs(60));
    bed.hand.advance(Duration::from_secs(60));
    assert_eq!(flow_with(&bed, &token).await, 0);
    log_in(&bed).await;
    bed.hand.advance(Duration::from_secs(60));
    assert_eq!(flow_with(&bed, &token).await, 9_990_001);
}

#[actix_web::test]
async fn a_token_is_good_only_with_the_key_that_its_user_belongs_to() {
    let guest = OpRetailUser { name: "guest".to_owned(), ..OpRetailUser::default() };
    let other = OpRetailAccount { key: "S107-OTHER".to_owned(), users: vec![guest], ..OpRetailAccount::default() };
    let opretail = vec![OpRetailAccount::default(), other];
    let bed = TestBed::with(SandboxSettings { require_login: true, opretail, ..SandboxSettings::default() });
    let stranger = bed.opretail(MOBILE, &[("userName", "guest"), PASSWORD]);
    assert_eq!(bed.call_m_api(stranger).await["stat"]["code"], 103_094);
    let token = log_in(&bed).await;
    let flow = bed.opretail(FLOW, &[("id", "S_123456"), ("_akey", "S107-OTHER")]);
    assert_eq!(code_with(&bed, "/m.api", flow, "authenticator", &token).await, 9_990_001);
    assert_eq!(flow_with(&bed, &token).await, 0);
}
