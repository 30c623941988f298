//! A call as resources make it, and the timestamp and nonce that make each attempt unique.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};

use super::super::vendor::Vendor;
use crate::settings::{Scalar, choices, named};

/// A method of a gateway, as its vendor documents it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The vendor whose method it is.
    pub vendor: Vendor,
    /// The vendor's name, such as `open.shopweb.passengerFlow.getTotalData`.
    pub name: Cow<'static, str>,
    /// The vendor's version of the method, such as `v1`.
    pub version: Cow<'static, str>,
    /// The index of its endpoint in the vendor's pack, where the configuration says nothing else.
    pub endpoint: usize,
    /// How it is called.
    pub http: HttpMethod,
}

impl Method {
    /// Creates the method of this name, in the version, at the endpoint and by the HTTP method that the pack says.
    pub fn of(vendor: Vendor, name: impl Into<Cow<'static, str>>) -> Self {
        let (name, pack) = (name.into(), vendor.pack());
        let (version, endpoint, http) = match vendor.method(&name) {
            Some(facts) => (&facts.version, facts.endpoint, facts.http),
            None => (&pack.call.version, 0, pack.call.http),
        };
        Self { vendor, name, version: version.as_str().into(), endpoint, http }
    }
}

/// Part of cache keys.
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
    /// The raw value, not URL-encoded.
    pub value: String,
    /// Whether the value is JSON, such as a number, `true`, `false` or a list, where parameters travel as JSON.
    pub is_json: bool,
}

impl Argument {
    /// An argument that is a text.
    pub fn text(name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), is_json: false }
    }

    /// An argument of the type in which a setting has it.
    pub fn of(name: &str, value: &Scalar) -> Self {
        Self { name: name.to_owned().into(), value: value.text.clone(), is_json: value.is_json }
    }
}

/// One call: a method and its business parameters, in any order. `Debug` prints no values, since a login's password is
/// one.
#[derive(Clone)]
pub struct Call {
    /// The method that is called.
    pub method: Method,
    /// Business parameters.
    pub arguments: Vec<Argument>,
    /// For a login: the index of its way to log in.
    pub login: Option<usize>,
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.arguments.iter().map(|argument| argument.name.as_ref()).collect();
        formatter.debug_struct("Call").field("method", &self.method.name).field("arguments", &names).finish()
    }
}

impl Call {
    /// A text that is equal for calls with the same method and parameters, in any order. It is part of cache keys.
    pub fn canonical(&self) -> String {
        let mut arguments: Vec<&Argument> = self.arguments.iter().collect();
        arguments.sort_by(|one, other| (&one.name, &one.value).cmp(&(&other.name, &other.value)));
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(arguments.iter().map(|argument| (&argument.name, &argument.value)));
        form.finish()
    }

    /// Creates a call without parameters.
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

/// The index of a timestamp form in a vendor's pack.
pub type TimeFormIndex = usize;

/// The gateway's time and the nonce that make one attempt unique. They are inputs, so that encoding and signing stay
/// pure and every retry is signed again.
#[derive(Clone, Debug)]
pub struct TimestampAndNonce {
    /// The gateway's time, in whole seconds.
    pub time: Timestamp,
    /// The nonce, sent and signed if there is one.
    pub nonce: Option<String>,
    /// How `time` is written.
    pub form: TimeFormIndex,
}

/// An encoded and signed request. The body is encoded once, from the very values that were signed.
#[derive(Clone)]
pub struct SignedRequest {
    /// `GET` or `POST`.
    pub http: HttpMethod,
    /// The address with its query.
    pub url: String,
    /// The media type of the body; `None` when there is no body.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: Bytes,
    /// Headers with signatures, keys and tokens.
    pub headers: Vec<(String, SecretString)>,
}

impl SignedRequest {
    /// Everything in the request that a gateway could echo.
    pub fn sent(&self) -> Bytes {
        let query = self.url.split_once('?').map(|(_, query)| query);
        if query.is_none() && self.headers.is_empty() {
            return self.body.clone();
        }
        let headers = self.headers.iter().map(|(_, value)| value.expose_secret().as_bytes());
        let parts = [&self.body[..], query.unwrap_or_default().as_bytes()].into_iter().chain(headers);
        parts.collect::<Vec<_>>().join(&b'\n').into()
    }

    /// The request for a method that has no endpoint; it is never sent.
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

named! {
    /// The HTTP method of calls.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum HttpMethod {
        /// `POST`.
        Post = "POST",
        /// `GET`.
        Get = "GET",
    }
}

choices!(HttpMethod { "POST" => Post, "GET" => Get } else "calls are sent by POST or GET");

/// The result of a login.
#[derive(Debug)]
pub struct LoginAnswer {
    /// The token.
    pub token: SecretString,
    /// When the token expires.
    pub ends: TokenExpiryHint,
}

/// The expiry of a token, as far as the gateway states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenExpiryHint {
    /// Not stated.
    Unknown,
    /// At this time of the gateway's clock.
    At(Timestamp),
    /// After this time.
    After(std::time::Duration),
}

/// The signed text of one call with the secret masked, to be compared with the output of the vendor's tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The text that the first digest covers, with `********` for the secret.
    pub signed_text: String,
    /// The signature.
    pub signature: String,
}

/// How the text that a gateway signed differs from ours. It holds no part of either text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedTextDifference {
    /// The texts are equal, so the secrets differ.
    None,
    /// The first difference is at this parameter of ours.
    Parameter(String),
    /// The gateway signed something more after this parameter of ours: its value is longer there, or another parameter
    /// follows.
    Behind(String),
    /// The gateway signed something more at the end.
    SomethingMore,
}
