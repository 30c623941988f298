//! The section `[auth]`: the names in tokens. The keys are read in `key_settings`, the clients in `client_settings`, the
//! trusted issuers in `issuers::settings`, the API keys in `api_keys::settings`. Keys and hashes are parsed at once, so that one start reports everything that is wrong with
//! them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::api_keys::ApiKey;
use super::client_settings::CallerContext;
use super::clients::Client;
use super::issuers::settings::IssuerSettings;
use super::keys::KeySet;
use super::limits::CallerLimits;
use super::scope::Scopes;
use super::verify::MAXIMUM_TOKEN_BYTES;
use super::{api_keys, client_settings, key_settings, revocations};
use crate::directory::VendorIds;
use crate::settings::{File, Section, SectionSettings, http_url, section};

/// The shortest lifetime of a token.
pub const SHORTEST_LIFETIME: Duration = Duration::from_secs(60);
/// The longest lifetime of a token.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

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
        /// The API keys.
        api_keys: Vec<ApiKey>;
        /// The trusted issuers, whose tokens are accepted besides our own.
        issuers: Vec<IssuerSettings>;
        /// The existing scopes.
        scopes: Scopes;
        /// `[limits]`, which is a section of its own.
        limits: CallerLimits;
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
        let context = CallerContext { tenants, scopes, ids };
        let keys = key_settings::read(section, settings.sign_with.as_deref(), is_issuing(section));
        let clients = read_clients(section, context);
        Self {
            public_url: public_url.unwrap_or(&issuer).trim_end_matches('/').to_owned(),
            keys,
            api_keys: api_keys::settings::read_all(section, &clients, context),
            clients,
            issuers: IssuerSettings::read_all(&section.section("issuers"), &issuer, tenants, scopes),
            scopes: scopes.clone(),
            issuer,
            ..settings
        }
    }
}

/// Whether the service issues tokens. A service that has no clients of its own need not, if it trusts an identity provider
/// or has API keys.
fn is_issuing(section: &Section<'_>) -> bool {
    has_any(section, "clients") || !has_other_callers(section)
}

/// Whether there are callers who need no token of this service.
fn has_other_callers(section: &Section<'_>) -> bool {
    has_any(section, "issuers") || has_any(section, "api_keys")
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

fn read_clients(section: &Section<'_>, context: CallerContext<'_>) -> Vec<Client> {
    let entries = section.section("clients").entries();
    if entries.is_empty() && !has_other_callers(section) {
        section.problem(
            "clients",
            "there is no client that could get a token: add a section [auth.clients.<id>], [auth.issuers.<name>] for an identity provider, or [auth.api_keys.<name>]",
        );
    }
    entries.iter().filter_map(|(id, entry)| client_settings::read(id, entry, context)).collect()
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
