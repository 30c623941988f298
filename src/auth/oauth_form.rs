//! Forms of OAuth clients and the credentials in them (RFC 6749 §2.3, RFC 7009 §2.1, RFC 7662 §2.1), parsed strictly:
//! no parameter may occur twice, and the credentials come in one way only.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::{Error, HttpRequest, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use super::oauth_error::OAuthError;
use crate::http::form_pairs;

/// The room in bytes for everything in a form but its token: usually a few hundred bytes, or more with a long secret.
const BESIDE_A_TOKEN: usize = 8 * 1024;

/// Returns the largest form in bytes if tokens may have `largest_token` bytes.
pub const fn maximum_bytes(largest_token: usize) -> usize {
    largest_token + BESIDE_A_TOKEN
}

const FORM: &str = "application/x-www-form-urlencoded";

/// A client's id and secret as it sent them.
#[derive(Debug)]
pub struct ClientCredentials {
    /// The client's id.
    pub id: String,
    /// The secret that the client sent.
    pub secret: SecretString,
    /// The credentials without decoding, if that makes a difference: many clients do not encode what they send with
    /// HTTP Basic.
    pub as_sent: Option<Box<Self>>,
}

impl ClientCredentials {
    /// Creates credentials without an alternative.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: SecretString::from(secret.into()), as_sent: None }
    }

    fn is_of(&self, id: &str) -> bool {
        self.id == id || self.as_sent.as_ref().is_some_and(|as_sent| as_sent.id == id)
    }
}

/// The body of a form, if it is complete and small enough.
pub type FormBody = Result<web::Bytes, Error>;

/// The parameters of a form that its endpoint recognizes. One without a value counts as absent. Others are ignored,
/// however often they occur: `resource` of RFC 8707 may be repeated (RFC 6749 §3.2).
#[derive(Debug)]
pub struct OAuthForm(Vec<(String, SecretString)>);

impl OAuthForm {
    /// Parses the form.
    ///
    /// # Errors
    /// Returns 413 if the body is too large. Returns 400 if it is incomplete or of another media type, or if a
    /// recognized parameter occurs twice (RFC 6749 §3.2) or is not UTF-8.
    pub fn read(request: &HttpRequest, body: FormBody, recognized: &[&str]) -> Result<Self, OAuthError> {
        let body = body.map_err(|error| match error.as_response_error().status_code() {
            StatusCode::PAYLOAD_TOO_LARGE => OAuthError::too_large(),
            _ => OAuthError::invalid_request("The body cannot be read"),
        })?;
        if !is_form(request) {
            return Err(OAuthError::invalid_request("Send the parameters as application/x-www-form-urlencoded"));
        }
        let mut parameters: Vec<(String, SecretString)> = Vec::new();
        for (name, value) in form_pairs::pairs(&body).filter(|(name, _)| recognized.contains(&&**name)) {
            let Ok(value) = value else {
                return Err(OAuthError::invalid_request(format!("The parameter {name} is not UTF-8")));
            };
            if parameters.iter().any(|(seen, _)| *seen == name) {
                return Err(OAuthError::invalid_request(format!("The parameter {name} is there more than once")));
            }
            parameters.push((name.into_owned(), value.into_owned().into()));
        }
        parameters.retain(|(_, value)| !value.expose_secret().is_empty());
        Ok(Self(parameters))
    }

    /// Returns a parameter that is no secret.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.expose_secret())
    }

    fn take(&mut self, name: &str) -> Option<SecretString> {
        let place = self.0.iter().position(|(own, _)| own == name)?;
        Some(self.0.swap_remove(place).1)
    }

    /// Takes the token.
    ///
    /// # Errors
    /// Returns an error if there is none.
    pub fn take_token(&mut self) -> Result<SecretString, OAuthError> {
        self.take("token").ok_or_else(|| OAuthError::invalid_request("The parameter token is missing"))
    }

    /// Takes the client's credentials from HTTP Basic or from the form, but not from both (RFC 6749 §2.3).
    ///
    /// # Errors
    /// Returns an error if there are none, if they are malformed, or if they come in both ways.
    pub fn take_credentials(&mut self, request: &HttpRequest) -> Result<ClientCredentials, OAuthError> {
        let (id, secret) = (self.text("client_id").map(str::to_owned), self.take("client_secret"));
        let Some(basic) = basic_credentials(request)? else {
            let (Some(id), Some(secret)) = (id, secret) else {
                let remedy = "Send client_id and client_secret, by HTTP Basic or in the form";
                return Err(OAuthError::invalid_client(remedy));
            };
            return Ok(ClientCredentials { id, secret, as_sent: None });
        };
        if secret.is_some() || id.is_some_and(|id| !basic.is_of(&id)) {
            let remedy = "Send the client's credentials once: by HTTP Basic or in the form";
            return Err(OAuthError::invalid_request(remedy));
        }
        Ok(basic)
    }
}

fn is_form(request: &HttpRequest) -> bool {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM)
}

/// Returns the credentials in the `Authorization` header (RFC 7617 §2), if there is one.
fn basic_credentials(request: &HttpRequest) -> Result<Option<ClientCredentials>, OAuthError> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let Some(header) = headers.next() else { return Ok(None) };
    if headers.next().is_some() {
        return Err(OAuthError::invalid_request("There is more than one Authorization header"));
    }
    let credentials = header.to_str().ok().and_then(read_basic);
    credentials.map(Some).ok_or_else(|| OAuthError::invalid_client("The Authorization header is not HTTP Basic"))
}

fn read_basic(header: &str) -> Option<ClientCredentials> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded.trim_matches(' ')).ok()?);
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    let (Some(decoded_id), Some(decoded_secret)) = (form_decoded(id), form_decoded(secret).map(Zeroizing::new)) else {
        // Text that is not UTF-8 after decoding was not encoded.
        return Some(ClientCredentials::new(id, secret));
    };
    let differs = decoded_id != id || *decoded_secret != secret;
    let as_sent = differs.then(|| Box::new(ClientCredentials::new(id, secret)));
    Some(ClientCredentials { as_sent, ..ClientCredentials::new(decoded_id, decoded_secret.as_str()) })
}

/// Decodes an id or a secret. Both are form-encoded before they are joined (RFC 6749 §2.3.1). Many clients omit that,
/// `curl -u` among them, so `&` and `=`, which cannot occur in an encoded text, stand for themselves. Returns `None` if
/// the result is not UTF-8.
fn form_decoded(text: &str) -> Option<String> {
    form_pairs::decoded(text).ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::{form_decoded, read_basic};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use secrecy::ExposeSecret as _;

    #[test]
    fn basic_credentials_are_form_decoded_after_they_are_split() {
        let header = format!("basic {}", STANDARD.encode("ada%3Alovelace:100+%25%3A+sure"));
        let given = read_basic(&header).unwrap();
        assert_eq!((given.id.as_str(), given.secret.expose_secret()), ("ada:lovelace", "100 %: sure"));
        let as_sent = given.as_sent.unwrap();
        assert_eq!((as_sent.id.as_str(), as_sent.secret.expose_secret()), ("ada%3Alovelace", "100+%25%3A+sure"));
        let plain = read_basic(&format!("basic {}", STANDARD.encode("ada:a=b&c=d 100%"))).unwrap();
        assert!(plain.as_sent.is_none(), "there is nothing to decode");
        assert_eq!(form_decoded("a=b&c=d").as_deref(), Some("a=b&c=d"));
        assert_eq!(form_decoded("").as_deref(), Some(""));
        let other = read_basic(&format!("basic {}", STANDARD.encode("ada:100%FF"))).unwrap();
        assert_eq!(other.secret.expose_secret(), "100%FF");
    }
}
