//! A failed call in words for whoever has to mend it: what was seen, and which setting or whom to turn to.

use super::finding::Finding;
use crate::gateway::blame::Blame;
use crate::gateway::dialect::Difference;
use crate::gateway::error::Error;
use crate::gateway::vendor::Gateway;

/// What the gateway said, as far as it may be shown.
pub(super) fn said(error: &Error) -> String {
    let note = error.note.clone().unwrap_or_default();
    let message = note.message.map(|message| format!(" ({message})")).unwrap_or_default();
    let call = note.call_id.map(|id| format!(", its call {id}")).unwrap_or_default();
    format!("{}{message}{call}", error.cause)
}

/// The failure of what was to prove the key, the signature and the time.
pub(super) fn of_contact(error: &Error, difference: Option<&Difference>) -> Finding {
    let (gateway, said) = (error.gateway, said(error));
    match error.blame() {
        Blame::Key => Finding::failed(credential(gateway), said, unknown_key(gateway)),
        Blame::KeyHasEnded => {
            Finding::failed("key", said, "have the vendor renew the key, or write the new one as `key`")
        }
        Blame::System => Finding::failed("key", said, "write the system that the key was given for as `system`"),
        Blame::Signature => {
            let (cause, remedy) = signature(gateway, difference);
            Finding::failed("signature", format!("{said}; {cause}"), remedy)
        }
        Blame::Front => Finding::failed("answer", said, FRONT),
        _ => Finding::failed("answer", said, "try again; if it stays, ask the vendor, with the time of this check"),
    }
}

const FRONT: &str = "something in front of the gateway refuses us: check the address, and ask the vendor whether this machine's must be allowed";

/// What a key is called.
pub(super) const fn credential(gateway: Gateway) -> &'static str {
    match gateway {
        Gateway::OpRetail => "key",
        Gateway::Oms => "flag",
    }
}

const fn unknown_key(gateway: Gateway) -> &'static str {
    match gateway {
        Gateway::OpRetail => "check `key`, and whether `m_api` is the gateway that the key was given for",
        Gateway::Oms => "check `flag`, and whether `url` is the OMS that it was given for",
    }
}

/// Why a signature was refused. The OMS shows what it signed, and tells an unknown flag in the same way.
fn signature(gateway: Gateway, difference: Option<&Difference>) -> (String, &'static str) {
    let secret = match gateway {
        Gateway::OpRetail => "write the secret that belongs to the key as `secret`, and check `sign_method`",
        Gateway::Oms => "write the token that belongs to the flag as `token`, and check `flag`",
    };
    let rewritten = "find out what changes the form on its way, such as a proxy; `storegate sign` shows what we sign";
    match difference {
        None if gateway == Gateway::OpRetail => ("the key is known, so the secret is another".to_owned(), secret),
        None => ("it shows nothing that it signed, as an OMS does for a flag that it does not know".to_owned(), secret),
        Some(Difference::None) => {
            let cause =
                "it signed the same parameters as we did, so the token is another, or it does not know the flag";
            (cause.to_owned(), secret)
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
    match error.blame() {
        Blame::Method | Blame::Permission => {
            let whose = if error.gateway == Gateway::OpRetail { "the key" } else { "the flag" };
            Finding::failed(check, said, format!("have the vendor register {method} for {whose}"))
        }
        Blame::LoginToken if has_login => {
            let cause = format!("{said}, although the user has just logged in: the login is lost at once");
            Finding::failed(
                check,
                cause,
                "ask the vendor whether the user of `login` may use this method, and logs in elsewhere",
            )
        }
        Blame::LoginToken => {
            let remedy = "add a section [tenants.<name>.opretail.login] with a user of the company";
            Finding::failed(check, format!("{said}: it wants a user's login"), remedy)
        }
        Blame::Login => {
            Finding::failed(check, "not asked, since the login was refused", "see the line about the login")
        }
        Blame::Front => Finding::failed(check, said, FRONT),
        _ => Finding::failed(
            check,
            said,
            "try again; if it stays, ask the vendor, with the time and number of this call",
        ),
    }
}
