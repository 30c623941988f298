//! `storegate doctor` in front of a sandbox gateway, and what it reports.

use std::fs;
use std::path::PathBuf;

use storegate::sandbox::{OmsServer, SandboxSettings};

use crate::app::configurations::sandbox_configuration;
use crate::app::program::run;
use crate::app::sandbox_gateway::SandboxGateway;

/// A configuration before a gateway, and all secrets that must not be printed.
pub struct Subject {
    pub gateway: SandboxGateway,
    pub path: PathBuf,
    secrets: Vec<String>,
}

impl Subject {
    /// Before a gateway with these settings.
    pub fn with(name: &str, settings: SandboxSettings) -> Self {
        let gateway = SandboxGateway::live_with(settings);
        let (path, mut secrets) = sandbox_configuration(name, &gateway);
        secrets.push("sandbox-password".to_owned());
        Self { gateway, path, secrets }
    }

    /// Before a gateway where nothing is wrong.
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

    /// Gives acme a store directory with these lines.
    pub fn list_stores(&self, lines: &str) {
        let file = self.path.with_file_name("stores.csv");
        fs::write(&file, lines).unwrap();
        self.change("[tenants.acme.oms]", &format!("[directory.acme]\nstores_file = {file:?}\n[tenants.acme.oms]"));
    }

    /// What `doctor` says.
    pub fn examine(&self) -> Report {
        self.examine_as(&[])
    }

    /// What `doctor` says with these arguments.
    pub fn examine_as(&self, more: &[&str]) -> Report {
        let output = run(&[&["doctor", "--config", self.path.to_str().unwrap()], more].concat(), &[], "");
        let text = String::from_utf8(output.stdout).unwrap();
        let all = text.clone() + &String::from_utf8_lossy(&output.stderr);
        for secret in &self.secrets {
            assert!(!all.contains(secret), "{secret} in {all}");
        }
        assert!(!all.contains("_sig") && !all.contains("charsetutf-8"), "{all}");
        Report { code: output.status.code(), text }
    }
}

/// What was printed, and the exit code.
pub struct Report {
    pub code: Option<i32>,
    pub text: String,
}

impl Report {
    /// The only line that does not begin with `ok`.
    pub fn only_finding(&self) -> &str {
        let findings: Vec<&str> = self.text.lines().filter(|line| !line.starts_with("ok ")).collect();
        assert_eq!(findings.len(), 1, "{}", self.text);
        findings[0]
    }

    /// Whether there is a line that begins so.
    pub fn has_line(&self, beginning: &str) -> bool {
        self.text.lines().any(|line| line.starts_with(beginning))
    }
}
