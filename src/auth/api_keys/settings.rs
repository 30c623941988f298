//! `[auth.api_keys.<name>]`: the API keys, by the SHA-256 of each.

use jiff::Timestamp;
use secrecy::SecretString;

use super::{ApiKey, ApiKeyGrant, ApiKeyHash};
use crate::auth::client_settings::{CallerContext, CallerRights, check_name};
use crate::auth::clients::Client;
use crate::auth::quota::Quota;
use crate::settings::{Section, SectionSettings, section};

section! {
    /// An API key, for a program that cannot renew a token; the section's name stands for it in the log.
    #[derive(Debug)]
    pub struct ApiKeySettings in "auth.api_keys.<excel>" on reload {
        /// The tenant whose data it may read.
        tenant: String, example "acme", required "the company whose data this API key may read";
        /// Its scopes.
        scopes: Vec<String>, example ["stores:read", "flow:read"];
        /// The SHA-256 hash of a key that `storegate secret api-key` made.
        key_sha256: Option<SecretString>, example "secrets/excel.sha256";
        /// When it ends, as an instant with its offset; never unless set.
        expires: Option<Timestamp>, example "2027-12-31T23:59:59+08:00";
        /// The only stores that it may read; all of the tenant's unless set.
        stores: Option<Vec<String>>, example ["S_123456", "SHOP001"];
        /// The only organizations that it may read. If it has either list, anything on neither list is refused.
        organizations: Option<Vec<String>>, example ["1084"];
        /// Its quota of requests, or `none` for no limit; `limits.quota` unless set.
        quota: Option<Quota>, example "600/1m";
    }
}

/// Reads the sections of all API keys.
pub(in crate::auth) fn read_all(section: &Section<'_>, clients: &[Client], context: CallerContext<'_>) -> Vec<ApiKey> {
    let mut keys: Vec<ApiKey> = Vec::new();
    for (name, entry) in section.section("api_keys").entries() {
        let Some(key) = read(&name, &entry, context) else { continue };
        if clients.iter().any(|client| client.id == name) {
            entry.problem("tenant", format!("there is a client {name}, too: name this API key otherwise, since log and metrics tell callers apart by name"));
        }
        if let Some(same) = keys.iter().find(|other| other.hash == key.hash) {
            let text = format!("this is the hash of {}, too: make a key for each", same.name);
            entry.problem_in("key_sha256", text);
        }
        keys.push(key);
    }
    keys
}

fn read(name: &str, section: &Section<'_>, context: CallerContext<'_>) -> Option<ApiKey> {
    check_name(section, name, "the name of an API key");
    let settings = ApiKeySettings::read(section);
    let rights = CallerRights {
        tenant: &settings.tenant,
        scopes: &settings.scopes,
        stores: settings.stores.as_deref(),
        organizations: settings.organizations.as_deref(),
    };
    rights.check(section, context);
    let hash = read_hash(section, settings.key_sha256.as_ref())?;
    let ApiKeySettings { tenant, scopes, expires, stores, organizations, quota, .. } = settings;
    let expires = expires.map(Timestamp::as_second);
    Some(ApiKey::new(name, hash, quota, ApiKeyGrant { tenant, scopes, stores, organizations, expires }))
}

fn read_hash(section: &Section<'_>, hash: Option<&SecretString>) -> Option<ApiKeyHash> {
    let Some(hash) = hash else {
        if !section.is_set("key_sha256") && !section.is_set("key_sha256_file") {
            section.missing("key_sha256", "the hash of the API key; `storegate secret api-key` makes both");
        }
        return None;
    };
    ApiKeyHash::from_hex(hash).map_err(|error| section.problem_in("key_sha256", error)).ok()
}
