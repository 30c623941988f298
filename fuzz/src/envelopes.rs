//! Both vendors' envelopes, and the data in them, read as resources read it.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use storegate::gateway::account_settings::AccountSettings;
use storegate::gateway::credential::WhichSecret;
use storegate::gateway::error::{CleanText, GatewayRefusal, Kind};
use storegate::gateway::protocol::Protocol;
use storegate::json::object::{self, Object};
use storegate::json::{raw, scalar};
use storegate::vendors::Vendors;

use super::independent_json::{member, members, value};

/// The longest sentence of a gateway that is shown, in characters.
const LONGEST_WORDS: usize = 200;

/// OPRetail's protocol with a key of nobody.
pub fn opretail() -> Protocol {
    protocol("opretail", "key = \"nobody\"\nsecret = \"secret\"\ntime_zone = \"UTC\"")
}

/// The OMS's protocol with a flag of nobody.
pub fn oms() -> Protocol {
    protocol("oms", "url = \"https://oms.example.com/\"\nflag = \"nobody\"\ntoken = \"token\"\ntime_zone = \"UTC\"")
}

fn protocol(vendor: &str, section: &str) -> Protocol {
    let vendor = Vendors::default().get(vendor).expect("its pack is built in");
    Protocol::new(&AccountSettings::parse(vendor, section).expect("a whole section"), WhichSecret::First)
}

/// OPRetail's envelope; accepted when it carries an answer.
pub fn opretail_envelope(body: &[u8]) -> bool {
    let protocol = opretail();
    assert_eq!(protocol.repaired(Bytes::copy_from_slice(body)), body, "this vendor's bodies are read as they come");
    match protocol.decode(body) {
        Ok(answer) => {
            let envelope = text(body);
            assert!(says_zero(code_of(envelope)), "an answer has the code of success");
            assert_data(answer.data, member(envelope, "data").expect("success has data"));
            true
        }
        Err(refusal) => {
            if assert_refusal(&refusal) {
                assert!(!says_zero(code_of(text(body))), "a refusal has another code than that of success");
            }
            false
        }
    }
}

fn text(body: &[u8]) -> &str {
    std::str::from_utf8(body).expect("what was read is UTF-8")
}

fn code_of(envelope: &str) -> &str {
    member(member(envelope, "stat").expect("there is a stat"), "code").expect("there is a code")
}

/// The OMS's envelope, cleaned as it is before it is read; accepted when it carries an answer.
pub fn oms_envelope(body: &[u8]) -> bool {
    let protocol = oms();
    let cleaned = protocol.repaired(Bytes::copy_from_slice(body));
    assert_cleaned(body, &cleaned);
    match protocol.decode(&cleaned) {
        Ok(answer) => {
            let envelope = text(&cleaned);
            let is_no_error = |error: &str| {
                let bare: String = error.chars().filter(|character| !character.is_whitespace()).collect();
                matches!(bare.as_str(), "null" | "false" | "\"\"" | "[]" | "{}")
            };
            assert!(member(envelope, "error_response").is_none_or(is_no_error), "an error wins over data");
            let is_no_code = |code: &str| is_blank(code) || says_zero(code);
            assert!(member(envelope, "code").is_none_or(is_no_code), "a code wins over data");
            let data = [member(envelope, "response"), member(envelope, "data"), Some(envelope.trim())];
            let taken = answer.data.map_or("null", RawValue::get);
            assert!(data.contains(&Some(taken)), "data stands in the envelope");
            assert_data(answer.data, taken);
            true
        }
        Err(refusal) => {
            if assert_refusal(&refusal) {
                assert_signed_string_is_not_told(&refusal.note, &String::from_utf8_lossy(body));
            }
            false
        }
    }
}

/// Cleaning replaces control characters by escapes of six bytes and backslashes by two, and nothing else.
fn assert_cleaned(body: &[u8], cleaned: &Bytes) {
    let control_characters = |bytes: &[u8]| bytes.iter().filter(|byte| **byte < 0x20).count();
    let escaped = control_characters(body) - control_characters(cleaned);
    let texts = body.split(|byte| *byte == b'"').skip(1).step_by(2);
    let backslashes = texts.flatten().filter(|byte| **byte == b'\\').count();
    assert_eq!(cleaned.len(), body.len() + 5 * escaped + backslashes, "each becomes its escape");
}

/// The data that was taken out is the one that stands there, and every figure in it can be true.
fn assert_data(taken: Option<&RawValue>, expected: &str) {
    let Some(taken) = taken else {
        assert_eq!(expected, "null", "data is not lost");
        return;
    };
    assert_eq!(taken.get(), expected, "the right data is taken, to the letter");
    let handed_on = raw::harmless(taken, "data");
    assert!(value(handed_on.get()).is_some(), "what is handed on is read by any reader");
    let Ok(Object(figures)) = serde_json::from_str::<Object<Figures>>(taken.get()) else { return };
    figures.assert_can_be_true(taken.get());
}

/// True when the gateway spoke; an unreadable answer has nothing to say.
fn assert_refusal(refusal: &GatewayRefusal) -> bool {
    let GatewayRefusal { kind, note, .. } = refusal;
    for words in [&note.code, &note.codename, &note.message, &note.call_id].into_iter().flatten() {
        assert!(!words.chars().any(char::is_control), "words of a gateway are safe to show");
        assert!((1..=LONGEST_WORDS).contains(&words.chars().count()), "words of a gateway are short");
    }
    let of_transport = [Kind::Unreachable, Kind::Disconnected, Kind::TimedOut, Kind::Busy, Kind::UnexpectedStatus];
    assert!(!of_transport.contains(kind), "an envelope says nothing of the connection");
    let is_readable = !matches!(kind, Kind::Unreadable | Kind::Incomplete);
    if !is_readable {
        assert_eq!(note, &CleanText::default());
    }
    is_readable
}

/// The string that was signed is not told, unless the gateway repeats it elsewhere.
fn assert_signed_string_is_not_told(note: &CleanText, body: &str) {
    let Some((before, behind)) = body.split_once("\"assemble_str\":\"") else { return };
    let signed = behind.split('"').next().unwrap_or_default();
    // Words are shown without control characters, and long ones have an ellipsis where they are cut, which the signed string
    // may have at the same place.
    let shown = |said: &str| said.replace(char::is_control, "");
    let parts: Vec<String> = signed.split('…').map(shown).collect();
    // Cleaning writes a control character as its escape, which the signed string may have as it is.
    let escaped = |said: &str| said.chars().map(escape_of_control).collect::<String>();
    let repeats = |said: &&str| parts.iter().all(|part| shown(said).contains(part)) || escaped(said).contains(signed);
    if signed.len() <= 8 || [before, &behind[signed.len()..]].iter().any(repeats) {
        return;
    }
    for words in [&note.code, &note.message].into_iter().flatten() {
        assert!(!words.contains(signed), "the signed string is not told");
    }
}

fn escape_of_control(character: char) -> String {
    if character < ' ' { format!("\\u{:04x}", u32::from(character)) } else { character.to_string() }
}

fn says_zero(code: &str) -> bool {
    match value(code) {
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        Some(Value::String(text)) => text.trim().parse() == Ok(0.0),
        _ => false,
    }
}

fn is_blank(code: &str) -> bool {
    match value(code) {
        Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(text)) => text.trim().chars().all(|character| character == '-') || text.trim() == "null",
        _ => false,
    }
}

/// Fields of the kinds that resources have, under names that they have.
#[derive(Deserialize)]
struct Figures {
    #[serde(default, rename = "DAY_FLOW", deserialize_with = "scalar::integer")]
    count: Option<i64>,
    #[serde(default, rename = "TOTAL_SALE", deserialize_with = "scalar::number")]
    amount: Option<Number>,
    #[serde(default, rename = "shop_bn", deserialize_with = "scalar::text")]
    id: Option<String>,
    #[serde(default, rename = "WEATHER", deserialize_with = "object::optional")]
    part: Option<Map<String, Value>>,
    #[serde(default, rename = "cfgData", deserialize_with = "object::one_or_many")]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default, deserialize_with = "scalar::text")]
    value: Option<String>,
}

impl Figures {
    fn assert_can_be_true(&self, data: &str) {
        assert!(self.count.is_none_or(|count| count.unsigned_abs() <= 1 << 53), "a count is exact");
        let amount = self.amount.as_ref().map(|amount| amount.as_f64().expect("an amount is a float"));
        assert!(amount.is_none_or(|amount| amount.abs() <= 1e15), "an amount can be true");
        if let Some(id) = &self.id {
            let written = member(data, "shop_bn").expect("what was read stands there");
            if value(written).is_some_and(|id| id.is_i64() || id.is_u64()) {
                assert_eq!(id, written, "an id keeps every digit");
            }
        }
        if let Some(part) = &self.part {
            let written = member(data, "WEATHER").expect("what was read stands there");
            assert!(part.len() <= members(written).len(), "no more is read than stands there");
        }
        let texts = self.id.iter().chain(self.parts.iter().filter_map(|part| part.value.as_ref()));
        for text in texts {
            assert!(!text.is_empty() && text.trim() == text, "a text is never blank");
        }
    }
}
