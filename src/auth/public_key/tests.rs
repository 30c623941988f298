//! Tests of which public keys are accepted, and which are too weak.

use super::{Curve, PublicKey};
use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::key_error::KeyError;
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn rsa_2048() -> (Vec<u8>, Vec<u8>) {
    let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let numbers = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    (numbers.n, numbers.e)
}

#[test]
fn weak_keys_and_those_of_other_kinds_are_refused_in_pem() {
    let refused = [
        (include_str!("../refused_keys/rsa-1024.public.pem"), KeyError::WeakRsaModulus),
        (include_str!("../refused_keys/rsa-exponent-3.public.pem"), KeyError::WeakRsaExponent),
        (include_str!("../refused_keys/roca.public.pem"), KeyError::Roca),
        (include_str!("../refused_keys/p384.public.pem"), KeyError::NotPublicKey),
        (include_str!("../refused_keys/secp256k1.public.pem"), KeyError::NotPublicKey),
        (include_str!("../refused_keys/x25519.public.pem"), KeyError::NotPublicKey),
        (include_str!("../refused_keys/p384.private.pem"), KeyError::NotPublicKey),
        ("", KeyError::NotPublicKey),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", KeyError::NotPublicKey),
    ];
    for (pem, expected) in refused {
        assert_eq!(PublicKey::from_pem(pem).unwrap_err(), expected, "{pem}");
    }
}

#[test]
fn an_rsa_key_needs_2048_bits_an_odd_modulus_and_an_odd_exponent_from_65537() {
    let (modulus, exponent) = rsa_2048();
    assert_eq!(PublicKey::rsa(&modulus, &exponent).unwrap().algorithms()[0], KeyAlgorithm::Rs256);
    assert_eq!(PublicKey::rsa(&modulus[1..], &exponent), Err(KeyError::WeakRsaModulus));
    let padded = [&[0; 64], &modulus[64..]].concat();
    assert_eq!(PublicKey::rsa(&padded, &exponent), Err(KeyError::WeakRsaModulus), "leading zeros are no bits");
    let mut even = modulus.clone();
    *even.last_mut().unwrap() &= 0xfe;
    assert_eq!(PublicKey::rsa(&even, &exponent), Err(KeyError::InvalidPublicKey));
    assert_eq!(PublicKey::rsa(&[0xff; 1025], &exponent), Err(KeyError::InvalidPublicKey));
    for weak in [&[][..], &[0], &[1], &[3], &[17], &[1, 0, 0], &[0, 0, 3], &[255, 255], &[1; 9]] {
        assert_eq!(PublicKey::rsa(&modulus, weak), Err(KeyError::WeakRsaExponent), "{weak:?}");
    }
    assert_eq!(PublicKey::rsa(&[], &exponent), Err(KeyError::WeakRsaModulus));
}

#[test]
fn leading_zeros_do_not_make_another_key() {
    let (modulus, exponent) = rsa_2048();
    let padded = PublicKey::rsa(&[&[0], modulus.as_slice()].concat(), &[&[0, 0], exponent.as_slice()].concat());
    assert_eq!(padded, PublicKey::rsa(&modulus, &exponent));
}

#[test]
fn a_point_that_is_not_on_the_curve_is_refused() {
    let (x, y) = ([7; 32], [9; 32]);
    assert_eq!(PublicKey::ec(Curve::P256, &x, &y), Err(KeyError::InvalidPublicKey));
    assert_eq!(PublicKey::ec(Curve::P256, &[0; 32], &[0; 32]), Err(KeyError::InvalidPublicKey));
    assert_eq!(PublicKey::ec(Curve::P256, &x[1..], &y), Err(KeyError::InvalidPublicKey));
    assert_eq!(PublicKey::ed25519(&[1; 31]), Err(KeyError::InvalidPublicKey));
}

/// The y of the points of small order, written in hexadecimal as in "Taming the many EdDSAs" (Chalkias et al., 2020).
pub(in crate::auth) const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
];

/// Returns every encoding of every point of small order, with both signs of x.
pub(in crate::auth) fn small_order_keys() -> Vec<Vec<u8>> {
    let with_sign = |y: &str, sign: u8| {
        let mut key = base16ct::lower::decode_vec(y).unwrap();
        *key.last_mut().unwrap() |= sign;
        key
    };
    SMALL_ORDER.iter().flat_map(|y| [with_sign(y, 0), with_sign(y, 0x80)]).collect()
}

fn ed25519_pem(key: &[u8]) -> String {
    let info = [super::ED25519_INFO, key].concat();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(info))
}

#[test]
fn an_ed25519_key_that_everybody_can_sign_for_is_refused_in_every_encoding() {
    for key in small_order_keys() {
        assert_eq!(PublicKey::ed25519(&key), Err(KeyError::SmallOrder), "{key:x?}");
        assert_eq!(PublicKey::from_pem(&ed25519_pem(&key)), Err(KeyError::SmallOrder), "{key:x?}");
    }
}

#[test]
fn an_ed25519_key_with_a_y_from_p_on_is_refused() {
    for low in 0xed..=0xff {
        for high in [0x7f, 0xff] {
            let key = [&[low], [0xff; 30].as_slice(), &[high]].concat();
            assert!(PublicKey::ed25519(&key).is_err(), "{key:x?}");
        }
    }
    // RFC 8032 §7.1, TEST 1 and TEST 2.
    for good in [
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    ] {
        assert!(PublicKey::ed25519(&base16ct::lower::decode_vec(good).unwrap()).is_ok(), "{good}");
    }
}
