//! The OMS's envelopes: `{"response":…}`, `{"rsp":"succ","data":…}` or the bare object for data;
//! `{"error_response":…}`, `{"rsp":"fail",…}` or a bare `{"code","msg"}` for errors. A body that is not one whole object is
//! no envelope, and neither is one in which a member of an envelope stands twice; one that has the marks of both is an
//! error, and success without the member for its data is nothing at all.
//!
//! The server escapes nothing: a backslash in a text is a backslash, control characters come as they are, and a quote ends
//! the text. So its refusal of a signature, which quotes what was signed, is no JSON, and is told by its head.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::gateway::dialect::Answer;
use crate::gateway::error::{Kind, Note, Refusal, is_plain};
use crate::json::object::Optional;
use crate::json::raw::{self, Flaw, is_nothing};
use crate::json::scalar;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "scalar::present")]
    response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error_response: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "scalar::text")]
    rsp: Option<String>,
    #[serde(borrow, default, deserialize_with = "scalar::present")]
    data: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "scalar::text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    res: Option<String>,
    #[serde(borrow, default)]
    msg: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// `sub_msg` is not read: for a wrong signature it holds the whole signed string.
#[derive(Default, Deserialize)]
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
    let text = raw::object(body).map_err(|flaw| match flaw {
        Flaw::CutShort => flaw.into(),
        Flaw::NotOneObject => quoted_error(body).unwrap_or_else(|| spoiled(body)),
    })?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| Refusal::unreadable())?;
    if let Some(error) = envelope.error_response.filter(|error| !matches!(error.get(), "false" | "\"\"")) {
        return Err(error_of(error));
    }
    let has_failed = envelope.rsp.as_deref().is_some_and(|rsp| rsp != "succ");
    let is_wrapped = envelope.rsp.is_some() || envelope.code.is_some();
    let error_code = [envelope.code, envelope.res].into_iter().flatten().find(|code| code != SUCCESS);
    if has_failed || error_code.is_some() || envelope.error.is_some_and(says_something) {
        let message = envelope.msg.and_then(|message| scalar::text(message).ok().flatten());
        return Err(refusal(error_code, message));
    }
    let data = match envelope.response {
        None if is_wrapped => envelope.data,
        // A bare object is data by what is in it.
        None => serde_json::from_str(text).ok().filter(|_| has_members(text)),
        response => response,
    };
    let data = data.ok_or_else(Refusal::unreadable)?;
    Ok(Answer { data: Some(data).filter(|data| data.get() != "null"), call_id: None, gateway_time: None })
}

fn error_of(error: &RawValue) -> Refusal {
    match serde_json::from_str::<Optional<ErrorBody>>(error.get()) {
        Ok(Optional(error)) => {
            let ErrorBody { code, msg } = error.unwrap_or_default();
            refusal(code, msg)
        }
        Err(_) if raw::members(error).is_some() => refusal(None, None),
        Err(_) => Refusal::unreadable(),
    }
}

fn has_members(object: &str) -> bool {
    object.contains('"')
}

/// What a server may write beside data to say that there is no error says nothing.
fn says_something(error: &RawValue) -> bool {
    let is_no_error = |text: String| text.trim().is_empty() || text.trim() == SUCCESS;
    let is_empty = is_nothing(error) || raw::is_empty_object(error) || error.get() == SUCCESS;
    !is_empty && !serde_json::from_str(error.get()).is_ok_and(is_no_error)
}

/// A failure without a code, or with that of success, is the gateway's own: nothing says that the caller could mend it.
fn refusal(code: Option<String>, message: Option<String>) -> Refusal {
    let kind = code.as_deref().filter(|code| *code != SUCCESS).map_or(Kind::GatewayFailed, Kind::of_oms);
    Refusal::of(kind, Note::cleaned(code, None, message, None))
}

const ERROR_HEAD: &str = r#"{"error_response":{"code":""#;
const ERROR_END: &str = "}}";

/// An error whose texts hold quotes: its code and its message stand before the first of them.
fn quoted_error(body: &[u8]) -> Option<Refusal> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let (code, rest) = text.strip_suffix(ERROR_END)?.strip_prefix(ERROR_HEAD)?.split_once('"')?;
    let is_code = code.strip_prefix('e').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let message = rest.strip_prefix(r#","msg":""#).and_then(|message| Some(message.split_once('"')?.0.to_owned()));
    is_code.then(|| refusal(Some(code.to_owned()), message))
}

/// An answer that is no JSON, perhaps because of a quote in the last text before what cannot be read: then the code of its
/// shop is the last one before that.
fn spoiled(body: &[u8]) -> Refusal {
    let shop = || {
        let error = serde_json::from_slice::<&RawValue>(body).err()?;
        let line_start =
            body.split_inclusive(|byte| *byte == b'\n').take(error.line() - 1).map(<[u8]>::len).sum::<usize>();
        let before = std::str::from_utf8(body.get(..line_start + error.column())?).ok()?;
        let codes = [r#""shop_code":""#, r#""shop_bn":""#];
        let (_, behind) =
            codes.iter().filter_map(|code| before.rsplit_once(code)).min_by_key(|(_, behind)| behind.len())?;
        let (code, _) = behind.split_once('"')?;
        is_plain(code).then(|| format!("the shop with the code {code}"))
    };
    Refusal { spoiled_by: shop(), ..Refusal::unreadable() }
}

/// Writes the texts of an OMS as JSON has them: each backslash as two, and control characters as their escapes. A body that
/// holds neither is given back as it came.
pub(super) fn escape_texts(body: Bytes) -> Bytes {
    let mut scan = Scan::default();
    if !body.iter().any(|&byte| scan.wants_escape(byte)) {
        return body;
    }
    let mut escaped = Vec::with_capacity(body.len() + 64);
    let mut scan = Scan::default();
    for &byte in &body {
        match (scan.wants_escape(byte), byte) {
            (false, _) => escaped.push(byte),
            (true, b'\\') => escaped.extend_from_slice(br"\\"),
            (true, _) => escaped.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
    }
    escaped.into()
}

/// Follows where texts begin and end: at every quote, as nothing is escaped.
#[derive(Default)]
struct Scan {
    is_inside: bool,
}

impl Scan {
    /// Takes the next byte; true for one in a text that JSON would have escaped.
    const fn wants_escape(&mut self, byte: u8) -> bool {
        if byte == b'"' {
            self.is_inside = !self.is_inside;
        }
        self.is_inside && (byte < 0x20 || byte == b'\\')
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, escape_texts};
    use crate::gateway::error::Kind;
    use bytes::Bytes;
    use serde_json::Value;

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
    fn what_is_odd_in_the_data_is_left_to_its_reader() {
        for data in [r#"{"a":1,"a":2}"#, r#"{"a":1e999}"#, r#"{"$serde_json::private::RawValue":"{}"}"#] {
            let body = format!(r#"{{"response":{data}}}"#);
            assert_eq!(decode(body.as_bytes()).unwrap().data.unwrap().get(), data);
        }
        assert!(decode(br#"{"response":{"a":1},"msg":["odd"],"error_response":false}"#).is_ok());
        for error in ["{}", "[]", r#"{"code":{},"msg":[]}"#, r#"{"x":1}"#] {
            let body = format!(r#"{{"response":{{"a":1}},"error_response":{error}}}"#);
            assert_eq!(decode(body.as_bytes()).unwrap_err().kind, Kind::GatewayFailed, "{body}");
        }
    }

    #[test]
    fn a_body_that_ends_too_early_is_incomplete() {
        for body in ["", r#"{"response":{"a":1}"#, r#"{"error_response":{"code":"e000002","sub_msg":{"a":"b"}}"#] {
            assert_eq!(decode(body.as_bytes()).unwrap_err().kind, Kind::Incomplete, "{body}");
        }
    }

    #[test]
    fn anything_else_is_unreadable() {
        for body in [
            "<html>",
            "[1]",
            "7",
            r#"{"response":{"name":"a"b"}}"#,
            r#"{"response":{"a":1}} {"response":{"a":1}}"#,
            r#"{"response":{"a":1},"response":{"a":2}}"#,
            r#"{"code":0,"code":1}"#,
            r#"{"error_response":"no"}"#,
            "{}",
            "{ }",
            "{\u{1}\"count\":1}",
            "\u{feff}{\"count\":1}",
        ] {
            assert_eq!(decode(body.as_bytes()).unwrap_err().kind, Kind::Unreadable, "{body}");
        }
        assert_eq!(decode(b"{\"shop_name\":\"\xe6\xb5\"}").unwrap_err().kind, Kind::Unreadable, "not UTF-8");
    }

    #[test]
    fn texts_are_read_as_the_server_writes_them() {
        let body = Bytes::from_static(b"{\n\"response\":{\"shop_name\":\"a\x01b\nc\\u0041\\new\\\"}}");
        let cleaned = escape_texts(body);
        let data: Value = serde_json::from_str(decode(&cleaned).unwrap().data.unwrap().get()).unwrap();
        assert_eq!(data["shop_name"], "a\u{1}b\nc\\u0041\\new\\");
    }

    #[test]
    fn a_clean_body_is_not_copied() {
        let body = Bytes::from_static(b"{\n  \"count\": 1\n}");
        assert_eq!(escape_texts(body.clone()).as_ptr(), body.as_ptr());
    }

    #[test]
    fn an_error_that_quotes_is_told_by_its_head() {
        let body = r#"{"error_response":{"code":"e000002","msg":"sign error","sub_msg":"{"request_sign":"DF1A","assemble_str":"charsetutf-8flagacme"}"}}"#;
        let refusal = decode(body.as_bytes()).unwrap_err();
        assert_eq!((refusal.kind, refusal.note.message.as_deref()), (Kind::CredentialsRefused, Some("sign error")));
        assert!(!format!("{refusal:?}").contains("assemble_str"));
        for length in 0..body.len() {
            let kind = decode(&body.as_bytes()[..length]).unwrap_err().kind;
            assert!(matches!(kind, Kind::Incomplete | Kind::Unreadable), "{length}: {kind:?}");
        }
        for body in [
            r#"{"error_response":{"code":"busy","msg":"a"b""}}"#,
            r#"{"response":{"code":"e000002","msg":"a"b""}}"#,
            r#"x{"error_response":{"code":"e000002","msg":"a"b""}}"#,
        ] {
            assert_eq!(decode(body.as_bytes()).unwrap_err().kind, Kind::Unreadable, "{body}");
        }
    }

    #[test]
    fn the_shop_whose_name_spoils_a_page_is_named_for_the_log_and_its_name_is_not() {
        let page = |codes: &str| {
            format!(
                "{{\"response\":{{\"lists\":[{{{codes},\n\"shop_name\":\"the \"best\"\"}},{{\"shop_code\":\"S2\"}}]}}}}"
            )
        };
        let spoiled_by = |body: &str| decode(body.as_bytes()).unwrap_err().spoiled_by;
        for code in ["shop_code", "shop_bn"] {
            let found = spoiled_by(&page(&format!("\"{code}\":\"S1\"")));
            assert_eq!(found.as_deref(), Some("the shop with the code S1"));
        }
        for codes in ["\"x\":1", "\"shop_code\":\"a person's name\""] {
            assert_eq!(spoiled_by(&page(codes)), None, "{codes}");
        }
        assert_eq!(spoiled_by("<html>"), None);
    }
}
