//! Checks the names that a call sends, in one table: each occurs once, and a signature covers only names that exist.

use crate::gateway::protocol::HttpMethod;
use crate::gateway::protocol::encoding::{BusinessCarrier, Carrier};
use crate::gateway::protocol::paging::Paging;
use crate::gateway::protocol::signing::{Order, SentIn, Signing};
use crate::gateway::protocol::template::{Template, Variable};
use crate::gateway::vendor::Pack;
use crate::settings::Section;

/// A name, with its source in the pack.
struct SentName<'a> {
    section: Section<'a>,
    key: String,
    /// The source, for error texts.
    by: &'static str,
    name: &'a str,
}

/// Refuses names that a call would send twice, and signatures over names that no call sends.
pub(super) fn check(root: &Section<'_>, pack: &Pack) {
    let parameters = parameters(root, pack);
    check_once(&parameters, |own, other| own == other);
    check_once(&headers(root, pack), str::eq_ignore_ascii_case);
    check_logins(root, pack, &parameters);
    check_probes(root, pack);
    for name in pack.paging.iter().flat_map(Paging::parameters).filter(|name| pack.is_reserved(name)) {
        root.problem("paging", format!("every call has {name} already: what chooses a page belongs to the method"));
    }
    let names = knows_all(pack).then(|| parameters.iter().map(|sent| sent.name).collect::<Vec<_>>());
    let is_sent = |name: &str| names.as_ref().is_none_or(|names| names.contains(&name));
    let has_body = pack.call.carriers(pack.call.http, None).has_body() || root.has_problem("call");
    // A vendor's one rule may be for calls with a body and for those without.
    let may_be_without = pack.call.http == HttpMethod::Get;
    if let Some(signing) = &pack.signing {
        check_signed(&root.section("sign"), signing, has_body, is_sent);
        check_stages(&root.section("sign"), pack, signing, has_body || may_be_without, is_sent);
    }
}

/// The parameters of calls that need a token, with the names that the signature gives to what it covers.
fn parameters<'a>(root: &Section<'a>, pack: &'a Pack) -> Vec<SentName<'a>> {
    let (call, login, sign) = (root.section("call"), root.section("login"), root.section("sign"));
    let of_login = pack.login.as_ref().map(|login| login.parameters.as_slice()).unwrap_or_default();
    let mut sent = all(&call.section("parameters"), "[call.parameters]", &pack.call.parameters);
    sent.extend(all(&login.section("parameters"), "[login.parameters]", of_login));
    let mut add = |section: &Section<'a>, key: &str, by, name: &'a str| {
        sent.push(SentName { section: section.clone(), key: key.to_owned(), by, name });
    };
    pack.call.system_also.iter().for_each(|name| add(&call, "system_also", "`system_also`", name));
    if let BusinessCarrier::JsonIn(name) = &pack.call.business {
        add(&call, "json_in", "`json_in`", name);
    }
    let body_as = pack.signing.iter().flat_map(|signing| &signing.body_as);
    body_as.for_each(|name| add(&sign, "body_as", "`body_as`", name));
    pack.signature_parameter().into_iter().for_each(|name| add(&sign, "parameter", "`parameter`", name));
    sent
}

fn headers<'a>(root: &Section<'a>, pack: &'a Pack) -> Vec<SentName<'a>> {
    let of_login = pack.login.as_ref().map(|login| login.headers.as_slice()).unwrap_or_default();
    let mut sent = all(&root.section("call").section("headers"), "[call.headers]", &pack.call.headers);
    sent.extend(all(&root.section("login").section("headers"), "[login.headers]", of_login));
    if let Some(Signing { place: SentIn::Header(name), .. }) = &pack.signing {
        sent.push(SentName { section: root.section("sign"), key: "header".to_owned(), by: "`header`", name });
    }
    sent
}

fn all<'a>(section: &Section<'a>, by: &'static str, templates: &'a [(String, Template)]) -> Vec<SentName<'a>> {
    let sent = |(name, _): &'a (String, Template)| SentName { section: section.clone(), key: name.clone(), by, name };
    templates.iter().map(sent).collect()
}

fn check_once(sent: &[SentName<'_>], is_same: fn(&str, &str) -> bool) {
    for (place, own) in sent.iter().enumerate().filter(|(_, own)| !own.name.is_empty()) {
        if let Some(other) = sent.iter().take(place).find(|other| is_same(other.name, own.name)) {
            own.section.problem(&own.key, format!("{} has {}, too: a call has a name once", other.by, own.name));
        }
    }
}

/// Checks the parameters of a login against those of every call, where both are sent in the same place.
fn check_logins(root: &Section<'_>, pack: &Pack, parameters: &[SentName<'_>]) {
    let calls = pack.login.iter().flat_map(|login| &login.calls);
    for (section, call) in root.section("login").tables("calls").iter().zip(calls) {
        let carriers = pack.call.carriers(call.http, Some(call));
        let travel_alike = carriers.json_in.is_none() && carriers.business == carriers.system;
        for (name, _) in call.parameters.iter().filter(|_| !call.is_bare) {
            if pack.call.system_also.contains(name) && carriers.has_body() {
                let words = "`system_also` has this, too: what logs in travels in the body";
                section.section("parameters").problem(name, words);
            }
            if !travel_alike {
                continue;
            }
            if let Some(other) = parameters.iter().find(|other| other.name == name) {
                let words = format!("{} has {name}, too: a call has a name once", other.by);
                section.section("parameters").problem(name, words);
            }
        }
    }
}

fn check_probes(root: &Section<'_>, pack: &Pack) {
    for method in &pack.methods {
        let section = root.section("methods").section(&method.name).section("probe");
        let probe = || method.probe.iter().flatten().map(|parameter| &parameter.name);
        for name in probe().filter(|name| pack.is_reserved(name)) {
            section.problem(name, format!("every call has {name} already: a probe has the parameters of its method"));
        }
        let has_members = pack.call.carriers(method.http, None).has_members();
        for name in probe().filter(|name| name.contains('/') && !has_members) {
            section.problem(name, "only a JSON body has members of members: write the name of a parameter");
        }
    }
}

/// Whether the pack knows all parameters that can be signed, because the method's own are not among them.
fn knows_all(pack: &Pack) -> bool {
    match &pack.call.business {
        BusinessCarrier::JsonIn(_) => true,
        // Those of a GET are in the query.
        BusinessCarrier::Each(Carrier::Json) => !pack.methods.iter().any(|method| method.http == HttpMethod::Get),
        BusinessCarrier::Each(_) => false,
    }
}

/// Checks that `over` and `except` name what calls send, and not the signature itself.
fn check_signed(section: &Section<'_>, signing: &Signing, has_body: bool, is_sent: impl Fn(&str) -> bool) {
    if let SentIn::Header(name) = &signing.place
        && !section.has_problem("header")
    {
        super::call::check_header(section, "header", name);
    }
    if signing.order == Order::Listed && signing.over.is_none() {
        section.problem("order", "`listed` is the order of `over`, which is missing");
    }
    let over = signing.over.as_deref().unwrap_or_default();
    for (key, names) in [("over", over), ("except", &signing.except)] {
        for name in names.iter().filter(|name| !is_sent(name)) {
            section.problem(key, format!("no call has a parameter {name}"));
        }
    }
    for name in over.iter().filter(|name| signing.except.contains(name)) {
        let words = match is_signature(signing, name) {
            true => format!("{name} is the signature, which is not signed itself"),
            false => format!("{name} is in `except`, too: it is signed, or it is not"),
        };
        section.problem("over", words);
    }
    if signing.body_as.is_some() && !has_body {
        section.problem("body_as", "calls have no JSON body that could be signed");
    }
}

/// Checks that the values that stages use exist when they are computed.
fn check_stages(section: &Section<'_>, pack: &Pack, signing: &Signing, has_body: bool, is_sent: impl Fn(&str) -> bool) {
    let of_login = pack.login.iter().flat_map(|login| &login.headers);
    let has_header =
        |name: &str| pack.call.headers.iter().chain(of_login.clone()).any(|(own, _)| own.eq_ignore_ascii_case(name));
    let stages = &signing.stages;
    for variable in stages.iter().flat_map(|stage| stage.text.variables().chain(stage.key.variables())) {
        let why = match variable {
            Variable::Header(name) if !has_header(name) => {
                format!("neither [call.headers] nor [login.headers] has {name}")
            }
            Variable::Parameter(name) if is_signature(signing, name) => format!("{name} is the signature itself"),
            Variable::Parameter(name) if !is_sent(name) => format!("no call has a parameter {name}"),
            Variable::Body if !has_body => "calls have no JSON body that could be signed".to_owned(),
            _ => continue,
        };
        section.problem("stages", format!("{why}, so that {variable} is empty"));
    }
}

fn is_signature(signing: &Signing, name: &str) -> bool {
    matches!(&signing.place, SentIn::Parameter(own) if own == name)
}
