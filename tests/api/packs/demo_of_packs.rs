//! `--vendor`: the demo and the sandbox with the gateway of a pack.

use std::fs;
use std::path::PathBuf;

use awc::Client;
use serde_json::{Value, json};

use crate::app::program::{Running, directory, run};
use crate::peers::lumen::{PACK, PACK_FILE, RESOURCE, STORE_RESOURCE};

/// Lumen's pack with its resources, in a directory of this name.
fn pack(name: &str) -> PathBuf {
    let file = directory(name).join("lumen.toml");
    fs::write(&file, format!("{PACK}\n{RESOURCE}\n{STORE_RESOURCE}").replace("gateway = \"lumen\"\n", "")).unwrap();
    file
}

#[actix_web::test]
async fn a_demo_with_a_pack_answers_its_resources_and_lives_through_its_faults() {
    let file = pack("demo-of-pack");
    let arguments = ["demo", "--listen", "127.0.0.1:0", "--vendor", file.to_str().unwrap()];
    let demo = Running::start(&arguments, &file.with_file_name("ready.json"));
    let (token, gateway) = (demo.ready["token"].as_str().unwrap(), demo.ready["sandbox_url"].as_str().unwrap());
    let read = async |path: &str| {
        let mut answer = Client::default().get(demo.url(path)).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, receipts) = read("/receipts?page=1").await;
    let items = json!([{"number": "A1", "amount": 12.5}, {"number": "7", "amount": null}]);
    assert_eq!((status, &receipts["items"]), (200, &items), "{receipts}");
    assert_eq!(read("/stores/L-NORTH/receipts").await.0, 200, "the example of the pack's ids is a store");
    let order = r#"{"fault":"code","code":"E404","gateway":"lumen"}"#;
    let ordered = Client::default().post(format!("{gateway}/_sandbox/faults")).send_body(order).await.unwrap();
    assert_eq!(ordered.status(), 204);
    assert_eq!(read("/receipts?page=2").await.0, 404);
    let lost = Client::default().delete(format!("{gateway}/_sandbox/logins")).send().await.unwrap();
    assert_eq!((lost.status().as_u16(), read("/receipts?page=3").await.0), (204, 200));
    let mut calls = Client::default().get(format!("{gateway}/_sandbox/calls")).send().await.unwrap();
    assert_eq!(calls.json::<Value>().await.unwrap()["methods"]["auth.exchange"], 2);
    let (document, told) = (read("/openapi.json").await.1, demo.told.clone());
    assert!(document["paths"]["/receipts"].is_object() && told.contains("/receipts"), "{told}");
}

#[test]
fn a_sandbox_with_a_pack_prints_the_account_that_calls_its_gateway() {
    let arguments = ["sandbox", "--listen=127.0.0.1:0", "--vendor", PACK_FILE];
    let sandbox = Running::start(&arguments, &directory("sandbox-of-pack").join("ready.json"));
    let url = sandbox.url("/packs/lumen");
    let printed = sandbox.told.clone() + &sandbox.terminate().1;
    let account = format!(
        "[tenants.demo.lumen]\nurl = \"{url}\"\napp_key = \"sandbox-app_key\"\napp_secret = \"sandbox-app_secret\"\n"
    );
    for part in [format!("[vendors.lumen]\nfile = {PACK_FILE:?}\n"), account] {
        assert!(printed.contains(&part), "{part} in {printed}");
    }
}

#[test]
fn two_packs_of_one_vendor_are_refused() {
    let copy = pack("demo-of-two-packs");
    let arguments = ["sandbox", "--listen=127.0.0.1:0", "--vendor", PACK_FILE, "--vendor", copy.to_str().unwrap()];
    let refused = run(&arguments, &[], "");
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && message.contains("there is another pack of lumen"), "{message}");
}

#[test]
fn a_vendor_that_is_no_pack_is_refused() {
    for (vendor, words) in
        [("no-such-pack", "the packs in the program are "), ("oms", "oms is always there: leave it out")]
    {
        let refused = run(&["sandbox", "--listen=127.0.0.1:0", "--vendor", vendor], &[], "");
        let message = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && message.contains(words), "{message}");
    }
}
