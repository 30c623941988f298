//! Our side: one file a REST resource, and the list of them.
//!
//! Everything that must know all resources reads the [`Catalogue`], which is [`ALL`] and what is declared: the router, the OpenAPI document, the configuration of
//! freshness, the table of `storegate routes`, the labels of metrics, and the test of the sandbox's coverage.

mod cached_answers;
mod declared;
mod demographics;
mod developer_account;
mod field_aliases;
pub mod flow;
pub mod flow_events;
mod flows;
mod gateway_pages;
mod inspections;
mod joined;
mod overview;
pub mod params;
mod policy;
mod request_context;
mod route;
mod shape;
mod source_type;
mod store;
pub mod stores;
pub mod vendor_methods;
mod weather;
mod wire_time;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use actix_web::web::{self, ServiceConfig};

use crate::auth::scope::Scopes;
use crate::gateway::protocol::Method;
use crate::http::methods;
use crate::settings::SettingsDigest;

pub use declared::{Declaration, Declarations};
pub use policy::{Policies, Policy};
pub use request_context::SharedState;
pub use route::Route;

/// One REST resource.
pub struct Resource {
    /// Its name: label in metrics, key in `[cache.<name>]`.
    pub name: &'static str,
    /// What it calls at the gateway; none for a resource of the service itself, and for one that is made of others.
    pub method: Option<&'static LazyLock<Method>>,
    /// The resources whose answers its own are made of, each kept in its own place.
    pub parts: &'static [&'static Self],
    /// How long its answers keep unless configured otherwise; `None` for answers that are never kept.
    pub policy: Option<Policy>,
    /// What route, scope and documentation follow from.
    pub origin: Origin,
}

/// Where a resource comes from.
#[derive(Clone, Copy)]
pub enum Origin {
    /// It is one of the service's own, with a handler.
    Handler(fn() -> Route),
    /// The configuration declares it.
    Declaration(&'static Declaration),
}

impl Resource {
    /// A resource of the service itself that calls nothing and is never kept.
    pub const fn new(name: &'static str, route: fn() -> Route) -> Self {
        Self { name, method: None, parts: &[], policy: None, origin: Origin::Handler(route) }
    }

    /// Route, scope and documentation.
    pub fn route(&'static self) -> Route {
        match self.origin {
            Origin::Handler(route) => route(),
            Origin::Declaration(declaration) => declared::route(declaration, self),
        }
    }

    /// What it calls at the gateway.
    pub fn method(&self) -> Option<&Method> {
        match self.origin {
            Origin::Handler(_) => self.method.map(|method| &**method),
            Origin::Declaration(declaration) => Some(&declaration.method),
        }
    }

    /// Whether a gateway may have to be asked.
    pub fn calls_gateways(&self) -> bool {
        self.method().is_some() || !self.parts.is_empty()
    }

    /// Whether its answers can be asked for again by their tag.
    pub const fn has_tags(&self) -> bool {
        self.policy.is_some() || !self.parts.is_empty()
    }
}

/// The service's own resources, in the order of the document.
pub static ALL: &[&Resource] = &[
    &stores::RESOURCE,
    &store::RESOURCE,
    &flow::OF_STORE,
    &flow_events::RESOURCE,
    &demographics::RESOURCE,
    &overview::RESOURCE,
    &flows::RESOURCE,
    &demographics::OF_STORES,
    &flow::OF_ORGANIZATION,
    &developer_account::RESOURCE,
    &inspections::RESOURCE,
    &cached_answers::RESOURCE,
];

/// All resources of a running service: its own, and those that its configuration declares. Cloning shares them.
#[derive(Clone)]
pub struct Catalogue {
    resources: Arc<[&'static Resource]>,
    scopes: Scopes,
    shapes: Arc<HashMap<&'static str, SettingsDigest>>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::with(&Declarations::default())
    }
}

impl Catalogue {
    /// The service's own resources and these.
    pub fn with(declarations: &Declarations) -> Self {
        let resources: Arc<[&'static Resource]> = ALL.iter().copied().chain(declarations.made()).collect();
        let shapes = resources.iter().map(|resource| (resource.name, shape::digest(resource))).collect();
        Self { resources, scopes: Scopes::with(declarations.scopes()), shapes: Arc::new(shapes) }
    }

    /// Each of them, in the order of the document.
    pub fn iter(&self) -> impl Iterator<Item = &'static Resource> {
        self.resources.iter().copied()
    }

    /// What stands in the names of a resource's cached answers for how they are made.
    pub fn shape(&self, resource: &Resource) -> Option<&SettingsDigest> {
        self.shapes.get(resource.name)
    }

    /// The scopes that they ask for.
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }
}

/// Routes of all resources.
pub fn configure(config: &mut ServiceConfig, catalogue: &Catalogue) {
    for resource in catalogue.iter() {
        let route = resource.route();
        let service = web::resource(route.path).name(resource.name).route(route.handler);
        config.service(methods::allow_only(service, route.allow));
    }
}
