//! An order of a fault: which fault, for which calls, how often.

use serde::Serialize;

use super::listing::FaultList;
use super::{Fault, reading};
use crate::sandbox::vendor::SandboxVendor;

/// A fault with the calls to which it applies. The control endpoint reads and lists it as JSON:
/// `{"fault":"code","code":"-500","method":"shop.get","times":2}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "FaultList")]
pub struct FaultOrder {
    pub(super) fault: Fault,
    pub(super) gateway: Option<SandboxVendor>,
    pub(super) method: Option<String>,
    /// The probability in percent with which a call fails; `None` for each call.
    pub(super) percent: Option<u8>,
    /// How many calls are still to fail; `None` for all until the orders are cleared.
    pub(super) times: Option<u32>,
}

impl FaultOrder {
    /// An order for the next `times` calls.
    pub const fn next(fault: Fault, times: u32) -> Self {
        Self { fault, gateway: None, method: None, percent: None, times: Some(times) }
    }

    /// An order for each call with this probability in percent, until the orders are cleared. From 100 on, each call
    /// fails.
    pub const fn percent(fault: Fault, percent: u8) -> Self {
        Self { fault, gateway: None, method: None, percent: Some(percent), times: None }
    }

    /// Limits the order to calls of one gateway.
    #[must_use]
    pub fn at(self, gateway: SandboxVendor) -> Self {
        Self { gateway: Some(gateway), ..self }
    }

    /// Limits the order to calls of one method, by the vendor's name.
    #[must_use]
    pub fn of(self, method: impl Into<String>) -> Self {
        Self { method: Some(method.into()), ..self }
    }

    /// Reads an order from JSON.
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
