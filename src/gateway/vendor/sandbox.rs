//! `[sandbox]` of a pack: how a simulated gateway of the vendor checks calls, and what it answers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::gateway::protocol::HttpMethod;
use crate::gateway::protocol::paging::Paging;

/// `[sandbox]` of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxFacts {
    /// `checks`: the checks, in the order of the vendor.
    pub checks: Vec<SandboxCheck>,
    /// `window`: how far a timestamp may be off, and how long a signature is remembered.
    pub window: Duration,
    /// `[sandbox.codes]`, completed from `[codes]`: the code of each check.
    pub codes: BTreeMap<SandboxCheck, String>,
    /// `[sandbox.answers]`: the data of an answer, by the name of the method.
    pub answers: BTreeMap<String, Value>,
    /// How the lists of methods are paged, where a resource of the pack says it.
    pub paging: BTreeMap<String, Paging>,
    /// By which HTTP methods the pack's resources call a method.
    pub http: Vec<(String, HttpMethod)>,
}

/// Why a simulated gateway refuses a call. The first seven are checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SandboxCheck {
    /// A parameter or header that every call has is missing.
    Presence,
    /// There is no such method.
    Method,
    /// The account is unknown.
    Key,
    /// The timestamp has another form, or is too far off.
    Time,
    /// The signature is wrong.
    Signature,
    /// The signature was seen before.
    Repeated,
    /// There is no token, or it has ended.
    Login,
    /// A parameter of the method is wrong.
    Parameter,
    /// The gateway itself is in trouble.
    Failed,
}

impl SandboxCheck {
    /// The checks that every call has to pass, with their names, in the usual order.
    pub const CHECKS: [(&'static str, Self); 7] = [
        ("presence", Self::Presence),
        ("method", Self::Method),
        ("key", Self::Key),
        ("time", Self::Time),
        ("signature", Self::Signature),
        ("repeated", Self::Repeated),
        ("login", Self::Login),
    ];
}
