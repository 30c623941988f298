//! Attacks on tokens, each against the running service, each failing closed. The numbers are those of RFC 8725 §2.
//!
//! | attack | test |
//! |---|---|
//! | 2.1 `alg: none`, in any case, with and without a signature | `an_unsigned_token_is_refused` |
//! | 2.1 the public RSA key as HMAC secret: PEM, DER, PKCS#1, modulus | `the_public_key_is_no_shared_secret` |
//! | 2.1 another algorithm than the key's, with its very key | `the_header_does_not_choose_the_algorithm` |
//! | 2.1 no signature check: a changed header, payload or signature | `a_changed_token_is_refused` |
//! | 2.2 weak secrets and keys | `weak_keys_do_not_start` |
//! | 2.2 a public key, a certificate or a JWK as shared secret | `a_key_of_another_kind_as_shared_secret_does_not_start` |
//! | 2.2 an Ed25519 key of small order, which fits signatures that nobody made | `a_key_that_signs_everything_does_not_start`, `a_key_that_signs_everything_is_not_taken_from_a_provider` |
//! | 2.3 encrypted tokens, tokens inside tokens | `encrypted_and_nested_tokens_are_refused` |
//! | 2.4 compression | `a_compressed_token_is_refused` |
//! | 2.5 invalid points; signatures of zeros; signatures in DER | `a_key_off_its_curve_does_not_start`, `a_signature_of_zeros_or_in_der_is_refused` |
//! | 2.6 JSON that two readers understand differently: names twice, other encodings | `ambiguous_json_is_refused` |
//! | 2.6 base64url with bits that stand for nothing | `base64url_that_is_not_canonical_is_refused` |
//! | 2.6 JSON serialisation, more or fewer parts, padding, blanks | `other_serialisations_are_refused` |
//! | 2.7 tokens for others, and of others | `a_token_for_or_of_somebody_else_is_refused` |
//! | 2.8 tokens of another kind: ID, logout, refresh | `a_token_of_another_kind_is_refused` |
//! | 2.9 a `kid` that is a path, a query or a command | `a_hostile_kid_leads_nowhere` |
//! | 2.9 `jku`, `x5u`: the server fetches what the token names | `an_address_in_a_token_is_not_fetched`, `a_key_or_an_address_in_a_providers_token_is_not_used` |
//! | §3.10 a key in the token: `jwk`, `x5c`, `x5t` | `a_key_in_a_token_is_not_used`, `a_key_or_an_address_in_a_providers_token_is_not_used` |
//! | RFC 7515 §4.1.11 `crit`, RFC 7797 `b64` | `an_extension_is_refused` |
//! | claims missing, null, of another type | `each_missing_or_mistyped_claim_is_refused` |
//! | time: expired, of the future, out of range | `a_token_out_of_its_time_is_refused` |
//! | size: over 8 KiB or what an issuer may send, nested without end | `an_oversize_or_deep_token_is_refused`, `issuers::a_large_token_arrives_where_the_settings_allow_it` |
//! | a removed key | `a_token_of_a_removed_key_is_refused` |
//! | the keys of a trusted issuer for another one's tokens | `an_issuer_cannot_speak_for_another` |
//! | a tenant that the issuer may not speak for | `issuers::an_issuer_reaches_the_tenants_of_its_settings_and_no_other` |
//! | a limit on stores that cannot be read | `issuers::stores_in_a_token_limit_it_to_them`, the unit tests of `src/auth/issuers/claims` |
//! | a revoked token | `revocation`, `issuers::a_token_on_the_list_of_revoked_ones_is_refused_each_time` |
//! | a revoked token with the other signature that fits | `issuers::a_revoked_token_without_an_id_does_not_come_back_by_its_other_signature` |
//! | a remembered token whose key is gone, or that was changed | `issuers::a_key_that_the_provider_withdraws_ends_its_tokens_cached_or_not`, `a_changed_token_is_refused` |
//! | keys that take all memory: compressed, without end | `issuers::a_compressed_key_set_is_not_inflated`, `issuers::a_key_set_without_end_is_not_read` |
//! | metadata that lead to this machine | the unit tests of `src/auth/issuers/discovery.rs` |
//! | `algorithms`: a provider's public key as shared secret, another algorithm than its key's | `a_providers_public_key_is_no_shared_secret`, `issuers::every_registered_asymmetric_algorithm_is_taken_by_default` |
//! | `audience_clients`: no audience where it is not allowed, a client in a claim that others choose | `a_token_without_audience_opens_nothing_that_the_settings_do_not_say` |
//! | `scope_claim`: claims and objects that look like scopes | `no_other_claim_and_no_other_type_grants_a_scope` |
//! | several sections: the keys, audience, scopes or tenant of one for another's tokens | `no_section_lends_anything_to_another`, `issuers::two_sections_of_an_issuer_decide_alone_and_share_one_fetch` |
//! | `id_tokens`, `required_claims`: tokens of another kind | `a_providers_token_of_another_kind_is_refused` |
//! | a `kid` that several keys share, or none: another's key, or too many to try | `too_many_keys_with_one_id_verify_no_token`, `issuers::keys_that_share_an_id_are_distinguished_by_their_signatures` |
//! | 2.2 RSA keys with the ROCA weakness | `weak_keys_do_not_start`, `a_key_with_the_roca_weakness_is_not_taken_from_a_provider` |
//! | a flood of unknown keys | `issuers::a_flood_of_unknown_keys_is_one_fetch_in_half_a_minute` |

mod claims;
mod forms;
mod keys;
mod providers;
mod signatures;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::sign as jws;
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use storegate::auth::key_algorithm::KeyAlgorithm;
use storegate::auth::private_key;

use crate::app::answer::Answer;
use crate::app::requests::FLOW;
use crate::app::tenants::ISSUER;
use crate::app::{NOW, TestApp};
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};

/// The service with a key of each asymmetric kind, all of them in the attacker's view but for their private halves; and
/// the private halves, with which the test signs what should be refused for another reason than its signature.
struct Target {
    app: TestApp,
    rsa: SecretString,
    p256: SecretString,
}

impl Target {
    fn start() -> Self {
        // An RSA key takes a while to make, and no test needs one of its own.
        static RSA: LazyLock<SecretString> = LazyLock::new(|| new_key(KeyAlgorithm::Rs256));
        let (rsa, p256) = (RSA.clone(), new_key(KeyAlgorithm::Es256));
        let app = TestApp::with(|setup| {
            setup.set("AUTH__KEYS__RSA__PRIVATE_KEY", rsa.expose_secret());
            setup.set("AUTH__KEYS__P256__PRIVATE_KEY", p256.expose_secret());
        });
        Self { app, rsa, p256 }
    }

    /// Signs with the RSA key, whatever the header says.
    fn sign(&self, header: &str, payload: &str) -> String {
        let key = EncodingKey::from_rsa_pem(self.rsa.expose_secret().as_bytes()).unwrap();
        signed(header, payload, &key, Algorithm::RS256)
    }

    fn sign_header(&self, header: &Value) -> String {
        self.sign(&header.to_string(), &claims().to_string())
    }

    fn sign_claims(&self, claims: &Value) -> String {
        self.sign(&header().to_string(), &claims.to_string())
    }

    fn valid(&self) -> String {
        self.sign_header(&header())
    }

    async fn get(&self, token: &str) -> Answer {
        self.app.send("GET", FLOW, &[("authorization", &format!("Bearer {token}"))], "").await
    }

    /// The service refuses the token, asks no gateway, and still takes a good one.
    async fn assert_refused(&self, token: &str, what: &str) {
        let answer = self.get(token).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "invalid-token"), "{what}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer realm=\"storegate\", error=\"invalid_token\""), "{what}: {challenge}");
        assert_eq!(self.app.sandbox().calls(), 0, "{what}");
    }

    /// The end of each test: it was the attack that was refused, not everything.
    async fn assert_still_open(&self) {
        assert_eq!(self.get(&self.valid()).await.status, 200);
    }
}

fn new_key(algorithm: KeyAlgorithm) -> SecretString {
    private_key::generate(algorithm).unwrap()
}

fn signed(header: &str, payload: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = jws(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn header() -> Value {
    json!({ "typ": "at+jwt", "alg": "RS256", "kid": "rsa" })
}

fn claims() -> Value {
    let now = NOW.as_second();
    json!({
        "iss": ISSUER, "sub": "dashboard", "aud": "storegate", "exp": now + 900, "iat": now, "jti": "1",
        "client_id": "dashboard", "scope": "flow:read", "tenant": "acme",
    })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

/// The service with one trusted issuer of these keys and settings.
fn trusting(keys: &[&ProviderKey], settings: &str) -> (TestApp, IdentityProvider) {
    let provider = IdentityProvider::start(keys);
    let section = format!("[auth.issuers.login]\nissuer = \"{}\"\ntenant = \"acme\"\n{settings}\n", provider.issuer());
    let app = TestApp::with(|setup| setup.more = section);
    (app, provider)
}

async fn status(app: &TestApp, token: &str) -> u16 {
    app.get_with_token(token, FLOW).await.status
}
