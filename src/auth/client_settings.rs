//! `[auth.clients.<id>]`: who may request tokens, and what a caller may do, which API keys share.

use secrecy::SecretString;

use super::clients::Client;
use super::quota::Quota;
use super::scope::Scopes;
use super::secrets::SecretHash;
use crate::directory::VendorIds;
use crate::settings::{Section, SectionSettings, section};

/// The most bytes of a client's list of stores. More would not fit into a token.
const MAXIMUM_STORES_BYTES: usize = 4 * 1024;

/// The most organizations of a client, which take less than 1.5 KiB of a token.
const MAXIMUM_ORGANIZATIONS: usize = 64;

section! {
    /// A client that may request tokens; the section's name is its id.
    #[derive(Debug)]
    pub struct ClientSettings in "auth.clients.<dashboard>" on reload {
        /// The tenant whose data it may read.
        tenant: String, given "acme", required "the company whose data this client may read";
        /// The scopes that its tokens may have.
        scopes: Vec<String>,
            given ["stores:read", "flow:read", "demographics:read", "inspections:read", "organizations:read"];
        /// The SHA-256 hash of a secret that `storegate secret new` made.
        secret_sha256: Option<SecretString>, given "secrets/dashboard.sha256";
        /// Instead, for a secret that a person chose: its hash by `storegate secret hash --argon2`.
        secret_argon2: Option<SecretString>, example "secrets/dashboard.argon2";
        /// The only stores that it may read; all of the tenant's unless set.
        stores: Option<Vec<String>>, example ["S_123456", "SHOP001"];
        /// The only organizations that it may read. If it has either list, anything on neither list is refused.
        organizations: Option<Vec<String>>, example ["1084"];
        /// Its quota of requests, or `none` for no limit; `limits.quota` unless set.
        quota: Option<Quota>, example "600/1m";
    }
}

/// What the sections of callers refer to.
#[derive(Clone, Copy, Debug)]
pub struct CallerContext<'a> {
    /// The configured tenants.
    pub tenants: &'a [String],
    /// The existing scopes.
    pub scopes: &'a Scopes,
    /// The vendors' ids.
    pub ids: &'a VendorIds,
}

/// What a caller may do, as its section says it.
pub(super) struct CallerRights<'a> {
    pub(super) tenant: &'a str,
    pub(super) scopes: &'a [String],
    pub(super) stores: Option<&'a [String]>,
    pub(super) organizations: Option<&'a [String]>,
}

/// Reads a client's section.
pub(super) fn read(id: &str, section: &Section<'_>, context: CallerContext<'_>) -> Option<Client> {
    check_name(section, id, "a client id");
    let settings = ClientSettings::read(section);
    let rights = CallerRights {
        tenant: &settings.tenant,
        scopes: &settings.scopes,
        stores: settings.stores.as_deref(),
        organizations: settings.organizations.as_deref(),
    };
    rights.check(section, context);
    rights.check_size(section);
    let secret = secret_hash(section, &settings)?;
    let ClientSettings { tenant, scopes, stores, organizations, quota, .. } = settings;
    Some(Client { id: id.to_owned(), tenant, scopes, stores, organizations, quota, secret })
}

/// Reports a name that headers and the log cannot show.
pub(super) fn check_name(section: &Section<'_>, name: &str, what: &str) {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        section.problem("tenant", format!("{what} is made of visible ASCII characters: name the section otherwise"));
    }
}

impl CallerRights<'_> {
    /// Reports a tenant, scopes, stores and organizations that do not exist.
    pub(super) fn check(&self, section: &Section<'_>, context: CallerContext<'_>) {
        if !self.tenant.is_empty() {
            check_tenant(section, "tenant", self.tenant, context.tenants);
        }
        if self.scopes.is_empty() {
            section.problem("scopes", format!("list what this client may do, of {}", context.scopes.names()));
        }
        check_scopes(section, "scopes", self.scopes, context.scopes);
        self.stores.iter().for_each(|stores| check_stores(section, stores, context.ids));
        self.organizations.iter().for_each(|organizations| check_organizations(section, organizations, context.ids));
    }

    /// Reports lists that do not fit into a token.
    fn check_size(&self, section: &Section<'_>) {
        let bytes = |stores: &[String]| stores.iter().map(|id| id.len() + "\"\",".len()).sum::<usize>();
        if self.stores.is_some_and(|stores| bytes(stores) > MAXIMUM_STORES_BYTES) {
            section.problem(
                "stores",
                "these are more stores than fit into a token: split the client, or grant all stores",
            );
        }
        if self.organizations.is_some_and(|organizations| organizations.len() > MAXIMUM_ORGANIZATIONS) {
            let most = format!("at most {MAXIMUM_ORGANIZATIONS} organizations fit into a token: split the client");
            section.problem("organizations", most);
        }
    }
}

/// Reports a tenant that is not configured.
pub(super) fn check_tenant(section: &Section<'_>, key: &str, tenant: &str, tenants: &[String]) {
    if !tenants.iter().any(|known| known == tenant) {
        let known = if tenants.is_empty() { "there are none".to_owned() } else { tenants.join(", ") };
        section.problem(key, format!("there is no section [tenants.{tenant}]; the tenants: {known}"));
    }
}

/// Reports scopes that do not exist.
pub(super) fn check_scopes(section: &Section<'_>, key: &str, scopes: &[String], known: &Scopes) {
    for name in scopes.iter().filter(|name| !known.contain(name)) {
        section.problem(key, format!("there is no scope {name}; the scopes are {}", known.names()));
    }
}

fn check_stores(section: &Section<'_>, stores: &[String], ids: &VendorIds) {
    if stores.is_empty() || stores.iter().any(String::is_empty) {
        section.problem("stores", "list the ids of stores, or leave this out to grant all stores of the tenant");
    }
    for id in stores.iter().filter(|id| !id.is_empty()) {
        if let Err(grammar) = ids.store(id) {
            let remedy = format!("write each id as a text of its own, such as {:?}", ids.examples());
            section.problem("stores", format!("{id:?} is no store's id: {grammar}; {remedy}"));
        }
    }
}

fn check_organizations(section: &Section<'_>, organizations: &[String], ids: &VendorIds) {
    if !ids.is_incomplete() && organizations.iter().any(|id| ids.organization(id).is_none()) {
        let example: Vec<_> = ids.organization_example().into_iter().collect();
        section.problem(
            "organizations",
            format!("list the numbers of organizations, such as {example:?}; [] grants none"),
        );
    }
}

fn secret_hash(section: &Section<'_>, settings: &ClientSettings) -> Option<SecretHash> {
    let (made, chosen) = ("secret_sha256", "secret_argon2");
    let (field, hash) = match (&settings.secret_sha256, &settings.secret_argon2) {
        (Some(hash), None) => (made, SecretHash::from_sha256_hex(hash)),
        (None, Some(hash)) => (chosen, SecretHash::from_argon2(hash)),
        (Some(_), Some(_)) => {
            section.problem(chosen, format!("a client has one secret: give either {made} or {chosen}"));
            return None;
        }
        (None, None) => {
            if ![made, "secret_sha256_file", chosen, "secret_argon2_file"].iter().any(|key| section.is_set(key)) {
                section.missing(made, "the hash of the client's secret; `storegate secret` makes both");
            }
            return None;
        }
    };
    hash.map_err(|error| section.problem_in(field, error)).ok()
}
