//! The OPRetail (万店掌) dialect: system parameters, signature, doors, envelope, user login.
//! Facts from the vendor's pages and SDKs; the methods we use stand in `methods.rs`.

mod envelope;
mod login;
pub mod methods;
mod settings;
pub mod sign;

use std::borrow::Cow;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::dialect::{Answer, Call, Dialect, Door, Explanation, LoginAnswer, SignedRequest, Stamp};
use super::error::Refusal;
use super::parameters::{Parameter, form_encoded, sort};
use super::vendor::Gateway;

pub use login::{LoginMethod, LoginSettings};
pub use settings::OpRetailSettings;

const MASK: &str = "********";

/// The dialect bound to one key.
#[derive(Debug)]
pub struct OpRetail {
    settings: OpRetailSettings,
}

impl OpRetail {
    /// Binds the dialect to a key.
    pub const fn new(settings: OpRetailSettings) -> Self {
        Self { settings }
    }

    /// System and business parameters in signing order, without the signature.
    fn parameters<'a>(&'a self, call: &'a Call, stamp: &'a Stamp) -> Vec<Parameter<'a>> {
        let settings = &self.settings;
        let mut parameters: Vec<Parameter<'a>> = Vec::with_capacity(call.parameters.len() + 9);
        let mut add = |name: &'a str, value: Cow<'a, str>| parameters.push((Cow::Borrowed(name), value));
        add("_aid", settings.system.as_str().into());
        add("_akey", settings.key.as_str().into());
        add("_mt", call.method.name.as_ref().into());
        add("_requestMode", "POST".into());
        add("_sm", settings.sign_method.wire_name().into());
        add("_timestamp", self.compact(stamp.time).into());
        add("_version", call.method.version.as_ref().into());
        if let Some(nonce) = &stamp.nonce {
            add("_nonce", nonce.as_str().into());
        }
        for (name, value) in &call.parameters {
            add(name, value.as_str().into());
        }
        sort(&mut parameters);
        parameters
    }

    fn compact(&self, time: Timestamp) -> String {
        compact(time, &self.settings.time_zone)
    }
}

/// `yyyyMMddHHmmss` in the gateway's time zone.
fn compact(time: Timestamp, zone: &jiff::tz::TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y%m%d%H%M%S").to_string()
}

impl Dialect for OpRetail {
    fn gateway(&self) -> Gateway {
        Gateway::OpRetail
    }

    fn encode(&self, call: &Call, stamp: &Stamp, login: Option<&SecretString>) -> SignedRequest {
        let mut parameters = self.parameters(call, stamp);
        let signature = sign::sign(&parameters, self.settings.secret.expose_secret(), self.settings.sign_method);
        parameters.push((Cow::Borrowed("_sig"), Cow::Owned(signature)));
        let url = match call.method.door {
            Door::CloudApi => &self.settings.cloud_api,
            Door::MApi | Door::Rpc => &self.settings.m_api,
        };
        let login = login.map(|token| (login::header_at(call.method.door), token.clone()));
        SignedRequest { url: url.clone(), body: form_encoded(&parameters).into(), login }
    }

    fn explain(&self, call: &Call, stamp: &Stamp) -> Explanation {
        let parameters = self.parameters(call, stamp);
        let secret = self.settings.secret.expose_secret();
        Explanation {
            signed_string: sign::signed_string(&parameters, MASK),
            signature: sign::sign(&parameters, secret, self.settings.sign_method),
        }
    }

    fn secrets(&self) -> Vec<&SecretString> {
        let password = self.settings.login.as_ref().map(|login| &login.password);
        std::iter::once(&self.settings.secret).chain(password).collect()
    }

    fn login_for(&self, call: &Call) -> Option<Call> {
        let settings = self.settings.login.as_ref()?;
        login::is_needed_for(&call.method).then(|| settings.call())
    }

    fn read_login(&self, data: &str) -> Option<LoginAnswer> {
        login::read_answer(data, &self.settings.time_zone)
    }

    fn has_login(&self) -> bool {
        self.settings.login.is_some()
    }

    fn decode<'a>(&self, body: &'a [u8]) -> Result<Answer<'a>, Refusal> {
        envelope::decode(body)
    }
}
