//! Addresses in the configuration: a malformed one is refused at the start, and none is guessed.

use storegate::config::Settings;

use crate::app::program::{run, stdout_of};

const URL: &str = "https://host.example.com/path";

/// A configuration in which every address that this service calls is written.
fn configuration() -> String {
    let key = stdout_of(&["secret", "key"], &[], "");
    format!(
        r#"
[auth]
issuer = "{URL}"
[auth.keys.first]
private_key = '''{key}'''
[auth.issuers.keys]
issuer = "keys"
jwks_uri = "{URL}"
audience = "storegate"
tenant = "acme"
[auth.issuers.discovered]
issuer = "{URL}/other"
audience = "storegate"
tenant = "acme"
[tenants.acme.opretail]
m_api = "{URL}"
cloud_api = "{URL}"
key = "a"
secret = "b"
[tenants.acme.oms]
url = "{URL}"
flag = "a"
token = "b"
[telemetry]
traces = "{URL}"
"#
    )
}

/// The numbers of the lines with an address.
fn lines(text: &str) -> Vec<usize> {
    text.lines().enumerate().filter(|(_, line)| line.contains(URL)).map(|(index, _)| index + 1).collect()
}

#[test]
fn a_malformed_address_is_refused_at_the_start_by_its_line_and_key() {
    let text = configuration();
    assert!(Settings::parse(&text, std::iter::empty()).is_ok());
    let bad = ["99999", "28O90", "8443x", "0x1F90", "", "0", "+443"]
        .map(|port| format!("https://host.example.com:{port}/path"));
    let more = ["#f", "/#f", "#"].map(|end| format!("{URL}{end}"));
    let others = [
        "https://:443/path",
        "https://[::zz]/path",
        "https://planted@host.example.com/path",
        "ftp://host.example.com/path",
    ];
    for bad in bad.into_iter().chain(more).chain(others.map(str::to_owned)) {
        for line in lines(&text) {
            let mut changed: Vec<String> = text.lines().map(str::to_owned).collect();
            changed[line - 1] = changed[line - 1].replace(URL, &bad);
            let key = changed[line - 1].split(' ').next().unwrap().to_owned();
            let told = Settings::parse(&changed.join("\n"), std::iter::empty()).map(|_| ()).unwrap_err().to_string();
            assert!(told.contains(&format!("line {line}: ")) && told.contains(&key), "{bad} as {key}: {told}");
            assert!(told.contains("has 1 problem:") && !told.contains("planted"), "{bad} as {key}: {told}");
        }
    }
}

#[test]
fn no_port_is_guessed_where_an_address_is_written_on_the_command_line() {
    for (url, why) in [
        ("http://127.0.0.1:99999/healthz", "port of the URL"),
        ("http://127.0.0.1:8O80/healthz", "port of the URL"),
        ("http://127.0.0.1:/healthz", "port of the URL"),
        ("127.0.0.1:8080", "begins with http://"),
        ("https://127.0.0.1:8080/healthz", "speaks http alone"),
        ("http://user:planted@127.0.0.1:1/", "user name or password"),
    ] {
        let output = run(&["health", url], &[], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(why) && !told.contains("planted"), "{url}: {told}");
        assert!(told.contains("write the address as http://127.0.0.1:8080/healthz"), "{url}: {told}");
    }
}
