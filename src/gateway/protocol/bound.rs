//! A vendor's protocol bound to one account, with everything that the configuration says in its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret as _, SecretString};

use super::call::{Call, Explanation, LoginAnswer, Method, SignedRequest, SignedTextDifference, TimestampAndNonce};
use super::encoding::path_encoded;
use super::envelope::DecodedAnswer;
use super::signing::Signing;
use super::template::{Template, TemplatePart, Variable};
use super::writing::Writing;
use super::{difference, unescaped_texts};
use crate::gateway::account_settings::AccountSettings;
use crate::gateway::credential::{Credential, WhichSecret};
use crate::gateway::error::GatewayRefusal;
use crate::gateway::login::LoginToken;
use crate::gateway::vendor::Vendor;

const MASK: &str = "********";

/// A vendor's protocol, bound to the credentials of one account.
#[derive(Debug)]
pub struct Protocol {
    vendor: Vendor,
    zone: TimeZone,
    endpoints: Vec<Endpoint>,
    login: Option<Call>,
    given_token: Option<Arc<LoginToken>>,
    secrets: Vec<SecretString>,
    settings: AccountSettings,
}

/// How one endpoint is called.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) secret: SecretString,
    /// The secrets that every call carries, by the names of their fields.
    pub(super) sent_secrets: Vec<(String, SecretString)>,
    pub(super) parameters: Vec<(String, Template)>,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) path: Option<Template>,
    /// The paths of the calls that log in, in the order of the pack; `None` for one without a path of its own.
    pub(super) login_paths: Vec<Option<Template>>,
    /// The parameters that carry the login token.
    pub(super) token_parameters: Vec<(String, Template)>,
    pub(super) token_headers: Vec<(String, Template)>,
    pub(super) signing: Option<Signing>,
}

impl Protocol {
    /// Binds a vendor's protocol to an account, with one of its secrets.
    pub fn new(settings: &AccountSettings, which: WhichSecret) -> Self {
        let vendor = settings.vendor;
        let endpoint = |(place, url): (usize, &String)| Endpoint::new(vendor, url, settings.credential(place), which);
        Self {
            vendor,
            zone: settings.time_zone.clone(),
            endpoints: settings.endpoints.iter().enumerate().map(endpoint).collect(),
            login: settings.login_call(),
            given_token: settings.token.as_ref().map(|token| Arc::new(LoginToken::given(token.expose().into()))),
            secrets: settings.secrets(which),
            settings: settings.clone(),
        }
    }

    /// Overrides values of the parameters that every call has, as a test vector may.
    #[must_use]
    pub fn with_parameters(mut self, values: &BTreeMap<String, String>) -> Self {
        for (name, template) in self.endpoints.iter_mut().flat_map(|endpoint| &mut endpoint.parameters) {
            if let Some(value) = values.get(name) {
                *template = Template(vec![TemplatePart::Literal(value.clone())]);
            }
        }
        self
    }

    /// The vendor whose protocol this is.
    pub const fn vendor(&self) -> Vendor {
        self.vendor
    }

    /// The secrets that must be redacted even when the gateway echoes them.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.secrets.iter()
    }

    /// Encodes and signs one call. `token` is the login token of a call that needs one.
    pub fn encode(&self, call: &Call, stamp: &TimestampAndNonce, token: Option<&SecretString>) -> SignedRequest {
        let Some(endpoint) = self.endpoint_of(&call.method) else { return SignedRequest::nowhere() };
        self.writing(endpoint, call, stamp, token).signed()
    }

    /// Explains what [`Self::encode`] would sign.
    pub fn explain(&self, call: &Call, stamp: &TimestampAndNonce, token: Option<&SecretString>) -> Explanation {
        let endpoint = self.endpoint_of(&call.method);
        let signing = endpoint.and_then(|endpoint| Some((endpoint, endpoint.signing.as_ref()?)));
        let Some((endpoint, signing)) = signing else {
            return Explanation { signed_text: String::new(), signature: String::new() };
        };
        let writing = self.writing(endpoint, call, stamp, token);
        let mut signed_text = signing.explain(&writing.pairs(signing), &writing, MASK);
        for (_, secret) in &endpoint.sent_secrets {
            signed_text = signed_text.replace(secret.expose_secret(), MASK);
        }
        Explanation { signed_text, signature: writing.sign(signing) }
    }

    /// The call that logs in, if this call needs a token and a login is configured.
    pub fn login_for(&self, call: &Call) -> Option<&Call> {
        self.login.as_ref().filter(|_| self.needs_token(call))
    }

    /// The token of this call, if it needs one and another program renews it.
    pub fn given_token(&self, call: &Call) -> Option<&Arc<LoginToken>> {
        self.given_token.as_ref().filter(|_| self.needs_token(call))
    }

    fn needs_token(&self, call: &Call) -> bool {
        self.vendor.pack().login.as_ref().is_some_and(|login| login.is_needed_by(&call.method.name))
    }

    /// The index of the endpoint at which a method is called.
    pub fn place_of(&self, method: &Method) -> usize {
        self.settings.endpoint_of(method)
    }

    /// Whether the endpoint at this index has a credential of its own.
    pub fn has_own_credential(&self, place: usize) -> bool {
        self.settings.credential(place).is_own
    }

    /// Whether a login is configured.
    pub const fn has_login(&self) -> bool {
        self.login.is_some()
    }

    /// Reads a login's data; `None` when it holds no token.
    pub fn read_login(&self, data: &str) -> Option<LoginAnswer> {
        self.vendor.pack().login.as_ref()?.answer.read(data, &self.zone)
    }

    /// How the text that the gateway signed differs from ours, when its refusal shows that text.
    pub fn signed_otherwise(
        &self,
        call: &Call,
        stamp: &TimestampAndNonce,
        answer: &[u8],
    ) -> Option<SignedTextDifference> {
        let member = self.vendor.pack().answer.signed_text.as_ref()?;
        let endpoint = self.endpoint_of(&call.method)?;
        let writing = self.writing(endpoint, call, stamp, None);
        difference::find(&writing.pairs(endpoint.signing.as_ref()?), answer, member)
    }

    /// Repairs the JSON damage that this vendor is known for, before the envelope is read.
    pub fn repaired(&self, body: Bytes) -> Bytes {
        if self.vendor.pack().answer.has_unescaped_texts { unescaped_texts::escaped(body) } else { body }
    }

    /// Reads the envelope: data, or a refusal with its kind decided.
    ///
    /// # Errors
    /// The gateway refused the call, or its answer cannot be read.
    pub fn decode<'a>(&self, body: &'a [u8]) -> Result<DecodedAnswer<'a>, GatewayRefusal> {
        let pack = self.vendor.pack();
        pack.answer.read(body, &pack.codes, &self.zone)
    }

    fn endpoint_of(&self, method: &Method) -> Option<&Endpoint> {
        self.endpoints.get(self.settings.endpoint_of(method))
    }

    fn writing<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        call: &'a Call,
        stamp: &'a TimestampAndNonce,
        token: Option<&'a SecretString>,
    ) -> Writing<'a> {
        Writing::of(self.vendor, endpoint, call, stamp, self.timestamp(stamp), token)
    }

    fn timestamp(&self, stamp: &TimestampAndNonce) -> String {
        let forms = &self.vendor.pack().time.forms;
        forms.get(stamp.form).map(|(_, form)| form.write(stamp.time, &self.zone)).unwrap_or_default()
    }
}

impl Endpoint {
    fn new(vendor: Vendor, url: &str, credential: &Credential, which: WhichSecret) -> Self {
        let pack = vendor.pack();
        let known = |variable: &Variable| match variable {
            Variable::Credential(name) => credential.plain(vendor, name),
            _ => None,
        };
        let bind = |templates: &[(String, Template)]| -> Vec<(String, Template)> {
            templates.iter().map(|(name, template)| (name.clone(), template.with(known))).collect()
        };
        let bind_path = |path: &Template| path.with(|variable| known(variable).map(|text| path_encoded(&text)));
        let login = pack.login.as_ref();
        let login_paths = login.iter().flat_map(|login| &login.calls).map(|call| call.path.as_ref().map(bind_path));
        Self {
            url: url.to_owned(),
            login_paths: login_paths.collect(),
            token_parameters: login.map(|login| bind(&login.parameters)).unwrap_or_default(),
            token_headers: login.map(|login| bind(&login.headers)).unwrap_or_default(),
            secret: credential.secret(vendor, which),
            sent_secrets: credential.sent(vendor).collect(),
            parameters: bind(&pack.call.parameters),
            headers: bind(&pack.call.headers),
            path: pack.call.path.as_ref().map(bind_path),
            signing: pack.signing.as_ref().map(|signing| signing.with(known)),
        }
    }
}
