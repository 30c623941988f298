//! Configurations that follow each other, or run side by side, at one Redis: each finds its own answers, and no others.

use crate::app::requests::FLOW;
use crate::app::tenants::{SECRETS, ZENITHS_COMPANY};
use crate::app::waiting::eventually;
use crate::app::{TestApp, documented};
use crate::fleet::{PATIENT, cache_status, shares};
use crate::redis_server::{Directory, RedisServer};

const WEEK: &str = "from=2026-11-01&to=2026-11-07";

/// A resource that only the configuration knows.
const TRAFFIC: &str = r#"
[resources.traffic]
path = "/stores/{store_id}/traffic"
summary = "Read a store's visitors of a period"
gateway = "opretail"
method = "open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice"
scope = "flow:read"
period = ["startTime", "endTime"]
select = "/list/0"
answer = "object"
[resources.traffic.constants]
timeType = "1"
[resources.traffic.parameters.store_id]
type = "opretail_store"
wire = "id"
example = "S_123456"
[resources.traffic.fields.visitors]
from = "/inNum"
type = "integer"
[resources.traffic.fields.online]
from = "/deviceOnline"
type = "boolean"
[resources.codes]
path = "/codes"
summary = "List the codes of some stores"
gateway = "oms"
method = "shop.getList"
scope = "stores:read"
select = "/lists"
answer = "list"
[resources.codes.constants]
page_size = "10"
[resources.codes.fields.code]
from = "/shop_bn"
type = "text"
[resources.whole]
path = "/whole"
summary = "Read what the OMS says of a store"
gateway = "oms"
method = "shop.getList"
scope = "stores:read"
answer = "as_given"
[resources.whole.constants]
shop_bn = "SHOP001"
"#;

/// The service in front of its own gateway.
async fn first(redis: &RedisServer) -> TestApp {
    let app = TestApp::with(|setup| {
        documented(setup);
        setup.more = TRAFFIC.to_owned();
        setup.set("REDIS__NODES", redis.node());
        setup.set(PATIENT.0, PATIENT.1);
    });
    shares(&app, "in_use").await;
    app
}

/// The service again, of another configuration, at the same Redis.
async fn next(first: &TestApp, redis: &RedisServer, configuration: String) -> TestApp {
    let app = TestApp::configured_beside(first, configuration, &[("REDIS__NODES", &redis.node()), PATIENT]);
    shares(&app, "in_use").await;
    app
}

fn answers(redis: &RedisServer) -> usize {
    redis.keys("storegate:answer:*").len()
}

/// Asks for what Redis has no answer to yet, and waits until it has one.
async fn fetch(app: &TestApp, redis: &RedisServer, path: &str, what: &str) {
    let before = answers(redis);
    let answer = app.get(path).await;
    assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    assert!(cache_status(&answer).contains("fwd=miss"), "{what}: {}", cache_status(&answer));
    assert!(!cache_status(&answer).contains("shared"), "{what}: {}", cache_status(&answer));
    eventually("the answer is kept", async || answers(redis) > before).await;
}

/// Asks for what Redis has.
async fn find(app: &TestApp, path: &str, what: &str) {
    let answer = app.get(path).await;
    assert!(cache_status(&answer).ends_with("detail=shared"), "{what}: {}", cache_status(&answer));
}

pub async fn responses_of_another_configuration_are_never_served_and_each_finds_its_own_again() {
    let traffic = format!("/stores/S_123456/traffic?{WEEK}");
    let demographics = format!("/stores/S_123456/demographics?{WEEK}");
    let directory = Directory::new();
    let stores_file = directory.0.join("stores.csv");
    std::fs::write(&stores_file, "id,opretail_id,oms_code,name\nfirst,S_123456,SHOP001,\n").unwrap();
    let with_directory = format!("[directory.acme]\nstores_file = {stores_file:?}\n");
    let edit = |setting: &'static str, other: &str| (setting, other.to_owned());
    let tokyo = "time_zone = \"Asia/Tokyo\"";
    // The gateway takes the time of this zone, too.
    let zone_of_opretail = edit("enterprise_id = 1084", "enterprise_id = 1084\ntime_zone = \"Asia/Singapore\"");
    let zone_of_oms = ("flag = \"acme\"", format!("{tokyo}\nflag = \"acme\""));
    let page_cap = ("flag = \"acme\"", "page_cap = 50\nflag = \"acme\"".to_owned());
    let field_of_online = "[resources.traffic.fields.online]\nfrom = \"/deviceOnline\"\ntype = \"boolean\"\n";
    for (path, (setting, other)) in [
        (traffic.as_str(), edit(field_of_online, "")),
        (&traffic, edit("fields.visitors", "fields.entering")),
        (&traffic, edit("from = \"/inNum\"\ntype = \"integer\"", "from = \"/inNum\"\ntype = \"text\"")),
        (&traffic, edit("from = \"/inNum\"", "from = \"/deviceOnline\"")),
        (&traffic, zone_of_opretail.clone()),
        ("/codes", edit("page_size = \"10\"", "page_size = \"20\"")),
        ("/whole", edit("answer = \"as_given\"", "select = \"/lists\"\nanswer = \"as_given\"")),
        ("/codes", page_cap.clone()),
        (
            "/whole",
            edit(
                "method = \"shop.getList\"\nscope = \"stores:read\"\nanswer",
                "method = \"shop.get\"\nscope = \"stores:read\"\nanswer",
            ),
        ),
        ("/stores", page_cap),
        ("/stores", zone_of_oms.clone()),
        ("/stores", edit("[tenants.acme.oms]", &format!("{with_directory}[tenants.acme.oms]"))),
        ("/stores/SHOP001", zone_of_oms),
        ("/stores/SHOP001", edit("[tenants.acme.oms]", &format!("{with_directory}[tenants.acme.oms]"))),
        (FLOW, edit("[tenants.acme.oms]", &format!("{with_directory}[tenants.acme.oms]"))),
        (FLOW, zone_of_opretail.clone()),
        (&demographics, zone_of_opretail),
    ] {
        let what = format!("{path}: {setting} -> {other}");
        let redis = RedisServer::start();
        let old = first(&redis).await;
        fetch(&old, &redis, path, &what).await;
        let changed = old.configuration.replacen(setting, &other, 1);
        assert_ne!(changed, old.configuration, "{what}");
        let new = next(&old, &redis, changed.clone()).await;
        fetch(&new, &redis, path, &what).await;
        find(&next(&old, &redis, old.configuration.clone()).await, path, &what).await;
        find(&next(&old, &redis, changed).await, path, &what).await;
    }
}

pub async fn a_tenant_with_new_credentials_never_sees_responses_fetched_with_the_old_ones() {
    let redis = RedisServer::start();
    let old = first(&redis).await;
    fetch(&old, &redis, "/stores", "acme's").await;
    fetch(&old, &redis, "/stores/SHOP001", "acme's").await;
    fetch(&old, &redis, FLOW, "acme's").await;
    let [secret, token, zeniths_secret, zeniths_token] = SECRETS;
    let swapped = old.configuration.replacen("S107-00000001", "S107-00000002", 1).replacen("1084", "2168", 1);
    let swapped = swapped.replacen(secret, zeniths_secret, 1).replacen(token, zeniths_token, 1);
    let swapped = swapped.replacen("flag = \"acme\"", "flag = \"zenith\"", 1);
    let new = next(&old, &redis, swapped).await;
    let stores = new.get("/stores").await.json();
    let companies = stores["items"].as_array().unwrap().iter().map(|store| &store["company"]);
    assert!(companies.clone().count() > 0 && companies.clone().all(|name| name == ZENITHS_COMPANY), "{stores}");
    assert_eq!(new.get("/stores/SHOP001").await.json()["company"], ZENITHS_COMPANY);
    assert_eq!(new.get(FLOW).await.status, 404, "zenith has no such store");
}

pub async fn a_tenant_with_another_enterprise_never_sees_the_former_ones_inspections() {
    let inspections = format!("/inspections?{WEEK}");
    let redis = RedisServer::start();
    let old = first(&redis).await;
    fetch(&old, &redis, &inspections, "of the first enterprise").await;
    let new = next(&old, &redis, old.configuration.replacen("enterprise_id = 1084", "enterprise_id = 2168", 1)).await;
    let refused = new.get(&inspections).await;
    assert_eq!(refused.status, 403, "the key is not that enterprise's: {}", refused.text());
}

pub async fn staging_and_production_that_share_all_but_their_gateways_never_meet() {
    let redis = RedisServer::start();
    let (staging, production) = (first(&redis).await, first(&redis).await);
    for path in [FLOW, "/stores", "/stores/SHOP001"] {
        for app in [&staging, &production] {
            fetch(app, &redis, path, path).await;
        }
    }
    assert_eq!((staging.sandbox().calls(), production.sandbox().calls()), (3, 3));
    // A purge of one costs the other no more than a call.
    assert_eq!(staging.request("operator", "DELETE", "/cache", &[]).await.status, 200);
    eventually("the other has heard of it", async || production.get(FLOW).await.header("age").is_some()).await;
    for app in [&staging, &production] {
        assert_eq!(app.get(FLOW).await.status, 200);
    }
}

pub async fn a_new_secret_of_the_same_account_finds_what_was_stored_with_the_old_one() {
    let redis = RedisServer::start();
    let old = first(&redis).await;
    for path in [FLOW, "/stores"] {
        fetch(&old, &redis, path, path).await;
    }
    let [secret, token, ..] = SECRETS;
    let rotated = old.configuration.replacen(secret, "a-new-secret", 1).replacen(token, "a-new-token", 1);
    let new = next(&old, &redis, rotated).await;
    for path in [FLOW, "/stores"] {
        find(&new, path, path).await;
    }
    // The texts of the API document, scopes, lifetimes, and other tenants are no reason either.
    let edited = old.configuration.replacen("Read a store's visitors", "Count a store's visitors", 1);
    let edited = edited.replacen("flag = \"zenith\"", "page_cap = 50\nflag = \"zenith\"", 1);
    let new = next(&old, &redis, edited + "[cache.flow]\nfresh = \"20s\"\n").await;
    find(&new, FLOW, "a shorter lifetime").await;
    assert_eq!(old.sandbox().calls(), 2);
}
