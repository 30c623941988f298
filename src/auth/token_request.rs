//! The form of a token request (RFC 6749 §4.4.2), parsed strictly: no parameter may occur twice, and the credentials
//! come in one way only.

use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::oauth_error::OAuthError;

/// The only supported grant (RFC 6749 §4.4.2).
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

/// The form of a token request (RFC 6749 §4.4.2). Other parameters are ignored, as §3.2 asks;
/// none may be given twice.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document; `OAuthForm` reads it")]
pub struct TokenRequest {
    /// How the client wants to get its token; only `client_credentials` is known.
    #[schema(schema_with = grant_types, required = true)]
    grant_type: Option<String>,
    /// The scopes wanted, separated by spaces, all of them granted to the client. Without it: all that the client has.
    #[schema(nullable = false, example = "stores:read flow:read")]
    scope: Option<String>,
    /// The client's id, if it is not sent with HTTP Basic.
    #[schema(nullable = false, example = "dashboard")]
    client_id: Option<String>,
    /// The client's secret, if it is not sent with HTTP Basic.
    #[schema(nullable = false, format = Password)]
    client_secret: Option<String>,
}

/// Describes the supported grant in the API document. The parser accepts any text, so that another grant is refused
/// with its own error.
fn grant_types() -> Object {
    let description = "How the client gets its token; this service knows only `client_credentials`.";
    let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([CLIENT_CREDENTIALS]));
    schema.description(Some(description)).build()
}

impl TokenRequest {
    /// The recognized parameters; others are ignored.
    pub const PARAMETERS: [&str; 4] = ["grant_type", "scope", "client_id", "client_secret"];
}

/// Returns the scopes of the new token, in the order in which the client has them.
///
/// # Errors
/// Returns an error if a requested scope is not granted (RFC 6749 §3.3).
pub fn narrow(wanted: Option<&str>, granted: &[String]) -> Result<Vec<String>, OAuthError> {
    let Some(wanted) = wanted else { return Ok(granted.to_vec()) };
    let wanted: Vec<&str> = wanted.split(' ').filter(|name| !name.is_empty()).collect();
    if wanted.is_empty() || !wanted.iter().all(|name| granted.iter().any(|scope| scope == name)) {
        return Err(OAuthError::invalid_scope(format!("This client may have the scopes {}", granted.join(" "))));
    }
    Ok(granted.iter().filter(|scope| wanted.contains(&scope.as_str())).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::{TokenRequest, narrow};
    use crate::auth::oauth_error::{OAuthError, OAuthErrorCode};
    use crate::auth::oauth_form::OAuthForm;
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

    fn read(body: &str) -> Result<OAuthForm, OAuthError> {
        OAuthForm::read(&request(None), Ok(body.to_owned().into()), &TokenRequest::PARAMETERS)
    }

    fn credentials(authorization: Option<&str>, body: &str) -> Result<(String, String), OAuthErrorCode> {
        let credentials = read(body).unwrap().take_credentials(&request(authorization));
        credentials.map(|given| (given.id, given.secret.expose_secret().to_owned())).map_err(|error| error.error)
    }

    #[test]
    fn a_parameter_without_a_value_counts_as_left_out_and_others_are_ignored() {
        let form = read("grant_type=client_credentials&scope=&audience=x").unwrap();
        assert_eq!(form.text("grant_type"), Some("client_credentials"));
        assert_eq!(form.text("scope"), None);
    }

    #[test]
    fn a_repeated_parameter_is_an_invalid_request() {
        for body in ["scope=a&scope=b", "scope=a&scope=", "client_id=a&client%5Fid=b"] {
            assert_eq!(read(body).unwrap_err().error, OAuthErrorCode::InvalidRequest, "{body}");
        }
        assert!(read("resource=a&resource=b&scope=x").is_ok(), "what is not recognized is ignored");
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
        let narrow = |body: &str| narrow(read(body).unwrap().text("scope"), &granted).map_err(|error| error.error);
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
