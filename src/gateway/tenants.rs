//! Which company has which accounts at the gateways: `[tenants.<name>.opretail]` and `[tenants.<name>.oms]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::account::Account;
use super::endpoint::china_standard_time;
use super::oms::{CodeParameter, OmsSettings};
use super::opretail::OpRetailSettings;
use super::registry::Registry;
use super::settings::GatewaySettings;
use super::vendor::Gateway;
use crate::http_client::loopback::is_exposed;
use crate::settings::{Section, SettingsDigest};

/// The settings of one company's accounts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TenantSettings {
    /// The name that tokens carry in `tenant`.
    pub name: String,
    /// The company's key at OPRetail.
    pub opretail: Option<OpRetailSettings>,
    /// The company's access to its OMS.
    pub oms: Option<OmsSettings>,
}

/// What stands in the names of a company's cached answers for the credentials and settings by which they are fetched: with
/// other ones, or those of another company, an answer is another one. Secrets are no part of it.
#[derive(Clone, Copy, Debug)]
struct Sources {
    opretail: SettingsDigest,
    oms: SettingsDigest,
    all: SettingsDigest,
}

impl Sources {
    /// Periods are read in the zone of OPRetail at whichever gateway.
    fn of(settings: &TenantSettings) -> Self {
        #[derive(Serialize)]
        struct OmsSource<'a> {
            oms: Option<&'a OmsSettings>,
            #[serde(with = "jiff::fmt::serde::tz::optional")]
            zone_of_periods: Option<TimeZone>,
        }
        let zone_of_periods = settings.opretail.as_ref().map(|settings| settings.time_zone.clone());
        Self {
            opretail: SettingsDigest::of(&settings.opretail),
            oms: SettingsDigest::of(&OmsSource { oms: settings.oms.as_ref(), zone_of_periods }),
            all: SettingsDigest::of(settings),
        }
    }
}

impl TenantSettings {
    /// Reads all of `[tenants]`.
    pub fn read_all(tenants: &Section<'_>, root: &Section<'_>) -> Vec<Self> {
        let entries = tenants.entries();
        if entries.is_empty() {
            root.problem(
                "tenants",
                "there is no company: add a section [tenants.<name>.opretail] or [tenants.<name>.oms]",
            );
        }
        if entries.iter().any(|(name, _)| name.contains(char::is_control)) {
            root.problem("tenants", "the name of a company has a control character: name its section otherwise");
        }
        let allows_plain_http = GatewaySettings::allows_plain_http(&root.section("gateway"));
        let read = |(name, section)| {
            let settings = Self::read(name, &section);
            if !allows_plain_http {
                settings.refuse_plain_http(&section);
            }
            settings
        };
        entries.into_iter().map(read).collect()
    }

    fn read(name: String, section: &Section<'_>) -> Self {
        let (opretail, oms) = (section.section("opretail"), section.section("oms"));
        if !opretail.is_present() && !oms.is_present() {
            section.problem("opretail", "the company has neither a section opretail nor a section oms");
        }
        Self {
            name,
            opretail: opretail.is_present().then(|| OpRetailSettings::read(&opretail)),
            oms: oms.is_present().then(|| OmsSettings::read(&oms)),
        }
    }

    /// The gateways on other machines that are called without TLS, with the sections and keys that name them.
    pub fn exposed_urls(&self) -> Vec<(&'static str, &'static str, &str)> {
        let opretail = self.opretail.iter().flat_map(|opretail| {
            [("opretail", "m_api", opretail.m_api.as_str()), ("opretail", "cloud_api", opretail.cloud_api.as_str())]
        });
        let oms = self.oms.iter().map(|oms| ("oms", "url", oms.url.as_str()));
        opretail.chain(oms).filter(|(.., url)| is_exposed(url)).collect()
    }

    fn refuse_plain_http(&self, section: &Section<'_>) {
        for (vendor, key, _) in self.exposed_urls() {
            section.section(vendor).problem(
                key,
                "without TLS everybody on the way can read and change calls and answers: write https://, or set \
                 gateway.allow_plain_http = true if the network between is trusted",
            );
        }
    }
}

/// What a question needs, and the configuration of the company does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotConfigured {
    /// An account at this vendor's gateway.
    #[error("there is no section [tenants.{tenant}.{gateway}] in the configuration")]
    Account {
        /// The company.
        tenant: Arc<str>,
        /// The vendor.
        gateway: Gateway,
    },
    /// A setting of the account.
    #[error("the setting tenants.{tenant}.{gateway}.{key} is missing in the configuration")]
    Setting {
        /// The company.
        tenant: Arc<str>,
        /// The vendor.
        gateway: Gateway,
        /// The last part of the setting's name.
        key: &'static str,
    },
}

/// A company's access to OPRetail, with what its resources need to know.
#[derive(Clone)]
pub struct OpRetailAccess {
    /// Signs and remembers.
    pub account: Arc<Account>,
    /// The company's number on the business platform.
    pub enterprise_id: Option<i64>,
    /// The gateway's zone.
    pub zone: TimeZone,
}

/// A company's access to its OMS, with what its resources need to know.
#[derive(Clone)]
pub struct OmsAccess {
    /// Signs and remembers.
    pub account: Arc<Account>,
    /// The largest page to ask for at once.
    pub page_cap: u32,
    /// The parameter that filters by store code.
    pub code_parameter: CodeParameter,
    /// The gateway's zone.
    pub zone: TimeZone,
}

/// One company.
#[derive(Clone)]
pub struct Tenant {
    name: Arc<str>,
    opretail: Option<OpRetailAccess>,
    oms: Option<OmsAccess>,
    sources: Sources,
    settings: TenantSettings,
}

impl Tenant {
    /// Opens a company's accounts. The registry is shared by all companies of the process.
    pub fn new(settings: TenantSettings, registry: &Registry) -> Self {
        Self::after(None, settings, registry)
    }

    /// The same after another configuration: an account whose settings are the same goes on, and another one begins, which
    /// learns what is true of both. A refused credential no longer rests then.
    fn after(before: Option<&Self>, settings: TenantSettings, registry: &Registry) -> Self {
        let opretail = settings.opretail.clone().map(|settings| OpRetailAccess {
            enterprise_id: settings.enterprise_id,
            zone: settings.time_zone.clone(),
            account: before.map_or_else(
                || Arc::new(Account::opretail(settings.clone(), registry)),
                |before| before.opretail_account(&settings, registry),
            ),
        });
        let oms = settings.oms.clone().map(|settings| OmsAccess {
            page_cap: settings.page_cap,
            code_parameter: settings.code_parameter,
            zone: settings.time_zone.clone(),
            account: before.map_or_else(
                || Arc::new(Account::oms(settings.clone(), registry)),
                |before| before.oms_account(&settings, registry),
            ),
        });
        Self { name: settings.name.as_str().into(), opretail, oms, sources: Sources::of(&settings), settings }
    }

    fn opretail_account(&self, settings: &OpRetailSettings, registry: &Registry) -> Arc<Account> {
        let before = self.settings.opretail.as_ref().zip(self.opretail.as_ref());
        match before {
            Some((before, access)) if before == settings => access.account.clone(),
            Some((before, access)) if before.m_api == settings.m_api => {
                let has_same_login = (&before.key, &before.system, &before.login, &before.cloud_api)
                    == (&settings.key, &settings.system, &settings.login, &settings.cloud_api);
                Arc::new(Account::opretail(settings.clone(), registry).taught_by(&access.account, has_same_login))
            }
            _ => Arc::new(Account::opretail(settings.clone(), registry)),
        }
    }

    fn oms_account(&self, settings: &OmsSettings, registry: &Registry) -> Arc<Account> {
        let before = self.settings.oms.as_ref().zip(self.oms.as_ref());
        match before {
            Some((before, access)) if before == settings => access.account.clone(),
            Some((before, access)) if before.url == settings.url => {
                Arc::new(Account::oms(settings.clone(), registry).taught_by(&access.account, true))
            }
            _ => Arc::new(Account::oms(settings.clone(), registry)),
        }
    }

    /// The name that tokens carry.
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Access to OPRetail.
    ///
    /// # Errors
    /// When none is configured.
    pub fn opretail(&self) -> Result<&OpRetailAccess, NotConfigured> {
        self.opretail.as_ref().ok_or_else(|| self.has_no(Gateway::OpRetail))
    }

    /// Access to the OMS.
    ///
    /// # Errors
    /// When none is configured.
    pub fn oms(&self) -> Result<&OmsAccess, NotConfigured> {
        self.oms.as_ref().ok_or_else(|| self.has_no(Gateway::Oms))
    }

    /// The accounts that there are.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        let opretail = self.opretail.as_ref().map(|access| &access.account);
        opretail.into_iter().chain(self.oms.as_ref().map(|access| &access.account))
    }

    /// What stands in the names of cached answers from this gateway, or from several, for where they come from.
    pub const fn source(&self, gateway: Option<Gateway>) -> &SettingsDigest {
        match gateway {
            Some(Gateway::OpRetail) => &self.sources.opretail,
            Some(Gateway::Oms) => &self.sources.oms,
            None => &self.sources.all,
        }
    }

    /// The zone in which periods are read.
    pub fn zone(&self) -> TimeZone {
        let opretail = self.opretail.as_ref().map(|access| access.zone.clone());
        opretail.unwrap_or_else(china_standard_time)
    }

    fn has_no(&self, gateway: Gateway) -> NotConfigured {
        NotConfigured::Account { tenant: self.name.clone(), gateway }
    }
}

/// All companies by the name that tokens carry, as the configuration in force has them. Cloning shares them.
#[derive(Clone)]
pub struct Tenants {
    by_name: Arc<ArcSwap<ByName>>,
    registry: Registry,
}

type ByName = BTreeMap<Arc<str>, Arc<Tenant>>;

impl Tenants {
    /// Opens the accounts of all companies.
    pub fn new(settings: Vec<TenantSettings>, registry: &Registry) -> Self {
        let tenants = Self { by_name: Arc::default(), registry: registry.clone() };
        tenants.renew(settings);
        tenants
    }

    /// Puts another configuration in force for the next request. Calls under way end with the accounts that they began with.
    pub fn renew(&self, settings: Vec<TenantSettings>) {
        let before = self.by_name.load();
        let renewed = settings.into_iter().map(|settings| {
            let before = before.get(settings.name.as_str());
            match before.filter(|before| before.settings == settings) {
                Some(same) => same.clone(),
                None => Arc::new(Tenant::after(before.map(AsRef::as_ref), settings, &self.registry)),
            }
        });
        self.by_name.store(Arc::new(renewed.map(|tenant| (tenant.name.clone(), tenant)).collect()));
    }

    /// The company of this name.
    pub fn get(&self, name: &str) -> Option<Arc<Tenant>> {
        self.by_name.load().get(name).cloned()
    }

    /// All of them, by name.
    pub fn all(&self) -> Vec<Arc<Tenant>> {
        self.by_name.load().values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Registry, Tenant, TenantSettings};
    use crate::clock::Clock;
    use crate::gateway::settings::GatewaySettings;
    use crate::gateway::vendor::Gateway;
    use crate::settings::{Report, Section, SettingsDigest};

    const ACME: &str = r#"
[tenants.acme.opretail]
m_api = "https://gateway.example.com/m.api"
cloud_api = "https://gateway.example.com/cloud.api"
system = "S107"
key = "S107-00000001"
secret = "a-secret"
sign_method = "md5"
nonce = true
enterprise_id = 1084
time_zone = "Asia/Shanghai"
[tenants.acme.opretail.login]
method = "sso"
user_name = "13800000000"
password = "a-password"
[tenants.acme.oms]
url = "https://oms.example.com/index.php/openapi/rpc/service/"
flag = "acme"
token = "a-token"
timestamp = "auto"
nonce = true
page_cap = 100
code_parameter = "shop_bn"
time_zone = "Asia/Tokyo"
"#;

    fn read(text: &str) -> (Vec<TenantSettings>, Vec<String>) {
        let table = text.parse().unwrap();
        let report = Report::default().of_text(Some(text.to_owned()));
        let root = Section::root(&table, &report);
        let tenants = TenantSettings::read_all(&root.section("tenants"), &root);
        (tenants, report.finish(&table).err().map(|problems| problems.0).unwrap_or_default())
    }

    /// Where answers from OPRetail, from the OMS, and from both come from.
    fn sources(text: &str) -> [SettingsDigest; 3] {
        let (tenants, problems) = read(text);
        assert_eq!(problems, Vec::<String>::new());
        let registry = Registry::new(&GatewaySettings::default(), Clock::system());
        let tenant = Tenant::new(tenants.into_iter().next().unwrap(), &registry);
        [Some(Gateway::OpRetail), Some(Gateway::Oms), None].map(|gateway| *tenant.source(gateway))
    }

    fn changed(setting: &str, other: &str) -> [bool; 3] {
        let text = ACME.replacen(setting, other, 1);
        assert_ne!(text, ACME, "{setting}");
        let (before, after) = (sources(ACME), sources(&text));
        std::array::from_fn(|place| before[place] != after[place])
    }

    #[test]
    fn another_credential_or_setting_is_another_source() {
        for (setting, other) in [
            ("gateway.example.com/m.api", "staging.example.com/m.api"),
            ("gateway.example.com/cloud.api", "staging.example.com/cloud.api"),
            ("system = \"S107\"", "system = \"S108\""),
            ("S107-00000001", "S107-00000002"),
            ("1084", "2168"),
            ("enterprise_id = 1084", ""),
            ("13800000000", "13900000000"),
        ] {
            assert_eq!(changed(setting, other), [true, false, true], "{setting}");
        }
        assert_eq!(changed("Asia/Shanghai", "Asia/Tokyo"), [true; 3], "periods are read in this zone");
        for (setting, other) in [
            ("oms.example.com", "staging.example.com"),
            ("flag = \"acme\"", "flag = \"zenith\""),
            ("page_cap = 100", "page_cap = 50"),
            ("shop_bn", "shop_code"),
            ("Asia/Tokyo", "Asia/Seoul"),
        ] {
            assert_eq!(changed(setting, other), [false, true, true], "{setting}");
        }
    }

    #[test]
    fn a_new_secret_of_the_same_account_is_the_same_source() {
        for (setting, other) in [
            ("a-secret", "another-secret"),
            ("a-password", "another-password"),
            ("a-token", "another-token"),
            ("\"md5\"", "\"sha1\""),
            ("\"sso\"", "\"mobile\""),
            ("\"auto\"", "\"unix\""),
            ("nonce = true", "nonce = false"),
        ] {
            assert_eq!(changed(setting, other), [false; 3], "{setting}");
        }
    }

    #[test]
    fn a_company_whose_name_could_run_into_what_follows_it_is_refused() {
        let (_, problems) = read(&ACME.replace("tenants.acme.", "tenants.\"ac\\u0000me\"."));
        assert!(problems.iter().any(|problem| problem.contains("control character")), "{problems:?}");
    }
}
