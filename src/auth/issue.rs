//! Issues access tokens (RFC 9068 §2) for the token endpoint and for the command line.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::Header;
use secrecy::SecretString;
use uuid::{NoContext, Timestamp, Uuid};

use super::claims::{Audience, Claims};
use super::clients::Client;
use super::keys::SigningKey;
use super::verify::MAXIMUM_TOKEN_BYTES;
use crate::clock::Clock;

/// The `typ` of an access token's header (RFC 9068 §2.1).
const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// What a new token grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenGrant {
    /// The client to whom the token is issued.
    pub client_id: String,
    /// The subject; `None` for the client itself.
    pub subject: Option<String>,
    /// The tenant whose gateway credentials and data the token can reach.
    pub tenant: String,
    /// The granted scopes.
    pub scopes: Vec<String>,
    /// The only stores that the token may read; `None` for all of the tenant's.
    pub stores: Option<Vec<String>>,
    /// The only organizations that the token may read; `None` for all, unless `stores` limits it.
    pub organizations: Option<Vec<String>>,
    /// The lifetime; `None` for the configured one.
    pub lifetime: Option<Duration>,
}

impl TokenGrant {
    /// Grants a client a token for itself, with the usual lifetime.
    pub fn to(client: &Client, scopes: Vec<String>) -> Self {
        Self {
            client_id: client.id.clone(),
            subject: None,
            tenant: client.tenant.clone(),
            scopes,
            stores: client.stores.clone(),
            organizations: client.organizations.clone(),
            lifetime: None,
        }
    }
}

/// A new token, with its lifetime and scopes.
#[derive(Debug)]
pub struct IssuedToken {
    /// The token.
    pub token: SecretString,
    /// The lifetime in whole seconds.
    pub expires_in: u64,
    /// The scopes, separated by spaces.
    pub scope: String,
}

/// Why no token was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The token would be larger than any verifier here accepts.
    #[error("the token would be larger than {MAXIMUM_TOKEN_BYTES} bytes: grant fewer stores")]
    TooLarge,
    /// Signing failed.
    #[error("the signing key did not sign")]
    Signing,
}

/// Issues tokens in the name of one issuer.
#[derive(Debug)]
pub struct TokenIssuer {
    issuer: Arc<str>,
    audience: Arc<str>,
    lifetime: Duration,
    key: SigningKey,
    clock: Clock,
}

impl TokenIssuer {
    /// Creates an issuer of tokens for `audience`, which live for `lifetime` unless a grant sets another one.
    pub fn new(issuer: &str, audience: &str, lifetime: Duration, key: SigningKey, clock: Clock) -> Self {
        Self { issuer: Arc::from(issuer), audience: Arc::from(audience), lifetime, key, clock }
    }

    /// Issues a token.
    ///
    /// # Errors
    /// Returns an error if the grant does not fit into a token.
    pub fn issue(&self, grant: TokenGrant) -> Result<IssuedToken, IssueError> {
        let lifetime = grant.lifetime.unwrap_or(self.lifetime).as_secs();
        let claims = self.claims(grant, lifetime);
        let mut header = Header::new(self.key.jws);
        header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
        header.kid = Some(self.key.kid().to_owned());
        let token = jsonwebtoken::encode(&header, &claims, &self.key.encoding).map_err(|_| IssueError::Signing)?;
        if token.len() > MAXIMUM_TOKEN_BYTES {
            return Err(IssueError::TooLarge);
        }
        Ok(IssuedToken { token: SecretString::from(token), expires_in: lifetime, scope: claims.scope })
    }

    fn claims(&self, grant: TokenGrant, lifetime: u64) -> Claims {
        let now = self.clock.now();
        let iat = now.as_second();
        Claims {
            iss: self.issuer.to_string(),
            sub: grant.subject.unwrap_or_else(|| grant.client_id.clone()),
            aud: Audience::one(&*self.audience),
            exp: iat.saturating_add_unsigned(lifetime),
            iat: Some(iat),
            nbf: None,
            jti: token_id(now).to_string(),
            client_id: grant.client_id,
            scope: grant.scopes.join(" "),
            tenant: grant.tenant,
            stores: grant.stores,
            organizations: grant.organizations,
        }
    }
}

/// Creates an id that sorts by time, from our clock and random bits (RFC 9562 §5.7).
fn token_id(now: jiff::Timestamp) -> Uuid {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::{IssueError, TokenGrant};
    use crate::auth::fixtures;
    use secrecy::ExposeSecret as _;
    use std::time::Duration;

    fn grant() -> TokenGrant {
        TokenGrant {
            client_id: "dashboard".to_owned(),
            subject: None,
            tenant: "acme".to_owned(),
            scopes: vec!["stores:read".to_owned(), "flow:read".to_owned()],
            stores: None,
            organizations: None,
            lifetime: None,
        }
    }

    #[test]
    fn a_minted_token_says_what_was_granted_and_is_accepted() {
        let (auth, _) = fixtures::auth();
        let stores = Some(vec!["S_123456".to_owned()]);
        let issued = auth.issuer().unwrap().issue(TokenGrant { stores, ..grant() }).unwrap();
        let verified = auth.verifier.verify(issued.token.expose_secret()).unwrap();
        let claims = verified.claims();
        assert_eq!((issued.expires_in, issued.scope.as_str()), (900, "stores:read flow:read"));
        assert_eq!((claims.sub.as_str(), claims.client_id.as_str()), ("dashboard", "dashboard"));
        assert_eq!(claims.exp - claims.iat.unwrap(), 900);
        assert_eq!(&**verified.tenant(), "acme");
        assert!(verified.grants().stores().unwrap().contains(&"S_123456".parse().unwrap()));
        assert_eq!(claims.jti.as_bytes()[14], b'7');
    }

    #[test]
    fn a_grant_may_name_its_subject_and_its_lifetime() {
        let (auth, clock) = fixtures::auth();
        let lifetime = Some(Duration::from_secs(60));
        let grant = TokenGrant { subject: Some("ada".to_owned()), lifetime, ..grant() };
        let issued = auth.issuer().unwrap().issue(grant).unwrap();
        assert_eq!(auth.verifier.verify(issued.token.expose_secret()).unwrap().claims().sub, "ada");
        clock.advance(Duration::from_secs(90));
        assert!(auth.verifier.verify(issued.token.expose_secret()).is_err());
    }

    #[test]
    fn two_tokens_of_one_instant_have_different_ids() {
        let (auth, _) = fixtures::auth();
        let id = || {
            let issued = auth.issuer().unwrap().issue(grant()).unwrap();
            auth.verifier.verify(issued.token.expose_secret()).unwrap().claims().jti.clone()
        };
        assert_ne!(id(), id());
    }

    #[test]
    fn a_token_that_no_verifier_would_read_is_not_made() {
        let (auth, _) = fixtures::auth();
        let stores = Some((0..1000).map(|number| format!("S_{number}")).collect());
        assert_eq!(auth.issuer().unwrap().issue(TokenGrant { stores, ..grant() }).unwrap_err(), IssueError::TooLarge);
    }

    #[test]
    fn an_issued_token_does_not_print_itself() {
        let (auth, _) = fixtures::auth();
        let issued = auth.issuer().unwrap().issue(grant()).unwrap();
        assert!(!format!("{issued:?}").contains(issued.token.expose_secret()));
    }
}
