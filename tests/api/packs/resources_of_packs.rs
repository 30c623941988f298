//! Resources that come with a pack: they are there where the configuration names the pack, and the configuration may replace
//! them.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use storegate::config::Settings;

use crate::app::program::directory;
use crate::peers::lumen::{PACK, PACK_FILE, RESOURCE, start_with, token};

/// Lumen's pack with this behind it.
fn pack(name: &str, resources: &str) -> PathBuf {
    let file = directory(name).join("lumen.toml");
    fs::write(&file, format!("{PACK}\n{resources}")).unwrap();
    file
}

/// The pack's resource: the vendor is that of the pack.
fn resource() -> String {
    RESOURCE.replace("gateway = \"lumen\"\n", "")
}

#[actix_web::test]
async fn a_resource_of_a_pack_is_there_and_documented_without_a_word_in_the_configuration() {
    let file = pack("pack-resources", &resource());
    let (_lumen, _peer, app) = start_with(|setup| {
        setup.more = setup.more.replace(&format!("{PACK_FILE:?}"), &format!("{file:?}")).replace(RESOURCE, "");
    });
    let answer = app.get_with_token(&token(&app, "dashboard"), "/receipts?page=2").await;
    assert_eq!(answer.json()["items"][0], json!({"number": "A1", "amount": 12.5}), "{}", answer.text());
    let document = app.get("/openapi.json").await.json();
    assert_eq!(document["paths"]["/receipts"]["get"]["operationId"], "read_receipts");
}

#[actix_web::test]
async fn a_configuration_replaces_a_resource_of_a_pack_by_its_own() {
    let file = pack("replaced-resources", &format!("{}\nno_key = 1\n", resource()));
    let (_lumen, _peer, app) = start_with(|setup| {
        setup.more = setup.more.replace(&format!("{PACK_FILE:?}"), &format!("{file:?}"));
        setup.more = setup.more.replace("/amount", "/nothing").replace("path = \"/receipts\"", "path = \"/slips\"");
    });
    let answer = app.get_with_token(&token(&app, "dashboard"), "/slips").await;
    assert_eq!(answer.json()["items"][0], json!({"number": "A1", "amount": null}), "{}", answer.text());
    assert_eq!(app.get_with_token(&token(&app, "dashboard"), "/receipts").await.status, 404);
}

/// The problems of a configuration that has these vendors and nothing else.
fn problems(vendors: &str) -> Vec<String> {
    let problems = Settings::parse(vendors, std::iter::empty()).unwrap_err().0;
    problems.into_iter().filter(|problem| problem.contains("vendors.")).collect()
}

#[test]
fn a_mistake_in_a_resource_of_a_pack_is_told_with_its_line_in_the_pack() {
    let wrong = resource().replace("answer = \"list\"", "answer = \"rows\"\ngateway = \"oms\"");
    let file = pack("wrong-resources", &wrong);
    let line = fs::read_to_string(&file).unwrap().lines().position(|line| line == "answer = \"rows\"").unwrap() + 1;
    let found = problems(&format!("[vendors.lumen]\nfile = {file:?}"));
    let expected = [
        format!(
            "lumen.toml: line {}: resources.receipts.gateway: a resource of a pack calls the pack's vendor",
            line + 1
        ),
        format!("lumen.toml: line {line}: resources.receipts.answer: an answer is an object, a list, or as_given"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert!(expected.iter().all(|words| found.iter().any(|problem| problem.contains(words.as_str()))), "{found:#?}");
}

#[test]
fn a_resource_is_no_get_where_every_call_has_a_secret_in_its_body() {
    let sent = PACK.replace("[call.headers]", "[call.parameters]\nsession = \"{credential.session}\"\n[call.headers]");
    let field = "[credential.session]\nhelp = \"a session\"\nsecret = true\nsent = true\n[endpoints.url]";
    let sent = sent.replace("[endpoints.url]", field).replace("business = \"json\"", "").replace("\\n{body}", "");
    let sent = sent.split("[[vectors]]").next().unwrap();
    for (http, expected) in [("GET", 1), ("POST", 0)] {
        let file = directory("secret-get").join("lumen.toml");
        let resource = resource().replace("scope = ", &format!("http = {http:?}\nscope = "));
        fs::write(&file, format!("{sent}\n{resource}")).unwrap();
        let found = problems(&format!("[vendors.lumen]\nfile = {file:?}"));
        assert_eq!(found.len(), expected, "{found:#?}");
        let words = "resources.receipts.http: every call has session, a secret, which a GET would show in its address";
        assert!(found.iter().all(|problem| problem.contains(words)), "{found:#?}");
    }
}

#[test]
fn a_vendor_has_one_pack_of_the_program_or_of_a_file() {
    for (vendor, words) in [
        ("", "line 1: vendors.lumen.pack: missing: the name of a pack in the program"),
        ("pack = \"lumen\"", "line 2: vendors.lumen.pack: the packs are "),
        ("pack = \"opretail\"", "line 2: vendors.lumen.pack: this is a pack of \"opretail\", which is built in"),
        ("pack = \"lumen\"\nfile = \"lumen.toml\"", "line 3: vendors.lumen.file: a vendor has one pack"),
    ] {
        let found = problems(&format!("[vendors.lumen]\n{vendor}"));
        assert_eq!(found.len(), 1, "{vendor}: {found:#?}");
        assert!(found[0].starts_with(words), "{vendor}: {found:#?}");
    }
}
