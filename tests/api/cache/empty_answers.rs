//! Answers without content after answers with some: a gateway may give nothing by mistake, and one mistake wipes nothing.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::app::answer::Answer;
use crate::app::configurations::stores_file;
use crate::app::requests::{NO_CACHE, TOTAL_DATA};
use crate::peers::independent_gateway::IndependentGateway;
use crate::peers::independent_gateway::{app_before, gateway};

const INSPECTIONS: &str = "open.shopweb.liveCheck.statisticsDetailPageForCustomer";
const DEMOGRAPHICS: &str = "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution";
const PERIOD: &str = "from=2026-11-01&to=2026-11-07";

const DECLARED: &str = r#"
[resources.ranking]
path = "/ranking"
tag = "Flow"
summary = "List stores by rank"
gateway = "opretail"
method = "open.shopweb.ranking"
version = "v1"
door = "m.api"
scope = "flow:read"
select = "/list"
answer = "list"
fresh = "10m"

[resources.ranking.fields.name]
from = "/name"
type = "text"

[resources.best]
path = "/best"
tag = "Flow"
summary = "Read the best store"
gateway = "opretail"
method = "open.shopweb.best"
version = "v1"
door = "m.api"
scope = "flow:read"
fresh = "10m"
"#;

/// An envelope around this data.
fn opretail(data: &Value) -> String {
    json!({"stat": {"code": 0}, "data": data}).to_string()
}

fn oms(response: &Value) -> String {
    json!({"response": response}).to_string()
}

/// A path, its method, what it has, what it is when the gateway gives nothing, and which of that is no data at all.
struct Case {
    path: String,
    method: &'static str,
    good: String,
    empty: Vec<String>,
    without_data: Vec<String>,
}

fn stores(path: &str) -> Case {
    let data = |data: &[Value]| data.iter().map(oms).collect();
    Case {
        path: path.to_owned(),
        method: "shop.getList",
        good: oms(&json!({"count": "1", "lists": [{"shop_code": "A1", "shop_name": "a"}]})),
        empty: data(&[json!({"count": "0", "lists": []}), json!({"count": 0, "lists": null}), json!({"lists": {}})]),
        without_data: data(&[json!(null), json!(false), json!([]), json!(""), json!({}), json!({"lists": null})]),
    }
}

fn inspections(path: &str) -> Case {
    let data = |data: &[Value]| data.iter().map(opretail).collect();
    Case {
        path: path.to_owned(),
        method: INSPECTIONS,
        good: opretail(&json!({"rows": [{"id": 1, "depId": 100_001}], "total": 1})),
        empty: data(&[
            json!({"rows": [], "total": 0}),
            json!([]),
            json!({"rows": {}}),
            json!({"list": null, "total": 0}),
        ]),
        without_data: data(&[json!(null), json!(false), json!(""), json!({}), json!({"rows": null})]),
    }
}

fn cases() -> Vec<Case> {
    let data = |data: &[Value]| data.iter().map(opretail).collect();
    vec![
        stores("/stores"),
        stores("/stores?code=A1"),
        stores("/stores?name=a"),
        inspections(&format!("/inspections?{PERIOD}")),
        inspections(&format!("/inspections?{PERIOD}&store_id=S_100001")),
        Case {
            path: format!("/stores/S_100001/demographics?{PERIOD}"),
            method: DEMOGRAPHICS,
            good: opretail(&json!({"genderDistribution": [{"gender": 1, "peopleNum": 3}], "ageDistribution": []})),
            empty: Vec::new(),
            without_data: data(&[
                json!({"genderDistribution": [], "ageDistribution": []}),
                json!({"genderDistribution": {}, "ageDistribution": {}}),
                json!({"genderDistribution": null}),
                json!({"genderDistribution": [{"gender": 1, "peopleNum": null}]}),
            ]),
        },
        Case {
            path: "/stores/S_100001/flow".to_owned(),
            method: TOTAL_DATA,
            good: opretail(&json!({"DAY_FLOW": 7})),
            empty: Vec::new(),
            without_data: data(&[json!({"DAY_FLOW": null}), json!({"DAY_FLOW": "", "cfgData": []})]),
        },
        Case {
            path: "/ranking".to_owned(),
            method: "open.shopweb.ranking",
            good: opretail(&json!({"list": [{"name": "a"}]})),
            empty: data(&[json!({"list": []}), json!({"list": {}})]),
            without_data: data(&[json!(null), json!([]), json!({}), json!(false), json!({"list": null})]),
        },
        Case {
            path: "/best".to_owned(),
            method: "open.shopweb.best",
            good: opretail(&json!({"name": "a"})),
            empty: data(&[json!([]), json!({})]),
            without_data: data(&[json!(null)]),
        },
    ]
}

fn app_of(gateway: &IndependentGateway) -> TestApp {
    app_before(gateway, |setup| setup.more = DECLARED.to_owned())
}

/// What the answer says, without the time of reading.
fn content(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut content = answer.json();
    content.as_object_mut().and_then(|content| content.remove("observed_at"));
    content
}

fn freshness(answer: &Answer) -> u64 {
    answer.header("cache-control").unwrap().rsplit('=').next().unwrap().parse().unwrap()
}

#[actix_web::test]
async fn a_cached_response_survives_one_empty_response_and_not_a_second() {
    for Case { path, method, good, empty, without_data } in cases() {
        for nothing in empty.iter().chain(&without_data) {
            let gateway = gateway();
            let app = app_of(&gateway);
            gateway.answer(method, &good);
            let known = content(&app.get(&path).await);
            gateway.answer(method, nothing);
            for _ in 0..2 {
                let older = app.request("operator", "GET", &path, NO_CACHE).await;
                assert_eq!(content(&older), known, "{path} {nothing}");
                assert!(older.header("cache-status").unwrap().ends_with("detail=stale-if-error"), "{path} {nothing}");
            }
            assert_eq!(content(&app.get(&path).await), known, "{path} {nothing}");
            app.pass(1);
            gateway.answer(method, &good);
            assert_eq!(content(&app.request("operator", "GET", &path, NO_CACHE).await), known, "{path} {nothing}");
            gateway.answer(method, nothing);
            assert_eq!(
                content(&app.request("operator", "GET", &path, NO_CACHE).await),
                known,
                "it begins again: {path}"
            );
            app.pass(1);
            let confirmed = app.request("operator", "GET", &path, NO_CACHE).await;
            assert_ne!(content(&confirmed), known, "the gateway has said so twice: {path} {nothing}");
            assert_eq!(content(&app.get(&path).await), content(&confirmed), "{path} {nothing}");
        }
    }
}

#[actix_web::test]
async fn a_first_success_without_data_is_cached_for_seconds_and_an_empty_list_as_any() {
    for Case { path, method, good, empty, without_data } in cases() {
        let gateway = gateway();
        gateway.answer(method, &good);
        let full = freshness(&app_of(&gateway).get(&path).await);
        for (nothing, keeps) in
            empty.iter().map(|body| (body, full)).chain(without_data.iter().map(|body| (body, full.min(5))))
        {
            gateway.answer(method, nothing);
            let app = app_of(&gateway);
            let answer = app.get(&path).await;
            assert_eq!((answer.status, freshness(&answer)), (200, keeps), "{path} {nothing}");
            app.pass(keeps);
            gateway.answer(method, &good);
            let filled = app.request("operator", "GET", &path, NO_CACHE).await;
            assert_ne!(content(&filled), content(&answer), "{path} {nothing}");
        }
    }
}

#[actix_web::test]
async fn a_store_of_the_directory_keeps_its_oms_fields_until_the_oms_has_twice_lacked_it() {
    let gateway = gateway();
    let file = stores_file("given-nothing", "id,opretail_id,oms_code,name\nparis,S_1,A1,Paris\n");
    let app = app_before(&gateway, |setup| {
        setup.more = format!("[directory.acme]\nstores_file = {file:?}\n");
    });
    for (path, method, good, gone) in [
        (
            "/stores/paris",
            "shop.get",
            json!({"response": {"shop_bn": "A1", "company_name": "Example"}}),
            json!({"error_response": {"code": "404", "msg": "no such store"}}),
        ),
        (
            "/stores",
            "shop.getList",
            json!({"response": {"count": 1, "lists": [{"shop_bn": "A1", "company_name": "Example"}]}}),
            json!({"response": null}),
        ),
    ] {
        gateway.answer(method, &good.to_string());
        let known = content(&app.get(path).await);
        gateway.answer(method, &gone.to_string());
        assert_eq!(content(&app.request("operator", "GET", path, NO_CACHE).await), known, "{path}");
        app.pass(1);
        let only_the_directory = app.request("operator", "GET", path, NO_CACHE).await;
        assert!(known.to_string().contains("Example") && !only_the_directory.text().contains("Example"), "{path}");
        assert!(only_the_directory.text().contains("Paris"), "{path}");
    }
}
