//! The two tenants of most tests and the clients that read for them: acme, with enterprise 1084, and zenith, with
//! enterprise 2168. Neither may ever see what the other one has.

use secrecy::ExposeSecret;
use storegate::auth::issue::TokenGrant;
use storegate::auth::key_algorithm::KeyAlgorithm;
use storegate::auth::private_key;
use storegate::sandbox::{OmsAccount, OpRetailAccount, Organization, Sandbox, SandboxSettings};

/// What signs and must never be seen.
pub const SECRETS: [&str; 4] =
    ["planted-acme-secret", "planted-acme-token", "planted-zenith-secret", "planted-zenith-token"];

/// The address that callers use, which stands in every token.
pub const ISSUER: &str = "https://storegate.example.com";

/// What all of zenith's stores at the OMS belong to, and none of acme's.
pub const ZENITHS_COMPANY: &str = "Zenith Stores Ltd.";

/// The secret of every client.
pub const CLIENT_SECRET: &str = "a-clients-secret";

/// The scopes that read.
pub const READING: &[&str] =
    &["stores:read", "flow:read", "demographics:read", "inspections:read", "organizations:read"];

/// Every scope.
pub const EVERYTHING: &[&str] = &[
    "stores:read",
    "flow:read",
    "demographics:read",
    "inspections:read",
    "organizations:read",
    "organizations:secrets",
    "cache:bypass",
    "cache:purge",
];

struct TestClient {
    id: &'static str,
    tenant: &'static str,
    scopes: &'static [&'static str],
    stores: Option<&'static [&'static str]>,
}

const CLIENTS: &[TestClient] = &[
    TestClient { id: "dashboard", tenant: "acme", scopes: READING, stores: None },
    TestClient { id: "operator", tenant: "acme", scopes: EVERYTHING, stores: None },
    TestClient { id: "counter", tenant: "acme", scopes: &["flow:read"], stores: None },
    TestClient { id: "franchisee", tenant: "acme", scopes: EVERYTHING, stores: Some(&["S_123456", "SHOP001"]) },
    TestClient { id: "zenith", tenant: "zenith", scopes: EVERYTHING, stores: None },
];

/// What a client may have.
pub fn grant(client: &str) -> TokenGrant {
    let client = CLIENTS.iter().find(|known| known.id == client).expect("one of the clients");
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    TokenGrant {
        client_id: client.id.to_owned(),
        subject: None,
        tenant: client.tenant.to_owned(),
        scopes: texts(client.scopes),
        stores: client.stores.map(texts),
        organizations: None,
        lifetime: None,
    }
}

/// The gateway's side: the accounts of both tenants.
pub fn sandbox_settings() -> SandboxSettings {
    let [acme_secret, acme_token, zenith_secret, zenith_token] = SECRETS;
    SandboxSettings {
        opretail: vec![
            OpRetailAccount { secret: acme_secret.into(), ..OpRetailAccount::default() },
            OpRetailAccount {
                key: "S107-00000002".to_owned(),
                secret: zenith_secret.into(),
                organizations: vec![Organization { platform_id: 3, enterprise_id: 2168 }],
                ..OpRetailAccount::default()
            },
        ],
        oms: vec![
            OmsAccount { flag: "acme".to_owned(), token: acme_token.into(), ..OmsAccount::default() },
            OmsAccount {
                flag: "zenith".to_owned(),
                token: zenith_token.into(),
                company: Some(ZENITHS_COMPANY.to_owned()),
                ..OmsAccount::default()
            },
        ],
        ..SandboxSettings::default()
    }
}

/// The service's side, as an operator would write it.
pub fn configuration(sandbox: &Sandbox) -> String {
    let [acme_secret, acme_token, zenith_secret, zenith_token] = SECRETS;
    let (m_api, cloud_api, oms) = (sandbox.opretail_m_api_url(), sandbox.opretail_cloud_api_url(), sandbox.oms_url());
    let tenant = |name: &str, key: &str, secret: &str, enterprise: u32, token: &str| {
        format!(
            r#"
[tenants.{name}.opretail]
m_api = "{m_api}"
cloud_api = "{cloud_api}"
key = "{key}"
secret = "{secret}"
enterprise_id = {enterprise}
[tenants.{name}.oms]
url = "{oms}"
flag = "{name}"
token = "{token}"
"#
        )
    };
    let acme = tenant("acme", "S107-00000001", acme_secret, 1084, acme_token);
    let zenith = tenant("zenith", "S107-00000002", zenith_secret, 2168, zenith_token);
    let pem = private_key::generate(KeyAlgorithm::EdDsa).unwrap();
    let hash = storegate::auth::secrets::sha256_hex(&CLIENT_SECRET.into());
    let clients: String = CLIENTS.iter().map(|client| client_section(client, &hash)).collect();
    format!(
        r#"
[server]
public_url = "{ISSUER}"
workers = 2
[auth.keys.first]
private_key = '''{pem}'''
{clients}{acme}{zenith}"#,
        pem = pem.expose_secret()
    )
}

fn client_section(client: &TestClient, hash: &str) -> String {
    let TestClient { id, tenant, scopes, stores } = client;
    let stores = stores.map(|stores| format!("stores = {stores:?}\n")).unwrap_or_default();
    format!("[auth.clients.{id}]\ntenant = \"{tenant}\"\nscopes = {scopes:?}\nsecret_sha256 = \"{hash}\"\n{stores}")
}
