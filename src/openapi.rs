//! Completes the API document from the list of resources: security and shared responses are defined here once, from the
//! same constants that the handlers use.

use serde_json::json;
use utoipa::OpenApi;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Schema, SchemaType, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityRequirement,
    SecurityScheme,
};
use utoipa::openapi::server::Server;
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{Components, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi as Document, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::auth::endpoints::{INTROSPECTION_PATH, METADATA_PATH, REVOCATION_PATH, TOKEN_PATH, TokenApi};
use crate::auth::scope::Scopes as ScopeList;
use crate::gateway::protocol::Method;
use crate::http::ops::OpsApi;
use crate::http::problem::{GatewayNote, ParameterError, ParameterErrorCode, ProblemDocument};
use crate::http::public_url::PublicUrl;
use crate::resources::{Catalogue, Origin, Resource, Route};

mod responses;

const DESCRIPTION: &str = "Stores, visitors, demographics and inspections of a retail company, as plain REST. \
Behind each path stands a signed call to a vendor's gateway; answers are cached and carry an `ETag`.\n\n\
Get a token with `POST /oauth/token`, and send it as `Authorization: Bearer …`; or send an API key \
as `X-API-Key`. Errors are problem documents \
(RFC 9457) whose `type` opens a page that says what to do. Values that a gateway did not give are `null`.";

/// How to get a token, for the description: from this service, or from an identity provider where the service issues
/// none.
const WAYS_TO_A_TOKEN: [&str; 2] = ["with `POST /oauth/token`", "from your company's identity provider"];

const TAGS: [(&str, &str); 8] = [
    ("Stores", "The stores of the company."),
    ("Flow", "Visitors and sales."),
    ("Demographics", "Visitors by gender and age."),
    ("Organizations", "Accounts of organizations."),
    ("Inspections", "Inspections of stores."),
    ("Cache", "Kept answers."),
    ("Tokens", "Get an access token, and what is needed to check one."),
    ("Operations", "For those who run the service."),
];

/// The API document of these resources, at this address.
pub fn document(catalogue: &Catalogue, public_url: &PublicUrl) -> Document {
    let mut document = Document::new(info(), Paths::new());
    for resource in catalogue.iter() {
        add_resource(&mut document, resource);
    }
    for mut open in [TokenApi::openapi(), OpsApi::openapi()] {
        open.paths.paths.values_mut().flat_map(operations).for_each(responses::complete_open);
        document.merge(open);
    }
    document.servers = Some(vec![Server::new(if public_url.is_known() { public_url.as_str() } else { "/" })]);
    document.tags = Some(tags(catalogue));
    let components = document.components.get_or_insert_default();
    add_security_schemes(components, catalogue.scopes(), &public_url.url_of(TOKEN_PATH));
    add_problem_schemas(components);
    components.schemas.values_mut().for_each(name_free_forms);
    for (name, response) in responses::shared(public_url) {
        components.responses.insert(name, RefOr::T(response));
    }
    document
}

/// The API document of a service that issues no tokens: they come from identity providers, and the only way to
/// authorize is to paste one.
pub fn document_without_tokens(catalogue: &Catalogue, public_url: &PublicUrl) -> Document {
    let mut document = document(catalogue, public_url);
    for path in [TOKEN_PATH, REVOCATION_PATH, INTROSPECTION_PATH, METADATA_PATH] {
        document.paths.paths.shift_remove(path);
    }
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        // An empty list means that no token is needed.
        if operation.security.as_ref().is_some_and(|required| !required.is_empty()) {
            operation.security = Some(vec![bearer(), api_key()]);
        }
    }
    document.components.get_or_insert_default().security_schemes.remove("oauth2");
    let [with_ours, with_theirs] = WAYS_TO_A_TOKEN;
    document.info.description = Some(DESCRIPTION.replace(with_ours, with_theirs));
    document
}

fn bearer() -> SecurityRequirement {
    SecurityRequirement::new("bearer", Vec::<String>::new())
}

fn api_key() -> SecurityRequirement {
    SecurityRequirement::new("api_key", Vec::<String>::new())
}

/// Serializes the document as JSON, with a line end.
///
/// # Errors
/// The document cannot be serialized.
pub fn to_json(document: &Document) -> Result<String, serde_json::Error> {
    document.to_pretty_json().map(|json| json + "\n")
}

/// All tags, including those that only declared resources have.
fn tags(catalogue: &Catalogue) -> Vec<Tag> {
    let mut tags: Vec<(&str, &str)> = TAGS.to_vec();
    for resource in catalogue.iter() {
        if let Origin::Declaration(declaration) = resource.origin
            && !tags.iter().any(|(name, _)| *name == declaration.tag())
        {
            tags.push((declaration.tag(), "Declared in the configuration of this service."));
        }
    }
    let tag = |(name, description): (&str, &str)| TagBuilder::new().name(name).description(Some(description)).build();
    tags.into_iter().map(tag).collect()
}

fn info() -> utoipa::openapi::Info {
    InfoBuilder::new()
        .title("storegate")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
        .contact(Some(ContactBuilder::new().name(Some("Whoever runs this service")).build()))
        .build()
}

fn add_security_schemes(components: &mut Components, scopes: &ScopeList, token_url: &str) {
    let scopes = Scopes::from_iter(scopes.iter().map(|scope| (scope.name.as_ref(), scope.allows.as_ref())));
    let flow = Flow::ClientCredentials(ClientCredentials::new(token_url, scopes));
    let oauth2 = OAuth2::with_description([flow], "Fetch a token with a client id and secret (RFC 6749 §4.4).");
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("Paste a token that you have, or an API key."))
        .build();
    let api_key = ApiKeyValue::with_description(
        "X-API-Key",
        "An API key, for programs that cannot renew a token. `Authorization: Bearer sgk_…` is the same.",
    );
    components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(api_key)));
    components.add_security_scheme("oauth2", SecurityScheme::OAuth2(oauth2));
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
}

fn add_problem_schemas(components: &mut Components) {
    components.schemas.insert("Problem".to_owned(), ProblemDocument::schema());
    components.schemas.insert(ParameterError::name().into_owned(), ParameterError::schema());
    components.schemas.insert(ParameterErrorCode::name().into_owned(), ParameterErrorCode::schema());
    components.schemas.insert(GatewayNote::name().into_owned(), GatewayNote::schema());
}

fn add_resource(document: &mut Document, resource: &'static Resource) {
    let route = resource.route();
    let operation = finished(&route, resource);
    document.components.get_or_insert_default().schemas.extend(route.schemas);
    let item = document.paths.paths.entry(route.path).or_default();
    item.merge_operations(PathItem::new(route.http_method, operation));
}

fn finished(route: &Route, resource: &Resource) -> Operation {
    let mut operation = route.operation.clone();
    let alternatives = route.scope.split(' ').map(|scope| SecurityRequirement::new("oauth2", [scope]));
    operation.security = Some(alternatives.chain([bearer(), api_key()]).collect());
    operation.extensions = resource.method().map(|method| gateway_method(resource, method));
    responses::complete(&mut operation, route, resource);
    operation
}

/// Marks objects without properties as open to any property, because some generators treat them as empty.
fn name_free_forms(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) if object.properties.is_empty() => {
            let is_object = match &object.schema_type {
                SchemaType::Type(kind) => *kind == Type::Object,
                SchemaType::Array(kinds) => kinds.contains(&Type::Object),
                SchemaType::AnyValue => false,
            };
            if is_object && object.additional_properties.is_none() {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(true)));
            }
        }
        RefOr::T(Schema::Object(object)) => object.properties.values_mut().for_each(name_free_forms),
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                name_free_forms(items);
            }
        }
        _ => {}
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    item.get.iter_mut().chain(&mut item.post).chain(&mut item.delete)
}

fn gateway_method(resource: &Resource, method: &Method) -> Extensions {
    let door = method.vendor.endpoint(method.endpoint);
    let described = json!({
        "gateway": method.vendor.name(), "method": method.name, "version": method.version, "door": door,
        "resource": resource.name,
    });
    Extensions::builder().add("x-gateway-method", described).build()
}

/// A reference to a response that many operations share.
fn shared(name: &str) -> RefOr<utoipa::openapi::Response> {
    RefOr::Ref(Ref::new(format!("#/components/responses/{name}")))
}
