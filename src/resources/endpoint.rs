//! What follows from a handler: its route, the scope in its signature, and its documentation.

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Responder, Route, web};
use utoipa::__dev::{SchemaReferences, Tags};
use utoipa::Path;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::{RefOr, Schema};

use crate::auth::caller::Caller;
use crate::auth::scope::Scope;
use crate::http::accept::Media;
use crate::http::methods;

/// A handler with everything that follows from it.
pub struct Endpoint {
    /// The path template.
    pub path: String,
    /// Where requests go.
    pub route: Route,
    /// The methods that the path takes, as in `Allow`.
    pub allow: &'static str,
    /// The scope that the handler requires in its signature.
    pub scope: &'static str,
    /// The method in the document.
    pub http_method: HttpMethod,
    /// The operation as documented on the handler.
    pub operation: Operation,
    /// The schemas that the operation refers to.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

/// What utoipa generates for a documented handler.
pub trait Documented: Path + SchemaReferences + Tags<'static> {}

impl<D: Path + SchemaReferences + Tags<'static>> Documented for D {}

/// The arguments of a handler whose first one is the caller with the required scope.
pub trait Scoped {
    /// The scope's name.
    const SCOPE: &'static str;
}

impl<S: Scope, A> Scoped for (Caller<S>, A) {
    const SCOPE: &'static str = S::NAME;
}

impl<S: Scope, A, B> Scoped for (Caller<S>, A, B) {
    const SCOPE: &'static str = S::NAME;
}

impl Endpoint {
    /// An endpoint that is read with `GET` and `HEAD`.
    pub fn read<D, H, A>(handler: H) -> Self
    where
        D: Documented,
        H: Handler<A>,
        A: FromRequest + Scoped + 'static,
        H::Output: Responder + 'static,
    {
        Self::new::<D, A>(methods::read().to(handler), methods::READ)
    }

    /// An endpoint that takes `DELETE`.
    pub fn delete<D, H, A>(handler: H) -> Self
    where
        D: Documented,
        H: Handler<A>,
        A: FromRequest + Scoped + 'static,
        H::Output: Responder + 'static,
    {
        Self::new::<D, A>(web::method(Method::DELETE).to(handler), methods::DELETE)
    }

    /// An endpoint that the configuration declares.
    pub fn declared(path: String, route: Route, scope: &'static str, operation: Operation) -> Self {
        let (allow, http_method) = (methods::READ, HttpMethod::Get);
        Self { path, route, allow, scope, http_method, operation, schemas: Vec::new() }
    }

    /// What it answers in.
    pub fn media(&self) -> Media {
        let success = self.operation.responses.responses.get("200");
        let streams = match success {
            Some(RefOr::T(success)) => success.content.contains_key(Media::EventStream.name()),
            _ => false,
        };
        if streams { Media::EventStream } else { Media::Json }
    }

    fn new<D: Documented, A: Scoped>(route: Route, allow: &'static str) -> Self {
        let mut schemas = Vec::new();
        D::schemas(&mut schemas);
        let mut operation = D::operation();
        operation.tags.get_or_insert_default().extend(D::tags().into_iter().map(str::to_owned));
        let http_method = D::methods().into_iter().next().unwrap_or(HttpMethod::Get);
        Self { path: D::path(), route, allow, scope: A::SCOPE, http_method, operation, schemas }
    }
}
