//! Methods that a path does not support: `OPTIONS` lists the supported ones, and any other method gets 405 with
//! `Allow`.

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpResponse, Resource, Route, guard, web};

use super::problem::Problem;
use super::problem_type::ProblemType;

/// `Allow` of a path for reading.
pub const READ: &str = "GET, HEAD, OPTIONS";
/// `Allow` of a path for forms.
pub const POST: &str = "POST, OPTIONS";
/// `Allow` of a path for deletion.
pub const DELETE: &str = "DELETE, OPTIONS";

/// Responds to `OPTIONS *`, which names no path (RFC 9110 §9.3.7), with all methods that any path supports.
pub fn of_the_server() -> HttpResponse {
    HttpResponse::NoContent().insert_header((ALLOW, "GET, HEAD, POST, DELETE, OPTIONS")).finish()
}

/// Creates a route for `GET` and `HEAD`.
pub fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Completes a resource with `OPTIONS` and with 405 for all methods that have no route.
pub fn allow_only(resource: Resource, allow: &'static str) -> Resource {
    resource
        .route(
            web::method(actix_web::http::Method::OPTIONS)
                .to(move || async move { HttpResponse::NoContent().insert_header((ALLOW, allow)).finish() }),
        )
        .default_service(web::to(move || async move { Err::<HttpResponse, Problem>(not_allowed(allow)) }))
}

fn not_allowed(allow: &'static str) -> Problem {
    let detail = format!("This path takes {allow}. {}", ProblemType::MethodNotAllowed.remedy());
    Problem::new(ProblemType::MethodNotAllowed, detail).with_header(ALLOW, HeaderValue::from_static(allow))
}
