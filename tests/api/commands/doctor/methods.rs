//! `storegate doctor`, where a method is not what the configuration or the pack says: the finding is about the very thing that
//! the service would stumble over.

use std::fs;

use storegate::sandbox::{
    Fault, OmsAccount, OmsServer, OpRetailAccount, PermittedMethods, SandboxSettings, SandboxVendor,
};

use crate::app::doctor::Subject;
use crate::app::requests::TOTAL_DATA;

#[test]
fn json_of_another_service_is_not_taken_for_the_gateways() {
    for body in ["{\"status\":\"up\"}", "{\"response\":null}", "{\"response\":{\"status\":\"up\"}}", "{}"] {
        let subject = Subject::healthy("doctor-other-json");
        subject.gateway.sandbox.fail_next_at(SandboxVendor::Oms, Fault::Body(body.to_owned()), 99);
        let report = subject.examine();
        let finding = report.only_finding();
        assert!(finding.starts_with("failed   acme oms: answer: "), "{body}: {finding}");
        assert!(finding.contains("-> check `url`: another service may answer there"), "{finding}");
        assert_eq!(report.code, Some(2));
    }
}

#[test]
fn a_setting_that_a_resource_needs_is_reported_where_it_is_missing() {
    let subject = Subject::healthy("doctor-no-enterprise");
    assert_eq!(subject.examine().code, Some(0), "nobody may read inspections");
    subject.change("\"flow:read\"]", "\"flow:read\", \"inspections:read\"]");
    let report = subject.examine();
    let finding = report.only_finding();
    assert!(finding.contains("but without `enterprise_id` nobody can read /inspections"), "{finding}");
    assert!(finding.contains("-> write `enterprise_id` into [tenants.acme.opretail]"), "{finding}");
    assert_eq!(report.code, Some(1));
}

#[test]
fn a_tenant_with_a_directory_has_stores_without_an_oms() {
    let subject = Subject::healthy("doctor-directory-only");
    subject.list_stores("id,opretail_id\nflagship,S_123456\n");
    let text = fs::read_to_string(&subject.path).unwrap();
    fs::write(&subject.path, text.split("[tenants.acme.oms]").next().unwrap()).unwrap();
    let report = subject.examine();
    assert!(!report.text.contains("has no gateway behind"), "{}", report.text);
}

#[test]
fn a_login_that_fails_is_reported_once_by_its_own_method() {
    const LOGIN: &str = "open.shopweb.security.ssoLogin";
    for (code, cause, remedy) in [
        ("9", "9 METHOD_NOTEXIST_CODE", "have the vendor register open.shopweb.security.ssoLogin v1 for the key"),
        ("7", "7 SIGN_WRONG", "write the secret that belongs to the key as `secret`"),
    ] {
        let subject = Subject::healthy("doctor-login-method");
        subject.log_in("sandbox-password");
        subject.gateway.sandbox.fail_next_of(LOGIN, Fault::code(code), 99);
        let report = subject.examine();
        let line =
            report.text.lines().find(|line| line.starts_with("failed   acme opretail: login: ")).expect(&report.text);
        assert!(line.contains(&format!("{LOGIN}: the gateway answered {cause}")) && line.contains(remedy), "{line}");
        let methods: Vec<&str> =
            report.text.lines().filter(|line| line.starts_with("failed   acme opretail: method ")).collect();
        assert_eq!(methods.len(), 1, "{}", report.text);
        assert!(methods[0].contains(TOTAL_DATA) && methods[0].contains(": not asked, since the login failed"));
    }
}

#[test]
fn an_endpoint_for_a_method_where_there_is_one_is_no_setting() {
    let subject = Subject::healthy("doctor-one-endpoint");
    subject
        .change("[tenants.acme.oms]", "[tenants.acme.oms.methods]\n\"shop.getList\" = \"other\"\n[tenants.acme.oms]");
    let report = subject.examine();
    assert_eq!(report.code, Some(78), "{}", report.text);
    assert!(report.only_finding().contains("tenants.acme.oms.methods: there is no such setting"), "{}", report.text);
}

#[test]
fn an_endpoint_for_a_method_that_is_never_called_is_reported() {
    let subject = Subject::healthy("doctor-unused-method");
    let section = |name: &str| format!("[tenants.acme.opretail.methods]\n{name:?} = \"m.api\"\n[tenants.acme.oms]");
    subject.change("[tenants.acme.oms]", &section(TOTAL_DATA));
    assert_eq!(subject.examine().code, Some(0), "a method of the pack");
    subject.change(TOTAL_DATA, "open.shopweb.passengerFlow.getTotaldata");
    let report = subject.examine();
    let finding = report.only_finding();
    assert_eq!(report.code, Some(1), "{}", report.text);
    let words =
        "[tenants.acme.opretail.methods] names open.shopweb.passengerFlow.getTotaldata, which the pack does not list";
    assert!(finding.starts_with("warning  acme opretail: methods: ") && finding.contains(words), "{finding}");
}

#[test]
fn a_declared_resource_calls_nothing_in_the_place_of_a_method_that_is_not_there() {
    let subject = Subject::healthy("doctor-declared-instead");
    let resource = "[resources.shop]\npath = \"/shops/{code}\"\nsummary = \"Read a shop\"\ngateway = \"oms\"\n\
        method = \"shop.get\"\nscope = \"stores:read\"\nanswer = \"as_given\"\n[resources.shop.parameters.code]\n\
        type = \"text\"\nwire = \"shop_bn\"\nexample = \"SHOP001\"\n";
    subject.change("[tenants.acme.oms]", &format!("{resource}[tenants.acme.oms]"));
    let report = subject.examine();
    assert!(report.has_line("ok       acme oms: method shop.get: is not there"), "{}", report.text);
    let finding = report.only_finding();
    assert!(finding.starts_with("failed   acme oms: method shop.get: the gateway answered e000003"), "{finding}");
    assert!(finding.contains("needed for /shops/{code}"), "{finding}");
}

#[test]
fn an_unregistered_method_is_reported_with_the_resources_that_need_it() {
    let only = |method: &str| PermittedMethods::Only(vec![method.to_owned()]);
    let opretail = OpRetailAccount { methods: only(TOTAL_DATA), ..OpRetailAccount::default() };
    let oms = OmsAccount { methods: only("shop.getList"), ..OmsAccount::default() };
    let oms_server = OmsServer::Documented;
    let settings = SandboxSettings { opretail: vec![opretail], oms: vec![oms], oms_server, ..Default::default() };
    let report = Subject::with("doctor-permission", settings).examine();
    assert_eq!(report.code, Some(2));
    assert!(report.has_line(&format!("ok       acme opretail: method {TOTAL_DATA}")), "{}", report.text);
    for (account, method, path) in [
        ("opretail", "open.gateway.authentication v2", "/organizations/{organization_id}/developer-account"),
        ("opretail", "open.shopweb.liveCheck.statisticsDetailPageForCustomer v1", "/inspections"),
        ("oms", "shop.get 1", "/stores/{store_id}"),
    ] {
        let name = method.split(' ').next().unwrap();
        let beginning = format!("failed   acme {account}: method {name}: the gateway answered ");
        let line = report.text.lines().find(|line| line.starts_with(&beginning)).expect(&report.text);
        assert!(line.contains(&format!("needed for {path}")), "{line}");
        assert!(line.contains(&format!("-> have the vendor register {method} for the ")), "{line}");
    }
}

#[test]
fn a_refusal_of_a_call_that_can_only_be_answered_is_a_failure_with_its_code() {
    for code in ["e000006", "e000010", "1", "400", "404", "2001", "2002", "777"] {
        for subject in [Subject::healthy("doctor-refuses"), Subject::documented("doctor-refuses-documented")] {
            subject.gateway.sandbox.fail_next_at(SandboxVendor::Oms, Fault::code(code), 99);
            let report = subject.examine();
            assert_eq!(report.code, Some(2), "{code}: {}", report.text);
            let beginning = format!("failed   acme oms: method shop.getList: the gateway answered {code}");
            let line = report.text.lines().find(|line| line.starts_with(&beginning)).expect(&report.text);
            assert!(line.contains("page_no=1 page_size=1") && line.contains("needed for /stores"), "{line}");
            assert!(line.contains(&format!("-> look at the whole answer with `storegate call shop.getList page_no=1 page_size=1`, and ask the vendor what {code} means")), "{line}");
            let finds_nothing = report.has_line("ok       acme oms: method shop.get: may be called");
            assert_eq!(finds_nothing, code == "404", "a store that nobody has: {}", report.text);
        }
    }
}

#[test]
fn a_refused_store_of_the_directory_is_reported_and_a_made_up_one_is_not() {
    let subject = Subject::healthy("doctor-refused-store");
    subject.gateway.sandbox.fail_next_of(TOTAL_DATA, Fault::code("100001"), 99);
    assert_eq!(subject.examine().code, Some(0));
    subject.list_stores("id,opretail_id\nflagship,S_123456\n");
    let report = subject.examine();
    let beginning = format!("failed   acme opretail: method {TOTAL_DATA}: the gateway answered 100001");
    let line = report.text.lines().find(|line| line.starts_with(&beginning)).expect(&report.text);
    assert!(line.contains("a code that storegate does not know, to id=S_123456 needUnit=0"), "{line}");
}
