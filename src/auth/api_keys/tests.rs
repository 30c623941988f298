//! API keys: which one a request sent, and that nothing of them is printed.

use secrecy::{ExposeSecret as _, SecretString};

use super::{ApiKey, ApiKeyGrant, ApiKeyHash, ApiKeys};
use crate::auth::secrets::{new_api_key, sha256_hex};

fn key(name: &str, sent: &SecretString) -> ApiKey {
    let grant = ApiKeyGrant {
        tenant: "acme".to_owned(),
        scopes: vec!["stores:read".to_owned(), "flow:read".to_owned()],
        stores: None,
        organizations: None,
        expires: None,
    };
    ApiKey::new(name, ApiKeyHash::from_hex(&sha256_hex(sent).into()).unwrap(), None, grant)
}

#[test]
fn a_key_is_found_among_others_and_no_other_text_is() {
    let sent: Vec<SecretString> = (0..3).map(|_| new_api_key().unwrap()).collect();
    let keys = ApiKeys::new(sent.iter().enumerate().map(|(number, sent)| key(&number.to_string(), sent)).collect());
    for (number, sent) in sent.iter().enumerate() {
        assert_eq!(keys.find(sent.expose_secret()).unwrap().name, number.to_string());
        let (whole, hash) = (sent.expose_secret(), sha256_hex(sent));
        for other in ["", "sgk_", &whole[..whole.len() - 1], &format!("{whole}="), &whole.to_uppercase(), &hash] {
            assert!(keys.find(other).is_none(), "{other}");
        }
    }
}

#[test]
fn a_key_has_256_random_bits_behind_its_prefix() {
    let key = new_api_key().unwrap();
    assert!(key.expose_secret().starts_with("sgk_") && key.expose_secret().len() == 47);
    assert_ne!(key.expose_secret(), new_api_key().unwrap().expose_secret());
}

#[test]
fn keys_print_neither_themselves_nor_their_hashes() {
    let sent = new_api_key().unwrap();
    let printed = format!("{:?}", ApiKeys::new(vec![key("excel", &sent)]));
    assert!(printed.contains("excel") && printed.contains("REDACTED"));
    let bytes = format!("{:?}", crate::sha256::sha256([sent.expose_secret().as_bytes()]));
    for secret in [sent.expose_secret(), &sha256_hex(&sent), bytes.trim_matches(['[', ']'])] {
        assert!(!printed.contains(secret), "{secret}");
    }
}
