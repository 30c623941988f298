//! Selects the tenant of the configuration that a command is for.

use super::error::CliError;
use crate::gateway::tenants::TenantSettings;

/// The company that a command is for.
#[derive(clap::Args)]
pub struct TenantArgument {
    /// The company [default: the only one]
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
}

impl TenantArgument {
    /// The settings of the selected tenant.
    ///
    /// # Errors
    /// There is no such tenant, or none is named and there are several.
    pub(super) fn choose(&self, tenants: &[TenantSettings]) -> Result<TenantSettings, CliError> {
        let names: Vec<&str> = tenants.iter().map(|tenant| tenant.name.as_str()).collect();
        let wanted = match (&self.tenant, tenants) {
            (Some(name), _) => tenants.iter().find(|tenant| tenant.name == *name),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        wanted
            .cloned()
            .ok_or_else(|| CliError::message(format!("name a company with --tenant; there are {}", names.join(", "))))
    }
}
