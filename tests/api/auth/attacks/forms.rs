//! Forms of a token: encryption, compression, other serialisations, JSON and base64url that can be read in two ways.

use super::{Target, claims, header, parts, with};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, URL_SAFE_NO_PAD};
use jsonwebtoken::crypto::sign as jws;
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

#[actix_web::test]
async fn encrypted_and_nested_tokens_are_refused() {
    let target = Target::start();
    let encrypted = URL_SAFE_NO_PAD.encode(json!({ "alg": "RSA-OAEP", "enc": "A256GCM", "kid": "rsa" }).to_string());
    target.assert_refused(&format!("{encrypted}.AAAA.AAAA.AAAA.AAAA"), "five parts").await;
    target.assert_refused(&target.sign_header(&with(header(), "enc", json!("A256GCM"))), "enc").await;
    target.assert_refused(&target.sign_header(&with(header(), "cty", json!("JWT"))), "cty").await;
    target.assert_refused(&target.sign(&header().to_string(), &target.valid()), "a token as payload").await;
    target.assert_still_open().await;
}

#[actix_web::test]
async fn a_compressed_token_is_refused() {
    let target = Target::start();
    target.assert_refused(&target.sign_header(&with(header(), "zip", json!("DEF"))), "zip").await;
    target.assert_still_open().await;
}

#[actix_web::test]
async fn ambiguous_json_is_refused() {
    let target = Target::start();
    let (head, payload) = (header().to_string(), claims().to_string());
    let twice = |object: &str, pair: &str| object.replacen('{', &format!("{{{pair},"), 1);
    for (name, pair) in [
        ("tenant", r#""tenant":"zenith""#),
        ("scope, escaped", r#""\u0073cope":"cache:purge""#),
        ("an unknown claim", r#""x":{"y":1,"y":2}"#),
        ("stores", r#""stores":["S_1"],"stores":["S_123456"]"#),
    ] {
        target.assert_refused(&target.sign(&head, &twice(&payload, pair)), name).await;
    }
    for (name, pair) in [("kid", r#""kid":"p256""#), ("alg", r#""alg":"none""#), ("typ", r#""typ":"JWT""#)] {
        target.assert_refused(&target.sign(&twice(&head, pair), &payload), name).await;
    }
    for (what, payload) in [
        ("behind it", format!("{payload}{payload}")),
        ("byte order mark", format!("\u{feff}{payload}")),
        ("a list", format!("[{payload}]")),
        ("nothing", String::new()),
        ("comment", format!("/**/{payload}")),
    ] {
        target.assert_refused(&target.sign(&head, &payload), what).await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn other_serialisations_are_refused() {
    let target = Target::start();
    let numbered = |number: u32| target.sign_claims(&with(claims(), "jti", json!(number.to_string())));
    // One whose signature is written in another way by the other alphabet.
    let has_both = |token: &String| parts(token)[2].contains('-') && parts(token)[2].contains('_');
    let valid = (0..).map(numbered).find(has_both).unwrap();
    let [head, payload, signature] = parts(&valid);
    let flattened = json!({ "protected": head, "payload": payload, "signature": signature }).to_string();
    let general =
        json!({ "payload": payload, "signatures": [{ "protected": head, "signature": signature }] }).to_string();
    for (forged, what) in [
        (flattened, "flattened JSON"),
        (general, "general JSON"),
        (format!("{valid}.{signature}"), "four parts"),
        (format!(".{valid}"), "a part before"),
        (format!("{valid}."), "a dot behind"),
        (format!("{payload}.{signature}"), "two parts"),
        (format!("{head}..{signature}"), "no payload"),
        (format!("{head}=.{payload}.{signature}"), "padding"),
        (format!("{head}.{payload}.{signature}="), "padding behind"),
        (format!("{head}.{payload}.{}", signature.replace('-', "+").replace('_', "/")), "the other alphabet"),
        (format!("{head}\u{a0}.{payload}.{signature}"), "not ASCII"),
    ] {
        target.assert_refused(&forged, what).await;
    }
    target.assert_still_open().await;
}

/// The same bytes in base64url, with a bit set that stands for nothing; nothing if there is no such bit.
fn with_spare_bit(part: &str) -> Option<String> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = part.split_at(part.len() - 1);
    let place = ALPHABET.iter().position(|letter| last.as_bytes() == [*letter])?;
    let changed = format!("{rest}{}", char::from(ALPHABET[place ^ 1]));
    let lenient = GeneralPurpose::new(&alphabet::URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));
    (lenient.decode(&changed).ok()? == URL_SAFE_NO_PAD.decode(part).ok()?).then_some(changed)
}

#[actix_web::test]
async fn base64url_that_is_not_canonical_is_refused() {
    let target = Target::start();
    // Its signatures have 64 bytes, and so a spare bit.
    let key = EncodingKey::from_ec_pem(target.p256.expose_secret().as_bytes()).unwrap();
    let sign = |message: &str| format!("{message}.{}", jws(message.as_bytes(), &key, Algorithm::ES256).unwrap());
    let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "p256" });
    // Blanks behind the JSON until there is a spare bit. What is changed is signed as it is, so that the signature fits.
    let encoded = |json: &Value| {
        let padded = (0..3).map(|blanks| URL_SAFE_NO_PAD.encode(format!("{json}{}", " ".repeat(blanks))));
        padded.filter_map(|part| Some((part.clone(), with_spare_bit(&part)?))).next().unwrap()
    };
    let ((head, other_head), (payload, other_payload)) = (encoded(&header), encoded(&claims()));
    target.assert_refused(&sign(&format!("{other_head}.{payload}")), "header").await;
    target.assert_refused(&sign(&format!("{head}.{other_payload}")), "payload").await;
    let valid = sign(&format!("{head}.{payload}"));
    let signature = with_spare_bit(parts(&valid)[2]).unwrap();
    let forged = format!("{head}.{payload}.{signature}");
    target.assert_refused(&forged, "signature").await;
    assert_eq!(target.get(&valid).await.status, 200);
    assert_eq!(target.get(&forged).await.status, 401, "nor when the other one is remembered");
}

#[actix_web::test]
async fn an_extension_is_refused() {
    let target = Target::start();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(null)),
        ("b64", json!(false)),
        ("b64", json!(true)),
    ] {
        target.assert_refused(&target.sign_header(&with(header(), name, value)), name).await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn an_oversize_or_deep_token_is_refused() {
    let target = Target::start();
    target.assert_refused(&target.sign_claims(&with(claims(), "x", json!("x".repeat(8192)))), "large").await;
    let deep = claims().to_string().replacen('{', &format!(r#"{{"x":{}{},"#, "[".repeat(2000), "]".repeat(2000)), 1);
    target.assert_refused(&target.sign(&header().to_string(), &deep), "deep claims").await;
    let deep = header().to_string().replacen('{', &format!(r#"{{"x":{}{},"#, "[".repeat(2000), "]".repeat(2000)), 1);
    target.assert_refused(&target.sign(&deep, &claims().to_string()), "deep header").await;
    target.assert_still_open().await;
}
