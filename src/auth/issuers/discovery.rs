//! Discovery of an issuer's keys if the settings name only the issuer (OpenID Connect Discovery 1.0 §4 and RFC 8414
//! §3).

use serde::Deserialize;

use super::key_url::KeyUrl;
use crate::json::strict;

/// Why a metadata document is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DiscoveryError {
    /// The document is not one JSON object with the two names.
    #[error("the metadata is not a JSON object with issuer and jwks_uri")]
    Unreadable,
    /// The document belongs to another issuer (RFC 8414 §3.3).
    #[error("the metadata is of another issuer than the one configured; they must be equal to the letter")]
    OtherIssuer,
    /// The address of the keys is not safe.
    #[error("the jwks_uri of the metadata is not an https:// address of another machine")]
    UnsafeAddress,
}

/// Returns the addresses of the metadata of `issuer`, in the order in which they are tried. OpenID Connect appends the
/// well-known path to the issuer's path, and RFC 8414 inserts it before.
pub(super) fn addresses(issuer: &KeyUrl) -> Vec<KeyUrl> {
    let text = issuer.to_string();
    let text = text.trim_end_matches('/');
    let host = text.find("://").and_then(|scheme| Some(scheme + 3 + text.get(scheme + 3..)?.find('/')?));
    let (origin, path) = text.split_at(host.unwrap_or(text.len()));
    let appended = format!("{text}/.well-known/openid-configuration");
    let inserted = format!("{origin}/.well-known/oauth-authorization-server{path}");
    [appended, inserted].iter().filter_map(|address| KeyUrl::parse(address)).collect()
}

/// Returns the address of the keys from the metadata of `issuer`, which was read from `from`.
pub(super) fn jwks_uri(metadata: &[u8], issuer: &str, from: &KeyUrl) -> Result<KeyUrl, DiscoveryError> {
    #[derive(Deserialize)]
    struct Metadata {
        issuer: String,
        jwks_uri: String,
    }
    let text = strict::object(metadata).map_err(|_| DiscoveryError::Unreadable)?;
    let metadata: Metadata = serde_json::from_str(text).map_err(|_| DiscoveryError::Unreadable)?;
    if metadata.issuer != issuer {
        return Err(DiscoveryError::OtherIssuer);
    }
    let address = KeyUrl::parse(&metadata.jwks_uri).ok_or(DiscoveryError::UnsafeAddress)?;
    // A provider elsewhere must not direct requests to services on this machine.
    if address.is_local() && !from.is_local() { Err(DiscoveryError::UnsafeAddress) } else { Ok(address) }
}

#[cfg(test)]
mod tests {
    use super::{DiscoveryError, KeyUrl, addresses, jwks_uri};
    use serde_json::json;

    const ISSUER: &str = "https://login.example.com/realms/shop";

    fn url(text: &str) -> KeyUrl {
        KeyUrl::parse(text).unwrap()
    }

    fn found(issuer: &str, jwks: &str) -> Result<KeyUrl, DiscoveryError> {
        jwks_uri(json!({ "issuer": issuer, "jwks_uri": jwks, "x": 1 }).to_string().as_bytes(), ISSUER, &url(ISSUER))
    }

    #[test]
    fn both_well_known_forms_are_tried() {
        let texts = |issuer: &str| addresses(&url(issuer)).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            texts(ISSUER),
            [
                "https://login.example.com/realms/shop/.well-known/openid-configuration",
                "https://login.example.com/.well-known/oauth-authorization-server/realms/shop",
            ]
        );
        for bare in ["https://login.example.com", "https://login.example.com/"] {
            assert_eq!(
                texts(bare),
                [
                    "https://login.example.com/.well-known/openid-configuration",
                    "https://login.example.com/.well-known/oauth-authorization-server",
                ]
            );
        }
    }

    #[test]
    fn the_metadata_must_be_of_the_very_issuer() {
        assert_eq!(found(ISSUER, "https://keys.example.com/jwks"), Ok(url("https://keys.example.com/jwks")));
        for other in ["https://login.example.com/realms/shop/", "https://LOGIN.example.com/realms/shop", ""] {
            assert_eq!(found(other, "https://keys.example.com/jwks"), Err(DiscoveryError::OtherIssuer), "{other}");
        }
        for unreadable in ["", "[]", "{}", r#"{"issuer":1,"jwks_uri":"x"}"#, r#"{"issuer":"a","issuer":"b"}"#] {
            let read = jwks_uri(unreadable.as_bytes(), ISSUER, &url(ISSUER));
            assert_eq!(read, Err(DiscoveryError::Unreadable), "{unreadable}");
        }
    }

    #[test]
    fn the_metadata_cannot_lead_to_this_machine_or_out_of_tls() {
        for address in [
            "http://keys.example.com/jwks",
            "http://127.0.0.1:8080/",
            "file:///etc/passwd",
            "jwks",
            "https://127.0.0.1:6443/openid/v1/jwks",
            "https://127.9.9.9/",
            "https://127.1/",
            "https://2130706433/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:0:0]/",
            "https://localhost/",
            "https://LocalHost/",
            "https://localhost./",
            "https://keys.localhost/",
            "https://keys.localhost.:8443/",
        ] {
            assert_eq!(found(ISSUER, address), Err(DiscoveryError::UnsafeAddress), "{address}");
        }
        for remote in ["https://notlocalhost/", "https://localhost.example.com/", "https://10.0.0.1/", "https://k8s/"] {
            assert_eq!(found(ISSUER, remote), Ok(url(remote)), "{remote}");
        }
        let local = url("https://localhost:6443");
        let metadata = br#"{"issuer":"https://localhost:6443","jwks_uri":"https://127.0.0.1:6443/keys"}"#;
        assert!(jwks_uri(metadata, "https://localhost:6443", &local).is_ok(), "a provider on this machine may");
    }
}
