//! `[auth.issuers.<name>]`: whom to trust besides ourselves, with which keys, and what the claims mean.

use std::collections::BTreeMap;

use super::claims::{ClaimMapping, ClaimPath, ScopeRule, TenantRule};
use super::jwks;
use super::key_url::{self, KeyUrl};
use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::keys::VerificationKeys;
use crate::auth::scope::Scopes;
use crate::auth::token_types::TokenTypes;
use crate::settings::Section;

const DEFAULT_ALGORITHMS: [KeyAlgorithm; 3] = [KeyAlgorithm::Rs256, KeyAlgorithm::Es256, KeyAlgorithm::EdDsa];

/// The largest file of keys.
const MAXIMUM_FILE_BYTES: usize = 256 << 10;

/// One trusted issuer, as the settings say it.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// The name of its section, for the log.
    pub name: String,
    /// `iss` of its tokens, to the letter.
    pub issuer: String,
    pub(super) audiences: Vec<String>,
    pub(super) algorithms: Vec<KeyAlgorithm>,
    pub(super) types: TokenTypes,
    pub(super) keys: KeySource,
    pub(super) mapping: ClaimMapping,
}

/// Where the keys of an issuer are.
#[derive(Clone, Debug)]
pub(super) enum KeySource {
    /// They were read from `jwks_file`.
    File(VerificationKeys),
    /// `jwks_uri`.
    Url(KeyUrl),
    /// Where the issuer's own metadata says.
    Discovery(KeyUrl),
}

impl IssuerSettings {
    /// Reads the sections below `[auth.issuers]`. `own` is the name of our own issuer; `tenants` are the configured ones,
    /// and `known` the scopes that there are.
    pub fn read_all(section: &Section<'_>, own: &str, tenants: &[String], known: &Scopes) -> Vec<Self> {
        let mut issuers: Vec<Self> = Vec::new();
        for (name, entry) in section.entries() {
            let Some(issuer) = Self::read(&name, &entry, tenants, known) else { continue };
            if issuer.issuer == own {
                entry.problem(
                    "issuer",
                    "this is the issuer of this service's own tokens, whose keys are in [auth.keys]",
                );
            }
            if let Some(other) = issuers.iter().find(|other| other.issuer == issuer.issuer) {
                entry.problem("issuer", format!("[auth.issuers.{}] has the same one", other.name));
            }
            issuers.push(issuer);
        }
        issuers
    }

    fn read(name: &str, section: &Section<'_>, tenants: &[String], known: &Scopes) -> Option<Self> {
        let issuer = section.required_text("issuer", "the exact `iss` of the provider's tokens");
        let algorithms = read_algorithms(section);
        let audiences = read_audiences(section);
        let types = section.list("typ").map_or_else(TokenTypes::access_tokens, |types| TokenTypes::new(&types));
        // Everything is read before anything is given up, so that one start shows all that is wrong.
        let keys = read_keys(section, &issuer, &algorithms);
        let tenant = read_tenant(section, tenants);
        let scopes = read_scopes(section, known);
        let stores_claim = section.text("stores_claim");
        let organizations_claim = section.text("organizations_claim");
        let mapping = ClaimMapping {
            tenant: tenant?,
            scope_claim: ClaimPath::new(section.text("scope_claim").unwrap_or_else(|| "scope".to_owned())),
            scopes,
            known_scopes: known.clone(),
            stores_required: section.flag("stores_required", stores_claim.is_some() || organizations_claim.is_some()),
            organizations_claim: organizations_claim.map(ClaimPath::new),
            stores_claim: ClaimPath::new(stores_claim.unwrap_or_else(|| "stores".to_owned())),
            client_id_claims: match section.text("client_id_claim") {
                Some(claim) => vec![ClaimPath::new(claim)],
                None => vec![ClaimPath::new("client_id"), ClaimPath::new("azp")],
            },
            subject_claim: ClaimPath::new(section.text("subject_claim").unwrap_or_else(|| "sub".to_owned())),
        };
        Some(Self { name: name.to_owned(), issuer, audiences, algorithms, types, keys: keys?, mapping })
    }

    /// Whether both say the same about every token that the same key has signed.
    pub(super) fn reads_tokens_as(&self, other: &Self) -> bool {
        self.issuer == other.issuer
            && self.audiences == other.audiences
            && self.types == other.types
            && self.mapping == other.mapping
    }

    /// Whether the keys of the other one, read from the same place by the same rules and under the same name in the log,
    /// are also this one's.
    pub(super) fn has_keys_of(&self, other: &Self) -> bool {
        let same_place = match (&self.keys, &other.keys) {
            (KeySource::Url(one), KeySource::Url(another))
            | (KeySource::Discovery(one), KeySource::Discovery(another)) => one == another,
            _ => false,
        };
        same_place && self.name == other.name && self.issuer == other.issuer && self.algorithms == other.algorithms
    }
}

fn read_audiences(section: &Section<'_>) -> Vec<String> {
    let audiences = section.list("audience").unwrap_or_default();
    if audiences.is_empty() || audiences.iter().any(String::is_empty) {
        section.missing(
            "audience",
            "the `aud` by which the provider's tokens name this service; a token for another one is refused",
        );
    }
    audiences
}

fn read_algorithms(section: &Section<'_>) -> Vec<KeyAlgorithm> {
    let Some(names) = section.list("algorithms") else { return DEFAULT_ALGORITHMS.to_vec() };
    let read: Vec<KeyAlgorithm> = names
        .iter()
        .filter_map(|name| name.parse::<KeyAlgorithm>().ok())
        // With a shared secret, whoever verifies could also sign; no key set may make one of a published key.
        .filter(|algorithm| algorithm.is_asymmetric())
        .collect();
    if read.is_empty() || read.len() != names.len() {
        section.problem("algorithms", "write some of RS256, ES256 and EdDSA");
    }
    read
}

fn read_keys(section: &Section<'_>, issuer: &str, algorithms: &[KeyAlgorithm]) -> Option<KeySource> {
    match (section.text("jwks_uri"), section.text("jwks_file")) {
        (Some(_), Some(_)) => {
            section.problem("jwks_file", "give either jwks_uri or jwks_file, or neither to have the keys discovered");
            None
        }
        (Some(address), None) => {
            let address = KeyUrl::parse(&address);
            if address.is_none() {
                section.problem("jwks_uri", key_url::HELP);
            }
            address.map(KeySource::Url)
        }
        (None, Some(_)) => read_file(section, algorithms).map(KeySource::File),
        (None, None) => {
            let address = KeyUrl::parse_issuer(issuer);
            if address.is_none() && !issuer.is_empty() {
                section.problem(
                    "issuer",
                    format!("keys cannot be discovered here: {}; or name jwks_uri or jwks_file", key_url::ISSUER_HELP),
                );
            }
            address.map(KeySource::Discovery)
        }
    }
}

fn read_file(section: &Section<'_>, algorithms: &[KeyAlgorithm]) -> Option<VerificationKeys> {
    let problem = |message: String| {
        section.problem("jwks_file", message);
        None
    };
    let document = section.file("jwks_file", MAXIMUM_FILE_BYTES)?;
    match jwks::read(&document, algorithms) {
        // What is in a file was put there on purpose, so a key that cannot be used is a mistake.
        Ok(set) if set.left_out.is_empty() && !set.keys.is_empty() => Some(set.keys),
        Ok(set) if set.left_out.is_empty() => problem("the file has no key".to_owned()),
        Ok(set) => problem(format!("the file has keys that cannot be used: {}", set.summary())),
        Err(error) => problem(format!("the file cannot be used: {error}")),
    }
}

fn read_tenant(section: &Section<'_>, tenants: &[String]) -> Option<TenantRule> {
    let map = section.section("tenants");
    let (fixed, claim) = (section.text("tenant"), section.text("tenant_claim"));
    let mut mapped = BTreeMap::new();
    for theirs in map.names() {
        if let Some(ours) = map.text(&theirs) {
            check_tenant(&map, &theirs, &ours, tenants);
            mapped.insert(theirs, ours);
        }
    }
    match (fixed, claim, mapped.is_empty()) {
        (Some(tenant), None, true) => {
            check_tenant(section, "tenant", &tenant, tenants);
            Some(TenantRule::Fixed(tenant))
        }
        (None, Some(claim), false) => Some(TenantRule::ByClaim { claim: ClaimPath::new(claim), tenants: mapped }),
        (None, None, true) => {
            section.missing(
                "tenant",
                "the company whose data its tokens reach, or tenant_claim and a section for the values of that claim",
            );
            None
        }
        (Some(_), ..) => {
            section.problem("tenant", "give either tenant, or tenant_claim with its section tenants");
            None
        }
        (None, Some(_), true) => {
            section
                .problem("tenants", "say which value of tenant_claim stands for which tenant: \"their-id\" = \"acme\"");
            None
        }
        (None, None, false) => {
            section.missing("tenant_claim", "the claim whose values stand in the section tenants");
            None
        }
    }
}

fn check_tenant(section: &Section<'_>, key: &str, tenant: &str, tenants: &[String]) {
    if !tenants.iter().any(|known| known == tenant) {
        let known = if tenants.is_empty() { "there are none".to_owned() } else { tenants.join(", ") };
        section.problem(key, format!("there is no section [tenants.{tenant}]; the tenants: {known}"));
    }
}

fn read_scopes(section: &Section<'_>, known: &Scopes) -> ScopeRule {
    let map = section.section("scopes");
    let prefix = section.text("scope_prefix");
    let mut mapped = BTreeMap::new();
    for theirs in map.names() {
        let ours = map.list(&theirs).unwrap_or_default();
        for name in ours.iter().filter(|name| !known.contain(name)) {
            map.problem(&theirs, format!("there is no scope {name}; the scopes are {}", known.names()));
        }
        mapped.insert(theirs, ours);
    }
    match (prefix, map.is_present()) {
        (Some(_), true) => {
            section.problem("scope_prefix", "give either scope_prefix or a section scopes, which names whole scopes");
            ScopeRule::Mapped(mapped)
        }
        (prefix, false) => ScopeRule::Prefixed(prefix.unwrap_or_default()),
        (None, true) => ScopeRule::Mapped(mapped),
    }
}

#[cfg(test)]
mod tests;
