//! The practical limit: actix-web handlers that return the same bytes, with no token, no cache and no gateway; and one that
//! hands on a form to the gateway with awc, and what comes back.
//! The harness starts its own executable again with the name of this program as the first argument.

use std::fs;
use std::path::Path;

use actix_web::http::header::ContentType;
use actix_web::middleware::Compress;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use awc::Client;

use super::http;
use super::process::command;
use super::program::Program;
use super::setup::Setup;

/// The first argument.
pub const NAME: &str = "bare-handler";

/// Where it takes a form for the gateway, at both.
pub const FORWARDED: &str = "/m.api";

/// What it answers, by path.
#[derive(Clone)]
struct Bodies {
    flow: Bytes,
    demographics: Bytes,
    page: Bytes,
}

/// Starts it with the bodies in the files of a directory, in front of a gateway.
pub fn start(directory: &Path, gateway: &str, setup: Setup) -> Program {
    let port = http::free_port();
    let executable = std::env::current_exe().expect("this executable");
    let mut bare = command(executable, setup.server_cores());
    bare.arg(NAME).arg(port.to_string()).arg(setup.workers().to_string()).arg(directory).arg(gateway);
    Program::start("bare actix-web", bare, port, "/not-modified", 304)
}

/// The program itself: `bare-handler PORT WORKERS DIRECTORY GATEWAY`.
pub fn run(arguments: &[String]) {
    let [port, workers, directory, gateway] = arguments else { panic!("bare-handler PORT WORKERS DIRECTORY GATEWAY") };
    let gateway = format!("{gateway}{FORWARDED}");
    let read = |name: &str| Bytes::from(fs::read(Path::new(directory).join(name)).expect("a body"));
    let bodies = Bodies { flow: read("flow"), demographics: read("demographics"), page: read("page") };
    let application = move || {
        App::new()
            .app_data(Data::new(bodies.clone()))
            .app_data(Data::new(gateway.clone()))
            .app_data(Data::new(Client::default()))
            .route(FORWARDED, web::post().to(forward))
            .route("/stores/{store_id}/flow", web::get().to(flow))
            .route("/stores/{store_id}/demographics", web::get().to(demographics))
            .route("/inspections", web::get().to(page))
            .route("/not-modified", web::get().to(not_modified))
            .service(web::scope("/compressed").wrap(Compress::default()).route("/inspections", web::get().to(page)))
    };
    let server = HttpServer::new(application)
        .workers(workers.parse().expect("a number of workers"))
        .backlog(4096)
        .bind(format!("127.0.0.1:{port}"))
        .expect("a free port");
    actix_web::rt::System::new().block_on(server.run()).expect("a server that ends in good order");
}

async fn flow(bodies: Data<Bodies>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(bodies.flow.clone())
}

async fn demographics(bodies: Data<Bodies>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(bodies.demographics.clone())
}

async fn page(bodies: Data<Bodies>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(bodies.page.clone())
}

async fn forward(form: Bytes, gateway: Data<String>, client: Data<Client>) -> HttpResponse {
    let post = client.post(gateway.as_str()).content_type("application/x-www-form-urlencoded").no_decompress();
    let mut answer = post.send_body(form).await.expect("an answer");
    let body = answer.body().await.expect("a whole answer");
    HttpResponse::Ok().content_type(ContentType::json()).body(body)
}

async fn not_modified() -> HttpResponse {
    HttpResponse::NotModified().finish()
}
