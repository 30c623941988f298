//! What leaves towards a gateway that is not the sandbox: the same service, pointed at it by configuration alone.

use crate::app::requests::{NO_CACHE, TOTAL_DATA};
use crate::peers::independent_gateway::{OmsTime, app_before, gateway, gateway_with_time};
use crate::peers::independent_rules::Parameters;

const INSPECTIONS: &str = "open.shopweb.liveCheck.statisticsDetailPageForCustomer";
const ACCOUNT: &str = "open.gateway.authentication";

fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[actix_web::test]
async fn the_flow_of_a_store_is_one_signed_form_without_units_at_m_api() {
    let gateway = gateway();
    let app = app_before(&gateway, |setup| setup.set("TENANTS__ACME__OPRETAIL__NONCE", "false"));
    let answer = app.get("/stores/123456/flow").await;
    assert_eq!((answer.status, answer.json()["visitors"]["today"].as_i64()), (200, Some(7)));
    let mut received = gateway.only();
    assert_eq!(received.verdict, "ok");
    assert_eq!(received.path, "/elsewhere/m.api");
    assert_eq!(received.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(received.parameters.remove("_sig").map(|signature| signature.len()), Some(32));
    let expected = [
        ("_aid", "S107"),
        ("_akey", "S107-00000001"),
        ("_mt", TOTAL_DATA),
        ("_requestMode", "POST"),
        ("_sm", "md5"),
        ("_timestamp", "20261122100000"),
        ("_version", "v1"),
        ("id", "S_123456"),
        ("needUnit", "0"),
    ];
    assert_eq!(received.parameters, parameters(&expected));
}

#[actix_web::test]
async fn sha1_and_the_system_number_follow_the_configuration() {
    let gateway = gateway();
    let app = app_before(&gateway, |setup| {
        setup.set("TENANTS__ACME__OPRETAIL__SIGN_METHOD", "sha1");
        setup.set("TENANTS__ACME__OPRETAIL__SYSTEM", "DC-000042");
    });
    assert_eq!(app.get("/organizations/1084/flow").await.status, 200);
    let received = gateway.only();
    assert_eq!(received.verdict, "ok");
    assert_eq!((received.parameters["_sm"].as_str(), received.parameters["_sig"].len()), ("sha1", 40));
    assert_eq!((received.parameters["_aid"].as_str(), received.parameters["id"].as_str()), ("DC-000042", "O_1084"));
}

#[actix_web::test]
async fn a_nonce_makes_equal_calls_of_one_second_different() {
    let gateway = gateway();
    let app = app_before(&gateway, |_| {});
    for _ in 0..3 {
        assert_eq!(app.request("operator", "GET", "/stores/S_1/flow", NO_CACHE).await.status, 200);
        assert_eq!(app.request("operator", "GET", "/stores/A1", NO_CACHE).await.status, 200);
    }
    assert_eq!(gateway.verdicts(), ["ok"; 6]);
    let received = gateway.received();
    assert!(received.iter().step_by(2).all(|received| received.parameters["_timestamp"] == "20261122100000"));
    assert!(received.iter().skip(1).step_by(2).all(|received| received.parameters["timestamp"] == "1795312800"));
    let nonces = received.iter().map(|received| {
        let name = if received.parameters.contains_key("_mt") { "_nonce" } else { "nonce" };
        received.parameters[name].as_str()
    });
    assert_eq!(nonces.collect::<std::collections::HashSet<_>>().len(), 6);
}

#[actix_web::test]
async fn without_a_nonce_equal_calls_of_one_second_get_later_timestamps() {
    let gateway = gateway();
    let app = app_before(&gateway, |setup| {
        setup.set("TENANTS__ACME__OPRETAIL__NONCE", "false");
        setup.set("TENANTS__ACME__OMS__NONCE", "false");
    });
    for path in ["/stores/S_1/flow", "/stores/S_1/flow", "/stores/S_2/flow", "/stores/A1", "/stores/A1"] {
        assert_eq!(app.request("operator", "GET", path, NO_CACHE).await.status, 200);
    }
    assert_eq!(gateway.verdicts(), ["ok"; 5]);
    let received = gateway.received();
    assert!(received.iter().all(|received| !received.body.contains("nonce")));
    let times = received.iter().map(|received| {
        let parameters = &received.parameters;
        parameters.get("_timestamp").unwrap_or_else(|| &parameters["timestamp"]).clone()
    });
    let expected = ["20261122100000", "20261122100001", "20261122100000", "1795312800", "1795312801"];
    assert_eq!(times.collect::<Vec<_>>(), expected);
}

#[actix_web::test]
async fn inspections_go_to_cloud_api_with_days_codes_and_the_enterprise_id() {
    let gateway = gateway();
    gateway.answer(INSPECTIONS, r#"{"stat":{"code":"0","systime":"1795312800000"},"data":{"total":60,"rows":[]}}"#);
    let app = app_before(&gateway, |setup| setup.set("TENANTS__ACME__OPRETAIL__NONCE", "false"));
    let path = "/inspections?from=2026-11-01T23:00:00Z&to=2026-11-07&source_type=remote,on_site&page=3&page_size=20";
    app.get(path).await;
    let received = gateway.received()[0].clone();
    assert_eq!((received.verdict, received.path.as_str()), ("ok", "/elsewhere/cloud.api"));
    let business = received.parameters.iter().filter(|(name, _)| !name.starts_with('_'));
    let business: Parameters = business.map(|(name, value)| (name.clone(), value.clone())).collect();
    let expected = [
        ("endTime", "2026-11-07"),
        ("enterpriseId", "1084"),
        ("pageNumber", "3"),
        ("pageSize", "20"),
        ("sourceTypes", "8,9"),
        ("startTime", "2026-11-02"),
    ];
    assert_eq!(business, parameters(&expected));
}

#[actix_web::test]
async fn the_developer_account_is_version_2_at_m_api() {
    let gateway = gateway();
    gateway.answer(ACCOUNT, r#"{"stat":{"code":0},"data":{"id":1}}"#);
    let app = app_before(&gateway, |_| {});
    assert_eq!(app.get("/organizations/O_2/developer-account").await.status, 200);
    let received = gateway.only();
    assert_eq!((received.verdict, received.path.as_str()), ("ok", "/elsewhere/m.api"));
    assert_eq!((received.parameters["_version"].as_str(), received.parameters["orgid"].as_str()), ("v2", "2"));
}

#[actix_web::test]
async fn the_oms_gets_its_system_parameters_at_its_one_endpoint() {
    let gateway = gateway();
    let app = app_before(&gateway, |setup| setup.set("TENANTS__ACME__OMS__NONCE", "false"));
    assert_eq!(app.get("/stores?code=B2,A1&page=2&page_size=70").await.status, 200);
    let mut received = gateway.only();
    assert_eq!((received.verdict, received.path.as_str()), ("ok", "/index.php/openapi/rpc/service/"));
    assert_eq!(received.parameters.remove("sign").map(|signature| signature.len()), Some(32));
    let expected = [
        ("charset", "utf-8"),
        ("flag", "acme"),
        ("method", "shop.getList"),
        ("page_no", "1"),
        ("page_size", "100"),
        ("shop_bn", "A1,B2"),
        ("shop_code", "A1,B2"),
        ("timestamp", "1795312800"),
        ("type", "json"),
        ("ver", "1"),
    ];
    assert_eq!(received.parameters, parameters(&expected));
}

#[actix_web::test]
async fn an_oms_that_takes_only_compact_timestamps_is_learned_after_one_refusal() {
    let gateway = gateway_with_time(OmsTime::Compact);
    let app = app_before(&gateway, |_| {});
    for _ in 0..3 {
        assert_eq!(app.request("operator", "GET", "/stores/A1", NO_CACHE).await.status, 200);
    }
    assert_eq!(gateway.verdicts(), ["e000008", "ok", "ok", "ok"]);
    let times = gateway.received().into_iter().map(|received| received.parameters["timestamp"].clone());
    assert_eq!(times.collect::<Vec<_>>()[..2], ["1795312800", "20261122100000"]);
}

#[actix_web::test]
async fn a_configured_timestamp_form_is_sent_from_the_first_call_on() {
    for (form, takes) in [("compact", OmsTime::Compact), ("unix", OmsTime::Unix)] {
        let gateway = gateway_with_time(takes);
        let app = app_before(&gateway, |setup| setup.set("TENANTS__ACME__OMS__TIMESTAMP", form));
        assert_eq!(app.get("/stores/A1").await.status, 200);
        assert_eq!(gateway.verdicts(), ["ok"], "{form}");
    }
}

#[actix_web::test]
async fn a_name_that_is_looked_for_is_never_sent() {
    let gateway = gateway();
    let app = app_before(&gateway, |_| {});
    let name = "' OR 1=1 -- 测试店铺 & 100%";
    let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    assert_eq!(app.get(&format!("/stores?name={encoded}")).await.status, 200);
    assert!(!gateway.only().parameters.contains_key("shop_name"));
}

#[actix_web::test]
async fn a_wrong_secret_is_refused_by_the_gateway_and_is_not_the_fault_of_the_caller() {
    let gateway = gateway();
    let app = app_before(&gateway, |setup| {
        setup.set("TENANTS__ACME__OPRETAIL__SECRET", "another");
        setup.set("TENANTS__ACME__OMS__TOKEN", "another");
    });
    for path in ["/stores/S_1/flow", "/stores/A1"] {
        let answer = app.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-refused-credentials"));
    }
    assert_eq!(gateway.verdicts(), ["7", "e000002"], "a refused key is not tried again");
}
