//! Vendor credentials that are replaced while the service runs: in force with the next request, and two at a time if wanted.

use std::fs;
use std::time::Duration;

use futures_util::future::join;
use storegate::reload::ReloadOutcome;
use storegate::sandbox::{Fault, OpRetailUser};

use crate::app::configuration_files::Files;
use crate::app::program::directory;
use crate::app::requests::{FLOW, TOTAL_DATA};
use crate::app::tenants::SECRETS;
use crate::app::waiting::eventually;
use crate::app::{Setup, TestApp, documented};

const STORE: &str = "/stores/SHOP001";

/// The service, with one of acme's secrets wrong from the start.
fn wrong_at_first(variable: &str) -> TestApp {
    TestApp::with(|setup| setup.set(variable, "a-secret-that-was-replaced"))
}

#[actix_web::test]
async fn a_new_secret_or_token_is_in_force_at_once_and_ends_the_rest_of_the_old_one() {
    for (variable, path) in [("TENANTS__ACME__OPRETAIL__SECRET", FLOW), ("TENANTS__ACME__OMS__TOKEN", STORE)] {
        let app = wrong_at_first(variable);
        for _ in 0..2 {
            let refused = app.get(path).await;
            assert_eq!((refused.status, refused.problem().as_str()), (502, "gateway-refused-credentials"));
        }
        assert_eq!(app.sandbox().calls(), 1, "it rests");
        let mut files = Files::of(&app, "vendor-secret");
        assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
        // What was refused is remembered for a moment.
        app.pass(2);
        assert_eq!(app.get(path).await.status, 200, "{variable}");
    }
}

#[actix_web::test]
async fn a_secret_file_that_is_replaced_is_noticed() {
    let app = wrong_at_first("TENANTS__ACME__OPRETAIL__SECRET");
    let secret = directory("secret-of-a-vendor").join("secret");
    fs::write(&secret, "wrong\n").unwrap();
    let mut files = Files::of(&app, "vendor-secret-file");
    files.change(&format!("secret = \"{}\"", SECRETS[0]), &format!("secret_file = {secret:?}"));
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    assert_eq!(app.get(FLOW).await.status, 502);
    fs::write(&secret, format!("{}\n", SECRETS[0])).unwrap();
    while files.reloader.look().is_none() {}
    app.pass(2);
    assert_eq!(app.get(FLOW).await.status, 200);
}

#[actix_web::test]
async fn a_tenant_that_did_not_change_goes_on_with_all_that_it_knows() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "unchanged-tenant");
    app.sandbox().fail_next(Fault::code("-500"), 40);
    for store in 0..30 {
        app.get_as("zenith", &format!("/stores/S_{}/flow", 200_001 + store)).await;
    }
    let breakers = async || app.get("/readyz").await.json()["gateways"].to_string().matches("\"open\"").count();
    assert_eq!(breakers().await, 1);
    files.change(SECRETS[0], "another-secret-of-acme");
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    assert_eq!(breakers().await, 1, "zenith's breaker is still open");
}

#[actix_web::test]
async fn a_call_under_way_ends_with_the_secret_that_it_began_with() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "secret-under-way");
    app.sandbox().fail_next_of(TOTAL_DATA, Fault::Delay(Duration::from_millis(500)), 1);
    let replacing = async {
        eventually("the call is under way", async || app.sandbox().calls() != 0).await;
        files.change(SECRETS[0], "the-next-secret");
        assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    };
    let (answer, ()) = join(app.get(FLOW), replacing).await;
    assert_eq!(answer.status, 200);
    assert_eq!(app.get("/stores/S_100001/flow").await.status, 502, "the next one is signed with the new one");
}

fn with_login(setup: &mut Setup) {
    setup.sandbox.require_login = true;
    setup.sandbox.opretail[0].users =
        vec![OpRetailUser { name: "13900000000".to_owned(), password: "planted-password".into() }];
    setup.more =
        "[tenants.acme.opretail.login]\nuser_name = \"13900000000\"\npassword = \"planted-password\"\n".to_owned();
}

#[actix_web::test]
async fn a_new_password_logs_in_again_and_a_new_secret_does_not() {
    let app = TestApp::with(|setup| {
        with_login(setup);
        setup.set("TENANTS__ACME__OPRETAIL__LOGIN__PASSWORD", "wrong");
    });
    let logins = || app.sandbox().calls_of("open.shopweb.security.ssoLogin");
    assert_eq!((app.get(FLOW).await.status, logins()), (502, 1));
    let mut files = Files::of(&app, "vendor-password");
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    app.pass(2);
    assert_eq!((app.get(FLOW).await.status, logins()), (200, 2));
    files.change("[tenants.acme.opretail]\n", "[tenants.acme.opretail]\nsecond_secret = \"unused\"\n");
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    assert_eq!((app.get("/stores/S_100001/flow").await.status, logins()), (200, 2), "the user is still logged in");
}

#[actix_web::test]
async fn of_two_secrets_the_one_that_the_gateway_takes_is_used() {
    for (account, key, path, others) in
        [("OPRETAIL", "SECRET", FLOW, "/stores/S_100001/flow"), ("OMS", "TOKEN", STORE, "/stores/SHOP002")]
    {
        let right = if account == "OMS" { SECRETS[1] } else { SECRETS[0] };
        let app = TestApp::with(|setup| {
            documented(setup);
            setup.set(&format!("TENANTS__ACME__{account}__{key}"), "not-any-more");
            setup.set(&format!("TENANTS__ACME__{account}__SECOND_{key}"), right);
        });
        assert_eq!((app.get(path).await.status, app.sandbox().calls()), (200, 2), "{account}");
        assert_eq!((app.get(others).await.status, app.sandbox().calls()), (200, 3), "it is known now");
    }
}

#[actix_web::test]
async fn two_secrets_that_are_both_refused_cost_two_calls_and_then_rest() {
    let app = TestApp::with(|setup| {
        setup.set("TENANTS__ACME__OPRETAIL__SECRET", "not-any-more");
        setup.set("TENANTS__ACME__OPRETAIL__SECOND_SECRET", "not-yet");
    });
    for path in [FLOW, "/stores/S_100001/flow"] {
        let refused = app.get(path).await;
        assert_eq!((refused.status, refused.problem().as_str()), (502, "gateway-refused-credentials"));
    }
    assert_eq!(app.sandbox().calls(), 2);
}

#[actix_web::test]
async fn a_new_tenant_is_served_and_a_removed_one_is_not() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "tenants");
    let text =
        files.text.replace("[tenants.zenith.", "[tenants.umbra.").replace("tenant = \"zenith\"", "tenant = \"umbra\"");
    files.write(&text);
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    assert_eq!(app.get_as("zenith", "/organizations/2168/flow").await.status, 401);
    let grant =
        storegate::auth::issue::TokenGrant { tenant: "umbra".to_owned(), ..crate::app::tenants::grant("zenith") };
    let token = app.token_for("storegate", &grant);
    assert_eq!(app.get_with_token(&token, "/organizations/2168/flow").await.status, 200);
    assert_eq!(app.get(FLOW).await.status, 200);
}
