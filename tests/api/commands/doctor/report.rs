//! What `storegate doctor` reports as a whole: as text, as JSON, and of what is beside the gateways.

use std::collections::BTreeSet;
use std::fs;

use insta::assert_json_snapshot;
use serde_json::Value;

use crate::app::doctor::Subject;
use crate::app::program::run;
use crate::app::reserved_port::ReservedPort;
use crate::peers::collector::Collector;

#[test]
fn where_nothing_is_wrong_each_check_is_ok() {
    for (subject, shop) in [
        (Subject::healthy("doctor-well"), "method shop.get: is not there, as at some servers of the vendor"),
        (Subject::documented("doctor-well-documented"), "method shop.get: may be called"),
    ] {
        let report = subject.examine();
        assert_eq!(report.code, Some(0), "{}", report.text);
        assert!(report.text.lines().all(|line| line.starts_with("ok  ")), "{}", report.text);
        for check in
            ["reach: 127.0.0.1:", "clock: within 2 s", "signature: ", "method shop.getList: may be called", shop]
        {
            assert!(report.has_line(&format!("ok       acme oms: {check}")), "{check}: {}", report.text);
        }
        assert!(report.has_line("ok       acme opretail: method open.gateway.authentication: may be called"));
    }
}

#[test]
fn no_call_fetches_a_secret_or_more_than_a_line_of_data() {
    let subject = Subject::healthy("doctor-modest");
    subject.examine();
    let sandbox = &subject.gateway.sandbox;
    let methods: BTreeSet<&str> =
        storegate::resources::ALL.iter().filter_map(|one| one.method()).map(|method| &*method.name).collect();
    // Beside a call of each method: the clock of each gateway.
    assert!(sandbox.calls() <= methods.len() as u64 + 2, "{}", sandbox.calls());
    assert_eq!(sandbox.calls_of("open.gateway.authentication"), 1);
}

#[test]
fn as_json_it_says_the_same() {
    let subject = Subject::healthy("doctor-json");
    subject.change("secret = \"sandbox-secret\"", "secret = \"planted-wrong\"");
    let report = subject.examine_as(&["--json"]);
    assert_eq!(report.code, Some(2));
    let gateway = subject.gateway.sandbox.base_url();
    let address = gateway.strip_prefix("http://").unwrap();
    let json: Value = serde_json::from_str(&report.text.replace(address, "[gateway]")).unwrap();
    assert_json_snapshot!("doctor_with_a_wrong_secret", json);
}

#[test]
fn a_wrong_configuration_is_reported_problem_by_problem() {
    let subject = Subject::healthy("doctor-configuration");
    subject.change("flag = ", "page_cap = 0\nflagg = ");
    let report = subject.examine();
    assert_eq!(report.code, Some(78));
    assert!(report.text.contains("did you mean tenants.acme.oms.flag?"), "{}", report.text);
    let json: Value = serde_json::from_str(&subject.examine_as(&["--json"]).text).unwrap();
    assert_eq!(json["checks"].as_array().unwrap().len(), 2, "{json}");
}

#[test]
fn stores_that_the_directory_lacks_are_a_warning() {
    let subject = Subject::healthy("doctor-stores");
    subject.list_stores("id,opretail_id,oms_code\nflagship,S_123456,SHOP061\n");
    let report = subject.examine();
    assert_eq!(report.code, Some(1));
    let finding = report.only_finding();
    assert!(finding.starts_with("warning  acme: stores: 1 stores"), "{finding}");
    assert!(finding.contains("259 at the OMS that are not in the directory: SHOP001"), "{finding}");
    assert!(finding.contains("`storegate directory draft`"), "{finding}");
}

#[test]
fn an_identity_provider_without_keys_and_a_client_without_a_gateway_are_found() {
    let subject = Subject::healthy("doctor-others");
    let free_port = ReservedPort::new();
    let free = free_port.address();
    let issuer = format!(
        "[auth.issuers.corporate]\nissuer = \"http://{free}\"\naudience = \"storegate\"\ntenant = \"acme\"\n[tenants.acme.oms]"
    );
    subject.change("[tenants.acme.oms]", &issuer);
    let report = subject.examine();
    assert!(report.only_finding().starts_with("failed   corporate: issuer keys: the provider cannot be reached"));

    let subject = Subject::healthy("doctor-idle-scope");
    let text = fs::read_to_string(&subject.path).unwrap();
    fs::write(&subject.path, text.split("[tenants.acme.oms]").next().unwrap()).unwrap();
    let report = subject.examine();
    assert!(report.only_finding().starts_with("warning  clients: `dashboard` has no gateway behind stores:read"));
    assert_eq!(report.code, Some(1));
}

#[test]
fn a_trace_collector_is_probed_and_a_missing_one_is_a_warning() {
    let subject = Subject::healthy("doctor-traces");
    let collector = Collector::start();
    subject.change("[telemetry]", &format!("[telemetry]\ntraces = \"{}\"", collector.url()));
    let report = subject.examine();
    assert_eq!(report.code, Some(0), "{}", report.text);
    assert!(report.has_line("ok       traces: ") && collector.spans().is_empty() && collector.heads().len() == 1);
    drop(collector);
    let report = subject.examine();
    assert!(report.only_finding().starts_with("warning  traces: http://127.0.0.1:"), "{}", report.text);
    assert!(report.only_finding().contains("cannot be reached") && report.code == Some(1), "{}", report.text);
    let hanging = Collector::hanging();
    let text = fs::read_to_string(&subject.path).unwrap();
    let traces = text.lines().find(|line| line.starts_with("traces = ")).unwrap();
    subject.change(traces, &format!("traces = \"{}\"", hanging.url()));
    assert!(subject.examine().only_finding().contains("the collector did not answer within 5 s"));
}

#[test]
fn a_collector_that_wants_another_token_is_a_warning_that_does_not_show_ours() {
    let subject = Subject::healthy("doctor-traces-token");
    let collector = Collector::that_wants("authorization: Bearer right");
    let telemetry = |token: &str| {
        format!("[telemetry]\ntraces = \"{}\"\ntraces_headers.authorization = \"Bearer {token}\"", collector.url())
    };
    subject.change("[telemetry]", &telemetry("planted"));
    let report = subject.examine();
    assert!(report.only_finding().contains("the collector answered with status 401"), "{}", report.text);
    assert!(
        report.text.contains("check telemetry.traces_headers") && !report.text.contains("planted"),
        "{}",
        report.text
    );
    subject.change(&telemetry("planted"), &telemetry("right"));
    assert_eq!(subject.examine().code, Some(0));
}

#[test]
fn without_a_configuration_it_says_what_is_missing() {
    let output = run(&["doctor"], &[], "");
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stdout).contains("configuration: tenants: there is no tenant"));
}
