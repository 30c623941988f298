//! Signatures: none at all, by another key or algorithm, of other bytes than those that were signed.

use super::{Target, claims, header, parts, signed, with};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::ExposeSecret as _;
use serde_json::json;
use storegate::auth::keys::{KeySet, ServiceKey};

#[actix_web::test]
async fn an_unsigned_token_is_refused() {
    let target = Target::start();
    let valid = target.valid();
    let [_, payload, signature] = parts(&valid);
    for alg in ["none", "None", "NONE", "nOnE", "", "RS256"] {
        let unsigned = URL_SAFE_NO_PAD.encode(with(header(), "alg", json!(alg)).to_string());
        target.assert_refused(&format!("{unsigned}.{payload}."), alg).await;
        if alg != "RS256" {
            target.assert_refused(&format!("{unsigned}.{payload}.{signature}"), alg).await;
        }
        let nameless = URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "typ": "at+jwt" }).to_string());
        target.assert_refused(&format!("{nameless}.{payload}."), alg).await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn the_public_key_is_no_shared_secret() {
    let target = Target::start();
    let published = target.app.send("GET", "/.well-known/jwks.json", &[], "").await.json();
    let jwk = published["keys"].as_array().unwrap().iter().find(|key| key["kid"] == "rsa").unwrap().clone();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let (modulus, exponent) = (number("n"), number("e"));
    let pkcs1 = der_sequence(&[der_integer(&modulus), der_integer(&exponent)].concat());
    let algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let bits = [&[0], pkcs1.as_slice()].concat();
    let spki = der_sequence(&[algorithm.as_slice(), &der(3, &bits)].concat());
    let pem = |label: &str, der: &[u8]| {
        let body = STANDARD.encode(der);
        let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    };
    let spki_pem = pem("PUBLIC KEY", &spki);
    // It is the very key: a reader of PEM finds the published one in it.
    let read_back = KeySet::new(
        vec![ServiceKey::private("x", &target.rsa).unwrap(), ServiceKey::public("rsa", &spki_pem).unwrap()],
        None,
    );
    let read_back = serde_json::to_value(read_back.unwrap().public_document()).unwrap();
    assert_eq!(read_back["keys"][0]["n"], jwk["n"]);
    let secrets = [
        ("SPKI in PEM", spki_pem.clone().into_bytes()),
        ("SPKI in PEM without its last line end", spki_pem.trim_end().as_bytes().to_vec()),
        ("PKCS#1 in PEM", pem("RSA PUBLIC KEY", &pkcs1).into_bytes()),
        ("SPKI in DER", spki),
        ("PKCS#1 in DER", pkcs1),
        ("the modulus", modulus),
        ("the modulus as published", jwk["n"].as_str().unwrap().as_bytes().to_vec()),
        ("the JWK", jwk.to_string().into_bytes()),
        ("nothing", Vec::new()),
    ];
    for (what, secret) in secrets {
        let key = EncodingKey::from_secret(&secret);
        let honest = with(header(), "alg", json!("HS256")).to_string();
        target.assert_refused(&signed(&honest, &claims().to_string(), &key, Algorithm::HS256), what).await;
        let dishonest = header().to_string();
        target.assert_refused(&signed(&dishonest, &claims().to_string(), &key, Algorithm::HS256), what).await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn the_header_does_not_choose_the_algorithm() {
    let target = Target::start();
    let rsa = EncodingKey::from_rsa_pem(target.rsa.expose_secret().as_bytes()).unwrap();
    for (name, algorithm) in [
        ("RS384", Algorithm::RS384),
        ("RS512", Algorithm::RS512),
        ("PS256", Algorithm::PS256),
        ("PS512", Algorithm::PS512),
    ] {
        let honest = with(header(), "alg", json!(name)).to_string();
        target.assert_refused(&signed(&honest, &claims().to_string(), &rsa, algorithm), name).await;
        target.assert_refused(&signed(&header().to_string(), &claims().to_string(), &rsa, algorithm), name).await;
    }
    for (alg, kid) in [("ES256", "rsa"), ("EdDSA", "rsa"), ("RS256", "p256"), ("RS256", "first"), ("rs256", "rsa")] {
        let crossed = json!({ "typ": "at+jwt", "alg": alg, "kid": kid });
        target.assert_refused(&target.sign_header(&crossed), alg).await;
    }
    target.assert_still_open().await;
}

#[actix_web::test]
async fn a_changed_token_is_refused() {
    let target = Target::start();
    let valid = target.valid();
    let [head, payload, signature] = parts(&valid);
    let wider = URL_SAFE_NO_PAD.encode(with(claims(), "tenant", json!("zenith")).to_string());
    let other_head = URL_SAFE_NO_PAD.encode(with(header(), "x", json!(1)).to_string());
    let cut = &signature[..signature.len() - 4];
    for (forged, what) in [
        (format!("{head}.{wider}.{signature}"), "payload"),
        (format!("{other_head}.{payload}.{signature}"), "header"),
        (format!("{head}.{payload}.{cut}"), "cut"),
        (format!("{head}.{payload}.{signature}AAAA"), "longer"),
        (format!("{head}.{payload}.AAAA{signature}"), "shifted"),
    ] {
        target.assert_refused(&forged, what).await;
    }
    // A remembered token is remembered as it was, and lends nothing to another one.
    target.assert_still_open().await;
    assert_eq!(target.get(&format!("{head}.{wider}.{signature}")).await.status, 401);
}

#[actix_web::test]
async fn a_signature_of_zeros_or_in_der_is_refused() {
    let target = Target::start();
    let head = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "p256" }).to_string();
    let key = EncodingKey::from_ec_pem(target.p256.expose_secret().as_bytes()).unwrap();
    let good = signed(&head, &claims().to_string(), &key, Algorithm::ES256);
    let [header, payload, signature] = parts(&good);
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (r, s) = signature.split_at(32);
    let asn1 = der_sequence(&[der_integer(r), der_integer(s)].concat());
    for (forged, what) in [
        (vec![0; 64], "zeros"),
        ([&[0; 32], s].concat(), "r = 0"),
        ([r, &[0; 32]].concat(), "s = 0"),
        (vec![0xff; 64], "beyond the order"),
        (asn1, "DER"),
        ([s, r].concat(), "swapped"),
        (signature[..63].to_vec(), "short"),
    ] {
        let forged = format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(forged));
        target.assert_refused(&forged, what).await;
    }
    assert_eq!(target.get(&good).await.status, 200);
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
    let head = match length {
        0..=127 => vec![tag, low],
        128..=255 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content.to_vec()].concat()
}

fn der_sequence(content: &[u8]) -> Vec<u8> {
    der(0x30, content)
}

/// A positive number: a zero goes before a first bit that is set.
fn der_integer(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number[0] >= 0x80 { &[0] } else { &[] };
    der(2, &[sign, number].concat())
}
