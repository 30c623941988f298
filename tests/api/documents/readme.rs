//! What a newcomer reads first must be true: the README's tables and the example configuration.

use std::fs;
use std::path::{Path, PathBuf};

use crate::app::program::{Running, directory, run, stdout_of};

const README: &str = include_str!("../../../README.md");
/// The public key of RFC 8037, appendix A.2.
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
const EXAMPLE: &str = include_str!("../../../storegate.example.toml");

/// The directory with the secrets that the example names, made as its first lines say.
fn secrets(name: &str) -> PathBuf {
    let directory = directory(name);
    let hash = directory.join("dashboard.sha256");
    fs::write(directory.join("signing-key.pem"), stdout_of(&["secret", "key"], &[], "")).unwrap();
    fs::write(directory.join("signing-key-2026-10.public.pem"), PUBLIC_KEY).unwrap();
    stdout_of(&["secret", "new", "--hash-file", hash.to_str().unwrap()], &[], "");
    let hash = directory.join("excel.sha256");
    stdout_of(&["secret", "api-key", "--hash-file", hash.to_str().unwrap()], &[], "");
    fs::write(directory.join("opretail-secret"), "planted-opretail").unwrap();
    fs::write(directory.join("opretail-password"), "planted-password").unwrap();
    fs::write(directory.join("opretail-application"), "planted-application").unwrap();
    fs::write(directory.join("oms-token"), "planted-oms").unwrap();
    directory
}

fn serves(configuration: &str, directory: &Path) {
    let path = directory.join("storegate.toml");
    let configuration = configuration.replace("\"secrets/", &format!("\"{}/", directory.display()));
    fs::write(&path, configuration).unwrap();
    let server = Running::serve(&path);
    assert_eq!(stdout_of(&["health", &server.url("/healthz")], &[], ""), "healthy");
    assert_eq!(server.terminate().0, Some(0));
}

#[test]
fn serve_accepts_the_example_as_it_stands_once_its_secrets_exist() {
    serves(EXAMPLE, &secrets("example"));
}

#[test]
fn every_default_that_the_example_explains_is_a_setting() {
    // These show another way to give what is given already, or a file that does not exist.
    let alternatives = [
        "#secret_argon2",
        "#public_key",
        "#secret_file = \"secrets/shared",
        "#ca_file",
        "#second_",
        "#stores =",
        "#revoked_tokens_file",
        "#jwks_file",
        "#stores_file",
        "#[directory",
        "#tenant_claim",
        "#tenants =",
        "#scope_prefix",
        "#username",
        "#password_file = \"secrets/redis",
        "#sentinel_",
        "#master",
        "#traces_headers",
        "#[vendors",
        "#pack = \"youzan",
        "#file = \"lumen",
        // Of new scopes, and of parameters of other types.
        "#allows",
        // Of how a list is paged, where that is not as in the pack.
        "#[resources.traffic.paging",
        "#page = \"pageNumber",
        "#first = 0",
        "#offset = \"offset",
        "#cursor = \"cursor",
        "#next = \"/next",
        "#size = \"pageSize",
        "#largest = 50",
        "#total = \"/total",
        "#has_next",
        "#id = \"/id",
        "#longest",
        "#minimum",
        "#maximum",
        "#values",
    ];
    let lines = EXAMPLE.lines().filter(|line| !alternatives.iter().any(|start| line.starts_with(start)));
    let is_setting = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
    let lines = lines.map(|line| if is_setting(line) { line.get(1..).unwrap() } else { line });
    let configuration: String = lines.map(|line| format!("{line}\n")).collect();
    assert!(configuration.contains("\npage_cap = 100") && configuration.contains("\n[cache.demographics.ended]"));
    serves(&configuration, &secrets("defaults"));
}

#[test]
fn without_its_secrets_the_example_is_refused_by_their_names() {
    let directory = directory("missing");
    let path = directory.join("storegate.toml");
    fs::write(&path, EXAMPLE.replace("\"secrets/", "\"/nowhere/")).unwrap();
    let refused = run(&["serve", "--config", path.to_str().unwrap()], &[], "");
    assert_eq!(refused.status.code(), Some(78));
    let message = String::from_utf8(refused.stderr).unwrap();
    for setting in ["private_key_file", "secret_sha256_file", "opretail.secret_file", "oms.token_file"] {
        assert!(message.contains(setting), "{setting} in {message}");
    }
}

#[test]
fn the_readme_lists_every_command() {
    let help = stdout_of(&["--help"], &[], "");
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 10, "{help}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let start = format!("| `storegate {name}");
        assert!(README.lines().any(|line| line.starts_with(&start)), "no row {start}");
        assert!(run(&[name, "--help"], &[], "").status.success());
    }
}

#[test]
fn the_readme_lists_every_metric() {
    let source = include_str!("../../../src/telemetry/metrics/meters.rs");
    let names: Vec<&str> = source.split('"').filter(|text| text.starts_with("storegate_")).collect();
    assert!(names.len() > 10, "{names:?}");
    let rows: Vec<&str> = README.lines().filter(|line| line.starts_with("| `storegate_")).collect();
    for name in names {
        assert_eq!(rows.iter().filter(|row| row.contains(&format!("`{name}`"))).count(), 1, "{name}");
    }
}
