//! A gateway call on the command line, in the vendor's own terms, for `sign` and `call`.

use std::cmp::Reverse;
use std::sync::Arc;

use super::ConfigArgument;
use super::error::CliError;
use super::tenant::TenantArgument;
use crate::clock::Clock;
use crate::config::Settings;
use crate::gateway::account::Account;
use crate::gateway::protocol::{Argument, Call, Method};
use crate::gateway::registry::Registry;
use crate::gateway::tenants::{Tenant, TenantSettings};
use crate::gateway::vendor::{EndpointFacts, Vendor};
use crate::vendors::Vendors;

/// A gateway call in the vendor's terms.
#[derive(clap::Args)]
pub struct WireCall {
    #[command(flatten)]
    pub(super) config: ConfigArgument,
    #[command(flatten)]
    tenant: TenantArgument,
    /// The vendor's method, such as open.shopweb.passengerFlow.getTotalData or shop.getList
    method: String,
    /// Business parameters, raw: id=S_123456 needUnit=0
    #[arg(value_name = "NAME=VALUE", value_parser = parse_parameter)]
    parameters: Vec<(String, String)>,
    /// The vendor whose method it is [default: by the method's name]
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
    /// The endpoint at which the method is called, such as m.api or cloud.api [default: the account's, else the method's]
    #[arg(long, value_name = "ENDPOINT")]
    door: Option<String>,
    /// The vendor's version of the method [default: the method's, else the vendor's usual one]
    #[arg(long, value_name = "VERSION")]
    method_version: Option<String>,
}

impl WireCall {
    /// Reads the configuration, and prepares the account and the call.
    pub(super) fn prepare(&self) -> Result<(Settings, Arc<Account>, Call), CliError> {
        let settings = self.config.load()?;
        let registry = Registry::new(&settings.gateway, Clock::system());
        let mut tenant = self.tenant.choose(&settings.tenants)?;
        let vendor = self.vendor(&settings.vendors, &tenant)?;
        let call = Call { method: self.method(vendor)?, arguments: self.arguments(vendor)?, login: None };
        // An endpoint on the command line overrides the account's for this method.
        let account = tenant.accounts.iter_mut().find(|account| account.vendor == vendor);
        if let Some(account) = account.filter(|_| self.door.is_some()) {
            account.methods.insert(self.method.clone(), call.method.endpoint);
        }
        let tenant = Tenant::new(tenant, &registry);
        let account = tenant.access(vendor)?.account.clone();
        Ok((settings, account, call))
    }

    /// The named vendor, or the one whose pack lists the method, or whose methods have its prefix. Of several, the
    /// tenant's own comes first.
    fn vendor(&self, vendors: &Vendors, tenant: &TenantSettings) -> Result<Vendor, CliError> {
        if let Some(name) = &self.gateway {
            let unknown = || CliError::message(format!("the gateways are {}", vendors.names()));
            return vendors.get(name).ok_or_else(unknown);
        }
        let has_account = |vendor: Vendor| tenant.accounts.iter().any(|account| account.vendor == vendor);
        let begins = |(_, vendor): &(usize, Vendor)| self.method.starts_with(&vendor.pack().methods_begin);
        let likeness = |&(place, vendor): &(usize, Vendor)| {
            let is_listed = vendor.method(&self.method).is_some();
            (is_listed, vendor.pack().methods_begin.len(), has_account(vendor), Reverse(place))
        };
        let likely = vendors.iter().enumerate().filter(begins).max_by_key(likeness).map(|(_, vendor)| vendor);
        // A vendor without a common prefix of methods is only a guess.
        let is_guess =
            |vendor: &Vendor| vendor.pack().methods_begin.is_empty() && vendor.method(&self.method).is_none();
        let is_likely = |vendor: &Vendor| !self.method.is_empty() && (!is_guess(vendor) || has_account(*vendor));
        likely.filter(is_likely).ok_or_else(|| {
            let names = vendors.names();
            CliError::message(format!(
                "name the gateway whose method `{}` is: --gateway NAME, one of {names}",
                self.method
            ))
        })
    }

    fn method(&self, vendor: Vendor) -> Result<Method, CliError> {
        let mut method = Method::of(vendor, self.method.clone());
        if let Some(label) = &self.door {
            let endpoints = &vendor.pack().endpoints;
            let is_it = |own: &EndpointFacts| own.label.replace('.', "-") == label.replace('.', "-");
            let place = endpoints.iter().position(is_it).or((label == vendor.name()).then_some(0));
            let labels = || endpoints.iter().map(|own| own.label.as_str()).collect::<Vec<_>>().join(", ");
            method.endpoint =
                place.ok_or_else(|| CliError::message(format!("the endpoints of {vendor} are {}", labels())))?;
        }
        if let Some(version) = &self.method_version {
            method.version = version.clone().into();
        }
        Ok(method)
    }

    /// The parameters of the method. Those of every call are refused, because they would be sent twice.
    fn arguments(&self, vendor: Vendor) -> Result<Vec<Argument>, CliError> {
        if let Some((name, _)) = self.parameters.iter().find(|(name, _)| vendor.is_reserved(name)) {
            return Err(CliError::message(format!(
                "{name} belongs to the signature of each call of {vendor}, and storegate writes it itself: leave it out"
            )));
        }
        Ok(self.parameters.iter().map(|(name, value)| Argument::text(name.clone(), value.as_str())).collect())
    }
}

fn parse_parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
