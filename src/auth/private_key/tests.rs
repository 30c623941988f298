//! Tests of which private keys are accepted, and that generated ones can be read.

use super::{PrivateKey, generate};
use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::key_error::KeyError;
use crate::auth::public_key::PublicKey;
use secrecy::{ExposeSecret as _, SecretString};

const ASYMMETRIC: [KeyAlgorithm; 3] = [KeyAlgorithm::EdDsa, KeyAlgorithm::Es256, KeyAlgorithm::Rs256];

#[test]
fn a_made_key_is_read_back_and_does_not_print_itself() {
    for algorithm in ASYMMETRIC {
        let pem = generate(algorithm).unwrap();
        let key = PrivateKey::from_pem(&pem).unwrap();
        assert_eq!((key.algorithm, key.public.algorithms()[0]), (algorithm, algorithm));
        let text = pem.expose_secret();
        assert!(text.lines().all(|line| line.len() <= 64), "lines of PEM");
        let printed = format!("{key:?}");
        let last_line = text.lines().rev().nth(1).unwrap();
        assert!(!printed.contains(last_line));
        // The numbers of a public key may print; those of a private one must not.
        assert!(!printed.contains(&format!("{:?}", key.encoding.as_bytes())));
        assert_ne!(generate(algorithm).unwrap().expose_secret(), text);
    }
}

#[test]
fn a_key_is_read_with_text_and_other_blocks_before_it() {
    let other = include_str!("../refused_keys/p384.public.pem");
    for algorithm in ASYMMETRIC {
        let pem = generate(algorithm).unwrap();
        let key = PrivateKey::from_pem(&pem).unwrap();
        for before in
            ["Key of the shop\n".to_owned(), "Bag Attributes\r\n    x: -----\r\n\r\n".to_owned(), format!("{other}\n")]
        {
            let read =
                PrivateKey::from_pem(&SecretString::from(format!("{before}{}\nmore\n", pem.expose_secret()))).unwrap();
            assert_eq!((read.algorithm, &read.public), (algorithm, &key.public), "{before}");
            assert_eq!(read.encoding.as_bytes(), key.encoding.as_bytes(), "{before}");
        }
    }
}

#[test]
fn a_made_shared_secret_is_long_enough() {
    assert!(generate(KeyAlgorithm::Hs256).unwrap().expose_secret().len() >= 43);
}

#[test]
fn weak_keys_and_those_of_other_kinds_or_forms_are_refused() {
    let refused = [
        (include_str!("../refused_keys/rsa-1024.private.pem"), KeyError::WeakRsaModulus),
        (include_str!("../refused_keys/rsa-exponent-3.private.pem"), KeyError::WeakRsaExponent),
        (include_str!("../refused_keys/roca.private.pem"), KeyError::Roca),
        (include_str!("../refused_keys/p384.private.pem"), KeyError::NotPrivateKey),
        (include_str!("../refused_keys/secp256k1.private.pem"), KeyError::NotPrivateKey),
        (include_str!("../refused_keys/x25519.private.pem"), KeyError::NotPrivateKey),
        (include_str!("../refused_keys/p256-sec1.private.pem"), KeyError::NotPrivateKey),
        (include_str!("../refused_keys/rsa-pkcs1.private.pem"), KeyError::NotPrivateKey),
        (include_str!("../refused_keys/p384.public.pem"), KeyError::NotPrivateKey),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", KeyError::NotPrivateKey),
        ("", KeyError::NotPrivateKey),
    ];
    for (pem, expected) in refused {
        assert_eq!(PrivateKey::from_pem(&SecretString::from(pem)).unwrap_err(), expected, "{pem}");
    }
}

#[test]
fn the_public_half_is_that_of_the_numbers() {
    // RFC 8037, appendix A: the seed of A.1 and the public key of A.2.
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", crate::auth::fixtures::PEM_BODY);
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
    let key = PrivateKey::from_pem(&SecretString::from(pem)).unwrap();
    assert_eq!(key.public, PublicKey::from_pem(public).unwrap());
}
