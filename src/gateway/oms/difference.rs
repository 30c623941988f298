//! A refused signature's answer holds the string that the OMS signed. It is compared with ours for the name of the first
//! parameter that differs; neither of the two strings is told to anybody.

use crate::gateway::dialect::Difference;
use crate::gateway::parameters::Parameter;

/// What differs between the parameters that we signed, in their order, and the string in the answer; `None` when the answer
/// has no such string, or an empty one, as it has for a flag that the server does not know.
pub(super) fn find(sorted: &[Parameter<'_>], answer: &[u8]) -> Option<Difference> {
    let mut rest = assembled_string(std::str::from_utf8(answer).ok()?)?;
    for (name, value) in sorted {
        match rest.strip_prefix(name.as_ref()).and_then(|rest| rest.strip_prefix(value.as_ref())) {
            Some(behind) => rest = behind,
            None => return Some(Difference::Parameter(name.clone().into_owned())),
        }
    }
    Some(if rest.is_empty() { Difference::None } else { Difference::SomethingMore })
}

/// The string as it stands in the answer, which is no JSON: neither the quotes around it nor those within are escaped.
fn assembled_string(answer: &str) -> Option<&str> {
    let (_, behind) = answer.split_once(r#""assemble_str":""#)?;
    let (string, _) = behind.split_once(r#"","request_sign":""#).unwrap_or((behind, ""));
    let string = string.trim_end().trim_end_matches(['}', '"', ' ']);
    (!string.is_empty()).then_some(string)
}

#[cfg(test)]
mod tests {
    use super::{Difference, Parameter, find};

    #[test]
    fn the_first_parameter_that_differs_is_named_and_no_value_is() {
        let ours: Vec<Parameter<'_>> = [("flag", "demo"), ("page_no", "1"), ("timestamp", "17")]
            .map(|(name, value)| (name.into(), value.into()))
            .into();
        let answer = |signed: &str| {
            format!(
                r#"{{"error_response":{{"code":"e000002","msg":"sign error","sub_msg":"{{"request_sign":"DF1A","assemble_str":"{signed}"}}"}}}}"#
            )
        };
        let differs = |signed: &str| find(&ours, answer(signed).as_bytes());
        assert_eq!(differs("flagdemopage_no1timestamp17"), Some(Difference::None));
        assert_eq!(differs("flagdemopage_no2timestamp17"), Some(Difference::Parameter("page_no".to_owned())));
        assert_eq!(differs("flagdemotimestamp17"), Some(Difference::Parameter("page_no".to_owned())));
        assert_eq!(differs("flagdemopage_no1timestamp17x"), Some(Difference::SomethingMore));
        assert_eq!(differs(""), None, "the flag is not known");
        let as_json = r#"{"error_response":{"sub_msg":{"assemble_str":"flagdemopage_no1timestamp17"}}}"#;
        assert_eq!(find(&ours, as_json.as_bytes()), Some(Difference::None));
        assert_eq!(find(&ours, b"{\"error_response\":{\"code\":\"e000002\",\"sub_msg\":null}}"), None);
    }
}
