//! The endpoints under `/_sandbox/` that control the sandbox itself. An invalid request gets a sentence that explains
//! the problem.

#[cfg(test)]
mod tests;

use std::future::ready;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, ContentType, HeaderValue};
use actix_web::web::{self, Data, PayloadConfig, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource};
use bytes::Bytes;

use super::behaviour;
use super::faults::FaultOrder;
use super::server::SandboxState;

const LARGEST_BODY: usize = 256 << 10;

const PATHS: &str = "/_sandbox/faults, /_sandbox/behaviour, /_sandbox/logins and /_sandbox/calls";

/// Adds the endpoints to a server.
pub fn routes(configuration: &mut ServiceConfig) {
    let faults = endpoint("/faults", "GET, POST, DELETE")
        .route(web::get().to(list_faults))
        .route(web::post().to(order_fault))
        .route(web::delete().to(clear_faults));
    let behaviour = endpoint("/behaviour", "GET, PATCH, DELETE")
        .route(web::get().to(show_behaviour))
        .route(web::patch().to(change_behaviour))
        .route(web::delete().to(reset_behaviour));
    let logins = endpoint("/logins", "DELETE").route(web::delete().to(forget_logins));
    let calls = endpoint("/calls", "GET").route(web::get().to(calls));
    configuration.service(
        web::scope("/_sandbox")
            .app_data(PayloadConfig::new(LARGEST_BODY))
            .service(faults)
            .service(behaviour)
            .service(logins)
            .service(calls)
            .default_service(web::to(unknown_path)),
    );
}

/// A resource that answers unsupported methods with its `Allow` header.
fn endpoint(path: &str, allow: &'static str) -> Resource {
    let refuse = move |request: HttpRequest| ready(wrong_method(&request, allow));
    web::resource(path).default_service(web::to(refuse))
}

fn wrong_method(request: &HttpRequest, allow: &'static str) -> HttpResponse {
    let message = format!("{} does not take {}; it takes {allow}", request.path(), request.method());
    let mut refusal = refused(StatusCode::METHOD_NOT_ALLOWED, message);
    refusal.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    refusal
}

async fn unknown_path(request: HttpRequest) -> HttpResponse {
    refused(StatusCode::NOT_FOUND, format!("there is no {}; there are {PATHS}", request.path()))
}

async fn list_faults(state: Data<SandboxState>) -> HttpResponse {
    HttpResponse::Ok().json(state.faults.list())
}

async fn order_fault(body: ControlBody, state: Data<SandboxState>) -> HttpResponse {
    with_text(body, |text| FaultOrder::from_json_beside(text, &state.packs()).map(|order| state.faults.push(order)))
}

async fn clear_faults(state: Data<SandboxState>) -> HttpResponse {
    state.faults.clear();
    done(Ok(()))
}

async fn show_behaviour(state: Data<SandboxState>) -> HttpResponse {
    HttpResponse::Ok().json(behaviour::shown(&state.behaviour.get()))
}

async fn change_behaviour(body: ControlBody, state: Data<SandboxState>) -> HttpResponse {
    with_text(body, |text| state.behaviour.change(|now| behaviour::changed(now, text)))
}

async fn reset_behaviour(state: Data<SandboxState>) -> HttpResponse {
    state.behaviour.reset();
    done(Ok(()))
}

async fn forget_logins(state: Data<SandboxState>) -> HttpResponse {
    state.forget_logins();
    done(Ok(()))
}

async fn calls(state: Data<SandboxState>) -> HttpResponse {
    HttpResponse::Ok().json(state.calls.snapshot())
}

/// A body, or why it could not be read.
type ControlBody = Result<Bytes, actix_web::Error>;

fn with_text(body: ControlBody, act: impl FnOnce(&str) -> Result<(), String>) -> HttpResponse {
    let body = match body {
        Ok(body) => body,
        Err(error) if error.as_response_error().status_code() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("the body is larger than {} KiB", LARGEST_BODY >> 10);
            return refused(StatusCode::PAYLOAD_TOO_LARGE, message);
        }
        Err(_) => return done(Err("the body does not arrive whole, or not in the encoding that it names".to_owned())),
    };
    done(match str::from_utf8(&body) {
        Ok(text) => act(text),
        Err(_) => Err("the body is not UTF-8; bytes that are no text are written as `body_base64`".to_owned()),
    })
}

fn done(result: Result<(), String>) -> HttpResponse {
    match result {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(message) => refused(StatusCode::BAD_REQUEST, message),
    }
}

fn refused(status: StatusCode, message: String) -> HttpResponse {
    HttpResponse::build(status).content_type(ContentType::plaintext()).body(message + "\n")
}
