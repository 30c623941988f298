//! Configurations for the program itself, as an operator would write them.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use storegate::sandbox::{OmsAccount, OpRetailAccount};

use crate::app::program::{directory, stdout_of};
use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::tenants::CLIENT_SECRET;

/// A configuration for the sandbox's usual accounts; gives its path and all of its secrets.
pub fn sandbox_configuration(name: &str, gateway: &SandboxGateway) -> (PathBuf, Vec<String>) {
    let (opretail, oms) = (OpRetailAccount::default(), OmsAccount::default());
    let (secret, token) = (opretail.secret.expose_secret(), oms.token.expose_secret());
    let key = stdout_of(&["secret", "key"], &[], "");
    let hash = stdout_of(&["secret", "hash"], &[], "planted-client-secret");
    let sandbox = &gateway.sandbox;
    let text = format!(
        r#"
[server]
public_url = "https://storegate.example.com"
[telemetry]
log = "trace"
[auth.keys.first]
private_key = '''{key}'''
[auth.clients.dashboard]
tenant = "acme"
scopes = ["stores:read", "flow:read"]
stores = ["SHOP001", "S_123456"]
{hash}
[tenants.acme.opretail]
m_api = "{m_api}"
cloud_api = "{cloud_api}"
key = "{akey}"
secret = "{secret}"
[tenants.acme.oms]
url = "{url}"
flag = "{flag}"
token = "{token}"
"#,
        m_api = sandbox.opretail_m_api_url(),
        cloud_api = sandbox.opretail_cloud_api_url(),
        akey = opretail.key,
        url = sandbox.oms_url(),
        flag = oms.flag,
    );
    let path = directory(name).join("storegate.toml");
    fs::write(&path, text).unwrap();
    let key = key.lines().nth(1).unwrap().to_owned();
    let hash = hash.split('"').nth(1).unwrap().to_owned();
    (path, vec![secret.to_owned(), token.to_owned(), key, hash, "planted-client-secret".to_owned()])
}

/// A store directory with these lines, in a directory of this name.
pub fn stores_file(name: &str, lines: &str) -> PathBuf {
    let path = directory(name).join("stores.csv");
    fs::write(&path, lines).unwrap();
    path
}

/// A directory of this name with a signing key in it: the directory, the key, and where a configuration belongs.
pub fn directory_with_key(name: &str) -> [PathBuf; 3] {
    let home = directory(name);
    let (key, config) = (home.join("key.pem"), home.join("storegate.toml"));
    fs::write(&key, stdout_of(&["secret", "key"], &[], "")).unwrap();
    [home, key, config]
}

/// A configuration for the program with this key and more settings in `[auth]`.
pub fn program_configuration(key: &Path, more: &str) -> String {
    let hash = stdout_of(&["secret", "hash"], &[], CLIENT_SECRET);
    format!(
        r#"
[server]
public_url = "https://storegate.example.com"
[auth]
{more}
[auth.keys.first]
private_key_file = {key:?}
[auth.clients.dashboard]
tenant = "acme"
scopes = ["stores:read"]
{hash}
[tenants.acme.oms]
url = "https://oms.example.com/index.php/openapi/rpc/service/"
flag = "acme"
token = "planted"
"#
    )
}
