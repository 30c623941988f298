//! The REST resources: one file each, and the list of them. A new one has a `mod` and a row of `ALL` here.
//!
//! Everything that needs all resources reads the [`Catalogue`], which contains [`ALL`] and the declared resources: the
//! router, the OpenAPI document, the freshness settings, the table of `storegate routes`, the labels of metrics, and
//! the test of the sandbox's coverage.

// The resources, which have their rows in `ALL`.
mod cached_answers;
mod demographics;
mod developer_account;
pub mod flow;
pub mod flow_events;
mod flows;
mod inspections;
mod overview;
mod store;
pub mod stores;

/// The service's own resources, in the order of the API document.
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

// What they share.
mod declared;
mod field_aliases;
mod gateway_pages;
mod joined;
pub mod params;
mod policy;
mod request_context;
mod route;
mod shape;
mod source_type;
pub mod vendors;
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
    /// The name: the label in metrics and the key in `[cache.<name>]`.
    pub name: &'static str,
    /// The gateway method that it calls; `None` for a resource of the service itself, and for one that is made of
    /// others.
    pub method: Option<&'static LazyLock<Method>>,
    /// The resources that it is made of, each with its own cache entry.
    pub parts: &'static [&'static Self],
    /// The default freshness of its responses; `None` for responses that are never cached.
    pub policy: Option<Policy>,
    /// The source of route, scope and documentation.
    pub origin: Origin,
}

/// The origin of a resource.
#[derive(Clone, Copy)]
pub enum Origin {
    /// A handler of the service.
    Handler(fn() -> Route),
    /// A declaration of the configuration.
    Declaration(&'static Declaration),
}

impl Resource {
    /// Creates a resource of the service itself, which calls no gateway and is never cached.
    pub const fn new(name: &'static str, route: fn() -> Route) -> Self {
        Self { name, method: None, parts: &[], policy: None, origin: Origin::Handler(route) }
    }

    /// The route, with scope and documentation.
    pub fn route(&'static self) -> Route {
        match self.origin {
            Origin::Handler(route) => route(),
            Origin::Declaration(declaration) => declared::route(declaration, self),
        }
    }

    /// The gateway method that it calls.
    pub fn method(&self) -> Option<&Method> {
        match self.origin {
            Origin::Handler(_) => self.method.map(|method| &**method),
            Origin::Declaration(declaration) => Some(&declaration.method),
        }
    }

    /// Whether a request may cause gateway calls.
    pub fn calls_gateways(&self) -> bool {
        self.method().is_some() || !self.parts.is_empty()
    }

    /// Whether its responses have an ETag.
    pub const fn has_tags(&self) -> bool {
        self.policy.is_some() || !self.parts.is_empty()
    }
}

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
    /// Creates a catalogue of the service's own resources and the declared ones.
    pub fn with(declarations: &Declarations) -> Self {
        let resources: Arc<[&'static Resource]> = ALL.iter().copied().chain(declarations.made()).collect();
        let shapes = resources.iter().map(|resource| (resource.name, shape::digest(resource))).collect();
        Self { resources, scopes: Scopes::with(declarations.scopes()), shapes: Arc::new(shapes) }
    }

    /// Iterates over the resources, in the order of the API document.
    pub fn iter(&self) -> impl Iterator<Item = &'static Resource> {
        self.resources.iter().copied()
    }

    /// The part of a resource's cache keys that identifies how its responses are made.
    pub fn shape(&self, resource: &Resource) -> Option<&SettingsDigest> {
        self.shapes.get(resource.name)
    }

    /// The scopes of all resources.
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }
}

/// Adds the routes of all resources.
pub fn configure(config: &mut ServiceConfig, catalogue: &Catalogue) {
    for resource in catalogue.iter() {
        let route = resource.route();
        let service = web::resource(route.path).name(resource.name).route(route.handler);
        config.service(methods::allow_only(service, route.allow));
    }
}
