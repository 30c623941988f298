//! Secrets where the paths of their files belong: a mistake that is told without showing what was written.

use std::fs;

use crate::app::configurations::directory_with_key;
use crate::app::configurations::program_configuration;
use crate::app::program::{Running, run};

/// A whole secret, as `"$(cat key.pem)"` gives it.
const PLANTED: &str = "-----BEGIN PRIVATE KEY-----\nplanted-secret\n-----END PRIVATE KEY-----";

/// Every setting that names a file.
const SETTINGS: [&str; 10] = [
    "auth.keys.a.private_key_file",
    "auth.keys.b.public_key_file",
    "auth.keys.c.secret_file",
    "auth.clients.one.secret_sha256_file",
    "auth.clients.two.secret_argon2_file",
    "auth.revoked_tokens_file",
    "auth.issuers.login.jwks_file",
    "tenants.acme.opretail.secret_file",
    "tenants.acme.oms.token_file",
    "gateway.ca_file",
];

fn assert_reported_and_hidden(told: &str) {
    for setting in SETTINGS {
        assert!(told.contains(setting), "{setting} in {told}");
    }
    assert!(told.contains("this is a path, the secret itself belongs in private_key"), "{told}");
    assert!(!told.contains("planted") && !told.contains("BEGIN"), "{told}");
}

#[test]
fn a_secret_in_the_place_of_its_path_is_shown_by_no_message_and_no_line_of_the_log() {
    let [_, key, path] = directory_with_key("planted-paths");
    let good = program_configuration(&key, "").replace("\"planted\"", "\"anything\"");
    let sections = SETTINGS.map(|setting| {
        let (section, name) = setting.rsplit_once('.').unwrap();
        if section == "auth" { String::new() } else { format!("[{section}]\n{name} = '''{PLANTED}'''\n") }
    });
    let bad = sections.concat().replace("[tenants.acme.oms]", "[tenants.acme.oms]\nflag = \"acme\"");
    let bad = format!("[auth]\nrevoked_tokens_file = '''{PLANTED}'''\n{bad}");
    fs::write(&path, &bad).unwrap();
    let output = run(&["serve", "--config", path.to_str().unwrap()], &[], "");
    assert_eq!(output.status.code(), Some(78));
    assert_reported_and_hidden(&String::from_utf8(output.stderr).unwrap());

    let variables = SETTINGS.map(|setting| format!("STOREGATE__{}", setting.replace('.', "__").to_uppercase()));
    let variables: Vec<(&str, &str)> = variables.iter().map(|name| (name.as_str(), PLANTED)).collect();
    let told = String::from_utf8(run(&["serve"], &variables, "").stderr).unwrap();
    assert_reported_and_hidden(&told);
    assert!(told.contains("(from STOREGATE__AUTH__KEYS__A__PRIVATE_KEY_FILE)"), "{told}");

    fs::write(&path, good).unwrap();
    let server = Running::serve(&path);
    fs::write(&path, &bad).unwrap();
    server.signal("HUP");
    let printed = server.until("the configuration in force stays");
    let (code, rest) = server.terminate();
    assert_eq!(code, Some(0));
    assert_reported_and_hidden(&(printed + &rest));
}
