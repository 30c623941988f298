//! Each command does what its help says, and none of them shows a secret.

use std::fs;
use std::path::Path;

use awc::Client;
use serde_json::Value;
use storegate::sandbox::{OmsServer, OpRetailAccount, SandboxSettings};

use crate::app::configurations::sandbox_configuration;
use crate::app::program::{Running, directory, run, stdout_of};
use crate::app::sandbox_gateway::SandboxGateway;
use crate::peers::raw_peer::{RawPeer, Then};

async fn get(url: &str, token: &str) -> (u16, Value) {
    let mut answer = Client::default().get(url).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[actix_web::test]
async fn the_demo_comes_up_answers_and_stops_on_sigterm() {
    let ready_file = directory("demo").join("ready.json");
    let demo = Running::start(&["demo", "--listen", "127.0.0.1:0"], &ready_file);
    let ready = demo.ready.clone();
    let (status, flow) = get(&demo.url("/stores/S_123456/flow"), ready["token"].as_str().unwrap()).await;
    assert_eq!((status, flow["store_id"].as_str()), (200, Some("S_123456")));
    let [id, secret] = ["client_id", "client_secret"].map(|name| ready[name].as_str().unwrap().to_owned());
    let request = Client::default().post(demo.url("/oauth/token")).basic_auth(id, secret);
    let mut answer = request.send_form(&[("grant_type", "client_credentials")]).await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(get(&demo.url("/organizations/2/developer-account"), token).await.0, 200);
    let calls = format!("{}/_sandbox/calls", ready["sandbox_url"].as_str().unwrap());
    // A login may have come before them.
    let counts = get(&calls, "").await.1["methods"].clone();
    for method in ["open.shopweb.passengerFlow.getTotalData", "open.gateway.authentication"] {
        assert_eq!(counts[method], 1, "{method}");
    }
    let mut metrics = Client::default().get(demo.url("/metrics")).send().await.unwrap();
    let metrics = String::from_utf8(metrics.body().await.unwrap().to_vec()).unwrap();
    assert!(metrics.contains("storegate_http_requests_total{"), "it counts as serve does: {metrics:?}");
    assert!(metrics.contains(&format!("storegate_build_info{{version=\"{}\"", env!("CARGO_PKG_VERSION"))), "{metrics}");
    // What is known everywhere; a system may know more.
    for name in ["cpu_seconds_total", "resident_memory_bytes", "virtual_memory_bytes", "open_fds", "max_fds", "threads"]
    {
        let value = metrics.lines().find_map(|line| line.strip_prefix(&format!("process_{name} "))).unwrap_or("none");
        assert!(value.parse::<f64>().is_ok_and(|value| value > 0.0 || name == "cpu_seconds_total"), "{name} {value}");
    }
    assert_is_private(&ready_file);
    assert_eq!(demo.terminate().0, Some(0));
}

/// The ready file holds a token and a secret.
#[cfg(unix)]
fn assert_is_private(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(not(unix))]
fn assert_is_private(_: &Path) {}

#[actix_web::test]
async fn a_minted_token_reads_from_a_server_of_the_same_configuration() {
    let gateway = SandboxGateway::live();
    let (path, secrets) = sandbox_configuration("serve", &gateway);
    let config = path.to_str().unwrap();
    let server =
        Running::start(&["serve", "--config", config, "--listen", "127.0.0.1:0"], &path.with_extension("json"));
    let mint = ["token", "--config", config, "--client", "dashboard"];
    let all = stdout_of(&mint, &[], "");
    let narrow = stdout_of(&[&mint[..], &["--scope", "flow:read", "--lifetime", "1h"]].concat(), &[], "");
    assert_eq!(get(&server.url("/stores/SHOP001"), &all).await.0, 200);
    assert_eq!(get(&server.url("/stores/SHOP002"), &all).await.0, 403, "the client's stores are in its token");
    assert_eq!(get(&server.url("/stores/S_123456/flow"), &narrow).await.0, 200);
    assert_eq!(get(&server.url("/stores/SHOP001"), &narrow).await.0, 403);
    assert_eq!(stdout_of(&["health", &server.url("/healthz")], &[], ""), "healthy");
    gateway.sandbox.fail_next(storegate::sandbox::Fault::code("e000002"), 1);
    assert_eq!(get(&server.url("/stores?page_size=1"), &all).await.0, 502);
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0));
    assert!(log.contains("an operator must act") && log.contains("stopped"), "{log}");
    for secret in secrets.iter().chain([&all, &narrow]) {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[actix_web::test]
async fn a_refused_key_is_an_alarm_in_the_log_even_when_an_older_answer_hides_it_from_callers() {
    let oms_server = OmsServer::Documented;
    let gateway = SandboxGateway::live_with(SandboxSettings { oms_server, ..SandboxSettings::default() });
    let (path, _) = sandbox_configuration("hidden", &gateway);
    let old = "\n[cache.store]\nfresh = \"0s\"\nstale = \"0s\"\non_error = \"1h\"\n";
    fs::write(&path, fs::read_to_string(&path).unwrap() + old).unwrap();
    let config = path.to_str().unwrap();
    let server =
        Running::start(&["serve", "--config", config, "--listen", "127.0.0.1:0"], &path.with_extension("json"));
    let token = stdout_of(&["token", "--config", config, "--client", "dashboard"], &[], "");
    assert_eq!(get(&server.url("/stores/SHOP001"), &token).await.0, 200);
    gateway.sandbox.fail_next(storegate::sandbox::Fault::code("e000002"), 1);
    assert_eq!(get(&server.url("/stores/SHOP001"), &token).await.0, 200);
    assert_eq!(gateway.sandbox.calls(), 2);
    let (_, log) = server.terminate();
    assert_eq!(log.matches("an operator must act").count(), 1, "{log}");
}

#[test]
fn no_token_is_minted_for_an_unknown_client_or_a_scope_that_it_does_not_have() {
    let (path, _) = sandbox_configuration("token", &SandboxGateway::live());
    let config = path.to_str().unwrap();
    let unknown = run(&["token", "--config", config, "--client", "nobody"], &[], "");
    assert_eq!((unknown.status.code(), unknown.stdout.len()), (Some(1), 0));
    let wider = run(&["token", "--config", config, "--client", "dashboard", "--scope", "cache:purge"], &[], "");
    assert_eq!((wider.status.code(), wider.stdout.len()), (Some(1), 0));
    assert!(String::from_utf8(wider.stderr).unwrap().contains("it has stores:read, flow:read"));
}

#[test]
fn health_is_what_the_final_response_says() {
    for (status, is_healthy) in [("200 OK", true), ("503 Service Unavailable", false)] {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n";
        let bytes = format!("{interim}HTTP/1.1 {status}\r\n\r\n");
        let peer = RawPeer::start(bytes.as_bytes(), b"", Then::Close);
        let output = run(&["health", &format!("http://{}/healthz", peer.address())], &[], "");
        assert_eq!(output.status.success(), is_healthy, "{output:?}");
    }
    for bytes in ["HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "healthy"] {
        let peer = RawPeer::start(bytes.as_bytes(), b"", Then::Close);
        let output = run(&["health", &format!("http://{}/healthz", peer.address())], &[], "");
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("does not answer"));
    }
}

#[test]
fn health_of_a_service_that_is_not_there_is_a_failure() {
    let output = run(&["health", "http://127.0.0.1:1/healthz"], &[], "");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}

#[test]
fn the_kept_api_documents_are_the_program_s() {
    for (file, form) in [("openapi.json", None), ("openapi.yaml", Some("--yaml"))] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi").join(file);
        let path = path.to_str().unwrap();
        let arguments: Vec<&str> = ["openapi", "--check", path].into_iter().chain(form).collect();
        let output = run(&arguments, &[], "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_stale_api_document_is_noticed_and_the_line_is_told() {
    let path = directory("stale-document").join("openapi.json");
    let document = stdout_of(&["openapi"], &[], "");
    fs::write(&path, format!("{document}\n").replace("\"storegate\"", "\"storegat\"")).unwrap();
    let output = run(&["openapi", "--check", path.to_str().unwrap()], &[], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("is stale from line 4 on"));
}

#[test]
fn routes_shows_each_path_with_its_scope_and_gateway_method() {
    let table = stdout_of(&["routes"], &[], "");
    let row = |path: &str| table.lines().find(|line| line.split_whitespace().nth(1) == Some(path)).unwrap().to_owned();
    assert!(row("/stores/{store_id}/flow").contains("flow:read"));
    assert!(row("/stores/{store_id}/flow").contains("open.shopweb.passengerFlow.getTotalData v1"));
    assert!(row("/organizations/{organization_id}/developer-account").contains("open.gateway.authentication v2"));
    assert!(row("/stores").contains("shop.getList") && row("/cache").contains("cache:purge"));
}

#[test]
fn sign_reproduces_the_vendor_s_vectors_and_masks_the_secret() {
    let (path, secrets) = sandbox_configuration("sign", &SandboxGateway::live());
    let sign = ["sign", "--config", path.to_str().unwrap()];
    let method = "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution";
    let period = ["id=S_123456", "stime=2021-03-29 00:00:00", "etime=2021-03-31 23:59:59"];
    let at = ["--at", "2021-04-01T12:00:00+08:00"];
    let told = stdout_of(&[&sign[..], &[method], &period, &at].concat(), &[], "");
    assert!(told.contains("C59C9B13A9A529F8EC538AA0E5FB1392") && told.contains("********_aidS107"), "{told}");
    let compact = ["shop.get", "shop_bn=SHOP001", "--compact", "--at", "2024-01-01T10:00:00+08:00"];
    let shop = stdout_of(&[&sign[..], &compact].concat(), &[], "");
    assert!(shop.contains("F6BD2FA1BF14E67FF5EB9A7C3A710D94"), "{shop}");
    assert!(secrets.iter().all(|secret| !told.contains(secret) && !shop.contains(secret)));
}

#[test]
fn an_endpoint_on_the_command_line_counts_more_than_one_of_the_account() {
    let (path, _) = sandbox_configuration("sign-door", &SandboxGateway::live());
    let method = "open.shopweb.passengerFlow.getTotalData";
    let own = "[tenants.acme.opretail.cloud]\nsystem = \"1\"\nkey = \"the-application\"\nsecret = \"its-secret\"\n";
    let text = format!(
        "{}{own}[tenants.acme.opretail.methods]\n\"{method}\" = \"cloud.api\"\n",
        fs::read_to_string(&path).unwrap()
    );
    fs::write(&path, text).unwrap();
    let signed = |more: &[&str]| {
        let sign = ["sign", "--config", path.to_str().unwrap(), method, "id=S_1"];
        stdout_of(&[&sign[..], more].concat(), &[], "")
    };
    let (key, application) = (OpRetailAccount::default().key, "the-application");
    assert!(signed(&[]).contains(application), "as the account says");
    let told = signed(&["--door", "m.api"]);
    assert!(told.contains(&key) && !told.contains(application), "{told}");
    assert!(signed(&["--door", "cloud.api"]).contains(application));
}

#[test]
fn call_prints_the_envelope_as_it_came() {
    let gateway = SandboxGateway::live();
    let (path, secrets) = sandbox_configuration("call", &gateway);
    let call = ["call", "--config", path.to_str().unwrap()];
    let told = stdout_of(&[&call[..], &["shop.getList", "page_no=2", "page_size=3"]].concat(), &[], "");
    let envelope: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(envelope["response"]["lists"][0]["shop_code"], "SHOP004");
    let inspections = "open.shopweb.liveCheck.statisticsDetailPageForCustomer";
    let cloud = stdout_of(&[&call[..], &[inspections, "enterpriseId=1084"]].concat(), &[], "");
    assert_eq!(serde_json::from_str::<Value>(&cloud).unwrap()["stat"]["code"], "0", "it found the other door");
    let version = ["open.gateway.authentication", "orgid=7", "--method-version", "v1"];
    let refused = run(&[&call[..], &version].concat(), &[], "");
    assert_eq!(refused.status.code(), Some(1));
    let refused = String::from_utf8(refused.stdout).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&refused).unwrap()["stat"]["code"], 9);
    assert!(secrets.iter().all(|secret| ![&told, &cloud, &refused].iter().any(|told| told.contains(secret))));
}

#[test]
fn sign_and_call_refuse_what_they_write_themselves_and_ask_for_the_gateway_of_an_unknown_method() {
    let gateway = SandboxGateway::live();
    let (path, _) = sandbox_configuration("call-reserved", &gateway);
    let told = |command: &str, arguments: &[&str]| {
        let output = run(&[&[command, "--config", path.to_str().unwrap()], arguments].concat(), &[], "");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for command in ["sign", "call"] {
        for (method, parameter) in
            [("shop.getList", "flag=evil"), ("shop.getList", "sign=x"), ("open.a.b", "_akey=evil")]
        {
            let told = told(command, &[method, parameter]);
            assert!(told.contains("belongs to the signature of each call") && !told.contains("evil"), "{told}");
        }
        assert!(told(command, &[""]).contains("--gateway NAME"));
    }
    assert_eq!(gateway.sandbox.calls(), 0);
    for (code, name) in
        [("e000001", "system_parameter_refused"), ("e000003", "method_refused"), ("e000002", "credentials_refused")]
    {
        gateway.sandbox.fail_next_of("shop.getList", storegate::sandbox::Fault::code(code), 1);
        assert!(
            told("call", &["shop.getList"]).contains(&format!("oms {name}: the gateway answered {code}")),
            "{code}"
        );
    }
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.split("[tenants.acme.oms]").next().unwrap()).unwrap();
    assert!(told("sign", &["foo.bar"]).contains("name the gateway whose method `foo.bar` is: --gateway NAME"));
}

#[test]
fn a_hash_is_not_overwritten_and_a_lifetime_is_checked() {
    let hash = directory("hash").join("dashboard.sha256");
    let arguments = ["secret", "new", "--hash-file", hash.to_str().unwrap()];
    stdout_of(&arguments, &[], "");
    let before = fs::read_to_string(&hash).unwrap();
    let again = run(&arguments, &[], "");
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("remove it first"));
    assert_eq!(fs::read_to_string(&hash).unwrap(), before);
    let (path, _) = sandbox_configuration("lifetime", &SandboxGateway::live());
    for lifetime in ["0s", "25h"] {
        let token = ["token", "--config", path.to_str().unwrap(), "--client", "dashboard", "--lifetime", lifetime];
        assert!(!run(&token, &[], "").status.success(), "{lifetime}");
    }
}

#[test]
fn secret_makes_what_the_configuration_wants() {
    let hash = stdout_of(&["secret", "hash"], &[], "abc\n");
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hash, format!("secret_sha256 = \"{known}\""));
    let made = stdout_of(&["secret", "new"], &[], "");
    let lines: Vec<&str> = made.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(stdout_of(&["secret", "hash"], &[], lines[0]), lines[1]);
    assert!(stdout_of(&["secret", "hash", "--argon2"], &[], "abc").starts_with("secret_argon2 = \"$argon2id$"));
    assert!(stdout_of(&["secret", "key"], &[], "").starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(stdout_of(&["secret", "key", "--algorithm", "hs256"], &[], "").len() >= 43);
    assert_eq!(run(&["secret", "hash"], &[], "").status.code(), Some(1), "nothing is no secret");
}

#[actix_web::test]
async fn a_call_whose_answer_tells_an_error_prints_it_and_exits_1() {
    let gateway = SandboxGateway::live();
    let (path, _) = sandbox_configuration("call-refused", &gateway);
    let config = path.to_str().unwrap();
    let call = |arguments: &[&str]| run(&[&["call", "--config", config], arguments].concat(), &[], "");
    let good = call(&["shop.getList", "page_size=1"]);
    assert_eq!((good.status.code(), good.stderr.len()), (Some(0), 0), "{good:?}");
    for (method, code) in
        [("shop.getList", "e000004"), ("shop.getList", "404"), ("open.shopweb.passengerFlow.getTotalData", "9")]
    {
        gateway.sandbox.fail_next_of(method, storegate::sandbox::Fault::code(code), 1);
        let refused = call(&[method, "id=S_123456"]);
        let (printed, told) = (String::from_utf8_lossy(&refused.stdout), String::from_utf8_lossy(&refused.stderr));
        assert_eq!(refused.status.code(), Some(1), "{code}: {told}");
        assert!(printed.contains(code) && told.contains(&format!("the gateway answered {code}")), "{printed}\n{told}");
    }
    gateway.sandbox.fail_next_of("shop.getList", storegate::sandbox::Fault::Html, 1);
    let page = call(&["shop.getList"]);
    assert_eq!(page.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&page.stdout).contains("<html"), "what came is shown");
}

#[test]
fn a_reader_that_ends_early_is_no_error_of_any_command_that_prints() {
    let directory = directory("closed-pipe");
    let stores = directory.join("stores.csv");
    fs::write(&stores, "id,opretail_id\na,S_1\n").unwrap();
    for arguments in [
        &["routes"][..],
        &["openapi"],
        &["openapi", "--yaml"],
        &["secret", "new"],
        &["secret", "key"],
        &["directory", "check", stores.to_str().unwrap()],
        &["--help"],
        &["serve", "--help"],
        &["--version"],
    ] {
        let (code, told) = crate::app::program::run_into_a_closed_pipe(arguments);
        assert_eq!((code, told.as_str()), (Some(0), ""), "{arguments:?}");
    }
}
