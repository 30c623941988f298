//! `[auth.issuers.<name>]`: trusted issuers, their keys, and the mapping of their claims.

use std::collections::BTreeMap;

use super::claim_path::ClaimPath;
use super::claims::{AudienceRule, ClaimMapping, ScopeRule, TenantRule};
use super::jwks::{self, Algorithms, ParsedJwkSet};
use super::key_url::{self, KeyUrl};
use crate::auth::client_settings::{check_scopes, check_tenant};
use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::scope::Scopes;
use crate::auth::token_types::TokenTypes;
use crate::settings::{File, Section, SectionSettings, Size, section, without_mark};

/// The largest key file in bytes.
const MAXIMUM_FILE_BYTES: usize = 256 << 10;

section! {
    /// An identity provider whose tokens are accepted besides our own, or instead: without `[auth.clients]`, no
    /// `[auth.keys]` are needed. docs/identity-providers.md has the settings of well-known providers. Several sections
    /// may have the same issuer; each decides about a token alone.
    #[derive(Debug)]
    pub struct IssuerSection in "auth.issuers.<corporate>" on reload {
        /// The exact `iss` of its tokens.
        issuer: String, example "https://login.example.com/realms/shop", required "the exact `iss` of the provider's tokens";
        /// The `aud` of its tokens for this service, a text or a list; a token only for others is refused.
        audience: Option<Vec<String>>, example "storegate";
        /// Clients whose tokens are for this service although they have no `aud`, or an empty list. Every claim that names the
        /// client must have one of these values.
        audience_clients: Option<Vec<String>>, example ["portal"];
        /// The address of its keys; found through its metadata unless set.
        jwks_uri: Option<String>, example "https://login.example.com/keys";
        /// Instead: a file with its keys.
        jwks_file: Option<File>, example "corporate.jwks.json";
        /// The algorithms that are accepted: RS, PS and ES with 256, 384, 512, and EdDSA; all unless set, but a key
        /// without `alg` is then for the usual one of its kind.
        algorithms: Option<Vec<String>>, example ["RS256"];
        /// `typ` of its access tokens; many providers write `JWT`, some none: `absent`.
        typ: Vec<String> = ["at+jwt"];
        /// Whether ID tokens are accepted, for providers whose access tokens look the same.
        id_tokens: bool = false;
        /// Claims that must have this value, or one of a list.
        required_claims: BTreeMap<String, Vec<String>>, example { token_use = "access" };
        /// The largest token, up to `64KiB`. Above 8 KiB it needs a restart, and room in the proxies in front (nginx:
        /// `large_client_header_buffers`).
        token_size: usize as Size = "8KiB", from "8KiB" to "64KiB" else "tokens of 8KiB to 64KiB can be read";
        /// The tenant whose data its tokens reach, or `tenant_claim` and `tenants`.
        tenant: Option<String>, example "acme";
        /// The claim with the tenant: its name, names joined by dots that lead into it, or a JSON Pointer.
        tenant_claim: Option<String>, example "organization.id";
        /// With `tenant_claim`: the values of the claim with the tenants that they stand for. Other values are refused.
        tenants: BTreeMap<String, String>, example { "org-4711" = "acme" };
        /// The claim with scopes or roles (`scp`, `roles`, `realm_access.roles`): a text with blanks, a list, or the
        /// keys of an object except for those whose value is `false`, `null`, 0 or empty. Of a list of claims, the
        /// first that grants a scope counts; they are never combined.
        scope_claim: Vec<String> = "scope";
        /// The prefix of our scopes' names in that claim.
        scope_prefix: Option<String>, example "storegate/";
        /// Instead of `scope_prefix`: its scopes or roles with the scopes that they stand for. Others are ignored.
        scopes: Option<BTreeMap<String, Vec<String>>>, example { "shop-reader" = ["stores:read", "flow:read"] };
        /// The claim with the only stores that a token may read; `stores` unless set.
        stores_claim: Option<String>, example "stores";
        /// The claim with the only organizations that a token may read; not read unless set.
        organizations_claim: Option<String>, example "organizations";
        /// Whether tokens with neither claim are refused; unless set, they are if one of the two claims is set.
        stores_required: Option<bool>, example false;
        /// The claim with the client; `client_id`, `azp`, `cid` or `appid` unless set, or else the subject.
        client_id_claim: Option<String>, example "client_id";
        /// The claim with the subject; `sub` unless set, or else the client.
        subject_claim: Option<String>, example "sub";
    }
}

/// The settings of a trusted issuer. Several sections may have the same issuer.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// The section's name, for the log.
    pub name: String,
    /// The exact `iss` of its tokens.
    pub issuer: String,
    pub(super) algorithms: Algorithms,
    pub(in crate::auth) types: TokenTypes,
    /// The size in bytes of the largest accepted token.
    pub token_size: usize,
    pub(super) keys: KeySource,
    pub(super) mapping: ClaimMapping,
}

/// The source of an issuer's keys.
#[derive(Clone, Debug)]
pub(super) enum KeySource {
    /// The keys were read from `jwks_file`.
    File(ParsedJwkSet),
    /// The keys are at `jwks_uri`.
    Url(KeyUrl),
    /// The issuer's metadata states where the keys are.
    Discovery(KeyUrl),
}

impl IssuerSettings {
    /// Reads the sections below `[auth.issuers]`. `own` is the name of our own issuer, `tenants` are the configured
    /// ones, and `known` the existing scopes.
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
        // All settings are read before any error returns, so that one start reports everything that is wrong.
        let read = IssuerSection::read(section);
        let algorithms = algorithms(section, read.algorithms.as_deref());
        let keys = key_source(section, &read, &algorithms);
        let tenant = tenant_rule(section, &read, tenants);
        if read.scope_claim.is_empty() {
            section.problem(
                "scope_claim",
                "name the claims that hold scopes or roles, in the order in which they are read",
            );
        }
        let claim = |name: Option<String>| name.map(ClaimPath::new);
        let names_any = read.stores_claim.is_some() || read.organizations_claim.is_some();
        let mapping = ClaimMapping {
            audience: audience_rule(section, read.audience, read.audience_clients),
            scopes: scope_rule(section, read.scope_prefix, read.scopes, known),
            required: required_claims(section, read.required_claims),
            tenant: tenant?,
            scope_claims: read.scope_claim.into_iter().map(ClaimPath::new).collect(),
            known_scopes: known.clone(),
            stores_required: read.stores_required.unwrap_or(names_any),
            organizations_claim: claim(read.organizations_claim),
            stores_claim: claim(read.stores_claim).unwrap_or_else(|| ClaimPath::new("stores")),
            client_id_claim: claim(read.client_id_claim),
            subject_claim: claim(read.subject_claim),
            id_tokens: read.id_tokens,
        };
        let types = TokenTypes::new(&read.typ);
        Some(Self {
            name: name.to_owned(),
            issuer: read.issuer,
            algorithms,
            types,
            token_size: read.token_size,
            keys: keys?,
            mapping,
        })
    }

    /// Whether this and `other` map every token signed with the same key to the same claims.
    pub(super) fn reads_tokens_as(&self, other: &Self) -> bool {
        self.issuer == other.issuer
            && self.token_size == other.token_size
            && self.types == other.types
            && self.mapping == other.mapping
    }

    /// Whether the keys of the other one, read from the same location by the same rules, are also this one's.
    pub(super) fn has_keys_of(&self, other: &Self) -> bool {
        let same_place = match (&self.keys, &other.keys) {
            (KeySource::Url(one), KeySource::Url(another))
            | (KeySource::Discovery(one), KeySource::Discovery(another)) => one == another,
            _ => false,
        };
        same_place && self.issuer == other.issuer && self.algorithms == other.algorithms
    }
}

fn audience_rule(section: &Section<'_>, audiences: Option<Vec<String>>, clients: Option<Vec<String>>) -> AudienceRule {
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

/// Reads the values that claims must have.
fn required_claims(section: &Section<'_>, claims: BTreeMap<String, Vec<String>>) -> Vec<(ClaimPath, Vec<String>)> {
    let map = section.section("required_claims");
    for (claim, _) in claims.iter().filter(|(_, accepted)| accepted.is_empty()) {
        map.problem(claim, "write the value that this claim must have, or a list of such values");
    }
    claims.into_iter().map(|(claim, accepted)| (ClaimPath::new(claim), accepted)).collect()
}

fn algorithms(section: &Section<'_>, names: Option<&[String]>) -> Algorithms {
    let Some(names) = names else { return Algorithms::Usual };
    // With a shared secret every verifier could also sign, and no key set may turn a published key into one.
    let is_public = |algorithm: &KeyAlgorithm| KeyAlgorithm::ASYMMETRIC.contains(algorithm);
    let read: Vec<_> = names.iter().filter_map(|name| KeyAlgorithm::named(name).filter(is_public)).collect();
    if read.is_empty() || read.len() != names.len() {
        let known = KeyAlgorithm::ASYMMETRIC.map(KeyAlgorithm::name).join(", ");
        section.problem("algorithms", format!("write some of {known}"));
    }
    Algorithms::Listed(read)
}

fn key_source(section: &Section<'_>, read: &IssuerSection, algorithms: &Algorithms) -> Option<KeySource> {
    let issuer = &read.issuer;
    match (&read.jwks_uri, &read.jwks_file) {
        (Some(_), Some(_)) => {
            section.problem("jwks_file", "give either jwks_uri or jwks_file, or neither to have the keys discovered");
            None
        }
        (Some(address), None) => {
            let address = KeyUrl::parse(address);
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
        // A provider's keys often serve several purposes, so one that cannot be used here is no mistake.
        Ok(set) if !set.keys.is_empty() => Some(set),
        Ok(set) if set.left_out.is_empty() => problem("the file has no key".to_owned()),
        Ok(set) => problem(format!("the file has no key that can be used here: {}", set.summary())),
        Err(error) => problem(format!("the file cannot be used: {error}")),
    }
}

fn tenant_rule(section: &Section<'_>, read: &IssuerSection, tenants: &[String]) -> Option<TenantRule> {
    let map = section.section("tenants");
    read.tenants.iter().for_each(|(theirs, ours)| check_tenant(&map, theirs, ours, tenants));
    let mapped = read.tenants.clone();
    match (read.tenant.clone(), read.tenant_claim.clone(), mapped.is_empty()) {
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

fn scope_rule(
    section: &Section<'_>,
    prefix: Option<String>,
    mapped: Option<BTreeMap<String, Vec<String>>>,
    known: &Scopes,
) -> ScopeRule {
    let map = section.section("scopes");
    mapped.iter().flatten().for_each(|(theirs, ours)| check_scopes(&map, theirs, ours, known));
    if prefix.is_some() && mapped.is_some() {
        section.problem("scope_prefix", "give either scope_prefix or a section scopes, which names whole scopes");
    }
    match mapped {
        Some(mapped) => ScopeRule::Mapped(mapped),
        None => ScopeRule::Prefixed(prefix.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
