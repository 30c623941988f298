//! Texts with variables, such as `{secret}{pairs}{secret}`, parsed once when a pack is compiled. The set of variables
//! is closed and there are no expressions, since a pack is data.

use std::borrow::Cow;
use std::fmt;

/// A variable of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// `{pairs}`: the signed parameters, as `[sign]` writes and joins them.
    Pairs,
    /// `{secret}`: the secret that signs.
    Secret,
    /// `{method}`: the vendor's name of the method.
    Method,
    /// `{method.path}`: the name of the method with slashes for its dots.
    MethodPath,
    /// `{version}`: the version of the method.
    Version,
    /// `{timestamp}`: the time of the call, in the vendor's form.
    Timestamp,
    /// `{nonce}`: a text that is unique to the call.
    Nonce,
    /// `{token}`: the token from a login or a token exchange.
    Token,
    /// `{http}`: the HTTP method.
    Http,
    /// `{url}`: the address without its query.
    Url,
    /// `{path}`: the path of the address.
    Path,
    /// `{body}`: the body as it is sent, without the signature.
    Body,
    /// `{credential.NAME}`: a field of the credential.
    Credential(String),
    /// `{login.NAME}`, or `{login.NAME.md5}`: a field of the login, or its MD5 in hex.
    Login(String, bool),
    /// `{option.NAME}`: one of the vendor's own settings, in a probe.
    Option(String),
    /// `{store}`: a store, in a probe.
    Store,
    /// `{today}`: the date, in a probe.
    Today,
    /// `{p.NAME}`: a parameter that is sent.
    Parameter(String),
    /// `{h.NAME}`: a header that is sent.
    Header(String),
    /// `{0}`, `{1}`: the output of an earlier stage of the signature.
    Stage(usize),
}

/// The variables without a name of their own, as they are written.
const PLAIN: [(&str, Variable); 16] = [
    ("pairs", Variable::Pairs),
    ("secret", Variable::Secret),
    ("method", Variable::Method),
    ("method.path", Variable::MethodPath),
    ("version", Variable::Version),
    ("timestamp", Variable::Timestamp),
    ("nonce", Variable::Nonce),
    ("token", Variable::Token),
    ("http", Variable::Http),
    ("url", Variable::Url),
    ("path", Variable::Path),
    ("body", Variable::Body),
    ("store", Variable::Store),
    ("today", Variable::Today),
    ("0", Variable::Stage(0)),
    ("1", Variable::Stage(1)),
];

impl Variable {
    fn parse(name: &str) -> Option<Self> {
        let plain = PLAIN.into_iter().find(|(written, _)| *written == name);
        plain.map(|(_, variable)| variable).or_else(|| {
            let (kind, rest) = name.split_once('.').filter(|(_, rest)| !rest.is_empty())?;
            Some(match (kind, rest.strip_suffix(".md5")) {
                ("login", Some(field)) => Self::Login(field.to_owned(), true),
                ("login", None) => Self::Login(rest.to_owned(), false),
                ("credential", _) => Self::Credential(rest.to_owned()),
                ("option", _) => Self::Option(rest.to_owned()),
                ("p", _) => Self::Parameter(rest.to_owned()),
                ("h", _) => Self::Header(rest.to_owned()),
                _ => return None,
            })
        })
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(name) => write!(formatter, "{{credential.{name}}}"),
            Self::Login(name, false) => write!(formatter, "{{login.{name}}}"),
            Self::Login(name, true) => write!(formatter, "{{login.{name}.md5}}"),
            Self::Option(name) => write!(formatter, "{{option.{name}}}"),
            Self::Parameter(name) => write!(formatter, "{{p.{name}}}"),
            Self::Header(name) => write!(formatter, "{{h.{name}}}"),
            plain => {
                let written = PLAIN.iter().find(|(_, variable)| variable == plain);
                write!(formatter, "{{{}}}", written.map_or("", |(written, _)| written))
            }
        }
    }
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    /// A literal text.
    Literal(String),
    /// A variable, which is replaced by its value.
    Variable(Variable),
}

/// A text with variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(pub Vec<TemplatePart>);

impl Template {
    /// Parses a text. A literal brace is written twice.
    ///
    /// # Errors
    /// An unknown variable, or an unmatched brace.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(place) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(place);
            literal.push_str(before);
            if let Some(behind) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                literal.extend(from.chars().next());
                rest = behind;
                continue;
            }
            let named = from.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let (name, behind) =
                named.ok_or("a `{` or `}` has no other half: write it twice for the character itself")?;
            let variable = Variable::parse(name).ok_or_else(|| format!("there is no variable {{{name}}}"))?;
            if !literal.is_empty() {
                parts.push(TemplatePart::Literal(std::mem::take(&mut literal)));
            }
            parts.push(TemplatePart::Variable(variable));
            rest = behind;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(TemplatePart::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// The literal texts of the template.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            TemplatePart::Literal(text) => Some(text.as_str()),
            TemplatePart::Variable(_) => None,
        })
    }

    /// The variables of the template.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.0.iter().filter_map(|part| match part {
            TemplatePart::Literal(_) => None,
            TemplatePart::Variable(variable) => Some(variable),
        })
    }

    /// Whether the template uses this variable.
    pub fn uses(&self, variable: &Variable) -> bool {
        self.variables().any(|used| used == variable)
    }

    /// The text of the template with these values of its variables.
    pub fn text<'v>(&self, value: impl Fn(&Variable) -> Cow<'v, str>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                TemplatePart::Literal(literal) => text.push_str(literal),
                TemplatePart::Variable(variable) => text.push_str(&value(variable)),
            }
        }
        text
    }

    /// The template with all variables that `known` resolves replaced by their values.
    #[must_use]
    pub fn with(&self, known: impl Fn(&Variable) -> Option<String>) -> Self {
        let mut parts: Vec<TemplatePart> = Vec::with_capacity(self.0.len());
        for part in &self.0 {
            let part = match part {
                TemplatePart::Variable(variable) => known(variable).map_or_else(|| part.clone(), TemplatePart::Literal),
                TemplatePart::Literal(_) => part.clone(),
            };
            match (parts.last_mut(), part) {
                (Some(TemplatePart::Literal(before)), TemplatePart::Literal(text)) => before.push_str(&text),
                (_, part) => parts.push(part),
            }
        }
        Self(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::{Template, TemplatePart, Variable};

    #[test]
    fn literals_and_variables_follow_each_other_as_they_are_written() {
        let template = Template::parse("{secret}a{{b}}{p.x.y}{login.password.md5}c").unwrap();
        let variable = |variable| TemplatePart::Variable(variable);
        let literal = |text: &str| TemplatePart::Literal(text.to_owned());
        assert_eq!(
            template.0,
            [
                variable(Variable::Secret),
                literal("a{b}"),
                variable(Variable::Parameter("x.y".to_owned())),
                variable(Variable::Login("password".to_owned(), true)),
                literal("c"),
            ]
        );
        assert_eq!(Template::parse("").unwrap().0, []);
    }

    #[test]
    fn what_is_no_variable_is_refused_by_its_name() {
        for text in ["{", "}", "a{b", "{nothing}", "{p.}", "{2}", "{ secret }", "{{}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
        assert!(Template::parse("{sekret}").unwrap_err().contains("{sekret}"));
    }

    #[test]
    fn every_variable_is_written_as_it_is_read() {
        for text in [
            "{pairs}",
            "{method.path}",
            "{credential.key}",
            "{login.a}",
            "{login.a.md5}",
            "{p.a}",
            "{h.x-a}",
            "{1}",
            "{url}",
        ] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.variables().next().unwrap().to_string(), text);
        }
    }

    #[test]
    fn known_variables_become_text_once() {
        let template = Template::parse("a{credential.key}b{nonce}").unwrap();
        let bound = template.with(|variable| matches!(variable, Variable::Credential(_)).then(|| "{pairs}".to_owned()));
        assert_eq!(bound.0, [TemplatePart::Literal("a{pairs}b".to_owned()), TemplatePart::Variable(Variable::Nonce)]);
    }
}
