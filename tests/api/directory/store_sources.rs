//! Where stores come from: the OMS, the store directory, or both; and what a tenant hears that has neither.

use std::fmt::Write as _;

use serde_json::{Value, json};
use storegate::auth::issue::TokenGrant;

use crate::app::TestApp;
use crate::app::answer::Answer;
use crate::app::configurations::stores_file;
use crate::app::requests::NO_CACHE;
use crate::app::tenants::{EVERYTHING, grant};
use crate::peers::independent_gateway::IndependentGateway;
use crate::peers::independent_gateway::{app_before, gateway};

const ROWS: &str = "id,opretail_id,oms_code,name\n\
paris,S_1,A1,Paris Flagship\n\
kiosk,S_2,,Airport Kiosk\n\
web,,X9,Online Shop\n\
bare,S_3,,\n";

/// acme's OMS has A1, B2 and C3.
fn oms() -> IndependentGateway {
    let gateway = gateway();
    gateway.answer_by("shop.getList", |asked| {
        let codes = asked.get("shop_code").map(|codes| codes.split(',').map(str::to_owned).collect::<Vec<_>>());
        let all = [("A1", "Old Paris"), ("B2", "Berlin"), ("C3", "Airport Cologne")];
        let found: Vec<Value> = all
            .into_iter()
            .filter(|(code, _)| codes.as_ref().is_none_or(|codes| codes.iter().any(|wanted| wanted == code)))
            .map(|(code, name)| json!({"shop_code": code, "shop_name": name, "active": "true"}))
            .collect();
        json!({"response": {"count": found.len().to_string(), "lists": found}}).to_string()
    });
    gateway.answer_by("shop.get", |asked| match asked["shop_code"].as_str() {
        "A1" => r#"{"response":{"shop_bn":"A1","shop_name":"Old Paris","address":"1 Rue Exemple"}}"#.to_owned(),
        _ => r#"{"code":404,"msg":"no such store"}"#.to_owned(),
    });
    gateway
}

/// Besides acme: `counted` has OPRetail alone, `shops` an OMS alone; `listed` has OPRetail and a directory.
fn app(gateway: &IndependentGateway, name: &str, rows: &str) -> TestApp {
    let path = stores_file(name, rows);
    let (m_api, cloud_api) = (gateway.url("/elsewhere/m.api"), gateway.url("/elsewhere/cloud.api"));
    app_before(gateway, |setup| {
        for tenant in ["counted", "listed"] {
            write!(
                setup.more,
                "\n[tenants.{tenant}.opretail]\nm_api = \"{m_api}\"\ncloud_api = \"{cloud_api}\"\nkey = \"k\"\nsecret = \"planted-acme-secret\"\n"
            )
            .unwrap();
        }
        let oms = gateway.url("/oms");
        write!(setup.more, "[tenants.shops.oms]\nurl = \"{oms}\"\nflag = \"f\"\ntoken = \"planted-acme-token\"\n")
            .unwrap();
        for tenant in ["acme", "listed"] {
            write!(setup.more, "[directory.{tenant}]\nstores_file = {path:?}\n").unwrap();
        }
        for tenant in ["counted", "listed", "shops"] {
            write!(
                setup.more,
                "[auth.clients.{tenant}]\ntenant = \"{tenant}\"\nscopes = {EVERYTHING:?}\nsecret_sha256 = \"{:064}\"\n",
                1
            )
            .unwrap();
        }
    })
}

fn token(app: &TestApp, tenant: &str, stores: Option<&[&str]>) -> String {
    let stores = stores.map(|stores| stores.iter().map(|id| (*id).to_owned()).collect());
    let client_id = if tenant == "acme" { "operator" } else { tenant }.to_owned();
    app.token_for("storegate", &TokenGrant { client_id, tenant: tenant.to_owned(), stores, ..grant("operator") })
}

async fn get(app: &TestApp, tenant: &str, path: &str) -> Answer {
    app.get_with_token(&token(app, tenant, None), path).await
}

#[actix_web::test]
async fn the_list_has_what_oms_or_directory_know_once_with_all_numbers() {
    let gateway = oms();
    let app = app(&gateway, "sources-list", ROWS);
    let answer = get(&app, "acme", "/stores").await;
    assert_eq!(answer.ids(), ["paris", "B2", "C3", "kiosk", "web", "bare"]);
    let list = answer.json();
    assert_eq!((&list["page"]["total"], &list["page"]["pages"]), (&json!(6), &json!(1)));
    let of = |place: usize| {
        let store = &list["items"][place];
        (store["oms_code"].clone(), store["opretail_id"].clone(), store["name"].clone(), store["source"].clone())
    };
    assert_eq!(of(0), (json!("A1"), json!("S_1"), json!("Paris Flagship"), json!(["directory", "oms"])));
    assert_eq!(of(1), (json!("B2"), json!(null), json!("Berlin"), json!(["oms"])));
    assert_eq!(of(3), (json!(null), json!("S_2"), json!("Airport Kiosk"), json!(["directory"])));
    assert_eq!(of(4), (json!("X9"), json!(null), json!("Online Shop"), json!(["directory"])));
    assert_eq!((&list["items"][0]["status"], &list["items"][3]["status"]), (&json!("online"), &json!("unknown")));
}

#[actix_web::test]
async fn pages_and_links_lead_through_the_merged_list() {
    let gateway = oms();
    let app = app(&gateway, "sources-pages", ROWS);
    let mut all = Vec::new();
    for page in 1..=3 {
        let answer = get(&app, "acme", &format!("/stores?page_size=2&page={page}")).await;
        assert_eq!(answer.json()["page"], json!({"number": page, "size": 2, "total": 6, "pages": 3}));
        assert_eq!(answer.header("link").unwrap().contains("rel=\"next\""), page < 3);
        all.extend(answer.ids());
    }
    assert_eq!(all, ["paris", "B2", "C3", "kiosk", "web", "bare"]);
}

#[actix_web::test]
async fn names_and_codes_are_looked_for_in_the_merged_list() {
    let gateway = oms();
    let app = app(&gateway, "sources-filters", ROWS);
    for (query, expected) in [
        ("name=airport", vec!["C3", "kiosk"]),
        ("name=PARIS", vec!["paris"]),
        ("name=old", vec![]),
        ("code=A1,X9", vec!["paris", "web"]),
        ("code=X9&name=shop", vec!["web"]),
        ("code=A1&name=berlin", vec![]),
        ("code=NOSUCH", vec![]),
    ] {
        let answer = get(&app, "acme", &format!("/stores?{query}")).await;
        assert_eq!(
            (answer.ids(), answer.json()["page"]["total"].as_u64()),
            (expected.iter().map(|id| (*id).to_owned()).collect(), Some(expected.len() as u64)),
            "{query}"
        );
    }
}

#[actix_web::test]
async fn a_limited_token_sees_its_stores_of_both_sources_and_no_others() {
    let gateway = oms();
    let app = app(&gateway, "sources-limited", ROWS);
    for (granted, expected) in
        [(&["kiosk"][..], vec!["kiosk"]), (&["S_2", "A1"], vec!["paris", "kiosk"]), (&["X9", "B2"], vec!["B2", "web"])]
    {
        let token = token(&app, "acme", Some(granted));
        let answer = app.get_with_token(&token, "/stores").await;
        assert_eq!(answer.ids(), expected, "{granted:?}");
        assert_eq!(answer.json()["page"]["total"], expected.len());
        assert_eq!(app.get_with_token(&token, "/stores/C3").await.problem(), "store-not-granted");
        assert_eq!(app.get_with_token(&token, "/stores?code=C3").await.problem(), "store-not-granted");
    }
    let kiosk = token(&app, "acme", Some(&["kiosk"]));
    assert_eq!(app.get_with_token(&kiosk, "/stores/S_2").await.json()["id"], "kiosk");
    assert_eq!(gateway.received().iter().filter(|call| call.parameters["method"] == "shop.get").count(), 0);
}

#[actix_web::test]
async fn a_store_that_only_the_directory_knows_is_read_by_each_of_its_ids() {
    let gateway = oms();
    let app = app(&gateway, "sources-one", ROWS);
    for id in ["kiosk", "S_2", "2"] {
        let store = get(&app, "acme", &format!("/stores/{id}")).await.json();
        assert_eq!(
            (&store["id"], &store["name"], &store["source"]),
            (&json!("kiosk"), &json!("Airport Kiosk"), &json!(["directory"]))
        );
    }
    // The OMS has no store of this code.
    let web = get(&app, "acme", "/stores/web").await.json();
    assert_eq!((&web["name"], &web["source"]), (&json!("Online Shop"), &json!(["directory"])));
    let paris = get(&app, "acme", "/stores/A1").await.json();
    assert_eq!(
        (&paris["name"], &paris["address"], &paris["source"]),
        (&json!("Paris Flagship"), &json!("1 Rue Exemple"), &json!(["directory", "oms"]))
    );
    assert_eq!(get(&app, "acme", "/stores/S_77").await.problem(), "store-not-mapped");
    assert_eq!(get(&app, "acme", "/stores/NOSUCH").await.problem(), "store-not-found");
}

#[actix_web::test]
async fn a_failing_oms_is_the_problem_although_the_directory_knows_stores() {
    let gateway = oms();
    let app = app(&gateway, "sources-failing", ROWS);
    let older = get(&app, "acme", "/stores").await;
    gateway.answer_by("shop.getList", |_| r#"{"error_response":{"code":"e000005","msg":"init failed"}}"#.to_owned());
    let failed = get(&app, "acme", "/stores?page_size=7").await;
    assert_eq!((failed.status, failed.problem().as_str()), (502, "gateway-error"));
    let kept = app.request("operator", "GET", "/stores", NO_CACHE).await;
    assert_eq!((kept.status, kept.text()), (200, older.text()), "an older answer is better");
}

#[actix_web::test]
async fn a_tenant_without_an_oms_gets_the_stores_of_its_directory() {
    let gateway = oms();
    let app = app(&gateway, "sources-listed", ROWS);
    assert_eq!(get(&app, "listed", "/stores").await.ids(), ["paris", "kiosk", "web", "bare"]);
    assert_eq!(get(&app, "listed", "/stores?name=KIOSK").await.ids(), ["kiosk"]);
    assert_eq!(get(&app, "listed", "/stores?code=X9").await.ids(), ["web"]);
    assert_eq!(get(&app, "listed", "/stores/A1").await.json()["id"], "paris");
    assert_eq!(get(&app, "listed", "/stores/kiosk").await.json()["opretail_id"], "S_2");
    let unknown = get(&app, "listed", "/stores/NOSUCH").await;
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "store-not-found"));
    assert_eq!(get(&app, "listed", "/stores/kiosk/flow").await.status, 200);
    let overview = get(&app, "listed", "/stores/kiosk/overview?parts=store,flow").await.json();
    assert_eq!((&overview["store"]["name"], &overview["errors"]), (&json!("Airport Kiosk"), &json!({})));
    assert!(gateway.received().iter().all(|call| call.parameters.contains_key("_mt")), "no OMS was asked");
}

#[actix_web::test]
async fn a_resource_without_a_configured_vendor_is_a_problem_with_the_section_to_add() {
    let gateway = oms();
    let app = app(&gateway, "sources-missing", ROWS);
    for (tenant, path, section) in [
        ("counted", "/stores", "[tenants.counted.oms]"),
        ("counted", "/stores?code=A1", "[tenants.counted.oms]"),
        ("counted", "/stores/A1", "[tenants.counted.oms]"),
        ("counted", "/stores/S_1", "[tenants.counted.oms]"),
        ("counted", "/stores/S_1/overview?parts=store", "[tenants.counted.oms]"),
        ("counted", "/inspections", "tenants.counted.opretail.enterprise_id"),
        ("shops", "/stores/S_1/flow", "[tenants.shops.opretail]"),
        ("shops", "/stores/A1/flow", "[tenants.shops.opretail]"),
        ("shops", "/stores/S_1/flow/events?limit=1", "[tenants.shops.opretail]"),
        ("shops", "/stores/S_1/demographics", "[tenants.shops.opretail]"),
        ("shops", "/flow?store_id=S_1&store_id=A1", "[tenants.shops.opretail]"),
        ("shops", "/demographics?store_id=S_1", "[tenants.shops.opretail]"),
        ("shops", "/organizations/1/flow", "[tenants.shops.opretail]"),
        ("shops", "/organizations/1/developer-account", "[tenants.shops.opretail]"),
        ("shops", "/inspections", "[tenants.shops.opretail]"),
        ("shops", "/inspections?store_id=A1", "[tenants.shops.opretail]"),
    ] {
        let answer = get(&app, tenant, path).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (404, "not-configured"),
            "{tenant} {path}: {}",
            answer.text()
        );
        assert!(answer.json()["detail"].as_str().unwrap().contains(section), "{path}: {}", answer.text());
    }
    let overview = get(&app, "shops", "/stores/A1/overview").await.json();
    assert_eq!(overview["store"]["oms_code"], "A1");
    assert!(overview["errors"]["flow"]["type"].as_str().unwrap().ends_with("/problems/not-configured"), "{overview}");
    let page = app.send("GET", "/problems/not-configured", &[], "").await;
    assert_eq!(page.status, 200);
}
