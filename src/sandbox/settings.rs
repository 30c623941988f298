//! Whom the sandbox knows and how strict it is.
//! Accounts hold secrets in a type that cannot print itself.

use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;

pub use super::world::stores::Shop as OmsShop;

/// How the sandbox behaves. The default has one ordinary account at each vendor, and does nothing out of the ordinary.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// Developer keys known to OPRetail.
    pub opretail: Vec<OpRetailAccount>,
    /// Callers known to the OMS.
    pub oms: Vec<OmsAccount>,
    /// How far OPRetail's `_timestamp` may be from the sandbox's clock, either way. The vendor does not publish it.
    pub opretail_timestamp_window: Duration,
    /// For how long OPRetail remembers a signature; zero accepts repeated calls.
    pub opretail_replay_window: Duration,
    /// How far the OMS's `timestamp` may be from the sandbox's clock, either way.
    pub oms_timestamp_window: Duration,
    /// For how long the OMS remembers a signature; zero accepts repeated calls.
    pub oms_replay_window: Duration,
    /// Which server of the OMS answers.
    pub oms_server: OmsServer,
    /// Which forms of the OMS's `timestamp` are taken, when they are not those of its server.
    pub oms_timestamp_form: Option<AcceptedTimestamp>,
    /// The largest page of the OMS, when it is not that of its server. A caller who asks for more gets smaller pages instead.
    pub oms_page_cap: Option<u32>,
    /// The stores of the OMS, when they are not the simulated ones.
    pub oms_shops: Option<Vec<OmsShop>>,
    /// How much longer every answer takes, by the machine's clock.
    pub latency: Duration,
    /// By how much the gateways' clocks are ahead of the sandbox's.
    pub clock_skew: SignedDuration,
    /// Whether OPRetail's `open.shopweb.*` methods need a user's token.
    pub require_login: bool,
    /// How long a user's token lives.
    pub login_lifetime: Duration,
    /// The name of the token in the answer to a login.
    pub login_token_field: LoginTokenField,
    /// How the answer to `ssoLogin` says when the token ends.
    pub login_expiry: LoginExpiry,
    /// What chance starts from, for faults that come by chance; without it, each sandbox has another.
    pub seed: Option<u64>,
}

impl Default for SandboxSettings {
    fn default() -> Self {
        Self {
            opretail: vec![OpRetailAccount::default()],
            oms: vec![OmsAccount::default()],
            opretail_timestamp_window: Duration::from_secs(600),
            opretail_replay_window: Duration::from_secs(600),
            oms_timestamp_window: Duration::from_secs(3_600),
            oms_replay_window: Duration::from_secs(3_600),
            oms_server: OmsServer::Published,
            oms_timestamp_form: None,
            oms_page_cap: None,
            oms_shops: None,
            latency: Duration::ZERO,
            clock_skew: SignedDuration::ZERO,
            require_login: false,
            login_lifetime: Duration::from_secs(7_200),
            login_token_field: LoginTokenField::Token,
            login_expiry: LoginExpiry::Milliseconds,
            seed: None,
        }
    }
}

/// A developer key of OPRetail.
#[derive(Clone, Debug)]
pub struct OpRetailAccount {
    /// `_aid`.
    pub system: String,
    /// `_akey`.
    pub key: String,
    /// What signatures are made with.
    pub secret: SecretString,
    /// The credential of the application. With one, `cloud.api` takes it and not the developer's; `m.api` never takes it.
    pub application: Option<OpRetailApplication>,
    /// The organizations that the key may read.
    pub organizations: Vec<Organization>,
    /// Whether the key's service has ended.
    pub expired: bool,
    /// The methods registered for the key.
    pub methods: PermittedMethods,
    /// Who may log in with the key.
    pub users: Vec<OpRetailUser>,
}

impl Default for OpRetailAccount {
    fn default() -> Self {
        Self {
            system: "S107".to_owned(),
            key: "S107-00000001".to_owned(),
            secret: SecretString::from("sandbox-secret"),
            application: None,
            organizations: vec![Organization { platform_id: 2, enterprise_id: 1084 }],
            expired: false,
            methods: PermittedMethods::All,
            users: vec![OpRetailUser::default()],
        }
    }
}

impl OpRetailAccount {
    pub(super) fn owns_enterprise(&self, enterprise_id: u32) -> bool {
        self.organizations.iter().any(|organization| organization.enterprise_id == enterprise_id)
    }
}

/// The credential of an application, which a developer creates in OPRetail's console.
#[derive(Clone, Debug)]
pub struct OpRetailApplication {
    /// `_aid`: the number of the application.
    pub system: String,
    /// `_akey`.
    pub key: String,
    /// What signatures are made with.
    pub secret: SecretString,
}

impl Default for OpRetailApplication {
    fn default() -> Self {
        Self {
            system: "DC-000001".to_owned(),
            key: "sandbox-application".to_owned(),
            secret: SecretString::from("sandbox-application-secret"),
        }
    }
}

/// A user of OPRetail's shop web.
#[derive(Clone, Debug)]
pub struct OpRetailUser {
    /// `userName`, usually a mobile number.
    pub name: String,
    /// The password as the user knows it.
    pub password: SecretString,
}

impl Default for OpRetailUser {
    fn default() -> Self {
        Self { name: "13800000000".to_owned(), password: SecretString::from("sandbox-password") }
    }
}

/// An organization under the two numbers that OPRetail gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Organization {
    /// The open platform's number: `orgid` of `open.gateway.authentication`.
    pub platform_id: u32,
    /// The business platform's number: `O_1084`, `enterpriseId`.
    pub enterprise_id: u32,
}

/// A caller of the OMS.
#[derive(Clone, Debug)]
pub struct OmsAccount {
    /// `flag`.
    pub flag: String,
    /// What signatures are made with.
    pub token: SecretString,
    /// The methods that the caller may use.
    pub methods: PermittedMethods,
    /// The company of all its stores, when it is not the brand of each; so that answers tell whose they are. Of the published
    /// server, which has no company, it is the sender of all parcels.
    pub company: Option<String>,
}

impl Default for OmsAccount {
    fn default() -> Self {
        let token = SecretString::from("sandbox-token");
        Self { flag: "demo".to_owned(), token, methods: PermittedMethods::All, company: None }
    }
}

/// The methods that an account may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PermittedMethods {
    /// Every method of the sandbox.
    #[default]
    All,
    /// These, by the vendor's names.
    Only(Vec<String>),
}

impl PermittedMethods {
    pub(super) fn permit(&self, method: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|name| name == method),
        }
    }
}

/// A server of the OMS. The vendor's pages describe another one than it publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OmsServer {
    /// The server that the vendor publishes
    Published,
    /// The server that the vendor's pages describe
    Documented,
}

/// The forms of the OMS's `timestamp` that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedTimestamp {
    /// Unix seconds, as the server's source has it.
    Unix,
    /// `yyyyMMddHHmmss` in China Standard Time, as the shop page has it.
    Compact,
    /// Either.
    Both,
}

/// The name of the token in the answer to a login; integrators have seen both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginTokenField {
    /// `token`.
    Token,
    /// `authenticator`.
    Authenticator,
}

/// How `tokenExpirationTimestamp` is written; integrators have seen all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginExpiry {
    /// Unix milliseconds.
    Milliseconds,
    /// Unix seconds.
    Seconds,
    /// `yyyy-MM-dd HH:mm:ss` in China Standard Time.
    Date,
    /// Not at all.
    Missing,
}

#[cfg(test)]
mod tests {
    use super::{OpRetailAccount, OpRetailApplication, SandboxSettings};

    #[test]
    fn printing_the_settings_does_not_print_a_secret() {
        let application = Some(OpRetailApplication::default());
        let opretail = vec![OpRetailAccount { application, ..OpRetailAccount::default() }];
        let printed = format!("{:?}", SandboxSettings { opretail, ..SandboxSettings::default() });
        assert!(printed.contains("DC-000001"));
        assert!(printed.contains("S107-00000001"));
        for secret in ["sandbox-secret", "sandbox-token", "sandbox-password", "sandbox-application-secret"] {
            assert!(!printed.contains(secret), "{secret}");
        }
    }
}
