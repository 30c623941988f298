//! Which of our settings a refusal speaks of, for the operator who has to correct it. What the service does about a refusal
//! is in `reactions.rs`; here is only what an operator does.

use super::error::{Error, Kind};

/// What a failed call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Diagnosis {
    /// The gateway does not know the key.
    Key,
    /// The key's time is over.
    KeyExpired,
    /// The key belongs to another system than the one that is named.
    System,
    /// The signature is another than the gateway computes.
    Signature,
    /// There is no such method, or it is not registered for the key.
    Method,
    /// The method is there, and not for this key.
    Permission,
    /// The time that was signed.
    Time,
    /// The login was refused.
    Login,
    /// The method wants a token, and knows none or not this one.
    LoginToken,
    /// Something in front of the gateway, which answers with a status of HTTP.
    Front,
    /// Nothing of ours that could be named.
    Other,
}

impl Diagnosis {
    /// Those that a vendor's code may mean, with their names in packs.
    pub const OF_CODES: [(&'static str, Self); 7] = [
        ("key", Self::Key),
        ("key_expired", Self::KeyExpired),
        ("system", Self::System),
        ("signature", Self::Signature),
        ("method", Self::Method),
        ("permission", Self::Permission),
        ("other", Self::Other),
    ];
}

impl Error {
    /// Whether the gateway took key, time and signature: it looks at method, permission and parameters only then.
    pub fn is_admitted(&self) -> bool {
        self.kind.reaction().admitted || matches!(self.diagnosis(), Diagnosis::Method | Diagnosis::Permission)
    }

    /// What the failure is about. A vendor's codes are in its pack.
    pub fn diagnosis(&self) -> Diagnosis {
        match self.kind {
            Kind::TimestampRefused => Diagnosis::Time,
            Kind::LoginRefused => Diagnosis::Login,
            Kind::LoginExpired => Diagnosis::LoginToken,
            Kind::CredentialsRefused => match self.note.as_ref().and_then(|note| note.code.as_deref()) {
                Some(code) => self.vendor.pack().codes.diagnosis(code),
                None => Diagnosis::Other,
            },
            Kind::UnexpectedStatus => Diagnosis::Front,
            _ => Diagnosis::Other,
        }
    }
}
