//! Which company has which accounts at the gateways: `[tenants.<name>.opretail]` and `[tenants.<name>.oms]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::account::Account;
use super::endpoint::china_standard_time;
use super::error::{Error, Kind};
use super::oms::{CodeParameter, OmsSettings};
use super::opretail::OpRetailSettings;
use super::registry::Registry;
use super::vendor::Gateway;
use crate::settings::Section;

/// The settings of one company's accounts.
#[derive(Clone, Debug)]
pub struct TenantSettings {
    /// The name that tokens carry in `tenant`.
    pub name: String,
    /// The company's key at OPRetail.
    pub opretail: Option<OpRetailSettings>,
    /// The company's access to its OMS.
    pub oms: Option<OmsSettings>,
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
        entries.into_iter().map(|(name, section)| Self::read(name, &section)).collect()
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
}

impl Tenant {
    /// Opens a company's accounts. The registry is shared by all companies of the process.
    pub fn new(settings: TenantSettings, registry: &Registry) -> Self {
        let opretail = settings.opretail.map(|settings| OpRetailAccess {
            enterprise_id: settings.enterprise_id,
            zone: settings.time_zone.clone(),
            account: Arc::new(Account::opretail(settings, registry)),
        });
        let oms = settings.oms.map(|settings| OmsAccess {
            page_cap: settings.page_cap,
            code_parameter: settings.code_parameter,
            zone: settings.time_zone.clone(),
            account: Arc::new(Account::oms(settings, registry)),
        });
        Self { name: settings.name.into(), opretail, oms }
    }

    /// The name that tokens carry.
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Access to OPRetail.
    ///
    /// # Errors
    /// [`Kind::CredentialsRefused`] when none is configured: an operator must act.
    pub fn opretail(&self) -> Result<&OpRetailAccess, Error> {
        self.opretail.as_ref().ok_or_else(|| self.has_no(Gateway::OpRetail))
    }

    /// Access to the OMS.
    ///
    /// # Errors
    /// [`Kind::CredentialsRefused`] when none is configured: an operator must act.
    pub fn oms(&self) -> Result<&OmsAccess, Error> {
        self.oms.as_ref().ok_or_else(|| self.has_no(Gateway::Oms))
    }

    /// The accounts that there are.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        let opretail = self.opretail.as_ref().map(|access| &access.account);
        opretail.into_iter().chain(self.oms.as_ref().map(|access| &access.account))
    }

    /// The zone in which periods are read.
    pub fn zone(&self) -> TimeZone {
        let opretail = self.opretail.as_ref().map(|access| access.zone.clone());
        opretail.unwrap_or_else(china_standard_time)
    }

    fn has_no(&self, gateway: Gateway) -> Error {
        let cause = format!("there is no section [tenants.{}.{gateway}] in the configuration", self.name);
        Error::local(gateway, Kind::CredentialsRefused, cause)
    }
}

/// All companies by the name that tokens carry.
#[derive(Clone)]
pub struct Tenants(BTreeMap<Arc<str>, Arc<Tenant>>);

impl Tenants {
    /// Opens the accounts of all companies.
    pub fn new(settings: Vec<TenantSettings>, registry: &Registry) -> Self {
        let tenants = settings.into_iter().map(|settings| Tenant::new(settings, registry));
        Self(tenants.map(|tenant| (tenant.name.clone(), Arc::new(tenant))).collect())
    }

    /// The company of this name.
    pub fn get(&self, name: &str) -> Option<Arc<Tenant>> {
        self.0.get(name).cloned()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.0.values()
    }
}
