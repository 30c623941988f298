//! Stores of a vendor that no Rust knows: a column of the store directory, parameters of declared resources, tokens, commands
//! and the cache take its ids from the pack alone.

use std::fs;
use std::sync::Arc;

use serde_json::json;
use storegate::auth::issue::TokenGrant;
use storegate::config::Settings;
use storegate::reload::{ReloadOutcome, Reloader};
use storegate::vendors::Vendors;

use crate::app::TestApp;
use crate::app::answer::Answer;
use crate::app::configurations::sandbox_configuration;
use crate::app::configurations::stores_file;
use crate::app::program::{directory, run, stdout_of};
use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::tenants::grant;
use crate::peers::lumen::{Lumen, PACK, PACK_FILE, STORE_RESOURCE, start_with};
use crate::peers::scripted_peer::ScriptedPeer;

const STORES: &str = "id,opretail_id,oms_code,lumen_code,name\n\
north,S_100001,SHOP001,L-NORTH,North\n\
south,,,77,South\n\
east,S_100002,,,\n";

const REGION_RESOURCE: &str = r#"
[resources.region_receipts]
path = "/regions/{region}/receipts"
summary = "List receipts of a region"
gateway = "lumen"
method = "receipts.list"
scope = "receipts:read"
answer = "as_given"

[resources.region_receipts.parameters.region]
type = "organization"
wire = "region"
example = "12"
"#;

/// The service with this store directory, if there is one.
fn start(name: &str, stores: Option<&str>) -> (Arc<Lumen>, ScriptedPeer, TestApp) {
    start_with(|setup| {
        setup.more.push_str(&[STORE_RESOURCE, REGION_RESOURCE].concat());
        if let Some(stores) = stores {
            setup.set("DIRECTORY__ACME__STORES_FILE", stores_file(name, stores).to_str().unwrap());
        }
    })
}

fn token(app: &TestApp, stores: Option<&[&str]>, organizations: Option<&[&str]>) -> String {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let granted = grant("operator");
    let scopes = [granted.scopes.clone(), vec!["receipts:read".to_owned()]].concat();
    let grant = TokenGrant { scopes, stores: stores.map(texts), organizations: organizations.map(texts), ..granted };
    app.token_for("storegate", &grant)
}

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem())
}

#[actix_web::test]
async fn its_column_leads_from_each_id_of_a_store_to_its_number() {
    let (lumen, _peer, app) = start("lumen-column", Some(STORES));
    let token = token(&app, None, None);
    for id in ["north", "L-NORTH", "S_100001", "100001", "SHOP001"] {
        let answer = app.get_with_token(&token, &format!("/stores/{id}/receipts")).await;
        assert_eq!(answer.status, 200, "{id} {}", answer.text());
    }
    assert_eq!(lumen.bodies.lock().unwrap()[..], [json!({"storeCode": "L-NORTH"})], "one call for all ids");
    assert_eq!(app.get_with_token(&token, "/stores/77/receipts").await.status, 200);
    assert_eq!(lumen.bodies.lock().unwrap().last(), Some(&json!({"storeCode": "77"})));
    // The built-in vendors' resources know the store by its number, too.
    assert_eq!(app.get_with_token(&token, "/stores/L-NORTH/flow").await.json()["store_id"], "north");
    assert_eq!(app.get_with_token(&token, "/stores/L-NORTH").await.json()["oms_code"], "SHOP001");
    assert_eq!(app.get_with_token(&token, "/stores/77").await.json()["id"], "south");
}

#[actix_web::test]
async fn a_token_that_is_limited_to_a_store_reaches_it_by_each_id_and_no_other_vendors_store_of_that_text() {
    let (lumen, _peer, app) = start("lumen-grants", Some(STORES));
    for listed in ["north", "L-NORTH", "S_100001", "SHOP001"] {
        let token = token(&app, Some(&[listed]), None);
        for id in ["north", "L-NORTH", "SHOP001"] {
            assert_eq!(
                app.get_with_token(&token, &format!("/stores/{id}/receipts")).await.status,
                200,
                "{listed} {id}"
            );
        }
        for id in ["south", "77", "east", "S_77"] {
            let answer = app.get_with_token(&token, &format!("/stores/{id}/receipts")).await;
            assert_eq!(refused(&answer), (403, "store-not-granted".to_owned()), "{listed} {id}");
        }
        let all = app.get_with_token(&token, "/receipts?page=1").await;
        assert_eq!(refused(&all), (403, "store-not-granted".to_owned()), "{listed}");
    }
    let calls = lumen.bodies.lock().unwrap().len();
    let other = token(&app, Some(&["S_77"]), None);
    for id in ["77", "south"] {
        let answer = app.get_with_token(&other, &format!("/stores/{id}/receipts")).await;
        assert_eq!(refused(&answer), (403, "store-not-granted".to_owned()), "{id}");
    }
    let own = token(&app, Some(&["77"]), None);
    assert_eq!(app.get_with_token(&own, "/stores/south/receipts").await.status, 200);
    let flow = app.get_with_token(&own, "/stores/S_77/flow").await;
    assert_eq!(refused(&flow), (403, "store-not-granted".to_owned()));
    assert_eq!(lumen.bodies.lock().unwrap().len(), calls + 1);
}

#[actix_web::test]
async fn a_store_without_a_number_is_404_with_the_column_to_fill_in() {
    for (name, stores, id, words) in [
        ("lumen-lacks", Some(STORES), "east", "Fill in the column `lumen_code` of its line in the store directory."),
        ("lumen-unknown", Some(STORES), "SHOP009", "or add the store to the store directory with its `lumen_code`."),
        (
            "lumen-other-columns",
            Some("id,opretail_id\neast,S_1\n"),
            "east",
            "the column `lumen_code` of its line in the store directory.",
        ),
        ("lumen-none", None, "A1", "or add the store to the store directory with its `lumen_code`."),
    ] {
        let (lumen, _peer, app) = start(name, stores);
        let answer = app.get_with_token(&token(&app, None, None), &format!("/stores/{id}/receipts")).await;
        assert_eq!(refused(&answer), (404, "store-not-mapped".to_owned()), "{name}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("has no Lumen code") && detail.ends_with(words), "{detail}");
        assert_eq!(lumen.bodies.lock().unwrap().len(), 0);
    }
}

#[actix_web::test]
async fn without_the_oms_ids_that_no_directory_knows_are_its_own() {
    let (lumen, _peer, app) = start("lumen-shape", None);
    // The tenant has an OMS: a code that nothing maps is the OMS's, and says nothing of a store of this vendor.
    let limited = token(&app, Some(&["L-WEST"]), None);
    let answer = app.get_with_token(&limited, "/stores/L-WEST/receipts").await;
    assert_eq!(refused(&answer), (404, "store-not-mapped".to_owned()));
    let mut table: toml::Table = app.configuration.parse().unwrap();
    table["tenants"]["acme"].as_table_mut().unwrap().remove("oms");
    let alone = TestApp::configured_beside(&app, table.to_string(), &[]);
    let limited = token(&alone, Some(&["L-WEST"]), None);
    assert_eq!(alone.get_with_token(&limited, "/stores/L-WEST/receipts").await.status, 200);
    let other = alone.get_with_token(&limited, "/stores/L-EAST/receipts").await;
    assert_eq!(refused(&other), (403, "store-not-granted".to_owned()));
    assert_eq!(lumen.bodies.lock().unwrap()[..], [json!({"storeCode": "L-WEST"})]);
    let flow = alone.get_with_token(&token(&alone, None, None), "/stores/L-WEST/flow").await;
    assert_eq!(refused(&flow), (404, "store-not-mapped".to_owned()));
}

#[actix_web::test]
async fn an_account_that_comes_or_goes_changes_whose_an_id_is_for_the_next_request() {
    let (_lumen, _peer, app) = start("lumen-reload", None);
    let path = directory("lumen-reload-from").join("storegate.toml");
    fs::write(&path, &app.configuration).unwrap();
    let mut table: toml::Table = app.configuration.parse().unwrap();
    table["tenants"]["acme"].as_table_mut().unwrap().remove("oms");
    let file = path.clone();
    let read = move |running: &Vendors| Settings::read_from(Some(&file), std::iter::empty(), Some(running));
    let mut reloader = Reloader::new(app.in_force.clone(), read(&app.in_force.vendors).sources, read);
    let limited = token(&app, Some(&["L-WEST"]), None);
    for (configuration, status) in [(table.to_string(), 200), (app.configuration.clone(), 404)] {
        fs::write(&path, configuration).unwrap();
        assert_eq!((reloader.look(), reloader.look()), (None, Some(ReloadOutcome::Applied)));
        // Twice, so that a worker remembers what the path meant.
        for _ in 0..2 {
            assert_eq!(app.get_with_token(&limited, "/stores/L-WEST/receipts").await.status, status);
        }
    }
}

#[actix_web::test]
async fn its_responses_are_purged_by_each_id_of_the_store_and_no_others() {
    let (lumen, _peer, app) = start("lumen-purge", Some(STORES));
    let token = token(&app, None, None);
    let mut calls = 0;
    for id in ["north", "L-NORTH", "S_100001", "SHOP001"] {
        assert_eq!(app.get_with_token(&token, "/stores/north/receipts").await.status, 200);
        assert_eq!(app.get_with_token(&token, "/stores/south/receipts").await.status, 200);
        calls += if calls == 0 { 2 } else { 1 };
        assert_eq!(lumen.bodies.lock().unwrap().len(), calls, "{id}");
        let dropped = app.request("operator", "DELETE", &format!("/cache?store_id={id}"), &[]).await;
        assert_eq!(dropped.json(), json!({"dropped": 1}), "{id}");
    }
}

#[actix_web::test]
async fn its_organizations_are_granted_by_their_own_prefix() {
    let (lumen, _peer, app) = start("lumen-regions", None);
    for (listed, region, status) in
        [("R-12", "12", 200), ("R-12", "R-12", 200), ("R-12", "13", 403), ("12", "12", 403), ("O_12", "R-12", 403)]
    {
        let token = token(&app, None, Some(&[listed]));
        let answer = app.get_with_token(&token, &format!("/regions/{region}/receipts")).await;
        assert_eq!(answer.status, status, "{listed} {region} {}", answer.text());
    }
    assert_eq!(lumen.bodies.lock().unwrap()[..], [json!({"region": "R-12"})]);
    let own = token(&app, None, Some(&["R-1084"]));
    assert_eq!(app.get_with_token(&own, "/organizations/1084/flow").await.status, 403);
    let wrong = app.get_with_token(&token(&app, None, None), "/regions/12345/receipts").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("an organization id is R- and up to 4 digits, such as R-12"), "{}", wrong.text());
    let document = app.get("/openapi.json").await.text();
    assert!(document.contains("^(R-)?[0-9]{1,4}$") && document.contains("Lumen's number with or without `R-`"));
}

/// The problems of a configuration with these vendors' packs and this store directory.
fn problems(name: &str, packs: &[(&str, &str)], stores: &str) -> String {
    let stores = stores_file(name, stores);
    let mut text =
        format!("[tenants.acme.oms]\nurl = \"http://127.0.0.1:9\"\n[directory.acme]\nstores_file = {stores:?}\n");
    for (vendor, pack) in packs {
        let path = stores.with_file_name(format!("{vendor}.toml"));
        fs::write(&path, pack.replace("name = \"lumen\"", &format!("name = \"{vendor}\""))).unwrap();
        text.push_str(&format!("[vendors.{vendor}]\nfile = {path:?}\n"));
    }
    Settings::parse(&text, std::iter::empty()).unwrap_err().to_string()
}

#[test]
fn a_misspelled_column_is_reported_with_the_nearest_one_of_the_pack() {
    let told = problems("lumen-near", &[("lumen", PACK)], "id,lumen_kode\na,X\n");
    let words = "line 1: name 2 is none of the columns (did you mean `lumen_code`?); the first line names the columns: \
                 id,opretail_id,oms_code,lumen_code,name (separated by commas, semicolons or tabs)";
    assert!(told.contains(words), "{told}");
    let told = problems("lumen-without-pack", &[], "id,lumen_code\na,X\n");
    assert!(
        told.contains(
            "line 1: name 2 is none of the columns; the first line names the columns: id,opretail_id,oms_code,name ("
        ),
        "{told}"
    );
}

#[test]
fn ids_of_two_vendors_that_could_be_taken_for_each_other_are_refused() {
    let with = |from: &str, to: &str| {
        assert!(PACK.contains(from), "{from}");
        PACK.replace(from, to)
    };
    let store = "column = \"lumen_code\"\nparameter_type = \"lumen_store\"";
    let of = |prefix: &str| with("example = \"L-NORTH\"", &format!("prefix = \"{prefix}\"\nexample = \"{prefix}1\""));
    for (pack, words) in [
        (with("column = \"lumen_code\"", "column = \"oms_code\""), "ids.store.column: oms has `oms_code`"),
        (
            with("parameter_type = \"lumen_store\"", "parameter_type = \"oms_store\""),
            "ids.store.parameter_type: oms has",
        ),
        (of("S_"), "ids.store.prefix: opretail has `S_`"),
        (of("S_X"), "ids.store.prefix: opretail has `S_`"),
        (with("\"R-", "\"O_"), "ids.organization.prefix: opretail has `O_`"),
        (with("column = \"lumen_code\"", "column = \"name\""), "ids.store.column: `name` means something else already"),
        (
            with("column = \"lumen_code\"", "column = \"Lumen Code\""),
            "ids.store.column: a name is made of small letters",
        ),
        (
            with("parameter_type = \"lumen_store\"", "parameter_type = \"text\""),
            "ids.store.parameter_type: `text` means",
        ),
        (of("7"), "ids.store.prefix: a prefix is letters, digits"),
        (of("L/"), "ids.store.prefix: a prefix is letters, digits"),
        (
            with("example = \"R-12\"", "example = \"R-x\""),
            "ids.organization.example: this is no number of the vendor's: write R- and up to 4 digits",
        ),
        (with("longest = 4", "longest = 40"), "ids.organization.longest: an id has 1 to 32 characters"),
        (with(store, "parameter_type = \"lumen_store\""), "ids.store.column: missing"),
    ] {
        let told = problems("lumen-alike", &[("lumen", &pack)], "id,oms_code\na,X\n");
        let line = told.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}\n{told}"));
        assert!(line.contains("vendors.lumen.file: ") && line.contains("lumen.toml: line "), "{line}");
    }
    let twin = with("\"lumen_store\"", "\"twin_store\"");
    let told = problems("lumen-twins", &[("lumen", PACK), ("twin", &twin)], "id,oms_code\na,X\n");
    assert!(
        told.contains("vendors.twin.file: ") && told.contains("ids.store.column: lumen has `lumen_code`"),
        "{told}"
    );
}

#[test]
fn the_commands_check_and_draft_its_column() {
    let gateway = SandboxGateway::live();
    let (path, _) = sandbox_configuration("lumen-commands", &gateway);
    let account = format!(
        "[vendors.lumen]\nfile = {PACK_FILE:?}\n[tenants.acme.lumen]\nurl = \"http://127.0.0.1:9\"\napp_key = \"k\"\n\
         app_secret = \"lumen-secret\"\n"
    );
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{account}")).unwrap();
    let (file, configuration) = (path.with_file_name("stores.csv"), path.to_str().unwrap());
    let variables = [("STOREGATE__DIRECTORY__ACME__STORES_FILE", file.to_str().unwrap())];
    fs::write(&file, STORES).unwrap();
    let told = stdout_of(&["directory", "check", "--config", configuration], &variables, "");
    for words in [
        "3 stores, 1 of them with a number at all 3 vendors",
        "1 without an opretail_id (no flow, demographics and inspections): south",
        "2 without an oms_code (no address and status): south, east",
        "1 without a lumen_code (no receipts): east",
    ] {
        assert!(told.lines().any(|line| line == words), "{words}\n{told}");
    }
    let draft = stdout_of(&["directory", "draft", "--config", configuration], &variables, "");
    let lines: Vec<&str> = draft.lines().collect();
    let first = ["id,opretail_id,oms_code,lumen_code,name", "north,S_100001,SHOP001,L-NORTH,North", "south,,,77,South"];
    assert_eq!(lines[..3], first);
    assert!(lines[4].starts_with("SHOP002,,SHOP002,,"), "{}", lines[4]);
    fs::write(&file, &draft).unwrap();
    let told = stdout_of(&["directory", "check", "--config", configuration], &variables, "");
    assert!(told.ends_with("every store of the OMS is in the directory"), "{told}");
    fs::write(&file, "id,lumen_code\na,x y\nb,\n").unwrap();
    let refused = run(&["directory", "check", file.to_str().unwrap(), "--config", configuration], &[], "");
    let words = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(words.contains("line 2, column 2 (lumen_code): `x y`: an id has 1 to 32 letters"), "{words}");
    assert!(words.contains("neither an opretail_id nor an oms_code nor a lumen_code"), "{words}");
}
