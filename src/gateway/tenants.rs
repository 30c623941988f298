//! The tenants and their accounts at the vendors' gateways: `[tenants.<name>.<vendor>]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::account::Account;
use super::account_settings::AccountSettings;
use super::endpoint::{china_standard_time, zone_name};
use super::registry::Registry;
use super::settings::GatewaySettings;
use super::vendor::Vendor;
use crate::http_client::loopback::is_exposed;
use crate::settings::{Section, SettingsDigest};

/// The settings of one tenant's accounts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TenantSettings {
    /// The name that tokens carry in `tenant`.
    pub name: String,
    /// The accounts, in the order of the vendors.
    pub accounts: Vec<AccountSettings>,
}

impl TenantSettings {
    /// Reads all of `[tenants]`. `unread` names vendors whose packs have problems, so that their accounts cannot be
    /// read.
    pub fn read_all(tenants: &Section<'_>, root: &Section<'_>, vendors: &[Vendor], unread: &[String]) -> Vec<Self> {
        let entries = tenants.entries();
        if entries.is_empty() {
            let sections = vendors.iter().map(|vendor| format!("[tenants.<name>.{vendor}]")).collect::<Vec<_>>();
            root.problem("tenants", format!("there is no tenant: add a section {}", sections.join(" or ")));
        }
        if entries.iter().any(|(name, _)| name.contains(char::is_control)) {
            root.problem("tenants", "the name of a tenant has a control character: name its section otherwise");
        }
        let allows_plain_http = GatewaySettings::allows_plain_http(&root.section("gateway"));
        let read = |(name, section)| {
            let settings = Self::read(name, &section, vendors, unread);
            if !allows_plain_http {
                settings.refuse_plain_http(&section);
            }
            settings
        };
        entries.into_iter().map(read).collect()
    }

    fn read(name: String, section: &Section<'_>, vendors: &[Vendor], unread: &[String]) -> Self {
        unread.iter().for_each(|name| section.skip(name));
        let sections = vendors.iter().map(|vendor| (*vendor, section.section(vendor.name())));
        let present = sections.filter(|(_, section)| section.is_present());
        let accounts: Vec<AccountSettings> =
            present.map(|(vendor, section)| AccountSettings::read(&section, vendor)).collect();
        if accounts.is_empty() && !unread.iter().any(|name| section.is_section(name)) {
            let names = vendors.iter().map(|vendor| vendor.name()).collect::<Vec<_>>().join(", ");
            section.problem(
                vendors.first().map_or("", |vendor| vendor.name()),
                format!("the tenant has no account: add a section named after one of the vendors ({names})"),
            );
        }
        Self { name, accounts }
    }

    /// The account at this vendor.
    pub fn account(&self, vendor: Vendor) -> Option<&AccountSettings> {
        self.accounts.iter().find(|account| account.vendor == vendor)
    }

    /// The gateways on other machines that are called without TLS, each with the section and key that name it.
    pub fn exposed_urls(&self) -> Vec<(&'static str, &'static str, &str)> {
        let urls = self.accounts.iter().flat_map(|account| {
            let facts = account.vendor.pack().endpoints.iter();
            facts.zip(&account.endpoints).map(|(facts, url)| (account.vendor.name(), facts.key.as_str(), url.as_str()))
        });
        urls.filter(|(.., url)| is_exposed(url)).collect()
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

    /// The zone in which periods are read: that of the first account.
    fn zone(&self) -> TimeZone {
        self.accounts.first().map_or_else(china_standard_time, |account| account.time_zone.clone())
    }
}

/// The missing configuration of the tenant that a request needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotConfigured {
    /// An account at this vendor's gateway.
    #[error("there is no section [tenants.{tenant}.{vendor}] in the configuration")]
    Account {
        /// The tenant.
        tenant: Arc<str>,
        /// The vendor.
        vendor: Vendor,
    },
    /// A setting of the account.
    #[error("the setting tenants.{tenant}.{vendor}.{key} is missing in the configuration")]
    Setting {
        /// The tenant.
        tenant: Arc<str>,
        /// The vendor.
        vendor: Vendor,
        /// The last part of the setting's name.
        key: &'static str,
    },
}

/// A tenant's access to one vendor's gateway, with what resources need to know. Cloning shares it.
#[derive(Clone)]
pub struct Access {
    /// The account, which signs calls and keeps the state of the gateway.
    pub account: Arc<Account>,
    /// The settings of the account.
    pub settings: Arc<AccountSettings>,
    /// The zone in which the gateway reads and writes times.
    pub zone: TimeZone,
    /// Part of cache keys: other settings mean other responses. It contains no secrets.
    source: SettingsDigest,
}

impl Access {
    /// Opens an account.
    pub fn new(settings: AccountSettings, registry: &Registry) -> Self {
        let account = Arc::new(Account::new(&settings, registry));
        Self::of(account, settings)
    }

    fn of(account: Arc<Account>, settings: AccountSettings) -> Self {
        let (zone, source) = (settings.time_zone.clone(), SettingsDigest::of(&settings));
        Self { account, zone, source, settings: Arc::new(settings) }
    }

    /// Opens an account after a change of configuration. An account with unchanged settings continues; otherwise a new
    /// one takes over what holds for both. Its credential is no longer in cool-down.
    fn after(&self, settings: AccountSettings, registry: &Registry) -> Self {
        if *self.settings == settings {
            return self.clone();
        }
        if self.settings.url() != settings.url() {
            return Self::new(settings, registry);
        }
        let account = Account::new(&settings, registry);
        Self::of(Arc::new(account.taught_by(&self.account, self.settings.has_same_login(&settings))), settings)
    }

    /// The vendor whose gateway is called.
    pub fn vendor(&self) -> Vendor {
        self.settings.vendor
    }
}

/// One tenant.
#[derive(Clone)]
pub struct Tenant {
    name: Arc<str>,
    accesses: Vec<Access>,
    all_sources: SettingsDigest,
    settings: TenantSettings,
}

impl Tenant {
    /// Opens a tenant's accounts. The registry is shared by all tenants of the process.
    pub fn new(settings: TenantSettings, registry: &Registry) -> Self {
        Self::after(None, settings, registry)
    }

    fn after(before: Option<&Self>, settings: TenantSettings, registry: &Registry) -> Self {
        let zone = zone_name(&settings.zone());
        let open = |account: &AccountSettings| {
            let known = before.and_then(|before| before.accesses.iter().find(|own| own.vendor() == account.vendor));
            let access = match known {
                Some(known) => known.after(account.clone(), registry),
                None => Access::new(account.clone(), registry),
            };
            // Periods are read in one zone for all gateways.
            Access { source: SettingsDigest::of(&(account, &zone)), ..access }
        };
        Self {
            name: settings.name.as_str().into(),
            accesses: settings.accounts.iter().map(open).collect(),
            all_sources: SettingsDigest::of(&settings),
            settings,
        }
    }

    /// The name that tokens carry in `tenant`.
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Access to a vendor's gateway.
    ///
    /// # Errors
    /// The tenant has no account at this vendor.
    pub fn access(&self, vendor: Vendor) -> Result<&Access, NotConfigured> {
        let access = self.accesses.iter().find(|access| access.vendor() == vendor);
        access.ok_or_else(|| NotConfigured::Account { tenant: self.name.clone(), vendor })
    }

    /// All accounts of the tenant.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accesses.iter().map(|access| &access.account)
    }

    /// Access to each gateway at which the tenant has an account.
    pub fn accesses(&self) -> &[Access] {
        &self.accesses
    }

    /// The settings of the tenant.
    pub const fn settings(&self) -> &TenantSettings {
        &self.settings
    }

    /// The digest that identifies the source of responses in cache keys: this vendor's gateway, or all of the tenant's
    /// for `None`.
    pub fn source(&self, vendor: Option<Vendor>) -> &SettingsDigest {
        let access = vendor.and_then(|vendor| self.accesses.iter().find(|access| access.vendor() == vendor));
        access.map_or(&self.all_sources, |access| &access.source)
    }

    /// The zone in which periods are read.
    pub fn zone(&self) -> TimeZone {
        self.settings.zone()
    }
}

/// All tenants by name, as configured now. Cloning shares them.
#[derive(Clone)]
pub struct Tenants {
    by_name: Arc<ArcSwap<ByName>>,
    registry: Registry,
}

type ByName = BTreeMap<Arc<str>, Arc<Tenant>>;

impl Tenants {
    /// Opens the accounts of all tenants.
    pub fn new(settings: Vec<TenantSettings>, registry: &Registry) -> Self {
        let tenants = Self { by_name: Arc::default(), registry: registry.clone() };
        tenants.renew(settings);
        tenants
    }

    /// Applies another configuration from the next request on. Calls under way end with the accounts that they began
    /// with.
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

    /// The tenant of this name.
    pub fn get(&self, name: &str) -> Option<Arc<Tenant>> {
        self.by_name.load().get(name).cloned()
    }

    /// All tenants, by name.
    pub fn all(&self) -> Vec<Arc<Tenant>> {
        self.by_name.load().values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Registry, Tenant, TenantSettings};
    use crate::clock::Clock;
    use crate::gateway::settings::GatewaySettings;
    use crate::gateway::vendor::Vendor;
    use crate::settings::{Report, Section, SettingsDigest};
    use crate::vendors::Vendors;

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
        let vendors: Vec<Vendor> = Vendors::default().iter().collect();
        let tenants = TenantSettings::read_all(&root.section("tenants"), &root, &vendors, &[]);
        (tenants, report.finish(&table).err().map(|problems| problems.0).unwrap_or_default())
    }

    /// The sources of responses from OPRetail, from the OMS, and from both.
    fn sources(text: &str) -> [SettingsDigest; 3] {
        let (tenants, problems) = read(text);
        assert_eq!(problems, Vec::<String>::new());
        let registry = Registry::new(&GatewaySettings::default(), Clock::system());
        let tenant = Tenant::new(tenants.into_iter().next().unwrap(), &registry);
        ["opretail", "oms", ""].map(|name| *tenant.source(Vendors::default().get(name)))
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
    fn a_tenant_whose_name_could_run_into_what_follows_it_is_refused() {
        let (_, problems) = read(&ACME.replace("tenants.acme.", "tenants.\"ac\\u0000me\"."));
        assert!(problems.iter().any(|problem| problem.contains("control character")), "{problems:?}");
    }
}
