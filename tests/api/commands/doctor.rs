//! `storegate doctor`, with each thing broken in turn: it names the cause and the remedy, and its exit code says the worst.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;

use jiff::SignedDuration;
use serde_json::Value;
use storegate::clock::Clock;
use storegate::sandbox::{
    Fault, OmsAccount, OmsServer, OpRetailAccount, OpRetailApplication, PermittedMethods, SandboxSettings, Vendor,
};

use crate::app::program::run;
use crate::app::reserved_port::ReservedPort;
use crate::app::sandbox_gateway::SandboxGateway;
use crate::commands::call::configuration;
use crate::peers::collector::Collector;
use crate::peers::scripted_peer::ScriptedPeer;

const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";

/// A configuration before a gateway, and all that must not be told.
pub struct Patient {
    pub gateway: SandboxGateway,
    pub path: PathBuf,
    secrets: Vec<String>,
}

/// What was told, and the exit code.
pub struct Told {
    pub code: Option<i32>,
    pub text: String,
}

impl Patient {
    pub fn with(name: &str, settings: SandboxSettings) -> Self {
        let gateway = SandboxGateway::start(settings, Clock::system());
        let (path, mut secrets) = configuration(name, &gateway);
        secrets.push("sandbox-password".to_owned());
        Self { gateway, path, secrets }
    }

    pub fn healthy(name: &str) -> Self {
        Self::with(name, SandboxSettings::default())
    }

    /// Before the OMS that the vendor's pages describe.
    pub fn documented(name: &str) -> Self {
        Self::with(name, SandboxSettings { oms_server: OmsServer::Documented, ..SandboxSettings::default() })
    }

    /// Changes a part of the configuration.
    pub fn change(&self, part: &str, by: &str) {
        let text = fs::read_to_string(&self.path).unwrap();
        assert!(text.contains(part), "{part}");
        fs::write(&self.path, text.replacen(part, by, 1)).unwrap();
    }

    /// Logs a user in.
    pub fn log_in(&self, password: &str) {
        let login = format!(
            "[tenants.acme.opretail.login]\nuser_name = \"13800000000\"\npassword = \"{password}\"\n[tenants.acme.oms]"
        );
        self.change("[tenants.acme.oms]", &login);
    }

    pub fn examine(&self) -> Told {
        self.examine_as(&[])
    }

    fn examine_as(&self, more: &[&str]) -> Told {
        let output = run(&[&["doctor", "--config", self.path.to_str().unwrap()], more].concat(), &[], "");
        let text = String::from_utf8(output.stdout).unwrap();
        let all = text.clone() + &String::from_utf8_lossy(&output.stderr);
        for secret in &self.secrets {
            assert!(!all.contains(secret), "{secret} in {all}");
        }
        assert!(!all.contains("_sig") && !all.contains("charsetutf-8"), "{all}");
        Told { code: output.status.code(), text }
    }
}

/// What goes to the gateway goes through here, and before each of its responses there are others.
fn relay(gateway: SocketAddr) -> ScriptedPeer {
    ScriptedPeer::start(move |connection| {
        let mut behind = TcpStream::connect(gateway).unwrap();
        while let Some(request) = connection.request() {
            behind.write_all(request.as_bytes()).unwrap();
            let response = String::from_utf8(read_response(&mut behind)).unwrap();
            connection.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
            connection.send(&response);
        }
    })
}

fn read_response(behind: &mut TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(behind);
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        assert!(reader.read_until(b'\n', &mut response).unwrap() > 0);
    }
    let head = String::from_utf8(response.clone()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    [response, body].concat()
}

impl Told {
    /// The only line that does not begin with `ok`.
    pub fn only_trouble(&self) -> &str {
        let troubles: Vec<&str> = self.text.lines().filter(|line| !line.starts_with("ok ")).collect();
        assert_eq!(troubles.len(), 1, "{}", self.text);
        troubles[0]
    }

    pub fn has_line(&self, beginning: &str) -> bool {
        self.text.lines().any(|line| line.starts_with(beginning))
    }
}

#[test]
fn interim_responses_before_each_answer_are_no_trouble() {
    let patient = Patient::documented("doctor-interim-responses");
    let url = patient.gateway.sandbox.oms_url();
    let gateway: SocketAddr = url.split('/').nth(2).unwrap().parse().unwrap();
    let relay = relay(gateway);
    let text = fs::read_to_string(&patient.path).unwrap();
    fs::write(&patient.path, text.replace(&gateway.to_string(), &relay.address().to_string())).unwrap();
    let told = patient.examine();
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert!(relay.connections() > 1);
}

#[test]
fn where_nothing_is_wrong_each_check_is_ok() {
    for (patient, shop) in [
        (Patient::healthy("doctor-well"), "method shop.get: is not there, as at some servers of the vendor"),
        (Patient::documented("doctor-well-documented"), "method shop.get: may be called"),
    ] {
        let told = patient.examine();
        assert_eq!(told.code, Some(0), "{}", told.text);
        assert!(told.text.lines().all(|line| line.starts_with("ok  ")), "{}", told.text);
        for check in
            ["reach: 127.0.0.1:", "clock: within 2 s", "signature: ", "method shop.getList: may be called", shop]
        {
            assert!(told.has_line(&format!("ok       acme oms: {check}")), "{check}: {}", told.text);
        }
        assert!(told.has_line("ok       acme opretail: method open.gateway.authentication: may be called"));
    }
}

#[test]
fn no_call_brings_a_secret_or_more_than_a_line_of_data() {
    let patient = Patient::healthy("doctor-modest");
    patient.examine();
    let sandbox = &patient.gateway.sandbox;
    assert!(sandbox.calls() <= 8, "{}", sandbox.calls());
    assert_eq!(sandbox.calls_of("open.gateway.authentication"), 1);
}

#[test]
fn as_json_it_says_the_same() {
    let patient = Patient::healthy("doctor-json");
    patient.change("secret = \"sandbox-secret\"", "secret = \"planted-wrong\"");
    let told = patient.examine_as(&["--json"]);
    let json: Value = serde_json::from_str(&told.text).unwrap();
    assert_eq!((told.code, json["status"].as_str()), (Some(2), Some("failed")));
    let failed: Vec<&Value> =
        json["checks"].as_array().unwrap().iter().filter(|finding| finding["status"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{json}");
    assert_eq!(
        (failed[0]["subject"].as_str(), failed[0]["check"].as_str()),
        (Some("acme opretail"), Some("signature"))
    );
    assert!(failed[0]["remedy"].as_str().unwrap().contains("`secret`"));
}

#[test]
fn a_wrong_configuration_is_told_problem_by_problem() {
    let patient = Patient::healthy("doctor-configuration");
    patient.change("flag = ", "page_cap = 0\nflagg = ");
    let told = patient.examine();
    assert_eq!(told.code, Some(78));
    assert!(told.text.contains("did you mean tenants.acme.oms.flag?"), "{}", told.text);
    let json: Value = serde_json::from_str(&patient.examine_as(&["--json"]).text).unwrap();
    assert_eq!(json["checks"].as_array().unwrap().len(), 2, "{json}");
}

#[test]
fn a_wrong_secret_is_told_from_an_unknown_key() {
    let patient = Patient::healthy("doctor-secret");
    patient.change("secret = \"sandbox-secret\"", "secret = \"planted-wrong\"");
    let told = patient.examine();
    let trouble = told.only_trouble();
    assert!(trouble.starts_with("failed   acme opretail: signature: the gateway answered 7 SIGN_WRONG"), "{trouble}");
    assert!(trouble.contains("the key is known, so the secret is another"), "{trouble}");
    assert_eq!(told.code, Some(2));

    let patient = Patient::healthy("doctor-key");
    patient.change("key = \"S107-00000001\"", "key = \"S107-NOBODY\"");
    let told = patient.examine();
    assert!(told.only_trouble().starts_with("failed   acme opretail: key: the gateway answered 2 KEY_UNLAWFUL"));
    assert!(told.only_trouble().contains("-> check `key`"));

    let ended = OpRetailAccount { expired: true, ..OpRetailAccount::default() };
    let patient = Patient::with("doctor-ended", SandboxSettings { opretail: vec![ended], ..Default::default() });
    assert!(patient.examine().only_trouble().contains("-> have the vendor renew the key"));
}

#[test]
fn of_the_string_that_the_oms_signed_the_first_difference_is_named() {
    let patient = Patient::healthy("doctor-token");
    patient.change("token = \"sandbox-token\"", "token = \"planted-wrong\"");
    let told = patient.examine();
    let trouble = told.only_trouble();
    assert!(trouble.starts_with("failed   acme oms: signature: the gateway answered e000002"), "{trouble}");
    assert!(trouble.contains("it signed the same parameters as we did") && trouble.contains("`token`"), "{trouble}");

    let patient = Patient::healthy("doctor-changed-form");
    let signed = "charsetutf-8flagDEMOmethodshop.getList";
    let body = format!(
        r#"{{"error_response":{{"code":"e000002","msg":"sign error","sub_msg":{{"assemble_str":"{signed}"}}}}}}"#
    );
    patient.gateway.sandbox.fail_next_at(Vendor::Oms, Fault::Body(body), 1);
    let told = patient.examine();
    assert!(told.only_trouble().contains("the first parameter that it signed otherwise is `flag`"), "{}", told.text);
}

#[test]
fn a_clock_that_is_off_is_told_in_seconds_and_beyond_the_window_as_something_else() {
    let skewed = |name: &str, seconds: i64| {
        Patient::with(name, SandboxSettings { clock_skew: SignedDuration::from_secs(seconds), ..Default::default() })
    };
    let told = skewed("doctor-drift", 120).examine();
    assert_eq!(told.code, Some(1), "{}", told.text);
    let drifts: Vec<&str> = told.text.lines().filter(|line| line.starts_with("warning")).collect();
    assert_eq!(drifts.len(), 2, "{}", told.text);
    for drift in drifts {
        let seconds = ["119 s", "120 s", "121 s"].iter().any(|seconds| drift.contains(seconds));
        assert!(seconds && drift.contains("ahead of ours") && drift.contains("(NTP)"), "{drift}");
    }

    let told = skewed("doctor-far", -7_200).examine();
    assert_eq!(told.code, Some(2), "{}", told.text);
    for gateway in ["opretail", "oms"] {
        let beginning = format!("failed   acme {gateway}: clock: the gateway refuses our time, its clock is 7");
        let line = told.text.lines().find(|line| line.starts_with(&beginning)).expect(&told.text);
        assert!(line.contains("behind ours: that is beyond the difference that it allows"), "{line}");
        assert!(told.has_line(&format!("ok       acme {gateway}: signature")), "the rest is checked: {}", told.text);
    }
}

#[test]
fn a_method_that_is_not_registered_is_named_with_who_needs_it() {
    let only = |method: &str| PermittedMethods::Only(vec![method.to_owned()]);
    let opretail = OpRetailAccount { methods: only(FLOW), ..OpRetailAccount::default() };
    let oms = OmsAccount { methods: only("shop.getList"), ..OmsAccount::default() };
    let oms_server = OmsServer::Documented;
    let settings = SandboxSettings { opretail: vec![opretail], oms: vec![oms], oms_server, ..Default::default() };
    let told = Patient::with("doctor-permission", settings).examine();
    assert_eq!(told.code, Some(2));
    assert!(told.has_line(&format!("ok       acme opretail: method {FLOW}")), "{}", told.text);
    for (account, method, path) in [
        ("opretail", "open.gateway.authentication v2", "/organizations/{organization_id}/developer-account"),
        ("opretail", "open.shopweb.liveCheck.statisticsDetailPageForCustomer v1", "/inspections"),
        ("oms", "shop.get 1", "/stores/{store_id}"),
    ] {
        let name = method.split(' ').next().unwrap();
        let beginning = format!("failed   acme {account}: method {name}: the gateway answered ");
        let line = told.text.lines().find(|line| line.starts_with(&beginning)).expect(&told.text);
        assert!(line.contains(&format!("needed for {path}")), "{line}");
        assert!(line.contains(&format!("-> have the vendor register {method} for the ")), "{line}");
    }
}

#[test]
fn a_refusal_of_a_call_that_can_only_be_answered_is_a_failure_with_its_code() {
    for code in ["e000006", "e000010", "1", "400", "404", "2001", "2002", "777"] {
        for patient in [Patient::healthy("doctor-refuses"), Patient::documented("doctor-refuses-documented")] {
            patient.gateway.sandbox.fail_next_at(Vendor::Oms, Fault::code(code), 99);
            let told = patient.examine();
            assert_eq!(told.code, Some(2), "{code}: {}", told.text);
            let beginning = format!("failed   acme oms: method shop.getList: the gateway answered {code}");
            let line = told.text.lines().find(|line| line.starts_with(&beginning)).expect(&told.text);
            assert!(line.contains("page_no=1 page_size=1") && line.contains("needed for /stores"), "{line}");
            assert!(line.contains(&format!("-> look at the whole answer with `storegate call shop.getList page_no=1 page_size=1`, and ask the vendor what {code} means")), "{line}");
            let finds_nothing = told.has_line("ok       acme oms: method shop.get: may be called");
            assert_eq!(finds_nothing, code == "404", "a store that nobody has: {}", told.text);
        }
    }
}

#[test]
fn a_refused_credential_of_one_endpoint_is_told_with_the_section_that_holds_it_or_may_hold_it() {
    let application = Some(OpRetailApplication::default());
    let settings = || SandboxSettings {
        opretail: vec![OpRetailAccount { application: application.clone(), ..OpRetailAccount::default() }],
        ..Default::default()
    };
    let none = Patient::with("doctor-cloud-none", settings());
    let told = none.examine();
    let trouble = told.only_trouble();
    assert!(trouble.contains("the gateway answered 2 KEY_UNLAWFUL"), "{trouble}");
    let section = "-> if the vendor gave another credential for cloud.api, add a section [tenants.acme.opretail.cloud] with \
                   `key`, `secret` and `system`";
    assert!(trouble.contains(section), "{trouble}");

    let own = |system: &str, key: &str, secret: &str| {
        let patient = Patient::with("doctor-cloud", settings());
        let section = format!(
            "[tenants.acme.opretail.cloud]\nsystem = \"{system}\"\nkey = \"{key}\"\nsecret = \"{secret}\"\n[tenants.acme.oms]"
        );
        patient.change("[tenants.acme.oms]", &section);
        patient.examine()
    };
    let right = OpRetailApplication::default();
    let (system, key, secret) = (right.system.as_str(), right.key.as_str(), "sandbox-application-secret");
    assert_eq!(own(system, key, secret).code, Some(0));
    for (told, code, advice) in [
        (own(system, "planted-key", secret), "2 KEY_UNLAWFUL", "check `key`, and whether `cloud_api` is the gateway"),
        (own(system, key, "planted-wrong"), "7 SIGN_WRONG", "write the secret that belongs to the key as `secret`"),
        (
            own("S107", key, secret),
            "12 APPLICATIONID_NOTSAME",
            "write the system that the key was given for as `system`",
        ),
    ] {
        let trouble = told.only_trouble();
        let place = format!("-> in [tenants.acme.opretail.cloud], which holds the credential for cloud.api: {advice}");
        assert!(trouble.contains(code) && trouble.contains(&place), "{trouble}");
    }
}

#[test]
fn what_came_instead_of_an_envelope_is_named_and_each_has_its_own_remedy() {
    let body = |text: &str| Fault::Body(text.to_owned());
    for (fault, cause, remedy) in [
        (Fault::Html, "; it is a page of HTML", "-> check `url`: it may be the address of pages for people"),
        (body("<?xml version=\"1.0\"?><a/>"), "; it is XML", "-> check `url`: another service may answer there"),
        (Fault::Bytes(b"{\"a\":\"\xB5\xEA\"}".as_slice().into()), "; it is not UTF-8", "JSON in UTF-8"),
        (body("<b>Warning</b>: x<br />\n{\"response\":{}}"), "; a text stands before its JSON", "display_errors"),
        (Fault::HttpStatus(404), "HTTP status 404", "-> there is nothing at the path of `url`"),
        (Fault::code("e000001"), "answered e000001", "-> check `url`: parameters of each call are lost on the way"),
    ] {
        let patient = Patient::healthy("doctor-instead");
        patient.gateway.sandbox.fail_next_at(Vendor::Oms, fault, 99);
        let told = patient.examine();
        let trouble = told.only_trouble();
        assert!(trouble.starts_with("failed   acme oms: answer: "), "{trouble}");
        assert!(trouble.contains(cause) && trouble.contains(remedy), "{trouble}");
    }
}

#[test]
fn a_redirect_is_told_with_where_it_leads_and_without_its_query() {
    for (location, shown) in [
        ("https://user:planted@oms.example.com/index.php/rpc?sign=planted", "https://oms.example.com/index.php/rpc"),
        ("/index.php/login#planted", "/index.php/login"),
        ("//oms.example.com/rpc", "//oms.example.com/rpc"),
    ] {
        let patient = Patient::healthy("doctor-redirect");
        let peer = ScriptedPeer::start(move |connection| {
            while connection.request().is_some() {
                connection.send(&format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"));
            }
        });
        patient.change(&patient.gateway.sandbox.oms_url(), &format!("http://{}/rpc", peer.address()));
        let told = patient.examine();
        let trouble = told.only_trouble();
        let cause = format!("failed   acme oms: answer: HTTP status 302 to {shown} -> ");
        assert!(trouble.starts_with(&cause) && trouble.contains("write it as `url`"), "{trouble}");
        assert!(!told.text.contains("planted"), "{trouble}");
    }
}

#[test]
fn an_unknown_flag_a_wrong_token_and_a_missing_method_are_told_apart_at_each_server() {
    let documented = Patient::documented("doctor-documented-token");
    documented.change("token = \"sandbox-token\"", "token = \"planted-wrong\"");
    let told = documented.examine();
    assert!(told.only_trouble().contains("1003") && told.only_trouble().contains("the key is known"), "{}", told.text);
    assert!(told.has_line("ok       acme oms: flag: the gateway knows it"), "{}", told.text);

    let published = Patient::healthy("doctor-published-flag");
    published.change("flag = \"demo\"", "flag = \"nobody\"");
    let told = published.examine();
    assert!(
        told.only_trouble().contains("as it does for a flag that it does not know -> check `flag`"),
        "{}",
        told.text
    );

    let published = Patient::healthy("doctor-published-token");
    published.change("token = \"sandbox-token\"", "token = \"planted-wrong\"");
    let told = published.examine();
    assert!(told.only_trouble().contains("so the secret is another ->"), "{}", told.text);

    let lacking = Patient::healthy("doctor-no-list");
    lacking.gateway.sandbox.fail_next_of("shop.getList", Fault::code("e000003"), 99);
    let told = lacking.examine();
    let line = told.text.lines().find(|line| line.starts_with("failed   acme oms: method shop.getList")).unwrap();
    assert!(line.contains("the OMS there does not have the method") && !line.contains("register"), "{line}");
}

#[test]
fn a_store_of_the_directory_that_the_gateway_refuses_is_told_and_a_made_up_one_is_not() {
    let patient = Patient::healthy("doctor-refused-store");
    patient.gateway.sandbox.fail_next_of(FLOW, Fault::code("100001"), 99);
    assert_eq!(patient.examine().code, Some(0));
    let file = patient.path.with_file_name("stores.csv");
    fs::write(&file, "id,opretail_id\nflagship,S_123456\n").unwrap();
    patient.change("[tenants.acme.oms]", &format!("[directory.acme]\nstores_file = {file:?}\n[tenants.acme.oms]"));
    let told = patient.examine();
    let beginning = format!("failed   acme opretail: method {FLOW}: the gateway answered 100001");
    let line = told.text.lines().find(|line| line.starts_with(&beginning)).expect(&told.text);
    assert!(line.contains("a code that storegate does not know, to id=S_123456 needUnit=0"), "{line}");
}

#[test]
fn a_login_that_is_missing_refused_or_lost_is_told_apart() {
    let demanding = || SandboxSettings { require_login: true, ..Default::default() };
    let told = Patient::with("doctor-no-login", demanding()).examine();
    assert!(
        told.has_line(&format!("failed   acme opretail: method {FLOW}: the gateway answered 9990001")),
        "{}",
        told.text
    );
    assert!(told.text.contains("it wants a user's login; needed for"), "{}", told.text);

    let patient = Patient::with("doctor-login", demanding());
    patient.log_in("sandbox-password");
    let told = patient.examine();
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert!(told.has_line("ok       acme opretail: login: the user is logged in"), "{}", told.text);

    patient.change("sandbox-password", "planted-wrong-password");
    let told = patient.examine();
    assert!(
        told.has_line("failed   acme opretail: login: the gateway answered 103095 PASSWORD_ERROE"),
        "{}",
        told.text
    );

    let patient = Patient::healthy("doctor-lost");
    patient.log_in("sandbox-password");
    // Not for the first contact, which has no login.
    patient.gateway.sandbox.fail_next_of(FLOW, Fault::code("9990001"), 9);
    let told = patient.examine();
    assert!(told.only_trouble().contains("although the user has just logged in: the login is lost at once"));
    assert_eq!(told.code, Some(2));
}

#[test]
fn stores_that_the_directory_lacks_are_a_warning() {
    let patient = Patient::healthy("doctor-stores");
    let file = patient.path.with_file_name("stores.csv");
    fs::write(&file, "id,opretail_id,oms_code\nflagship,S_123456,SHOP061\n").unwrap();
    let section = format!("[directory.acme]\nstores_file = {file:?}\n[tenants.acme.oms]");
    patient.change("[tenants.acme.oms]", &section);
    let told = patient.examine();
    assert_eq!(told.code, Some(1));
    let trouble = told.only_trouble();
    assert!(trouble.starts_with("warning  acme: stores: 1 stores"), "{trouble}");
    assert!(trouble.contains("259 at the OMS that are not in the directory: SHOP001"), "{trouble}");
    assert!(trouble.contains("`storegate directory draft`"), "{trouble}");
}

#[test]
fn the_step_at_which_a_gateway_cannot_be_reached_is_named() {
    let free_port = ReservedPort::new();
    let free = free_port.address();
    let patient = Patient::healthy("doctor-unreachable");
    let text = fs::read_to_string(&patient.path).unwrap();
    let url = patient.gateway.sandbox.oms_url();
    for (by, cause, remedy) in [
        (format!("http://{free}/rpc"), format!("no connection to {free}: "), "firewall"),
        ("https://gateway.invalid/rpc".to_owned(), "the name gateway.invalid cannot be resolved: ".to_owned(), "DNS"),
        (url.replace("http://", "https://"), "TLS with 127.0.0.1 cannot be agreed: ".to_owned(), "gateway.ca_file"),
    ] {
        fs::write(&patient.path, text.replace(&url, &by)).unwrap();
        let told = patient.examine();
        let trouble = told.only_trouble();
        assert!(trouble.starts_with(&format!("failed   acme oms: reach: {cause}")), "{trouble}");
        assert!(trouble.contains(remedy), "{trouble}");
        assert_eq!(told.code, Some(2));
    }
}

#[test]
fn a_gateway_that_answers_nothing_useful_is_told_and_holds_nothing_up() {
    for (fault, cause) in [
        (Fault::HttpStatus(403), "HTTP status 403"),
        (Fault::Html, "the answer is not one complete envelope"),
        (Fault::code("e000005"), "the gateway answered e000005"),
        (Fault::Hang, "no complete answer in time"),
    ] {
        let patient = Patient::healthy("doctor-useless");
        patient.change("[tenants.acme.oms]", "[gateway]\nattempt_timeout = \"1s\"\n[tenants.acme.oms]");
        patient.gateway.sandbox.fail_next_at(Vendor::Oms, fault, 99);
        let told = patient.examine();
        let trouble = told.only_trouble();
        assert!(trouble.starts_with("failed   acme oms: answer: ") && trouble.contains(cause), "{trouble}");
    }
}

#[test]
fn an_identity_provider_without_keys_and_a_client_without_a_gateway_are_found() {
    let patient = Patient::healthy("doctor-others");
    let free_port = ReservedPort::new();
    let free = free_port.address();
    let issuer = format!(
        "[auth.issuers.corporate]\nissuer = \"http://{free}\"\naudience = \"storegate\"\ntenant = \"acme\"\n[tenants.acme.oms]"
    );
    patient.change("[tenants.acme.oms]", &issuer);
    let told = patient.examine();
    assert!(told.only_trouble().starts_with("failed   corporate: issuer keys: the provider cannot be reached"));

    let patient = Patient::healthy("doctor-idle-scope");
    let text = fs::read_to_string(&patient.path).unwrap();
    fs::write(&patient.path, text.split("[tenants.acme.oms]").next().unwrap()).unwrap();
    let told = patient.examine();
    assert!(told.only_trouble().starts_with("warning  clients: `dashboard` has no gateway behind stores:read"));
    assert_eq!(told.code, Some(1));
}

#[test]
fn a_collector_of_traces_is_tried_and_one_that_is_not_there_is_a_warning() {
    let patient = Patient::healthy("doctor-traces");
    let collector = Collector::start();
    patient.change("[telemetry]", &format!("[telemetry]\ntraces = \"{}\"", collector.url()));
    let told = patient.examine();
    assert_eq!(told.code, Some(0), "{}", told.text);
    assert!(told.has_line("ok       traces: ") && collector.spans().is_empty() && collector.heads().len() == 1);
    drop(collector);
    let told = patient.examine();
    assert!(told.only_trouble().starts_with("warning  traces: http://127.0.0.1:"), "{}", told.text);
    assert!(told.only_trouble().contains("cannot be reached") && told.code == Some(1), "{}", told.text);
    let hanging = Collector::hanging();
    let text = fs::read_to_string(&patient.path).unwrap();
    let traces = text.lines().find(|line| line.starts_with("traces = ")).unwrap();
    patient.change(traces, &format!("traces = \"{}\"", hanging.url()));
    assert!(patient.examine().only_trouble().contains("the collector did not answer within 5 s"));
}

#[test]
fn a_collector_that_wants_another_token_is_a_warning_that_does_not_show_ours() {
    let patient = Patient::healthy("doctor-traces-token");
    let collector = Collector::that_wants("authorization: Bearer right");
    let telemetry = |token: &str| {
        format!("[telemetry]\ntraces = \"{}\"\ntraces_headers.authorization = \"Bearer {token}\"", collector.url())
    };
    patient.change("[telemetry]", &telemetry("planted"));
    let told = patient.examine();
    assert!(told.only_trouble().contains("the collector answered with status 401"), "{}", told.text);
    assert!(told.text.contains("check telemetry.traces_headers") && !told.text.contains("planted"), "{}", told.text);
    patient.change(&telemetry("planted"), &telemetry("right"));
    assert_eq!(patient.examine().code, Some(0));
}

#[test]
fn without_a_configuration_it_says_what_is_missing() {
    let output = run(&["doctor"], &[], "");
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stdout).contains("configuration: tenants: there is no tenant"));
}
