//! What may be asked of the resources: filters, periods, hours, the ways to write an id.

use serde_json::{Value, json};
use storegate::sandbox::OmsServer;

use crate::app::{OMS_SERVERS, TestApp};

#[actix_web::test]
async fn stores_are_found_by_code_and_by_a_part_of_their_name() {
    let mut found = Vec::new();
    for server in OMS_SERVERS {
        let app = TestApp::before(server);
        let codes = async |path: &str| -> Vec<String> {
            let answer = app.get(path).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let page = answer.json();
            let items = page["items"].as_array().unwrap();
            assert_eq!(page["page"]["total"], items.len());
            items.iter().map(|store| store["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(codes("/stores?code=SHOP003,SHOP001,NOSUCH").await, ["SHOP001", "SHOP003"]);
        assert_eq!(codes("/stores?code=SHOP001").await, ["SHOP001"]);
        assert!(codes("/stores?code=NOSUCH").await.is_empty());
        assert!(codes("/stores?code=SHOP001&name=nobody%20is%20called%20so").await.is_empty());
        found.push(codes("/stores?name=Living%20Beijing&page_size=100").await);
    }
    assert!(!found[0].is_empty() && found[0] == found[1], "{found:?}");
}

#[actix_web::test]
async fn what_the_oms_does_not_know_of_a_store_is_null() {
    // The world leaves gaps: 13 has no contact, 23 no telephone, 7 no e-mail, 29 no street, 19 no update, 11 is closed. The
    // published server knows neither companies nor e-mail addresses nor times, and its address has parts.
    for server in OMS_SERVERS {
        let app = TestApp::before(server);
        let store = async |code: &str| app.get(&format!("/stores/{code}")).await.json();
        assert!(store("SHOP013").await["contact"]["name"].is_null());
        assert!(store("SHOP023").await["contact"]["phone"].is_null());
        assert!(store("SHOP007").await["contact"]["email"].is_null());
        assert!(store("SHOP019").await["updated_at"].is_null());
        assert_eq!(store("SHOP011").await["status"], "offline");
        let is_published = server == OmsServer::Published;
        let address = store("SHOP029").await["address"].clone();
        assert_eq!(address, if is_published { json!("浙江省杭州市西湖区 310000") } else { Value::Null });
        let known = store("SHOP001").await;
        for field in [&known["company"], &known["contact"]["email"], &known["created_at"], &known["updated_at"]] {
            assert_eq!(field.is_null(), is_published, "{known}");
        }
    }
}

#[actix_web::test]
async fn a_store_goes_by_its_number_with_and_without_prefix() {
    let app = TestApp::spawn();
    let (with, without) = (app.get("/stores/S_123456/flow").await, app.get("/stores/123456/flow").await);
    assert_eq!((without.status, &without.body), (200, &with.body));
    assert_eq!(app.sandbox().calls(), 1, "it is one answer in the cache, too");
}

#[actix_web::test]
async fn every_way_to_write_a_figure_is_read_and_an_absent_one_is_null() {
    let app = TestApp::spawn();
    let mut rates = Vec::new();
    for number in 100_001..=100_020 {
        let answer = app.get(&format!("/stores/S_{number}/flow")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let flow = answer.json();
        assert!(flow["visitors"]["today"].is_u64(), "{flow}");
        assert!(flow["weather"].is_object() || flow["weather"].is_null(), "{flow}");
        rates.push(flow["fitting_room_rate_percent"].clone());
    }
    assert!(rates.iter().any(Value::is_null) && rates.iter().any(Value::is_number));
    assert!(rates.iter().all(|rate| rate.is_null() || rate.is_number()));
}

#[actix_web::test]
async fn hours_narrow_demographics_and_instants_are_read_in_china() {
    let app = TestApp::spawn();
    let visitors = async |query: &str| -> i64 {
        let answer = app.get(&format!("/stores/S_123456/demographics?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["visitors"].as_i64().unwrap()
    };
    let whole = visitors("from=2026-11-06&to=2026-11-06").await;
    let evening = visitors("from=2026-11-06&to=2026-11-06&start_hour=18&end_hour=20").await;
    let open = visitors("from=2026-11-06&to=2026-11-06&business_hours_only=true").await;
    assert!(0 < evening && evening < open && open < whole, "{evening} {open} {whole}");
    let until_noon = visitors("from=2026-11-06&to=2026-11-06T03:59:59Z").await;
    let from_noon = visitors("from=2026-11-06T12:00:00%2B08:00&to=2026-11-06").await;
    assert!((until_noon + from_noon - whole).abs() <= 2, "{until_noon} {from_noon} {whole}");
}

#[actix_web::test]
async fn today_is_the_default_period() {
    let app = TestApp::spawn();
    let period = app.get("/stores/S_123456/demographics").await.json()["period"].clone();
    assert_eq!(period["from"], "2026-11-22T00:00:00+08:00");
    assert_eq!(period["to"], "2026-11-22T23:59:59+08:00");
}

#[actix_web::test]
async fn inspections_are_filtered_by_their_source() {
    let app = TestApp::spawn();
    let answer = app.get("/inspections?from=2026-09-01&source_type=on_site,mystery_visit&page_size=100").await;
    let items = answer.json()["items"].as_array().unwrap().clone();
    let mut names: Vec<_> = items.iter().map(|item| item["source_type"]["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["mystery_visit", "on_site"]);
}

#[actix_web::test]
async fn each_tenant_reads_its_own_organization_only() {
    let app = TestApp::spawn();
    assert_eq!(app.get_as("zenith", "/organizations/2168/flow").await.status, 200);
    assert_eq!(app.get_as("zenith", "/organizations/3/developer-account").await.json()["business_enterprise_id"], 2168);
    for path in ["/organizations/1084/flow", "/organizations/2/developer-account"] {
        let foreign = app.get_as("zenith", path).await;
        assert_eq!((foreign.status, foreign.problem().as_str()), (403, "store-not-granted"), "{path}");
    }
}

#[actix_web::test]
async fn what_is_not_utf8_is_refused_by_the_name_of_its_parameter_and_reaches_no_gateway() {
    let app = TestApp::with(|setup| setup.more = DECLARED.to_owned());
    let week = "from=2026-11-01&to=2026-11-07";
    for (path, name) in [
        // A name in GBK, half a letter, a surrogate, an overlong letter.
        ("/stores?name=%C4%BE%C1%D6".to_owned(), "name"),
        ("/stores?name=shop%E6%9C".to_owned(), "name"),
        ("/stores?name=%ED%A0%80".to_owned(), "name"),
        ("/stores?code[0]=SHOP001&code[1]=%FF".to_owned(), "code"),
        ("/stores?page=1%FF".to_owned(), "page"),
        ("/flow?store_id=S_123456,%C0%80".to_owned(), "store_id"),
        (format!("/stores/S_123456/demographics?{week}&business_hours_only=%FF"), "business_hours_only"),
        (format!("/inspections?source_type=%FF&{week}"), "source_type"),
        ("/labels?text=%C4".to_owned(), "text"),
        ("/stores/S_123456/flow/events?last-event-id=%FF".to_owned(), "last_event_id"),
    ] {
        let answer = app.get(&path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "invalid-parameter"), "{path}");
        let errors = answer.json()["errors"].clone();
        assert_eq!((errors.as_array().unwrap().len(), errors[0]["parameter"].as_str()), (1, Some(name)), "{path}");
        assert!(errors[0]["message"].as_str().unwrap().contains("not UTF-8"), "{path}: {errors}");
    }
    assert_eq!(app.sandbox().calls(), 0);
    assert_eq!(app.get("/stores?name=%E6%9C%A8&page_size=1").await.status, 200);
    assert_eq!(app.get("/stores?name=%EF%BF%BD").await.status, 200, "a replacement character is text, too");
}

const DECLARED: &str = r#"
[resources.labels]
path = "/labels"
summary = "Labels"
tag = "Stores"
gateway = "oms"
method = "shop.getList"
scope = "stores:read"
answer = "as_given"
fresh = "30s"
[resources.labels.parameters.text]
type = "text"
wire = "shop_name"
required = true
example = "a"
"#;
