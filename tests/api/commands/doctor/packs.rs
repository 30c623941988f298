//! The doctor at the gateways of packs, which the sandbox plays.

use std::fs;

use storegate::gateway::vendor::Vendor;
use storegate::sandbox::SandboxSettings;
use storegate::vendors::bundled;
use storegate::vendors::pack::compile;

use crate::app::program::{directory, run};
use crate::app::sandbox_gateway::SandboxGateway;

const ISSUER: &str =
    "[auth.issuers.company]\nissuer = \"https://login.example.com\"\naudience = \"storegate\"\ntenant = \"demo\"\n";

/// What the doctor says of the sandbox gateways of these packs, with a part of the configuration written otherwise.
fn findings(name: &str, packs: &[&str], change: impl FnOnce(String) -> String) -> Vec<String> {
    let vendors: Vec<Vendor> = packs.iter().map(|pack| compile(bundled::text(pack).unwrap(), pack).unwrap()).collect();
    let gateway = SandboxGateway::live_with(SandboxSettings { packs: vendors.clone(), ..SandboxSettings::default() });
    let account = |vendor: &Vendor| {
        format!("[vendors.{vendor}]\npack = \"{vendor}\"\n{}", gateway.sandbox.pack_configuration(*vendor, "demo"))
    };
    let file = directory(name).join("storegate.toml");
    fs::write(&file, change(format!("{ISSUER}{}", vendors.iter().map(account).collect::<String>()))).unwrap();
    let told = run(&["doctor", "--config", file.to_str().unwrap()], &[], "");
    let told = String::from_utf8(told.stdout).unwrap();
    told.lines().filter(|line| line.contains(" demo ")).map(str::to_owned).collect()
}

#[test]
fn every_pack_in_the_program_is_well_at_its_sandbox() {
    let packs: Vec<&str> = bundled::names().filter(|name| !["opretail", "oms"].contains(name)).collect();
    let findings = findings("doctor-packs", &packs, |text| text);
    assert!(findings.iter().all(|line| line.starts_with("ok ")), "{findings:#?}");
    for pack in packs {
        assert!(findings.iter().any(|line| line.contains(&format!("demo {pack}: method "))), "{pack}: {findings:#?}");
    }
}

#[test]
fn what_a_pack_does_not_have_is_not_said_to_be_right() {
    let findings = findings("doctor-unsigned", &["ezviz"], |text| text);
    let of_pack: Vec<&String> = findings.iter().filter(|line| line.contains("demo ezviz: ")).collect();
    assert!(of_pack.len() > 2, "{of_pack:#?}");
    for part in ["signature", "clock"] {
        assert!(!of_pack.iter().any(|line| line.contains(&format!("ezviz: {part}"))), "{of_pack:#?}");
    }
}

#[test]
fn a_token_of_a_file_that_has_ended_has_its_own_remedy() {
    let findings = findings("doctor-token", &["jushuitan"], |text| text.replace("\"sandbox-token\"\n", "\"ended\"\n"));
    let remedy =
        "-> have the program that renews the token write a new one, and check `token_file` in [tenants.demo.jushuitan]";
    let of_pack: Vec<&String> = findings.iter().filter(|line| line.contains("demo jushuitan: method ")).collect();
    assert!(!of_pack.is_empty() && of_pack.iter().all(|line| line.ends_with(remedy)), "{findings:#?}");
}
