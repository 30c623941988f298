//! Reads an order that people write: one JSON object with the fault, its values, and the calls to which it applies.
//! Every problem is reported as a sentence.

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Fault, FaultOrder};
use crate::gateway::vendor::Vendor;
use crate::sandbox::durations::parse_lateness;
use crate::sandbox::fields::ObjectFields;
use crate::sandbox::vendor::SandboxVendor;
use crate::sandbox::{oms, opretail, pack};
use crate::settings::nearest;

const FORM: &str = r#"an order is a JSON object such as {"fault":"hang"}"#;

/// The faults that need no further values.
static PLAIN: [Fault; 12] = [
    Fault::Hang,
    Fault::Reset,
    Fault::Close,
    Fault::Garbage,
    Fault::Truncate,
    Fault::Drip,
    Fault::Endless,
    Fault::Bomb,
    Fault::BrotliBomb,
    Fault::Empty,
    Fault::Html,
    Fault::Mixed,
];

/// All names that an order may have. The first five say which calls, and how often; the others belong to a fault.
const NAMES: [&str; 12] = [
    "fault",
    "gateway",
    "method",
    "percent",
    "times",
    "code",
    "status",
    "retry_after",
    "delay",
    "bytes",
    "body",
    "body_base64",
];

/// Reads an order.
///
/// # Errors
/// A sentence that says what is missing, wrong or unknown, and what to write.
pub fn order(text: &str, packs: &[Vendor]) -> Result<FaultOrder, String> {
    let gateways: Vec<SandboxVendor> =
        SandboxVendor::BUILT_IN.into_iter().chain(packs.iter().copied().map(SandboxVendor::Pack)).collect();
    let mut fields = ObjectFields::read(text, FORM)?;
    let gateway = gateway(&mut fields, &gateways)?;
    let method = method(&mut fields, gateway, &gateways)?;
    let only = gateway.or(method.as_ref().map(|(_, vendor)| *vendor));
    let fault = fault(&mut fields, only, &gateways)?;
    let percent = fields.whole("percent", 1..=100)?;
    let times = fields.whole("times", 1..=u32::MAX)?;
    if let Some(name) = fields.left_over() {
        return Err(too_much(name, &fault));
    }
    // One call, unless a probability is given.
    let times = times.or(if percent.is_some() { None } else { Some(1) });
    Ok(FaultOrder { fault, gateway, method: method.map(|(name, _)| name), percent, times })
}

fn gateway(fields: &mut ObjectFields, gateways: &[SandboxVendor]) -> Result<Option<SandboxVendor>, String> {
    let Some(value) = fields.take("gateway") else { return Ok(None) };
    let vendor = gateways.iter().copied().find(|vendor| value == vendor.name());
    let names = || gateways.iter().map(|vendor| format!("\"{}\"", vendor.name())).collect::<Vec<_>>().join(" or ");
    vendor.map(Some).ok_or_else(|| format!("`gateway` must be {}", names()))
}

/// The method, with its vendor.
fn method(
    fields: &mut ObjectFields,
    gateway: Option<SandboxVendor>,
    gateways: &[SandboxVendor],
) -> Result<Option<(String, SandboxVendor)>, String> {
    let Some(name) = fields.text("method", "\"shop.get\"")? else { return Ok(None) };
    let named = |vendor: &SandboxVendor| methods(*vendor).contains(&name.as_str());
    let own = gateways.iter().copied().find(|vendor| Some(*vendor) == gateway && named(vendor));
    let Some(vendor) = own.or_else(|| gateways.iter().copied().find(named)) else {
        let known = gateways.iter().copied().filter(|vendor| gateway.is_none_or(|only| only == *vendor));
        return Err(unknown("method", &name, &known.flat_map(methods).collect::<Vec<_>>()));
    };
    if gateway.is_some_and(|only| only != vendor) {
        return Err(format!("`{name}` is a method of the gateway \"{}\"; name that one, or none", vendor.name()));
    }
    Ok(Some((name, vendor)))
}

fn methods(vendor: SandboxVendor) -> Vec<&'static str> {
    match vendor {
        SandboxVendor::OpRetail => opretail::methods().collect(),
        SandboxVendor::Oms => oms::methods().collect(),
        SandboxVendor::Pack(vendor) => pack::methods(vendor),
    }
}

/// Reads the fault with its values. `only` is the gateway to which the order is limited, if it is.
fn fault(fields: &mut ObjectFields, only: Option<SandboxVendor>, gateways: &[SandboxVendor]) -> Result<Fault, String> {
    let name = fields.text("fault", "\"hang\"")?;
    let name = name.ok_or_else(|| format!("`fault` is missing; there are {}", faults().join(", ")))?;
    Ok(match name.as_str() {
        "code" => Fault::Code(code(fields, only, gateways)?),
        "http_status" => status(fields)?,
        "delay" => {
            let delay = needed("delay", fields.text("delay", "\"300ms\"")?, "\"300ms\"")?;
            Fault::Delay(parse_lateness(&delay).map_err(|message| format!("`delay`: {message}"))?)
        }
        "cut" => Fault::Cut(needed("bytes", fields.whole("bytes", 0..=u32::MAX)?, "17")? as usize),
        "body" => body(fields)?,
        _ => {
            let plain = PLAIN.iter().find(|fault| fault.name() == name).cloned();
            plain.ok_or_else(|| unknown("fault", &name, &faults()))?
        }
    })
}

fn faults() -> Vec<&'static str> {
    ["code", "http_status", "delay", "cut", "body"].into_iter().chain(PLAIN.iter().map(Fault::name)).collect()
}

/// Reads a code with which every gateway can fail that the order is for.
fn code(fields: &mut ObjectFields, only: Option<SandboxVendor>, gateways: &[SandboxVendor]) -> Result<String, String> {
    let text = match needed("code", fields.take("code"), "\"-500\"")? {
        Value::String(text) => text,
        Value::Number(number) if number.is_i64() => number.to_string(),
        _ => return Err("`code` must be a text or a whole number, such as \"-500\"".to_owned()),
    };
    if text.is_empty() {
        return Err("`code` is empty; write one such as \"-500\"".to_owned());
    }
    let meant = gateways.iter().copied().filter(|vendor| only.is_none_or(|only| only == *vendor));
    let Some(flaw) = meant.into_iter().find_map(|vendor| flaw_of(&text, vendor)) else { return Ok(text) };
    let able = gateways.iter().filter(|vendor| flaw_of(&text, **vendor).is_none());
    let able: Vec<String> = able.map(|vendor| format!("\"{}\"", vendor.name())).collect();
    let beside =
        if able.is_empty() { String::new() } else { format!(", or beside it \"gateway\":{}", able.join(" or ")) };
    Err(format!("{flaw}; write one such as \"-500\"{beside}"))
}

/// Why a gateway cannot fail with a code. Every code of OPRetail is a number, and zero is success there and at the OMS.
fn flaw_of(code: &str, vendor: SandboxVendor) -> Option<String> {
    match (vendor, code.parse::<i64>()) {
        (SandboxVendor::Pack(vendor), _) => {
            let is_success = vendor.pack().answer.success.iter().any(|success| success == code);
            is_success.then(|| format!("{code:?} is no code of a failure at {vendor}"))
        }
        (_, Ok(0)) => Some(format!("a `code` of 0 is success at {}", vendor.name())),
        (SandboxVendor::OpRetail, Err(_)) => Some(format!("`{code}` is no number, as OPRetail's codes are")),
        (SandboxVendor::OpRetail | SandboxVendor::Oms, _) => None,
    }
}

fn status(fields: &mut ObjectFields) -> Result<Fault, String> {
    let status = needed("status", fields.whole("status", 300..=599)?, "503")?;
    let Some(seconds) = fields.whole("retry_after", 0..=u32::MAX)? else { return Ok(Fault::HttpStatus(status)) };
    if status != 429 && status != 503 {
        return Err("`retry_after` goes with a `status` of 429 or 503".to_owned());
    }
    Ok(Fault::AskToWait { status, seconds })
}

fn body(fields: &mut ObjectFields) -> Result<Fault, String> {
    let text = fields.text("body", "\"[]\"")?;
    let base64 = fields.text("body_base64", "\"/w==\"")?;
    match (text, base64) {
        (Some(_), Some(_)) => Err("write either `body` or `body_base64`, not both".to_owned()),
        (text, None) => needed("body", text, "\"[]\", or bytes as `body_base64`").map(Fault::Body),
        (None, Some(base64)) => {
            let bytes = STANDARD.decode(base64).map_err(|error| format!("`body_base64` is not base64: {error}"))?;
            Ok(Fault::Bytes(bytes.into()))
        }
    }
}

fn needed<T>(name: &str, value: Option<T>, example: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("`{name}` is missing; write one such as {example}"))
}

fn too_much(name: &str, fault: &Fault) -> String {
    if NAMES.contains(&name) {
        return format!("`{name}` does not belong to the fault `{}`", fault.name());
    }
    unknown("name", name, &NAMES)
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("there is no {what} `{name}`; did you mean {near}?"),
        None => format!("there is no {what} `{name}`; there are {}", known.join(", ")),
    }
}
