//! The program as a child, under another program if need be, stopped when it is dropped.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running `storegate serve`.
pub struct Program(Child);

impl Program {
    /// Starts it as `program` with these arguments before its own.
    pub fn start(program: &str, arguments: &[&str], config: &Path, ready: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(config);
        command.arg("--ready-file").arg(ready).env("STOREGATE__TELEMETRY__LOG", "warn");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Asks it to end, waits for that, and sees that all went well.
    pub fn terminate(mut self) {
        let asked = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.id())]).status().unwrap();
        assert!(asked.success() && self.0.wait().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already unless a test failed.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}
