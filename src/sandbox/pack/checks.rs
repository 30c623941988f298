//! The checks of a pack's gateway, in the order of the pack. A signature that passes is used up, even if a later check
//! fails.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use super::PackGateway;
use super::reading::Received;
use crate::gateway::protocol::encoding::BusinessCarrier;
use crate::gateway::protocol::signing::{SentIn, Signing, Values};
use crate::gateway::protocol::template::{Template, Variable};
use crate::gateway::vendor::SandboxCheck;

impl PackGateway {
    /// The first check that the call does not pass.
    pub(super) fn failed_check(&self, received: &Received, now: Timestamp) -> Option<SandboxCheck> {
        let checks = &self.vendor.pack().sandbox.checks;
        checks.iter().copied().find(|check| !self.passes(*check, received, now))
    }

    fn passes(&self, check: SandboxCheck, received: &Received, now: Timestamp) -> bool {
        match check {
            SandboxCheck::Presence => self.is_complete(received),
            SandboxCheck::Method => self.has_method(received),
            SandboxCheck::Key => self.is_known(received),
            SandboxCheck::Time => self.is_on_time(received, now),
            SandboxCheck::Signature => self.is_signed(received),
            SandboxCheck::Repeated => self.is_new(received),
            SandboxCheck::Login => self.is_logged_in(received),
            SandboxCheck::Parameter | SandboxCheck::Failed => true,
        }
    }

    /// Whether a call is sent without the parameters of every call, and without a signature.
    fn is_bare(&self, received: &Received) -> bool {
        let calls = self.vendor.pack().login.as_ref().map(|login| login.calls.as_slice()).unwrap_or_default();
        received.login.and_then(|place| calls.get(place)).is_some_and(|call| call.is_bare)
    }

    /// Accounts may do without a nonce, and without a token before they log in.
    fn is_complete(&self, received: &Received) -> bool {
        if self.is_bare(received) {
            return true;
        }
        let pack = self.vendor.pack();
        let may_lack = |template: &Template| template.uses(&Variable::Nonce) || template.uses(&Variable::Token);
        let has = |value: Option<&str>, template: &Template| match value {
            Some(value) => !value.is_empty() || template.0.is_empty(),
            None => may_lack(template),
        };
        let has_container = match &pack.call.business {
            BusinessCarrier::JsonIn(name) => received.parameter(name).is_some(),
            BusinessCarrier::Each(_) => true,
        };
        let is_signed = pack.signing.is_none() || received.signature.as_ref().is_some_and(|text| !text.is_empty());
        pack.call.parameters.iter().all(|(name, template)| has(received.parameter(name), template))
            && pack.call.headers.iter().all(|(name, template)| has(received.header(name), template))
            && has_container
            && is_signed
    }

    /// The sandbox has a method that it has an answer to, in the version and by the HTTP method that the pack says.
    fn has_method(&self, received: &Received) -> bool {
        let pack = self.vendor.pack();
        let calls = pack.login.as_ref().map(|login| login.calls.as_slice()).unwrap_or_default();
        if let Some(place) = received.login {
            return calls.get(place).is_some_and(|call| call.http.name() == received.http);
        }
        if !self.is_called_by(received) {
            return false;
        }
        let version = self.vendor.method(received.method()).map_or(&pack.call.version, |facts| &facts.version);
        pack.sandbox.answers.contains_key(received.method())
            && received.value(&Variable::Version).is_none_or(|sent| sent == version)
    }

    /// Whether a call came by the HTTP method that the pack says, or by that of one of the pack's resources.
    fn is_called_by(&self, received: &Received) -> bool {
        let pack = self.vendor.pack();
        let usual = self.vendor.method(received.method()).map_or(pack.call.http, |facts| facts.http);
        let of_resources = pack.sandbox.http.iter().filter(|(method, _)| method == received.method());
        of_resources.map(|(_, http)| *http).chain([usual]).any(|http| http.name() == received.http)
    }

    /// Whether all fields of the credential that are sent are those of the account. A field with choices may have any.
    fn is_known(&self, received: &Received) -> bool {
        let pack = self.vendor.pack();
        let is_ours = |(variable, value): &(Variable, String)| match variable {
            Variable::Credential(name) => match pack.credential.iter().find(|field| field.name == *name) {
                Some(field) if field.is_secret => true,
                Some(field) if !field.choices.is_empty() => field.choices.contains(value),
                _ => self.account.value(name) == value,
            },
            _ => true,
        };
        let key = pack.credential.get(pack.key).map(|field| Variable::Credential(field.name.clone()));
        let is_sent = |key: &Variable| {
            let templates = pack.call.parameters.iter().chain(&pack.call.headers).map(|(_, template)| template);
            templates.chain(&pack.call.path).any(|template| template.uses(key))
        };
        let lacks_key =
            !self.is_bare(received) && key.is_some_and(|key| is_sent(&key) && received.value(&key).is_none());
        !lacks_key && received.captures.iter().all(is_ours)
    }

    fn is_on_time(&self, received: &Received, now: Timestamp) -> bool {
        let (time, window) = (&self.vendor.pack().time, self.timestamp_window());
        let Some(text) = received.value(&Variable::Timestamp) else { return true };
        let zone = time.zone().unwrap_or(jiff::tz::TimeZone::UTC);
        let sent = time.forms.iter().find_map(|(_, form)| form.read(text, &zone));
        sent.is_some_and(|sent| now.duration_since(sent).unsigned_abs() <= window)
    }

    /// Whether the signature is right, and so are secrets that the call shows, as that of a login does.
    fn is_signed(&self, received: &Received) -> bool {
        let pack = self.vendor.pack();
        let is_secret = |name: &str| pack.credential.iter().any(|field| field.is_secret && field.name == name);
        let is_ours = |(variable, value): &(Variable, String)| match variable {
            Variable::Credential(name) => !is_secret(name) || self.account.value(name) == value,
            _ => true,
        };
        if !received.captures.iter().all(is_ours) {
            return false;
        }
        let Some(signing) = pack.signing.as_ref().filter(|_| !self.is_bare(received)) else {
            return true;
        };
        let known = |variable: &Variable| match variable {
            Variable::Credential(name) => {
                Some(received.value(variable).unwrap_or_else(|| self.account.value(name)).to_owned())
            }
            Variable::Http => Some(received.http.clone()),
            _ => None,
        };
        let signing: Signing = signing.with(known);
        let values = ReceivedValues { gateway: self, received };
        received.signature.as_deref() == Some(signing.sign(&signing.pairs(&received.parameters), &values).as_str())
    }

    fn is_new(&self, received: &Received) -> bool {
        let Some(signature) = received.signature.as_deref() else { return true };
        if !self.vendor.pack().sandbox.codes.contains_key(&SandboxCheck::Repeated) {
            return true;
        }
        self.seen.use_up("", signature, self.clock.elapsed(), self.replay_window())
    }

    fn is_logged_in(&self, received: &Received) -> bool {
        let Some(login) = &self.vendor.pack().login else { return true };
        if received.login.is_some() || !login.is_needed_by(received.method()) {
            return true;
        }
        received.value(&Variable::Token).is_some_and(|token| self.tokens.has(token, self.clock.elapsed()))
    }

    fn timestamp_window(&self) -> Duration {
        self.windows.0.unwrap_or(self.vendor.pack().sandbox.window)
    }

    fn replay_window(&self) -> Duration {
        self.windows.1.unwrap_or(self.vendor.pack().sandbox.window)
    }
}

/// The values of a call that arrived, while its signature is computed.
struct ReceivedValues<'a> {
    gateway: &'a PackGateway,
    received: &'a Received,
}

impl Values for ReceivedValues<'_> {
    fn text(&self, variable: &Variable) -> Cow<'_, str> {
        let pack = self.gateway.vendor.pack();
        let received = self.received;
        Cow::Borrowed(match variable {
            Variable::Secret => {
                pack.secret_field().map(|field| self.gateway.account.value(&field.name)).unwrap_or_default()
            }
            Variable::Version => received.value(variable).unwrap_or_else(|| self.gateway.version_of(received)),
            Variable::MethodPath => return Cow::Owned(received.method().replace('.', "/")),
            Variable::Url => &received.url,
            Variable::Path => &received.path,
            Variable::Body => &received.body,
            Variable::Parameter(name) => received.parameter(name).unwrap_or_default(),
            Variable::Header(name) => match pack.signing.as_ref().map(|signing| &signing.place) {
                Some(SentIn::Header(own)) if own.eq_ignore_ascii_case(name) => "",
                _ => received.header(name).unwrap_or_default(),
            },
            variable => received.value(variable).unwrap_or_default(),
        })
    }
}
