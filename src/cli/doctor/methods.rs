//! Checks whether each method that resources call may be called, by a call that reads next to nothing.
//!
//! A gateway checks the parameters only after key, signature and permission. So a method without a prepared call is
//! called without parameters: refused parameters prove the permission as well as data does. The service itself makes
//! calls like the prepared ones; when the gateway refuses one, readers would get an error, so that is a failure here.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::Value;

use super::account::DoctorSubject;
use super::call_ids::CallIds;
use super::finding::{Finding, Status};
use super::refusal;
use crate::gateway::GatewayClient;
use crate::gateway::account_settings::AccountSettings;
use crate::gateway::diagnosis::Diagnosis;
use crate::gateway::error::{Error, Kind};
use crate::gateway::protocol::template::{Template, TemplatePart, Variable};
use crate::gateway::protocol::{Argument, Call};
use crate::gateway::vendor::{ProbeParameter, Vendor};
use crate::resources::{Catalogue, Origin};

/// A method that resources call.
pub(super) struct UsedMethod {
    /// A harmless call of the method.
    pub call: Call,
    expected: ExpectedAnswer,
    paths: Vec<String>,
    /// The method that is called at servers that lack this one.
    instead: Option<&'static str>,
    /// A setting that the call needs and the configuration lacks.
    lacks: Option<String>,
}

/// The answer that a harmless call must get if the method may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExpectedAnswer {
    /// Data.
    Data,
    /// A message that the object does not exist.
    NoSuchThing,
    /// Data, or a refusal of the parameters, which are missing or name an invented store.
    Anything,
}

/// The values for harmless calls.
pub(super) struct Examples<'a> {
    /// The settings of the account.
    pub settings: &'a AccountSettings,
    /// A store of the vendor, without its prefix.
    pub store: String,
    /// Whether the store directory contains that store.
    pub store_is_known: bool,
    /// Today, in the gateway's zone.
    pub today: String,
    /// The scopes of the tenant's clients: a method that no client may read may lack a setting.
    pub scopes: BTreeSet<&'a str>,
}

impl Examples<'_> {
    /// Fills in a text of a probe for this endpoint; `None` when a value is not configured.
    fn text(&self, template: &Template, endpoint: usize) -> Option<String> {
        let credential = self.settings.credential(endpoint);
        let text = |part: &TemplatePart| match part {
            TemplatePart::Literal(text) => Some(text.clone()),
            TemplatePart::Variable(Variable::Store) => Some(self.store.clone()),
            TemplatePart::Variable(Variable::Today) => Some(self.today.clone()),
            TemplatePart::Variable(Variable::Option(name)) => {
                let number = self.settings.integer(name).map(|number| number.to_string());
                number.or_else(|| self.settings.text(name).map(str::to_owned))
            }
            TemplatePart::Variable(Variable::Credential(name)) => credential.plain(self.settings.vendor, name),
            TemplatePart::Variable(_) => None,
        };
        template.0.iter().map(text).collect()
    }
}

/// The methods of one gateway that the resources call, each once, in their order.
pub(super) fn used(catalogue: &Catalogue, vendor: Vendor, examples: &Examples<'_>) -> Vec<UsedMethod> {
    let mut used: Vec<UsedMethod> = Vec::new();
    for resource in catalogue.iter() {
        let Some(method) = resource.method().filter(|method| method.vendor == vendor) else { continue };
        let route = resource.route();
        let mut call = match resource.origin {
            Origin::Handler(_) => {
                let facts = method.vendor.method(&method.name);
                let instead = facts.and_then(|facts| facts.instead.as_deref());
                UsedMethod { instead, ..harmless(Call::new(method), examples) }
            }
            Origin::Declaration(declaration) => {
                let harmless = harmless(declaration.bare_call(), examples);
                UsedMethod { call: declaration.typed(harmless.call), ..harmless }
            }
        };
        if !examples.scopes.contains(route.scope) {
            call.lacks = None;
        }
        // A declared resource has no replacement method, and so is checked separately.
        match used.iter_mut().find(|used| used.call.method == *method && used.instead == call.instead) {
            Some(known) => {
                known.paths.push(route.path);
                known.lacks = known.lacks.take().or(call.lacks);
            }
            None => used.push(UsedMethod { paths: vec![route.path], ..call }),
        }
    }
    used
}

/// The names in `[….methods]` of an account that neither the pack lists nor any resource calls.
pub(super) fn unused<'a>(used: &[UsedMethod], settings: &'a AccountSettings) -> Vec<&'a str> {
    let is_used = |name: &str| used.iter().any(|used| used.call.method.name == name);
    let names = settings.methods.keys().map(String::as_str);
    names.filter(|name| settings.vendor.method(name).is_none() && !is_used(name)).collect()
}

/// Adds the parameters of the method's probe to a call.
fn harmless(call: Call, examples: &Examples<'_>) -> UsedMethod {
    let facts = call.method.vendor.method(&call.method.name).filter(|facts| facts.probe.is_some());
    let endpoint = examples.settings.endpoint_of(&call.method);
    let expected = match facts {
        None => ExpectedAnswer::Anything,
        Some(facts) if facts.probe_finds_nothing => ExpectedAnswer::NoSuchThing,
        Some(_) => ExpectedAnswer::Data,
    };
    let mut used = UsedMethod { call, expected, paths: Vec::new(), instead: None, lacks: None };
    for ProbeParameter { name, value: template, is_json } in facts.iter().flat_map(|facts| &facts.probe).flatten() {
        if used.call.arguments.iter().any(|argument| argument.name == name.as_str()) {
            continue;
        }
        let text = examples.text(template, endpoint);
        let is_made_up = !examples.store_is_known && template.0.contains(&TemplatePart::Variable(Variable::Store));
        if text.is_none() || is_made_up {
            used.expected = ExpectedAnswer::Anything;
        }
        if text.is_none() && used.lacks.is_none() {
            used.lacks = template.variables().find_map(|variable| match variable {
                Variable::Option(name) => Some(name.clone()),
                _ => None,
            });
        }
        let argument = |value| Argument { name: name.clone().into(), value, is_json: *is_json };
        used.call.arguments.extend(text.map(argument));
    }
    used
}

/// Whether data cannot be the answer to this call.
pub(super) fn is_another_answer(call: &Call, data: Option<&Value>) -> bool {
    let members = call.method.vendor.method(&call.method.name).map_or(&[][..], |facts| &facts.probe_has);
    !members.is_empty() && !members.iter().any(|member| data.is_some_and(|data| data.pointer(member).is_some()))
}

/// Calls each method, all concurrently.
pub(super) async fn examine(subject: &DoctorSubject, client: &GatewayClient, has_login: bool) -> Vec<Finding> {
    let needs_login = |used: &UsedMethod| subject.account.protocol().login_for(&used.call).is_some();
    let examine = |used| async move {
        if !has_login && needs_login(used) {
            let cause = "not asked, since the login failed";
            let check = format!("method {}", used.call.method.name);
            return Examined::whole(Finding::failed(check, cause, "see the line about the login"));
        }
        examine_one(subject, used, client).await
    };
    let examined = join_all(subject.methods.iter().map(examine)).await;
    examined.into_iter().fold(Vec::new(), Examined::merged_into).into_iter().map(Examined::finding).collect()
}

/// A finding, and what cannot be read because of it.
struct Examined {
    finding: Finding,
    needed_for: Vec<String>,
}

impl Examined {
    const fn whole(finding: Finding) -> Self {
        Self { finding, needed_for: Vec::new() }
    }

    /// Adds this to what was found. Methods that fail for the same reason, such as a refused key, are one finding.
    fn merged_into(mut found: Vec<Self>, other: Self) -> Vec<Self> {
        // The gateway's number for the call differs.
        let reason = |finding: &Finding| finding.cause.split(", its call ").next().map(str::to_owned);
        let is_same = |known: &&mut Self| {
            let (one, other) = (&known.finding, &other.finding);
            one.status != Status::Ok
                && (one.status, reason(one), &one.remedy) == (other.status, reason(other), &other.remedy)
        };
        match found.iter_mut().find(is_same) {
            Some(known) => {
                let method = other.finding.check.trim_start_matches("method ");
                known.finding.check = format!("{}, {method}", known.finding.check);
                known.needed_for.extend(other.needed_for);
            }
            None => found.push(other),
        }
        found
    }

    fn finding(self) -> Finding {
        let Self { finding, needed_for } = self;
        if needed_for.is_empty() {
            return finding;
        }
        Finding { cause: format!("{}; needed for {}", finding.cause, needed_for.join(", ")), ..finding }
    }
}

async fn examine_one(subject: &DoctorSubject, used: &UsedMethod, client: &GatewayClient) -> Examined {
    let method = &used.call.method;
    let check = format!("method {}", method.name);
    let outcome: Result<Option<Value>, Error> = client.call(&subject.account, &used.call).await;
    let finding = match outcome {
        Err(error) if error.diagnosis() == Diagnosis::Method && used.instead.is_some() => {
            let instead = used.instead.unwrap_or_default();
            Finding::ok(
                check,
                format!("is not there, as at some servers of the vendor; {instead} is called in its place"),
            )
        }
        Err(error) if error.kind.reaction().admitted && !is_expected(&error, used.expected) => {
            refused(check, &error, used)
        }
        Err(error) if !proves_permission(&error) => {
            let place = CallIds::of(&subject.account, &subject.section, method);
            let finding = refusal::of_method(check, &error, method, &place);
            return Examined { finding, needed_for: used.paths.clone() };
        }
        Ok(data) if is_another_answer(&used.call, data.as_ref()) => {
            refusal::another_answer(&CallIds::of(&subject.account, &subject.section, method))
        }
        _ => may_be_called(check, used, &subject.section),
    };
    Examined::whole(finding)
}

fn may_be_called(check: String, used: &UsedMethod, section: &str) -> Finding {
    let paths = used.paths.join(", ");
    match &used.lacks {
        None => Finding::ok(check, format!("may be called, for {paths}")),
        Some(option) => {
            let cause = format!("may be called, but without `{option}` nobody can read {paths}");
            Finding::warning(check, cause, format!("write `{option}` into [{section}]"))
        }
    }
}

/// Whether a refusal is the expected answer of the call.
fn is_expected(error: &Error, expected: ExpectedAnswer) -> bool {
    match (error.kind, expected) {
        // Each has a text of its own.
        (Kind::LoginExpired | Kind::LoginRefused, _) | (_, ExpectedAnswer::Anything) => true,
        (Kind::NotFound | Kind::NotGranted, ExpectedAnswer::NoSuchThing) => true,
        (_, ExpectedAnswer::Data | ExpectedAnswer::NoSuchThing) => false,
    }
}

/// The finding for a method that may be called, but whose correct call is refused.
fn refused(check: String, error: &Error, used: &UsedMethod) -> Finding {
    let quoted = |text: String| if text.contains(' ') { format!("'{text}'") } else { text };
    let parameters = used.call.arguments.iter().map(|own| quoted(format!("{}={}", own.name, own.value)));
    let parameters: Vec<String> = parameters.collect();
    let (method, parameters) = (&used.call.method.name, parameters.join(" "));
    let code = error.note.as_ref().and_then(|note| note.code.clone()).unwrap_or_else(|| "that".to_owned());
    let listed = if error.kind == Kind::UnlistedCode { ", a code that storegate does not know" } else { "" };
    let cause = format!(
        "{}{listed}, to {parameters}, which is nothing to refuse; needed for {}",
        refusal::refusal_text(error),
        used.paths.join(", ")
    );
    let remedy = format!(
        "look at the whole answer with `storegate call {method} {parameters}`, and ask the vendor what {code} means for that call"
    );
    // A server may refuse a nonexistent object in a way of its own.
    if used.expected == ExpectedAnswer::NoSuchThing {
        return Finding::warning(check, cause, remedy);
    }
    Finding::failed(check, cause, remedy)
}

/// Whether the refusal shows that the gateway checked the parameters.
fn proves_permission(error: &Error) -> bool {
    error.kind.reaction().admitted && !matches!(error.diagnosis(), Diagnosis::Login | Diagnosis::LoginToken)
}
