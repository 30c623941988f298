//! What the service says about itself: the API document, Swagger UI, the pages about errors, health and metrics.

use std::collections::BTreeSet;

use insta::assert_json_snapshot;
use serde_json::{Value, json};
use storegate::http::problem_type::ProblemType;

use crate::app::TestApp;
use crate::app::tenants::ISSUER;
use crate::fixtures::examples::with_examples;
use crate::peers::raw_connection::RawConnection;

#[actix_web::test]
async fn the_document_is_served_as_json_and_as_yaml_without_a_token() {
    let app = TestApp::spawn();
    let json = app.send("GET", "/openapi.json", &[], "").await;
    assert_eq!((json.status, json.header("content-type")), (200, Some("application/json; charset=utf-8")));
    assert!(json.json()["openapi"].as_str().unwrap().starts_with("3.1"));
    let yaml = app.send("GET", "/openapi.yaml", &[], "").await;
    assert_eq!((yaml.status, yaml.header("content-type")), (200, Some("application/yaml")));
    assert!(yaml.text().starts_with("openapi: 3.1"));
}

/// Method, path template and operation.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let item = item.as_object().unwrap().clone();
        let path = path.clone();
        item.into_iter().map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

#[actix_web::test]
async fn every_path_of_the_document_is_there_and_takes_its_method() {
    let app = TestApp::spawn();
    let document = app.send("GET", "/openapi.json", &[], "").await.json();
    let operations = operations(&document);
    assert!(operations.len() >= 12, "{}", operations.len());
    for (method, template, operation) in operations {
        let path = with_examples(&template, &operation);
        let status = app.send(&method, &path, &[], "").await.status;
        let needs_a_token = operation["security"][0].get("oauth2").is_some();
        let expected = if needs_a_token {
            401
        } else if method == "POST" {
            400
        } else {
            200
        };
        assert_eq!(status, expected, "{method} {path}");
    }
}

#[actix_web::test]
async fn every_operation_that_needs_a_token_names_the_scope_that_it_requires() {
    let app = TestApp::spawn();
    let document = app.send("GET", "/openapi.json", &[], "").await.json();
    for (method, template, operation) in operations(&document) {
        let alternatives = operation["security"].as_array().unwrap().iter();
        let scopes: Vec<&str> = alternatives.filter_map(|one| one["oauth2"][0].as_str()).collect();
        if scopes.is_empty() {
            continue;
        }
        let all = storegate::auth::issue::TokenGrant {
            scopes: crate::app::tenants::EVERYTHING
                .iter()
                .filter(|name| !scopes.contains(*name))
                .map(|name| (*name).to_owned())
                .collect(),
            ..crate::app::tenants::grant("operator")
        };
        let bearer = format!("Bearer {}", app.token_for("storegate", &all));
        let path = with_examples(&template, &operation);
        let answer = app.send(&method, &path, &[("authorization", &bearer)], "").await;
        assert_eq!((answer.status, answer.problem().as_str()), (403, "insufficient-scope"), "{method} {path}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(scopes.iter().all(|scope| challenge.contains(scope)), "{method} {path}");
    }
}

#[actix_web::test]
async fn every_resource_answers_at_the_first_try_with_the_examples_of_the_document() {
    let app = TestApp::spawn();
    let document = app.send("GET", "/openapi.json", &[], "").await.json();
    let mut resources = 0;
    for (method, template, operation) in operations(&document) {
        if operation["security"][0].get("oauth2").is_none() {
            continue;
        }
        let path = with_examples(&template, &operation);
        let answer = app.request("operator", &method, &path, &[]).await;
        let hint = "METHOD_NOTEXIST_CODE or e000003: the sandbox lacks the method, see CONTRIBUTING.md";
        assert_eq!(answer.status, 200, "{method} {path}: {} ({hint})", answer.text());
        resources += 1;
    }
    assert_eq!(resources, storegate::resources::ALL.len());
}

#[actix_web::test]
async fn a_path_takes_exactly_the_parameters_that_its_document_names() {
    let app = TestApp::spawn();
    let document = app.send("GET", "/openapi.json", &[], "").await.json();
    for (method, template, operation) in operations(&document) {
        if operation["security"][0].get("oauth2").is_none() {
            continue;
        }
        let path = format!("{}&zzzzzzzz=1", with_examples(&template, &operation));
        let answer = app.request("operator", &method, &path, &[]).await.json();
        let message = answer["errors"][0]["message"].as_str().unwrap().to_owned();
        let parameters = operation["parameters"].as_array().unwrap();
        let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let documented: BTreeSet<&str> = in_query.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        let taken: BTreeSet<&str> = message
            .split_once("this path takes ")
            .unwrap()
            .1
            .split(", ")
            .filter(|name| *name != "no query parameters")
            .collect();
        assert_eq!(taken, documented, "{method} {path}");
    }
}

#[actix_web::test]
async fn what_the_edge_refuses_is_documented_for_every_operation() {
    let app = TestApp::with(|setup| setup.set("SERVER__HOSTS", "storegate.example.com"));
    let (host, last) = (("host", "storegate.example.com"), ("connection", "close"));
    let (long, cookie) = ("x".repeat(11 << 10), "x".repeat(17 << 10));
    let document = app.send("GET", "/openapi.json", &[host, last], "").await.json();
    let mut raw = Vec::new();
    for (method, template, operation) in operations(&document) {
        let path = template.replace("{store_id}", "S_123456").replace("{organization_id}", "1084");
        let responses = operation["responses"].as_object().unwrap();
        let mut answers = vec![
            (414, app.send(&method, &format!("{path}?{long}"), &[host, last], "").await),
            (431, app.send(&method, &path, &[host, last, ("cookie", &cookie)], "").await),
            (400, app.send(&method, &path, &[("host", "a/b"), last], "").await),
        ];
        // The client of the tests has its own way with these. A form may be as large, so that its end would be waited for.
        let unmet = [(417, "Expect: more"), (413, "Content-Length: 2048")];
        for (status, field) in unmet.into_iter().take(if method == "POST" { 1 } else { 2 }) {
            let head = format!("{method} {path} HTTP/1.1\r\nHost: storegate.example.com\r\nConnection: close\r\n");
            raw.push((status, format!("{head}{field}\r\n\r\n")));
            assert!(responses.contains_key(&status.to_string()), "{status} of {method} {path}");
        }
        if !["/healthz", "/readyz", "/metrics"].contains(&path.as_str()) {
            answers.push((421, app.send(&method, &path, &[("host", "other.example.com"), last], "").await));
        }
        for (status, answer) in answers {
            assert_eq!(answer.status, status, "{method} {path}");
            assert!(responses.contains_key(&status.to_string()), "{status} of {method} {path}");
        }
        for (status, response) in responses.iter().filter(|(_, response)| response.get("$ref").is_some()) {
            let name = response["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
            assert!(document["components"]["responses"][name].is_object(), "{status} of {method} {path}");
        }
    }
    // Each connection is held open for a moment, so that the caller can read the answer: all of them at once.
    let opened: Vec<_> =
        raw.iter().map(|(_, request)| RawConnection::open(app.address(), request.as_bytes())).collect();
    for (mut connection, (status, request)) in opened.into_iter().zip(&raw) {
        let (answer, _) = connection.read_to_end();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status} of {request}: {answer}");
    }
}

#[actix_web::test]
async fn every_type_of_problem_has_a_page_and_stands_in_the_list() {
    let app = TestApp::spawn();
    let index = app.send("GET", "/problems", &[], "").await.text();
    for kind in ProblemType::ALL {
        let page = app.send("GET", &format!("/problems/{}", kind.slug()), &[], "").await;
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")), "{kind:?}");
        assert!(page.header("content-security-policy").is_some());
        assert!(page.text().contains(&kind.status().to_string()) && index.contains(kind.slug()), "{kind:?}");
    }
}

#[actix_web::test]
async fn the_type_of_a_problem_opens_its_page() {
    let app = TestApp::spawn();
    let problem = app.get("/stores?page=x").await.json();
    let page = app.send("GET", problem["type"].as_str().unwrap().strip_prefix(ISSUER).unwrap(), &[], "").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains(problem["title"].as_str().unwrap()));
}

/// What a page loads: the values of `src` and `href`.
fn loaded(html: &str) -> BTreeSet<String> {
    let after = |attribute: &str| {
        let parts: Vec<&str> = html.split(attribute).skip(1).collect();
        parts.into_iter().map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    after("src=\"").into_iter().chain(after("href=\"")).collect()
}

#[actix_web::test]
async fn swagger_ui_loads_from_this_host_alone() {
    let app = TestApp::spawn();
    for (path, place) in [("/", "/docs/"), ("/docs", "/docs/")] {
        let moved = app.send("GET", path, &[], "").await;
        assert_eq!((moved.status, moved.header("location")), (307, Some(place)), "{path}");
        assert_eq!(moved.header("cache-control"), Some("no-store"), "{path}");
    }
    let page = app.send("GET", "/docs/", &[], "").await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"), "{policy}");
    assert!(!policy.contains("http") && !policy.contains('*') && !policy.contains("unsafe-eval"), "{policy}");
    let loaded = loaded(&page.text());
    assert!(loaded.len() >= 4, "{loaded:?}");
    for reference in loaded {
        assert!(!reference.contains("//"), "{reference} is on another host");
        let file = app.send("GET", &format!("/docs/{}", reference.trim_start_matches("./")), &[], "").await;
        assert_eq!(file.status, 200, "{reference}");
    }
    let start = app.send("GET", "/docs/docs.js", &[], "").await.text();
    assert!(start.contains("openapi.json") && !start.contains("http://") && !start.contains("https://"), "{start}");
}

/// What `/readyz` says, without the tasks that the process has for all services: other tests may have begun them.
async fn readiness(app: &TestApp) -> Value {
    let answer = app.send("GET", "/readyz", &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut readiness = answer.snapshot();
    let of_service = ["issuer_keys", "maintenance", "stop"];
    readiness["tasks"].as_array_mut().unwrap().retain(|task| of_service.iter().any(|name| task["name"] == *name));
    readiness
}

#[actix_web::test]
async fn health_and_readiness_need_no_token() {
    let app = TestApp::spawn();
    let health = app.send("GET", "/healthz", &[], "").await;
    assert_eq!(
        (health.status, health.json(), health.header("cache-control")),
        (200, json!({"status": "ok"}), Some("no-store"))
    );
    assert_json_snapshot!("ready_at_the_start", readiness(&app).await);
    app.get("/stores/SHOP001").await;
    app.sandbox().fail_next(storegate::sandbox::Fault::code("-500"), 2);
    app.get("/stores/S_123456/flow").await;
    assert_json_snapshot!("ready_with_a_failing_gateway", readiness(&app).await);
}

#[actix_web::test]
async fn metrics_count_requests_and_name_no_store_and_no_tenant() {
    let app = TestApp::spawn();
    for path in ["/stores/S_123456/flow", "/stores/SHOP001", "/nowhere/SHOP001", "/organizations/1084/flow"] {
        app.get(path).await;
    }
    let metrics = app.send("GET", "/metrics", &[], "").await;
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"));
    let text = metrics.text();
    let counted = |label: &str| {
        text.lines().any(|line| line.starts_with("storegate_http_requests_total{") && line.contains(label))
    };
    assert!(counted("resource=\"flow\"") && counted("status=\"200\"") && counted("status=\"404\""), "{text}");
    for name in
        ["storegate_gateway_calls_total", "storegate_cache_reads_total", "storegate_gateway_call_duration_seconds"]
    {
        assert!(text.contains(name), "{name}");
    }
    let labels: String = text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
    for identity in ["123456", "SHOP001", "1084", "acme", "zenith", "dashboard", "nowhere"] {
        assert!(!labels.contains(identity), "{identity} in {labels}");
    }
}

#[actix_web::test]
async fn the_service_describes_its_authorization_server_and_publishes_its_key() {
    let app = TestApp::spawn();
    let metadata = app.send("GET", "/.well-known/oauth-authorization-server", &[], "").await;
    assert_json_snapshot!("authorization_server", metadata.json());
    // Of the key, the public part alone.
    let keys = app.send("GET", "/.well-known/jwks.json", &[], "").await;
    assert_json_snapshot!("keys", keys.snapshot());
}
