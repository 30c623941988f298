//! What a client sends to the token endpoint (RFC 6749 §4.4.2), read strictly:
//! nothing may be said twice, and the credentials come in one way only.

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::oauth_error::OAuthError;

/// The one grant that is known here (RFC 6749 §4.4.2).
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

const FORM: &str = "application/x-www-form-urlencoded";

/// The form of a token request (RFC 6749 §4.4.2). Other parameters are ignored, as §3.2 asks.
#[derive(Debug, Default, ToSchema)]
pub struct TokenRequest {
    /// How the client wants to get its token; only `client_credentials` is known.
    #[schema(schema_with = grant_types, required = true)]
    pub grant_type: Option<String>,
    /// The scopes wanted, separated by spaces, all of them granted to the client. Without it: all that the client has.
    #[schema(nullable = false, example = "stores:read flow:read")]
    pub scope: Option<String>,
    /// The client's id, if it is not sent with HTTP Basic.
    #[schema(nullable = false, example = "dashboard")]
    pub client_id: Option<String>,
    /// The client's secret, if it is not sent with HTTP Basic.
    #[schema(value_type = Option<String>, nullable = false, format = Password)]
    pub client_secret: Option<SecretString>,
}

/// Any text is read, so that another grant can be refused by its own error; the document names the one that works.
fn grant_types() -> Object {
    let description = "How the client gets its token; this service knows only `client_credentials`.";
    let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([CLIENT_CREDENTIALS]));
    schema.description(Some(description)).build()
}

/// A client's id and its secret.
#[derive(Debug)]
pub struct ClientCredentials {
    /// The client's id.
    pub id: String,
    /// The secret that it showed.
    pub secret: SecretString,
}

impl TokenRequest {
    /// Reads the form.
    ///
    /// # Errors
    /// It is of another media type, or a parameter is there twice (RFC 6749 §3.2).
    pub fn read(request: &HttpRequest, body: &[u8]) -> Result<Self, OAuthError> {
        if !is_form(request) {
            return Err(OAuthError::invalid_request("Send the parameters as application/x-www-form-urlencoded"));
        }
        let mut seen = Vec::new();
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            if seen.contains(&name) {
                return Err(OAuthError::invalid_request("A parameter is there more than once"));
            }
            form.set(&name, value.into_owned());
            seen.push(name);
        }
        Ok(form)
    }

    /// A parameter without a value counts as left out (RFC 6749 §3.2).
    fn set(&mut self, name: &str, value: String) {
        let value = Some(value).filter(|value| !value.is_empty());
        match name {
            "grant_type" => self.grant_type = value,
            "scope" => self.scope = value,
            "client_id" => self.client_id = value,
            "client_secret" => self.client_secret = value.map(SecretString::from),
            _ => {}
        }
    }

    /// The client's credentials: from HTTP Basic or from the form, but not from both (RFC 6749 §2.3).
    ///
    /// # Errors
    /// There are none, or they cannot be read, or they come in both ways.
    pub fn take_credentials(&mut self, request: &HttpRequest) -> Result<ClientCredentials, OAuthError> {
        let Some(basic) = basic_credentials(request)? else {
            let (id, secret) = (self.client_id.take(), self.client_secret.take());
            let (Some(id), Some(secret)) = (id, secret) else {
                return Err(OAuthError::invalid_client(
                    "Send client_id and client_secret, by HTTP Basic or in the form",
                ));
            };
            return Ok(ClientCredentials { id, secret });
        };
        if self.client_secret.is_some() || self.client_id.as_ref().is_some_and(|id| *id != basic.id) {
            return Err(OAuthError::invalid_request(
                "Send the client's credentials once: by HTTP Basic or in the form",
            ));
        }
        Ok(basic)
    }

    /// The scopes of the new token, in the order in which the client has them.
    ///
    /// # Errors
    /// One that was asked for is not granted (RFC 6749 §3.3).
    pub fn narrow(&self, granted: &[String]) -> Result<Vec<String>, OAuthError> {
        let Some(wanted) = self.scope.as_deref() else { return Ok(granted.to_vec()) };
        let wanted: Vec<&str> = wanted.split(' ').filter(|name| !name.is_empty()).collect();
        if wanted.is_empty() || !wanted.iter().all(|name| granted.iter().any(|scope| scope == name)) {
            return Err(OAuthError::invalid_scope(format!("This client may have the scopes {}", granted.join(" "))));
        }
        Ok(granted.iter().filter(|scope| wanted.contains(&scope.as_str())).cloned().collect())
    }
}

fn is_form(request: &HttpRequest) -> bool {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(FORM)
}

/// The credentials in the `Authorization` header (RFC 7617 §2), if there is one.
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
    Some(ClientCredentials { id: form_decoded(id), secret: SecretString::from(form_decoded(secret)) })
}

/// Id and secret are form-encoded before they are joined (RFC 6749 §2.3.1). Many clients forget that, so `&` and `=`,
/// which cannot occur in an encoded text, stand for themselves.
fn form_decoded(text: &str) -> String {
    let one_name = Zeroizing::new(text.replace('&', "%26").replace('=', "%3D"));
    form_urlencoded::parse(one_name.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::{TokenRequest, form_decoded, read_basic};
    use crate::auth::oauth_error::{OAuthError, OAuthErrorCode};
    use actix_web::HttpRequest;
    use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
    use actix_web::test::TestRequest;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use secrecy::ExposeSecret as _;

    fn request(authorization: Option<&str>) -> HttpRequest {
        let request = TestRequest::post().insert_header((CONTENT_TYPE, "application/x-www-form-urlencoded"));
        match authorization {
            Some(value) => request.insert_header((AUTHORIZATION, value)).to_http_request(),
            None => request.to_http_request(),
        }
    }

    fn read(body: &str) -> Result<TokenRequest, OAuthError> {
        TokenRequest::read(&request(None), body.as_bytes())
    }

    fn credentials(authorization: Option<&str>, body: &str) -> Result<(String, String), OAuthErrorCode> {
        let credentials = read(body).unwrap().take_credentials(&request(authorization));
        credentials.map(|given| (given.id, given.secret.expose_secret().to_owned())).map_err(|error| error.error)
    }

    #[test]
    fn a_parameter_without_a_value_counts_as_left_out_and_others_are_ignored() {
        let form = read("grant_type=client_credentials&scope=&audience=x").unwrap();
        assert_eq!(form.grant_type.as_deref(), Some("client_credentials"));
        assert_eq!(form.scope, None);
    }

    #[test]
    fn a_repeated_parameter_is_an_invalid_request() {
        for body in ["scope=a&scope=b", "scope=a&scope=", "x=1&x=1", "client_id=a&client%5Fid=b"] {
            assert_eq!(read(body).unwrap_err().error, OAuthErrorCode::InvalidRequest, "{body}");
        }
    }

    #[test]
    fn basic_credentials_are_form_decoded_after_they_are_split() {
        let header = format!("basic {}", STANDARD.encode("ada%3Alovelace:100+%25%3A+sure"));
        let given = read_basic(&header).unwrap();
        assert_eq!((given.id.as_str(), given.secret.expose_secret()), ("ada:lovelace", "100 %: sure"));
        assert_eq!(form_decoded("a=b&c=d"), "a=b&c=d");
        assert_eq!(form_decoded(""), "");
    }

    #[test]
    fn credentials_come_by_basic_or_in_the_form_but_not_in_both() {
        let basic = format!("Basic {}", STANDARD.encode("dashboard:s3cret"));
        let expected = Ok(("dashboard".to_owned(), "s3cret".to_owned()));
        assert_eq!(credentials(Some(&basic), ""), expected);
        assert_eq!(credentials(Some(&basic), "client_id=dashboard"), expected);
        assert_eq!(credentials(None, "client_id=dashboard&client_secret=s3cret"), expected);
        let twice = [("client_id=dashboard&client_secret=s3cret"), ("client_secret=s3cret"), ("client_id=other")];
        for body in twice {
            assert_eq!(credentials(Some(&basic), body), Err(OAuthErrorCode::InvalidRequest), "{body}");
        }
    }

    #[test]
    fn missing_or_unreadable_credentials_are_an_invalid_client() {
        for body in ["", "client_id=dashboard", "client_secret=s3cret"] {
            assert_eq!(credentials(None, body), Err(OAuthErrorCode::InvalidClient), "{body}");
        }
        for header in ["Bearer abc", "Basic", "Basic !!!", "Basic bm9jb2xvbg=="] {
            assert_eq!(credentials(Some(header), ""), Err(OAuthErrorCode::InvalidClient), "{header}");
        }
    }

    #[test]
    fn a_scope_narrows_and_never_widens() {
        let granted = ["stores:read".to_owned(), "flow:read".to_owned()];
        let narrow = |body: &str| read(body).unwrap().narrow(&granted).map_err(|error| error.error);
        assert_eq!(narrow("").unwrap(), granted);
        assert_eq!(narrow("scope=flow%3Aread").unwrap(), ["flow:read"]);
        assert_eq!(narrow("scope=flow:read+stores:read+flow:read").unwrap(), granted);
        for body in ["scope=flow:read+cache:purge", "scope=flow", "scope=+", "scope=FLOW:READ"] {
            assert_eq!(narrow(body), Err(OAuthErrorCode::InvalidScope), "{body}");
        }
    }

    #[test]
    fn a_request_does_not_print_its_secret() {
        assert!(!format!("{:?}", read("client_secret=s3cret").unwrap()).contains("s3cret"));
    }
}
