//! Writes one call: fills in every value, signs them, and builds the request that is sent.

use std::borrow::Cow;

use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};

use super::bound::Endpoint;
use super::call::{Argument, Call, SignedRequest, TimestampAndNonce};
use super::encoding::{Carrier, Carriers, JsonObject, form_encoded, path_encoded};
use super::signing::{SentIn, Signing, Values, WireParameter, sort};
use super::template::{Template, TemplatePart, Variable};
use crate::gateway::vendor::Vendor;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json; charset=utf-8";

/// A call that is being written.
pub(super) struct Writing<'a> {
    endpoint: &'a Endpoint,
    call: &'a Call,
    stamp: &'a TimestampAndNonce,
    timestamp: String,
    token: Option<&'a SecretString>,
    url: String,
    /// The parameters that may take part in the signature: those of every call, and those of the method unless they are
    /// the body.
    signed: Vec<WireParameter<'a>>,
    headers: Vec<(String, String)>,
    /// The JSON body without the signature, or nothing.
    body: Bytes,
    carriers: Carriers<'a>,
    is_bare: bool,
    /// The parameter that holds the signature.
    signature: Option<WireParameter<'a>>,
}

impl<'a> Writing<'a> {
    /// Writes everything except the signature.
    pub(super) fn of(
        vendor: Vendor,
        endpoint: &'a Endpoint,
        call: &'a Call,
        stamp: &'a TimestampAndNonce,
        timestamp: String,
        token: Option<&'a SecretString>,
    ) -> Self {
        let login = call.login.and_then(|place| vendor.pack().login.as_ref()?.calls.get(place));
        let path_of_login = call.login.and_then(|place| endpoint.login_paths.get(place)?.as_ref());
        let mut writing = Self {
            endpoint,
            call,
            stamp,
            timestamp,
            token,
            url: endpoint.url.clone(),
            signed: Vec::with_capacity(call.arguments.len() + endpoint.parameters.len() + 2),
            headers: Vec::new(),
            body: Bytes::new(),
            carriers: vendor.pack().call.carriers(call.method.http, login),
            is_bare: login.is_some_and(|login| login.is_bare),
            signature: None,
        };
        if let Some(path) = path_of_login.or(endpoint.path.as_ref()) {
            // The path begins with the one slash between the two; the address may end with one, too.
            writing.url.truncate(endpoint.url.trim_end_matches('/').len());
            let path = path.text(|variable| path_encoded(&writing.text(variable)).into());
            writing.url.push_str(&path);
        }
        writing.write();
        writing
    }

    /// Adds the signature, unless the call is sent without one.
    pub(super) fn signed(mut self) -> SignedRequest {
        if let Some(signing) = self.endpoint.signing.as_ref().filter(|_| !self.is_bare) {
            let signature = self.sign(signing);
            match &signing.place {
                SentIn::Header(name) => self.headers.push((name.clone(), signature)),
                SentIn::Parameter(name) => self.signature = Some((Cow::Borrowed(name), Cow::Owned(signature))),
            }
        }
        self.finish()
    }

    /// The parameters that take part in the signature, in their order.
    pub(super) fn pairs(&self, signing: &Signing) -> Vec<&WireParameter<'a>> {
        signing.pairs(&self.signed)
    }

    /// Computes the signature.
    pub(super) fn sign(&self, signing: &Signing) -> String {
        signing.sign(&self.pairs(signing), self)
    }

    /// Fills in every value except the signature.
    fn write(&mut self) {
        let (endpoint, is_bare, carriers) = (self.endpoint, self.is_bare, self.carriers);
        let has_token = self.token.is_some();
        let of_token = |templates: &'a [(String, Template)]| if has_token { templates } else { &[] };
        if !is_bare {
            let of_login = of_token(&endpoint.token_parameters);
            for (name, template) in endpoint.parameters.iter().chain(of_login) {
                if let Some(value) = self.value_of(template) {
                    self.signed.push((Cow::Borrowed(name), value));
                }
            }
            let of_login = of_token(&endpoint.token_headers);
            for (name, template) in endpoint.headers.iter().chain(of_login) {
                // A header may hold the signature, which does not exist yet.
                if let Some(value) = self.value_of(template) {
                    let value = value.into_owned();
                    self.headers.push((name.clone(), value));
                }
            }
        }
        match carriers.json_in {
            None => {
                let arguments = self.call.arguments.iter().filter(|argument| !carriers.is_in_body(&argument.name));
                self.signed.extend(
                    arguments.map(|Argument { name, value, .. }| {
                        (Cow::Borrowed(name.as_ref()), Cow::Borrowed(value.as_str()))
                    }),
                );
            }
            Some(name) => {
                let mut object = JsonObject::default();
                self.call.arguments.iter().for_each(|argument| object.argument(argument));
                let json = object.written(false, carriers.json_is_sorted);
                self.signed.push((Cow::Borrowed(name), Cow::Owned(json)));
            }
        }
        sort(&mut self.signed);
        if carriers.has_body() {
            self.body = self.json_body().written(carriers.json_is_list, carriers.json_is_sorted).into();
        }
        if let Some(name) = self.body_as().filter(|_| carriers.has_body()) {
            let body = String::from_utf8(self.body.to_vec()).unwrap_or_default();
            self.signed.push((Cow::Borrowed(name), Cow::Owned(body)));
        }
    }

    fn json_body(&self) -> JsonObject<'_> {
        let mut object = JsonObject::default();
        if self.carriers.system == Carrier::Json {
            self.sent().for_each(|(name, value)| object.text(name, value));
        }
        let in_body = self.call.arguments.iter().filter(|argument| self.carriers.is_in_body(&argument.name));
        in_body.for_each(|argument| object.argument(argument));
        object
    }

    /// The parameters that are sent. A body that takes part in the signature under a name is not among them.
    fn sent(&self) -> impl Iterator<Item = &WireParameter<'a>> {
        let body = self.body_as();
        self.signed.iter().filter(move |(name, _)| Some(name.as_ref()) != body)
    }

    /// The name under which the body takes part in the signature.
    fn body_as(&self) -> Option<&'a str> {
        self.endpoint.signing.as_ref()?.body_as.as_deref()
    }

    fn finish(mut self) -> SignedRequest {
        let (url, headers) = (std::mem::take(&mut self.url), std::mem::take(&mut self.headers));
        let Carriers { system, json_is_list, json_is_sorted, .. } = self.carriers;
        let signature = self.signature.take();
        let mut request = SignedRequest {
            http: self.call.method.http,
            url,
            content_type: None,
            body: Bytes::new(),
            headers: headers.into_iter().map(|(name, value)| (name, value.into())).collect(),
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
                    object.written(json_is_list, json_is_sorted).into()
                }
                _ => self.body.clone(),
            };
        }
        request
    }

    /// The value of a parameter or header; `None` when its nonce or token does not exist.
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
            [TemplatePart::Literal(text)] => Cow::Borrowed(text.as_str()),
            [TemplatePart::Variable(Variable::Method)] => Cow::Borrowed(self.call.method.name.as_ref()),
            [TemplatePart::Variable(Variable::Version)] => Cow::Borrowed(self.call.method.version.as_ref()),
            [TemplatePart::Variable(Variable::Nonce)] => Cow::Borrowed(self.stamp.nonce.as_deref().unwrap_or_default()),
            _ => Cow::Owned(template.text(|variable| self.text(variable))),
        })
    }
}

impl Values for Writing<'_> {
    fn text(&self, variable: &Variable) -> Cow<'_, str> {
        let nothing = Cow::Borrowed("");
        match variable {
            Variable::Secret => Cow::Borrowed(self.endpoint.secret.expose_secret()),
            Variable::Method => Cow::Borrowed(self.call.method.name.as_ref()),
            Variable::MethodPath => Cow::Owned(self.call.method.name.replace('.', "/")),
            Variable::Version => Cow::Borrowed(self.call.method.version.as_ref()),
            Variable::Http => Cow::Borrowed(self.call.method.http.name()),
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
            // Whatever is no secret was resolved before.
            Variable::Credential(name) => {
                let sent = self.endpoint.sent_secrets.iter().find(|(own, _)| own == name);
                sent.map_or(nothing, |(_, secret)| Cow::Borrowed(secret.expose_secret()))
            }
            // These were resolved before, or the signing itself fills them in.
            Variable::Pairs
            | Variable::Stage(_)
            | Variable::Login(..)
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
