//! `[auth.issuers.<name>]`: whom to trust besides ourselves, with which keys, and what the claims mean.

use std::collections::BTreeMap;

use super::claim_path::ClaimPath;
use super::claims::{AudienceRule, ClaimMapping, ScopeRule, TenantRule};
use super::jwks::{self, Algorithms, ParsedJwkSet};
use super::key_url::{self, KeyUrl};
use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::scope::Scopes;
use crate::auth::token_types::TokenTypes;
use crate::auth::verify::{LARGEST_TOKEN_BYTES, MAXIMUM_TOKEN_BYTES};
use crate::settings::{Section, without_mark};

/// The largest file of keys.
const MAXIMUM_FILE_BYTES: usize = 256 << 10;

/// One section below `[auth.issuers]`: a trusted issuer, and what its tokens mean. More sections may have the same issuer.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// The name of its section, for the log.
    pub name: String,
    /// `iss` of its tokens, to the letter.
    pub issuer: String,
    pub(super) algorithms: Algorithms,
    pub(super) types: TokenTypes,
    /// The largest token that is read.
    token_size: usize,
    pub(super) keys: KeySource,
    pub(super) mapping: ClaimMapping,
}

/// Where the keys of an issuer are.
#[derive(Clone, Debug)]
pub(super) enum KeySource {
    /// They were read from `jwks_file`.
    File(ParsedJwkSet),
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
            if issuer.issuer == own && !own.is_empty() {
                entry.problem(
                    "issuer",
                    "this is the issuer of this service's own tokens, whose keys are in [auth.keys]",
                );
            }
            issuers.push(issuer);
        }
        issuers
    }

    fn read(name: &str, section: &Section<'_>, tenants: &[String], known: &Scopes) -> Option<Self> {
        let issuer = section.required_text("issuer", "the exact `iss` of the provider's tokens");
        let algorithms = read_algorithms(section);
        let audience = read_audience(section);
        let token_size = read_token_size(section);
        let types = section.list("typ").map_or_else(TokenTypes::access_tokens, |types| TokenTypes::new(&types));
        // Everything is read before anything is given up, so that one start shows all that is wrong.
        let keys = read_keys(section, &issuer, &algorithms);
        let tenant = read_tenant(section, tenants);
        let scopes = read_scopes(section, known);
        let claim = |key: &str| section.text(key).map(ClaimPath::new);
        let (stores_claim, organizations_claim) = (claim("stores_claim"), claim("organizations_claim"));
        let (client_id_claim, subject_claim) = (claim("client_id_claim"), claim("subject_claim"));
        let scope_claims = section.list("scope_claim").unwrap_or_else(|| vec!["scope".to_owned()]);
        if scope_claims.is_empty() {
            section.problem(
                "scope_claim",
                "name the claims that hold scopes or roles, in the order in which they are read",
            );
        }
        let required = read_required(section);
        let id_tokens = section.flag("id_tokens", false);
        let mapping = ClaimMapping {
            audience,
            tenant: tenant?,
            scope_claims: scope_claims.into_iter().map(ClaimPath::new).collect(),
            scopes,
            known_scopes: known.clone(),
            stores_required: section.flag("stores_required", stores_claim.is_some() || organizations_claim.is_some()),
            organizations_claim,
            stores_claim: stores_claim.unwrap_or_else(|| ClaimPath::new("stores")),
            client_id_claim,
            subject_claim,
            required,
            id_tokens,
        };
        Some(Self { name: name.to_owned(), issuer, algorithms, types, token_size, keys: keys?, mapping })
    }

    /// The largest token that is read.
    pub const fn token_size(&self) -> usize {
        self.token_size
    }

    /// Whether both say the same about every token that the same key has signed.
    pub(super) fn reads_tokens_as(&self, other: &Self) -> bool {
        self.issuer == other.issuer
            && self.token_size == other.token_size
            && self.types == other.types
            && self.mapping == other.mapping
    }

    /// Whether the keys of the other one, read from the same place by the same rules, are also this one's.
    pub(super) fn has_keys_of(&self, other: &Self) -> bool {
        let same_place = match (&self.keys, &other.keys) {
            (KeySource::Url(one), KeySource::Url(another))
            | (KeySource::Discovery(one), KeySource::Discovery(another)) => one == another,
            _ => false,
        };
        same_place && self.issuer == other.issuer && self.algorithms == other.algorithms
    }
}

fn read_audience(section: &Section<'_>) -> AudienceRule {
    let (audiences, clients) = (section.list("audience"), section.list("audience_clients"));
    if audiences.is_none() && clients.is_none() {
        section.missing(
            "audience",
            "the `aud` by which the provider's tokens name this service; a token for another one is refused",
        );
    }
    for (key, names) in [("audience", &audiences), ("audience_clients", &clients)] {
        if names.as_ref().is_some_and(|names| names.is_empty() || names.iter().any(String::is_empty)) {
            section.problem(key, "a name is empty here, or there is none: write at least one, or leave this out");
        }
    }
    AudienceRule { audiences: audiences.unwrap_or_default(), clients: clients.unwrap_or_default() }
}

fn read_token_size(section: &Section<'_>) -> usize {
    let size = usize::try_from(section.size("token_size", MAXIMUM_TOKEN_BYTES as u64)).unwrap_or(usize::MAX);
    if !(MAXIMUM_TOKEN_BYTES..=LARGEST_TOKEN_BYTES).contains(&size) {
        let (least, most) = (MAXIMUM_TOKEN_BYTES >> 10, LARGEST_TOKEN_BYTES >> 10);
        section.problem("token_size", format!("tokens of {least}KiB to {most}KiB can be read"));
    }
    size
}

/// Which values the claims below `required_claims` must have.
fn read_required(section: &Section<'_>) -> Vec<(ClaimPath, Vec<String>)> {
    let map = section.section("required_claims");
    let read = |claim: String| {
        let accepted = map.list(&claim)?;
        if accepted.is_empty() {
            map.problem(&claim, "write the value that this claim must have, or a list of such values");
        }
        Some((ClaimPath::new(claim), accepted))
    };
    map.names().into_iter().filter_map(read).collect()
}

fn read_algorithms(section: &Section<'_>) -> Algorithms {
    let Some(names) = section.list("algorithms") else { return Algorithms::Usual };
    // With a shared secret, whoever verifies could also sign; no key set may make one of a published key.
    let is_public = |algorithm: &KeyAlgorithm| KeyAlgorithm::ASYMMETRIC.contains(algorithm);
    let read: Vec<_> = names.iter().filter_map(|name| KeyAlgorithm::named(name).filter(is_public)).collect();
    if read.is_empty() || read.len() != names.len() {
        let known = KeyAlgorithm::ASYMMETRIC.map(KeyAlgorithm::name).join(", ");
        section.problem("algorithms", format!("write some of {known}"));
    }
    Algorithms::Listed(read)
}

fn read_keys(section: &Section<'_>, issuer: &str, algorithms: &Algorithms) -> Option<KeySource> {
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

fn read_file(section: &Section<'_>, algorithms: &Algorithms) -> Option<ParsedJwkSet> {
    let problem = |message: String| {
        section.problem_in("jwks_file", message);
        None
    };
    let document = section.file("jwks_file", MAXIMUM_FILE_BYTES)?;
    match jwks::read(without_mark(&document), algorithms) {
        // A provider's keys are often for several purposes, so one that cannot be used here is no mistake.
        Ok(set) if !set.keys.is_empty() => Some(set),
        Ok(set) if set.left_out.is_empty() => problem("the file has no key".to_owned()),
        Ok(set) => problem(format!("the file has no key that can be used here: {}", set.summary())),
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
