//! Shows an order as the JSON object in which it is written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::{Fault, FaultOrder};
use crate::sandbox::durations;
use crate::sandbox::vendor::SandboxVendor;

/// An object with all names that an order may have.
#[derive(Default, Serialize)]
pub struct FaultList {
    fault: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<SandboxVendor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
}

impl From<FaultOrder> for FaultList {
    fn from(order: FaultOrder) -> Self {
        let FaultOrder { fault, gateway, method, percent, times } = order;
        Self { gateway, method, percent, times, ..Self::of(fault) }
    }
}

impl FaultList {
    fn of(fault: Fault) -> Self {
        let plain = Self { fault: fault.name(), ..Self::default() };
        match fault {
            Fault::Code(code) => Self { code: Some(code), ..plain },
            Fault::HttpStatus(status) => Self { status: Some(status), ..plain },
            Fault::AskToWait { status, seconds } => Self { status: Some(status), retry_after: Some(seconds), ..plain },
            Fault::Delay(delay) => Self { delay: Some(durations::written(delay)), ..plain },
            Fault::Cut(bytes) => Self { bytes: Some(bytes), ..plain },
            Fault::Body(body) => Self { body: Some(body), ..plain },
            Fault::Bytes(bytes) => Self { body_base64: Some(STANDARD.encode(bytes)), ..plain },
            Fault::Hang
            | Fault::Reset
            | Fault::Close
            | Fault::Garbage
            | Fault::Truncate
            | Fault::Drip
            | Fault::Endless
            | Fault::Bomb
            | Fault::BrotliBomb
            | Fault::Empty
            | Fault::Html
            | Fault::Mixed => plain,
        }
    }
}
