//! Resources that the configuration declares, for further methods of the vendors without a release.
//!
//! A declared resource has the same scope check, granted stores, cache, signing, retries and problems as any other. It
//! appears in the API document, in metrics and in `storegate routes`.

mod absent;
mod answer;
mod documented;
mod handler;
mod pages;
mod parameter;
mod path;
mod period;
mod settings;

use serde::Serialize;

use crate::auth::scope::ScopeInfo;
use crate::gateway::protocol::paging::Paging;
use crate::gateway::protocol::{Argument, Call, Method};
use crate::settings::{Scalar, Section, SectionTable};
use crate::vendors::Vendors;

use super::params::Location;
use super::route::Route;
use super::{Policy, Resource};

use self::answer::{AnswerShape, DeclaredAnswer};
use self::parameter::DeclaredParameter;
use self::path::PathTemplate;
use self::period::PeriodNames;

/// A resource as the configuration declares it. All of it is part of cache keys, except the skipped fields: texts of
/// the API document, the scope, and the freshness.
#[derive(Clone, Debug, Serialize)]
pub struct Declaration {
    /// The name of the section, which is also the label in metrics.
    name: String,
    /// The path at which callers read it.
    path: PathTemplate,
    /// The tag that groups it in the API document.
    #[serde(skip)]
    tag: String,
    /// The summary in the API document.
    #[serde(skip)]
    summary: String,
    /// The description in the API document.
    #[serde(skip)]
    description: Option<String>,
    /// The scope that a token needs.
    #[serde(skip)]
    scope: String,
    /// The vendor's method that is called.
    pub(super) method: Method,
    /// The parameters that callers may send.
    parameters: Vec<DeclaredParameter>,
    /// Parameters that the gateway always gets, by name and value.
    constants: Vec<(String, Scalar)>,
    /// The names of a period that callers choose, if there is one.
    period: Option<PeriodNames>,
    /// The form of the response.
    answer: DeclaredAnswer,
    /// How the gateway pages the list, if callers read it in pages.
    paging: Option<Paging>,
    /// The freshness of the response.
    #[serde(skip)]
    policy: Policy,
}

/// `[resources]`: all declared resources.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    resources: Vec<Declaration>,
    scopes: Vec<ScopeInfo>,
}

impl Declarations {
    /// Reads `[resources]` of the configuration, and those of the packs that it names. `vendors` resolves the methods.
    pub fn read(root: &Section<'_>, vendors: &Vendors) -> Self {
        settings::read(root, vendors)
    }

    /// The settings tables of `[resources.<name>]`.
    pub fn tables() -> Vec<SectionTable> {
        settings::tables()
    }

    /// The new scopes that the declarations define.
    pub fn scopes(&self) -> Vec<ScopeInfo> {
        self.scopes.clone()
    }

    /// Iterates over the declarations.
    pub fn iter(&self) -> std::slice::Iter<'_, Declaration> {
        self.resources.iter()
    }

    /// Turns the declarations into resources. These live as long as the program, because handlers and metrics keep
    /// references to their names.
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
    /// The name of its section.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The vendor's method that it calls.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Whether it is a list that callers do not read in pages.
    pub const fn is_list_without_pages(&self) -> bool {
        matches!(self.answer.shape, AnswerShape::List(_)) && self.paging.is_none()
    }

    /// The tag that groups it in the API document.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The call with its constants only, for one item of a paged list.
    pub fn bare_call(&self) -> Call {
        let mut call = Call::new(&self.method);
        call.arguments.extend(self.constants.iter().map(|(name, value)| Argument::of(name, value)));
        call.arguments.extend(self.paging.iter().flat_map(|paging| paging.arguments(1, 1, None)));
        call
    }

    /// Gives the arguments of a call the JSON types of the declared parameters.
    pub fn typed(&self, mut call: Call) -> Call {
        let is_number = |name: &str| self.parameters.iter().any(|own| own.wire == name && own.is_number());
        for argument in &mut call.arguments {
            argument.is_json |= argument.value.parse::<i64>().is_ok() && is_number(&argument.name);
        }
        call
    }

    /// A request that succeeds, built from the examples of the required parameters.
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

/// The route and documentation of a declared resource.
pub(super) fn route(declaration: &'static Declaration, resource: &'static Resource) -> Route {
    let handler = handler::route(declaration, resource);
    let operation = documented::operation(declaration);
    Route::declared(declaration.path.to_string(), handler, &declaration.scope, operation)
}
