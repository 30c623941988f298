//! Reads the envelope of answers as a pack says it: where code, message and data are, and what means success.
//!
//! A body that is not one whole object is no envelope, and neither is one that repeats a member on which the decision
//! depends. All signs of failure are checked before any data is read.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use serde_json::value::RawValue;

use super::codes::Codes;
use super::members::{MemberIndex, Members, Picks};
use super::time::moment;
use super::unescaped_texts;
use crate::gateway::error::{CleanText, GatewayRefusal, Kind};
use crate::json::raw::{self, ObjectError, is_empty_object, is_nothing};
use crate::json::scalar;

/// `[answer]` of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The members that are read.
    pub members: Members,
    /// `code`: where codes may be. The first one that is not a success code decides.
    pub code: Vec<MemberIndex>,
    /// `sub_code`: where the code is that tells failures with the same code apart.
    pub sub_code: Vec<MemberIndex>,
    /// `code_form`: whether codes are whole numbers, or any text.
    pub codes_are_integers: bool,
    /// `success`: the codes of success.
    pub success: Vec<String>,
    /// `code_is_required`: whether an answer without a code is unreadable.
    pub code_is_required: bool,
    /// `error`: an object that is present only in failures, with the code in it.
    pub error: Option<ErrorObject>,
    /// `failed_by`: members whose presence with a value means a failure.
    pub failed_by: Vec<MemberIndex>,
    /// `succeeded_by`: members that, where they have a value, must have one of these.
    pub succeeded_by: Vec<(MemberIndex, Vec<String>)>,
    /// `message`: where the message is.
    pub message: Vec<MemberIndex>,
    /// `code_name`: where the name of the code is.
    pub code_name: Option<MemberIndex>,
    /// `call_id`: where the gateway's call id is.
    pub call_id: Option<MemberIndex>,
    /// `time`: the gateway's clock.
    pub time: Option<MemberIndex>,
    /// `data`: where the data may be; the first that is present is used.
    pub data: Vec<DataPlace>,
    /// `repair = "unescaped_texts"`: whether the vendor leaves texts in its JSON unescaped.
    pub has_unescaped_texts: bool,
    /// `record`: what one item of the vendor's lists is called, and the members that identify it.
    pub record: Option<(String, Vec<String>)>,
    /// `signed_text`: the member that shows the text that the gateway signed, in the answer to a refused signature.
    pub signed_text: Option<String>,
}

/// The object that is present only in failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorObject {
    /// The slot of the object.
    pub slot: MemberIndex,
    /// The path of its code and the name of its message, for a body that is not valid JSON.
    pub head: (Vec<String>, String),
    /// Its codes.
    pub code: Vec<MemberIndex>,
    /// Its messages.
    pub message: Vec<MemberIndex>,
}

/// The code and message of a failure, each if present.
type CodeAndMessage = (Option<String>, Option<String>);

/// A place where the data may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataPlace {
    /// The slot of the member; `None` for the whole body.
    pub slot: Option<MemberIndex>,
    /// Use this place only if one of these members is present.
    pub beside: Vec<MemberIndex>,
    /// Use this place only if none of these members is present.
    pub without: Vec<MemberIndex>,
}

/// A decoded answer that carries data.
#[derive(Debug)]
pub struct DecodedAnswer<'a> {
    /// The business data, undecoded. `None` when the gateway sent `null`.
    pub data: Option<&'a RawValue>,
    /// The gateway's call id, for its support.
    pub call_id: Option<String>,
    /// The gateway's clock, if its envelope carries it.
    pub gateway_time: Option<Timestamp>,
}

impl Envelope {
    /// Reads an answer: data, or a refusal with its kind decided.
    ///
    /// # Errors
    /// The gateway refused the call, or its answer cannot be read.
    pub fn read<'a>(
        &self,
        body: &'a [u8],
        codes: &Codes,
        zone: &TimeZone,
    ) -> Result<DecodedAnswer<'a>, GatewayRefusal> {
        let text = raw::object(body).map_err(|flaw| self.refusal_of(flaw, body, codes))?;
        let picks = self.members.picks(text);
        let gateway_time = self.time.and_then(|slot| picks.text(slot)).and_then(|time| moment(&time, zone));
        let first = |slots: &[MemberIndex]| slots.iter().find_map(|slot| picks.text(*slot));
        let refused = |code: Option<String>, message| {
            // A code with its sub-code counts only where the pack lists the two together.
            let with_sub_code =
                code.as_ref().zip(first(&self.sub_code)).map(|(code, sub)| format!("{code}:{}", sub.trim()));
            let code = with_sub_code.filter(|both| codes.is_listed(both)).or(code);
            let kind = code.as_deref().map_or(Kind::GatewayFailed, |code| codes.kind(code));
            let code_name = self.code_name.and_then(|slot| picks.text(slot));
            let note = CleanText::cleaned(code, code_name, message, self.call_id.and_then(|slot| picks.text(slot)));
            GatewayRefusal { gateway_time, ..GatewayRefusal::of(kind, note) }
        };
        if let Some((code, message)) = self.error_of(&picks)? {
            return Err(refused(code, message));
        }
        let code = self.failing_code(&picks)?;
        if code.is_some() || self.has_failed(&picks)? {
            return Err(refused(code, first(&self.message)));
        }
        let data = self.data_of(text, &picks)?.ok_or_else(GatewayRefusal::unreadable)?;
        let call_id = self.call_id.and_then(|slot| picks.text(slot));
        Ok(DecodedAnswer { data: Some(data).filter(|data| data.get() != "null"), call_id, gateway_time })
    }

    /// The code and message of the object that is present only in failures.
    fn error_of(&self, picks: &Picks<'_>) -> Result<Option<CodeAndMessage>, GatewayRefusal> {
        let Some(error) = &self.error else { return Ok(None) };
        let Some(value) = picks.deciding(error.slot)? else { return Ok(None) };
        if is_nothing(value) || is_empty_object(value) {
            return Ok(None);
        }
        if !value.get().starts_with('{') {
            return Err(GatewayRefusal::unreadable());
        }
        let first = |slots: &[MemberIndex]| slots.iter().find_map(|slot| picks.text(*slot));
        let code = first(&error.code).filter(|code| !self.success.contains(code));
        Ok(Some((code, first(&error.message))))
    }

    /// The first code that is not a success code.
    fn failing_code(&self, picks: &Picks<'_>) -> Result<Option<String>, GatewayRefusal> {
        let (mut is_there, mut failing) = (false, None);
        for slot in &self.code {
            let Some(value) = picks.deciding(*slot)? else { continue };
            let Some(code) = self.code_of(value)? else { continue };
            is_there = true;
            if failing.is_none() && !self.success.contains(&code) {
                failing = Some(code);
            }
        }
        if self.code_is_required && !is_there { Err(GatewayRefusal::unreadable()) } else { Ok(failing) }
    }

    fn code_of(&self, value: &RawValue) -> Result<Option<String>, GatewayRefusal> {
        if self.codes_are_integers {
            return whole_number(value).map(|code| Some(code.to_string())).ok_or_else(GatewayRefusal::unreadable);
        }
        scalar::text(value).map_err(|_| GatewayRefusal::unreadable())
    }

    fn has_failed(&self, picks: &Picks<'_>) -> Result<bool, GatewayRefusal> {
        for (slot, values) in &self.succeeded_by {
            let value = picks.deciding(*slot)?.map(flag).transpose()?.flatten();
            if value.is_some_and(|value| !values.contains(&value)) {
                return Ok(true);
            }
        }
        for slot in &self.failed_by {
            if picks.deciding(*slot)?.is_some_and(|value| self.says_something(value)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an error member reports an error: servers may send an empty one beside data.
    fn says_something(&self, error: &RawValue) -> bool {
        let is_success = |text: &str| self.success.iter().any(|code| code == text);
        let is_no_error = |text: String| text.trim().is_empty() || is_success(text.trim());
        let is_empty = is_nothing(error) || is_empty_object(error) || is_success(error.get());
        !is_empty && !serde_json::from_str(error.get()).is_ok_and(is_no_error)
    }

    fn data_of<'a>(&self, text: &'a str, picks: &Picks<'a>) -> Result<Option<&'a RawValue>, GatewayRefusal> {
        for place in &self.data {
            let is_there = |slot: &MemberIndex| picks.is_there(*slot);
            if !place.beside.is_empty() && !place.beside.iter().any(is_there) || place.without.iter().any(is_there) {
                continue;
            }
            match place.slot {
                Some(slot) => {
                    if let Some(data) = picks.deciding(slot)? {
                        return Ok(Some(data));
                    }
                }
                None if picks.is_ambiguous() => return Err(GatewayRefusal::unreadable()),
                // An object with the error member is an envelope, even where that member is empty.
                None if self.error.as_ref().is_some_and(|error| picks.has(error.slot)) => {}
                // A body that is data as a whole is recognized by its content.
                None if text.contains('"') => return Ok(serde_json::from_str(text).ok()),
                None => {}
            }
        }
        Ok(None)
    }

    fn refusal_of(&self, flaw: ObjectError, body: &[u8], codes: &Codes) -> GatewayRefusal {
        if flaw == ObjectError::CutShort || !self.has_unescaped_texts {
            return flaw.into();
        }
        let quoted =
            self.error.as_ref().and_then(|error| unescaped_texts::error_head(body, &error.head.0, &error.head.1));
        let quoted = quoted.filter(|(code, _)| codes.forms.iter().any(|form| form.is_of(code)));
        if let Some((code, message)) = quoted {
            let kind = codes.kind(&code);
            return GatewayRefusal::of(kind, CleanText::cleaned(Some(code), None, message, None));
        }
        let record = self.record.as_ref().and_then(|(name, ids)| unescaped_texts::spoiling_record(body, name, ids));
        GatewayRefusal { spoiled_by: record, ..GatewayRefusal::unreadable() }
    }
}

/// Reads a code that is written as a whole number; a reader of floats would take `1e-400` for success. Some JSON
/// writers add a fraction to whole numbers, so `0.0` is a code.
fn whole_number(code: &RawValue) -> Option<i32> {
    let text: String = serde_json::from_str(code.get()).unwrap_or_else(|_| code.get().to_owned());
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    whole.parse().ok().filter(|_| is_whole)
}

/// Reads a flag as text; `true` and `false` are values, too.
fn flag(value: &RawValue) -> Result<Option<String>, GatewayRefusal> {
    match serde_json::from_str(value.get()) {
        Ok(Value::Bool(flag)) => Ok(Some(flag.to_string())),
        _ => scalar::text(value).map_err(|_| GatewayRefusal::unreadable()),
    }
}
