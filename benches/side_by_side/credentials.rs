//! Keys and tokens that storegate and the peers share: HS256, RS256 and EdDSA, made by storegate's own commands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::sandbox::{KEY, SECRET, STOREGATE, Sandbox};

pub const ISSUER: &str = "http://storegate.example.com";
pub const AUDIENCE: &str = "storegate";
/// Key ids, which are the algorithms' names.
pub const ALGORITHMS: [&str; 3] = ["HS256", "RS256", "EdDSA"];

/// Keys, a configuration and a token of each algorithm.
pub struct Credentials {
    directory: PathBuf,
    keys: Vec<(&'static str, String)>,
    tokens: Vec<String>,
}

impl Credentials {
    /// Makes them, in files of the directory.
    pub fn make(directory: &Path, sandbox: &Sandbox) -> Self {
        let keys = ALGORITHMS.map(|algorithm| {
            let key = storegate(&["secret", "key", "--algorithm", &algorithm.to_lowercase()]);
            fs::write(key_file(directory, algorithm), &key).expect("a file for a key");
            (algorithm, if algorithm == "HS256" { key } else { public_half(algorithm, &key) })
        });
        let credentials = Self { directory: directory.to_owned(), keys: keys.to_vec(), tokens: Vec::new() };
        fs::write(credentials.configuration(), configuration(directory, sandbox)).expect("a configuration");
        let tokens = ALGORITHMS.map(|algorithm| credentials.mint(algorithm));
        Self { tokens: tokens.to_vec(), ..credentials }
    }

    /// storegate's configuration.
    pub fn configuration(&self) -> PathBuf {
        self.directory.join("storegate.toml")
    }

    /// The header with a token that a key of this algorithm has signed.
    pub fn header(&self, algorithm: &str) -> String {
        let place = ALGORITHMS.iter().position(|known| *known == algorithm).expect("an algorithm");
        format!("Authorization: Bearer {}", self.tokens[place])
    }

    /// What a peer needs to know.
    pub fn for_peers(&self) -> Value {
        let keys: Vec<Value> = self
            .keys
            .iter()
            .map(|(algorithm, key)| json!({ "kid": algorithm, "algorithm": algorithm, "key": key }))
            .collect();
        json!({ "keys": keys, "issuer": ISSUER, "audience": AUDIENCE, "gateway": { "key": KEY, "secret": SECRET } })
    }

    fn mint(&self, algorithm: &str) -> String {
        let configuration = self.configuration();
        let mut command = Command::new(STOREGATE);
        command.args(["token", "--client", "caller", "--lifetime", "24h", "--config"]).arg(configuration);
        printed(command.env("STOREGATE__AUTH__SIGN_WITH", algorithm))
    }
}

fn configuration(directory: &Path, sandbox: &Sandbox) -> String {
    let keys = ALGORITHMS.map(|algorithm| {
        let field = if algorithm == "HS256" { "secret_file" } else { "private_key_file" };
        format!("[auth.keys.{algorithm}]\n{field} = {:?}\n", key_file(directory, algorithm))
    });
    let fresh = ["flow", "demographics", "demographics.ended", "inspections", "inspections.ended"];
    let fresh = fresh.map(|resource| format!("[cache.{resource}]\nfresh = \"1h\"\n"));
    format!(
        r#"[server]
listen = "127.0.0.1:0"
public_url = "{ISSUER}"
connections = 5000
[auth]
{keys}
[auth.clients.caller]
tenant = "acme"
scopes = ["flow:read", "demographics:read", "inspections:read"]
secret_sha256 = "{no_secret}"
[tenants.acme.opretail]
m_api = "{m_api}"
cloud_api = "{cloud_api}"
key = "{KEY}"
secret = "{SECRET}"
enterprise_id = 1084
[gateway]
queue = 4096
queue_wait = "10s"
{fresh}
[telemetry]
log = "warn"
"#,
        keys = keys.concat(),
        no_secret = "0".repeat(64),
        m_api = sandbox.m_api(),
        cloud_api = sandbox.cloud_api(),
        fresh = fresh.concat(),
    )
}

fn key_file(directory: &Path, algorithm: &str) -> PathBuf {
    directory.join(format!("{algorithm}.key"))
}

/// The public half of a private key, as PEM.
fn public_half(algorithm: &str, pem: &str) -> String {
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let private = STANDARD.decode(text).expect("a private key in PEM");
    let public: PublicKeyX509Der<'_> = match algorithm {
        "RS256" => RsaKeyPair::from_pkcs8(&private).expect("an RSA key").public_key().as_der(),
        _ => Ed25519KeyPair::from_pkcs8(&private).expect("an Ed25519 key").public_key().as_der(),
    }
    .expect("a public key");
    let text = STANDARD.encode(public.as_ref());
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

/// What one of storegate's commands prints.
pub fn storegate(arguments: &[&str]) -> String {
    printed(Command::new(STOREGATE).args(arguments))
}

fn printed(command: &mut Command) -> String {
    let output = command.output().expect("storegate");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
