//! The accounts that the sandbox knows, and how strict it is. Secrets have a type that cannot be printed.

use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;

pub use super::world::stores::Shop as OmsShop;
use crate::gateway::vendor::Vendor;

/// The settings of a sandbox. The default has one ordinary account at each vendor, and no unusual behaviour.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// Developer keys known to OPRetail.
    pub opretail: Vec<OpRetailAccount>,
    /// Callers known to the OMS.
    pub oms: Vec<OmsAccount>,
    /// How far OPRetail's `_timestamp` may be from the sandbox's clock, in either direction. The vendor does not
    /// publish it.
    pub opretail_timestamp_window: Duration,
    /// How long OPRetail remembers a signature; zero accepts repeated calls.
    pub opretail_replay_window: Duration,
    /// How far the OMS's `timestamp` may be from the sandbox's clock, in either direction.
    pub oms_timestamp_window: Duration,
    /// How long the OMS remembers a signature; zero accepts repeated calls.
    pub oms_replay_window: Duration,
    /// The simulated server of the OMS.
    pub oms_server: OmsServer,
    /// The accepted forms of the OMS's `timestamp`, if they differ from those of its server.
    pub oms_timestamp_form: Option<AcceptedTimestamp>,
    /// The largest page of the OMS, if it differs from that of its server. A request for more gets a smaller page
    /// instead.
    pub oms_page_cap: Option<u32>,
    /// The stores of the OMS; `None` for the simulated ones.
    pub oms_shops: Option<Vec<OmsShop>>,
    /// The additional latency of every answer, by the machine's clock.
    pub latency: Duration,
    /// How far the gateways' clocks are ahead of the sandbox's.
    pub clock_skew: SignedDuration,
    /// Whether OPRetail's `open.shopweb.*` methods need a user's token.
    pub require_login: bool,
    /// How long a user's token lives.
    pub login_lifetime: Duration,
    /// The name of the token in the answer to a login.
    pub login_token_field: LoginTokenField,
    /// How the answer to `ssoLogin` states the token's expiry.
    pub login_expiry: LoginExpiry,
    /// The packs whose gateways are simulated beside the built-in ones.
    pub packs: Vec<Vendor>,
    /// How far timestamps may be off at the gateways of packs; `None` for what each pack says.
    pub pack_timestamp_window: Option<Duration>,
    /// How long the gateways of packs remember a signature; `None` for what each pack says.
    pub pack_replay_window: Option<Duration>,
    /// The seed for random faults; `None` for another one in each sandbox.
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
            packs: Vec::new(),
            pack_timestamp_window: None,
            pack_replay_window: None,
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
    /// The secret that signs.
    pub secret: SecretString,
    /// The credential of the application. If there is one, `cloud.api` accepts it instead of the developer's; `m.api`
    /// never accepts it.
    pub application: Option<OpRetailApplication>,
    /// The organizations that the key may read.
    pub organizations: Vec<Organization>,
    /// Whether the key has expired.
    pub expired: bool,
    /// The methods registered for the key.
    pub methods: PermittedMethods,
    /// The users who may log in with the key.
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
    /// The secret that signs.
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

/// An organization with its two numbers at OPRetail.
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
    /// The `flag` that identifies the caller.
    pub flag: String,
    /// The secret that signs.
    pub token: SecretString,
    /// The methods that the caller may use.
    pub methods: PermittedMethods,
    /// The company of all its stores, if it is not the brand of each, so that answers show whose stores they are. At
    /// the published server, which has no company, it is the sender of all parcels.
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
    /// Only these, by the vendor's names.
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

/// A server of the OMS. The vendor's pages describe another one than the published one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OmsServer {
    /// The server that the vendor publishes
    Published,
    /// The server that the vendor's pages describe
    Documented,
}

/// The accepted forms of the OMS's `timestamp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedTimestamp {
    /// Unix seconds, as in the server's source.
    Unix,
    /// `yyyyMMddHHmmss` in China Standard Time, as on the shop page.
    Compact,
    /// Both forms.
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

/// The form of `tokenExpirationTimestamp`; integrators have seen all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginExpiry {
    /// Unix milliseconds.
    Milliseconds,
    /// Unix seconds.
    Seconds,
    /// `yyyy-MM-dd HH:mm:ss` in China Standard Time.
    Date,
    /// The field is missing.
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
