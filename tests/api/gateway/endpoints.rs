//! A vendor with two endpoints: which one a method is called at, which credential signs there, and what a server lacks.

use storegate::gateway::account_settings::AccountSettings;
use storegate::sandbox::OpRetailApplication;
use storegate::settings::Problems;
use storegate::vendors::Vendors;

use crate::app::TestApp;
use crate::app::requests::{FLOW, TOTAL_DATA};

const OWN_CREDENTIAL: &str = "[tenants.acme.opretail.cloud]\nsystem = \"DC-000001\"\nkey = \"sandbox-application\"\n\
    secret = \"sandbox-application-secret\"\n";

#[actix_web::test]
async fn an_endpoint_with_a_credential_of_its_own_is_called_with_that() {
    let app = TestApp::with(|setup| {
        setup.sandbox.opretail[0].application = Some(OpRetailApplication::default());
        setup.more = OWN_CREDENTIAL.to_owned();
    });
    assert_eq!(app.get(FLOW).await.status, 200, "m.api takes the developer's credential");
    assert_eq!(
        app.get("/inspections?from=2026-11-01&to=2026-11-07").await.status,
        200,
        "cloud.api takes the other one"
    );
}

#[actix_web::test]
async fn without_it_the_endpoint_refuses_the_key_and_the_others_go_on() {
    let app = TestApp::with(|setup| setup.sandbox.opretail[0].application = Some(OpRetailApplication::default()));
    let refused = app.get("/inspections?from=2026-11-01&to=2026-11-07").await;
    assert_eq!((refused.status, refused.problem().as_str()), (502, "gateway-refused-credentials"));
    assert_eq!(app.get(FLOW).await.status, 200);
}

#[actix_web::test]
async fn every_method_or_a_single_one_can_be_called_at_the_other_endpoint() {
    let every = TestApp::with(|setup| {
        setup.sandbox.opretail[0].application = Some(OpRetailApplication::default());
        setup.more = OWN_CREDENTIAL.to_owned();
        setup.set("TENANTS__ACME__OPRETAIL__ENDPOINT", "cloud.api");
        // Nobody listens there.
        setup.set("TENANTS__ACME__OPRETAIL__M_API", "http://127.0.0.1:9/m.api");
    });
    assert_eq!(every.get(FLOW).await.status, 200);
    let single = TestApp::with(|setup| {
        setup.sandbox.opretail[0].application = Some(OpRetailApplication::default());
        setup.more = format!("{OWN_CREDENTIAL}[tenants.acme.opretail.methods]\n\"{TOTAL_DATA}\" = \"cloud.api\"\n");
    });
    assert_eq!(single.get(FLOW).await.status, 200);
    assert_eq!(single.sandbox().calls_of(TOTAL_DATA), 1);
}

#[actix_web::test]
async fn a_method_that_the_server_lacks_is_called_once_an_hour() {
    let app = TestApp::spawn();
    for store in 1..=3 {
        assert_eq!(app.get(&format!("/stores/SHOP00{store}")).await.status, 200);
    }
    assert_eq!((app.sandbox().calls_of("shop.get"), app.sandbox().calls_of("shop.getList")), (1, 3));
    app.time.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(app.get("/stores/SHOP004").await.status, 200);
    assert_eq!(app.sandbox().calls_of("shop.get"), 2);
}

#[test]
fn a_method_name_without_quotes_is_reported() {
    let section = "key = \"key\"\nsecret = \"secret\"\n[methods]\nopen.shopweb.getTotalData = \"cloud.api\"\n";
    let opretail = Vendors::default().get("opretail").unwrap();
    let Problems(problems) = AccountSettings::parse(opretail, section).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let words = "methods.open: a method's name is one text: write \"open.…\" in double quotes";
    assert!(problems[0].contains(words), "{problems:?}");
}
