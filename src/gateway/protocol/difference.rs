//! Finds the first parameter at which the text that a gateway signed differs from ours, where the answer to a refused
//! signature shows that text. Only the parameter's name is reported, never a part of either text.

use std::borrow::Cow;

use super::call::SignedTextDifference;
use super::signing::WireParameter;

/// Compares the pairs that we signed, in their order, with the text in the answer. Returns `None` when the answer has
/// no such text, or an empty one. `member` is the name of the member that holds the text.
pub(super) fn find(pairs: &[&WireParameter<'_>], answer: &[u8], member: &str) -> Option<SignedTextDifference> {
    let text = signed_text(std::str::from_utf8(answer).ok()?, member)?;
    let text = unescaped(text);
    let mut rest = text.as_ref();
    let mut before: Option<&str> = None;
    for (name, value) in pairs {
        match rest.strip_prefix(name.as_ref()).and_then(|rest| rest.strip_prefix(value.as_ref())) {
            Some(behind) => rest = behind,
            None => return Some(differing(rest, before, name, value)),
        }
        before = Some(name);
    }
    Some(match before {
        _ if rest.is_empty() => SignedTextDifference::None,
        Some(before) => SignedTextDifference::Behind(before.to_owned()),
        None => SignedTextDifference::SomethingMore,
    })
}

/// The difference where the text continues with something other than our pair. If the pair follows later, the part
/// before it is too much: the end of the previous value, or another parameter.
fn differing(rest: &str, before: Option<&str>, name: &str, value: &str) -> SignedTextDifference {
    let pair = format!("{name}{value}");
    match (rest.find(&pair), before) {
        (None | Some(0), _) => SignedTextDifference::Parameter(name.to_owned()),
        (Some(_), None) => SignedTextDifference::SomethingMore,
        (Some(_), Some(before)) => SignedTextDifference::Behind(before.to_owned()),
    }
}

/// The text without JSON escapes, such as PHP's for slashes and Chinese; a text that is not valid JSON stays as it is.
fn unescaped(text: &str) -> Cow<'_, str> {
    match text.contains('\\') {
        true => serde_json::from_str(&format!("\"{text}\"")).map_or(Cow::Borrowed(text), Cow::Owned),
        false => Cow::Borrowed(text),
    }
}

/// The text as it appears in an answer that may not be JSON: neither the quotes around it nor those within are escaped.
fn signed_text<'a>(answer: &'a str, member: &str) -> Option<&'a str> {
    let (_, behind) = answer.split_once(&format!("\"{member}\":\""))?;
    let text = behind.split_once("\",\"").map_or(behind, |(text, _)| text);
    let text = text.trim_end().trim_end_matches(['}', '"', ' ']);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::{Cow, SignedTextDifference, WireParameter, find};

    #[test]
    fn the_first_parameter_that_differs_is_named_and_no_value_is() {
        let ours: Vec<WireParameter<'_>> = [("flag", "demo"), ("page_no", "1"), ("timestamp", "17")]
            .map(|(name, value)| (name.into(), value.into()))
            .into();
        let ours: Vec<&WireParameter<'_>> = ours.iter().collect();
        let answer = |signed: &str| {
            format!(
                r#"{{"error_response":{{"code":"e000002","msg":"sign error","sub_msg":"{{"request_sign":"DF1A","assemble_str":"{signed}"}}"}}}}"#
            )
        };
        let differs = |signed: &str| find(&ours, answer(signed).as_bytes(), "assemble_str");
        assert_eq!(differs("flagdemopage_no1timestamp17"), Some(SignedTextDifference::None));
        assert_eq!(differs("flagdemopage_no2timestamp17"), Some(SignedTextDifference::Parameter("page_no".to_owned())));
        assert_eq!(differs("flagdemotimestamp17"), Some(SignedTextDifference::Parameter("page_no".to_owned())));
        assert_eq!(differs("flagdemoXpage_no1timestamp17"), Some(SignedTextDifference::Behind("flag".to_owned())));
        assert_eq!(differs("extra1flagdemopage_no1timestamp17"), Some(SignedTextDifference::SomethingMore));
        assert_eq!(differs("flagdemopage_no1timestamp17x"), Some(SignedTextDifference::Behind("timestamp".to_owned())));
        assert_eq!(differs(""), None, "the key is not known");
        let slashed = [(Cow::from("a"), Cow::from("x/y店"))];
        let escaped = r#"{"assemble_str":"ax\/y\u5e97","request_sign":"X"}"#;
        let pairs: Vec<&WireParameter<'_>> = slashed.iter().collect();
        assert_eq!(find(&pairs, escaped.as_bytes(), "assemble_str"), Some(SignedTextDifference::None));
        let as_json =
            br#"{"error_response":{"sub_msg":{"assemble_str":"flagdemopage_no1timestamp17","request_sign":"X"}}}"#;
        assert_eq!(find(&ours, as_json, "assemble_str"), Some(SignedTextDifference::None));
        assert_eq!(find(&ours, b"{\"error_response\":{\"code\":\"e000002\",\"sub_msg\":null}}", "assemble_str"), None);
    }
}
