//! A call as our resources make it, and what makes one attempt unlike every other.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};

use super::super::vendor::Vendor;

/// A method of a gateway, as its vendor documents it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// Whose method it is.
    pub vendor: Vendor,
    /// The vendor's name, such as `open.shopweb.passengerFlow.getTotalData`.
    pub name: Cow<'static, str>,
    /// The vendor's version of the method, such as `v1`.
    pub version: Cow<'static, str>,
    /// The place of its endpoint among those of the vendor, where the configuration says nothing else.
    pub endpoint: usize,
}

impl Method {
    /// The method of this name, in the version and at the endpoint that the pack says.
    pub fn of(vendor: Vendor, name: impl Into<Cow<'static, str>>) -> Self {
        let (name, pack) = (name.into(), vendor.pack());
        let (version, endpoint) =
            vendor.method(&name).map_or((&pack.call.version, 0), |facts| (&facts.version, facts.endpoint));
        Self { vendor, name, version: version.as_str().into(), endpoint }
    }
}

/// Part of the names of cached answers.
impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.vendor.name(), &self.name, &self.version, self.vendor.endpoint(self.endpoint)).serialize(serializer)
    }
}

/// A business parameter.
#[derive(Clone, PartialEq, Eq)]
pub struct Argument {
    /// The vendor's name.
    pub name: Cow<'static, str>,
    /// The raw (not URL-encoded) value.
    pub value: String,
    /// Whether the value is a number, `true` or `false` where parameters travel as JSON.
    pub is_json: bool,
}

impl Argument {
    /// A text.
    pub fn text(name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), is_json: false }
    }
}

/// One call: a method and its business parameters, in any order. Prints no values: a login's password is one.
#[derive(Clone)]
pub struct Call {
    /// What is called.
    pub method: Method,
    /// Business parameters.
    pub arguments: Vec<Argument>,
    /// For a login: its place among the ways to log in.
    pub login: Option<usize>,
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.arguments.iter().map(|argument| argument.name.as_ref()).collect();
        formatter.debug_struct("Call").field("method", &self.method.name).field("arguments", &names).finish()
    }
}

impl Call {
    /// The same for all calls that ask the same, whatever the order of their parameters; part of the names of cached answers.
    pub fn canonical(&self) -> String {
        let mut arguments: Vec<&Argument> = self.arguments.iter().collect();
        arguments.sort_by(|one, other| (&one.name, &one.value).cmp(&(&other.name, &other.value)));
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(arguments.iter().map(|argument| (&argument.name, &argument.value)));
        form.finish()
    }

    /// A call without parameters yet.
    pub fn new(method: &Method) -> Self {
        Self { method: method.clone(), arguments: Vec::new(), login: None }
    }

    /// Adds a business parameter.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.arguments.push(Argument::text(name, value));
        self
    }

    /// Adds a business parameter when there is a value for it.
    #[must_use]
    pub fn with_some(self, name: impl Into<Cow<'static, str>>, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// The place of a form of timestamps among those of a vendor.
pub type TimeFormIndex = usize;

/// What makes one attempt unlike every other: the gateway's time and a nonce. Given from outside, so that encoding and
/// signing stay pure, and every retry is signed again.
#[derive(Clone, Debug)]
pub struct TimestampAndNonce {
    /// The gateway's time, in whole seconds.
    pub time: Timestamp,
    /// Sent and signed when there is one.
    pub nonce: Option<String>,
    /// How `time` is written.
    pub form: TimeFormIndex,
}

/// An encoded and signed request: the body is encoded once, from the very values that were signed.
#[derive(Clone)]
pub struct SignedRequest {
    /// `GET` or `POST`.
    pub http: HttpMethod,
    /// Where it goes, with its query.
    pub url: String,
    /// What the body is; `None` when there is none.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: Bytes,
    /// Headers with signatures, keys and tokens.
    pub headers: Vec<(String, SecretString)>,
}

impl SignedRequest {
    /// Everything in it that a gateway could repeat.
    pub fn sent(&self) -> Bytes {
        let query = self.url.split_once('?').map(|(_, query)| query);
        if query.is_none() && self.headers.is_empty() {
            return self.body.clone();
        }
        let headers = self.headers.iter().map(|(_, value)| value.expose_secret().as_bytes());
        let parts = [&self.body[..], query.unwrap_or_default().as_bytes()].into_iter().chain(headers);
        parts.collect::<Vec<_>>().join(&b'\n').into()
    }

    /// What nobody is sent: a call of a method that has no endpoint.
    pub(super) fn nowhere() -> Self {
        let (url, body, headers) = (String::new(), Bytes::new(), Vec::new());
        Self { http: HttpMethod::Post, url, content_type: None, body, headers }
    }
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignedRequest").field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// The HTTP method of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpMethod {
    /// `POST`.
    Post,
    /// `GET`.
    Get,
}

impl HttpMethod {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Get => "GET",
        }
    }
}

/// What a login gave.
#[derive(Debug)]
pub struct LoginAnswer {
    /// The token.
    pub token: SecretString,
    /// When it ends.
    pub ends: TokenExpiryHint,
}

/// When a token ends, as far as the gateway tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenExpiryHint {
    /// It does not tell.
    Unknown,
    /// At this time of the gateway's clock.
    At(Timestamp),
    /// After so long.
    After(std::time::Duration),
}

/// The signed text of one call with the secret masked, for people who compare it with the vendor's tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The text that the first digest covers, with `********` for the secret.
    pub signed_text: String,
    /// The signature.
    pub signature: String,
}

/// How the text that a gateway signed differs from ours. It holds no part of either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedTextDifference {
    /// Not at all: the secret is another.
    None,
    /// First at this parameter of ours.
    Parameter(String),
    /// The gateway signed something more behind this parameter of ours: it is longer there, or another one follows.
    Behind(String),
    /// The gateway signed something more.
    SomethingMore,
}
