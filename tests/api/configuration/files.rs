//! Files that a configuration names, as editors and other tools leave them: what is meant is read, and anything else is told
//! at the start, where it stands.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use storegate::config::Settings;

use crate::app::TestApp;
use crate::app::configuration_files::Files;
use crate::app::configurations::directory_with_key;
use crate::app::configurations::program_configuration;
use crate::app::program::{directory, run};
use crate::app::tenants::SECRETS;

/// A configuration in a folder of this name.
fn configuration(name: &str) -> (std::path::PathBuf, String) {
    let [home, key, _] = directory_with_key(name);
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
fn a_secret_with_blanks_or_lines_around_it_is_reported_at_the_start_and_not_shown() {
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
fn a_missing_file_is_reported_with_its_path_and_where_it_was_looked_for() {
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
    assert!(Settings::read_from(Some(&path), std::iter::empty(), None).settings.is_ok());
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
    for (mode, is_reported) in [(0o600, false), (0o640, false), (0o644, true), (0o604, true)] {
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(!warnings(&secret).is_empty(), is_reported, "{mode:o}");
    }
    assert!(warnings(&secret)[0].contains("chmod 600"));
    // As Kubernetes mounts a secret.
    fs::create_dir_all(home.join("..data")).unwrap();
    fs::rename(&secret, home.join("..data/secret")).unwrap();
    symlink("..data/secret", &secret).unwrap();
    assert_eq!(warnings(&secret), Vec::<String>::new());
}

#[test]
fn no_warning_for_a_file_in_a_directory_that_is_closed_to_others() {
    // Not below the build's directory: what is above that may be closed anyway.
    let home = std::env::temp_dir().join(format!("storegate-closed-directories-{}", std::process::id()));
    let (_, text) = configuration("closed-directories");
    let folder = home.join("secrets/deeper");
    fs::create_dir_all(&folder).unwrap();
    let secret = folder.join("secret");
    fs::write(&secret, "planted\n").unwrap();
    let set = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let is_reported = |path: &Path| {
        let text = text.replace("token = \"planted\"", &format!("token_file = {path:?}"));
        let all = Settings::parse(&text, std::iter::empty()).unwrap().warnings;
        all.iter().any(|warning| warning.starts_with("tenants.acme.oms.token_file: "))
    };
    for path in [&home, &home.join("secrets"), &folder] {
        set(path, 0o755);
    }
    set(&secret, 0o644);
    assert!(is_reported(&secret));
    for closed in [&home, &home.join("secrets"), &folder] {
        for mode in [0o700, 0o750, 0o744] {
            set(closed, mode);
            assert!(!is_reported(&secret), "{mode:o} of {}", closed.display());
        }
        set(closed, 0o711);
        assert!(is_reported(&secret), "{}", closed.display());
    }
    // A link in a closed directory closes nothing, and one to a closed directory opens nothing.
    let links = home.join("links");
    fs::create_dir(&links).unwrap();
    symlink(&secret, links.join("secret")).unwrap();
    set(&links, 0o700);
    assert!(is_reported(&links.join("secret")));
    set(&links, 0o755);
    set(&folder, 0o700);
    assert!(!is_reported(&links.join("secret")));
    fs::remove_dir_all(&home).unwrap();
}

#[test]
fn an_error_inside_a_file_is_reported_with_key_line_and_path() {
    let (home, text) = configuration("wrong-inside");
    let file = home.join("planted-name");
    let name = format!("{file:?}");
    let issuer = "[auth.issuers.login]\nissuer = \"https://a\"\naudience = \"a\"\ntenant = \"acme\"\n";
    let hash = text.lines().find(|line| line.starts_with("secret_sha256")).unwrap();
    let key = text.lines().find(|line| line.starts_with("private_key_file")).unwrap();
    let changed = |line: &str, key: &str| text.replace(line, &format!("{key} = {name}"));
    let added = |section: &str, key: &str| format!("{text}{section}{key} = {name}\n");
    let cases = [
        (
            changed("token = \"planted\"", "token_file"),
            "tenants.acme.oms.token_file",
            &["", "\n", "planted \n", "a\nb"][..],
        ),
        (changed(hash, "secret_sha256_file"), "auth.clients.dashboard.secret_sha256_file", &["", "planted"]),
        (changed(hash, "secret_argon2_file"), "auth.clients.dashboard.secret_argon2_file", &["", "planted"]),
        (
            changed(key, "private_key_file"),
            "auth.keys.first.private_key_file",
            &["", "planted", "-----BEGIN PRIVATE KEY-----\nplanted"],
        ),
        (added("[auth.keys.a]\n", "public_key_file"), "auth.keys.a.public_key_file", &["", "planted"]),
        (
            added("[auth.keys.a]\n", "secret_file"),
            "auth.keys.a.secret_file",
            &["", "planted", "x\n-----BEGIN PUBLIC KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"],
        ),
        (added(issuer, "jwks_file"), "auth.issuers.login.jwks_file", &["", "planted", "{\"keys\":[]}"]),
        (changed("[auth]", "[auth]\nrevoked_tokens_file"), "auth.revoked_tokens_file", &["planted planted"]),
        (added("[gateway]\n", "ca_file"), "gateway.ca_file", &["", "planted", "-----BEGIN CERTIFICATE-----\nplanted"]),
        (added("[directory.acme]\n", "stores_file"), "directory.acme.stores_file", &["", "planted"]),
        (added("[redis]\nnodes = [\"a\"]\n", "password_file"), "redis.password_file", &[""]),
        (
            added("[telemetry.traces_headers]\n", "authorization_file"),
            "telemetry.traces_headers.authorization_file",
            &["", "planted\tname"],
        ),
    ];
    for (text, key, contents) in cases {
        let last = format!("{} = {name}", key.rsplit('.').next().unwrap());
        let line = 1 + text.lines().position(|line| line == last).unwrap();
        for content in contents {
            fs::write(&file, content).unwrap();
            let told = refusal(&text);
            let place = format!("  - line {line}: {key}: {}: ", file.display());
            let problem = told.lines().find_map(|told| told.strip_prefix(&place));
            let problem = problem.unwrap_or_else(|| panic!("{content:?}: {place} in {told}"));
            assert!(!problem.contains("planted") && told.contains("has 1 problem"), "{content:?}: {told}");
        }
    }
}

#[test]
fn a_truncated_ca_file_is_reported_as_such() {
    let (home, text) = configuration("cut-authorities");
    let CertifiedKey { cert, .. } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (path, pem) = (home.join("ca.pem"), cert.pem());
    let text = format!("{text}[gateway]\nca_file = {path:?}\n");
    let end = pem.find("-----END").unwrap();
    for (content, why) in [
        (&pem[..end], "may have been cut off"),
        (&pem[..end / 2], "may have been cut off"),
        (&pem[..end + 9], "may have been cut off"),
        (&pem.replace("BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE"), "does not end in five dashes"),
        (&pem.replace("MII", "M!!"), "not base64"),
    ] {
        fs::write(&path, content).unwrap();
        let told = refusal(&text);
        assert!(told.contains(why) && !told.contains("45, 45"), "{told}");
    }
}

#[test]
fn a_private_key_may_have_text_before_it() {
    let (home, text) = configuration("explained-key");
    let path = home.join("key.pem");
    let pem = fs::read_to_string(&path).unwrap();
    for before in ["Key of the shop\n", "Bag Attributes\r\n    friendlyName: planted\r\n\r\n", "\n\n# ours\n"] {
        fs::write(&path, format!("{before}{pem}")).unwrap();
        assert!(Settings::parse(&text, std::iter::empty()).is_ok(), "{before:?}");
    }
}
