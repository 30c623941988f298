//! The user login that methods of OPRetail may need beside the signature.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use storegate::sandbox::{Fault, LoginExpiry, LoginTokenField, OpRetailUser};

use crate::app::requests::TOTAL_DATA;
use crate::app::{Setup, TestApp};

const INSPECTIONS: &str = "open.shopweb.liveCheck.statisticsDetailPageForCustomer";
const SSO: &str = "open.shopweb.security.ssoLogin";
const MOBILE: &str = "open.shopweb.security.mobileLogin";
const USER: &str = "13900000000";
const PASSWORD: &str = "planted-password";

/// acme has a user at OPRetail, and the gateway wants its login.
fn with_login(setup: &mut Setup, method: &str) {
    setup.sandbox.require_login = true;
    setup.sandbox.opretail[0].users = vec![OpRetailUser { name: USER.to_owned(), password: PASSWORD.into() }];
    setup.set("TENANTS__ACME__OPRETAIL__LOGIN__METHOD", method);
    setup.set("TENANTS__ACME__OPRETAIL__LOGIN__USER_NAME", USER);
    setup.set("TENANTS__ACME__OPRETAIL__LOGIN__PASSWORD", PASSWORD);
}

fn app(method: &str) -> TestApp {
    TestApp::with(|setup| with_login(setup, method))
}

fn flow(number: u32) -> String {
    format!("/stores/S_{}/flow", 100_001 + number % 60)
}

async fn login_state(app: &TestApp) -> String {
    let ready = app.get("/readyz").await.json();
    ready["gateways"][0]["login"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn both_logins_work_at_both_endpoints_and_the_platforms_own_methods_need_none() {
    for (method, name) in [("sso", SSO), ("mobile", MOBILE)] {
        let app = app(method);
        assert_eq!(login_state(&app).await, "none");
        assert_eq!(app.get("/organizations/2/developer-account").await.status, 200);
        assert_eq!(app.sandbox().calls_of(name), 0);
        for path in ["/stores/S_123456/flow", "/inspections?page_size=1"] {
            assert_eq!(app.get(path).await.status, 200, "{method} {path}");
        }
        let calls = [name, TOTAL_DATA, INSPECTIONS].map(|method| app.sandbox().calls_of(method));
        assert_eq!((calls, login_state(&app).await.as_str()), ([1, 1, 1], "logged_in"));
    }
}

#[actix_web::test]
async fn without_a_configured_login_none_is_sent_and_none_is_shown() {
    let app = TestApp::with(|setup| setup.sandbox.require_login = true);
    let answer = app.get("/stores/S_123456/flow").await;
    assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-refused-credentials"));
    assert_eq!(answer.json()["gateway"]["code"], "9990001");
    assert_eq!(app.sandbox().calls(), 1);
    assert!(app.get("/readyz").await.json()["gateways"][0].get("login").is_none());
}

#[actix_web::test]
async fn five_hundred_readers_notice_nothing_when_the_login_dies() {
    let app = TestApp::with(|setup| {
        with_login(setup, "sso");
        setup.unhurried();
    });
    assert_eq!(app.get("/stores/S_123456/flow").await.status, 200);
    app.sandbox().forget_logins();
    app.pass(3_700);
    let paths: Vec<String> = (0..500).map(flow).collect();
    let answers = join_all(paths.iter().map(|path| app.get(path))).await;
    let others: Vec<_> = answers.iter().filter(|answer| answer.status != 200).map(|answer| answer.text()).collect();
    assert_eq!(others, Vec::<String>::new());
    assert_eq!(app.sandbox().calls_of(SSO), 2, "one login at the start, one new login for all");
    // And once more, with a call for every reader.
    app.sandbox().forget_logins();
    let bypassing = join_all((0..500).map(|_| app.get_as("operator", "/organizations/1084/flow"))).await;
    assert!(bypassing.iter().all(|answer| answer.status == 200));
    assert_eq!(app.sandbox().calls_of(SSO), 3);
}

#[actix_web::test]
async fn a_login_is_renewed_before_it_expires_and_no_request_waits_for_it() {
    let app = TestApp::with(|setup| {
        with_login(setup, "sso");
        setup.sandbox.login_lifetime = std::time::Duration::from_secs(600);
        // Time is moved while a renewal may be under way, and that must not be taken for a suspended machine.
        setup.unhurried();
    });
    for number in 0..40 {
        assert_eq!(app.get(&flow(number)).await.status, 200);
        app.pass(59);
    }
    // Forty minutes, less the minute before each end.
    let logins = app.sandbox().calls_of(SSO);
    assert!((4..=5).contains(&logins), "{logins}");
    assert_eq!(app.sandbox().calls_of(TOTAL_DATA), 40, "none was refused for its login");
}

#[actix_web::test]
async fn every_form_of_a_logins_answer_is_read() {
    for field in [LoginTokenField::Token, LoginTokenField::Authenticator] {
        for expiry in [LoginExpiry::Milliseconds, LoginExpiry::Seconds, LoginExpiry::Date, LoginExpiry::Missing] {
            let app = TestApp::with(|setup| {
                with_login(setup, "sso");
                setup.sandbox.login_lifetime = std::time::Duration::from_secs(600);
                setup.sandbox.login_token_field = field;
                setup.sandbox.login_expiry = expiry;
                // As above.
                setup.unhurried();
            });
            for number in 0..12 {
                assert_eq!(app.get(&flow(number)).await.status, 200, "{field:?} {expiry:?}");
                app.pass(59);
            }
            // Where no end is given, the gateway's refusal says that it has come.
            let refused = u64::from(expiry == LoginExpiry::Missing);
            let calls = [SSO, TOTAL_DATA].map(|method| app.sandbox().calls_of(method));
            assert_eq!(calls, [2, 12 + refused], "{field:?} {expiry:?}");
        }
    }
}

#[actix_web::test]
async fn a_refused_login_is_not_hammered() {
    for (name, value, code) in [("USER_NAME", "nobody", "103094"), ("PASSWORD", "wrong", "103095")] {
        let app = TestApp::with(|setup| {
            with_login(setup, "sso");
            setup.set(&format!("TENANTS__ACME__OPRETAIL__LOGIN__{name}"), value);
        });
        for minute in 0..10 {
            let paths: Vec<String> =
                (minute * 20..minute * 20 + 20).map(|store| format!("/stores/S_{store}/flow")).collect();
            for answer in join_all(paths.iter().map(|path| app.get(path))).await {
                assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-refused-credentials"));
                assert_eq!(answer.json()["gateway"]["code"], code);
            }
            app.pass(60);
        }
        let logins = app.sandbox().calls_of(SSO);
        assert!((1..=3).contains(&logins), "{logins} in ten minutes");
        assert_eq!((app.sandbox().calls_of(TOTAL_DATA), login_state(&app).await.as_str()), (0, "refused"));
    }
}

/// Whatever a gateway may answer to a login that is no token.
const NO_TOKEN: [&str; 4] = ["103096", "102005", "9990001", "no token"];

fn refuse_login(app: &TestApp, answer: &str) {
    let fault = match answer {
        "no token" => Fault::Body(r#"{"stat":{"code":0},"data":{}}"#.to_owned()),
        code => Fault::code(code),
    };
    app.sandbox().fail_next_of(SSO, fault, u32::MAX);
}

#[actix_web::test]
async fn a_login_that_is_refused_with_any_words_is_an_operators_matter_and_not_hammered() {
    for answer in NO_TOKEN {
        let app = app("sso");
        refuse_login(&app, answer);
        for number in 0..200 {
            let refused = app.get(&format!("/stores/S_{number}/flow")).await;
            assert_eq!((refused.status, refused.problem().as_str()), (502, "gateway-refused-credentials"), "{answer}");
            app.pass(3);
        }
        let logins = app.sandbox().calls_of(SSO);
        assert!((1..=3).contains(&logins), "{answer}: {logins} in ten minutes");
        assert_eq!(login_state(&app).await, "refused", "{answer}");
        assert_eq!(app.get("/readyz").await.json()["gateways"][0]["state"], "failing", "{answer}");
    }
}

#[actix_web::test]
async fn a_refused_login_removes_no_cached_response() {
    for answer in NO_TOKEN {
        let app = app("sso");
        assert_eq!(app.get("/stores/S_123456/flow").await.status, 200);
        app.pass(120);
        app.sandbox().forget_logins();
        refuse_login(&app, answer);
        for _ in 0..3 {
            let stale = app.get("/stores/S_123456/flow").await;
            assert!(stale.header("cache-status").unwrap().ends_with("detail=stale-if-error"), "{answer}");
            app.pass(2);
        }
    }
}

#[actix_web::test]
async fn when_the_login_works_again_no_method_goes_on_resting_for_it() {
    let app = app("sso");
    app.sandbox().fail_next_of(SSO, Fault::code("103095"), 1);
    assert_eq!(app.get("/stores/S_123456/flow").await.status, 502);
    app.pass(299);
    assert_eq!(app.get("/inspections?page_size=1").await.status, 502);
    app.pass(2);
    assert_eq!(app.get("/stores/S_123456/flow").await.status, 200);
    assert_eq!(app.get("/inspections?page_size=1").await.status, 200);
}

#[actix_web::test]
async fn a_failed_renewal_disturbs_no_request_and_is_not_repeated_at_once() {
    let app = TestApp::with(|setup| {
        with_login(setup, "sso");
        setup.sandbox.login_lifetime = std::time::Duration::from_secs(600);
    });
    assert_eq!(app.get("/stores/S_123456/flow").await.status, 200);
    app.pass(550);
    app.sandbox().fail_next_of(SSO, Fault::code("-500"), u32::MAX);
    for number in 0..40 {
        assert_eq!(app.get(&flow(number)).await.status, 200);
    }
    let logins = app.sandbox().calls_of(SSO);
    assert!((1..=4).contains(&logins), "{logins}");
}

#[actix_web::test]
async fn a_gateway_that_forgets_every_login_is_not_called_without_end() {
    let app = app("sso");
    app.sandbox().fail_next_of(TOTAL_DATA, Fault::code("9990001"), u32::MAX);
    for number in 0..50 {
        let answer = app.get(&format!("/stores/S_{number}/flow")).await;
        assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-refused-credentials"));
    }
    let (logins, calls) = (app.sandbox().calls_of(SSO), app.sandbox().calls_of(TOTAL_DATA));
    assert!(logins <= 4 && calls <= 8, "{logins} logins, {calls} calls");
    app.sandbox().clear_faults();
    app.pass(61);
    assert_eq!(app.get("/stores/S_123456/flow").await.status, 200);
}

#[actix_web::test]
async fn a_stale_response_bridges_a_refused_login() {
    let app = app("sso");
    assert_eq!(app.get("/stores/S_123456/flow").await.status, 200);
    app.pass(120);
    app.sandbox().forget_logins();
    app.sandbox().fail_next_of(SSO, Fault::code("103095"), u32::MAX);
    let answer = app.get("/stores/S_123456/flow").await;
    assert_eq!(answer.header("cache-status"), Some("storegate; fwd=stale; ttl=-90; detail=stale-if-error"));
}

#[actix_web::test]
async fn neither_password_nor_token_is_shown_anywhere() {
    let app = app("mobile");
    app.sandbox().fail_next_of(MOBILE, Fault::code("100001"), 1);
    let told: BTreeSet<String> = join_all(["/stores/S_123456/flow", "/readyz", "/metrics"].map(|path| app.get(path)))
        .await
        .into_iter()
        .map(|answer| format!("{:?} {}", answer.headers, answer.text()))
        .collect();
    assert!(told.iter().all(|told| !told.contains(PASSWORD) && !told.contains(USER)));
}
