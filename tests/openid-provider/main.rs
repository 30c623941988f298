//! A real OpenID provider, `oidc-provider` from npm, beside the service: its keys are discovered, its tokens are mapped, and
//! its rotation is followed. `.ci/run` installs it; where it is not, or there is no node, the test is reported as ignored, and
//! `STOREGATE_TESTS_REQUIRE_NODE=1` makes that an error.

#![expect(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that cannot go on must fail")]

#[expect(dead_code, reason = "the tests' service is used in part")]
#[path = "../app/mod.rs"]
mod app;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};

use actix_web::rt::System;
use awc::Client;
use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use storegate::clock::Clock;

use crate::app::TestApp;

/// Set where the test must run.
const REQUIRED: &str = "STOREGATE_TESTS_REQUIRE_NODE";

/// The provider in a process of its own, which ends with its standard input.
struct OpenIdProvider {
    issuer: String,
    child: Child,
    input: Option<ChildStdin>,
    printed: BufReader<ChildStdout>,
}

impl OpenIdProvider {
    fn start(installed: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openid-provider/provider.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .arg(installed)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, printed) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut provider = Self { issuer: String::new(), child, input, printed };
        provider.issuer = provider.next_line();
        assert!(provider.issuer.starts_with("http://"), "the provider does not start");
        provider
    }

    /// The next line of the script, without the library's own; empty at the end.
    fn next_line(&mut self) -> String {
        let mut lines = self.printed.by_ref().lines().map_while(Result::ok);
        lines.find_map(|line| line.strip_prefix("storegate: ").map(str::to_owned)).unwrap_or_default()
    }

    /// Signs with a new key from now on.
    fn rotate(&mut self) {
        writeln!(self.input.as_mut().unwrap()).unwrap();
        assert_eq!(self.next_line(), "rotated");
    }

    async fn token(&self, scope: &str) -> String {
        let form = format!("grant_type=client_credentials&scope={scope}");
        let request = Client::default().post(format!("{}/token", self.issuer));
        let request = request.basic_auth("portal", "a-secret-of-the-tests");
        let request = request.insert_header(("content-type", "application/x-www-form-urlencoded"));
        let answer: Value = request.send_body(form).await.unwrap().json().await.unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }
}

impl Drop for OpenIdProvider {
    fn drop(&mut self) {
        self.input = None;
        // It ends by itself; it is only waited for, so that no process is left.
        let _reaped = self.child.wait();
    }
}

/// Where the provider is installed, if it is and can be run.
fn installed() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("openid-provider");
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let runs = node.is_ok_and(|status| status.success());
    (runs && target.join("node_modules/oidc-provider").is_dir()).then_some(target)
}

fn main() -> ExitCode {
    let installed = installed();
    let is_required = std::env::var_os(REQUIRED).is_some();
    assert!(!is_required || installed.is_some(), "node or oidc-provider is missing: .ci/run installs it");
    let is_missing = installed.is_none();
    let run = move || {
        let installed = installed.ok_or("node is missing, or oidc-provider is not in target/openid-provider")?;
        System::new().block_on(tokens_of_a_real_provider(&installed));
        Ok(())
    };
    let name = "the_tokens_of_a_real_openid_provider_open_what_the_settings_say";
    let trial = Trial::test(name, run).with_ignored_flag(is_missing);
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

async fn tokens_of_a_real_provider(installed: &Path) {
    let mut provider = OpenIdProvider::start(installed);
    let app = TestApp::with(|setup| {
        // The provider's clock is the machine's.
        setup.proxy_time = Clock::system().now();
        let mut set = |name: &str, value: &str| setup.set(&format!("AUTH__ISSUERS__LOGIN__{name}"), value);
        set("ISSUER", &provider.issuer);
        set("AUDIENCE", "storegate");
        set("ALGORITHMS", "RS256");
        set("TENANT_CLAIM", "organization.id");
        set("TENANTS__ORG-1", "acme");
        set("STORES_CLAIM", "shops");
    });
    let status = async |token: &str, path: &str| {
        app.send("GET", path, &[("authorization", &format!("Bearer {token}"))], "").await.status
    };
    let token = provider.token("flow:read").await;
    assert_eq!(status(&token, "/stores/S_123456/flow").await, 200);
    assert_eq!(status(&token, "/stores/S_100001/flow").await, 403, "the token names its stores");
    assert_eq!(status(&token, "/stores").await, 403, "it does not hold this scope");

    provider.rotate();
    let rotated = provider.token("flow:read stores:read").await;
    let kid = |token: &str| token.split('.').next().unwrap().to_owned();
    assert_ne!(kid(&token), kid(&rotated));
    app.proxy_time.advance(std::time::Duration::from_secs(30));
    assert_eq!(status(&rotated, "/stores/S_123456/flow").await, 200, "its key is learned");
    assert_eq!(status(&token, "/stores/S_123456/flow").await, 200, "the old one is still published");
}
