//! Each resource, whole, as a client reads it at ten o'clock on a Sunday.

use insta::assert_json_snapshot;
use storegate::sandbox::OmsServer;

use crate::app::answer::Answer;
use crate::app::configurations::stores_file;
use crate::app::requests::FLOW;
use crate::app::tenants::SECRETS;
use crate::app::{OMS_SERVERS, TestApp};

/// The links of a list, one by one.
fn links(answer: &Answer) -> Vec<&str> {
    answer.header("link").unwrap().split(", ").collect()
}

/// A success whose body is JSON.
fn assert_is_json(answer: &Answer) {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json; charset=utf-8")));
}

const fn name(server: OmsServer) -> &'static str {
    match server {
        OmsServer::Published => "published",
        OmsServer::Documented => "documented",
    }
}

#[actix_web::test]
async fn a_page_of_stores_has_the_fields_of_the_oms_and_its_place_in_the_list() {
    for server in OMS_SERVERS {
        let answer = TestApp::before(server).get("/stores?page=3&page_size=1").await;
        assert_is_json(&answer);
        assert_json_snapshot!(format!("stores_{}", name(server)), answer.json());
        assert_eq!(
            links(&answer),
            [
                r#"</stores?page=1&page_size=1>; rel="first""#,
                r#"</stores?page=2&page_size=1>; rel="prev""#,
                r#"</stores?page=4&page_size=1>; rel="next""#,
                r#"</stores?page=260&page_size=1>; rel="last""#,
            ]
        );
    }
}

#[actix_web::test]
async fn a_store_has_its_address_and_its_contact() {
    for server in OMS_SERVERS {
        let answer = TestApp::before(server).get("/stores/SHOP001").await;
        assert_is_json(&answer);
        assert_json_snapshot!(format!("store_{}", name(server)), answer.json());
    }
}

#[actix_web::test]
async fn the_flow_of_a_store_has_its_figures_as_numbers() {
    let answer = TestApp::spawn().get(FLOW).await;
    assert_is_json(&answer);
    assert_json_snapshot!("flow_of_a_store", answer.json());
}

#[actix_web::test]
async fn the_flow_of_an_organization_sums_its_stores() {
    let app = TestApp::spawn();
    let answer = app.get("/organizations/1084/flow").await;
    assert_is_json(&answer);
    assert_json_snapshot!("flow_of_an_organization", answer.json());
    let prefixed = app.get("/organizations/O_1084/flow").await;
    assert_eq!(prefixed.body, answer.body);
    let mut sum = 0;
    for (id, _) in storegate::sandbox::stores_of(1084) {
        sum += app.get(&format!("/stores/{id}/flow")).await.json()["visitors"]["today"].as_i64().unwrap();
    }
    assert_eq!(answer.json()["visitors"]["today"], sum);
}

#[actix_web::test]
async fn demographics_count_a_period_by_gender_and_age() {
    let answer = TestApp::spawn().get("/stores/S_123456/demographics?from=2026-11-01&to=2026-11-07").await;
    assert_is_json(&answer);
    assert_json_snapshot!("demographics_of_a_store", answer.json());
}

#[actix_web::test]
async fn combined_resources_have_the_body_of_each_part() {
    let path = stores_file("whole-bodies", "id,opretail_id,oms_code\nflagship,S_123456,SHOP061\nkiosk,S_100002,\n");
    let app = TestApp::with(|setup| setup.set("DIRECTORY__ACME__STORES_FILE", path.to_str().unwrap()));
    let period = "from=2026-11-01&to=2026-11-07";
    for (snapshot, path) in [
        ("overview", format!("/stores/flagship/overview?{period}")),
        ("flow_of_stores", "/flow?store_id=flagship,kiosk".to_owned()),
        ("demographics_of_stores", format!("/demographics?store_id=flagship,kiosk&{period}")),
    ] {
        let answer = app.get(&path).await;
        assert_is_json(&answer);
        assert_json_snapshot!(snapshot, answer.json());
    }
}

#[actix_web::test]
async fn an_inspection_has_named_fields_and_everything_else_under_extra() {
    let answer = TestApp::spawn().get("/inspections?from=2026-11-19&to=2026-11-20&page_size=1").await;
    assert_is_json(&answer);
    assert_json_snapshot!("inspections", answer.json());
    assert_eq!(
        links(&answer),
        [
            r#"</inspections?from=2026-11-19&to=2026-11-20&page=1&page_size=1>; rel="first""#,
            r#"</inspections?from=2026-11-19&to=2026-11-20&page=2&page_size=1>; rel="next""#,
            r#"</inspections?from=2026-11-19&to=2026-11-20&page=7&page_size=1>; rel="last""#,
        ]
    );
}

#[actix_web::test]
async fn a_developer_account_hides_its_secret_from_clients_without_the_scope() {
    let app = TestApp::spawn();
    let masked = app.get("/organizations/2/developer-account").await;
    assert_eq!((masked.status, masked.header("cache-control")), (200, Some("no-store")));
    assert_json_snapshot!("developer_account", masked.json());
    let shown = app.get_as("operator", "/organizations/2/developer-account").await;
    assert_eq!(shown.json()["application_secret"], SECRETS[0]);
    assert_eq!(shown.header("cache-control"), Some("no-store"));
}
