//! The contract of a vendor's protocol: encode and sign a call, decode an answer.
//! Pure functions of (call, credential, stamp) and of bytes: no clock, no network, no state.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::value::RawValue;

use super::error::Refusal;
use super::vendor::Gateway;

/// The address of a gateway that a method is called at. OPRetail has two, the OMS has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Door {
    /// OPRetail's `/m.api`.
    MApi,
    /// OPRetail's `/cloud.api`.
    CloudApi,
    /// The OMS's `/index.php/openapi/rpc/service/`.
    Rpc,
}

/// A method of a gateway, as its vendor documents it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Method {
    /// The vendor's name, such as `open.shopweb.passengerFlow.getTotalData`.
    pub name: Cow<'static, str>,
    /// The vendor's version of the method: `v1`, `v2` (OPRetail) or `1` (OMS).
    pub version: Cow<'static, str>,
    /// Where it is called.
    pub door: Door,
}

impl Method {
    /// A method known when the program is compiled.
    pub const fn new(name: &'static str, version: &'static str, door: Door) -> Self {
        Self { name: Cow::Borrowed(name), version: Cow::Borrowed(version), door }
    }

    /// The gateway that has this method.
    pub const fn gateway(&self) -> Gateway {
        match self.door {
            Door::MApi | Door::CloudApi => Gateway::OpRetail,
            Door::Rpc => Gateway::Oms,
        }
    }
}

/// One call: a method and its business parameters, raw (not URL-encoded), in any order. Prints no values: a login's
/// password is one.
#[derive(Clone)]
pub struct Call {
    /// What is called.
    pub method: Method,
    /// Business parameters by the vendor's names.
    pub parameters: Vec<(Cow<'static, str>, String)>,
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.parameters.iter().map(|(name, _)| name.as_ref()).collect();
        formatter.debug_struct("Call").field("method", &self.method.name).field("parameters", &names).finish()
    }
}

impl Call {
    /// A call without parameters yet.
    pub const fn new(method: Method) -> Self {
        Self { method, parameters: Vec::new() }
    }

    /// Adds a business parameter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.parameters.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// Adds a business parameter when there is a value for it.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// How the OMS's `timestamp` is written; its sources disagree (`gateways`: doc and server).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimestampForm {
    /// Unix seconds.
    Unix,
    /// `yyyyMMddHHmmss` in the gateway's time zone.
    Compact,
}

impl TimestampForm {
    /// The form that is not this one.
    pub const fn other(self) -> Self {
        match self {
            Self::Unix => Self::Compact,
            Self::Compact => Self::Unix,
        }
    }
}

/// What makes one attempt unlike every other: the gateway's time and a nonce. Given from outside, so that a
/// dialect stays pure and every retry is signed anew.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The gateway's time, in whole seconds.
    pub time: Timestamp,
    /// Sent and signed as `_nonce` (OPRetail) or `nonce` (OMS) when there is one.
    pub nonce: Option<String>,
    /// How `time` is written; OPRetail knows only [`TimestampForm::Compact`] and ignores it.
    pub form: TimestampForm,
}

/// An encoded and signed request: the body is encoded once, from the very values that were signed.
#[derive(Clone)]
pub struct SignedRequest {
    /// Where it goes.
    pub url: String,
    /// `application/x-www-form-urlencoded`.
    pub body: Bytes,
    /// The header that carries the user login, and its token.
    pub login: Option<(&'static str, SecretString)>,
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignedRequest").field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// What a login gave.
#[derive(Debug)]
pub struct LoginAnswer {
    /// The user's token.
    pub token: SecretString,
    /// When it ends, by the gateway's clock, when the gateway tells.
    pub ends: Option<Timestamp>,
}

/// The signed string of one call with the secret masked, for people who compare it with the vendor's tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The exact string that is digested, with `********` for the secret.
    pub signed_string: String,
    /// The signature.
    pub signature: String,
}

/// How the string that a gateway signed differs from ours. It holds no part of either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Not at all: the secret is another.
    None,
    /// First at this parameter of ours.
    Parameter(String),
    /// The gateway signed something more.
    SomethingMore,
}

/// A decoded answer of a gateway that carries data.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The business data, undecoded. `None` when the gateway sent `null`.
    pub data: Option<&'a RawValue>,
    /// The gateway's own number for this call, for its support.
    pub call_id: Option<String>,
    /// The gateway's clock, when its envelope tells.
    pub gateway_time: Option<Timestamp>,
}

/// A vendor's protocol bound to one credential.
pub trait Dialect: Send + Sync {
    /// Whose protocol this is.
    fn gateway(&self) -> Gateway;

    /// Encodes and signs one call. `login` is the user's token, for a call that needs one.
    fn encode(&self, call: &Call, stamp: &Stamp, login: Option<&SecretString>) -> SignedRequest;

    /// Shows what [`Dialect::encode`] would sign.
    fn explain(&self, call: &Call, stamp: &Stamp) -> Explanation;

    /// What the gateway must not get past us, even when it repeats it.
    fn secrets(&self) -> Vec<&SecretString>;

    /// The call that logs the configured user in, if this call needs a user's login and one is configured.
    fn login_for(&self, _call: &Call) -> Option<Call> {
        None
    }

    /// Reads what the login gave; `None` when there is no token in it.
    fn read_login(&self, _data: &str) -> Option<LoginAnswer> {
        None
    }

    /// Whether a user's login is configured.
    fn has_login(&self) -> bool {
        false
    }

    /// What the gateway signed otherwise than we did, when its refusal shows that.
    fn signed_otherwise(&self, _call: &Call, _stamp: &Stamp, _answer: &[u8]) -> Option<Difference> {
        None
    }

    /// Mends what this vendor is known to break in its JSON, before the envelope is read.
    fn clean(&self, body: Bytes) -> Bytes {
        body
    }

    /// Reads the envelope: data, or a refusal with its kind decided.
    ///
    /// # Errors
    /// [`Refusal`] when the gateway said no, or when its answer cannot be read.
    fn decode<'a>(&self, body: &'a [u8]) -> Result<Answer<'a>, Refusal>;
}
