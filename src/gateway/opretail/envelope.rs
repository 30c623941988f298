//! OPRetail's envelope: `{"stat":{"cid","code","codename","systime"},"result","data"}`, where `code` and `systime` come
//! as number or as text. A body that is not one whole object is no envelope, and neither is one whose `stat`, `code` or
//! `data` says two things, or success without the member `data`.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::gateway::dialect::Answer;
use crate::gateway::error::{Kind, Note, Refusal};
use crate::json::object::Object;
use crate::json::{raw, scalar};

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    stat: Object<Stat<'a>>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "scalar::present")]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Stat<'a> {
    #[serde(default, deserialize_with = "scalar::text")]
    cid: Option<String>,
    #[serde(borrow)]
    code: &'a RawValue,
    #[serde(default, deserialize_with = "scalar::text")]
    codename: Option<String>,
    #[serde(default, deserialize_with = "scalar::integer")]
    systime: Option<i64>,
}

/// Reads the envelope.
pub(super) fn decode(body: &[u8]) -> Result<Answer<'_>, Refusal> {
    let envelope: Envelope<'_> = serde_json::from_str(raw::object(body)?).map_err(|_| Refusal::unreadable())?;
    let gateway_time = envelope.stat.0.systime.and_then(|time| Timestamp::from_millisecond(time).ok());
    let code = return_code(envelope.stat.0.code).ok_or_else(Refusal::unreadable)?;
    if code != 0 {
        return Err(refusal(code, envelope, gateway_time));
    }
    let data = envelope.data.ok_or_else(Refusal::unreadable)?;
    Ok(Answer { data: Some(data).filter(|data| data.get() != "null"), call_id: envelope.stat.0.cid, gateway_time })
}

/// A code that is whole as it is written: a reader of floats takes `1e-400` for success. Some writers of JSON write whole
/// numbers with a fraction, so `0.0` is a code. The vendor's codes have seven digits at the most.
fn return_code(code: &RawValue) -> Option<i64> {
    let text: String = serde_json::from_str(code.get()).unwrap_or_else(|_| code.get().to_owned());
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    whole.parse::<i32>().ok().filter(|_| is_whole).map(i64::from)
}

fn refusal(code: i64, envelope: Envelope<'_>, gateway_time: Option<Timestamp>) -> Refusal {
    let message = envelope.result.and_then(|result| serde_json::from_str::<String>(result.get()).ok());
    let note = Note::cleaned(Some(code.to_string()), envelope.stat.0.codename, message, envelope.stat.0.cid);
    Refusal { gateway_time, ..Refusal::of(Kind::of_opretail(code), note) }
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
    fn data_that_is_null_is_not_data_that_is_missing() {
        assert!(decode(br#"{"stat":{"code":0},"data":null}"#).unwrap().data.is_none());
        assert_eq!(decode(br#"{"stat":{"code":0}}"#).unwrap_err().kind, Kind::Unreadable);
    }

    #[test]
    fn a_code_is_whole_as_it_is_written() {
        let kind = |code: &str| decode(format!(r#"{{"stat":{{"code":{code}}},"data":{{}}}}"#).as_bytes()).err();
        for code in ["0", "-0", "0.0", "0.00", r#""0""#, r#"" 0 ""#, r#""0.0""#] {
            assert_eq!(kind(code), None, "{code}");
        }
        for code in ["1e-400", "0e0", "0.1", "1e-5", r#""0e0""#, r#""0.""#, r#""""#, "true", "[0]", "4294967296"] {
            assert_eq!(kind(code).map(|refusal| refusal.kind), Some(Kind::Unreadable), "{code}");
        }
        assert_eq!(kind("-500.0").map(|refusal| refusal.kind), Some(Kind::GatewayFailed));
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
    fn what_is_odd_beside_the_code_and_in_the_data_leaves_the_rest_readable() {
        for body in [
            r#"{"stat":{"cid":["c"],"code":0,"codename":{},"systime":"soon"},"result":{},"data":{"a":1}}"#,
            r#"{"stat":{"cid":"a","cid":"b","code":0},"data":{"a":1}}"#,
            r#"{"stat":{"code":0},"x":{"b":1e999,"b":"\ud800"},"x":2,"data":{"a":1}}"#,
        ] {
            let answer = decode(body.as_bytes()).unwrap();
            assert_eq!((answer.data.unwrap().get(), answer.call_id), (r#"{"a":1}"#, None), "{body}");
        }
        let odd = r#"{"a":1,"a":2,"b":1e999,"$serde_json::private::RawValue":"{}"}"#;
        let body = format!(r#"{{"stat":{{"code":0}},"data":{odd}}}"#);
        assert_eq!(decode(body.as_bytes()).unwrap().data.unwrap().get(), odd, "the reader of the data sees to it");
    }

    #[test]
    fn a_body_that_ends_too_early_is_incomplete() {
        for body in ["", " ", "{", r#"{"stat":{"code":0},"data":{"a":1}"#, r#"{"stat":{"code":-500},"result":"a"#] {
            assert_eq!(decode(body.as_bytes()).unwrap_err().kind, Kind::Incomplete, "{body}");
        }
    }

    #[test]
    fn anything_else_is_unreadable() {
        for body in [
            "<html>",
            "[]",
            r#"[{"code":0}]"#,
            r#"{"stat":["c1",0]}"#,
            "{}",
            r#"{"stat":{}}"#,
            r#"{"stat":{"code":null}}"#,
            r#"{"stat":{"code":"x"}}"#,
            r#"{"stat":{"code":0},"stat":{"code":0}}"#,
            r#"{"stat":{"code":0},"data":1,"data":1}"#,
            r#"{"stat":{"code":0}} trailing"#,
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
