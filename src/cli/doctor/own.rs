//! Checks the service's own configuration: the keys that sign tokens, the clients that get them, and the store
//! directories.

use std::collections::BTreeSet;

use super::finding::Finding;
use crate::auth::clients::Client;
use crate::auth::settings::AuthSettings;
use crate::cli::directory::DirectoryReport;
use crate::directory::{Directory, DirectorySettings};
use crate::gateway::GatewayClient;
use crate::gateway::tenants::Tenant;
use crate::gateway::vendor::Vendor;
use crate::resources::Catalogue;
use crate::resources::stores::listing;
use crate::resources::stores::listing::all_stores;

/// Checks the keys that sign tokens.
pub(super) fn keys(auth: &AuthSettings) -> Finding {
    let Some(keys) = &auth.keys else {
        if !auth.issuers.is_empty() {
            return Finding::ok("keys", "no tokens are issued here; they come from the trusted issuers");
        }
        return Finding::failed("keys", "there is no key", "make one with `storegate secret key`");
    };
    let (signing, known) = (keys.signing(), keys.verification().len());
    let cause = format!("`{}` signs ({}), {known} in all", signing.kid(), signing.algorithm());
    Finding::ok("keys", cause)
}

/// Checks the clients that may request tokens, and whether the tenant has the gateways for their scopes.
pub(super) fn clients(
    auth: &AuthSettings,
    catalogue: &Catalogue,
    tenants: &[Tenant],
    directories: &DirectorySettings,
) -> Vec<Finding> {
    let (clients, issuers) = (auth.clients.len(), auth.issuers.len());
    let mut findings = vec![Finding::ok("clients", format!("clients: {clients}, trusted issuers: {issuers}"))];
    for client in &auth.clients {
        let Some(tenant) = tenants.iter().find(|tenant| **tenant.name() == *client.tenant) else { continue };
        let has_directory = directories.of(tenant.name()).is_some();
        let idle = scopes_without_gateway(client, catalogue, tenant, has_directory);
        if !idle.is_empty() {
            let cause = format!("`{}` has no gateway behind {}", client.id, idle.join(", "));
            let remedy = format!("add the account to [tenants.{}], or take the scopes away", client.tenant);
            findings.push(Finding::warning("clients", cause, remedy));
        }
    }
    findings
}

/// The scopes for which the tenant has no gateway. A directory is a source of stores, just like a gateway that lists
/// them.
fn scopes_without_gateway(client: &Client, catalogue: &Catalogue, tenant: &Tenant, has_directory: bool) -> Vec<String> {
    let is_listed = |vendor: &Vendor| has_directory && *vendor == listing::vendor();
    let has = |vendor: &Vendor| is_listed(vendor) || tenant.accounts().any(|account| account.vendor() == *vendor);
    let gateways_of = |scope: &str| -> BTreeSet<Vendor> {
        let resources = catalogue.iter().filter(|resource| resource.route().scope == scope);
        resources.filter_map(|resource| Some(resource.method()?.vendor)).collect()
    };
    let is_idle = |scope: &&String| {
        let gateways = gateways_of(scope);
        !gateways.is_empty() && !gateways.iter().any(has)
    };
    client.scopes.iter().filter(is_idle).cloned().collect()
}

/// Compares a directory with a vendor's list of stores, as `storegate directory check` does.
pub(super) async fn stores(tenant: &Tenant, directory: &Directory, client: &GatewayClient) -> Finding {
    let mut report = DirectoryReport::of(directory);
    if let Ok(access) = tenant.access(listing::vendor()) {
        match all_stores(access, &client.for_one_answer()).await {
            Ok(listed) => report.compare(directory, &listed),
            Err(_) => {
                let title = &listing::vendor().pack().title;
                let cause =
                    format!("the stores of {title} cannot be listed, so the directory is not compared with them");
                return Finding::warning("stores", cause, format!("see the lines about {title}"));
            }
        }
    }
    let cause = report.to_string().replace('\n', "; ");
    if report.unmapped.is_empty() && report.unknown_codes.is_empty() {
        return Finding::ok("stores", cause);
    }
    let remedy = "add the stores to the directory, and correct the codes; `storegate directory draft` writes the lines";
    Finding::warning("stores", cause, remedy)
}
