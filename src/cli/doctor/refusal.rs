//! Describes a failed call for operators: what was seen, which setting to check, and whom to ask.

use super::call_ids::CallIds;
use super::finding::Finding;
use crate::gateway::diagnosis::Diagnosis;
use crate::gateway::error::{Error, Kind};
use crate::gateway::protocol::{Method, SignedTextDifference};
use crate::gateway::vendor::Vendor;

const AGAIN: &str = "try again; if it stays, ask the vendor, with the time of this check";

/// The gateway's message, as far as it may be shown.
pub(super) fn refusal_text(error: &Error) -> String {
    let note = error.note.clone().unwrap_or_default();
    let message = note.message.map(|message| format!(" ({message})")).unwrap_or_default();
    let call = note.call_id.map(|id| format!(", its call {id}")).unwrap_or_default();
    format!("{}{message}{call}", error.cause)
}

/// The vendor's name for a key.
pub(super) fn credential(vendor: Vendor) -> &'static str {
    let pack = vendor.pack();
    pack.credential.get(pack.key).map_or("key", |field| &field.name)
}

/// Whether a refused signature proves that the gateway knows the key. Some gateways refuse an unknown key in the same
/// way; those show the signed text only for a key that they know.
pub(super) fn proves_key(error: &Error, difference: Option<&SignedTextDifference>) -> bool {
    let code = error.note.as_ref().and_then(|note| note.code.as_ref());
    let hiding = &error.vendor.pack().doctor.hides_unknown_key;
    difference.is_some() || !code.is_some_and(|code| hiding.contains(code))
}

/// The finding for the failed call that was to prove key, signature and time.
pub(super) fn of_contact(error: &Error, difference: Option<&SignedTextDifference>, place: &CallIds<'_>) -> Finding {
    let (key, said) = (credential(error.vendor), refusal_text(error));
    match error.diagnosis() {
        Diagnosis::Key | Diagnosis::KeyExpired | Diagnosis::System => {
            Finding::failed(key, said, place.credential_remedy(error.diagnosis()).unwrap_or_default())
        }
        Diagnosis::Signature => {
            let (cause, remedy) = signature(proves_key(error, difference), difference, place);
            Finding::failed("signature", format!("{said}; {cause}"), remedy)
        }
        diagnosis => {
            let is_no_envelope = diagnosis == Diagnosis::Other && error.kind == Kind::Unreadable;
            let diagnosis = if is_no_envelope { Diagnosis::OtherDocument } else { diagnosis };
            let remedy = place.answer_remedy(diagnosis).unwrap_or_else(|| AGAIN.to_owned());
            Finding::failed("answer", said, remedy)
        }
    }
}

/// The finding for a first call that something other than the gateway answered.
pub(super) fn another_answer(place: &CallIds<'_>) -> Finding {
    let remedy = place.answer_remedy(Diagnosis::OtherDocument).unwrap_or_else(|| AGAIN.to_owned());
    Finding::failed("answer", "there is JSON, but nothing in it that the gateway answers", remedy)
}

/// The cause of a refused signature, and the remedy.
fn signature(is_known: bool, difference: Option<&SignedTextDifference>, place: &CallIds<'_>) -> (String, String) {
    let key = credential(place.vendor);
    let rewritten =
        || "find out what changes the call on its way, such as a proxy; `storegate sign` shows what we sign".to_owned();
    let another_secret = || place.credential_remedy(Diagnosis::Signature).unwrap_or_default();
    match difference {
        None if is_known => ("the key is known, so the secret is another".to_owned(), another_secret()),
        None => {
            let cause = format!("it shows nothing that it signed, as it does for a {key} that it does not know");
            let unknown = place.credential_remedy(Diagnosis::Key).unwrap_or_default();
            (cause, format!("{unknown}; if the {key} is right, {}", another_secret()))
        }
        Some(SignedTextDifference::None) => {
            ("it signed the same parameters as we did, so the secret is another".to_owned(), another_secret())
        }
        Some(SignedTextDifference::Parameter(name)) => {
            (format!("the first parameter that it signed otherwise is `{name}`"), rewritten())
        }
        Some(SignedTextDifference::Behind(name)) => {
            let cause = format!(
                "the first parameter that it signed otherwise is `{name}`, which is longer there, or a parameter that we \
                 did not send follows it"
            );
            (cause, rewritten())
        }
        Some(SignedTextDifference::SomethingMore) => ("it signed more parameters than we sent".to_owned(), rewritten()),
    }
}

/// The finding for one failed method, after key and signature were accepted at the endpoint that was called first.
pub(super) fn of_method(check: String, error: &Error, method: &Method, place: &CallIds<'_>) -> Finding {
    let (said, named) = (refusal_text(error), format!("{} {}", method.name, method.version));
    match error.diagnosis() {
        Diagnosis::Method if !place.vendor.pack().doctor.no_method.is_empty() => {
            let advice = &place.vendor.pack().doctor.no_method;
            Finding::failed(check, said, format!("{advice}: {} in version {}", method.name, method.version))
        }
        Diagnosis::Method | Diagnosis::Permission => Finding::failed(
            check,
            said,
            format!("have the vendor register {named} for the {}", credential(error.vendor)),
        ),
        Diagnosis::LoginToken if place.has_given_token() => {
            let remedy = format!(
                "have the program that renews the token write a new one, and check `token_file` in [{}]",
                place.section
            );
            Finding::failed(check, format!("{said}: the token of this account has ended, or is another's"), remedy)
        }
        Diagnosis::LoginToken if place.has_login() => {
            let (cause, remedy) = match place.login_section() {
                Some(login) => (
                    "although the user has just logged in: the login is lost at once",
                    format!("ask the vendor whether the user of `{login}` may use this method, and logs in elsewhere"),
                ),
                None => (
                    "although it has just given a token: the token is lost at once",
                    "ask the vendor whether another program uses the same credential".to_owned(),
                ),
            };
            Finding::failed(check, format!("{said}, {cause}"), remedy)
        }
        Diagnosis::LoginToken => {
            let login = place.login_section().unwrap_or("login");
            let remedy = format!("add a section [{}.{login}] with a user of the company", place.section);
            Finding::failed(check, format!("{said}: it wants a user's login"), remedy)
        }
        diagnosis => {
            let remedy = place.credential_remedy(diagnosis).or_else(|| place.answer_remedy(diagnosis));
            Finding::failed(check, said, remedy.unwrap_or_else(|| AGAIN.to_owned()))
        }
    }
}
