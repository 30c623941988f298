//! Resources that only the configuration knows: the one of the README, and what they may not do.

use std::fs;

use serde_json::json;
use storegate::auth::issue::TokenGrant;
use storegate::sandbox::Fault;

use crate::app::program::{Running, directory, run, stdout_of};
use crate::app::tenants::grant;
use crate::app::{TestApp, documented};

const README: &str = include_str!("../../../README.md");
const MANY_SHOPS: &str = "open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice";
const WEEK: &str = "from=2026-11-01&to=2026-11-07";

/// The declaration of the README, to the letter.
fn of_the_readme() -> String {
    let block = README.split("```toml").find(|block| block.contains("[resources.traffic]")).unwrap();
    let lines = block.split("```").next().unwrap().lines();
    lines.map(|line| line.strip_prefix("   ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn app() -> TestApp {
    TestApp::with(|setup| setup.more = of_the_readme())
}

/// A token of this client that holds the declared scope, too.
fn token(app: &TestApp, client: &str) -> String {
    let granted = grant(client);
    let scopes = [granted.scopes.clone(), vec!["traffic:read".to_owned()]].concat();
    app.token_for("storegate", &TokenGrant { scopes, ..granted })
}

#[actix_web::test]
async fn the_declared_resource_of_the_readme_is_cached_and_has_an_etag() {
    let app = app();
    let token = token(&app, "dashboard");
    let path = format!("/stores/S_123456/traffic?{WEEK}");
    let first = app.get_with_token(&token, &path).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let week = app.get(&format!("/stores/S_123456/demographics?{WEEK}")).await.json();
    assert_eq!(first.json(), json!({"visitors": week["visitors"]}));
    let again = app.get_with_token(&token, &format!("/stores/123456/traffic?{WEEK}")).await;
    assert!(again.header("cache-status").unwrap().starts_with("storegate; hit; ttl=216"), "six hours: it has ended");
    assert_eq!(app.sandbox().calls_of(MANY_SHOPS), 1);
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("if-none-match", first.header("etag").unwrap())];
    assert_eq!(app.send("GET", &path, &headers, "").await.status, 304);
    let morning = app.get_with_token(&token, &format!("{path}&start_hour=12")).await.json();
    assert!(morning["visitors"].as_u64() < first.json()["visitors"].as_u64());
}

#[actix_web::test]
async fn a_store_that_the_gateway_does_not_know_is_not_found() {
    let app = app();
    let answer = app.get_with_token(&token(&app, "dashboard"), "/stores/S_9/traffic").await;
    assert_eq!((answer.status, answer.problem().as_str()), (404, "store-not-found"));
}

#[actix_web::test]
async fn its_scope_and_its_stores_are_checked_in_the_token() {
    let app = app();
    let refused = app.get("/stores/S_123456/traffic").await;
    assert_eq!((refused.status, refused.problem().as_str()), (403, "insufficient-scope"));
    assert!(refused.header("www-authenticate").unwrap().contains("traffic:read"));
    let limited = token(&app, "franchisee");
    assert_eq!(app.get_with_token(&limited, "/stores/S_123456/traffic").await.status, 200);
    let other = app.get_with_token(&limited, "/stores/S_100001/traffic").await;
    assert_eq!((other.status, other.problem().as_str()), (403, "store-not-granted"));
    let unmapped = app.get_with_token(&token(&app, "dashboard"), "/stores/SHOP001/traffic").await;
    assert_eq!((unmapped.status, unmapped.problem().as_str()), (404, "store-not-mapped"));
    assert_eq!(app.send("GET", "/stores/S_123456/traffic", &[], "").await.status, 401);
}

#[actix_web::test]
async fn wrong_parameters_are_reported_all_at_once_and_a_failing_gateway_is_a_problem() {
    let app = app();
    let token = token(&app, "dashboard");
    let wrong = app.get_with_token(&token, "/stores/S_1/traffic?start_hour=25&from=x&hour=1").await;
    let errors = wrong.json()["errors"].as_array().unwrap().clone();
    let names: Vec<&str> = errors.iter().map(|error| error["parameter"].as_str().unwrap()).collect();
    assert_eq!((wrong.status, names), (400, vec!["start_hour", "from", "hour"]));
    app.sandbox().fail_percent(Fault::code("-500"), 100);
    let failed = app.get_with_token(&token, "/stores/S_123456/traffic").await;
    assert_eq!((failed.status, failed.problem().as_str()), (502, "gateway-error"));
}

#[actix_web::test]
async fn two_tenants_never_share_its_responses() {
    let app = app();
    let (acme, zenith) = (token(&app, "dashboard"), token(&app, "zenith"));
    assert_eq!(app.get_with_token(&acme, "/stores/S_123456/traffic").await.status, 200);
    assert_eq!(app.get_with_token(&zenith, "/stores/S_123456/traffic").await.status, 404);
}

#[actix_web::test]
async fn a_token_with_limits_reads_nothing_that_names_no_store() {
    let more = r#"
[resources.shops]
path = "/shops"
summary = "Read the shops"
gateway = "oms"
method = "shop.getList"
scope = "stores:read"
select = "/lists"
answer = "list"
[resources.shops.parameters.page]
type = "integer"
wire = "page_no"
minimum = 1
required = true
example = "1"
[resources.shops.parameters.rows]
type = "one_of"
wire = "page_size"
values = { few = "2", many = "50" }
required = true
example = "few"
[resources.shops.parameters.code]
type = "oms_store"
wire = "shop_bn"
list = true
[resources.shops.fields.code]
from = "/shop_bn"
type = "text"
[resources.shops.fields.since]
from = "/createtime"
type = "time"
"#;
    let app = TestApp::with(|setup| {
        documented(setup);
        setup.more = more.to_owned();
    });
    let items = app.get("/shops?page=1&rows=few").await.json()["items"].clone();
    let first = &items.as_array().unwrap()[0];
    assert_eq!((items.as_array().unwrap().len(), &first["code"]), (2, &json!("SHOP001")));
    assert!(first["since"].as_str().unwrap().ends_with("+08:00"));
    let refused = app.get_as("franchisee", "/shops?page=1&rows=few").await;
    assert_eq!((refused.status, refused.problem().as_str()), (403, "store-not-granted"));
    let own = app.get_as("franchisee", "/shops?page=1&rows=many&code=SHOP001").await;
    assert_eq!((own.status, own.json()["items"].as_array().map(Vec::len)), (200, Some(1)));
    let missing = app.get("/shops?rows=all").await.json();
    assert_eq!(missing["errors"][0]["message"], "this parameter must be given");
    assert_eq!(missing["errors"][1]["message"], "write one of few, many");
}

#[actix_web::test]
async fn a_period_within_the_current_day_is_not_cached_as_a_finished_one() {
    let in_days = of_the_readme().replace("period = ", "period_in = \"days\"\nperiod = ");
    let app = TestApp::with(|setup| setup.more = in_days);
    let path = "/stores/S_123456/traffic?from=2026-11-22T00:00:00%2B08:00&to=2026-11-22T00:00:01%2B08:00";
    let answer = app.get_with_token(&token(&app, "dashboard"), path).await;
    // The sandbox takes seconds, and says so with a code of its own; what counts is what the question is.
    assert_eq!(answer.status, 503, "{}", answer.text());
    let more = r#"
[resources.days]
path = "/days"
summary = "Read days"
gateway = "oms"
method = "shop.getList"
scope = "stores:read"
period = ["from_day", "to_day"]
period_in = "days"
select = "/count"
[resources.days.constants]
page_no = "1"
page_size = "1"
[resources.days.ended]
fresh = "6h"
"#;
    let app = TestApp::with(|setup| setup.more = more.to_owned());
    let today = "/days?from=2026-11-22T00:00:00%2B08:00&to=2026-11-22T00:00:01%2B08:00";
    assert_eq!(app.get(today).await.header("cache-control"), Some("private, max-age=60"));
    let yesterday = app.get("/days?from=2026-11-21&to=2026-11-21").await;
    assert_eq!(yesterday.header("cache-control"), Some("private, max-age=21600"), "{}", yesterday.text());
}

#[actix_web::test]
async fn a_text_in_the_path_is_taken_whole_or_not_at_all() {
    let more = r#"
[resources.named]
path = "/named/{name}"
summary = "Read the shops of a name"
gateway = "oms"
method = "shop.getList"
scope = "stores:read"
select = "/lists"
[resources.named.constants]
page_no = "1"
page_size = "1"
[resources.named.parameters.name]
type = "text"
wire = "shop_name"
example = "one"
"#;
    let app = TestApp::with(|setup| setup.more = more.to_owned());
    assert_eq!(app.get("/named/%E6%9C%A8%E6%A3%89").await.status, 200);
    for path in ["/named/a%2Fb", "/named/a%2520b", "/named/%27", "/named/%FF"] {
        let refused = app.get(path).await;
        assert_eq!(refused.status, 400, "{path}: {}", refused.text());
    }
}

#[actix_web::test]
async fn it_is_in_the_document_and_its_scope_is_announced() {
    let app = app();
    let document = app.send("GET", "/openapi.json", &[], "").await.json();
    let operation = &document["paths"]["/stores/{store_id}/traffic"]["get"];
    assert_eq!((&operation["tags"], &operation["operationId"]), (&json!(["Flow"]), &json!("read_traffic")));
    assert_eq!(operation["security"][0], json!({"oauth2": ["traffic:read"]}));
    assert_eq!(operation["x-gateway-method"]["method"], MANY_SHOPS);
    let names: Vec<&str> =
        operation["parameters"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["store_id", "start_hour", "from", "to", "If-None-Match", "Cache-Control"]);
    let visitors = &operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["visitors"];
    assert_eq!(visitors, &json!({"type": ["integer", "null"], "description": "Visitors who came in."}));
    assert!(operation["responses"]["502"].is_object());
    let scopes = &document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"];
    assert_eq!(scopes["traffic:read"], "Read the visitors of a period.");
    let metadata = app.send("GET", "/.well-known/oauth-authorization-server", &[], "").await.json();
    assert!(metadata["scopes_supported"].as_array().unwrap().contains(&json!("traffic:read")));
    app.get_with_token(&token(&app, "dashboard"), "/stores/S_123456/traffic").await;
    assert!(app.send("GET", "/metrics", &[], "").await.text().contains("resource=\"traffic\",status=\"200\""));
}

#[test]
fn the_demo_takes_a_file_of_declarations_and_refuses_a_wrong_one_with_its_line() {
    let home = directory("declared-demo");
    let path = home.join("resources.toml");
    fs::write(&path, of_the_readme()).unwrap();
    let file = path.to_str().unwrap();
    let demo = Running::start(&["demo", "--listen", "127.0.0.1:0", "--resources", file], &home.join("ready.json"));
    assert!(demo.told.contains("/stores/S_123456/traffic'"), "{}", demo.told);
    assert_eq!(demo.terminate().0, Some(0));
    fs::write(&path, of_the_readme().replace("/list/0", "list")).unwrap();
    let refused = run(&["demo", "--resources", file], &[], "");
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(78));
    let line = of_the_readme().lines().position(|line| line.starts_with("select")).unwrap() + 1;
    assert!(told.contains(&format!("resources.toml: line {line}: resources.traffic.select: ")), "{told}");
    fs::write(&path, "[server]\nlisten = \"127.0.0.1:1\"\n").unwrap();
    let other = String::from_utf8(run(&["demo", "--resources", file], &[], "").stderr).unwrap();
    assert!(other.contains("line 1: server: there is no such setting"), "{other}");
    fs::write(&path, " ".repeat((1 << 20) + 1)).unwrap();
    for arguments in [["--resources", file], ["--vendor", file]] {
        let large = run(&[&["demo"][..], &arguments].concat(), &[], "");
        let told = String::from_utf8(large.stderr).unwrap();
        assert!(
            large.status.code() == Some(78) && told.contains("it is larger than 1024 KiB"),
            "{arguments:?}: {told}"
        );
    }
}

#[test]
fn the_commands_know_what_a_configuration_declares() {
    let app_configuration = crate::app::tenants::configuration(
        &crate::app::sandbox_gateway::SandboxGateway::live_with(crate::app::tenants::sandbox_settings()).sandbox,
    );
    let path = directory("declared-commands").join("storegate.toml");
    fs::write(&path, format!("{app_configuration}{}", of_the_readme())).unwrap();
    let file = path.to_str().unwrap();
    let routes = stdout_of(&["routes", "--config", file], &[], "");
    let row = routes.lines().find(|line| line.contains("/stores/{store_id}/traffic")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells, ["GET", "/stores/{store_id}/traffic", "traffic:read", "opretail", MANY_SHOPS, "v1", "1m", "6h"]);
    assert!(stdout_of(&["openapi", "--config", file], &[], "").contains("\"/stores/{store_id}/traffic\""));
    assert!(!stdout_of(&["openapi"], &[], "").contains("/traffic"));
}
