//! Files that a configuration names, as editors and other tools leave them: what is meant is read, and anything else is told
//! at the start, where it stands.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use storegate::config::Settings;

use crate::companies::SECRETS;
use crate::configuration_files::Files;
use crate::program::{directory, run, stdout_of};
use crate::reloading::program_configuration;
use crate::test_app::TestApp;

/// A configuration in a folder of this name.
fn configuration(name: &str) -> (std::path::PathBuf, String) {
    let home = directory(name);
    let key = home.join("key.pem");
    fs::write(&key, stdout_of(&["secret", "key"], &[], "")).unwrap();
    (home, program_configuration(&key, ""))
}

/// What a configuration is refused for.
fn refusal(text: &str) -> String {
    Settings::parse(text, std::iter::empty()).unwrap_err().to_string()
}

#[actix_web::test]
async fn a_secret_is_read_as_it_is_meant_whatever_editor_has_written_it() {
    let app = TestApp::spawn();
    let secret = directory("secret-of-an-editor").join("secret");
    for (number, content) in ["{}", "{}\n", "{}\r\n", "\u{feff}{}", "\u{feff}{}\r\n"]
        .map(|form| form.replace("{}", SECRETS[0]))
        .iter()
        .enumerate()
    {
        fs::write(&secret, content).unwrap();
        let mut files = Files::of(&app, &format!("secrets-of-editors-{number}"));
        files.change(&format!("secret = \"{}\"", SECRETS[0]), &format!("secret_file = {secret:?}"));
        files.reloader.reload();
        assert_eq!(app.get(&format!("/stores/S_10000{}/flow", number + 1)).await.status, 200, "{content:?}");
    }
}

#[test]
fn a_secret_with_something_around_it_is_told_at_the_start_and_not_shown() {
    let (home, text) = configuration("odd-secrets");
    let secret = home.join("secret");
    let text = text.replace("token = \"planted\"", &format!("token_file = {secret:?}"));
    for (content, why) in [
        ("planted-token \n", "begins or ends with a blank"),
        ("planted-token\0", "control character (U+0000)"),
        ("planted-token\n\n", "several lines"),
        ("planted-token\nanother", "several lines"),
        ("", "the secret is empty"),
        ("\u{feff}\n", "the secret is empty"),
    ] {
        fs::write(&secret, content).unwrap();
        let told = refusal(&text);
        assert!(told.contains("line ") && told.contains("tenants.acme.oms.token"), "{told}");
        assert!(told.contains(why) && !told.contains("planted-token"), "{content:?}: {told}");
    }
}

#[test]
fn an_authoritys_file_without_a_certificate_ends_the_start() {
    let (home, text) = configuration("authorities");
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let path = home.join("ca.pem");
    let redis = format!("[redis]\nnodes = [\"127.0.0.1:1\"]\ntls = true\nca_file = {path:?}\n");
    for (section, setting) in
        [(format!("[gateway]\nca_file = {path:?}\n"), "gateway.ca_file"), (redis, "redis.ca_file")]
    {
        let text = format!("{text}{section}");
        for (content, why) in [
            (&b""[..], "no certificate in the file"),
            (b"not a certificate", "no certificate in the file"),
            (signing_key.serialize_pem().as_bytes(), "no certificate in the file"),
            (cert.der(), "it is DER; convert it"),
            (b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "not PEM"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be trusted"),
        ] {
            fs::write(&path, content).unwrap();
            let told = refusal(&text);
            assert!(told.contains("line ") && told.contains(&format!("{setting}: ")), "{told}");
            assert!(told.contains(why), "{setting}, {why}: {told}");
        }
        for good in
            [cert.pem(), format!("\u{feff}{}", cert.pem()), format!("# ours\r\n{}", cert.pem().replace('\n', "\r\n"))]
        {
            fs::write(&path, good).unwrap();
            assert!(Settings::parse(&text, std::iter::empty()).is_ok(), "{setting}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_told_with_its_path_and_where_it_was_looked_for() {
    let (home, text) = configuration("missing-files");
    let path = home.join("storegate.toml");
    fs::write(&path, text.replace("token = \"planted\"", "token_file = \"secrets/oms.token\"")).unwrap();
    let output = run(&["serve", "--config", path.to_str().unwrap()], &[], "");
    assert_eq!(output.status.code(), Some(78));
    let told = String::from_utf8(output.stderr).unwrap();
    let here = std::env::current_dir().unwrap();
    let expected = format!("the file secrets/oms.token cannot be read (looked up in {}): No such file", here.display());
    assert!(told.contains(&expected), "{told}");
}

#[test]
fn a_key_set_and_a_configuration_behind_a_mark_are_read() {
    let (home, text) = configuration("marked-files");
    let keys = home.join("keys.json");
    fs::write(&keys, "\u{feff}{\"keys\":[]}").unwrap();
    let issuer = "[auth.issuers.login]\nissuer = \"https://a\"\naudience = \"a\"\ntenant = \"acme\"\n";
    let told = refusal(&format!("{text}{issuer}jwks_file = {keys:?}\n"));
    assert!(told.contains("the file has no key"), "{told}");
    let path = home.join("storegate.toml");
    fs::write(&path, format!("\u{feff}{text}")).unwrap();
    assert!(Settings::load(Some(&path), std::iter::empty()).is_ok());
}

#[test]
fn a_secret_that_every_user_may_read_is_a_warning_unless_a_container_mounts_it() {
    let (home, text) = configuration("open-secrets");
    let warnings = |secret: &Path| {
        let text = text.replace("token = \"planted\"", &format!("token_file = {secret:?}"));
        let all = Settings::parse(&text, std::iter::empty()).unwrap().warnings;
        all.into_iter().filter(|warning| warning.starts_with("tenants.acme.oms.token_file: ")).collect::<Vec<_>>()
    };
    let secret = home.join("secret");
    fs::write(&secret, "planted\n").unwrap();
    for (mode, is_told) in [(0o600, false), (0o640, false), (0o644, true), (0o604, true)] {
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(!warnings(&secret).is_empty(), is_told, "{mode:o}");
    }
    assert!(warnings(&secret)[0].contains("chmod 600"));
    // As Kubernetes mounts a secret.
    fs::create_dir_all(home.join("..data")).unwrap();
    fs::rename(&secret, home.join("..data/secret")).unwrap();
    symlink("..data/secret", &secret).unwrap();
    assert_eq!(warnings(&secret), Vec::<String>::new());
}
