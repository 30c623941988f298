//! A vendor's protocol bound to one account: everything that the configuration says is in its place.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret as _, SecretString};

use super::call::{Argument, Call, Difference, Explanation, LoginAnswer, Method, SignedRequest, Stamp};
use super::encoding::{BusinessCarrier, Carrier, JsonObject, form_encoded};
use super::envelope::Answer;
use super::signing::{Parameter, Place, Signing, Values, sort};
use super::template::{Part, Template, Variable};
use super::{difference, unescaped_texts};
use crate::gateway::account_settings::{AccountSettings, Credential, WhichSecret};
use crate::gateway::error::Refusal;
use crate::gateway::vendor::Vendor;

const MASK: &str = "********";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json; charset=utf-8";

/// A vendor's protocol, bound to the credentials of one account.
#[derive(Debug)]
pub struct Protocol {
    vendor: Vendor,
    zone: TimeZone,
    endpoints: Vec<Endpoint>,
    login: Option<Call>,
    secrets: Vec<SecretString>,
    settings: AccountSettings,
}

/// How one endpoint is called.
#[derive(Debug)]
struct Endpoint {
    url: String,
    secret: SecretString,
    parameters: Vec<(String, Template)>,
    headers: Vec<(String, Template)>,
    path: Option<Template>,
    signing: Signing,
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
            secrets: settings.secrets(which),
            settings: settings.clone(),
        }
    }

    /// The same with other values of parameters that every call has, as a vector may say.
    #[must_use]
    pub fn with_parameters(mut self, values: &BTreeMap<String, String>) -> Self {
        for (name, template) in self.endpoints.iter_mut().flat_map(|endpoint| &mut endpoint.parameters) {
            if let Some(value) = values.get(name) {
                *template = Template(vec![Part::Literal(value.clone())]);
            }
        }
        self
    }

    /// Whose protocol this is.
    pub const fn vendor(&self) -> Vendor {
        self.vendor
    }

    /// What the gateway must not get past us, even when it repeats it.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.secrets.iter()
    }

    /// Encodes and signs one call. `token` is what a login gave, for a call that needs one.
    pub fn encode(&self, call: &Call, stamp: &Stamp, token: Option<&SecretString>) -> SignedRequest {
        let Some(endpoint) = self.endpoint_of(&call.method) else { return SignedRequest::nowhere() };
        let mut writing = self.writing(endpoint, call, stamp, token);
        if !writing.is_bare {
            let signature = writing.sign();
            writing.place(signature);
        }
        writing.finish()
    }

    /// Shows what [`Self::encode`] would sign.
    pub fn explain(&self, call: &Call, stamp: &Stamp) -> Explanation {
        let Some(endpoint) = self.endpoint_of(&call.method) else {
            return Explanation { signed_text: String::new(), signature: String::new() };
        };
        let writing = self.writing(endpoint, call, stamp, None);
        let pairs = endpoint.signing.pairs(&writing.signed);
        let signed_text = endpoint.signing.explain(&pairs, &writing, MASK);
        Explanation { signed_text, signature: writing.sign() }
    }

    /// The call that logs in, if this call needs a token and a login is configured.
    pub fn login_for(&self, call: &Call) -> Option<&Call> {
        let login = self.vendor.pack().login.as_ref()?;
        self.login.as_ref().filter(|_| login.is_needed_by(&call.method.name))
    }

    /// Whether a login is configured.
    pub const fn has_login(&self) -> bool {
        self.login.is_some()
    }

    /// Reads what the login gave; `None` when there is no token in it.
    pub fn read_login(&self, data: &str) -> Option<LoginAnswer> {
        self.vendor.pack().login.as_ref()?.answer.read(data, &self.zone)
    }

    /// What the gateway signed otherwise than we did, when its refusal shows that.
    pub fn signed_otherwise(&self, call: &Call, stamp: &Stamp, answer: &[u8]) -> Option<Difference> {
        let member = self.vendor.pack().answer.signed_text.as_ref()?;
        let endpoint = self.endpoint_of(&call.method)?;
        let writing = self.writing(endpoint, call, stamp, None);
        difference::find(&endpoint.signing.pairs(&writing.signed), answer, member)
    }

    /// Repairs what this vendor is known to break in its JSON, before the envelope is read.
    pub fn repaired(&self, body: Bytes) -> Bytes {
        if self.vendor.pack().answer.has_unescaped_texts { unescaped_texts::escaped(body) } else { body }
    }

    /// Reads the envelope: data, or a refusal with its kind decided.
    ///
    /// # Errors
    /// The gateway said no, or its answer cannot be read.
    pub fn decode<'a>(&self, body: &'a [u8]) -> Result<Answer<'a>, Refusal> {
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
        stamp: &'a Stamp,
        token: Option<&'a SecretString>,
    ) -> Writing<'a> {
        let login = call.login.and_then(|place| self.vendor.pack().login.as_ref()?.calls.get(place));
        let mut writing = Writing {
            vendor: self.vendor,
            endpoint,
            call,
            stamp,
            timestamp: self.timestamp(stamp),
            token,
            url: endpoint.url.clone(),
            signed: Vec::with_capacity(call.arguments.len() + endpoint.parameters.len() + 2),
            headers: Vec::new(),
            body: Bytes::new(),
            is_bare: login.is_some_and(|login| login.is_bare),
            signature: None,
        };
        let path = login.and_then(|login| login.path.as_ref()).or(endpoint.path.as_ref());
        if let Some(path) = path {
            let path = writing.text_of(path).into_owned();
            writing.url.push_str(&path);
        }
        writing.write();
        writing
    }

    fn timestamp(&self, stamp: &Stamp) -> String {
        let forms = &self.vendor.pack().time.forms;
        forms.get(stamp.form).map(|(_, form)| form.write(stamp.time, &self.zone)).unwrap_or_default()
    }
}

impl Endpoint {
    fn new(vendor: Vendor, url: &str, credential: &Credential, which: WhichSecret) -> Self {
        let pack = vendor.pack();
        let known = |variable: &Variable| match variable {
            Variable::Credential(name) => credential.plain(vendor, name),
            Variable::Http => Some(pack.call.http.name().to_owned()),
            _ => None,
        };
        let bind = |templates: &[(String, Template)]| -> Vec<(String, Template)> {
            templates.iter().map(|(name, template)| (name.clone(), template.with(known))).collect()
        };
        Self {
            url: url.to_owned(),
            secret: credential.secret(vendor, which),
            parameters: bind(&pack.call.parameters),
            headers: bind(&pack.call.headers),
            path: pack.call.path.as_ref().map(|path| path.with(known)),
            signing: pack.signing.with(known),
        }
    }
}

/// One call while it is written.
struct Writing<'a> {
    vendor: Vendor,
    endpoint: &'a Endpoint,
    call: &'a Call,
    stamp: &'a Stamp,
    timestamp: String,
    token: Option<&'a SecretString>,
    url: String,
    /// What may take part in the signature: the parameters of every call, and those of the method unless they are the body.
    signed: Vec<Parameter<'a>>,
    headers: Vec<(String, String)>,
    /// The JSON body without the signature, if there is one.
    body: Bytes,
    is_bare: bool,
    signature: Option<String>,
}

impl<'a> Writing<'a> {
    /// Puts every value in its place, but for the signature.
    fn write(&mut self) {
        let form = &self.vendor.pack().call;
        let endpoint = self.endpoint;
        let token = self.vendor.pack().login.as_ref().filter(|_| self.token.is_some());
        if !self.is_bare {
            let of_login = token.map(|login| login.parameters.as_slice()).unwrap_or_default();
            for (name, template) in endpoint.parameters.iter().chain(of_login) {
                if let Some(value) = self.value_of(template) {
                    self.signed.push((Cow::Borrowed(name), value));
                }
            }
            let of_login = token.map(|login| login.headers.as_slice()).unwrap_or_default();
            for (name, template) in endpoint.headers.iter().chain(of_login) {
                // A header may hold the signature, which is not there yet.
                if let Some(value) = self.value_of(template) {
                    let value = value.into_owned();
                    self.headers.push((name.clone(), value));
                }
            }
        }
        match &form.business {
            BusinessCarrier::Each(Carrier::Json) => {}
            BusinessCarrier::Each(_) => {
                let arguments = self.call.arguments.iter();
                self.signed.extend(
                    arguments.map(|Argument { name, value, .. }| {
                        (Cow::Borrowed(name.as_ref()), Cow::Borrowed(value.as_str()))
                    }),
                );
            }
            BusinessCarrier::JsonIn(name) => {
                let mut object = JsonObject::default();
                self.call.arguments.iter().for_each(|argument| object.argument(argument));
                let json = String::from_utf8(object.closed().to_vec()).unwrap_or_default();
                self.signed.push((Cow::Borrowed(name), Cow::Owned(json)));
            }
        }
        sort(&mut self.signed);
        if form.has_json_body() || form.system == Carrier::Json {
            self.body = self.json_body().closed();
        }
        if let Some(name) = self.endpoint.signing.body_as.as_ref() {
            let body = String::from_utf8(self.body.to_vec()).unwrap_or_default();
            self.signed.push((Cow::Borrowed(name), Cow::Owned(body)));
        }
    }

    fn json_body(&self) -> JsonObject {
        let form = &self.vendor.pack().call;
        let mut object = JsonObject::default();
        if form.system == Carrier::Json {
            self.sent().for_each(|(name, value)| object.text(name, value));
        }
        if form.has_json_body() {
            self.call.arguments.iter().for_each(|argument| object.argument(argument));
        }
        object
    }

    /// What is sent as parameters: not the body that takes part in the signature under a name.
    fn sent(&self) -> impl Iterator<Item = &Parameter<'a>> {
        let body = self.endpoint.signing.body_as.as_deref();
        self.signed.iter().filter(move |(name, _)| Some(name.as_ref()) != body)
    }

    fn sign(&self) -> String {
        let pairs = self.endpoint.signing.pairs(&self.signed);
        self.endpoint.signing.sign(&pairs, self)
    }

    fn place(&mut self, signature: String) {
        match &self.endpoint.signing.place {
            Place::Header(name) => self.headers.push((name.clone(), signature)),
            Place::Parameter(_) => self.signature = Some(signature),
        }
    }

    fn finish(self) -> SignedRequest {
        let form = &self.vendor.pack().call;
        let system = if self.is_bare { form.business.carrier(form.system) } else { form.system };
        let place = match &self.endpoint.signing.place {
            Place::Parameter(name) => name.as_str(),
            Place::Header(_) => "",
        };
        let signature: Option<Parameter<'_>> =
            self.signature.as_ref().map(|signature| (Cow::Borrowed(place), Cow::Borrowed(signature.as_str())));
        let mut request = SignedRequest {
            http: form.http,
            url: self.url.clone(),
            content_type: None,
            body: Bytes::new(),
            headers: self.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect(),
        };
        match system {
            Carrier::Form => {
                request.content_type = Some(FORM);
                request.body = form_encoded(self.sent().chain(&signature)).into();
            }
            Carrier::Query => {
                let query = form_encoded(self.sent().chain(&signature));
                if !query.is_empty() {
                    request.url.push('?');
                    request.url.push_str(&query);
                }
            }
            Carrier::Json => {}
        }
        if !self.body.is_empty() {
            request.content_type = Some(JSON);
            request.body = match &signature {
                Some((name, value)) if system == Carrier::Json => {
                    let mut object = self.json_body();
                    object.text(name, value);
                    object.closed()
                }
                _ => self.body.clone(),
            };
        }
        request
    }

    /// The value of a parameter or header; `None` when it has a nonce or a token, and there is none.
    fn value_of(&self, template: &'a Template) -> Option<Cow<'a, str>> {
        let lacks = |variable: &Variable| match variable {
            Variable::Nonce => self.stamp.nonce.is_none(),
            Variable::Token => self.token.is_none(),
            _ => false,
        };
        if template.variables().any(lacks) {
            return None;
        }
        Some(match template.0.as_slice() {
            [Part::Literal(text)] => Cow::Borrowed(text.as_str()),
            [Part::Variable(Variable::Method)] => Cow::Borrowed(self.call.method.name.as_ref()),
            [Part::Variable(Variable::Version)] => Cow::Borrowed(self.call.method.version.as_ref()),
            [Part::Variable(Variable::Nonce)] => Cow::Borrowed(self.stamp.nonce.as_deref().unwrap_or_default()),
            _ => Cow::Owned(self.text_of(template).into_owned()),
        })
    }

    fn text_of(&self, template: &Template) -> Cow<'_, str> {
        let mut text = String::new();
        for part in &template.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable(variable) => text.push_str(&self.text(variable)),
            }
        }
        Cow::Owned(text)
    }
}

impl Values for Writing<'_> {
    fn text(&self, variable: &Variable) -> Cow<'_, str> {
        let nothing = Cow::Borrowed("");
        match variable {
            Variable::Secret => Cow::Borrowed(self.endpoint.secret.expose_secret()),
            Variable::Method => Cow::Borrowed(self.call.method.name.as_ref()),
            Variable::Version => Cow::Borrowed(self.call.method.version.as_ref()),
            Variable::Timestamp => Cow::Borrowed(self.timestamp.as_str()),
            Variable::Nonce => self.stamp.nonce.as_deref().map_or(nothing, Cow::Borrowed),
            Variable::Token => self.token.map_or(nothing, |token| Cow::Borrowed(token.expose_secret())),
            Variable::Url => Cow::Borrowed(self.url.as_str()),
            Variable::Path => Cow::Borrowed(path_of(&self.url)),
            Variable::Body => Cow::Borrowed(std::str::from_utf8(&self.body).unwrap_or_default()),
            Variable::Parameter(name) => {
                let signed =
                    self.signed.iter().find(|(own, _)| own == name).map(|(_, value)| Cow::Borrowed(value.as_ref()));
                let argument = || self.call.arguments.iter().find(|argument| argument.name == *name);
                signed.or_else(|| Some(Cow::Borrowed(argument()?.value.as_str()))).unwrap_or(nothing)
            }
            Variable::Header(name) => {
                let header = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
                header.map_or(nothing, |(_, value)| Cow::Borrowed(value.as_str()))
            }
            // Bound before, or the signing's own.
            Variable::Pairs
            | Variable::Stage(_)
            | Variable::Credential(_)
            | Variable::Login(..)
            | Variable::Http
            | Variable::Option(_)
            | Variable::Store
            | Variable::Today => nothing,
        }
    }
}

/// The path of an address.
fn path_of(url: &str) -> &str {
    let behind_scheme = url.split_once("://").map_or(url, |(_, behind)| behind);
    behind_scheme.find('/').and_then(|place| behind_scheme.get(place..)).unwrap_or("/")
}
