//! The gateway of a pack: it reads calls, checks them and answers by what the pack says, and knows no vendor.

mod account;
mod answers;
mod checks;
mod matching;
mod pages;
mod reading;
mod tokens;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use self::account::{GIVEN_TOKEN, PackAccount};
use self::answers::{AnswerWriter, login_data};
use self::pages::page_of;
pub use self::reading::{Received, Request};
use self::tokens::IssuedTokens;
use super::behaviour::Behaviour;
use super::replay::SeenSignatures;
use super::settings::SandboxSettings;
use crate::clock::Clock;
use crate::gateway::vendor::{SandboxCheck, Vendor};

/// The path below which the gateways of packs are.
pub const PACKS: &str = "/packs";

/// The names of the methods that a pack knows.
pub fn methods(vendor: Vendor) -> Vec<&'static str> {
    let pack = vendor.pack();
    let logins = pack.login.iter().flat_map(|login| &login.calls).map(|call| call.method.as_str());
    let listed = pack.methods.iter().map(|method| method.name.as_str());
    let mut names: Vec<&str> = listed.chain(pack.sandbox.answers.keys().map(String::as_str)).chain(logins).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The paths of a pack's endpoints, in their order.
pub fn endpoint_paths(vendor: Vendor) -> Vec<String> {
    let endpoints = &vendor.pack().endpoints;
    let path =
        |key: &str| if endpoints.len() == 1 { format!("{PACKS}/{vendor}") } else { format!("{PACKS}/{vendor}/{key}") };
    endpoints.iter().map(|facts| path(&facts.key)).collect()
}

/// The part of a configuration that calls the gateway of a pack at this address.
pub fn configuration(vendor: Vendor, tenant: &str, base_url: &str) -> String {
    let urls: Vec<String> = endpoint_paths(vendor).iter().map(|path| format!("{base_url}{path}")).collect();
    PackAccount::of(vendor).configuration(vendor, tenant, &urls)
}

/// The answer to a right call of a method that has an example, as the vendor writes it.
pub fn example_answer(vendor: Vendor, method: &str) -> Option<String> {
    let data = vendor.pack().sandbox.answers.get(method)?.clone();
    let writer = AnswerWriter { envelope: &vendor.pack().answer, number: 1, now: Timestamp::UNIX_EPOCH };
    Some(writer.success(data).to_string())
}

/// The simulated gateway of a pack.
pub struct PackGateway {
    pub vendor: Vendor,
    account: PackAccount,
    tokens: IssuedTokens,
    seen: SeenSignatures,
    /// How far timestamps may be off, and for how long signatures are remembered, if not as the pack says.
    windows: (Option<Duration>, Option<Duration>),
    calls: AtomicU64,
    clock: Clock,
}

impl PackGateway {
    /// Creates the gateway with its account.
    pub fn new(vendor: Vendor, settings: &SandboxSettings, clock: Clock) -> Self {
        let is_given = vendor.pack().login.as_ref().is_some_and(|login| login.is_given);
        Self {
            vendor,
            account: PackAccount::of(vendor),
            tokens: if is_given { IssuedTokens::given(GIVEN_TOKEN) } else { IssuedTokens::default() },
            seen: SeenSignatures::default(),
            windows: (settings.pack_timestamp_window, settings.pack_replay_window),
            calls: AtomicU64::new(0),
            clock,
        }
    }

    /// The path behind the endpoint that a request came to; `None` for one of another gateway.
    pub fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        let paths = endpoint_paths(self.vendor);
        let below = paths.iter().filter_map(|own| path.strip_prefix(own.as_str()));
        below.into_iter().find(|below| below.is_empty() || below.starts_with('/'))
    }

    /// Answers a call.
    pub fn answer(&self, received: &Received, behaviour: &Behaviour) -> String {
        let now = behaviour.now(&self.clock);
        let answer = match self.called(received, behaviour, now) {
            Ok(data) => self.writer(now).success(data),
            Err(check) => self.refusal(check, now),
        };
        answer.to_string()
    }

    /// The answer with the code of a fault.
    pub fn answer_code(&self, code: &str, behaviour: &Behaviour) -> String {
        self.writer(behaviour.now(&self.clock)).failure(code, "ordered").to_string()
    }

    /// Ends every token that was issued.
    pub fn forget_logins(&self) {
        self.tokens.forget();
    }

    /// The data of a call, or why there is none.
    fn called(&self, received: &Received, behaviour: &Behaviour, now: Timestamp) -> Result<Value, SandboxCheck> {
        if let Some(check) = self.failed_check(received, now) {
            return Err(check);
        }
        let pack = self.vendor.pack();
        if let (Some(_), Some(login)) = (received.login, &pack.login) {
            if !self.account.has_login(received) {
                return Err(SandboxCheck::Signature);
            }
            let elapsed = self.clock.elapsed();
            let token = self.tokens.issue(elapsed, elapsed.saturating_add(behaviour.login_lifetime));
            return Ok(login_data(&login.answer, &token, behaviour.login_lifetime.as_secs(), now));
        }
        let data = pack.sandbox.answers.get(received.method()).cloned().ok_or(SandboxCheck::Method)?;
        match pack.sandbox.paging.get(received.method()).or(pack.paging.as_ref()) {
            Some(paging) => page_of(data, paging, received),
            None => Ok(data),
        }
    }

    fn refusal(&self, check: SandboxCheck, now: Timestamp) -> Value {
        let code = self.vendor.pack().sandbox.codes.get(&check).map(String::as_str).unwrap_or_default();
        self.writer(now).failure(code, message(check))
    }

    fn writer(&self, now: Timestamp) -> AnswerWriter<'static> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        AnswerWriter { envelope: &self.vendor.pack().answer, number, now }
    }

    fn version_of(&self, received: &Received) -> &'static str {
        let pack = self.vendor.pack();
        let calls = pack.login.as_ref().map(|login| login.calls.as_slice()).unwrap_or_default();
        match received.login.and_then(|place| calls.get(place)) {
            Some(call) => &call.version,
            None => self.vendor.method(received.method()).map_or(&pack.call.version, |facts| &facts.version),
        }
    }
}

const fn message(check: SandboxCheck) -> &'static str {
    match check {
        SandboxCheck::Presence => "a parameter of every call is missing",
        SandboxCheck::Method => "there is no such method, or not by this HTTP method, or no example of its answer",
        SandboxCheck::Key => "the account is unknown",
        SandboxCheck::Time => "the timestamp is too far off",
        SandboxCheck::Signature => "the signature or the secret is wrong",
        SandboxCheck::Repeated => "the signature was seen before",
        SandboxCheck::Login => "the token is unknown or has ended",
        SandboxCheck::Parameter => "a parameter is wrong",
        SandboxCheck::Failed => "the gateway has failed",
    }
}
