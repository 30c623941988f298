//! Finds the values of variables in a text that was written by a template.

use percent_encoding::percent_decode_str;

use crate::gateway::protocol::template::{Template, TemplatePart, Variable};

/// Variables with their values.
pub type Captures = Vec<(Variable, String)>;

/// The values of the variables that `known` has no text for; `None` where the template does not fit the text. A variable
/// ends where the text behind it begins for the first time.
pub fn matched(template: &Template, text: &str, known: &dyn Fn(&Variable) -> Option<String>) -> Option<Captures> {
    let (mut captures, mut rest) = (Captures::new(), text);
    let bound = template.with(known);
    let mut parts = bound.0.iter().peekable();
    while let Some(part) = parts.next() {
        match (part, parts.peek()) {
            (TemplatePart::Literal(literal), _) => rest = rest.strip_prefix(literal.as_str())?,
            (TemplatePart::Variable(variable), Some(TemplatePart::Literal(end))) => {
                let (value, behind) = rest.split_at(rest.find(end.as_str())?);
                captures.push((variable.clone(), value.to_owned()));
                rest = behind;
            }
            (TemplatePart::Variable(variable), _) => {
                captures.push((variable.clone(), rest.to_owned()));
                rest = "";
            }
        }
    }
    rest.is_empty().then_some(captures)
}

/// The same for a path, in which values are percent-encoded.
pub fn matched_path(template: &Template, path: &str, known: &dyn Fn(&Variable) -> Option<String>) -> Option<Captures> {
    let decoded = |text: String| percent_decode_str(&text).decode_utf8_lossy().into_owned();
    let captures = matched(template, path, known)?;
    Some(captures.into_iter().map(|(variable, text)| (variable, decoded(text))).collect())
}

#[cfg(test)]
mod tests {
    use super::{matched, matched_path};
    use crate::gateway::protocol::template::{Template, Variable};

    #[test]
    fn variables_are_read_back_as_they_were_written() {
        let template = |text| Template::parse(text).unwrap();
        let none = |_: &Variable| None;
        let path = template("/api/{method}/{version}");
        let captures = matched_path(&path, "/api/items.get%20all/3.0.0", &none).unwrap();
        let expected = [(Variable::Method, "items.get all".to_owned()), (Variable::Version, "3.0.0".to_owned())];
        assert_eq!(captures, expected);
        let method = |variable: &Variable| (*variable == Variable::Method).then(|| "a/b".to_owned());
        assert_eq!(matched(&path, "/api/a/b/1", &method), Some(vec![(Variable::Version, "1".to_owned())]));
        assert_eq!(matched(&path, "/api/a/c/1", &method), None);
        assert_eq!(matched(&template("Bearer {token}"), "Basic x", &none), None);
        assert_eq!(matched(&template("v2"), "v2.1", &none), None);
    }
}
