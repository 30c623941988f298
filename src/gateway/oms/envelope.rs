//! The OMS's envelopes: `{"response":…}`, `{"rsp":"succ","data":…}` or the bare object for data;
//! `{"error_response":…}`, `{"rsp":"fail",…}` or a bare `{"code","msg"}` for errors. A body that is not one whole,
//! unambiguous object is no envelope ([`strict_json`]); one that has the marks of both is an error, and success without
//! the member for its data is nothing at all.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::gateway::dialect::Answer;
use crate::gateway::error::{Kind, Note, Refusal};
use crate::gateway::object::Object;
use crate::gateway::scalar;
use crate::gateway::strict_json;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "scalar::present")]
    response: Option<&'a RawValue>,
    #[serde(default)]
    error_response: Option<Object<ErrorBody>>,
    #[serde(default, deserialize_with = "scalar::text")]
    rsp: Option<String>,
    #[serde(borrow, default, deserialize_with = "scalar::present")]
    data: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "scalar::text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    res: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    msg: Option<String>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// `sub_msg` is not read: for a wrong signature it holds the whole signed string.
#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default, deserialize_with = "scalar::text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    msg: Option<String>,
}

/// The code of success (its shop page); it stands beside data.
const SUCCESS: &str = "0";

/// Reads the envelope, whichever of its shapes it has. Every mark of an error is looked for before any data is taken.
pub(super) fn decode(body: &[u8]) -> Result<Answer<'_>, Refusal> {
    let text = strict_json::object(body).map_err(|_| Refusal::unreadable())?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| Refusal::unreadable())?;
    if let Some(Object(error)) = envelope.error_response {
        return Err(refusal(error.code, error.msg));
    }
    let has_failed = envelope.rsp.as_deref().is_some_and(|rsp| rsp != "succ");
    let is_wrapped = envelope.rsp.is_some() || envelope.code.is_some();
    let error_code = [envelope.code, envelope.res].into_iter().flatten().find(|code| code != SUCCESS);
    if has_failed || error_code.is_some() || envelope.error.is_some_and(says_something) {
        return Err(refusal(error_code, envelope.msg));
    }
    let data = match envelope.response {
        None if is_wrapped => envelope.data,
        None => serde_json::from_str(text).ok(),
        response => response,
    };
    let data = data.ok_or_else(Refusal::unreadable)?;
    Ok(Answer { data: Some(data).filter(|data| data.get() != "null"), call_id: None, gateway_time: None })
}

/// What a server may write beside data to say that there is no error says nothing.
fn says_something(error: &RawValue) -> bool {
    let is_no_error = |text: String| text.trim().is_empty() || text.trim() == SUCCESS;
    !matches!(error.get(), "false" | "0" | "[]" | "{}") && !serde_json::from_str(error.get()).is_ok_and(is_no_error)
}

/// A failure without a code, or with that of success, is the gateway's own: nothing says that the caller could mend it.
fn refusal(code: Option<String>, message: Option<String>) -> Refusal {
    let kind = code.as_deref().filter(|code| *code != SUCCESS).map_or(Kind::GatewayFailed, Kind::of_oms);
    Refusal { kind, note: Note::cleaned(code, None, message, None), gateway_time: None }
}

/// Escapes control characters that the OMS leaves raw inside strings, because it URL-decodes values after encoding
/// them. A body without any is given back as it came. One that follows a backslash is left alone, and makes the body
/// unreadable: nobody can tell which text was meant.
pub(super) fn escape_control_characters(body: Bytes) -> Bytes {
    if !has_raw_control_character(&body) {
        return body;
    }
    let mut escaped = Vec::with_capacity(body.len() + 64);
    let mut scan = Scan::default();
    for &byte in &body {
        if scan.is_raw_control_character(byte) {
            escaped.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            escaped.push(byte);
        }
    }
    escaped.into()
}

fn has_raw_control_character(body: &[u8]) -> bool {
    let mut scan = Scan::default();
    body.iter().any(|&byte| scan.is_raw_control_character(byte))
}

/// Follows where JSON strings begin and end.
#[derive(Default)]
struct Scan {
    inside: bool,
    escaped: bool,
}

impl Scan {
    /// Takes the next byte; true for a control character in a string.
    fn is_raw_control_character(&mut self, byte: u8) -> bool {
        let is_plain = self.inside && !self.escaped;
        if self.escaped {
            self.escaped = false;
        } else if self.inside && byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            self.inside = !self.inside;
        }
        is_plain && byte < 0x20
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, escape_control_characters};
    use crate::gateway::error::Kind;
    use bytes::Bytes;

    #[test]
    fn data_is_found_in_each_of_its_shapes() {
        for body in [
            r#"{"response":{"count":1}}"#,
            r#"{"rsp":"succ","data":{"count":1}}"#,
            r#"{"code":0,"data":{"count":1}}"#,
            r#"{"count":1}"#,
        ] {
            assert_eq!(decode(body.as_bytes()).unwrap().data.unwrap().get(), r#"{"count":1}"#, "{body}");
        }
    }

    #[test]
    fn errors_are_found_in_each_of_their_shapes() {
        for body in [
            r#"{"error_response":{"code":"e000002","msg":"sign error","sub_msg":{"assemble_str":"SECRETISH"}}}"#,
            r#"{"code":1003,"msg":"sign error"}"#,
            r#"{"code":"401","msg":"sign error"}"#,
            r#"{"rsp":"fail","res":"e000002","msg":"sign error","data":null}"#,
        ] {
            let refusal = decode(body.as_bytes()).unwrap_err();
            assert_eq!(refusal.kind, Kind::CredentialsRefused, "{body}");
            assert_eq!(refusal.note.message.as_deref(), Some("sign error"), "{body}");
            assert!(!format!("{refusal:?}").contains("SECRETISH"));
        }
        assert_eq!(decode(br#"{"rsp":"fail","msg":"?"}"#).unwrap_err().kind, Kind::GatewayFailed);
    }

    #[test]
    fn an_error_wins_over_data_beside_it() {
        for body in [
            r#"{"response":{"count":1},"error_response":{"code":"e000002"}}"#,
            r#"{"error_response":{"code":"e000002"},"rsp":"succ","data":{"count":1}}"#,
            r#"{"response":{"count":1},"rsp":"fail","res":"e000002"}"#,
            r#"{"response":{"count":1},"code":1003}"#,
            r#"{"rsp":"succ","code":1003,"data":{"count":1}}"#,
            r#"{"code":"1003","data":{"count":1},"count":1}"#,
            r#"{"res":"e000002","data":{"count":1},"count":1}"#,
            r#"{"code":0,"res":"e000002","data":{"count":1}}"#,
            r#"{"rsp":"succ","res":"e000002","data":{"count":1}}"#,
        ] {
            assert_eq!(decode(body.as_bytes()).unwrap_err().kind, Kind::CredentialsRefused, "{body}");
        }
    }

    #[test]
    fn an_error_with_the_code_of_success_is_the_gateways_own() {
        for body in [r#"{"rsp":"fail","code":0,"data":{}}"#, r#"{"error_response":{"code":"0"}}"#] {
            assert_eq!(decode(body.as_bytes()).unwrap_err().kind, Kind::GatewayFailed, "{body}");
        }
    }

    #[test]
    fn a_word_of_an_error_beside_data_is_the_gateways_own_failure() {
        for error in [r#""busy""#, "true", "1", r#"{"code":1}"#, r#"["busy"]"#] {
            for data in [r#""count":1"#, r#""response":{"count":1}"#, r#""rsp":"succ","data":{"count":1}"#] {
                let body = format!("{{\"error\":{error},{data}}}");
                assert_eq!(decode(body.as_bytes()).unwrap_err().kind, Kind::GatewayFailed, "{body}");
            }
        }
        for error in ["null", "false", "0", r#""0""#, r#"" ""#, "[]", "{}"] {
            let body = format!("{{\"error\":{error},\"res\":\"\",\"response\":{{\"count\":1}}}}");
            assert!(decode(body.as_bytes()).is_ok(), "{body}");
        }
    }

    #[test]
    fn data_that_is_null_is_not_data_that_is_missing() {
        for body in [r#"{"response":null}"#, r#"{"rsp":"succ","data":null}"#, r#"{"code":0,"data":null}"#] {
            assert!(decode(body.as_bytes()).unwrap().data.is_none(), "{body}");
        }
        for body in [r#"{"rsp":"succ"}"#, r#"{"code":0,"msg":"ok"}"#, r#"{"rsp":"succ","count":1}"#] {
            assert_eq!(decode(body.as_bytes()).unwrap_err().kind, Kind::Unreadable, "{body}");
        }
    }

    #[test]
    fn anything_else_is_unreadable() {
        for body in [
            "",
            "<html>",
            "[1]",
            "7",
            r#"{"response":{"a":1}"#,
            r#"{"response":{"name":"a"b"}}"#,
            r#"{"response":{"a":1}} {"response":{"a":1}}"#,
            r#"{"response":{"a":1},"response":{"a":2}}"#,
            r#"{"response":{"a":1,"a":2}}"#,
            r#"{"code":0,"code":1}"#,
            r#"{"code":0,"data":{"a":1e999}}"#,
            r#"{"error_response":"no"}"#,
            r#"{"count":1,"count":1}"#,
            "{\u{1}\"count\":1}",
            "\u{feff}{\"count\":1}",
        ] {
            assert_eq!(decode(body.as_bytes()).unwrap_err().kind, Kind::Unreadable, "{body}");
        }
        assert_eq!(decode(b"{\"shop_name\":\"\xe6\xb5\"}").unwrap_err().kind, Kind::Unreadable, "not UTF-8");
    }

    #[test]
    fn raw_control_characters_inside_strings_are_read() {
        let body = Bytes::from_static(b"{\n\"response\":{\"shop_name\":\"a\x01b\nc\\\"d\"}}");
        let cleaned = escape_control_characters(body);
        let answer = decode(&cleaned).unwrap();
        assert_eq!(answer.data.unwrap().get(), "{\"shop_name\":\"a\\u0001b\\u000ac\\\"d\"}");
    }

    #[test]
    fn a_control_character_after_a_backslash_stays_unreadable() {
        let body = Bytes::from_static(b"{\"shop_name\":\"a\\\nb\"}");
        let cleaned = escape_control_characters(body.clone());
        assert_eq!(cleaned, body);
        assert_eq!(decode(&cleaned).unwrap_err().kind, Kind::Unreadable);
    }

    #[test]
    fn a_clean_body_is_not_copied() {
        let body = Bytes::from_static(b"{\n  \"count\": 1\n}");
        assert_eq!(escape_control_characters(body.clone()).as_ptr(), body.as_ptr());
    }
}
