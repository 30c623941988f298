//! A real OpenID provider, `oidc-provider` from npm, beside the service: its keys are discovered, its tokens are mapped, and
//! its rotation is followed. `.ci/run` installs it; where it is not, or there is no node, the test says so and ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use awc::Client;
use serde_json::Value;
use storegate::clock::Clock;

use crate::test_app::TestApp;

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
    /// None where it is not installed.
    fn start() -> Option<Self> {
        let installed = installed()?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openid-provider/provider.mjs");
        let mut child = Command::new("node")
            .args([script, installed])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let (input, printed) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut provider = Self { issuer: String::new(), child, input, printed };
        provider.issuer = provider.next_line();
        assert!(provider.issuer.starts_with("http://"), "the provider does not start");
        Some(provider)
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

fn installed() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("openid-provider");
    target.join("node_modules/oidc-provider").is_dir().then_some(target)
}

#[actix_web::test]
async fn the_tokens_of_a_real_openid_provider_open_what_the_settings_say() {
    let Some(mut provider) = OpenIdProvider::start() else {
        assert!(std::env::var_os(REQUIRED).is_none(), "node or oidc-provider is missing: .ci/run installs it");
        // The harness shows it with --nocapture only.
        writeln!(std::io::stderr(), "skipped: there is no node, or oidc-provider is not in target/openid-provider")
            .unwrap();
        return;
    };
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
