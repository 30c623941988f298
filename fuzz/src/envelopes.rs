//! Both vendors' envelopes, and the data in them, read as resources read it.

use bytes::Bytes;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use storegate::gateway::dialect::Dialect;
use storegate::gateway::error::{Kind, Note, Refusal};
use storegate::gateway::object::{self, Object};
use storegate::gateway::oms::{CodeParameter, Oms, OmsSettings, TimestampChoice};
use storegate::gateway::opretail::sign::SignMethod;
use storegate::gateway::opretail::{OpRetail, OpRetailSettings};
use storegate::gateway::scalar;
use storegate::gateway::stamps::Unique;

use super::independent_json::assert_unambiguous_object;

/// The longest sentence of a gateway that is shown, in characters.
const LONGEST_WORDS: usize = 200;

/// OPRetail's dialect with a key of nobody.
pub fn opretail() -> OpRetail {
    OpRetail::new(OpRetailSettings {
        m_api: String::new(),
        cloud_api: String::new(),
        system: String::new(),
        key: String::new(),
        secret: SecretString::from("secret"),
        sign_method: SignMethod::Md5,
        unique: Unique::Nonce,
        login: None,
        enterprise_id: None,
        time_zone: TimeZone::UTC,
    })
}

/// The OMS's dialect with a flag of nobody.
pub fn oms() -> Oms {
    Oms::new(OmsSettings {
        url: String::new(),
        flag: String::new(),
        token: SecretString::from("token"),
        timestamp: TimestampChoice::Auto,
        unique: Unique::Nonce,
        page_cap: 100,
        code_parameter: CodeParameter::ShopBn,
        time_zone: TimeZone::UTC,
    })
}

/// OPRetail's envelope; accepted when it carries an answer.
pub fn opretail_envelope(body: &[u8]) -> bool {
    let dialect = opretail();
    assert_eq!(dialect.clean(Bytes::copy_from_slice(body)), body, "this vendor's bodies are read as they come");
    match dialect.decode(body) {
        Ok(answer) => {
            let envelope = assert_unambiguous_object(body);
            assert!(says_zero(&envelope["stat"]["code"]), "an answer has the code of success");
            assert_data(answer.data, &envelope["data"]);
            true
        }
        Err(refusal) => {
            if assert_refusal(&refusal) {
                let envelope = assert_unambiguous_object(body);
                assert!(!says_zero(&envelope["stat"]["code"]), "a refusal has another code than that of success");
            }
            false
        }
    }
}

/// The OMS's envelope, cleaned as it is before it is read; accepted when it carries an answer.
pub fn oms_envelope(body: &[u8]) -> bool {
    let dialect = oms();
    let cleaned = dialect.clean(Bytes::copy_from_slice(body));
    assert_cleaned(&dialect, body, &cleaned);
    match dialect.decode(&cleaned) {
        Ok(answer) => {
            let envelope = assert_unambiguous_object(&cleaned);
            assert!(envelope.get("error_response").is_none_or(Value::is_null), "an error wins over data");
            assert!(envelope.get("code").is_none_or(|code| is_blank(code) || says_zero(code)), "a code wins over data");
            let data = [&envelope["response"], &envelope["data"], &envelope];
            let taken = answer.data.map(|data| data.get().to_owned());
            let taken: Value = taken.map_or(Value::Null, |data| serde_json::from_str(&data).expect("data is JSON"));
            assert!(taken.is_null() || data.contains(&&taken), "data stands in the envelope");
            assert_data(answer.data, &taken);
            true
        }
        Err(refusal) => {
            if assert_refusal(&refusal) {
                let envelope = assert_unambiguous_object(&cleaned);
                let signed = &envelope["error_response"]["sub_msg"]["assemble_str"];
                assert_not_told(
                    &refusal.note,
                    signed,
                    &[&envelope["error_response"]["code"], &envelope["error_response"]["msg"]],
                );
            }
            false
        }
    }
}

/// Cleaning replaces control characters by escapes of six bytes, and nothing else.
fn assert_cleaned(dialect: &Oms, body: &[u8], cleaned: &Bytes) {
    assert_eq!(&dialect.clean(cleaned.clone()), cleaned, "what is clean is not cleaned again");
    if dialect.decode(body).is_ok() {
        assert_eq!(cleaned, body, "what can be read as it is stays as it is");
    }
    let control_characters = |bytes: &[u8]| bytes.iter().filter(|byte| **byte < 0x20).count();
    let escaped = control_characters(body) - control_characters(cleaned);
    assert_eq!(cleaned.len(), body.len() + 5 * escaped, "a control character becomes its escape");
}

/// The data that was taken out is the one that stands there, and every figure in it can be true.
fn assert_data(taken: Option<&RawValue>, expected: &Value) {
    let Some(taken) = taken else {
        assert!(expected.is_null(), "data is not lost");
        return;
    };
    let value: Value = serde_json::from_str(taken.get()).expect("data is JSON");
    assert_eq!(&value, expected, "the right data is taken");
    let Ok(Object(figures)) = serde_json::from_str::<Object<Figures>>(taken.get()) else { return };
    figures.assert_can_be_true(&value);
}

/// True when the gateway spoke; an unreadable answer has nothing to say.
fn assert_refusal(refusal: &Refusal) -> bool {
    let Refusal { kind, note, .. } = refusal;
    for words in [&note.code, &note.codename, &note.message, &note.call_id].into_iter().flatten() {
        assert!(!words.chars().any(char::is_control), "words of a gateway are safe to show");
        assert!((1..=LONGEST_WORDS).contains(&words.chars().count()), "words of a gateway are short");
    }
    let of_transport = [Kind::Unreachable, Kind::Disconnected, Kind::TimedOut, Kind::Busy, Kind::UnexpectedStatus];
    assert!(!of_transport.contains(kind), "an envelope says nothing of the connection");
    if *kind == Kind::Unreadable {
        assert_eq!(refusal, &Refusal::unreadable());
    }
    *kind != Kind::Unreadable
}

/// The string that was signed is not told, unless the gateway repeats it where its message stands.
fn assert_not_told(note: &Note, signed: &Value, said: &[&Value]) {
    let Some(signed) = signed.as_str().filter(|signed| signed.len() > 8) else { return };
    let shown = |said: &Value| said.as_str().unwrap_or_default().replace(char::is_control, "");
    // Long words end with an ellipsis where they are cut.
    let repeated = signed.trim_end_matches('…');
    if said.iter().any(|said| shown(said).contains(repeated)) {
        return;
    }
    for words in [&note.code, &note.message].into_iter().flatten() {
        assert!(!words.contains(signed), "the signed string is not told");
    }
}

fn says_zero(code: &Value) -> bool {
    match code {
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.trim().parse() == Ok(0.0),
        _ => false,
    }
}

fn is_blank(code: &Value) -> bool {
    match code {
        Value::Null => true,
        Value::String(text) => text.trim().chars().all(|character| character == '-') || text.trim() == "null",
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
    fn assert_can_be_true(&self, data: &Value) {
        assert!(self.count.is_none_or(|count| count.unsigned_abs() <= 1 << 53), "a count is exact");
        let amount = self.amount.as_ref().map(|amount| amount.as_f64().expect("an amount is a float"));
        assert!(amount.is_none_or(|amount| amount.abs() <= 1e15), "an amount can be true");
        if let (Some(id), Value::Number(number)) = (&self.id, &data["shop_bn"])
            && !number.is_f64()
        {
            assert_eq!(id, &number.to_string(), "an id keeps every digit");
        }
        let expected = data["WEATHER"].as_object();
        assert_eq!(self.part.as_ref(), expected, "an object is read as it stands");
        let texts = self.id.iter().chain(self.parts.iter().filter_map(|part| part.value.as_ref()));
        for text in texts {
            assert!(!text.is_empty() && text.trim() == text, "a text is never blank");
        }
    }
}
