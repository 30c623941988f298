//! Turns a whole HTTP response of a gateway into the data of the call or the right kind of failure, by status, envelope
//! and data.

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use super::account::Account;
use super::clock_offset::ClockReading;
use super::diagnosis::UnexpectedAnswer;
use super::error::{CleanText, Error, GatewayRefusal, Kind};
use super::protocol::Call;
use super::redactor::Redactor;
use super::transport::Response;
use super::transport_failure::TransportFailure;
use super::vendor::Vendor;
use crate::json::odd_values;

/// How long a gateway is left alone that asks to wait without saying for how long.
const WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A decoded response: the data or a failure, and the gateway's time.
#[derive(Debug)]
pub struct Reply<T> {
    /// The data; `None` when the gateway reported success without data.
    pub outcome: Result<Option<T>, Error>,
    /// The gateway's clock, if a whole envelope carried it. The time in a broken body is not trusted.
    pub reading: Option<ClockReading>,
    /// The gateway's call id, if it sent one and the call is traced or failed.
    pub call_id: Option<String>,
}

/// Reads a response that arrived at `now` after `took`, and removes everything that `hidden` redacts. The call id of a
/// successful call is redacted and returned only if the call `is_traced`.
pub fn read<T: DeserializeOwned>(
    account: &Account,
    call: &Call,
    response: &Response,
    hidden: &Redactor<'_>,
    (now, took): (Timestamp, SignedDuration),
    is_traced: bool,
) -> Reply<T> {
    let vendor = account.vendor();
    if !(200..=299).contains(&response.status) {
        return Reply { outcome: Err(of_status(vendor, response, hidden)), reading: None, call_id: None };
    }
    let body: Bytes = account.protocol().repaired(response.body.clone());
    let (outcome, time, call_id) = match account.protocol().decode(&body) {
        Ok(answer) => {
            let data = answer.data.map(|data| data.get());
            let note = || of_call(answer.call_id.clone(), hidden);
            let call_id = if is_traced { note().and_then(|note| note.call_id) } else { None };
            (data.map(|data| data_of(vendor, call, data, note)).transpose(), answer.gateway_time, call_id)
        }
        Err(refusal) if matches!(refusal.kind, Kind::Unreadable | Kind::Incomplete) => {
            return Reply { outcome: Err(no_envelope(vendor, refusal, &response.body)), reading: None, call_id: None };
        }
        Err(refusal) => {
            let time = refusal.gateway_time;
            let note = hidden.redact_note(refusal.note);
            let call_id = note.call_id.clone();
            (Err(Error::refused(vendor, GatewayRefusal { note, ..refusal })), time, call_id)
        }
    };
    let gateway_time = time.or(response.date);
    Reply { outcome, reading: gateway_time.map(|gateway_time| ClockReading { gateway_time, now, took }), call_id }
}

fn no_envelope(vendor: Vendor, refusal: GatewayRefusal, body: &[u8]) -> Error {
    let failure = match refusal.kind {
        Kind::Incomplete => TransportFailure::EndsEarly,
        _ => TransportFailure::NotAnEnvelope,
    };
    let error = Error::transport(vendor, failure);
    let instead = UnexpectedAnswer::of_body(body);
    let cause = format!("{}{}", error.cause, instead.map_or("", UnexpectedAnswer::text));
    let error = Error { cause, instead, ..error };
    match refusal.spoiled_by {
        Some(record) => Error { cause: format!("{}; {record} may spoil it", error.cause), ..error },
        None => error,
    }
}

/// The note for a call whose data cannot be read: its call id.
fn of_call(call_id: Option<String>, hidden: &Redactor<'_>) -> Option<CleanText> {
    let note = hidden.redact_note(CleanText::cleaned(None, None, None, call_id));
    note.is_of_gateway().then_some(note)
}

fn data_of<T: DeserializeOwned>(
    vendor: Vendor,
    call: &Call,
    data: &str,
    note: impl Fn() -> Option<CleanText>,
) -> Result<T, Error> {
    serde_json::from_str(data).map_err(|error| {
        // The library's own message may contain a part of the data.
        let mut cause =
            format!("data of {} at column {}: {:?} error", call.method.name, error.column(), error.classify());
        let odd = odd_values::names();
        if !odd.is_empty() {
            cause.push_str(&format!("; odd are {odd}"));
        }
        Error { note: note(), ..Error::local(vendor, Kind::Unreadable, cause) }
    })
}

/// The error for a status other than 2xx. A gateway reports its errors inside HTTP 200; any other status comes from
/// something in front of it.
fn of_status(vendor: Vendor, response: &Response, hidden: &Redactor<'_>) -> Error {
    let status = response.status;
    let kind = match Kind::of_status(status) {
        Kind::GatewayFailed if status == 503 && response.retry_after.is_some() => Kind::AskedToWait,
        kind => kind,
    };
    let shown =
        |location: &String| hidden.redact_note(CleanText::cleaned(None, None, Some(location.clone()), None)).message;
    let to = response.location.as_ref().and_then(shown).map(|location| format!(" to {location}"));
    let instead = match status {
        300..=399 => Some(UnexpectedAnswer::Redirect),
        404 => Some(UnexpectedAnswer::NothingThere),
        _ => None,
    };
    let cause = format!("HTTP status {status}{}", to.unwrap_or_default());
    let error = Error { instead, ..Error::local(vendor, kind, cause) };
    let wait = response.retry_after.unwrap_or(WAIT).clamp(Duration::from_secs(1), LONGEST_WAIT);
    error.retry_after((kind == Kind::AskedToWait).then_some(wait))
}
