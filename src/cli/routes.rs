//! `storegate routes`: prints the list of resources as a table.

use std::time::Duration;

use super::ConfigArgument;
use super::error::CliError;
use super::output;
use crate::resources::{Catalogue, Policies, Resource};

/// Print the table of routes.
#[derive(clap::Args)]
#[command(
    after_help = "With a configuration, the table has its freshness instead of the defaults, and the resources that it declares."
)]
pub struct Routes {
    #[command(flatten)]
    config: ConfigArgument,
}

const HEAD: [&str; 6] = ["METHOD", "PATH", "SCOPE", "GATEWAY METHOD", "FRESH", "ENDED"];

impl Routes {
    pub(super) fn run(self) -> Result<(), CliError> {
        let (policies, declared) = match self.config.config {
            Some(_) => self.config.load().map(|settings| (settings.policies, settings.declared))?,
            None => Default::default(),
        };
        let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
        rows.extend(Catalogue::with(&declared).iter().map(|resource| row(resource, &policies).to_vec()));
        Ok(output::line(&output::table(&rows))?)
    }
}

fn row(resource: &'static Resource, policies: &Policies) -> [String; 6] {
    let route = resource.route();
    let method = resource.method();
    let policy = policies.of(resource);
    let seconds = |duration: Duration| format!("{}s", duration.as_secs());
    [
        route.allow.split(',').next().unwrap_or_default().to_owned(),
        route.path,
        route.scope.replace(' ', " or "),
        method
            .map_or_else(|| parts(resource), |method| format!("{} {} {}", method.vendor, method.name, method.version)),
        policy.map_or_else(|| cache_policy(resource), |policy| seconds(policy.current.fresh)),
        policy.and_then(|policy| policy.ended).map_or_else(|| "-".to_owned(), |ended| seconds(ended.fresh)),
    ]
}

/// The parts of a resource that calls no gateway itself.
fn parts(resource: &Resource) -> String {
    let names: Vec<&str> = resource.parts.iter().map(|part| part.name).collect();
    if names.is_empty() { "-".to_owned() } else { format!("those of {}", names.join(", ")) }
}

fn cache_policy(resource: &Resource) -> String {
    if resource.parts.is_empty() { "never kept".to_owned() } else { "as its parts".to_owned() }
}
