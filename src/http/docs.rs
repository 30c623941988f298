//! What people explore: Swagger UI from the binary itself, the API document, the pages about errors.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::body::SizedStream;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{Stream, stream};
use utoipa_swagger_ui::{Config, oauth};

use super::methods::{READ, allow_only, read};
use super::page_protection::{PAGE_POLICY, Protection, SWAGGER_POLICY};
use super::problem::Problem;
use super::problem_type::ProblemType;
use super::{problem_pages, reply};

const PIECE: usize = 32 << 10;

const HTML: &str = "text/html; charset=utf-8";

/// A file with its validator, which is computed once: some have more than a megabyte.
#[derive(Clone)]
struct Page {
    body: Bytes,
    etag: String,
    content_type: String,
}

impl Page {
    fn new(content_type: impl Into<String>, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        Self { etag: format!("\"{:016x}\"", hasher.finish()), content_type: content_type.into(), body }
    }
}

/// The documents, written once.
#[derive(Clone)]
pub struct Docs {
    json: Page,
    yaml: Page,
    swagger: Arc<Config<'static>>,
    /// The files of Swagger UI that somebody has asked for. There are only so many.
    files: Arc<RwLock<HashMap<String, Page>>>,
    protection: Protection,
}

impl Docs {
    /// Docs for a document in both its forms. `client_id` is filled in for people who authorize; `is_https` says whether
    /// callers reach the service by HTTPS.
    pub fn new(json: String, yaml: String, client_id: Option<&str>, is_https: bool) -> Self {
        let mut oauth = oauth::Config::new().app_name("storegate");
        if let Some(client_id) = client_id {
            oauth = oauth.client_id(client_id);
        }
        let swagger = Config::with_oauth_config(["/openapi.json"], oauth)
            .try_it_out_enabled(true)
            .display_request_duration(true)
            .deep_linking(true)
            .validator_url("none")
            .persist_authorization(false);
        Self {
            json: Page::new("application/json", json),
            yaml: Page::new("application/yaml", yaml),
            swagger: Arc::new(swagger),
            files: Arc::default(),
            protection: Protection { is_https },
        }
    }

    fn swagger_file(&self, name: &str) -> Result<Page, Problem> {
        if let Some(page) = self.files.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(page.clone());
        }
        let found = utoipa_swagger_ui::serve(name, self.swagger.clone());
        let found = found.map_err(|error| Problem::of(ProblemType::InternalError).caused_by(error))?;
        let file = found.ok_or_else(|| Problem::of(ProblemType::NotFound))?;
        let page = Page::new(file.content_type, file.bytes.into_owned());
        self.files.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), page.clone());
        Ok(page)
    }

    /// The file, or 304 when the caller has it. Nobody keeps it unasked, since it changes with the program.
    fn unless_known(&self, request: &HttpRequest, policy: &'static str, page: Page) -> HttpResponse {
        let Page { body, etag, content_type } = page;
        let known = reply::is_known(request, &etag);
        let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response.insert_header((ETAG, etag)).insert_header((CACHE_CONTROL, "no-cache"));
        if known {
            return response.finish();
        }
        self.protection.add_to(&mut response, policy);
        response.insert_header((CONTENT_TYPE, content_type)).body(in_pieces(body))
    }
}

/// The connection copies what it writes next, and a caller who reads slowly, or not at all, should hold no more than a piece.
fn in_pieces(body: Bytes) -> SizedStream<impl Stream<Item = Result<Bytes, Infallible>>> {
    let length = body.len();
    let pieces = (0..length).step_by(PIECE).map(move |at| Ok(body.slice(at..length.min(at + PIECE))));
    SizedStream::new(u64::try_from(length).unwrap_or(u64::MAX), stream::iter(pieces))
}

/// Routes of all that people explore.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(allow_only(web::resource("/").name("root").route(read().to(|| redirect("/docs/"))), READ))
        .service(allow_only(web::resource("/docs").name("docs").route(read().to(|| redirect("/docs/"))), READ))
        .service(allow_only(web::resource("/docs/{file:.*}").name("docs").route(read().to(swagger_file)), READ))
        .service(allow_only(web::resource("/openapi.json").name("openapi").route(read().to(openapi_json)), READ))
        .service(allow_only(web::resource("/openapi.yaml").name("openapi").route(read().to(openapi_yaml)), READ))
        .service(allow_only(web::resource("/problems").name("problems").route(read().to(problem_index)), READ))
        .service(allow_only(web::resource("/problems/{type}").name("problems").route(read().to(problem_page)), READ));
}

async fn redirect(to: &'static str) -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, to)).finish()
}

async fn swagger_file(
    request: HttpRequest,
    docs: Data<Docs>,
    file: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(docs.unless_known(&request, SWAGGER_POLICY, docs.swagger_file(&file)?))
}

async fn openapi_json(request: HttpRequest, docs: Data<Docs>) -> HttpResponse {
    docs.unless_known(&request, PAGE_POLICY, docs.json.clone())
}

async fn openapi_yaml(request: HttpRequest, docs: Data<Docs>) -> HttpResponse {
    docs.unless_known(&request, PAGE_POLICY, docs.yaml.clone())
}

async fn problem_index(request: HttpRequest, docs: Data<Docs>) -> HttpResponse {
    docs.unless_known(&request, PAGE_POLICY, Page::new(HTML, problem_pages::index()))
}

async fn problem_page(
    request: HttpRequest,
    docs: Data<Docs>,
    kind: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let found = problem_pages::page(&kind).ok_or_else(|| Problem::of(ProblemType::NotFound))?;
    Ok(docs.unless_known(&request, PAGE_POLICY, Page::new(HTML, found)))
}
