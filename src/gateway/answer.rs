//! From a whole HTTP answer to the data of the call or to the right kind of failure: status, envelope, data.

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

/// A gateway that asks to wait and does not say for how long is left alone for this long.
const WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What an answer says: data or a failure, and the gateway's time.
#[derive(Debug)]
pub struct Reply<T> {
    /// The data; `None` when the gateway answered with success but without data.
    pub outcome: Result<Option<T>, Error>,
    /// The gateway's clock, if a whole envelope told it; what a broken body says about the time is worth nothing.
    pub reading: Option<ClockReading>,
    /// The gateway's number for the call, if it gave one, and the call is traced or failed.
    pub call_id: Option<String>,
}

/// Reads an answer that arrived at `now` after `took`, and takes nothing over that is hidden. The number of a call that
/// succeeded is looked through only where it `is_traced`.
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

/// What there is to say of a call whose data cannot be read.
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
        // The library's own words can hold a part of the data.
        let mut cause =
            format!("data of {} at column {}: {:?} error", call.method.name, error.column(), error.classify());
        let odd = odd_values::names();
        if !odd.is_empty() {
            cause.push_str(&format!("; odd are {odd}"));
        }
        Error { note: note(), ..Error::local(vendor, Kind::Unreadable, cause) }
    })
}

/// A gateway reports its errors inside HTTP 200; any other status comes from something in front of it.
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
