//! A changed pack waits for a restart as a whole, whatever else a reload puts in force.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use storegate::reload::ReloadOutcome;

use crate::app::TestApp;
use crate::app::configuration_files::Files;
use crate::app::program::directory;
use crate::peers::lumen::{Lumen, PACK, PACK_FILE, STORE_RESOURCE, start_with, token};
use crate::peers::scripted_peer::ScriptedPeer;

/// The pack with a prefix of its stores' numbers.
fn prefixed(prefix: &str) -> String {
    let example = format!("prefix = \"{prefix}\"\nexample = \"{prefix}NORTH\"");
    PACK.replace("example = \"L-NORTH\"", &example)
}

/// The service with a pack that may be changed.
fn start(name: &str) -> (Arc<Lumen>, ScriptedPeer, TestApp, PathBuf) {
    let pack = directory(name).join("lumen.toml");
    fs::write(&pack, prefixed("L-")).unwrap();
    let (lumen, peer, app) = start_with(|setup| {
        setup.more = setup.more.replace(&format!("{PACK_FILE:?}"), &format!("{pack:?}"));
        setup.more.push_str(STORE_RESOURCE);
    });
    (lumen, peer, app, pack)
}

/// The pack of another vendor that no id of Lumen's is like.
fn nova() -> String {
    let pack = prefixed("N-").replace("name = \"lumen\"", "name = \"nova\"");
    pack.replace("lumen_", "nova_").replace("\"R-", "\"NR-")
}

#[actix_web::test]
async fn an_account_that_changes_goes_on_with_the_pack_of_the_start() {
    let (lumen, _peer, app, pack) = start("pack-waits");
    let mut files = Files::of(&app, "pack-waits-from");
    let token = token(&app, "operator");
    let other = prefixed("W-").replace("hmac-sha256", "hmac-sha512");
    fs::write(&pack, other.split("[[vectors]]").next().unwrap()).unwrap();
    for lead in ["30s", "40s"] {
        // What makes another account of it.
        files.change("app_key = ", &format!("timestamp_lead = {lead:?}\nnonce = false\napp_key = "));
        assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
        let path = format!("/stores/L-{}/receipts", &lead[..2]);
        let answer = app.get_with_token(&token, &path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = lumen.bodies.lock().unwrap().last().cloned();
        assert_eq!(sent, Some(json!({"storeCode": format!("L-{}", &lead[..2])})));
        assert_eq!(app.get_with_token(&token, "/stores/W-30/receipts").await.status, 404);
    }
}

#[actix_web::test]
async fn a_directory_and_grants_are_read_with_the_ids_of_the_start() {
    let (lumen, _peer, app, pack) = start("ids-wait");
    let mut files = Files::of(&app, "ids-wait-from");
    let token = token(&app, "operator");
    fs::write(&pack, prefixed("W-")).unwrap();
    let stores = pack.with_file_name("stores.csv");
    let directory = format!("[directory.acme]\nstores_file = {stores:?}\n[vendors.lumen]");
    fs::write(&stores, "id,lumen_code,name\nnorth,L-NORTH,North\n").unwrap();
    files.change("[vendors.lumen]", &directory);
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    assert_eq!(app.get_with_token(&token, "/stores/north/receipts").await.status, 200);
    assert_eq!(lumen.bodies.lock().unwrap()[..], [json!({"storeCode": "L-NORTH"})]);
}

#[actix_web::test]
async fn a_new_vendor_waits_for_a_restart_while_the_rest_of_the_reload_is_applied() {
    let (_lumen, _peer, app, pack) = start("vendor-waits");
    let mut files = Files::of(&app, "vendor-waits-from");
    let file = pack.with_file_name("nova.toml");
    fs::write(&file, nova()).unwrap();
    let account = "url = \"http://127.0.0.1:9\"\napp_key = \"k\"\napp_secret = \"s\"\n";
    let more = format!(
        "[tenants.newcomer.nova]\n{account}[tenants.acme.nova]\n{account}[vendors.nova]\nfile = {file:?}\n[gateway.nova]\n\
         {}[tenants.acme.lumen]\ntimestamp_lead = \"30s\"",
        STORE_RESOURCE
            .replace("store_receipts", "nova_receipts")
            .replace("/receipts", "/novas")
            .replace("lumen", "nova")
            .replace("L-", "N-")
    );
    files.change("[tenants.acme.lumen]", &more);
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    let acme = app.in_force.tenants.get("acme").unwrap();
    let vendors: Vec<&str> = acme.accesses().iter().map(|access| access.vendor().name()).collect();
    assert_eq!(vendors, ["opretail", "oms", "lumen"]);
    assert!(app.in_force.tenants.get("newcomer").unwrap().accesses().is_empty());
    // An account of a vendor that no configuration has any more is as wrong as at a start.
    files.change("[vendors.lumen]", "[vendors.nova]");
    assert_eq!(files.reloader.reload(), ReloadOutcome::Refused);
}
