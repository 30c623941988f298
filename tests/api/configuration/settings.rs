//! How the program is configured: everything that is wrong at once, no secret in any message, the environment first.

use std::fs;
use std::path::Path;

use crate::app::configurations::sandbox_configuration;
use crate::app::program::{Running, directory, run, stdout_of};
use crate::app::sandbox_gateway::SandboxGateway;
use crate::peers::independent_rules::{Parameters, oms_signature};

const TENANT: &str = r#"
[tenants.acme.oms]
url = "https://oms.example.com/index.php/openapi/rpc/service/"
flag = "acme"
token = "planted-in-the-file"
"#;

/// The configuration with the gateway at this URL, which has no TLS.
fn without_tls(url: &str) -> String {
    TENANT.replace("https://oms.example.com/index.php/openapi/rpc/service/", url)
}

#[test]
fn a_gateway_on_another_machine_without_tls_is_refused_unless_a_setting_says_so() {
    for url in
        ["http://oms.example.com/", "HTTP://10.0.0.7:8090/x", "http://[fd00::7]/", "http://localhost.example.com/"]
    {
        let path = write("plain-http", &without_tls(url));
        let output = run(&["serve", "--config", &path, "--listen", "127.0.0.1:0"], &[], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{told}");
        assert!(told.contains("tenants.acme.oms.url") && told.contains("gateway.allow_plain_http"), "{told}");
        let line = 1 + fs::read_to_string(&path).unwrap().lines().position(|line| line.starts_with("url =")).unwrap();
        assert!(told.contains(&format!("line {line}")), "{told}");
    }
    for url in ["http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost:1/"] {
        sign(&write("plain-http-here", &without_tls(url)), &[]);
    }
}

#[test]
fn each_start_warns_of_gateways_without_tls() {
    let allowed = without_tls("http://10.0.0.7:8090/") + "[gateway]\nallow_plain_http = true\n";
    let traces = "[telemetry]\ntraces = \"http://10.0.0.8:4318\"\ntraces_headers.authorization = \"planted\"\n";
    let path = write("plain-http-allowed", &(allowed + traces));
    let server = Running::serve(Path::new(&path));
    let told = server.told.clone();
    for warned in ["tenants.acme.oms.url", "http://10.0.0.7:8090/", "telemetry.traces"] {
        assert!(told.contains(warned) && !told.contains("planted"), "{warned} in {told}");
    }
    assert_eq!(server.terminate().0, Some(0));
}

/// A whole configuration, in a directory of the test's own; gives the path.
fn write(name: &str, tenant: &str) -> String {
    let key = stdout_of(&["secret", "key"], &[], "");
    let hash = stdout_of(&["secret", "hash"], &[], "planted-client-secret");
    let text = format!(
        r#"
[server]
public_url = "https://storegate.example.com"
[auth.keys.first]
private_key = '''{key}'''
[auth.clients.dashboard]
tenant = "acme"
scopes = ["stores:read"]
{hash}
{tenant}"#
    );
    let path = directory(name).join("storegate.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn sign(configuration: &str, variables: &[(&str, &str)]) -> (String, String) {
    let at = "2024-01-01T10:00:00+08:00";
    let arguments = ["sign", "--config", configuration, "shop.get", "shop_bn=SHOP001", "--at", at];
    let told = stdout_of(&arguments, variables, "");
    let part = |name: &str| {
        let line = told.lines().find(|line| line.starts_with(name)).unwrap();
        line.strip_prefix(name).unwrap().trim().to_owned()
    };
    (part("signed string"), part("signature"))
}

fn expected_signature(token: &str) -> String {
    let parameters = [
        ("charset", "utf-8"),
        ("flag", "acme"),
        ("method", "shop.get"),
        ("shop_bn", "SHOP001"),
        ("timestamp", "1704074400"),
        ("type", "json"),
        ("ver", "1"),
    ];
    let parameters: Parameters =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    oms_signature(&parameters, token)
}

#[test]
fn serve_without_a_configuration_lists_all_that_is_missing_and_exits_78() {
    let output = run(&["serve"], &[], "");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(78), 0));
    let told = String::from_utf8(output.stderr).unwrap();
    for missing in ["auth.keys", "auth.clients", "auth.issuer", "tenants", "STOREGATE__AUTH__ISSUER"] {
        assert!(told.contains(missing), "{missing} in {told}");
    }
}

#[test]
fn all_problems_are_reported_in_one_message() {
    let wrong =
        format!("{TENANT}timestmp = \"unix\"\nnonce = \"perhaps\"\n[cache]\nsize = \"much\"\n[sever]\nlisten = 1\n");
    let configuration = write("wrong-configuration", &wrong);
    let variables = [("STOREGATE__SERVER__DRAIN", "soon"), ("STOREGATE__TENANTS__ACME__OMS__PAGE_CAP", "0")];
    let output = run(&["serve", "--config", &configuration], &variables, "");
    assert_eq!(output.status.code(), Some(78));
    let told = String::from_utf8(output.stderr).unwrap();
    let expected = [
        "tenants.acme.oms.timestmp: there is no such setting; did you mean tenants.acme.oms.timestamp?",
        "tenants.acme.oms.nonce: ",
        "cache.size: write a number and a unit",
        "sever: there is no such setting; did you mean server?",
        "server.drain (from STOREGATE__SERVER__DRAIN): write a number and a unit",
        "tenants.acme.oms.page_cap (from STOREGATE__TENANTS__ACME__OMS__PAGE_CAP): ",
    ];
    for problem in expected {
        assert!(told.contains(problem), "{problem} in {told}");
    }
    assert!(told.contains("the configuration has 6 problems"), "{told}");
    assert!(!told.contains("planted"), "{told}");
}

#[test]
fn a_variable_that_has_no_effect_is_reported_with_the_right_name() {
    let configuration = write("stray-variables", TENANT);
    for (name, right) in [
        ("STOREGATE_SERVER_LISTEN", "STOREGATE__SERVER__LISTEN"),
        ("STOREGATE_SERVER__LISTEN", "STOREGATE__SERVER__LISTEN"),
        ("storegate__server__listen", "STOREGATE__SERVER__LISTEN"),
        ("STOREGATE_CACHE_FLOW_FRESH", "STOREGATE__CACHE__FLOW__FRESH"),
        ("STOREGATE_TENANTS_ACME_OMS_PAGE_CAP", "STOREGATE__TENANTS__ACME__OMS__PAGE_CAP"),
    ] {
        let output = run(&["serve", "--config", &configuration], &[(name, "planted")], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{told}");
        assert!(told.contains(&format!("the variable {name} has no effect; write {right}")), "{told}");
        assert!(!told.contains("planted"), "{told}");
    }
    let output = run(&["serve", "--config", &configuration], &[("STOREGATE__SERVER_LISTEN", "planted")], "");
    let told = String::from_utf8(output.stderr).unwrap();
    let expected =
        "server_listen (from STOREGATE__SERVER_LISTEN): there is no such setting; did you mean server.listen?";
    assert!(told.contains(expected) && !told.contains("planted"), "{told}");
}

#[test]
fn variables_of_kubernetes_are_ignored_and_others_that_begin_like_ours_are_reported() {
    let gateway = SandboxGateway::live();
    let (path, _) = sandbox_configuration("kubernetes", &gateway);
    let config = path.to_str().unwrap();
    let arguments = ["serve", "--config", config, "--listen", "127.0.0.1:0"];
    let variables = [
        ("STOREGATE_SERVICE_HOST", "10.0.0.1"),
        ("STOREGATE_SERVICE_PORT", "8080"),
        ("STOREGATE_PORT", "tcp://10.0.0.1:8080"),
        ("STOREGATE_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("STOREGATE_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("STOREGATE_SERVER_LISTE", "planted"),
    ];
    let server = Running::start_with(&arguments, &variables, &path.with_extension("json"));
    let log = server.told.clone();
    assert_eq!(server.terminate().0, Some(0), "{log}");
    let strays: Vec<&str> = log.lines().filter(|line| line.contains("has no effect")).collect();
    assert_eq!(strays.len(), 1, "{strays:?}");
    assert!(
        strays[0].contains("the variable STOREGATE_SERVER_LISTE has no effect")
            && strays[0].contains("did you mean STOREGATE__SERVER__LISTEN?"),
        "{strays:?}"
    );
    assert!(!log.contains("planted"), "{log}");
}

#[test]
fn hosts_origins_and_limits_that_cannot_work_are_reported() {
    let configuration = write("wrong-server", TENANT);
    let variables = [
        ("STOREGATE__SERVER__HOSTS", "api.example.com,https://api.example.com"),
        ("STOREGATE__SERVER__CORS__ORIGINS", "*,null,https://dashboard.example.com/"),
        ("STOREGATE__SERVER__CORS__ALLOWED_HEADERS", "X-Good,a b,*"),
        ("STOREGATE__SERVER__HEAD_TIMEOUT", "500ms"),
        ("STOREGATE__SERVER__KEEP_ALIVE", "0s"),
        ("STOREGATE__SERVER__WORKERS", "4"),
        ("STOREGATE__SERVER__CONNECTIONS", "3"),
    ];
    let output = run(&["serve", "--config", &configuration], &variables, "");
    assert_eq!(output.status.code(), Some(78));
    let told = String::from_utf8(output.stderr).unwrap();
    let expected = [
        "\"https://api.example.com\": write a host as callers name it",
        "\"null\" is not an origin",
        "\"https://dashboard.example.com/\" is not an origin",
        "\"*\" stands for every origin",
        "\"a b\" is not the name of a header field",
        "\"*\" is not the name of a header field",
        "server.head_timeout (from STOREGATE__SERVER__HEAD_TIMEOUT): this needs at least 1s",
        "server.keep_alive (from STOREGATE__SERVER__KEEP_ALIVE): this needs at least 1s",
        "server.connections (from STOREGATE__SERVER__CONNECTIONS): write at least one for each worker",
        "the configuration has 9 problems",
    ];
    for problem in expected {
        assert!(told.contains(problem), "{problem} in {told}");
    }
}

#[test]
fn an_invalid_public_url_is_reported_with_its_place() {
    let configuration = write("wrong-public-url", TENANT);
    let text = fs::read_to_string(&configuration).unwrap();
    for wrong in
        ["storegate.example.com", "https://a/b?c=d", "https://user@a", "ftp://a", "https://a/../b", "https://a b"]
    {
        fs::write(&configuration, text.replace("https://storegate.example.com", wrong)).unwrap();
        let output = run(&["serve", "--config", &configuration], &[], "");
        assert_eq!(output.status.code(), Some(78), "{wrong}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("line 3: server.public_url: this is the URL that callers use"), "{wrong}: {told}");
        assert!(told.contains("the configuration has 1 problem:") && !told.contains("auth.issuer"), "{wrong}: {told}");
    }
    fs::write(&configuration, text).unwrap();
    let output = run(&["serve", "--config", &configuration], &[("STOREGATE__SERVER__PUBLIC_URL", "nowhere")], "");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("server.public_url (from STOREGATE__SERVER__PUBLIC_URL): this is the URL"), "{told}");
    assert!(!told.contains("auth.issuer"), "{told}");
}

#[test]
fn an_address_that_cannot_be_a_redis_is_reported_without_its_password() {
    let told = |settings: &str| {
        let configuration = write("redis", &format!("[redis]\n{settings}\n{TENANT}"));
        let refused = run(&["serve", "--config", &configuration], &[], "");
        assert_eq!(refused.status.code(), Some(78), "{settings}");
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(!told.contains("planted"), "{told}");
        told
    };
    for (settings, complaint) in [
        ("", "redis.nodes: missing"),
        ("nodes = []", "name one node"),
        ("nodes = [\"a:1\", \"b:2\"]", "name one node"),
        ("nodes = [\"redis://user:planted@a:1\"]", "write host:port"),
        ("nodes = [\"a\"]\nmode = \"planted\"", "write single, sentinel or cluster"),
        ("nodes = [\"a\"]\nmode = \"sentinel\"", "redis.master: missing"),
        ("nodes = [\"a\"]\nmaster = \"m\"", "this is for mode = \"sentinel\""),
        ("nodes = [\"a\"]\nsentinel_password = \"planted\"", "this is for mode = \"sentinel\""),
        ("nodes = [\"a\"]\nmode = \"cluster\"\ndatabase = 3", "a cluster has only database 0"),
        ("nodes = [\"a\"]\nusername = \"u\"", "a user needs a password"),
        ("nodes = [\"a\"]\nca_file = \"Cargo.toml\"", "only with tls = true"),
        ("nodes = [\"a\"]\nprefix = \"a b\"", "letters, digits"),
        ("nodes = [\"a\"]\ntimeout = \"1ms\"", "write 6ms to 30s"),
        ("node = \"a\"", "nodes"),
    ] {
        let told = told(settings);
        assert!(told.contains(complaint), "{settings}: {told}");
    }
}

#[test]
fn a_line_that_is_not_toml_is_named_by_its_number_and_not_shown() {
    let path = directory("not-toml").join("storegate.toml");
    fs::write(&path, "[tenants.acme.oms]\ntoken = planted-secret\"\n").unwrap();
    let output = run(&["serve", "--config", path.to_str().unwrap()], &[], "");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(told.contains("line 2") && !told.contains("planted"), "{told}");
}

#[test]
fn a_configuration_that_cannot_be_read_is_named() {
    let output = run(&["serve", "--config", "/nowhere/storegate.toml"], &[], "");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(told.contains("/nowhere/storegate.toml: cannot be read"), "{told}");
}

#[test]
fn a_secret_of_digits_from_the_environment_keeps_its_leading_zero() {
    let configuration = write("leading-zero", TENANT);
    let (string, signature) = sign(&configuration, &[("STOREGATE__TENANTS__ACME__OMS__TOKEN", "0123456")]);
    assert_eq!(string, "charsetutf-8flagacmemethodshop.getshop_bnSHOP001timestamp1704074400typejsonver1");
    assert_eq!(signature, expected_signature("0123456"));
}

#[test]
fn the_environment_outranks_the_file() {
    let configuration = write("environment-first", TENANT);
    assert_eq!(sign(&configuration, &[]).1, expected_signature("planted-in-the-file"));
    let variables = [("STOREGATE__TENANTS__ACME__OMS__TOKEN", "from-the-environment")];
    assert_eq!(sign(&configuration, &variables).1, expected_signature("from-the-environment"));
}

#[test]
fn a_secret_comes_from_a_file_without_its_line_end() {
    let file = directory("secret-file").join("token");
    fs::write(&file, "from-a-file\n").unwrap();
    let tenant = TENANT.replace("token = \"planted-in-the-file\"", &format!("token_file = {file:?}"));
    let configuration = write("secret-from-file", &tenant);
    assert_eq!(sign(&configuration, &[]).1, expected_signature("from-a-file"));
}

#[test]
fn the_configuration_can_be_named_by_a_variable() {
    let configuration = write("named-by-variable", TENANT);
    let routes = stdout_of(&["routes"], &[("STOREGATE_CONFIG", &configuration)], "");
    assert!(routes.contains("/stores/{store_id}"));
}

#[test]
fn a_variable_that_has_no_place_is_named_and_no_line_is_blamed_for_it() {
    let configuration = write("variables-without-a-place", &format!("{TENANT}[cache]\nsize = \"64MiB\"\n"));
    for (variable, problem) in [
        (
            "STOREGATE__SRVER__LISTEN",
            "srver (from STOREGATE__SRVER__LISTEN): there is no such setting; did you mean server?",
        ),
        (
            "STOREGATE__TENANTS__ACME__OSM__TOKEN",
            "tenants.acme.osm (from STOREGATE__TENANTS__ACME__OSM__TOKEN): there is no such setting",
        ),
        (
            "STOREGATE__SERVER__PUBLIC_URL__X",
            "server.public_url.x (from STOREGATE__SERVER__PUBLIC_URL__X): server.public_url is not a section",
        ),
        ("STOREGATE__CACHE__SIZE__X__Y", "cache.size.x.y (from STOREGATE__CACHE__SIZE__X__Y): "),
        (
            "STOREGATE__SERVER__LISTEN__X",
            "server.listen (from STOREGATE__SERVER__LISTEN__X): this is a text and not a section",
        ),
        ("STOREGATE__SERVER__WORKERS__X", "server.workers (from STOREGATE__SERVER__WORKERS__X): "),
        ("STOREGATE__CACHE", "cache (from STOREGATE__CACHE): this is a section"),
    ] {
        let output = run(&["serve", "--config", &configuration], &[(variable, "1")], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{variable}: {told}");
        assert!(told.contains(problem) && !told.contains(" line "), "{variable}: {told}");
    }
}

#[test]
fn an_empty_path_of_the_configuration_is_a_wrong_configuration() {
    let commands: [&[&str]; 8] = [
        &["serve"],
        &["doctor"],
        &["routes"],
        &["openapi"],
        &["token", "--client", "dashboard"],
        &["sign", "shop.get"],
        &["call", "shop.get"],
        &["directory", "draft"],
    ];
    for command in commands {
        let output = run(command, &[("STOREGATE_CONFIG", "")], "");
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(78), "{command:?}: {told}");
        assert!(told.contains("the variable STOREGATE_CONFIG is empty"), "{command:?}: {told}");
        let output = run(&[command, &["--config", ""]].concat(), &[], "");
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(78), "{command:?}: {told}");
        assert!(told.contains("the option --config is empty"), "{command:?}: {told}");
    }
    let output = run(&["routes", "--config", &write("named-twice", TENANT)], &[("STOREGATE_CONFIG", "")], "");
    assert_eq!(output.status.code(), Some(0), "the option outranks the variable");
}
