//! Issuers while the service runs: settings that are read again, and tokens that are revoked.

use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::{join, join3};
use serde_json::json;
use storegate::config::Settings;

use super::{app, get, key, with};
use crate::app::TestApp;
use crate::app::program::directory;
use crate::app::waiting::eventually;
use crate::peers::identity_provider::IdentityProvider;

/// Puts a new configuration in force as a reload does: on a thread that has no runtime.
fn renew(app: &TestApp, issuers: &str) {
    let configuration = format!("{}\n{issuers}", app.configuration);
    let auth = app.auth.clone();
    let renewing = thread::spawn(move || {
        let settings = Settings::parse(&configuration, std::iter::empty()).unwrap();
        auth.renew(settings.auth).unwrap();
    });
    renewing.join().unwrap();
}

fn section(provider: &IdentityProvider, tenant: &str) -> String {
    let issuer = provider.issuer();
    format!("[auth.issuers.login]\nissuer = \"{issuer}\"\naudience = \"storegate\"\ntenant = \"{tenant}\"\n")
}

#[actix_web::test]
async fn a_reload_that_removes_an_issuer_refuses_its_tokens_and_one_that_brings_it_back_reads_its_keys() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let token = key.token(&provider.claims());
    assert_eq!(get(&app, &token).await.status, 200);
    renew(&app, "");
    let refused = get(&app, &token).await;
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").unwrap().contains("The token is from another issuer"));
    assert_eq!(provider.key_reads(), 1, "nobody asks an issuer that is not trusted");
    renew(&app, &section(&provider, "acme"));
    assert_eq!(get(&app, &token).await.status, 200);
    assert_eq!(provider.key_reads(), 2, "the first token waited for the keys");
}

#[actix_web::test]
async fn a_reload_while_the_provider_is_down_keeps_its_keys_and_changes_what_its_tokens_mean() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let token = key.token(&provider.claims());
    assert_eq!(get(&app, &token).await.status, 200);
    let settings = section(&provider, "zenith");
    drop(provider);
    renew(&app, &settings);
    let verified = app.auth.get().verifier.verify(&token).unwrap();
    assert_eq!(&**verified.tenant(), "zenith", "what was remembered is forgotten");
}

#[actix_web::test]
async fn a_reload_with_unchanged_issuers_fetches_no_keys_and_verifies_no_signature_again() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let (token, ours) = (key.token(&provider.claims()), app.token("dashboard"));
    assert_eq!((get(&app, &token).await.status, get(&app, &ours).await.status), (200, 200));
    let list = directory("issuer-unchanged").join("revoked");
    let settings = format!("[auth]\nrevoked_tokens_file = {list:?}\n{}", section(&provider, "acme"));
    for turn in 0..5 {
        std::fs::write(&list, format!("revoked-{turn}\n")).unwrap();
        renew(&app, &settings);
        assert_eq!((get(&app, &token).await.status, get(&app, &ours).await.status), (200, 200));
        assert_eq!(app.auth.get().verifier.signatures_checked(), 0, "both were checked before");
        app.pass(5);
    }
    let unknown = self::key("unknown").token(&provider.claims());
    assert_eq!(get(&app, &unknown).await.status, 401);
    assert_eq!((provider.metadata_reads(), provider.key_reads()), (1, 1));
    app.pass(5);
    assert_eq!(get(&app, &unknown).await.status, 401);
    assert_eq!(provider.key_reads(), 2, "half a minute after the first fetch");
}

#[actix_web::test]
async fn a_token_that_waits_for_its_key_survives_a_reload() {
    let (old, new) = (key("old"), key("new"));
    let provider = IdentityProvider::start(&[&old]);
    let app = app(&provider);
    assert_eq!(get(&app, &old.token(&provider.claims())).await.status, 200);
    provider.publish(&[&old, &new]);
    provider.be_slow(true);
    app.pass(30);
    let token = new.token(&provider.claims());
    let form = format!("token={token}");
    let reloading = async {
        eventually("the keys are read again", async || provider.key_reads() >= 2).await;
        renew(&app, &section(&provider, "acme"));
        let later = get(&app, &token);
        let released = async { provider.be_slow(false) };
        join(later, released).await.0
    };
    let waiting = join3(get(&app, &token), app.post_form("dashboard", "/oauth/introspect", &form), reloading);
    let (asked, told, later) = tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it comes about");
    assert_eq!((asked.status, told.json()["active"].as_bool(), later.status), (200, Some(true), 200));
    assert_eq!(provider.key_reads(), 2, "they share one fetch");
}

#[actix_web::test]
async fn a_token_on_the_list_of_revoked_ones_is_refused_each_time() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let of = |jti: &str| key.token(&with(provider.claims(), "jti", json!(jti)));
    let (token, marked, other) = (of("stolen"), of("a#b"), of("a"));
    for token in [&token, &marked, &other] {
        assert_eq!(get(&app, token).await.status, 200);
    }
    let list = directory("issuer-revoked").join("revoked");
    std::fs::write(&list, "# lost\nstolen # by whom?\na#b\n").unwrap();
    let text = format!("{}\n{}", app.configuration, section(&provider, "acme"));
    let listed = ("STOREGATE__AUTH__REVOKED_TOKENS_FILE".to_owned(), list.display().to_string());
    app.auth.renew(Settings::parse(&text, std::iter::once(listed)).unwrap().auth).unwrap();
    for token in [&token, &marked, &token] {
        let refused = get(&app, token).await;
        assert!(refused.header("www-authenticate").unwrap().contains("The token has been revoked"));
    }
    assert_eq!(get(&app, &other).await.status, 200);
}

/// The order of P-256.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/// The same token with the other signature that fits: (r, n - s) for (r, s). No key is needed to make it.
fn twin(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let order: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&ORDER[2 * at..2 * at + 2], 16).unwrap()).collect();
    let mut borrow = false;
    for (digit, of_order) in signature[32..].iter_mut().zip(&order).rev() {
        let (less, first) = of_order.overflowing_sub(*digit);
        let (less, second) = less.overflowing_sub(u8::from(borrow));
        (*digit, borrow) = (less, first || second);
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[actix_web::test]
async fn a_revoked_token_without_an_id_does_not_come_back_by_its_other_signature() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let of = |subject: &str| {
        let mut claims = with(provider.claims(), "sub", json!(subject));
        claims.as_object_mut().unwrap().remove("jti");
        key.token(&claims)
    };
    let (stolen, kept) = (of("ada"), of("eve"));
    let twin = twin(&stolen);
    assert_ne!(twin, stolen);
    for token in [&stolen, &twin, &kept] {
        assert_eq!(get(&app, token).await.status, 200);
    }
    let told = app.post_form("dashboard", "/oauth/introspect", &format!("token={stolen}")).await.json();
    let list = directory("issuer-made-id").join("revoked");
    std::fs::write(&list, told["jti"].as_str().unwrap()).unwrap();
    renew(&app, &format!("[auth]\nrevoked_tokens_file = {list:?}\n{}", section(&provider, "acme")));
    assert_eq!((get(&app, &stolen).await.status, get(&app, &twin).await.status), (401, 401));
    assert_eq!(get(&app, &kept).await.status, 200);
}

#[actix_web::test]
async fn a_reload_cannot_make_room_for_larger_tokens_and_says_so() {
    let key = key("one");
    let provider = IdentityProvider::start(&[&key]);
    let app = app(&provider);
    let more = format!("{}\n{}token_size = \"32KiB\"\n", app.configuration, section(&provider, "acme"));
    let settings = Settings::parse(&more, std::iter::empty()).unwrap().auth;
    assert_eq!(app.auth.get().fixed_differences(&settings), ["auth.issuers.*.token_size"]);
    let usual = format!("{}\n{}", app.configuration, section(&provider, "acme"));
    let settings = Settings::parse(&usual, std::iter::empty()).unwrap().auth;
    assert!(app.auth.get().fixed_differences(&settings).is_empty());
}
