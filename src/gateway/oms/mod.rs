//! The ShopeX OMS dialect: system parameters, doubled MD5, one door, envelopes in many shapes.
//! Facts from the vendor's shop page and its published server; the methods we use stand in `methods.rs`.

mod difference;
mod envelope;
pub mod methods;
mod settings;
pub mod sign;

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::dialect::{Answer, Call, Dialect, Difference, Explanation, SignedRequest, Stamp, TimestampForm};
use super::error::Refusal;
use super::parameters::{Parameter, form_encoded, sort};
use super::vendor::Gateway;

pub use settings::{CodeParameter, OmsSettings, TimestampChoice};

/// The dialect bound to one flag and token.
#[derive(Debug)]
pub struct Oms {
    settings: OmsSettings,
}

impl Oms {
    /// Binds the dialect to a flag and its token.
    pub const fn new(settings: OmsSettings) -> Self {
        Self { settings }
    }

    /// System and business parameters in signing order, without the signature.
    fn parameters<'a>(&'a self, call: &'a Call, stamp: &'a Stamp) -> Vec<Parameter<'a>> {
        let mut parameters: Vec<Parameter<'a>> = Vec::with_capacity(call.parameters.len() + 8);
        let mut add = |name: &'a str, value: Cow<'a, str>| parameters.push((Cow::Borrowed(name), value));
        add("flag", self.settings.flag.as_str().into());
        add("method", call.method.name.as_ref().into());
        add("ver", call.method.version.as_ref().into());
        add("charset", "utf-8".into());
        add("type", "json".into());
        add("timestamp", self.timestamp(stamp.time, stamp.form).into());
        if let Some(nonce) = &stamp.nonce {
            add("nonce", nonce.as_str().into());
        }
        for (name, value) in &call.parameters {
            add(name, value.as_str().into());
        }
        sort(&mut parameters);
        parameters
    }

    fn timestamp(&self, time: Timestamp, form: TimestampForm) -> String {
        match form {
            TimestampForm::Unix => time.as_second().to_string(),
            TimestampForm::Compact => {
                time.to_zoned(self.settings.time_zone.clone()).strftime("%Y%m%d%H%M%S").to_string()
            }
        }
    }
}

impl Dialect for Oms {
    fn gateway(&self) -> Gateway {
        Gateway::Oms
    }

    fn encode(&self, call: &Call, stamp: &Stamp, _login: Option<&SecretString>) -> SignedRequest {
        let mut parameters = self.parameters(call, stamp);
        let signature = sign::sign(&parameters, self.settings.token.expose_secret());
        parameters.push((Cow::Borrowed("sign"), Cow::Owned(signature)));
        SignedRequest { url: self.settings.url.clone(), body: form_encoded(&parameters).into(), login: None }
    }

    fn secrets(&self) -> Vec<&SecretString> {
        vec![&self.settings.token]
    }

    /// The token is appended to the digest of this string, not to the string, so nothing needs masking.
    fn explain(&self, call: &Call, stamp: &Stamp) -> Explanation {
        let parameters = self.parameters(call, stamp);
        Explanation {
            signed_string: sign::assembled_string(&parameters),
            signature: sign::sign(&parameters, self.settings.token.expose_secret()),
        }
    }

    fn signed_otherwise(&self, call: &Call, stamp: &Stamp, answer: &[u8]) -> Option<Difference> {
        difference::find(&self.parameters(call, stamp), answer)
    }

    fn clean(&self, body: Bytes) -> Bytes {
        envelope::escape_texts(body)
    }

    fn decode<'a>(&self, body: &'a [u8]) -> Result<Answer<'a>, Refusal> {
        envelope::decode(body)
    }
}
