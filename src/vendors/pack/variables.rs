//! Checks the variables of a pack's texts, with one list of all texts, and one table of the variables that are known in
//! each position.

use crate::gateway::protocol::HttpMethod;
use crate::gateway::protocol::encoding::Carrier;
use crate::gateway::protocol::template::{Template, Variable};
use crate::gateway::vendor::{CredentialField, Pack};
use crate::settings::Section;

/// The position of a text in the pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextPosition {
    /// In a header or in the path of every call, or in what carries the token.
    Call,
    /// In a parameter of every call, and whether it is in the query.
    Parameter(bool),
    /// In the path of a login.
    LoginPath,
    /// Among the parameters of a login, and whether these are in the query.
    LoginParameter(bool),
    /// In a probe.
    Probe,
    /// In this stage of a signature.
    Stage(usize),
}

impl TextPosition {
    fn knows(self, variable: &Variable) -> bool {
        match variable {
            Variable::Credential(_) => true,
            Variable::Method
            | Variable::MethodPath
            | Variable::Version
            | Variable::Timestamp
            | Variable::Nonce
            | Variable::Http => matches!(self, Self::Call | Self::Parameter(_) | Self::LoginPath | Self::Stage(_)),
            Variable::Token => matches!(self, Self::Call | Self::Parameter(_) | Self::Stage(_)),
            Variable::Login(..) => matches!(self, Self::LoginParameter(_)),
            Variable::Store | Variable::Today | Variable::Option(_) => self == Self::Probe,
            Variable::Stage(number) => matches!(self, Self::Stage(own) if *number < own),
            Variable::Secret
            | Variable::Pairs
            | Variable::Url
            | Variable::Path
            | Variable::Body
            | Variable::Parameter(_)
            | Variable::Header(_) => matches!(self, Self::Stage(_)),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Call | Self::Parameter(_) => "when this is written",
            Self::LoginPath | Self::LoginParameter(_) => "when a login is written",
            Self::Probe => "in a probe, which has {store}, {today}, {option.NAME} and {credential.NAME}",
            Self::Stage(_) => "when this is signed: stages are numbered from 0",
        }
    }
}

/// A text with variables, and its position.
struct Text<'a> {
    section: Section<'a>,
    key: String,
    template: &'a Template,
    place: TextPosition,
}

impl<'a> Text<'a> {
    fn new(section: &Section<'a>, key: &str, template: &'a Template, place: TextPosition) -> Self {
        Self { section: section.clone(), key: key.to_owned(), template, place }
    }
}

/// Refuses variables that are unknown in their position, and texts without those that a call needs.
pub(super) fn check<'a>(root: &Section<'a>, pack: &'a Pack) {
    let texts = texts(root, pack);
    for text in &texts {
        for variable in text.template.variables() {
            if let Some(words) = mistake(root, pack, variable, text.place) {
                text.section.problem(&text.key, words);
            }
        }
    }
    let uses = |variable: &Variable, is_there: fn(TextPosition) -> bool| {
        texts.iter().any(|text| is_there(text.place) && text.template.uses(variable))
    };
    let has_method =
        |variable| uses(variable, |place| matches!(place, TextPosition::Call | TextPosition::Parameter(_)));
    if !has_method(&Variable::Method) && !has_method(&Variable::MethodPath) && !root.has_problem("call") {
        root.problem("call", "no call says whose it is: write {method} in `path`, [call.parameters] or [call.headers]");
    }
    let of_logins = pack.login.iter().flat_map(|login| &login.calls).map(|call| &call.version);
    let mut versions = pack.methods.iter().map(|method| &method.version).chain(of_logins).chain([&pack.call.version]);
    if uses(&Variable::Version, |_| true) && versions.all(String::is_empty) {
        root.section("call").problem("version", "missing: {version} is used, and no method has one either");
    }
}

fn texts<'a>(root: &Section<'a>, pack: &'a Pack) -> Vec<Text<'a>> {
    let (call, login) = (root.section("call"), root.section("login"));
    let has_get = pack.methods.iter().any(|method| method.http == HttpMethod::Get);
    let is_in_query = pack.call.system == Carrier::Query || has_get;
    let mut texts = all(&call.section("parameters"), &pack.call.parameters, TextPosition::Parameter(is_in_query));
    texts.extend(all(&call.section("headers"), &pack.call.headers, TextPosition::Call));
    texts.extend(pack.call.path.iter().map(|path| Text::new(&call, "path", path, TextPosition::Call)));
    if let Some(form) = &pack.login {
        texts.extend(all(&login.section("parameters"), &form.parameters, TextPosition::Call));
        texts.extend(all(&login.section("headers"), &form.headers, TextPosition::Call));
        for (section, call) in login.tables("calls").iter().zip(&form.calls) {
            let is_in_query = pack.call.carriers(call.http, Some(call)).business == Carrier::Query;
            let place = TextPosition::LoginParameter(is_in_query);
            texts.extend(all(&section.section("parameters"), &call.parameters, place));
            texts.extend(call.path.iter().map(|path| Text::new(section, "path", path, TextPosition::LoginPath)));
        }
    }
    for method in &pack.methods {
        let section = root.section("methods").section(&method.name).section("probe");
        let of_probe = method.probe.iter().flatten();
        texts.extend(of_probe.map(|own| Text::new(&section, &own.name, &own.value, TextPosition::Probe)));
    }
    let stages = root.section("sign").tables("stages");
    let signing = pack.signing.iter().flat_map(|signing| &signing.stages);
    for (number, (section, stage)) in stages.iter().zip(signing).enumerate() {
        let both = [("text", &stage.text), ("key", &stage.key)];
        texts.extend(both.map(|(key, template)| Text::new(section, key, template, TextPosition::Stage(number))));
    }
    texts
}

fn all<'a>(section: &Section<'a>, templates: &'a [(String, Template)], place: TextPosition) -> Vec<Text<'a>> {
    templates.iter().map(|(name, template)| Text::new(section, name, template, place)).collect()
}

/// The problem of a variable in this position, if there is one.
fn mistake(root: &Section<'_>, pack: &Pack, variable: &Variable, place: TextPosition) -> Option<String> {
    if !place.knows(variable) {
        return Some(format!("{variable} is not known {}", place.words()));
    }
    let has_login = || pack.login.is_some() || root.has_problem("login");
    let has_time = || !pack.time.forms.is_empty() || root.has_problem("time");
    match variable {
        Variable::Timestamp if !has_time() => {
            Some("there is no [time] that says how {timestamp} is written".to_owned())
        }
        Variable::Token if !has_login() => Some("there is no [login] that gives {token}".to_owned()),
        Variable::Option(name) if !pack.options.iter().any(|option| option.name == *name) => {
            Some(format!("[options] has no {name}"))
        }
        Variable::Credential(_) if pack.credential.is_empty() && root.has_problem("credential") => None,
        Variable::Credential(name) => mistake_of_field(variable, (name, "[credential]", &pack.credential), place),
        Variable::Login(name, _) => {
            let fields = pack.login.as_ref().map(|login| login.fields.as_slice()).unwrap_or_default();
            mistake_of_field(variable, (name, "[login.fields]", fields), place)
        }
        _ => None,
    }
}

/// The problem of a credential field in this position. A secret is sent unchanged only where tokens are exchanged, and
/// only in a body, because addresses are logged on their way.
fn mistake_of_field(
    variable: &Variable,
    (name, part, fields): (&str, &str, &[CredentialField]),
    place: TextPosition,
) -> Option<String> {
    let Some(field) = fields.iter().find(|field| field.name == name) else {
        return Some(format!("{part} has no field {name}"));
    };
    let in_query = ", and these parameters travel in the query: a secret is sent only in a body (form or json)";
    let words = match place {
        _ if !field.is_secret => return None,
        TextPosition::LoginParameter(false) => return None,
        TextPosition::Parameter(false) if field.is_sent => return None,
        TextPosition::LoginParameter(true) => in_query,
        TextPosition::Parameter(true) if field.is_sent => in_query,
        TextPosition::Stage(_) => ": what signs is {secret}",
        _ => ", which is sent only in the body of a token exchange, or of every call with `sent = true` in its section",
    };
    Some(format!("{variable} is a secret{words}"))
}
