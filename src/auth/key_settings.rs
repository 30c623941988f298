//! `[auth.keys.<id>]` and `auth.sign_with`: the keys of the service. They are parsed at once, so that one start reports
//! everything that is wrong with them.

use secrecy::{ExposeSecret as _, SecretString};

use super::key_algorithm::KeyAlgorithm;
use super::key_error::KeyError;
use super::keys::{KeySet, ServiceKey};
use crate::settings::{Section, SectionSettings as _, choices, section};

section! {
    /// A key for signatures of tokens; the section's name is the key's id (`kid`). `storegate secret key` makes one.
    /// Tokens signed with any of the keys are accepted, and one key signs. All keys but those for HS256 are published.
    /// Each is given as one of the three.
    #[derive(Debug)]
    pub struct KeySettings in "auth.keys.<2026-11>" on reload {
        /// The algorithm. It follows from the key; `HS256` is for `secret`.
        algorithm: Option<KeyAlgorithm>, example "EdDSA";
        /// The key in PKCS#8 PEM; RSA keys need 2048 bits.
        private_key: Option<SecretString>, given "secrets/signing-key.pem";
        /// The public half of a key that only verifies.
        public_key: Option<SecretString>, example "secrets/signing-key-2026-10.public.pem";
        /// A shared secret of at least 32 random bytes.
        secret: Option<SecretString>, example "secrets/shared-secret";
        /// A key to `verify` is published and its tokens are accepted, but it never signs.
        usage("use"): KeyUse = "sign";
    }
}

choices! {
    /// What a key is for.
    pub enum KeyUse {
        /// The key may sign.
        Sign = "sign",
        /// The key only verifies.
        Verify = "verify",
    } else "write sign, or verify for a key that is published and believed but does not sign"
}

/// Reads the keys in the section `[auth]`. Returns `None` if none could be read, or if there are none and none is
/// needed.
pub(super) fn read(section: &Section<'_>, sign_with: Option<&str>, is_needed: bool) -> Option<KeySet> {
    let entries = section.section("keys").entries();
    if entries.is_empty() {
        if is_needed || sign_with.is_some() {
            section.problem("keys", KeyError::NoKey);
        }
        return None;
    }
    let kids: Vec<String> = entries.iter().map(|(kid, _)| kid.clone()).collect();
    if let Some(kid) = sign_with.filter(|kid| !kids.iter().any(|own| own == kid)) {
        section.problem("sign_with", format!("there is no key {kid}; the keys are {}", kids.join(", ")));
        return None;
    }
    let keys: Vec<ServiceKey> = entries.iter().filter_map(|(kid, entry)| read_key(kid, entry)).collect();
    // A key that could not be read has been reported; it may be the one that is missing here.
    let is_complete = keys.len() == entries.len();
    let place = if sign_with.is_some() { "sign_with" } else { "keys" };
    match KeySet::new(keys, sign_with) {
        Ok(set) => Some(set),
        Err(error) => {
            if is_complete {
                section.problem(place, error);
            }
            None
        }
    }
}

fn read_key(kid: &str, section: &Section<'_>) -> Option<ServiceKey> {
    let settings = KeySettings::read(section);
    let declared = settings.algorithm;
    let (field, key) = match (&settings.private_key, &settings.public_key, &settings.secret) {
        (Some(pem), None, None) => ("private_key", ServiceKey::private(kid, pem)),
        (None, Some(pem), None) => ("public_key", ServiceKey::public(kid, pem.expose_secret())),
        (None, None, Some(secret)) => ("secret", ServiceKey::hs256(kid, secret.expose_secret().as_bytes())),
        (None, None, None) => {
            report_absent_key(section, declared);
            return None;
        }
        _ => {
            section.problem(
                "algorithm",
                "a key has one algorithm: give one of private_key, public_key and secret (HS256)",
            );
            return None;
        }
    };
    let key = key.map_err(|error| section.problem_in(field, error)).ok()?;
    let given = key.algorithm;
    if let Some(declared) = declared.filter(|declared| *declared != given) {
        section.problem("algorithm", format!("{field} is a key for {given}, not for {declared}"));
    }
    Some(if settings.usage == KeyUse::Verify { key.verify_only() } else { key })
}

/// Reports a key without a source. A file that cannot be read has been reported as such.
fn report_absent_key(section: &Section<'_>, declared: Option<KeyAlgorithm>) {
    if ["private_key", "public_key", "secret"].iter().any(|name| section.is_set(&section.given_as(name))) {
        return;
    }
    match declared {
        Some(KeyAlgorithm::Hs256) => section.missing("secret", "at least 32 random bytes (or a file as secret_file)"),
        _ => section.missing(
            "private_key_file",
            "the path of an Ed25519, P-256 or RSA private key in PKCS#8 PEM; `storegate secret key` makes one",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::auth::fixtures::{PEM_BODY, SHARED_SECRET};
    use crate::auth::keys::KeySet;
    use crate::settings::{Report, Section};
    use toml::Table;

    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

    fn keys(toml: &str) -> (Option<KeySet>, String) {
        let table: Table = toml.parse().unwrap();
        let report = Report::default();
        let section = Section::root(&table, &report).section("auth");
        let keys = read(&section, section.text("sign_with").as_deref(), true);
        (keys, report.finish(&table).err().map(|problems| problems.0.join("\n")).unwrap_or_default())
    }

    fn private(kid: &str, more: &str) -> String {
        format!(
            "[auth.keys.{kid}]\n{more}\nprivate_key = '''\n-----BEGIN PRIVATE KEY-----\n{PEM_BODY}\n-----END PRIVATE KEY-----\n'''\n"
        )
    }

    fn public(kid: &str) -> String {
        format!("[auth.keys.{kid}]\npublic_key = '''\n{PUBLIC}'''\n")
    }

    #[test]
    fn a_key_is_added_put_to_use_and_removed_without_a_token_refused() {
        let signs = |toml: &str| keys(toml).0.unwrap().signing().kid().to_owned();
        let published = |toml: &str| keys(toml).0.unwrap().public_document().keys.len();
        let (old, new) = (private("k1", ""), private("k2", ""));
        let next = private("k2", "use = \"verify\"");
        assert_eq!((signs(&old).as_str(), published(&old)), ("k1", 1));
        let added = format!("{old}{next}");
        assert_eq!((signs(&added).as_str(), published(&added)), ("k1", 2), "published before it is used");
        let switched = format!("{old}{new}");
        assert_eq!((signs(&switched).as_str(), published(&switched)), ("k2", 2), "the old one is still believed");
        let public_only = format!("{}{new}", public("k1"));
        assert_eq!((signs(&public_only).as_str(), published(&public_only)), ("k2", 2), "its private half may go");
    }

    #[test]
    fn a_key_that_only_verifies_is_never_chosen_to_sign() {
        assert_eq!(keys(&format!("{}{}", private("a", ""), public("z"))).0.unwrap().signing().kid(), "a");
        let named = keys(&format!("[auth]\nsign_with = \"z\"\n{}{}", private("a", ""), public("z")));
        assert!(named.0.is_none() && named.1.contains("auth.sign_with: this key only verifies"), "{}", named.1);
        let none = keys(&public("z"));
        assert!(none.0.is_none() && none.1.contains("auth.keys: there is no usable key to sign"), "{}", none.1);
        let retired = keys(&private("a", "use = \"verify\""));
        assert!(
            retired.0.is_none() && retired.1.contains("auth.keys: there is no usable key to sign"),
            "{}",
            retired.1
        );
    }

    #[test]
    fn each_mistake_is_reported_with_its_place_and_a_way_out() {
        let problem = |toml: &str| keys(toml).1;
        assert!(problem("[auth]").contains("auth.keys: there is no usable key"));
        assert!(problem("[auth.keys.a]").contains("auth.keys.a.private_key_file: missing"));
        assert!(problem("[auth.keys.a]\nalgorithm = \"HS256\"").contains("auth.keys.a.secret: missing"));
        assert!(problem("[auth.keys.a]\nalgorithm = \"none\"").contains("write EdDSA, ES256, RS256 or HS256"));
        assert!(problem("[auth.keys.a]\nsecret = \"short\"").contains("auth.keys.a.secret: the shared secret is"));
        assert!(problem(&private("a", "use = \"encrypt\"")).contains("auth.keys.a.use: write sign, or verify"));
        assert!(problem(&private("a", "algorithm = \"RS256\"")).contains("is a key for EdDSA, not for RS256"));
        assert!(problem(&private("a", &format!("secret = \"{SHARED_SECRET}\""))).contains("a key has one algorithm"));
        let swapped =
            "[auth.keys.a]\npublic_key = '''\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'''";
        assert!(problem(swapped).contains("auth.keys.a.public_key: this is not an Ed25519, P-256 or RSA public key"));
        let swapped = format!("[auth.keys.a]\nprivate_key = '''\n{PUBLIC}'''");
        assert!(
            problem(&swapped).contains("auth.keys.a.private_key: this is not an Ed25519, P-256 or RSA private key")
        );
        assert_eq!(problem("[auth.keys.a]\npublic_key_file = \"/nonexistent\"").lines().count(), 1);
    }
}
