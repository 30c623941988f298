//! Reads `[sign]`: how calls are signed.

use super::{read_template, read_title};
use crate::gateway::protocol::signing::{Digest, Order, Output, PairPart, SentIn, Signing, Stage};
use crate::gateway::protocol::template::{Template, Variable};
use crate::gateway::vendor::{CredentialField, Pack};
use crate::settings::Section;

const MOST_STAGES: usize = 3;
const DIGESTS: &str =
    "none, md5, sha1, sha256, sha512, hmac-md5, hmac-sha1, hmac-sha256, hmac-sha512, or {credential.NAME}";
const PAIRS: &str = "a pair has {k}, {v}, {vjson}, {klen:02} and {vlen:04}";

pub(super) fn read(section: &Section<'_>, credential: &[CredentialField]) -> Signing {
    let place = match (read_title(section, "parameter"), read_title(section, "header")) {
        (Some(name), None) => SentIn::Parameter(name),
        (None, Some(name)) => SentIn::Header(name),
        _ if section.has_problem("parameter") || section.has_problem("header") => SentIn::Parameter(String::new()),
        _ => {
            section.problem("parameter", "write where the signature is sent, as `parameter` or as `header`");
            SentIn::Parameter(String::new())
        }
    };
    let complaint = "parameters are signed in the order of bytes, or as `over` has them listed";
    let order = section.choice("order", &[("bytes", Order::Bytes), ("listed", Order::Listed)], complaint);
    let order = order.unwrap_or(Order::Bytes);
    let mut except = section.list("except").unwrap_or_default();
    if let SentIn::Parameter(name) = &place {
        except.push(name.clone());
    }
    let pair = section.text("pair").unwrap_or_else(|| "{k}{v}".to_owned());
    Signing {
        over: section.list("over"),
        except,
        body_as: read_title(section, "body_as"),
        signs_empty: section.flag("empty", true),
        order,
        pair: parse_pair(&pair).map_err(|error| section.problem("pair", error)).unwrap_or_default(),
        join: section.text("join").unwrap_or_default(),
        stages: read_stages(section, credential),
        place,
    }
}

/// Parses the form of a parameter.
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

fn read_stages(section: &Section<'_>, credential: &[CredentialField]) -> Vec<Stage> {
    let sections = section.tables("stages");
    if (sections.is_empty() || sections.len() > MOST_STAGES) && !section.has_problem("stages") {
        section.problem("stages", "a signature has one to three stages: [[sign.stages]]");
    }
    sections.iter().map(|stage| read_stage(stage, credential)).collect()
}

/// Checks that calls carry a signature or a token, and that the signature depends on the secret and does not show it.
pub(super) fn check(root: &Section<'_>, pack: &Pack) {
    match &pack.signing {
        Some(signing) => check_secret(&root.section("sign"), &signing.stages),
        None if pack.login.is_none() => root.missing("sign", "calls have a signature, or the token of a [login]"),
        None => {}
    }
}

fn check_secret(section: &Section<'_>, stages: &[Stage]) {
    if section.has_problem("stages") {
        return;
    }
    let has = |template: &Template, earlier: &[bool]| {
        template.variables().any(|variable| match variable {
            Variable::Secret => true,
            Variable::Stage(number) => earlier.get(*number).is_some_and(|has| *has),
            _ => false,
        })
    };
    // By stage: whether it depends on the secret, and whether it shows it.
    let (mut depends, mut shows) = (Vec::new(), Vec::new());
    for stage in stages {
        shows.push(stage.digest == Digest::None && has(&stage.text, &shows));
        depends.push(has(&stage.text, &depends) || has(&stage.key, &depends));
    }
    if depends.last() == Some(&false) {
        section.problem("stages", "the signature does not depend on {secret}: anybody could sign");
    }
    if shows.last() == Some(&true) {
        section.problem("stages", "the last stage would send {secret} as it is: a digest has to cover it");
    }
}

fn read_stage(section: &Section<'_>, credential: &[CredentialField]) -> Stage {
    let digest = read_digest(section, credential);
    let outputs = [("hex", Output::LowerHex), ("HEX", Output::UpperHex), ("base64", Output::Base64)];
    let out = section.choice("out", &outputs, "a digest is written as hex, HEX or base64");
    let out = out.unwrap_or(Output::LowerHex);
    let (text, key) = (read_template(section, "text"), read_template(section, "key"));
    let is_read = !section.has_problem("digest") && !section.has_problem("key");
    if is_read && digest.is_keyed() == key.0.is_empty() {
        section.problem("key", "an HMAC has a key, and no other digest has one");
    }
    Stage { text, digest, key, out }
}

fn read_digest(section: &Section<'_>, credential: &[CredentialField]) -> Digest {
    let name = section.required_text("digest", DIGESTS);
    if let Some(field) = name.strip_prefix("{credential.").and_then(|name| name.strip_suffix('}')) {
        let choices = credential.iter().find(|own| own.name == field).map(|own| own.choices.as_slice());
        let is_plain =
            |choice: &String| Digest::named(choice).is_some_and(|digest| digest != Digest::None && !digest.is_keyed());
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
