//! A failed call in words for whoever has to mend it: what was seen, and which setting or whom to turn to.

use super::finding::Finding;
use crate::gateway::diagnosis::Diagnosis;
use crate::gateway::error::Error;
use crate::gateway::protocol::Difference;
use crate::gateway::vendor::Vendor;

/// What the gateway said, as far as it may be shown.
pub(super) fn said(error: &Error) -> String {
    let note = error.note.clone().unwrap_or_default();
    let message = note.message.map(|message| format!(" ({message})")).unwrap_or_default();
    let call = note.call_id.map(|id| format!(", its call {id}")).unwrap_or_default();
    format!("{}{message}{call}", error.cause)
}

/// The failure of what was to prove the key, the signature and the time.
pub(super) fn of_contact(error: &Error, difference: Option<&Difference>) -> Finding {
    let (vendor, said) = (error.vendor, said(error));
    match error.diagnosis() {
        Diagnosis::Key => Finding::failed(credential(vendor), said, &vendor.pack().doctor.unknown_key),
        Diagnosis::KeyExpired => {
            Finding::failed("key", said, "have the vendor renew the key, or write the new one as `key`")
        }
        Diagnosis::System => Finding::failed("key", said, "write the system that the key was given for as `system`"),
        Diagnosis::Signature => {
            let (cause, remedy) = signature(vendor, difference);
            Finding::failed("signature", format!("{said}; {cause}"), remedy)
        }
        Diagnosis::Front => Finding::failed("answer", said, FRONT),
        _ => Finding::failed("answer", said, "try again; if it stays, ask the vendor, with the time of this check"),
    }
}

const FRONT: &str = "something in front of the gateway refuses us: check the address, and ask the vendor whether this machine's must be allowed";

/// What a key is called.
pub(super) fn credential(vendor: Vendor) -> &'static str {
    let pack = vendor.pack();
    pack.credential.get(pack.key).map_or("key", |field| &field.name)
}

/// Why a signature was refused. Some gateways show what they signed, and some tell an unknown key in the same way.
fn signature(vendor: Vendor, difference: Option<&Difference>) -> (String, &'static str) {
    let doctor = &vendor.pack().doctor;
    let rewritten = "find out what changes the call on its way, such as a proxy; `storegate sign` shows what we sign";
    match difference {
        None if !doctor.hides_unknown_key => {
            ("the key is known, so the secret is another".to_owned(), &doctor.wrong_secret)
        }
        None => {
            let cause = format!(
                "it shows nothing that it signed, as it does for a {} that it does not know",
                credential(vendor)
            );
            (cause, &doctor.wrong_secret)
        }
        Some(Difference::None) => {
            let cause = format!(
                "it signed the same parameters as we did, so the secret is another, or it does not know the {}",
                credential(vendor)
            );
            (cause, &doctor.wrong_secret)
        }
        Some(Difference::Parameter(name)) => {
            (format!("the first parameter that it signed otherwise is `{name}`"), rewritten)
        }
        Some(Difference::SomethingMore) => ("it signed more parameters than we sent".to_owned(), rewritten),
    }
}

/// The failure of one method, once key and signature are known to be good. `method` is named as the vendor needs it.
pub(super) fn of_method(check: String, error: &Error, method: &str, has_login: bool) -> Finding {
    let said = said(error);
    match error.diagnosis() {
        Diagnosis::Method | Diagnosis::Permission => {
            let whose = credential(error.vendor);
            Finding::failed(check, said, format!("have the vendor register {method} for the {whose}"))
        }
        Diagnosis::LoginToken if has_login => {
            let cause = format!("{said}, although the user has just logged in: the login is lost at once");
            Finding::failed(
                check,
                cause,
                "ask the vendor whether the user of `login` may use this method, and logs in elsewhere",
            )
        }
        Diagnosis::LoginToken => {
            let remedy = format!("add a section [tenants.<name>.{}.login] with a user of the tenant", error.vendor);
            Finding::failed(check, format!("{said}: it wants a user's login"), remedy)
        }
        Diagnosis::Login => {
            Finding::failed(check, "not asked, since the login was refused", "see the line about the login")
        }
        Diagnosis::Front => Finding::failed(check, said, FRONT),
        _ => Finding::failed(
            check,
            said,
            "try again; if it stays, ask the vendor, with the time and number of this call",
        ),
    }
}
