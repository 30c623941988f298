//! Methods that a path does not take: `OPTIONS` tells the ones that it takes, anything else is 405 with `Allow`.

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpResponse, Resource, Route, guard, web};

use super::problem::Problem;
use super::problem_type::ProblemType;

/// What `Allow` says of a path that is read.
pub const READ: &str = "GET, HEAD, OPTIONS";
/// What `Allow` says of a path that takes forms.
pub const POST: &str = "POST, OPTIONS";
/// What `Allow` says of a path that is deleted.
pub const DELETE: &str = "DELETE, OPTIONS";

/// The answer to `OPTIONS *`, which asks for no path (RFC 9110 §9.3.7): all that some path takes.
pub fn of_the_server() -> HttpResponse {
    HttpResponse::NoContent().insert_header((ALLOW, "GET, HEAD, POST, DELETE, OPTIONS")).finish()
}

/// A route that takes `GET` and `HEAD`.
pub fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Completes a resource: `OPTIONS`, and 405 for methods that no route took.
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
