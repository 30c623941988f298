//! An order of a fault: which fault, for which calls, how often.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Fault, reading};
use crate::gateway::vendor::Vendor;
use crate::sandbox::durations;
use crate::sandbox::vendor::SandboxVendor;

/// A fault with the calls to which it applies. The control endpoint reads and lists it as JSON:
/// `{"fault":"code","code":"-500","method":"shop.get","times":2}`.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        Self::from_json_beside(text, &[])
    }

    /// Reads an order from JSON, for a sandbox that has the gateways of these packs, too.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to write.
    pub fn from_json_beside(text: &str, packs: &[Vendor]) -> Result<Self, String> {
        reading::order(text, packs)
    }

    pub(super) fn is_for(&self, gateway: SandboxVendor, method: &str) -> bool {
        self.gateway.is_none_or(|only| only == gateway) && self.method.as_deref().is_none_or(|only| only == method)
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.times == Some(0)
    }
}

impl Serialize for FaultOrder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { fault, gateway, method, percent, times } = self;
        let mut order = serializer.serialize_map(None)?;
        order.serialize_entry("fault", fault.name())?;
        match fault {
            Fault::Code(code) => order.serialize_entry("code", code)?,
            Fault::HttpStatus(status) => order.serialize_entry("status", status)?,
            Fault::AskToWait { status, seconds } => {
                order.serialize_entry("status", status)?;
                order.serialize_entry("retry_after", seconds)?;
            }
            Fault::Delay(delay) => order.serialize_entry("delay", &durations::written(*delay))?,
            Fault::Cut(bytes) => order.serialize_entry("bytes", bytes)?,
            Fault::Body(body) => order.serialize_entry("body", body)?,
            Fault::Bytes(bytes) => order.serialize_entry("body_base64", &STANDARD.encode(bytes))?,
            _ => {}
        }
        gateway.iter().try_for_each(|gateway| order.serialize_entry("gateway", gateway))?;
        method.iter().try_for_each(|method| order.serialize_entry("method", method))?;
        percent.iter().try_for_each(|percent| order.serialize_entry("percent", percent))?;
        times.iter().try_for_each(|times| order.serialize_entry("times", times))?;
        order.end()
    }
}
