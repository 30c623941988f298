//! `storegate sign` and `call`: what they sign, send and show, and that no secret is shown.

use std::fs;

use serde_json::Value;
use storegate::sandbox::OpRetailAccount;

use crate::app::configurations::sandbox_configuration;
use crate::app::program::{run, stdout_of};
use crate::app::sandbox_gateway::SandboxGateway;

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
fn sign_and_call_refuse_reserved_parameters_and_require_the_gateway_of_an_unknown_method() {
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

#[actix_web::test]
async fn a_call_with_an_error_response_prints_it_and_exits_1() {
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
