//! What `sign` and `call` share: a gateway call written on the command line, in the vendor's own terms.

use std::borrow::Cow;
use std::sync::Arc;

use super::ConfigArgument;
use super::company::CompanyArgument;
use super::error::CliError;
use crate::clock::Clock;
use crate::config::Settings;
use crate::gateway::account::Account;
use crate::gateway::dialect::{Call, Door, Method};
use crate::gateway::registry::Registry;
use crate::gateway::tenants::Tenant;
use crate::gateway::vendor::Gateway;
use crate::resources::ALL;

/// A gateway call in the vendor's terms.
#[derive(clap::Args)]
pub struct WireCall {
    #[command(flatten)]
    pub(super) config: ConfigArgument,
    #[command(flatten)]
    company: CompanyArgument,
    /// The vendor's method, such as open.shopweb.passengerFlow.getTotalData or shop.getList
    method: String,
    /// Business parameters, raw: id=S_123456 needUnit=0
    #[arg(value_name = "NAME=VALUE", value_parser = parse_parameter)]
    parameters: Vec<(String, String)>,
    /// Where the method is called [default: as our resources do; else by the method's name]
    #[arg(long, value_enum)]
    door: Option<DoorArgument>,
    /// The vendor's version of the method [default: as our resources do; else v1, or 1 for the OMS]
    #[arg(long, value_name = "VERSION")]
    method_version: Option<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum DoorArgument {
    /// OPRetail's m.api
    MApi,
    /// OPRetail's cloud.api
    CloudApi,
    /// The OMS
    Oms,
}

impl WireCall {
    /// The configuration, the account that signs, and the call.
    pub(super) fn prepare(&self) -> Result<(Settings, Arc<Account>, Call), CliError> {
        let settings = self.config.load()?;
        let call = Call { method: self.method(), parameters: self.parameters() };
        let tenant =
            Tenant::new(self.company.choose(&settings.tenants)?, &Registry::new(&settings.gateway, Clock::system()));
        let account = match call.method.gateway() {
            Gateway::OpRetail => tenant.opretail()?.account.clone(),
            Gateway::Oms => tenant.oms()?.account.clone(),
        };
        Ok((settings, account, call))
    }

    fn method(&self) -> Method {
        let known =
            ALL.iter().filter_map(|resource| resource.method.as_ref()).find(|method| method.name == self.method);
        let door = match self.door {
            Some(DoorArgument::MApi) => Door::MApi,
            Some(DoorArgument::CloudApi) => Door::CloudApi,
            Some(DoorArgument::Oms) => Door::Rpc,
            None => known.map_or_else(|| self.likely_door(), |method| method.door),
        };
        let version = match (&self.method_version, known) {
            (Some(version), _) => Cow::Owned(version.clone()),
            (None, Some(method)) => method.version.clone(),
            (None, None) => Cow::Borrowed(if door == Door::Rpc { "1" } else { "v1" }),
        };
        Method { name: Cow::Owned(self.method.clone()), version, door }
    }

    /// OPRetail's methods all begin with `open.`.
    fn likely_door(&self) -> Door {
        if self.method.starts_with("open.") { Door::MApi } else { Door::Rpc }
    }

    fn parameters(&self) -> Vec<(Cow<'static, str>, String)> {
        self.parameters.iter().map(|(name, value)| (Cow::Owned(name.clone()), value.clone())).collect()
    }
}

fn parse_parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
