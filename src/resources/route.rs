//! The route of a handler, with everything derived from it: the scope and the parameters in its signature, and its
//! documentation.

use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::__dev::{SchemaReferences, Tags};
use utoipa::Path;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::{RefOr, Schema};

use super::params::ParameterReader;
use super::request_context::RequestContext;
use crate::auth::caller::Caller;
use crate::auth::scope::Scope;
use crate::http::accept::Media;
use crate::http::methods;
use crate::http::problem::Problem;

/// A handler with everything that is derived from it.
pub struct Route {
    /// The path template.
    pub path: String,
    /// The actix route that handles the requests.
    pub handler: actix_web::Route,
    /// The methods that the path supports, as in `Allow`.
    pub allow: &'static str,
    /// The scope that the handler requires in its signature.
    pub scope: &'static str,
    /// The media type of its responses.
    pub media: Media,
    /// The method in the API document.
    pub http_method: HttpMethod,
    /// The operation as documented on the handler.
    pub operation: Operation,
    /// The schemas that the operation refers to.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

impl Route {
    /// Creates a route whose handler gets the parameters that `read` reads. A handler that is documented as `DELETE`
    /// handles that method, any other `GET` and `HEAD`.
    pub fn of<D, S, T, H, F>(_: D, read: fn(&mut ParameterReader<'_>) -> Option<T>, handler: H) -> Self
    where
        D: Path + SchemaReferences + Tags<'static>,
        S: Scope,
        T: 'static,
        H: Fn(Caller<S>, RequestContext, T) -> F + Clone + 'static,
        F: Future<Output = Result<HttpResponse, Problem>> + 'static,
    {
        let mut operation = D::operation();
        operation.tags.get_or_insert_default().extend(D::tags().into_iter().map(str::to_owned));
        operation.parameters = Some(ParameterReader::document(read).into_iter().map(RefOr::T).collect());
        let media = media(&operation);
        let handle = move |caller: Caller<S>, request: HttpRequest| {
            let handler = handler.clone();
            async move {
                let context = RequestContext::at(&request, media)?;
                let tenant = context.tenant(&caller)?;
                let parameters = context.parse(&tenant, &tenant.zone(), read)?;
                handler(caller, context, parameters).await
            }
        };
        let http_method = D::methods().into_iter().next().unwrap_or(HttpMethod::Get);
        let (handler, allow) = match http_method {
            HttpMethod::Delete => (web::delete().to(handle), methods::DELETE),
            _ => (methods::read().to(handle), methods::READ),
        };
        let mut schemas = Vec::new();
        D::schemas(&mut schemas);
        Self { path: D::path(), handler, allow, scope: S::NAME, media, http_method, operation, schemas }
    }

    /// Creates a route that the configuration declares.
    pub fn declared(path: String, handler: actix_web::Route, scope: &'static str, operation: Operation) -> Self {
        let (allow, media, http_method) = (methods::READ, Media::Json, HttpMethod::Get);
        Self { path, handler, allow, scope, media, http_method, operation, schemas: Vec::new() }
    }
}

/// The media type of an operation's responses.
fn media(operation: &Operation) -> Media {
    let success = operation.responses.responses.get("200");
    let streams = matches!(success, Some(RefOr::T(success)) if success.content.contains_key(Media::EventStream.name()));
    if streams { Media::EventStream } else { Media::Json }
}
