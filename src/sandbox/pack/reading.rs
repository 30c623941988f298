//! Reads a request back into named values, by the `[call]` of a pack: what the writing of a call does, backwards. It shares
//! no code with the writing, so that a mistake there becomes a refusal here.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::matching::{Captures, matched, matched_path};
use super::methods;
use crate::gateway::protocol::encoding::{BusinessCarrier, Carrier, path_encoded};
use crate::gateway::protocol::login::LoginCall;
use crate::gateway::protocol::signing::{SentIn, WireParameter, sort};
use crate::gateway::protocol::template::{Template, Variable};
use crate::gateway::vendor::Vendor;

/// A request as it arrives.
pub struct Request<'a> {
    /// `GET` or `POST`.
    pub http: &'a str,
    /// The address without its query.
    pub url: String,
    /// The path of the address.
    pub path: &'a str,
    /// The path behind the address of the endpoint.
    pub below: &'a str,
    /// The query.
    pub query: &'a str,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The media type of the body.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// A request that was read.
#[derive(Default)]
pub struct Received {
    pub http: String,
    pub url: String,
    pub path: String,
    /// The parameters that may be signed, sorted by name.
    pub parameters: Vec<WireParameter<'static>>,
    /// The parameters of the method, or of a login.
    pub arguments: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    /// The JSON body without the signature.
    pub body: String,
    /// The values of variables in parameters, headers and the path.
    pub captures: Captures,
    /// The index of the call that logs in, if this is one.
    pub login: Option<usize>,
    pub signature: Option<String>,
}

impl Received {
    /// Reads a request.
    pub fn read(vendor: Vendor, request: &Request<'_>) -> Self {
        let calls = vendor.pack().login.as_ref().map(|login| login.calls.as_slice()).unwrap_or_default();
        let logins = calls.iter().enumerate().filter_map(|(place, call)| {
            let read = Self::of(vendor, request, Some((place, call)))?;
            read.is_login(vendor, call).then_some(read)
        });
        logins.into_iter().next().or_else(|| Self::of(vendor, request, None)).unwrap_or_default()
    }

    /// The method, or an empty text.
    pub fn method(&self) -> &str {
        self.value(&Variable::Method).unwrap_or_default()
    }

    /// The value of a variable that was sent.
    pub fn value(&self, variable: &Variable) -> Option<&str> {
        self.captures.iter().find(|(own, _)| own == variable).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter of any kind.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let sent = self.parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_ref());
        sent.or_else(|| self.arguments.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str()))
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether this is the login that it was read as.
    fn is_login(&self, vendor: Vendor, call: &LoginCall) -> bool {
        let has_path = call.path.is_some() || vendor.pack().call.path.as_ref().is_some_and(has_method);
        let has_all = || call.parameters.iter().all(|(name, _)| self.parameter(name).is_some());
        self.method() == call.method && (has_path || !call.is_bare || has_all())
    }

    /// Reads a request as a call that logs in, or as any other; `None` where the path is of another call.
    fn of(vendor: Vendor, request: &Request<'_>, login: Option<(usize, &LoginCall)>) -> Option<Self> {
        let pack = vendor.pack();
        let is_bare = login.is_some_and(|(_, call)| call.is_bare);
        let mut read = Self {
            http: request.http.to_owned(),
            url: request.url.clone(),
            path: request.path.to_owned(),
            headers: request.headers.clone(),
            login: login.map(|(place, _)| place),
            ..Self::default()
        };
        let path = login.and_then(|(_, call)| call.path.as_ref()).or(pack.call.path.as_ref());
        read.captures = of_path(vendor, path, request.below, login.map(|(_, call)| call))?;
        read.read_parameters(vendor, request, login.map(|(_, call)| call));
        if is_bare {
            let method = login.map(|(_, call)| call.method.clone()).unwrap_or_default();
            read.captures.push((Variable::Method, method));
        }
        read.capture(vendor, login.map(|(_, call)| call));
        Some(read)
    }

    fn read_parameters(&mut self, vendor: Vendor, request: &Request<'_>, login: Option<&LoginCall>) {
        let pack = vendor.pack();
        let form = &pack.call;
        let bare = login.filter(|login| login.is_bare);
        let chosen = bare.and_then(|login| login.carrier);
        let is_get = request.http == "GET";
        let carrier = |carrier: Carrier| if is_get { Carrier::Query } else { carrier };
        let of_methods = form.business.carrier(form.system);
        let system = carrier(if bare.is_some() { chosen.unwrap_or(of_methods) } else { form.system });
        let own = carrier(of_methods);
        let object = object_of(request, form.json_is_list && chosen.is_none() && !is_get);
        let parameters: Vec<(String, String)> = match system {
            Carrier::Query => pairs(request.query.as_bytes()),
            Carrier::Form if request.content_type == "application/x-www-form-urlencoded" => pairs(request.body),
            Carrier::Form => Vec::new(),
            Carrier::Json => texts(&object),
        };
        let in_body = if own == Carrier::Json { texts(&object) } else { Vec::new() };
        if bare.is_some() {
            self.arguments = parameters;
            return;
        }
        let (of_every_call, others): (Vec<_>, Vec<_>) =
            parameters.into_iter().partition(|(name, _)| is_system(vendor, name));
        self.signature = match pack.signing.as_ref().map(|signing| &signing.place) {
            Some(SentIn::Parameter(name)) => {
                of_every_call.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
            }
            Some(SentIn::Header(name)) => self.header(name).map(str::to_owned),
            None => None,
        };
        self.arguments = match &form.business {
            BusinessCarrier::JsonIn(name) => of_json_in(&of_every_call, name),
            // Of a JSON body, only the parameters of every call are signed one by one.
            BusinessCarrier::Each(_) if own == Carrier::Json && system == Carrier::Json => others.clone(),
            BusinessCarrier::Each(_) => others.iter().cloned().chain(in_body).collect(),
        };
        let is_signed_alone = !(system == Carrier::Json && own == Carrier::Json);
        let signed = of_every_call.into_iter().chain(others.into_iter().filter(|_| is_signed_alone));
        self.parameters = signed.map(|(name, value)| (Cow::Owned(name), Cow::Owned(value))).collect();
        sort(&mut self.parameters);
        if !is_get && (system == Carrier::Json || own == Carrier::Json) {
            self.body = without_signature(request.body, vendor, self.signature.as_deref());
            if let Some(name) = pack.signing.as_ref().and_then(|signing| signing.body_as.clone()) {
                self.parameters.push((Cow::Owned(name), Cow::Owned(self.body.clone())));
            }
        }
    }

    /// Finds the values of variables in parameters and headers.
    fn capture(&mut self, vendor: Vendor, login: Option<&LoginCall>) {
        let pack = vendor.pack();
        let of_tokens = pack.login.iter().flat_map(|login| &login.parameters);
        let of_logins = login.iter().flat_map(|call| &call.parameters);
        let parameters = pack.call.parameters.iter().chain(of_tokens).chain(of_logins);
        let found = parameters.filter_map(|(name, template)| captured(template, self.parameter(name)?));
        let of_tokens = pack.login.iter().flat_map(|login| &login.headers);
        let headers = pack.call.headers.iter().chain(of_tokens);
        let in_headers = headers.filter_map(|(name, template)| captured(template, self.header(name)?));
        let found: Vec<_> = found.chain(in_headers).flatten().collect();
        self.captures.extend(found);
    }
}

fn captured(template: &Template, text: &str) -> Option<Captures> {
    matched(template, text, &|_| None)
}

/// Whether the path says which method is called.
fn has_method(path: &Template) -> bool {
    path.uses(&Variable::Method) || path.uses(&Variable::MethodPath)
}

/// The values of variables in the path: of a login, of a method that the pack knows, or of any other one.
fn of_path(vendor: Vendor, path: Option<&Template>, below: &str, login: Option<&LoginCall>) -> Option<Captures> {
    let Some(path) = path else { return Some(Vec::new()) };
    let of_method = |name: &str| {
        let known = |variable: &Variable| match variable {
            Variable::Method => Some(path_encoded(name)),
            Variable::MethodPath => Some(path_encoded(&name.replace('.', "/"))),
            _ => None,
        };
        let mut found = matched_path(path, below, &known)?;
        if has_method(path) {
            found.push((Variable::Method, name.to_owned()));
        }
        Some(found)
    };
    match login {
        Some(call) => of_method(&call.method),
        None => methods(vendor).into_iter().find_map(of_method).or_else(|| matched_path(path, below, &|_| None)),
    }
}

/// Whether a parameter belongs to every call.
fn is_system(vendor: Vendor, name: &str) -> bool {
    let pack = vendor.pack();
    let is_container = matches!(&pack.call.business, BusinessCarrier::JsonIn(own) if own == name);
    let mut of_every_call = pack.call.parameters.iter().chain(pack.login.iter().flat_map(|login| &login.parameters));
    is_container || pack.signature_parameter() == Some(name) || of_every_call.any(|(own, _)| own == name)
}

fn of_json_in(parameters: &[(String, String)], name: &str) -> Vec<(String, String)> {
    let text = parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    texts(&text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

/// The object in a JSON body.
fn object_of(request: &Request<'_>, is_in_list: bool) -> Map<String, Value> {
    if request.content_type != "application/json" {
        return Map::new();
    }
    if is_in_list {
        let list: Option<[Map<String, Value>; 1]> = serde_json::from_slice(request.body).ok();
        return list.map(|[object]| object).unwrap_or_default();
    }
    serde_json::from_slice(request.body).unwrap_or_default()
}

fn texts(object: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    object.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// The body as it was signed. No quote within a text stands alone, so that the member is found only where it is one.
fn without_signature(body: &[u8], vendor: Vendor, signature: Option<&str>) -> String {
    let body = String::from_utf8_lossy(body).into_owned();
    let (Some(name), Some(signature)) = (vendor.pack().signature_parameter(), signature) else { return body };
    let member = format!("{}:{}", Value::from(name), Value::from(signature));
    let forms = [format!(",{member}"), format!("{member},"), member];
    forms
        .iter()
        .find(|form| body.contains(form.as_str()))
        .map_or_else(|| body.clone(), |form| body.replacen(form, "", 1))
}
