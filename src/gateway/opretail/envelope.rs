//! OPRetail's envelope: `{"stat":{"cid","code","codename","systime"},"result","data"}`, where `code` and `systime` come
//! as number or as text. A body that is not one whole, unambiguous object is no envelope ([`strict_json`]).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::gateway::dialect::Answer;
use crate::gateway::error::{Kind, Note, Refusal};
use crate::gateway::scalar::{self, Object};
use crate::gateway::strict_json;

#[derive(Deserialize)]
struct Envelope<'a> {
    stat: Object<Stat>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Stat {
    #[serde(default, deserialize_with = "scalar::text")]
    cid: Option<String>,
    #[serde(deserialize_with = "scalar::integer")]
    code: Option<i64>,
    #[serde(default, deserialize_with = "scalar::text")]
    codename: Option<String>,
    #[serde(default, deserialize_with = "scalar::integer")]
    systime: Option<i64>,
}

/// Reads the envelope.
pub(super) fn decode(body: &[u8]) -> Result<Answer<'_>, Refusal> {
    let whole = strict_json::object(body).map_err(|_| Refusal::unreadable())?;
    let envelope: Envelope<'_> = serde_json::from_str(whole).map_err(|_| Refusal::unreadable())?;
    let gateway_time = envelope.stat.0.systime.and_then(|time| Timestamp::from_millisecond(time).ok());
    match envelope.stat.0.code {
        Some(0) => Ok(Answer {
            data: envelope.data.filter(|data| data.get() != "null"),
            call_id: envelope.stat.0.cid,
            gateway_time,
        }),
        Some(code) => Err(refusal(code, envelope, gateway_time)),
        None => Err(Refusal::unreadable()),
    }
}

fn refusal(code: i64, envelope: Envelope<'_>, gateway_time: Option<Timestamp>) -> Refusal {
    let message = envelope.result.and_then(|result| serde_json::from_str::<String>(result.get()).ok());
    let note = Note::cleaned(Some(code.to_string()), envelope.stat.0.codename, message, envelope.stat.0.cid);
    Refusal { kind: Kind::of_opretail(code), note, gateway_time }
}

#[cfg(test)]
mod tests {
    use super::decode;
    use crate::gateway::error::Kind;

    #[test]
    fn code_and_time_are_read_as_number_and_as_text() {
        for body in [
            r#"{"stat":{"cid":"c1","code":0,"codename":"SUCCESS","systime":1616990400000},"result":"","data":{"a":1}}"#,
            r#"{"stat":{"cid":"c1","code":"0","codename":"SUCCESS","systime":"1616990400000"},"result":"","data":{"a":1}}"#,
        ] {
            let answer = decode(body.as_bytes()).unwrap();
            assert_eq!(answer.data.unwrap().get(), r#"{"a":1}"#);
            assert_eq!(answer.call_id.as_deref(), Some("c1"));
            assert_eq!(answer.gateway_time.unwrap().as_second(), 1_616_990_400);
        }
    }

    #[test]
    fn absent_data_and_null_are_the_same() {
        for body in [r#"{"stat":{"code":0}}"#, r#"{"stat":{"code":0},"data":null}"#] {
            assert!(decode(body.as_bytes()).unwrap().data.is_none());
        }
    }

    #[test]
    fn a_refusal_carries_the_gateways_words_cleaned() {
        let body = r#"{"stat":{"cid":"c9","code":"-500","codename":"API_SYSTEM_CALL_ERROR"},"result":"a\u0007b"}"#;
        let refusal = decode(body.as_bytes()).unwrap_err();
        assert_eq!(refusal.kind, Kind::GatewayFailed);
        assert_eq!(refusal.note.code.as_deref(), Some("-500"));
        assert_eq!(refusal.note.message.as_deref(), Some("ab"));
        assert_eq!(refusal.note.call_id.as_deref(), Some("c9"));
    }

    #[test]
    fn anything_else_is_unreadable() {
        for body in [
            "",
            "<html>",
            "[]",
            r#"[{"code":0}]"#,
            r#"{"stat":["c1",0]}"#,
            "{}",
            r#"{"stat":{}}"#,
            r#"{"stat":{"code":null}}"#,
            r#"{"stat":{"code":"x"}}"#,
            r#"{"stat":{"code":0},"data":{"a":1}"#,
            r#"{"stat":{"code":0},"stat":{"code":0}}"#,
            r#"{"stat":{"code":0}} trailing"#,
            r#"{"stat":{"code":0},"data":{"a":1,"a":2}}"#,
            r#"{"stat":{"code":0},"data":{"a":1e999}}"#,
            r#"{"stat":{"code":0},"result":"one","data":null,"data":{}}"#,
            r#"{"stat":{"code":0,"code":-500},"data":{"a":1}}"#,
            r#"{"stat":{"code":-500,"c\u006fde":0},"data":{"a":1}}"#,
            r#"{"stat":{"code":1e300},"data":{"a":1}}"#,
            "{\"stat\":{\"code\":0},\"data\":{\"a\":\"\u{7}\"}}",
            "\u{feff}{\"stat\":{\"code\":0},\"data\":{\"a\":1}}",
        ] {
            assert_eq!(decode(body.as_bytes()).unwrap_err().kind, Kind::Unreadable, "{body}");
        }
        let broken = b"{\"stat\":{\"code\":0},\"data\":{\"a\":\"\xe6\xb5\"}}";
        assert_eq!(decode(broken).unwrap_err().kind, Kind::Unreadable, "not UTF-8");
    }
}
