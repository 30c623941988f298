//! `storegate routes`: prints the list of resources as a table.

use super::ConfigArgument;
use super::error::CliError;
use super::output;
use crate::resources::{Catalogue, Policies, Resource};
use crate::settings::shown_duration;

/// Print the table of routes.
#[derive(clap::Args)]
#[command(
    after_help = "With a configuration, the table has its freshness instead of the defaults, and the resources that it declares."
)]
pub struct Routes {
    #[command(flatten)]
    config: ConfigArgument,
    /// Print a table in Markdown, as README has it
    #[arg(long)]
    markdown: bool,
}

const HEAD: [&str; 6] = ["METHOD", "PATH", "SCOPE", "GATEWAY METHOD", "FRESH", "ENDED"];

impl Routes {
    pub(super) fn run(self) -> Result<(), CliError> {
        let (policies, declared) = match self.config.config {
            Some(_) => self.config.load().map(|settings| (settings.policies, settings.declared))?,
            None => Default::default(),
        };
        let catalogue = Catalogue::with(&declared);
        let rows = catalogue.iter().map(|resource| row(resource, &policies));
        let table = if self.markdown {
            markdown(rows)
        } else {
            let head = HEAD.map(str::to_owned).to_vec();
            output::table(&[head].into_iter().chain(rows.map(|row| row.to_vec())).collect::<Vec<_>>())
        };
        Ok(output::line(&table)?)
    }
}

/// The table in Markdown.
fn markdown(rows: impl Iterator<Item = [String; 6]>) -> String {
    let code = |text: &str| text.split(" or ").map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
    let rows = rows.map(|[method, path, scope, called, fresh, ended]| {
        let called = match called.split_once(' ') {
            Some((vendor, called)) if !called.contains(' ') || !vendor.starts_with("those") => {
                format!("{vendor} `{called}`")
            }
            _ => called,
        };
        let ended = if ended == "-" { String::new() } else { format!("; {ended} for a period that has ended") };
        format!("| `{method} {path}` | {} | {called} | {fresh}{ended} |", code(&scope))
    });
    let head = ["| path | scope | gateway method | fresh for |", "|---|---|---|---|"].map(str::to_owned);
    head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

fn row(resource: &'static Resource, policies: &Policies) -> [String; 6] {
    let route = resource.route();
    let method = resource.method();
    let policy = policies.of(resource);
    [
        route.allow.split(',').next().unwrap_or_default().to_owned(),
        route.path,
        route.scope.replace(' ', " or "),
        method
            .map_or_else(|| parts(resource), |method| format!("{} {} {}", method.vendor, method.name, method.version)),
        policy.map_or_else(|| cache_policy(resource), |policy| shown_duration(policy.current.fresh)),
        policy.and_then(|policy| policy.ended).map_or_else(|| "-".to_owned(), |ended| shown_duration(ended.fresh)),
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
