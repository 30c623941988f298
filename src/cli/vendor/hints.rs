//! What a reviewer would ask about a pack that has no mistakes.

mod methods;

use serde_json::value::to_raw_value;

use crate::gateway::error::Kind;
use crate::gateway::vendor::{CredentialField, Pack};
use crate::resources::Declarations;

/// What the name of a secret looks like.
const SECRET_NAMES: [&str; 5] = ["secret", "password", "token", "private", "session"];

/// Kinds of failures that every platform has, with what happens where no code stands for them.
const USUAL_KINDS: [(Kind, &str); 4] = [
    (Kind::TimestampRefused, "a wrong clock is not corrected"),
    (Kind::AskedToWait, "a limit of the vendor's is taken for a failure"),
    (Kind::NotFound, "what does not exist is not told as 404"),
    (Kind::ParameterRefused, "a wrong parameter is not told as the caller's mistake"),
];

/// The hints, in the order of the pack.
pub fn of(pack: &Pack, declared: &Declarations) -> impl Iterator<Item = String> {
    [
        credential(pack),
        sources(pack),
        codes(pack),
        doctor(pack),
        resources(pack, declared),
        methods::of(pack, declared),
        examples(pack, declared),
    ]
    .into_iter()
    .flatten()
}

fn credential(pack: &Pack) -> Vec<String> {
    let of_login = pack.login.iter().flat_map(|login| &login.fields);
    let sounds_secret = |field: &&CredentialField| {
        let name = field.name.to_lowercase();
        !field.is_secret && SECRET_NAMES.iter().any(|word| name.contains(word))
    };
    let fields = pack.credential.iter().chain(of_login).filter(sounds_secret);
    fields.map(|field| format!("{} sounds like a secret and is none: write `secret = true`?", field.name)).collect()
}

fn sources(pack: &Pack) -> Vec<String> {
    let has_none = pack.signing.is_some() && pack.vectors.is_empty();
    let hint = "there is no [[vectors]] that shows that calls are signed right: take one from the vendor's page";
    has_none.then(|| hint.to_owned()).into_iter().collect()
}

fn codes(pack: &Pack) -> Vec<String> {
    let has_time = !pack.time.forms.is_empty();
    let lacks = |kind: Kind| pack.codes.of_kind(kind).is_empty() && (kind != Kind::TimestampRefused || has_time);
    let usual = USUAL_KINDS.iter().filter(|(kind, _)| lacks(*kind));
    let mut hints: Vec<String> =
        usual.map(|(kind, effect)| format!("no code of [codes] is {}: {effect}", kind.name())).collect();
    if pack.login.is_some() && lacks(Kind::LoginExpired) {
        hints.push("no code of [codes] is login_expired: a token that the gateway forgot is not renewed".to_owned());
    }
    hints
}

fn doctor(pack: &Pack) -> Vec<String> {
    let mut hints = Vec::new();
    if pack.methods.iter().all(|method| method.probe.is_none()) {
        hints.push(
            "no method has a `probe`: `storegate doctor` calls methods with the constants of resources alone"
                .to_owned(),
        );
    }
    for (key, text) in [("unknown_key", &pack.doctor.unknown_key), ("wrong_secret", &pack.doctor.wrong_secret)] {
        if text.is_empty() {
            hints.push(format!("[doctor] has no `{key}`: the advice is a general one"));
        }
    }
    hints
}

fn resources(pack: &Pack, declared: &Declarations) -> Vec<String> {
    let mut hints = Vec::new();
    if declared.iter().next().is_none() {
        hints.push("the pack has no [resources]: each configuration must declare its own".to_owned());
    }
    if pack.paging.is_some() {
        let unpaged = declared.iter().filter(|resource| resource.is_list_without_pages());
        hints.extend(
            unpaged.map(|resource| format!("{}: a list without `pages = true` ends after one page", resource.name())),
        );
    }
    hints
}

/// What resources read and the example answers of their methods do not have.
fn examples(pack: &Pack, declared: &Declarations) -> Vec<String> {
    let mut hints = Vec::new();
    for resource in declared.iter() {
        let method = resource.method().name.as_ref();
        let example = pack.sandbox.answers.get(method).and_then(|data| to_raw_value(data).ok());
        let absent = example.map(|data| resource.absent_in(&data)).unwrap_or_default();
        hints.extend(absent.into_iter().map(|absent| {
            let (setting, pointer) = (absent.setting, absent.pointer);
            format!("resources.{}.{setting}: {pointer} is nowhere in the example answer of {method}", resource.name())
        }));
    }
    hints
}
