//! The form about a token that a client holds, for revocation (RFC 7009 §2.1) and introspection (RFC 7662 §2.1).

use utoipa::ToSchema;

/// The form of a request about a token. Other parameters are ignored; none may be given twice.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document; `OAuthForm` reads it")]
pub struct TokenForm {
    /// The token.
    #[schema(required = true, nullable = false, min_length = 1, format = Password)]
    token: Option<String>,
    /// What kind of token it is. There are only access tokens here, so it changes nothing.
    #[schema(nullable = false, example = "access_token")]
    token_type_hint: Option<String>,
    /// The client's id, if it is not sent with HTTP Basic.
    #[schema(nullable = false, example = "dashboard")]
    client_id: Option<String>,
    /// The client's secret, if it is not sent with HTTP Basic.
    #[schema(nullable = false, format = Password)]
    client_secret: Option<String>,
}

impl TokenForm {
    /// The recognized parameters; others are ignored.
    pub const PARAMETERS: [&str; 4] = ["token", "token_type_hint", "client_id", "client_secret"];
}
