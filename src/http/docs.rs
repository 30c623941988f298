//! Documentation for people: Swagger UI from the binary itself, the API document, the pages about errors, and the
//! demo's dashboard.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use utoipa_swagger_ui::Config;

use super::methods::{READ, allow_only, read};
use super::page_protection::{DASHBOARD_POLICY, PAGE_POLICY, Protection, SWAGGER_POLICY};
use super::pages::{HTML, StaticPage};
use super::problem::Problem;
use super::problem_type::ProblemType;
use super::public_url::PublicUrl;
use super::{accept, dashboard, problem_pages};

const INDEX: &str = include_str!("docs/index.html");
const SCRIPT: &str = include_str!("docs/docs.js");
const STYLE: &str = include_str!("docs/docs.css");

/// The place in the page for the client id that people authorize with.
const NO_CLIENT: &str = "data-client-id=\"\"";
/// The place in the page for the address in the document.
const NO_URL: &str = "data-public-url=\"\"";

/// The served documents, rendered once.
#[derive(Clone)]
pub struct Docs {
    json: StaticPage,
    yaml: StaticPage,
    /// The files of Swagger UI that were requested so far, and our own. Their number is limited.
    files: Arc<RwLock<HashMap<String, StaticPage>>>,
    has_dashboard: bool,
    protection: Protection,
    public_url: PublicUrl,
}

impl Docs {
    /// Creates the pages for a document in both its forms. `demo_client` is filled in for people who authorize, and
    /// enables the dashboard.
    pub fn new(json: String, yaml: String, demo_client: Option<&str>, public_url: PublicUrl) -> Self {
        let client = demo_client.unwrap_or_default();
        let index = INDEX
            .replace(NO_CLIENT, &format!("data-client-id=\"{client}\""))
            .replace(NO_URL, &format!("data-public-url=\"{}\"", public_url.as_str()));
        let index = StaticPage::new(HTML, index);
        let own = [
            ("", index.clone()),
            ("index.html", index),
            ("docs.js", StaticPage::new("text/javascript; charset=utf-8", SCRIPT)),
            ("docs.css", StaticPage::new("text/css; charset=utf-8", STYLE)),
        ];
        Self {
            json: StaticPage::new(accept::JSON, json),
            yaml: StaticPage::new("application/yaml", yaml),
            files: Arc::new(RwLock::new(own.map(|(name, page)| (name.to_owned(), page)).into())),
            has_dashboard: demo_client.is_some(),
            protection: Protection { is_https: public_url.is_https() },
            public_url,
        }
    }

    fn swagger_file(&self, name: &str) -> Result<StaticPage, Problem> {
        if let Some(page) = self.files.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(page.clone());
        }
        let found = utoipa_swagger_ui::serve(name, Arc::new(Config::from("/openapi.json")));
        let found = found.map_err(|error| Problem::of(ProblemType::InternalError).caused_by(error))?;
        let file = found.ok_or_else(|| Problem::of(ProblemType::NotFound))?;
        let page = StaticPage::new(file.content_type, file.bytes.into_owned());
        self.files.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), page.clone());
        Ok(page)
    }

    fn answer(&self, request: &HttpRequest, policy: &'static str, page: StaticPage) -> HttpResponse {
        page.unless_known(request, self.protection, policy)
    }
}

/// Registers the routes of the documentation.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(allow_only(web::resource("/").name("root").route(read().to(root)), READ))
        .service(allow_only(web::resource("/dashboard/{file}").name("root").route(read().to(dashboard_file)), READ))
        .service(allow_only(web::resource("/docs").name("docs").route(read().to(to_swagger)), READ))
        .service(allow_only(web::resource("/docs/{file:.*}").name("docs").route(read().to(swagger_file)), READ))
        .service(allow_only(web::resource("/openapi.json").name("openapi").route(read().to(openapi_json)), READ))
        .service(allow_only(web::resource("/openapi.yaml").name("openapi").route(read().to(openapi_yaml)), READ))
        .service(allow_only(web::resource("/problems").name("problems").route(read().to(problem_index)), READ))
        .service(allow_only(web::resource("/problems/{type}").name("problems").route(read().to(problem_page)), READ));
}

/// The redirect must not be cached. Tomorrow another program may use the address, and browsers keep a permanent
/// redirect for ever.
async fn to_swagger(docs: Data<Docs>) -> HttpResponse {
    let place = docs.public_url.path_of("/docs/");
    HttpResponse::TemporaryRedirect()
        .insert_header((LOCATION, &*place))
        .insert_header((CACHE_CONTROL, "no-store"))
        .finish()
}

async fn root(request: HttpRequest, docs: Data<Docs>) -> HttpResponse {
    if docs.has_dashboard {
        return docs.answer(&request, DASHBOARD_POLICY, dashboard::index());
    }
    to_swagger(docs).await
}

async fn dashboard_file(
    request: HttpRequest,
    docs: Data<Docs>,
    file: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let found = dashboard::file(&file).filter(|_| docs.has_dashboard);
    let found = found.ok_or_else(|| Problem::of(ProblemType::NotFound))?;
    Ok(docs.answer(&request, DASHBOARD_POLICY, found))
}

async fn swagger_file(
    request: HttpRequest,
    docs: Data<Docs>,
    file: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(docs.answer(&request, SWAGGER_POLICY, docs.swagger_file(&file)?))
}

async fn openapi_json(request: HttpRequest, docs: Data<Docs>) -> HttpResponse {
    docs.answer(&request, PAGE_POLICY, docs.json.clone())
}

async fn openapi_yaml(request: HttpRequest, docs: Data<Docs>) -> HttpResponse {
    docs.answer(&request, PAGE_POLICY, docs.yaml.clone())
}

async fn problem_index(request: HttpRequest, docs: Data<Docs>) -> HttpResponse {
    docs.answer(&request, PAGE_POLICY, StaticPage::new(HTML, problem_pages::index()))
}

async fn problem_page(
    request: HttpRequest,
    docs: Data<Docs>,
    kind: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let found = problem_pages::page(&kind).ok_or_else(|| Problem::of(ProblemType::NotFound))?;
    Ok(docs.answer(&request, PAGE_POLICY, StaticPage::new(HTML, found)))
}
