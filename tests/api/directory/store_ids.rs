//! The store directory: one id for a store at both vendors, in every path, in answers and in tokens.

use std::fs;

use serde_json::json;
use storegate::auth::issue::TokenGrant;
use storegate::config::Settings;
use storegate::reload::{ReloadOutcome, Reloader};
use storegate::vendors::Vendors;

use crate::app::TestApp;
use crate::app::configurations::stores_file;
use crate::app::tenants::grant;

/// `S_123456` is the store that the OMS calls `SHOP061`, and `S_100001` the one that it calls `SHOP001`.
const STORES: &str = "id,opretail_id,oms_code,name\n\
flagship,S_123456,SHOP061,Nanjing Road\n\
2002,100001,SHOP001,\n\
online,,SHOP050,\n\
kiosk,S_100002,,\n";

const WEEK: &str = "from=2026-11-01&to=2026-11-07";

fn app(name: &str) -> TestApp {
    let path = stores_file(name, STORES);
    TestApp::with(|setup| setup.set("DIRECTORY__ACME__STORES_FILE", path.to_str().unwrap()))
}

#[actix_web::test]
async fn every_id_of_a_store_works_in_every_path_and_bodies_have_the_tenants_own() {
    let app = app("every-path");
    for id in ["flagship", "S_123456", "123456", "SHOP061"] {
        let flow = app.get(&format!("/stores/{id}/flow")).await;
        assert_eq!((flow.status, &flow.json()["store_id"]), (200, &json!("flagship")), "{id}");
        let demographics = app.get(&format!("/stores/{id}/demographics?{WEEK}")).await;
        assert_eq!(demographics.json()["store_ids"], json!(["flagship"]), "{id}");
        let store = app.get(&format!("/stores/{id}")).await.json();
        let ids = (&store["id"], &store["oms_code"], &store["opretail_id"]);
        assert_eq!(ids, (&json!("flagship"), &json!("SHOP061"), &json!("S_123456")), "{id}");
        let inspections = app.get(&format!("/inspections?from=2026-08-01&to=2026-11-22&store_id={id}")).await.json();
        let items = inspections["items"].as_array().unwrap();
        assert!(!items.is_empty() && items.iter().all(|item| item["store"]["id"] == "flagship"), "{id}");
    }
}

#[actix_web::test]
async fn one_cached_response_serves_all_spellings_of_an_id() {
    let app = app("one-answer");
    app.get("/stores/flagship/flow").await;
    for id in ["S_123456", "123456", "SHOP061"] {
        let answer = app.get(&format!("/stores/{id}/flow")).await;
        assert!(answer.header("cache-status").unwrap().starts_with("storegate; hit"), "{id}");
    }
    let dropped = app.request("operator", "DELETE", "/cache?store_id=SHOP061", &[]).await;
    assert_eq!(dropped.json(), json!({"dropped": 1}));
}

#[actix_web::test]
async fn the_list_of_stores_shows_both_vendors_ids() {
    let app = app("list");
    let list = app.get("/stores?code=SHOP001,SHOP002,SHOP050,SHOP061").await.json();
    let ids = |number: usize| {
        let item = &list["items"][number];
        (item["id"].clone(), item["oms_code"].clone(), item["opretail_id"].clone())
    };
    assert_eq!(ids(0), (json!("2002"), json!("SHOP001"), json!("S_100001")));
    assert_eq!(ids(1), (json!("SHOP002"), json!("SHOP002"), json!(null)));
    assert_eq!(ids(2), (json!("online"), json!("SHOP050"), json!(null)));
    assert_eq!(ids(3), (json!("flagship"), json!("SHOP061"), json!("S_123456")));
}

#[actix_web::test]
async fn a_store_that_lacks_a_number_says_what_to_add() {
    let app = app("lacks");
    for (path, words) in [
        ("/stores/online/flow", "Fill in the column `opretail_id` of its line in the store directory."),
        ("/stores/SHOP002/flow", "or add the store to the store directory with its `opretail_id`."),
    ] {
        let refused = app.get(path).await;
        assert_eq!((refused.status, refused.problem().as_str()), (404, "store-not-mapped"), "{path}");
        assert!(refused.json()["detail"].as_str().unwrap().ends_with(words), "{}", refused.text());
    }
    // A store that was opened after the file was written is found by its shape.
    assert_eq!(app.get("/stores/S_100003/flow").await.json()["store_id"], "S_100003");
}

#[actix_web::test]
async fn a_token_may_name_a_store_by_any_of_its_ids() {
    let app = app("tokens");
    for listed in ["flagship", "S_123456", "123456", "SHOP061"] {
        let limited = TokenGrant { stores: Some(vec![listed.to_owned()]), ..grant("operator") };
        let token = app.token_for("storegate", &limited);
        for path in ["/stores/flagship/flow", "/stores/S_123456/flow", "/stores/SHOP061", "/stores/123456/demographics"]
        {
            assert_eq!(app.get_with_token(&token, path).await.status, 200, "{listed} {path}");
        }
        for path in ["/stores/2002/flow", "/stores/S_2002/flow", "/stores/SHOP001", "/stores/kiosk/flow"] {
            let refused = app.get_with_token(&token, path).await;
            assert_eq!((refused.status, refused.problem().as_str()), (403, "store-not-granted"), "{listed} {path}");
        }
        let list = app.get_with_token(&token, "/stores").await.json();
        assert_eq!((list["items"].as_array().unwrap().len(), &list["items"][0]["id"]), (1, &json!("flagship")));
    }
    // `2002` is the tenant's id of S_100001, and not OPRetail's store of that number.
    let limited = TokenGrant { stores: Some(vec!["S_2002".to_owned()]), ..grant("operator") };
    let token = app.token_for("storegate", &limited);
    assert_eq!(app.get_with_token(&token, "/stores/2002/flow").await.problem(), "store-not-granted");
}

#[actix_web::test]
async fn another_tenant_has_a_directory_of_its_own() {
    let app = app("tenants");
    let refused = app.get_as("zenith", "/stores/flagship/flow").await;
    assert_eq!((refused.status, refused.problem().as_str()), (404, "store-not-mapped"));
}

#[actix_web::test]
async fn a_changed_file_is_in_force_for_the_next_request_and_a_wrong_one_is_not() {
    let app = app("reload");
    let path = stores_file("reload-from", STORES);
    let configuration = path.with_file_name("storegate.toml");
    let text = format!("{}\n[directory.acme]\nstores_file = {path:?}\n", app.configuration);
    fs::write(&configuration, text).unwrap();
    let read = move |running: &Vendors| Settings::read_from(Some(&configuration), std::iter::empty(), Some(running));
    let mut reloader = Reloader::new(app.in_force.clone(), read(&app.in_force.vendors).sources, read);
    let token = app.token("dashboard");
    // Twice, so that a worker remembers what the path meant.
    for _ in 0..2 {
        assert_eq!(app.get_with_token(&token, "/stores/flagship/flow").await.json()["store_id"], "flagship");
        assert_eq!(app.get_with_token(&token, "/stores/S_123456/flow").await.json()["store_id"], "flagship");
    }
    fs::write(&path, STORES.replace("flagship,S_123456", "main,S_123456")).unwrap();
    assert_eq!((reloader.look(), reloader.look()), (None, Some(ReloadOutcome::Applied)));
    assert_eq!(app.get_with_token(&token, "/stores/S_123456/flow").await.json()["store_id"], "main");
    assert_eq!(app.get_with_token(&token, "/stores/flagship/flow").await.status, 404);
    assert_eq!(app.get_with_token(&token, "/stores/SHOP061").await.json()["id"], "main");
    fs::write(&path, "id,oms_code\nmain\n").unwrap();
    assert_eq!((reloader.look(), reloader.look()), (None, Some(ReloadOutcome::Refused)));
    assert_eq!(app.get_with_token(&token, "/stores/main/flow").await.status, 200);
}

#[test]
fn a_wrong_file_stops_the_start_with_line_and_column() {
    let path = stores_file("wrong", "id,opretail_id\nflagship,SHOP\n,S_1\n");
    let app = TestApp::spawn();
    let text = format!("{}\n[directory.acme]\nstores_file = {path:?}\n[directory.acne]\n", app.configuration);
    let problems = Settings::parse(&text, std::iter::empty()).unwrap_err().to_string();
    let name = path.display();
    for words in [
        &format!("directory.acme.stores_file: {name}: line 2, column 2 (opretail_id): `SHOP` is no id of OPRetail"),
        &format!("directory.acme.stores_file: {name}: line 3, column 1 (id): every store needs an id"),
        "directory.acne: there is no company of this name in `tenants`; did you mean `acme`?",
        "directory.acne.stores_file: missing",
    ] {
        assert!(problems.contains(words), "{words}\n{problems}");
    }
}
