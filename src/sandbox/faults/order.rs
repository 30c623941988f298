//! An order: which fault, for which calls, how often.

use serde::Serialize;

use super::listing::FaultList;
use super::{Fault, reading};
use crate::sandbox::vendor::SandboxVendor;

/// A fault with the calls that it is for. As JSON it is what the control endpoint takes and lists:
/// `{"fault":"code","code":"-500","method":"shop.get","times":2}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "FaultList")]
pub struct FaultOrder {
    pub(super) fault: Fault,
    pub(super) gateway: Option<SandboxVendor>,
    pub(super) method: Option<String>,
    /// Each call fails with this probability; without it, each one does.
    pub(super) percent: Option<u8>,
    /// How many are still to come; without it, until the orders are cleared.
    pub(super) times: Option<u32>,
}

impl FaultOrder {
    /// For the next `times` calls.
    pub const fn next(fault: Fault, times: u32) -> Self {
        Self { fault, gateway: None, method: None, percent: None, times: Some(times) }
    }

    /// For each call with a probability of so many percent, until the orders are cleared. From 100 on, each one fails.
    pub const fn percent(fault: Fault, percent: u8) -> Self {
        Self { fault, gateway: None, method: None, percent: Some(percent), times: None }
    }

    /// Only for calls of one gateway.
    #[must_use]
    pub fn at(self, gateway: SandboxVendor) -> Self {
        Self { gateway: Some(gateway), ..self }
    }

    /// Only for calls of one method, by the vendor's name.
    #[must_use]
    pub fn of(self, method: impl Into<String>) -> Self {
        Self { method: Some(method.into()), ..self }
    }

    /// Reads an order as people write it.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to write.
    pub fn from_json(text: &str) -> Result<Self, String> {
        reading::order(text)
    }

    pub(super) fn is_for(&self, gateway: SandboxVendor, method: &str) -> bool {
        self.gateway.is_none_or(|only| only == gateway) && self.method.as_deref().is_none_or(|only| only == method)
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.times == Some(0)
    }
}
