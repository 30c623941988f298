//! Which of our settings a refusal speaks of, for people who have to mend it. What the service does about a refusal stands
//! in `reactions.rs`; here is only what an operator does.

use super::error::{Error, Kind};
use super::vendor::Gateway;

/// What a failed call is to be blamed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The gateway does not know the key, or the flag.
    Key,
    /// The key's time is over.
    KeyHasEnded,
    /// The key belongs to another system than the one that is named.
    System,
    /// The signature is another than the gateway computes. An OMS says the same of a flag that it does not know.
    Signature,
    /// There is no such method, or it is not registered for the key.
    Method,
    /// The method is there, and not for us.
    Permission,
    /// The time that was signed.
    Time,
    /// The user's login was refused.
    Login,
    /// The method wants a user's token, and knows none or not this one.
    LoginToken,
    /// Something in front of the gateway, which answers with a status of HTTP.
    Front,
    /// Nothing of ours that could be named.
    Other,
}

impl Error {
    /// What the failure is to be blamed on. The codes are those of the vendors' tables.
    pub fn blame(&self) -> Blame {
        match self.kind {
            Kind::TimestampRefused => Blame::Time,
            Kind::LoginRefused => Blame::Login,
            Kind::LoginExpired => Blame::LoginToken,
            Kind::CredentialsRefused => match self.note.as_ref().and_then(|note| note.code.as_deref()) {
                Some(code) => of_code(self.gateway, code),
                None => Blame::Other,
            },
            Kind::UnexpectedStatus => Blame::Front,
            _ => Blame::Other,
        }
    }
}

fn of_code(gateway: Gateway, code: &str) -> Blame {
    match (gateway, code) {
        (Gateway::OpRetail, "1" | "2") | (Gateway::Oms, "401" | "1001") => Blame::Key,
        (Gateway::OpRetail, "3") => Blame::KeyHasEnded,
        (Gateway::OpRetail, "11" | "12") => Blame::System,
        (Gateway::OpRetail, "4" | "5" | "6" | "7") | (Gateway::Oms, "e000002" | "1003") => Blame::Signature,
        (Gateway::OpRetail, "8" | "9" | "13") | (Gateway::Oms, "e000003" | "2003") => Blame::Method,
        (Gateway::Oms, "e000004" | "403") => Blame::Permission,
        _ => Blame::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::Blame;
    use crate::gateway::error::{Error, Kind, Note, Refusal};
    use crate::gateway::vendor::Gateway;

    #[test]
    fn a_code_means_something_else_at_each_vendor_and_a_status_is_of_neither() {
        let refused = |gateway, kind, code: &str| {
            let note = Note { code: Some(code.to_owned()), ..Note::default() };
            Error::refused(gateway, Refusal::of(kind, note)).blame()
        };
        assert_eq!(refused(Gateway::OpRetail, Kind::of_opretail(7), "7"), Blame::Signature);
        assert_eq!(refused(Gateway::OpRetail, Kind::of_opretail(9), "9"), Blame::Method);
        assert_eq!(refused(Gateway::OpRetail, Kind::of_opretail(16), "16"), Blame::Time);
        assert_eq!(refused(Gateway::Oms, Kind::of_oms("e000004"), "e000004"), Blame::Permission);
        assert_eq!(refused(Gateway::Oms, Kind::of_oms("401"), "401"), Blame::Key);
        let in_front = Error::local(Gateway::Oms, Kind::of_status(403), "HTTP status 403");
        assert_eq!(in_front.blame(), Blame::Front);
    }
}
