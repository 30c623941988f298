//! Whether each method that our resources call may be called, by a call that reads next to nothing.
//!
//! A gateway looks at the parameters only after key, signature and permission. So a call that it refuses for its parameters
//! proves the permission as well as one that it answers, and a method that nobody has prepared a call for is asked without any.

use std::sync::Arc;

use futures_util::future::join_all;
use serde::de::IgnoredAny;

use super::finding::Finding;
use super::refusal;
use crate::gateway::GatewayClient;
use crate::gateway::account::Account;
use crate::gateway::account_settings::AccountSettings;
use crate::gateway::diagnosis::Diagnosis;
use crate::gateway::error::Error;
use crate::gateway::protocol::template::{Part, Template, Variable};
use crate::gateway::protocol::{Call, Method};
use crate::gateway::vendor::Vendor;
use crate::resources::{Catalogue, Origin};

/// A method, and who needs it.
pub(super) struct UsedMethod {
    /// A call that does no harm.
    pub call: Call,
    paths: Vec<String>,
}

/// What a harmless call needs to know.
pub(super) struct Examples<'a> {
    /// The settings of the account.
    pub settings: &'a AccountSettings,
    /// A store of the vendor's, without its prefix.
    pub store: String,
    /// Today, in the gateway's zone.
    pub today: String,
}

impl Examples<'_> {
    /// The text of a probe; `None` when it has something that is not configured.
    fn text(&self, template: &Template) -> Option<String> {
        let text = |part: &Part| match part {
            Part::Literal(text) => Some(text.clone()),
            Part::Variable(Variable::Store) => Some(self.store.clone()),
            Part::Variable(Variable::Today) => Some(self.today.clone()),
            Part::Variable(Variable::Option(name)) => self.settings.integer(name).map(|number| number.to_string()),
            Part::Variable(_) => None,
        };
        template.0.iter().map(text).collect()
    }
}

/// The methods of one gateway that the resources call, each once, in their order.
pub(super) fn used(catalogue: &Catalogue, vendor: Vendor, examples: &Examples<'_>) -> Vec<UsedMethod> {
    let mut used: Vec<UsedMethod> = Vec::new();
    for resource in catalogue.iter() {
        let Some(method) = resource.method().filter(|method| method.vendor == vendor) else { continue };
        let path = resource.endpoint().path;
        match used.iter_mut().find(|used| used.call.method == *method) {
            Some(known) => known.paths.push(path),
            None => {
                let call = match resource.origin {
                    Origin::Handler(_) => harmless(method, examples),
                    Origin::Declaration(declaration) => declaration.bare_call(),
                };
                used.push(UsedMethod { call, paths: vec![path] });
            }
        }
    }
    used
}

fn harmless(method: &Method, examples: &Examples<'_>) -> Call {
    let probe = method.vendor.method(&method.name).map(|facts| facts.probe.as_slice()).unwrap_or_default();
    probe.iter().fold(Call::new(method), |call, (name, template)| call.with_some(name.clone(), examples.text(template)))
}

/// Calls each method, all at once.
pub(super) async fn examine(account: &Arc<Account>, used: &[UsedMethod], client: &GatewayClient) -> Vec<Finding> {
    join_all(used.iter().map(|used| examine_one(account, used, client))).await
}

async fn examine_one(account: &Arc<Account>, used: &UsedMethod, client: &GatewayClient) -> Finding {
    let method = &used.call.method;
    let check = format!("method {}", method.name);
    let outcome: Result<Option<IgnoredAny>, Error> = client.call(account, &used.call).await;
    match outcome {
        Err(error) if error.diagnosis() == Diagnosis::Method && instead(method).is_some() => {
            let instead = instead(method).unwrap_or_default();
            Finding::ok(
                check,
                format!("is not there, as at some servers of the vendor; {instead} is called in its place"),
            )
        }
        Err(error) if !proves_permission(&error) => {
            let named = format!("{} {}", method.name, method.version);
            let finding = refusal::of_method(check, &error, &named, account.protocol().has_login());
            Finding { cause: format!("{}; needed for {}", finding.cause, used.paths.join(", ")), ..finding }
        }
        _ => Finding::ok(check, format!("may be called, for {}", used.paths.join(", "))),
    }
}

/// What is called in the place of a method that a server lacks.
fn instead(method: &Method) -> Option<&'static str> {
    method.vendor.method(&method.name)?.instead.as_deref()
}

/// The gateway looked at what was asked for.
fn proves_permission(error: &Error) -> bool {
    error.kind.reaction().admitted && !matches!(error.diagnosis(), Diagnosis::Login | Diagnosis::LoginToken)
}
