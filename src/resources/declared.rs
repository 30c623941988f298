//! Resources that the configuration declares: further methods of the vendors, without a release.
//!
//! A declaration goes through what every resource goes through: scope, granted stores, cache, signing, retries, problems. It
//! appears in the API document, in metrics and in `storegate routes`.

mod answer;
mod documented;
mod handler;
mod parameter;
mod path;
mod settings;

use serde::Serialize;

use crate::auth::scope::ScopeInfo;
use crate::gateway::protocol::{Call, Method};
use crate::settings::{Section, SectionTable};
use crate::vendors::Vendors;

use super::params::Location;
use super::route::Route;
use super::{Policy, Resource};

use self::answer::DeclaredAnswer;
use self::parameter::DeclaredParameter;
use self::path::PathTemplate;

/// A resource as the configuration declares it. All of it is part of the names of cached answers, but for what is skipped:
/// texts of the API document, who may read, and for how long.
#[derive(Clone, Debug, Serialize)]
pub struct Declaration {
    /// Its name: label in metrics, and its section's.
    name: String,
    /// Where callers read it.
    path: PathTemplate,
    /// The group that it stands in in the API document.
    #[serde(skip)]
    tag: String,
    /// One line for the API document.
    #[serde(skip)]
    summary: String,
    /// More lines.
    #[serde(skip)]
    description: Option<String>,
    /// The scope that it asks for.
    #[serde(skip)]
    scope: String,
    /// What it calls.
    pub(super) method: Method,
    /// What callers may write.
    parameters: Vec<DeclaredParameter>,
    /// What the gateway always gets: name and value.
    constants: Vec<(String, String)>,
    /// A period that callers choose.
    period: Option<PeriodNames>,
    /// What callers get.
    answer: DeclaredAnswer,
    /// How long that keeps.
    #[serde(skip)]
    policy: Policy,
}

/// The vendor's names of the ends of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct PeriodNames {
    start: String,
    end: String,
    /// Whether the vendor takes days alone, instead of seconds.
    is_in_days: bool,
}

/// `[resources]`: all that is declared.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    resources: Vec<Declaration>,
    scopes: Vec<ScopeInfo>,
}

impl Declarations {
    /// Reads the section. `resources` are the service's own.
    pub fn read(section: &Section<'_>, vendors: &Vendors) -> Self {
        settings::read(section, vendors)
    }

    /// The tables of `[resources.<name>]`.
    pub fn tables() -> Vec<SectionTable> {
        settings::tables()
    }

    /// The scopes that they bring with them.
    pub fn scopes(&self) -> Vec<ScopeInfo> {
        self.scopes.clone()
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Declaration> {
        self.resources.iter()
    }

    /// Makes resources of them, which live as long as the program: handlers and metrics hold on to their names.
    pub(super) fn made(&self) -> Vec<&'static Resource> {
        let made = self.resources.iter().cloned().map(|declaration| {
            let declaration: &'static Declaration = Box::leak(Box::new(declaration));
            let resource = Resource {
                name: &declaration.name,
                method: None,
                parts: &[],
                policy: Some(declaration.policy),
                origin: super::Origin::Declaration(declaration),
            };
            &*Box::leak(Box::new(resource))
        });
        made.collect()
    }
}

impl Declaration {
    /// The group that it stands in in the API document.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// A call with nothing but what the gateway always gets.
    pub fn bare_call(&self) -> Call {
        let call = Call::new(&self.method);
        self.constants.iter().fold(call, |call, (name, value)| call.with(name.clone(), value.as_str()))
    }

    /// The call with its arguments of the JSON types that those of callers have.
    pub fn typed(&self, mut call: Call) -> Call {
        let is_number = |name: &str| self.parameters.iter().any(|own| own.wire == name && own.is_number());
        for argument in &mut call.arguments {
            argument.is_json |= argument.value.parse::<i64>().is_ok() && is_number(&argument.name);
        }
        call
    }

    /// A request that answers, by the examples of what must be given.
    pub fn example(&self) -> String {
        let mut path = self.path.to_string();
        let mut query = form_urlencoded::Serializer::new(String::new());
        for declared in self.parameters.iter().filter(|declared| declared.presence.is_required) {
            let (name, example) = (&declared.parameter.name, declared.parameter.example.as_deref().unwrap_or_default());
            if declared.presence.location == Location::Path {
                path = path.replace(&format!("{{{name}}}"), example);
            } else {
                query.append_pair(name, example);
            }
        }
        let query = query.finish();
        if query.is_empty() { path } else { format!("{path}?{query}") }
    }
}

/// Route and documentation of a declared resource.
pub(super) fn route(declaration: &'static Declaration, resource: &'static Resource) -> Route {
    let handler = handler::route(declaration, resource);
    let operation = documented::operation(declaration);
    Route::declared(declaration.path.to_string(), handler, &declaration.scope, operation)
}
