//! The section `[auth]`: clients and the names in tokens. The keys are read in `key_settings`, the trusted issuers in
//! `issuers::settings`. Keys and hashes are parsed at once, so that one start reports everything that is wrong with
//! them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::clients::Client;
use super::issuers::settings::IssuerSettings;
use super::keys::KeySet;
use super::limits::CallerLimits;
use super::quota::Quota;
use super::scope::Scopes;
use super::secrets::SecretHash;
use super::verify::MAXIMUM_TOKEN_BYTES;
use super::{key_settings, revocations};
use crate::directory::VendorIds;
use crate::settings::{File, Section, SectionSettings, http_url, section};

/// The shortest lifetime of a token.
pub const SHORTEST_LIFETIME: Duration = Duration::from_secs(60);
/// The longest lifetime of a token.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The most bytes of a client's list of stores. More would not fit into a token.
const MAXIMUM_STORES_BYTES: usize = 4 * 1024;

/// The most organizations of a client, which take less than 1.5 KiB of a token.
const MAXIMUM_ORGANIZATIONS: usize = 64;

section! {
    /// Tokens that this service issues, and tokens of others that it accepts.
    #[derive(Debug)]
    pub struct AuthSettings in "auth" on reload {
        /// `iss` of tokens; `server.public_url` unless set.
        issuer: String, example "https://storegate.example.com", after restart;
        /// `aud` of tokens.
        audience: String = "storegate", after restart;
        /// The lifetime of a token.
        token_lifetime: Duration = "15m",
            from "1m" to "24h" else "a token lives at least 1m and at most 24h; 15m is a good value";
        /// The key that signs; unless set, the last one by name that can.
        sign_with: Option<String>, example "2026-11";
        /// A file with the ids of revoked tokens: one `jti` per line; a blank and `#` begin a comment.
        revoked_tokens("revoked_tokens_file"): Arc<HashSet<String>> as Option<File>, example "secrets/revoked-tokens",
            by revocations::read_list;
    }
    and {
        /// The address that clients use, for the links in the server's metadata.
        public_url: String;
        /// The keys; `None` if none could be read.
        keys: Option<KeySet>;
        /// The clients.
        clients: Vec<Client>;
        /// The trusted issuers, whose tokens are accepted besides our own.
        issuers: Vec<IssuerSettings>;
        /// The existing scopes.
        scopes: Scopes;
        /// `[limits]`, which is a section of its own.
        limits: CallerLimits;
    }
}

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

impl AuthSettings {
    /// Returns the size in bytes of the largest token that any issuer's section allows, or the default without one.
    pub fn largest_token(&self) -> usize {
        self.issuers.iter().map(|issuer| issuer.token_size).max().unwrap_or_default().max(MAXIMUM_TOKEN_BYTES)
    }

    /// Reads the section `[auth]`. `public_url` is the address that clients use, `tenants` are the configured ones,
    /// `scopes` the existing ones, and `ids` the vendors' ids.
    pub fn read(
        section: &Section<'_>,
        public_url: Option<&str>,
        tenants: &[String],
        scopes: &Scopes,
        ids: &VendorIds,
    ) -> Self {
        let settings = Self::default().over(section);
        let issuer = read_issuer(section, &settings.issuer, public_url);
        Self {
            public_url: public_url.unwrap_or(&issuer).trim_end_matches('/').to_owned(),
            keys: key_settings::read(section, settings.sign_with.as_deref(), is_issuing(section)),
            clients: read_clients(section, tenants, scopes, ids),
            issuers: IssuerSettings::read_all(&section.section("issuers"), &issuer, tenants, scopes),
            scopes: scopes.clone(),
            issuer,
            ..settings
        }
    }
}

/// Whether the service issues tokens. A service that trusts an identity provider and has no clients of its own need
/// not.
fn is_issuing(section: &Section<'_>) -> bool {
    !has_any(section, "issuers") || has_any(section, "clients")
}

fn has_any(section: &Section<'_>, key: &str) -> bool {
    section.is_section(key) && !section.section(key).names().is_empty()
}

/// Reads the issuer: a URL without query and fragment (RFC 8414 §2).
fn read_issuer(section: &Section<'_>, issuer: &str, public_url: Option<&str>) -> String {
    if !section.is_set("issuer") {
        let is_needed = is_issuing(section) || has_any(section, "keys");
        if public_url.is_none() && is_needed {
            section.missing(
                "issuer",
                "the URL of this service that stands in its tokens, if server.public_url is not set",
            );
        }
        // Whether it is a valid URL is reported with its own setting.
        return public_url.unwrap_or_default().trim_end_matches('/').to_owned();
    }
    let is_url = http_url::parse(issuer).is_ok_and(|uri| uri.query().is_none());
    if !section.has_problem("issuer") && (!is_url || issuer.contains(['"', '\\'])) {
        section.problem("issuer", "this is a URL without query and fragment, such as https://storegate.example.com");
    }
    issuer.to_owned()
}

fn read_clients(section: &Section<'_>, tenants: &[String], scopes: &Scopes, ids: &VendorIds) -> Vec<Client> {
    let entries = section.section("clients").entries();
    if entries.is_empty() && !has_any(section, "issuers") {
        section.problem(
            "clients",
            "there is no client that could get a token: add a section [auth.clients.<id>], or [auth.issuers.<name>] for an identity provider",
        );
    }
    entries.iter().filter_map(|(id, entry)| read_client(id, entry, tenants, scopes, ids)).collect()
}

fn read_client(
    id: &str,
    section: &Section<'_>,
    tenants: &[String],
    scopes: &Scopes,
    ids: &VendorIds,
) -> Option<Client> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        section.problem("tenant", "a client id is made of visible ASCII characters: name the section otherwise");
    }
    let settings = ClientSettings::read(section);
    if !settings.tenant.is_empty() {
        check_tenant(section, "tenant", &settings.tenant, tenants);
    }
    if settings.scopes.is_empty() {
        section.problem("scopes", format!("list what this client may do, of {}", scopes.names()));
    }
    check_scopes(section, "scopes", &settings.scopes, scopes);
    settings.stores.iter().for_each(|stores| check_stores(section, stores, ids));
    settings.organizations.iter().for_each(|organizations| check_organizations(section, organizations, ids));
    let secret = secret_hash(section, &settings)?;
    let ClientSettings { tenant, scopes, stores, organizations, quota, .. } = settings;
    Some(Client { id: id.to_owned(), tenant, scopes, stores, organizations, quota, secret })
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
    if stores.iter().map(|id| id.len() + "\"\",".len()).sum::<usize>() > MAXIMUM_STORES_BYTES {
        section.problem("stores", "these are more stores than fit into a token: split the client, or grant all stores");
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
    if organizations.len() > MAXIMUM_ORGANIZATIONS {
        let most = format!("at most {MAXIMUM_ORGANIZATIONS} organizations fit into a token: split the client");
        section.problem("organizations", most);
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

#[cfg(test)]
mod tests {
    use super::AuthSettings;
    use super::Scopes;
    use crate::auth::fixtures;
    use crate::settings::{Report, Section};
    use crate::vendors::Vendors;
    use std::time::Duration;
    use toml::Table;

    fn read(toml: &str) -> (AuthSettings, Vec<String>) {
        let table: Table = toml.parse().unwrap();
        let report = Report::default();
        let section = Section::root(&table, &report).section("auth");
        let settings = AuthSettings::read(
            &section,
            Some(fixtures::ISSUER),
            &["acme".to_owned()],
            &Scopes::default(),
            &Vendors::default().ids(),
        );
        (settings, report.finish(&table).err().map(|problems| problems.0).unwrap_or_default())
    }

    /// Returns the problems of the usual settings with one line changed.
    fn problems_with(line: &str, instead: &str) -> String {
        let toml = fixtures::toml();
        assert!(toml.contains(line), "{line}");
        read(&toml.replacen(line, instead, 1)).1.join("\n")
    }

    #[test]
    fn complete_settings_have_no_problem_and_their_defaults() {
        let (settings, problems) = read(&fixtures::toml());
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!((settings.issuer.as_str(), settings.audience.as_str()), (fixtures::ISSUER, "storegate"));
        assert_eq!(settings.token_lifetime, Duration::from_secs(900));
        assert_eq!(settings.keys.unwrap().signing().kid(), "2026-11");
        let dashboard = settings.clients.iter().find(|client| client.id == "dashboard").unwrap();
        assert_eq!(dashboard.scopes, ["stores:read", "flow:read"]);
    }

    #[test]
    fn an_empty_section_lacks_keys_and_clients() {
        let problems = read("[auth]").1;
        assert_eq!(problems.len(), 2);
        assert!(problems[0].starts_with("auth.keys: ") && problems[0].contains("[auth.keys.<id>]"));
        assert!(problems[1].starts_with("auth.clients: ") && problems[1].contains("[auth.clients.<id>]"));
    }

    const PROVIDER: &str =
        "[auth.issuers.login]\nissuer = \"https://login.example.com\"\naudience = \"storegate\"\ntenant = \"acme\"\n";

    #[test]
    fn a_tenant_with_its_own_provider_needs_neither_a_key_nor_a_client_nor_an_address() {
        let table: Table = PROVIDER.parse().unwrap();
        let report = Report::default();
        let section = Section::root(&table, &report).section("auth");
        let settings =
            AuthSettings::read(&section, None, &["acme".to_owned()], &Scopes::default(), &Vendors::default().ids());
        report.finish(&table).unwrap();
        assert!(settings.keys.is_none() && settings.clients.is_empty() && settings.issuers.len() == 1);
        assert!(super::super::Auth::new(settings, fixtures::clock().0).is_ok());
    }

    #[test]
    fn clients_need_a_key_beside_a_provider_too_and_what_is_wrong_with_a_key_is_said() {
        let client = "[auth.clients.a]\ntenant = \"acme\"\nscopes = [\"flow:read\"]\nsecret_sha256 = \"";
        let client = format!("{PROVIDER}{client}{}\"", "0".repeat(64));
        let problems = read(&client).1;
        assert!(problems.len() == 1 && problems[0].starts_with("auth.keys: "), "{problems:?}");
        let broken = read(&format!("{PROVIDER}[auth.keys.a]\nsecret = \"short\"")).1;
        assert!(broken.len() == 1 && broken[0].starts_with("auth.keys.a.secret: "), "{broken:?}");
        let named = read(&format!("[auth]\nsign_with = \"a\"\n{PROVIDER}")).1;
        assert!(named.len() == 1 && named[0].starts_with("auth.keys: "), "{named:?}");
    }

    #[test]
    fn without_any_address_an_issuer_is_required() {
        let table: Table = fixtures::toml().parse().unwrap();
        let report = Report::default();
        AuthSettings::read(
            &Section::root(&table, &report).section("auth"),
            None,
            &["acme".to_owned()],
            &Scopes::default(),
            &Vendors::default().ids(),
        );
        assert!(report.finish(&table).unwrap_err().0[0].contains("STOREGATE__AUTH__ISSUER"));
    }

    #[test]
    fn each_mistake_is_reported_with_its_place_and_a_way_out() {
        assert!(problems_with("tenant = \"acme\"", "tenant = \"zenith\"").contains("no section [tenants.zenith]"));
        assert!(
            problems_with("\"flow:read\"", "\"flow:write\"").contains("no scope flow:write; the scopes are stores")
        );
        assert!(problems_with("secret_sha256 = \"", "secret_sha256 = \"x").contains("64 hexadecimal digits"));
        assert!(problems_with("secret_argon2 = \"$", "secret_argon2 = \"").contains("$argon2id$v=19$"));
        assert!(problems_with("stores = [\"S_123456\"]", "stores = []").contains("leave this out to grant all"));
        let line = "stores = [\"S_123456\"]";
        for id in ["SHOP001,SHOP002", "S_123456 ", "S_", "O'Hara"] {
            let problems = problems_with(line, &format!("stores = [\"SHOP001\", {id:?}]"));
            assert!(problems.contains(&format!("{id:?} is no store's id")), "{problems}");
            assert!(problems.lines().count() == 1 && problems.contains("[\"S_123456\", \"SHOP001\"]"), "{problems}");
        }
        assert!(problems_with(line, "organizations = [\"north\"]").contains("numbers of organizations"));
        assert!(problems_with("[auth]", "[auth]\nsign_with = \"2027\"").contains("the keys are 2025-shared, 2026-11"));
        assert!(problems_with("[auth]", "[auth]\ntoken_lifetime = \"30d\"").contains("at most 24h"));
        assert!(problems_with("[auth]", "[auth]\nissuer = \"storegate\"").contains("this is a URL"));
    }

    #[test]
    fn a_key_file_that_cannot_be_read_is_one_problem() {
        let line = format!("secret = \"{}\"", fixtures::SHARED_SECRET);
        let problems = problems_with(&line, "secret_file = \"/nonexistent\"");
        assert!(problems.contains("secret_file: the file that is named here cannot be read"), "{problems}");
        assert!(problems.lines().count() == 1 && !problems.contains("nonexistent"), "{problems}");
    }

    #[test]
    fn a_list_of_stores_that_fits_into_no_token_is_reported() {
        let many: Vec<String> = (0..1000).map(|number| format!("\"S_{number}\"")).collect();
        let stores = format!("stores = [{}]", many.join(","));
        assert!(problems_with("stores = [\"S_123456\"]", &stores).contains("more stores than fit"));
    }

    #[test]
    fn the_named_key_signs() {
        let toml = fixtures::toml().replacen("[auth]", "[auth]\nsign_with = \"2025-shared\"", 1);
        assert_eq!(read(&toml).0.keys.unwrap().signing().kid(), "2025-shared");
    }

    #[test]
    fn settings_print_neither_secrets_nor_their_hashes() {
        let toml = fixtures::toml();
        let printed = format!("{:?}", read(&toml).0);
        for secret in [fixtures::SHARED_SECRET, fixtures::PEM_BODY, "$argon2id$"] {
            assert!(toml.contains(secret) && !printed.contains(secret), "{secret}");
        }
    }
}
