//! The upstream of all: storegate's sandbox gateway, as a process of its own that takes a signature more than once.

use std::path::Path;
use std::process::Stdio;

use super::http;
use super::process::{Cores, Process, command};

pub const STOREGATE: &str = env!("CARGO_BIN_EXE_storegate");
pub const KEY: &str = "S107-00000001";
pub const SECRET: &str = "sandbox-secret";

/// A running sandbox gateway.
pub struct Sandbox {
    base_url: String,
    pub process: Process,
}

impl Sandbox {
    pub fn start(directory: &Path, cores: Cores) -> Self {
        let ready = directory.join("sandbox.json");
        let mut sandbox = command(STOREGATE, cores);
        sandbox.args(["sandbox", "--replay-window", "0s", "--timestamp-window", "2h", "--listen", "127.0.0.1:0"]);
        sandbox.arg("--ready-file").arg(&ready).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Process::start("the sandbox gateway", sandbox);
        let mut base_url = None;
        process.wait_until("was ready", || {
            base_url = read_base_url(&ready);
            base_url.as_deref().is_some_and(|base_url| http::is_served(base_url, "/_sandbox/calls"))
        });
        Self { base_url: base_url.expect("an address"), process }
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub fn m_api(&self) -> String {
        format!("{}/m.api", self.base_url)
    }

    pub fn cloud_api(&self) -> String {
        format!("{}/cloud.api", self.base_url)
    }

    /// How many calls have come.
    pub fn calls(&self) -> u64 {
        http::get(&self.base_url, "/_sandbox/calls", &[]).json()["total"].as_u64().expect("a count")
    }

    /// Lets every answer take so much longer.
    pub fn set_latency(&self, latency: &str) {
        let body = format!("{{\"latency\":\"{latency}\"}}");
        let answer = http::send(&self.base_url, "PATCH", "/_sandbox/behaviour", &[], &body);
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
}

/// The address in a ready file, once it is there.
fn read_base_url(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let ready: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(ready["base_url"].as_str()?.to_owned())
}
