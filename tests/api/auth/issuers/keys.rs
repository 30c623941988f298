//! Keys of a provider: found, rotated, withdrawn, shared, and what they sign.

use futures_util::future::join_all;
use serde_json::{Value, json};
use storegate::auth::key_algorithm::KeyAlgorithm;

use super::{app, get, key, set, trust, until, with};
use crate::app::TestApp;
use crate::app::program::directory;
use crate::app::requests::FLOW;
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};

#[actix_web::test]
async fn a_token_of_a_trusted_issuer_opens_what_its_scopes_say() {
    for algorithm in [KeyAlgorithm::Rs256, KeyAlgorithm::Es256, KeyAlgorithm::EdDsa] {
        let key = ProviderKey::new("one", algorithm);
        let provider = IdentityProvider::start(&[&key]);
        let app = app(&provider);
        let token = key.token(&provider.claims());
        assert_eq!(get(&app, &token).await.status, 200, "{algorithm}");
        let other = app.send("GET", "/stores", &[("authorization", &format!("Bearer {token}"))], "").await;
        assert_eq!((other.status, other.problem().as_str()), (403, "insufficient-scope"));
        assert_eq!((provider.metadata_reads(), provider.key_reads()), (1, 1), "both requests with one fetch");
        assert_eq!(app.get(FLOW).await.status, 200, "our own tokens go on");
    }
}

#[actix_web::test]
async fn a_provider_without_openid_is_found_by_rfc_8414() {
    let key = key("one");
    let provider = IdentityProvider::without_openid(&[&key]);
    let app = app(&provider);
    assert_eq!(get(&app, &key.token(&provider.claims())).await.status, 200);
    assert_eq!((provider.metadata_reads(), provider.key_reads()), (2, 1));
}

#[actix_web::test]
async fn a_named_address_of_keys_needs_no_metadata() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = TestApp::with(|setup| {
        trust(setup, "https://login.example.com");
        set(setup, "JWKS_URI", &format!("{}/keys", provider.issuer()));
    });
    let claims = with(provider.claims(), "iss", json!("https://login.example.com"));
    assert_eq!(get(&app, &key.token(&claims)).await.status, 200);
    assert_eq!((provider.metadata_reads(), provider.key_reads()), (0, 1));
}

#[actix_web::test]
async fn a_rotated_key_is_learned_by_one_fetch_for_all_requests() {
    let (old, new) = (key("old"), key("new"));
    let provider = IdentityProvider::start(&[&old]);
    let app = app(&provider);
    assert_eq!(get(&app, &old.token(&provider.claims())).await.status, 200);
    provider.publish(&[&old, &new]);
    app.pass(30);
    let token = new.token(&provider.claims());
    let answers = join_all((0..40).map(|_| get(&app, &token))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(provider.key_reads(), 2);
}

#[actix_web::test]
async fn a_flood_of_unknown_keys_is_one_fetch_in_half_a_minute() {
    let known = key("known");
    let provider = IdentityProvider::start(&[&known]);
    let app = app(&provider);
    assert_eq!(get(&app, &known.token(&provider.claims())).await.status, 200);
    let unknown: Vec<String> = (0..60).map(|number| key(&format!("k{number}")).token(&provider.claims())).collect();
    for round in 0..3 {
        for token in &unknown {
            assert_eq!(get(&app, token).await.status, 401);
        }
        assert_eq!(provider.key_reads(), 1 + round);
        app.pass(30);
    }
}

#[actix_web::test]
async fn a_key_that_the_provider_withdraws_ends_its_tokens_cached_or_not() {
    let (old, new) = (key("old"), key("new"));
    let provider = IdentityProvider::start(&[&old]);
    let app = app(&provider);
    let token = old.token(&provider.claims());
    assert_eq!(get(&app, &token).await.status, 200);
    provider.publish(&[&new]);
    assert_eq!(get(&app, &token).await.status, 200, "it is not known yet");
    app.pass(600);
    until(&app, &token, 401).await;
    assert_eq!(provider.key_reads(), 2, "the old keys were ten minutes old");
}

#[actix_web::test]
async fn metadata_of_another_issuer_are_rejected() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    provider.claim_to_be("https://login.example.com");
    let app = app(&provider);
    assert_eq!(get(&app, &key.token(&provider.claims())).await.status, 503);
    assert_eq!(provider.key_reads(), 0);
}

#[actix_web::test]
async fn a_key_set_with_a_private_key_is_rejected_and_the_known_keys_stay_in_use() {
    let (old, leaked) = (key("old"), key("leaked"));
    let provider = IdentityProvider::start(&[&old]);
    let app = app(&provider);
    assert_eq!(get(&app, &old.token(&provider.claims())).await.status, 200);
    provider.publish_document(json!({ "keys": [old.jwk, with(leaked.jwk.clone(), "d", json!("AAAA"))] }));
    app.pass(30);
    assert_eq!(get(&app, &leaked.token(&provider.claims())).await.status, 401);
    assert_eq!(provider.key_reads(), 2);
    assert_eq!(get(&app, &old.token(&provider.claims())).await.status, 200);
}

#[actix_web::test]
async fn every_registered_asymmetric_algorithm_is_taken_by_default() {
    let rsa = ProviderKey::new("rsa", KeyAlgorithm::Rs256);
    for algorithm in KeyAlgorithm::ASYMMETRIC {
        let is_rsa = algorithm.name().starts_with(['R', 'P']);
        let key = if is_rsa { rsa.signing_by(algorithm) } else { ProviderKey::new("other", algorithm) };
        let provider = IdentityProvider::start(&[&key]);
        let app = app(&provider);
        assert_eq!(get(&app, &key.token(&provider.claims())).await.status, 200, "{algorithm}");
        if is_rsa {
            for other in KeyAlgorithm::ASYMMETRIC.into_iter().take(6).filter(|other| *other != algorithm) {
                let forged = key.signing_by(other).token(&provider.claims());
                assert_eq!(get(&app, &forged).await.status, 401, "{algorithm}, signed by {other}");
            }
        }
    }
}

#[actix_web::test]
async fn a_key_that_does_not_say_its_algorithm_is_for_what_the_settings_list() {
    let rsa = ProviderKey::new("rsa", KeyAlgorithm::Rs256).without("alg");
    let provider = IdentityProvider::start(&[&rsa]);
    let by = |algorithm: KeyAlgorithm| rsa.signing_by(algorithm).token(&provider.claims());
    let usual = app(&provider);
    assert_eq!(get(&usual, &by(KeyAlgorithm::Rs256)).await.status, 200);
    assert_eq!(get(&usual, &by(KeyAlgorithm::Ps256)).await.status, 401);
    let listed = TestApp::with(|setup| {
        trust(setup, &provider.issuer());
        set(setup, "ALGORITHMS", "PS256,RS512");
    });
    for (algorithm, status) in
        [(KeyAlgorithm::Ps256, 200), (KeyAlgorithm::Rs512, 200), (KeyAlgorithm::Rs256, 401), (KeyAlgorithm::Ps512, 401)]
    {
        assert_eq!(get(&listed, &by(algorithm)).await.status, status, "{algorithm}");
    }
}

#[actix_web::test]
async fn a_file_with_a_key_that_cannot_be_used_starts_and_says_which() {
    let good = key("good");
    let path = directory("issuer-mixed-file").join("keys.json");
    let weak = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "weak" });
    let other = json!({ "kty": "OKP", "crv": "X25519", "x": "AAAA", "kid": "other" });
    let encryption = with(key("enc").jwk, "use", json!("enc"));
    std::fs::write(&path, json!({ "keys": [weak, other, encryption, good.jwk] }).to_string()).unwrap();
    let app = TestApp::with(|setup| {
        trust(setup, "https://login.example.com");
        set(setup, "JWKS_FILE", path.to_str().unwrap());
    });
    let provider = IdentityProvider::start(&[]);
    let claims = with(provider.claims(), "iss", json!("https://login.example.com"));
    assert_eq!(get(&app, &good.token(&claims)).await.status, 200);
}

#[actix_web::test]
async fn a_token_without_a_kid_is_matched_by_its_certificate_or_tried_with_every_key() {
    let (one, two) = (key("one"), key("two"));
    let marked = |mut key: ProviderKey, thumbprint: &str| {
        key.jwk["x5t"] = json!(thumbprint);
        key
    };
    let (one, two) = (marked(one, "first"), marked(two, "second"));
    let provider = IdentityProvider::start(&[&one, &two]);
    let app = app(&provider);
    let of = |key: &ProviderKey, x5t: Option<&str>| {
        let mut header = key.header();
        header.as_object_mut().unwrap().remove("kid");
        if let Some(x5t) = x5t {
            header["x5t"] = json!(x5t);
        }
        key.token_with(&header, &provider.claims())
    };
    for (token, status) in [
        (of(&one, Some("first")), 200),
        (of(&two, Some("second")), 200),
        (of(&one, Some("second")), 401),
        (of(&one, Some("unknown")), 200),
        (of(&two, None), 200),
        (of(&key("attacker"), Some("first")), 401),
        (of(&key("attacker"), None), 401),
    ] {
        assert_eq!(get(&app, &token).await.status, status);
    }
}

#[actix_web::test]
async fn a_rotated_key_without_an_id_is_learned_by_one_fetch() {
    let (old, new) = (key("x").without("kid"), key("y").without("kid"));
    let nameless = |key: &ProviderKey, claims: &Value| {
        let mut header = key.header();
        header.as_object_mut().unwrap().remove("kid");
        key.token_with(&header, claims)
    };
    let provider = IdentityProvider::start(&[&old]);
    let app = app(&provider);
    let token = nameless(&old, &provider.claims());
    assert_eq!(get(&app, &token).await.status, 200);
    provider.publish(&[&new]);
    app.pass(30);
    assert_eq!(get(&app, &nameless(&new, &provider.claims())).await.status, 200);
    assert_eq!(get(&app, &token).await.status, 401, "the old one is gone");
    assert_eq!(provider.key_reads(), 2);
}

#[actix_web::test]
async fn keys_that_share_an_id_are_distinguished_by_their_signatures() {
    let (one, two, other) = (key("same"), key("same"), ProviderKey::new("same", KeyAlgorithm::EdDsa));
    let provider = IdentityProvider::start(&[&one, &two, &other]);
    let app = app(&provider);
    for key in [&one, &two, &other] {
        let token = key.token(&provider.claims());
        assert_eq!(get(&app, &token).await.status, 200);
        assert_eq!(get(&app, &token).await.status, 200, "remembered");
    }
    assert_eq!(get(&app, &key("same").token(&provider.claims())).await.status, 401);
    let first = one.token(&provider.claims());
    provider.publish(&[&two, &other]);
    app.pass(600);
    until(&app, &first, 401).await;
    assert_eq!(get(&app, &two.token(&provider.claims())).await.status, 200, "only one of them was withdrawn");
}
