//! Which public keys are believed, and which are too weak for that.

use super::PublicKey;
use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::key_error::KeyError;
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair, RsaPublicKeyComponents};

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
    assert_eq!(PublicKey::rsa(&modulus, &exponent).unwrap().algorithm(), KeyAlgorithm::Rs256);
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
    assert_eq!(PublicKey::p256(&x, &y), Err(KeyError::InvalidPublicKey));
    assert_eq!(PublicKey::p256(&[0; 32], &[0; 32]), Err(KeyError::InvalidPublicKey));
    assert_eq!(PublicKey::p256(&x[1..], &y), Err(KeyError::InvalidPublicKey));
    assert_eq!(PublicKey::ed25519(&[1; 31]), Err(KeyError::InvalidPublicKey));
}
