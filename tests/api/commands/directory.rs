//! `storegate directory`: what it says of a file, alone and beside the OMS, and what it drafts.

use std::fs;

use storegate::sandbox::{OmsServer, SandboxSettings};

use crate::app::configurations::sandbox_configuration;
use crate::app::configurations::stores_file;
use crate::app::program::{directory, run, stdout_of};
use crate::app::sandbox_gateway::SandboxGateway;
use crate::peers::lumen::PACK_FILE;

const STORES: &str = "id,opretail_id,oms_code,name\nflagship,S_123456,SHOP061,\nkiosk,S_100002,,\n";

#[test]
fn a_file_alone_is_checked_by_line_and_column() {
    let path = stores_file("directory-alone", STORES);
    let told = stdout_of(&["directory", "check", path.to_str().unwrap()], &[], "");
    assert_eq!(
        told,
        "2 stores, 1 of them with a number at both vendors\n1 without an oms_code (no address and status): kiosk"
    );
    fs::write(&path, "id,opretail_id\nflagship,SHOP\n").unwrap();
    let refused = run(&["directory", "check", path.to_str().unwrap()], &[], "");
    assert_eq!(refused.status.code(), Some(1));
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(words.contains("stores.csv: line 2, column 2 (opretail_id): `SHOP` is no id of OPRetail"), "{words}");
}

#[test]
fn a_file_with_a_column_of_a_vendors_pack_is_explained_without_a_configuration() {
    let path = stores_file("directory-own-column", "id,lumen_code\nnorth,L-NORTH\n");
    let refused = run(&["directory", "check", path.to_str().unwrap()], &[], "");
    assert_eq!(refused.status.code(), Some(1));
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(words.contains("name 2 is none of the columns") && words.contains("known with --config"), "{words}");
}

#[test]
fn numbers_are_counted_at_vendors_with_an_account() {
    let home = directory("directory-accounts");
    let (file, configuration) = (home.join("stores.csv"), home.join("storegate.toml"));
    fs::write(&file, "id,opretail_id,lumen_code,name\nnorth,,L-NORTH,\nsouth,S_1,,\n").unwrap();
    let key = stdout_of(&["secret", "key"], &[], "");
    let hash = stdout_of(&["secret", "hash"], &[], "planted-client-secret");
    let text = format!(
        "[server]\npublic_url = \"https://storegate.example.com\"\n[auth.keys.first]\nprivate_key = '''{key}'''\n\
         [auth.clients.dashboard]\ntenant = \"acme\"\nscopes = [\"stores:read\"]\n{hash}\n[vendors.lumen]\n\
         file = {PACK_FILE:?}\n[tenants.acme.lumen]\nurl = \"https://lumen.example.com\"\napp_key = \"k\"\n\
         app_secret = \"s\"\n"
    );
    fs::write(&configuration, text).unwrap();
    let told = stdout_of(
        &["directory", "check", file.to_str().unwrap(), "--config", configuration.to_str().unwrap()],
        &[],
        "",
    );
    assert_eq!(
        told,
        "2 stores, 1 of them with a number at the company's vendor\n1 without a lumen_code (no receipts): south"
    );
}

#[test]
fn without_a_file_and_a_configuration_it_says_what_to_name() {
    let refused = run(&["directory", "check"], &[], "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("name a CSV file, or a configuration with --config"));
}

#[test]
fn a_file_is_compared_with_the_oms_and_a_draft_has_all_that_was_missing() {
    for oms_server in [OmsServer::Published, OmsServer::Documented] {
        compares_and_drafts(&SandboxGateway::live_with(SandboxSettings { oms_server, ..SandboxSettings::default() }));
    }
}

fn compares_and_drafts(gateway: &SandboxGateway) {
    let (path, secrets) = sandbox_configuration("directory-compared", gateway);
    let (file, configuration) = (path.with_file_name("stores.csv"), path.to_str().unwrap());
    fs::write(&file, format!("{STORES}ghost,,NOPE1,\n")).unwrap();
    let variables = [("STOREGATE__DIRECTORY__ACME__STORES_FILE", file.to_str().unwrap())];
    let compared = run(&["directory", "check", "--config", configuration], &variables, "");
    let told = String::from_utf8(compared.stdout).unwrap();
    assert_eq!(compared.status.code(), Some(1), "{told}");
    assert!(told.contains("1 whose oms_code is not that of any store at the OMS: NOPE1"), "{told}");
    assert!(told.contains("259 at the OMS that are not in the directory: SHOP001 ("), "{told}");

    fs::write(&file, STORES).unwrap();
    let draft = stdout_of(&["directory", "draft", "--config", configuration], &variables, "");
    let lines: Vec<&str> = draft.lines().collect();
    assert_eq!(lines[..3], ["id,opretail_id,oms_code,name", "flagship,S_123456,SHOP061,", "kiosk,S_100002,,"]);
    assert!(lines.len() == 1 + 2 + 259 && lines[3].starts_with("SHOP001,,SHOP001,"), "{}", lines.len());
    assert!(secrets.iter().all(|secret| !draft.contains(secret)));
    fs::write(&file, draft).unwrap();
    let told = stdout_of(&["directory", "check", "--config", configuration], &variables, "");
    assert!(told.ends_with("every store of the OMS is in the directory"), "{told}");
}
