//! How calls of a vendor that no Rust knows are sent: to which path, with which probe, and what is not sent at all.

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;

use serde_json::json;

use crate::app::program::{directory, run};
use crate::peers::lumen::{Lumen, PACK, RESOURCE, serve};
use crate::peers::scripted_peer::ScriptedPeer;

/// A tenant with an account at this vendor alone.
struct Operator {
    lumen: Arc<Lumen>,
    _peer: ScriptedPeer,
    path: PathBuf,
}

impl Operator {
    /// With this pack, and this behind the address of the server.
    fn with(name: &str, pack: &str, base: &str, key: &str) -> Self {
        let (lumen, peer) = serve();
        let path = directory(name).join("storegate.toml");
        let file = path.with_file_name("lumen.toml");
        fs::write(&file, pack).unwrap();
        let text = format!(
            "[auth.issuers.company]\nissuer = \"http://127.0.0.1:9\"\naudience = \"storegate\"\ntenant = \"acme\"\n\
             [vendors.lumen]\nfile = {file:?}\n[tenants.acme.lumen]\nurl = \"http://{}{base}\"\n\
             app_key = {key:?}\napp_secret = \"lumen-secret\"\n{RESOURCE}",
            peer.address()
        );
        fs::write(&path, text).unwrap();
        Self { lumen, _peer: peer, path }
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Output {
        run(&[&[command, "--config", self.path.to_str().unwrap()], arguments].concat(), &[], "")
    }

    fn lines(&self) -> Vec<String> {
        self.lumen.lines.lock().unwrap().clone()
    }
}

fn all(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn one_slash_is_between_address_and_path_and_the_path_that_is_sent_is_signed() {
    for (name, base, path) in [
        ("path-bare", "", "/api/"),
        ("path-slash", "/", "/api/"),
        ("path-slashes", "//", "/api/"),
        ("path-base", "/base", "/base/api/"),
        ("path-base-slash", "/base/", "/base/api/"),
    ] {
        let operator = Operator::with(name, PACK, base, "lumen-key");
        let called = operator.run("call", &["receipts.list", "page=1"]);
        assert!(called.status.success(), "{base}: {}", all(&called));
        let lines = ["auth.exchange", "receipts.list"].map(|method| format!("POST {path}{method} HTTP/1.1"));
        assert_eq!(operator.lines(), lines, "{base}");
        let signed = all(&operator.run("sign", &["receipts.list", "page=1"]));
        assert!(signed.contains(&format!("POST\n{path}receipts.list\n")), "{signed}");
    }
}

#[test]
fn a_method_is_percent_encoded_within_the_path_and_its_slashes_stay() {
    let operator = Operator::with("path-encoded", PACK, "", "lumen-key");
    for (method, sent) in [
        ("a b", "a%20b"),
        ("é", "%C3%A9"),
        ("a#b", "a%23b"),
        ("a?b%", "a%3Fb%25"),
        ("v1/receipts.list", "v1/receipts.list"),
    ] {
        let called = operator.run("call", &["--gateway", "lumen", method, "page=1"]);
        assert!(called.status.success(), "{method}: {}", all(&called));
        assert_eq!(operator.lines().last().unwrap(), &format!("POST /api/{sent} HTTP/1.1"));
    }
}

#[test]
fn doctor_calls_a_method_of_a_vendors_own_pack_with_the_probe_of_the_pack() {
    let pack = PACK.replace("probe = { page = \"1\" }", "probe = { page = \"1\", key = \"{credential.app_key}\" }");
    let operator = Operator::with("probe", &pack, "", "lumen-key");
    let told = all(&operator.run("doctor", &[]));
    assert!(told.contains("ok       acme lumen: method receipts.list: may be called, for /receipts"), "{told}");
    let bodies = operator.lumen.bodies.lock().unwrap();
    assert_eq!(bodies.last(), Some(&json!({"page": 1, "key": "lumen-key"})), "an integer of the resource is a number");
}

#[test]
fn a_probe_may_have_numbers_and_no_parameters_at_all() {
    let pack = PACK.replace("probe = { page = \"1\" }", "probe = { size = 10, all = true, kinds = [\"a\", 2] }");
    let operator = Operator::with("probe-typed", &pack, "", "lumen-key");
    let told = all(&operator.run("doctor", &[]));
    assert!(told.contains("method receipts.list: may be called"), "{told}");
    let bodies = operator.lumen.bodies.lock().unwrap().clone();
    assert_eq!(bodies.last(), Some(&json!({"size": 10, "all": true, "kinds": ["a", 2]})));
    for (name, probe, refused) in [("probe-none", "", false), ("probe-empty", "probe = {}", true)] {
        let operator = Operator::with(name, &PACK.replace("probe = { page = \"1\" }", probe), "", "lumen-key");
        *operator.lumen.fails_with.lock().unwrap() = Some("E422");
        let told = all(&operator.run("doctor", &[]));
        assert_eq!(told.contains("which is nothing to refuse"), refused, "{name}: {told}");
        assert_eq!(operator.lumen.bodies.lock().unwrap().last(), Some(&json!({})));
    }
}

#[test]
fn a_call_that_http_cannot_carry_is_a_mistake_of_ours_and_is_not_sent() {
    let broken = Operator::with("not-sent", PACK, "", "lumen-key\r\nX-Other: planted");
    for (command, arguments) in [("call", ["receipts.list", "page=1"].as_slice()), ("doctor", &[])] {
        let told = all(&broken.run(command, arguments));
        assert!(told.contains("the call cannot be sent: header X-App-Key has a line break"), "{command}: {told}");
        assert!(!told.contains("planted") && !told.contains("envelope"), "{command}: {told}");
    }
    assert_eq!(broken.lines(), Vec::<String>::new());
}
