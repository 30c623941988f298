//! `[sign]`: how calls are signed.

use super::call::check_header;
use super::read_template;
use crate::gateway::protocol::encoding::{BusinessCarrier, Carrier};
use crate::gateway::protocol::signing::{Digest, Order, Output, PairPart, Place, Signing, Stage};
use crate::gateway::protocol::template::{Template, Variable};
use crate::gateway::vendor::{Field, Pack};
use crate::settings::Section;

const MOST_STAGES: usize = 3;
const DIGESTS: &str =
    "none, md5, sha1, sha256, sha512, hmac-md5, hmac-sha1, hmac-sha256, hmac-sha512, or {credential.NAME}";
const PAIRS: &str = "a pair has {k}, {v}, {vjson}, {klen:02} and {vlen:04}";

pub(super) fn read(section: &Section<'_>, credential: &[Field]) -> Signing {
    let place = match (section.text("parameter"), section.text("header")) {
        (Some(name), None) => Place::Parameter(name),
        (None, Some(name)) => Place::Header(name),
        _ if section.has_problem("parameter") || section.has_problem("header") => Place::Parameter(String::new()),
        _ => {
            section.problem("parameter", "write where the signature is sent, as `parameter` or as `header`");
            Place::Parameter(String::new())
        }
    };
    let order = match section.text("order").as_deref() {
        None | Some("bytes") => Order::Bytes,
        Some("listed") => Order::Listed,
        Some(_) => {
            section.problem("order", "parameters are signed in the order of bytes, or as `over` has them listed");
            Order::Bytes
        }
    };
    let mut except = section.list("except").unwrap_or_default();
    if let Place::Parameter(name) = &place {
        except.push(name.clone());
    }
    let pair = section.text("pair").unwrap_or_else(|| "{k}{v}".to_owned());
    Signing {
        over: section.list("over"),
        except,
        body_as: section.text("body_as"),
        signs_empty: section.flag("empty", true),
        order,
        pair: parse_pair(&pair).map_err(|error| section.problem("pair", error)).unwrap_or_default(),
        join: section.text("join").unwrap_or_default(),
        stages: read_stages(section, credential),
        place,
    }
}

/// Refuses names that the signature would share with the call, or that no call has.
pub(super) fn check_names(section: &Section<'_>, pack: &Pack) {
    let (signing, call, login) = (&pack.signing, &pack.call, pack.login.as_ref());
    let has =
        |templates: &[(String, Template)], name: &str| templates.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    match &signing.place {
        Place::Parameter(name) if call.parameters.iter().any(|(own, _)| own == name) => {
            section.problem("parameter", format!("[call.parameters] has {name}, too: one of the two is the signature"));
        }
        Place::Header(name) if has(&call.headers, name) => {
            section.problem("header", format!("[call.headers] has {name}, too: one of the two is the signature"));
        }
        Place::Header(name) => check_header(section, name, None),
        Place::Parameter(_) => {}
    }
    if signing.order == Order::Listed && signing.over.is_none() {
        section.problem("order", "`listed` is the order of `over`, which is missing");
    }
    let sent = sent_names(pack);
    let is_sent = |name: &str| sent.as_ref().is_none_or(|sent| sent.contains(&name));
    for (key, names) in [("over", signing.over.as_deref().unwrap_or_default()), ("except", &signing.except)] {
        for name in names.iter().filter(|name| !is_sent(name)) {
            section.problem(key, format!("no call has a parameter {name}"));
        }
    }
    let used = signing.stages.iter().flat_map(|stage| stage.text.variables().chain(stage.key.variables()));
    for variable in used {
        let words = match variable {
            Variable::Header(name)
                if !has(&call.headers, name) && !login.is_some_and(|login| has(&login.headers, name)) =>
            {
                format!("neither [call.headers] nor [login.headers] has {name}, so that {variable} is empty")
            }
            Variable::Parameter(name) if !is_sent(name) => {
                format!("no call has a parameter {name}, so that {variable} is empty")
            }
            _ => continue,
        };
        section.problem("stages", words);
    }
}

/// The names of all parameters that can be signed; `None` where those of the methods are among them, which a pack need not know.
fn sent_names(pack: &Pack) -> Option<Vec<&str>> {
    let of_methods = match &pack.call.business {
        BusinessCarrier::Each(Carrier::Json) => None,
        BusinessCarrier::JsonIn(name) => Some(name.as_str()),
        BusinessCarrier::Each(_) => return None,
    };
    let of_login = pack.login.iter().flat_map(|login| &login.parameters);
    let mut names: Vec<&str> = pack.call.parameters.iter().chain(of_login).map(|(name, _)| name.as_str()).collect();
    names.extend(of_methods.into_iter().chain(pack.signing.body_as.as_deref()));
    if let Place::Parameter(name) = &pack.signing.place {
        names.push(name);
    }
    Some(names)
}

/// Parses how a parameter is written.
fn parse_pair(text: &str) -> Result<Vec<PairPart>, String> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((literal, behind)) = rest.split_once('{') {
        let (name, next) = behind.split_once('}').ok_or(PAIRS)?;
        if !literal.is_empty() {
            parts.push(PairPart::Literal(literal.to_owned()));
        }
        let digits = |prefix: &str| {
            let digits = name.strip_prefix(prefix)?.strip_prefix(":0")?.parse::<usize>().ok()?;
            (1..=9).contains(&digits).then_some(digits)
        };
        let length = || digits("klen").map(PairPart::NameLength).or_else(|| digits("vlen").map(PairPart::ValueLength));
        parts.push(match name {
            "k" => PairPart::Name,
            "v" => PairPart::Value,
            "vjson" => PairPart::ValueAsJson,
            _ => length().ok_or_else(|| format!("there is no {{{name}}}: {PAIRS}"))?,
        });
        rest = next;
    }
    if !rest.is_empty() {
        parts.push(PairPart::Literal(rest.to_owned()));
    }
    if !parts.iter().any(|part| matches!(part, PairPart::Value | PairPart::ValueAsJson)) {
        return Err("a pair without {v} or {vjson} leaves the values unsigned".to_owned());
    }
    Ok(parts)
}

fn read_stages(section: &Section<'_>, credential: &[Field]) -> Vec<Stage> {
    let sections = section.tables("stages");
    if (sections.is_empty() || sections.len() > MOST_STAGES) && !section.has_problem("stages") {
        section.problem("stages", "a signature has one to three stages: [[sign.stages]]");
    }
    let stages = sections.iter().enumerate();
    let stages: Vec<Stage> = stages.map(|(place, stage)| read_stage(stage, place, credential)).collect();
    let uses_secret = |template: &Template| template.uses(&Variable::Secret);
    let is_read = !stages.is_empty() && !section.has_problem("stages");
    if is_read && !stages.iter().any(|stage| uses_secret(&stage.text) || uses_secret(&stage.key)) {
        section.problem("stages", "no stage uses {secret}: anybody could sign");
    }
    stages
}

fn read_stage(section: &Section<'_>, place: usize, credential: &[Field]) -> Stage {
    let digest = read_digest(section, credential);
    let out = match section.text("out").as_deref() {
        None | Some("hex") => Output::LowerHex,
        Some("HEX") => Output::UpperHex,
        Some("base64") => Output::Base64,
        Some(_) => {
            section.problem("out", "a digest is written as hex, HEX or base64");
            Output::LowerHex
        }
    };
    let (text, key) = (read_template(section, "text"), read_template(section, "key"));
    let is_read = !section.has_problem("digest") && !section.has_problem("key");
    if is_read && digest.is_keyed() == key.0.is_empty() {
        section.problem("key", "an HMAC has a key, and no other digest has one");
    }
    for (name, template) in [("text", &text), ("key", &key)] {
        template.variables().for_each(|variable| check_variable(section, name, variable, place, credential));
    }
    Stage { text, digest, key, out }
}

fn check_variable(section: &Section<'_>, key: &str, variable: &Variable, place: usize, credential: &[Field]) {
    match variable {
        Variable::Stage(number) if *number >= place => {
            section.problem(key, format!("{variable} is not known yet: stages are numbered from 0"));
        }
        Variable::Credential(name) if !credential.iter().any(|field| field.name == *name) => {
            section.problem(key, format!("[credential] has no field {name}"));
        }
        Variable::Login(..) => section.problem(key, format!("{variable} is not known when a call is signed")),
        _ => {}
    }
}

fn read_digest(section: &Section<'_>, credential: &[Field]) -> Digest {
    let name = section.required_text("digest", DIGESTS);
    if let Some(field) = name.strip_prefix("{credential.").and_then(|name| name.strip_suffix('}')) {
        let choices = credential.iter().find(|own| own.name == field).map(|own| own.choices.as_slice());
        let is_plain = |choice: &String| Digest::named(choice).is_some_and(|digest| !digest.is_keyed());
        if !choices.is_some_and(|choices| !choices.is_empty() && choices.iter().all(is_plain)) {
            section.problem("digest", format!("the choices of [credential.{field}] are not all digests without a key"));
        }
        return Digest::OfCredential(field.to_owned());
    }
    if name.is_empty() {
        return Digest::None;
    }
    Digest::named(&name).unwrap_or_else(|| {
        let unsupported = ["rsa", "sm2", "sm3", "ecdsa"].iter().any(|other| name.to_lowercase().contains(other));
        let message = if unsupported { "RSA, ECDSA, SM2 and SM3 are not supported" } else { "there is no such digest" };
        section.problem("digest", format!("{message}; the digests are {DIGESTS}"));
        Digest::None
    })
}
