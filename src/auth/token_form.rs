//! The form about a token that a client holds, for revocation (RFC 7009 §2.1) and introspection (RFC 7662 §2.1).

use actix_web::HttpRequest;
use secrecy::SecretString;
use utoipa::ToSchema;

use super::oauth_error::OAuthError;
use super::oauth_form::{self, ClientCredentials};

/// The form of a request about a token. Other parameters are ignored; none may be given twice.
#[derive(Debug, Default, ToSchema)]
pub struct TokenForm {
    /// The token.
    #[schema(value_type = Option<String>, required = true, nullable = false, min_length = 1, format = Password)]
    pub token: Option<SecretString>,
    /// What kind of token it is. There are only access tokens here, so it changes nothing.
    #[schema(nullable = false, example = "access_token")]
    pub token_type_hint: Option<String>,
    /// The client's id, if it is not sent with HTTP Basic.
    #[schema(nullable = false, example = "dashboard")]
    pub client_id: Option<String>,
    /// The client's secret, if it is not sent with HTTP Basic.
    #[schema(value_type = Option<String>, nullable = false, format = Password)]
    pub client_secret: Option<SecretString>,
}

impl TokenForm {
    const PARAMETERS: [&str; 4] = ["token", "token_type_hint", "client_id", "client_secret"];

    /// Parses the form.
    ///
    /// # Errors
    /// Returns an error for another media type, or if a recognized parameter occurs twice.
    pub fn read(request: &HttpRequest, body: &[u8]) -> Result<Self, OAuthError> {
        let mut form = Self::default();
        for (name, value) in oauth_form::parameters(request, body, &Self::PARAMETERS)? {
            match name.as_str() {
                "token" => form.token = Some(SecretString::from(value)),
                "token_type_hint" => form.token_type_hint = Some(value),
                "client_id" => form.client_id = Some(value),
                "client_secret" => form.client_secret = Some(SecretString::from(value)),
                _ => {}
            }
        }
        Ok(form)
    }

    /// Takes the client's credentials.
    ///
    /// # Errors
    /// Returns an error if there are none, if they are malformed, or if they come in both ways.
    pub fn take_credentials(&mut self, request: &HttpRequest) -> Result<ClientCredentials, OAuthError> {
        oauth_form::credentials(request, self.client_id.take(), self.client_secret.take())
    }

    /// Takes the token.
    ///
    /// # Errors
    /// Returns an error if there is none.
    pub fn take_token(&mut self) -> Result<SecretString, OAuthError> {
        self.token.take().ok_or_else(|| OAuthError::invalid_request("The parameter token is missing"))
    }
}
