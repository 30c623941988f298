//! `storegate doctor` with credentials that are wrong: which one, and what to write instead.

use storegate::sandbox::{Fault, OpRetailAccount, OpRetailApplication, SandboxSettings, SandboxVendor};

use crate::app::doctor::Subject;
use crate::app::requests::TOTAL_DATA;

#[test]
fn a_wrong_secret_and_an_unknown_key_are_distinguished() {
    let subject = Subject::healthy("doctor-secret");
    subject.change("secret = \"sandbox-secret\"", "secret = \"planted-wrong\"");
    let report = subject.examine();
    let finding = report.only_finding();
    assert!(finding.starts_with("failed   acme opretail: signature: the gateway answered 7 SIGN_WRONG"), "{finding}");
    assert!(finding.contains("the key is known, so the secret is another"), "{finding}");
    assert_eq!(report.code, Some(2));

    let subject = Subject::healthy("doctor-key");
    subject.change("key = \"S107-00000001\"", "key = \"S107-NOBODY\"");
    let report = subject.examine();
    assert!(report.only_finding().starts_with("failed   acme opretail: key: the gateway answered 2 KEY_UNLAWFUL"));
    assert!(report.only_finding().contains("-> check `key`"));

    let ended = OpRetailAccount { expired: true, ..OpRetailAccount::default() };
    let subject = Subject::with("doctor-ended", SandboxSettings { opretail: vec![ended], ..Default::default() });
    assert!(subject.examine().only_finding().contains("-> have the vendor renew the key"));
}

#[test]
fn of_the_string_that_the_oms_signed_the_first_difference_is_named() {
    let subject = Subject::healthy("doctor-token");
    subject.change("token = \"sandbox-token\"", "token = \"planted-wrong\"");
    let report = subject.examine();
    let finding = report.only_finding();
    assert!(finding.starts_with("failed   acme oms: signature: the gateway answered e000002"), "{finding}");
    assert!(finding.contains("it signed the same parameters as we did") && finding.contains("`token`"), "{finding}");

    let subject = Subject::healthy("doctor-changed-form");
    let signed = "charsetutf-8flagDEMOmethodshop.getList";
    let body = format!(
        r#"{{"error_response":{{"code":"e000002","msg":"sign error","sub_msg":{{"assemble_str":"{signed}"}}}}}}"#
    );
    subject.gateway.sandbox.fail_next_at(SandboxVendor::Oms, Fault::Body(body), 1);
    let report = subject.examine();
    assert!(
        report.only_finding().contains("the first parameter that it signed otherwise is `flag`"),
        "{}",
        report.text
    );
}

#[test]
fn a_refused_credential_of_one_endpoint_is_reported_with_its_section() {
    let application = Some(OpRetailApplication::default());
    let settings = || SandboxSettings {
        opretail: vec![OpRetailAccount { application: application.clone(), ..OpRetailAccount::default() }],
        ..Default::default()
    };
    let none = Subject::with("doctor-cloud-none", settings());
    let report = none.examine();
    let finding = report.only_finding();
    assert!(finding.contains("the gateway answered 2 KEY_UNLAWFUL"), "{finding}");
    let section = "-> if the vendor gave another credential for cloud.api, add a section [tenants.acme.opretail.cloud] with \
                   `key`, `secret` and `system`";
    assert!(finding.contains(section), "{finding}");

    let own = |system: &str, key: &str, secret: &str| {
        let subject = Subject::with("doctor-cloud", settings());
        let section = format!(
            "[tenants.acme.opretail.cloud]\nsystem = \"{system}\"\nkey = \"{key}\"\nsecret = \"{secret}\"\n[tenants.acme.oms]"
        );
        subject.change("[tenants.acme.oms]", &section);
        subject.examine()
    };
    let right = OpRetailApplication::default();
    let (system, key, secret) = (right.system.as_str(), right.key.as_str(), "sandbox-application-secret");
    assert_eq!(own(system, key, secret).code, Some(0));
    for (report, code, advice) in [
        (own(system, "planted-key", secret), "2 KEY_UNLAWFUL", "check `key`, and whether `cloud_api` is the gateway"),
        (own(system, key, "planted-wrong"), "7 SIGN_WRONG", "write the secret that belongs to the key as `secret`"),
        (
            own("S107", key, secret),
            "12 APPLICATIONID_NOTSAME",
            "write the system that the key was given for as `system`",
        ),
    ] {
        let finding = report.only_finding();
        let place = format!("-> in [tenants.acme.opretail.cloud], which holds the credential for cloud.api: {advice}");
        assert!(finding.contains(code) && finding.contains(&place), "{finding}");
    }
}

#[test]
fn an_unknown_flag_a_wrong_token_and_a_missing_method_are_distinguished_at_each_server() {
    let documented = Subject::documented("doctor-documented-token");
    documented.change("token = \"sandbox-token\"", "token = \"planted-wrong\"");
    let report = documented.examine();
    assert!(
        report.only_finding().contains("1003") && report.only_finding().contains("the key is known"),
        "{}",
        report.text
    );
    assert!(report.has_line("ok       acme oms: flag: the gateway knows it"), "{}", report.text);

    let published = Subject::healthy("doctor-published-flag");
    published.change("flag = \"demo\"", "flag = \"nobody\"");
    let report = published.examine();
    assert!(
        report.only_finding().contains("as it does for a flag that it does not know -> check `flag`"),
        "{}",
        report.text
    );

    let published = Subject::healthy("doctor-published-token");
    published.change("token = \"sandbox-token\"", "token = \"planted-wrong\"");
    let report = published.examine();
    assert!(report.only_finding().contains("so the secret is another ->"), "{}", report.text);

    let lacking = Subject::healthy("doctor-no-list");
    lacking.gateway.sandbox.fail_next_of("shop.getList", Fault::code("e000003"), 99);
    let report = lacking.examine();
    let line = report.text.lines().find(|line| line.starts_with("failed   acme oms: method shop.getList")).unwrap();
    assert!(line.contains("the OMS there does not have the method") && !line.contains("register"), "{line}");
}

#[test]
fn a_missing_a_refused_and_a_lost_login_are_distinguished() {
    let demanding = || SandboxSettings { require_login: true, ..Default::default() };
    let report = Subject::with("doctor-no-login", demanding()).examine();
    assert!(
        report.has_line(&format!("failed   acme opretail: method {TOTAL_DATA}, open.")),
        "the methods fail for one reason: {}",
        report.text
    );
    for said in [": the gateway answered 9990001", "it wants a user's login; needed for"] {
        assert_eq!(report.text.matches(said).count(), 1, "{}", report.text);
    }

    let subject = Subject::with("doctor-login", demanding());
    subject.log_in("sandbox-password");
    let report = subject.examine();
    assert_eq!(report.code, Some(0), "{}", report.text);
    assert!(report.has_line("ok       acme opretail: login: the user is logged in"), "{}", report.text);

    subject.change("sandbox-password", "planted-wrong-password");
    let report = subject.examine();
    assert!(
        report.has_line("failed   acme opretail: login: the gateway answered 103095 PASSWORD_ERROE"),
        "{}",
        report.text
    );

    let subject = Subject::healthy("doctor-lost");
    subject.log_in("sandbox-password");
    // Not for the first contact, which has no login.
    subject.gateway.sandbox.fail_next_of(TOTAL_DATA, Fault::code("9990001"), 9);
    let report = subject.examine();
    assert!(report.only_finding().contains("although the user has just logged in: the login is lost at once"));
    assert_eq!(report.code, Some(2));
}
