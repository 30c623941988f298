//! The claims of a token (RFC 9068 §2.2) and their strict parser: every claim that this service relies on must occur
//! once with the right type. Unknown claims are ignored.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::numeric_date::NumericDate;

/// The claims of an access token that was verified or is about to be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The issuer (RFC 7519 §4.1.1).
    pub iss: String,
    /// The subject (RFC 7519 §4.1.2). For client credentials it is the client itself.
    pub sub: String,
    /// The audience (RFC 7519 §4.1.3).
    pub aud: Audience,
    /// The expiry in seconds since 1970 (RFC 7519 §4.1.4).
    pub exp: i64,
    /// The time of issue in seconds since 1970 (RFC 7519 §4.1.6); absent if a trusted issuer omits it. Nothing depends
    /// on it, since the issuer's clock may be ahead of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// The time in seconds since 1970 before which the token is not valid (RFC 7519 §4.1.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The token's own id (RFC 7519 §4.1.7).
    pub jti: String,
    /// The client to whom the token was issued (RFC 8693 §4.3).
    pub client_id: String,
    /// The scopes, separated by single spaces (RFC 8693 §4.2).
    pub scope: String,
    /// The tenant whose gateway credentials and data the token can reach.
    pub tenant: String,
    /// The only stores that the token may read; absent for all of the tenant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stores: Option<Vec<String>>,
    /// The only organizations that the token may read. If a token has either list, anything on neither list is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organizations: Option<Vec<String>>,
}

impl Claims {
    /// Parses the payload of a token.
    ///
    /// # Errors
    /// Returns an error if a claim is missing, occurs twice or has another type. The error contains nothing of the
    /// token.
    pub fn from_json(payload: &[u8]) -> Result<Self, ClaimsError> {
        let claims: UncheckedClaims = serde_json::from_slice(payload).map_err(|_| ClaimsError::Malformed)?;
        Ok(Self {
            iss: text(claims.iss, "iss")?,
            sub: text(claims.sub, "sub")?,
            aud: claims.aud.filter(|aud| !aud.0.is_empty()).ok_or(ClaimsError::Missing("aud"))?,
            exp: claims.exp.ok_or(ClaimsError::Missing("exp"))?.floor(),
            iat: Some(claims.iat.ok_or(ClaimsError::Missing("iat"))?.floor()),
            nbf: claims.nbf.map(NumericDate::ceiling),
            jti: text(claims.jti, "jti")?,
            client_id: text(claims.client_id, "client_id")?,
            scope: claims.scope.ok_or(ClaimsError::Missing("scope"))?,
            tenant: text(claims.tenant, "tenant")?,
            stores: claims.stores,
            organizations: claims.organizations,
        })
    }
}

/// Why a payload is not a set of claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsError {
    /// The payload is not a JSON object, or a claim occurs twice or has another type.
    Malformed,
    /// The claim is absent, null or empty.
    Missing(&'static str),
}

/// Requires a text that is not empty: an empty name would be one that everybody shares.
fn text(claim: Option<String>, name: &'static str) -> Result<String, ClaimsError> {
    claim.filter(|text| !text.is_empty()).ok_or(ClaimsError::Missing(name))
}

/// All claims as optional fields, so that the error can name a missing one. The derived parser refuses a name that
/// occurs twice.
#[derive(Deserialize)]
struct UncheckedClaims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<NumericDate>,
    iat: Option<NumericDate>,
    #[serde(default, deserialize_with = "not_null")]
    nbf: Option<NumericDate>,
    jti: Option<String>,
    client_id: Option<String>,
    scope: Option<String>,
    tenant: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    stores: Option<Vec<String>>,
    #[serde(default, deserialize_with = "not_null")]
    organizations: Option<Vec<String>>,
}

/// Refuses null for claims that limit a token, because null must not mean "no limit".
fn not_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// The audience of a token: one text or an array of texts (RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience(Vec<String>);

impl Audience {
    /// Creates an audience with one name.
    pub fn one(name: impl Into<String>) -> Self {
        Self(vec![name.into()])
    }

    /// Whether the audience has no name.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of names.
    pub const fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether the audience includes `name`.
    pub fn includes(&self, name: &str) -> bool {
        self.0.iter().any(|audience| audience == name)
    }
}

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany {
            One(String),
            Many(Vec<String>),
        }
        Ok(match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(one) => Self(vec![one]),
            OneOrMany::Many(many) => Self(many),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Audience, Claims, ClaimsError};
    use serde_json::{Value, json};

    fn complete() -> Value {
        json!({
            "iss": "https://storegate.example.com", "sub": "dashboard", "aud": "storegate", "exp": 1_900_000_000,
            "iat": 1_800_000_000, "jti": "1", "client_id": "dashboard", "scope": "flow:read", "tenant": "acme",
        })
    }

    fn read(claims: &Value) -> Result<Claims, ClaimsError> {
        Claims::from_json(claims.to_string().as_bytes())
    }

    fn read_with(name: &str, value: Value) -> Result<Claims, ClaimsError> {
        let mut claims = complete();
        claims[name] = value;
        read(&claims)
    }

    #[test]
    fn each_required_claim_is_missed_by_name() {
        for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "tenant"] {
            let mut claims = complete();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(read(&claims), Err(ClaimsError::Missing(name)));
            assert_eq!(read_with(name, Value::Null), Err(ClaimsError::Missing(name)));
        }
    }

    #[test]
    fn each_claim_of_another_type_is_refused() {
        for name in ["iss", "sub", "aud", "jti", "client_id", "scope", "tenant", "stores", "organizations"] {
            assert_eq!(read_with(name, json!(7)), Err(ClaimsError::Malformed), "{name}");
        }
        for name in ["exp", "iat", "nbf"] {
            assert_eq!(read_with(name, json!("1900000000")), Err(ClaimsError::Malformed), "{name}");
        }
        assert_eq!(read_with("aud", json!(["storegate", 7])), Err(ClaimsError::Malformed));
    }

    #[test]
    fn a_time_may_have_a_fraction_or_an_exponent_and_makes_no_token_live_longer() {
        let times = |json: &str| {
            let claims = complete().to_string().replace("1900000000", json);
            Claims::from_json(claims.as_bytes()).map(|claims| claims.exp)
        };
        assert_eq!((times("1900000000.9"), times("1.9E9")), (Ok(1_900_000_000), Ok(1_900_000_000)));
        let read = read_with("nbf", json!(1_800_000_000.1)).unwrap();
        assert_eq!((read.nbf, read.iat), (Some(1_800_000_001), Some(1_800_000_000)));
    }

    #[test]
    fn a_limit_that_is_null_does_not_read_as_no_limit() {
        assert_eq!(read_with("stores", Value::Null), Err(ClaimsError::Malformed));
        assert_eq!(read_with("organizations", Value::Null), Err(ClaimsError::Malformed));
        assert_eq!(read_with("nbf", Value::Null), Err(ClaimsError::Malformed));
    }

    #[test]
    fn an_empty_name_counts_as_missing() {
        assert_eq!(read_with("tenant", json!("")), Err(ClaimsError::Missing("tenant")));
        assert_eq!(read_with("aud", json!([])), Err(ClaimsError::Missing("aud")));
    }

    #[test]
    fn a_claim_that_is_there_twice_is_refused() {
        let once = complete().to_string();
        let twice = once.replacen('{', "{\"tenant\":\"zenith\",", 1);
        assert_eq!(Claims::from_json(twice.as_bytes()), Err(ClaimsError::Malformed));
    }

    #[test]
    fn claims_that_nobody_here_knows_are_left_alone() {
        assert!(read_with("acr", json!({ "level": 2 })).is_ok());
    }

    #[test]
    fn an_audience_is_one_text_or_several() {
        let several = read_with("aud", json!(["billing", "storegate"])).unwrap().aud;
        assert!(several.includes("storegate") && several.includes("billing") && !several.includes("store"));
        assert_eq!(serde_json::to_value(Audience::one("storegate")).unwrap(), json!("storegate"));
    }
}
