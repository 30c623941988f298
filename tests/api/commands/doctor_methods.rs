//! `storegate doctor`, where a method is not what the configuration or the pack says: the finding is about the very thing that
//! the service would stumble over.

use std::fs;

use storegate::sandbox::{Fault, Vendor};

use crate::commands::doctor::Patient;

const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";

#[test]
fn json_of_another_service_is_not_taken_for_the_gateways() {
    for body in ["{\"status\":\"up\"}", "{\"response\":null}", "{\"response\":{\"status\":\"up\"}}", "{}"] {
        let patient = Patient::healthy("doctor-other-json");
        patient.gateway.sandbox.fail_next_at(Vendor::Oms, Fault::Body(body.to_owned()), 99);
        let told = patient.examine();
        let trouble = told.only_trouble();
        assert!(trouble.starts_with("failed   acme oms: answer: "), "{body}: {trouble}");
        assert!(trouble.contains("-> check `url`: another service may answer there"), "{trouble}");
        assert_eq!(told.code, Some(2));
    }
}

#[test]
fn a_setting_without_which_a_resource_cannot_be_read_is_told() {
    let patient = Patient::healthy("doctor-no-enterprise");
    assert_eq!(patient.examine().code, Some(0), "nobody may read inspections");
    patient.change("\"flow:read\"]", "\"flow:read\", \"inspections:read\"]");
    let told = patient.examine();
    let trouble = told.only_trouble();
    assert!(trouble.contains("but without `enterprise_id` nobody can read /inspections"), "{trouble}");
    assert!(trouble.contains("-> write `enterprise_id` into [tenants.acme.opretail]"), "{trouble}");
    assert_eq!(told.code, Some(1));
}

#[test]
fn a_company_with_a_directory_has_stores_without_an_oms() {
    let patient = Patient::healthy("doctor-directory-only");
    let file = patient.path.with_file_name("stores.csv");
    fs::write(&file, "id,opretail_id\nflagship,S_123456\n").unwrap();
    let text = fs::read_to_string(&patient.path).unwrap();
    let text = text.split("[tenants.acme.oms]").next().unwrap().to_owned();
    fs::write(&patient.path, format!("{text}\n[directory.acme]\nstores_file = {file:?}\n")).unwrap();
    let told = patient.examine();
    assert!(!told.text.contains("has no gateway behind"), "{}", told.text);
}

#[test]
fn a_login_that_cannot_be_made_is_told_by_its_own_method_and_once() {
    const LOGIN: &str = "open.shopweb.security.ssoLogin";
    for (code, cause, remedy) in [
        ("9", "9 METHOD_NOTEXIST_CODE", "have the vendor register open.shopweb.security.ssoLogin v1 for the key"),
        ("7", "7 SIGN_WRONG", "write the secret that belongs to the key as `secret`"),
    ] {
        let patient = Patient::healthy("doctor-login-method");
        patient.log_in("sandbox-password");
        patient.gateway.sandbox.fail_next_of(LOGIN, Fault::code(code), 99);
        let told = patient.examine();
        let line =
            told.text.lines().find(|line| line.starts_with("failed   acme opretail: login: ")).expect(&told.text);
        assert!(line.contains(&format!("{LOGIN}: the gateway answered {cause}")) && line.contains(remedy), "{line}");
        let method = format!("failed   acme opretail: method {FLOW}: not asked, since the login failed");
        assert!(told.has_line(&method), "{}", told.text);
    }
}

#[test]
fn an_endpoint_for_a_method_where_there_is_one_is_no_setting() {
    let patient = Patient::healthy("doctor-one-endpoint");
    patient
        .change("[tenants.acme.oms]", "[tenants.acme.oms.methods]\n\"shop.getList\" = \"other\"\n[tenants.acme.oms]");
    let told = patient.examine();
    assert_eq!(told.code, Some(78), "{}", told.text);
    assert!(told.only_trouble().contains("tenants.acme.oms.methods: there is no such setting"), "{}", told.text);
}

#[test]
fn an_endpoint_for_a_method_that_nobody_calls_is_told() {
    let patient = Patient::healthy("doctor-unused-method");
    let section = |name: &str| format!("[tenants.acme.opretail.methods]\n{name:?} = \"m.api\"\n[tenants.acme.oms]");
    patient.change("[tenants.acme.oms]", &section(FLOW));
    assert_eq!(patient.examine().code, Some(0), "a method of the pack");
    patient.change(FLOW, "open.shopweb.passengerFlow.getTotaldata");
    let told = patient.examine();
    let trouble = told.only_trouble();
    assert_eq!(told.code, Some(1), "{}", told.text);
    let words =
        "[tenants.acme.opretail.methods] names open.shopweb.passengerFlow.getTotaldata, which the pack does not list";
    assert!(trouble.starts_with("warning  acme opretail: methods: ") && trouble.contains(words), "{trouble}");
}

#[test]
fn a_declared_resource_calls_nothing_in_the_place_of_a_method_that_is_not_there() {
    let patient = Patient::healthy("doctor-declared-instead");
    let resource = "[resources.shop]\npath = \"/shops/{code}\"\nsummary = \"Read a shop\"\ngateway = \"oms\"\n\
        method = \"shop.get\"\nscope = \"stores:read\"\nanswer = \"as_given\"\n[resources.shop.parameters.code]\n\
        type = \"text\"\nwire = \"shop_bn\"\nexample = \"SHOP001\"\n";
    patient.change("[tenants.acme.oms]", &format!("{resource}[tenants.acme.oms]"));
    let told = patient.examine();
    assert!(told.has_line("ok       acme oms: method shop.get: is not there"), "{}", told.text);
    let trouble = told.only_trouble();
    assert!(trouble.starts_with("failed   acme oms: method shop.get: the gateway answered e000003"), "{trouble}");
    assert!(trouble.contains("needed for /shops/{code}"), "{trouble}");
}
