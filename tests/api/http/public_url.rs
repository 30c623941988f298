//! A service behind a path that a proxy takes off: whatever it says of itself leads back to it.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Value, json};
use storegate::config::Settings;

use crate::app::TestApp;
use crate::app::answer::Answer;
use crate::app::tenants::CLIENT_SECRET;
use crate::peers::prefix_proxy::PrefixProxy;

const PREFIX: &str = "/retail/storegate.v1";

/// The service, and the address that its callers use.
struct Behind {
    app: TestApp,
    public_url: String,
}

impl Behind {
    fn a_proxy() -> Self {
        let proxy = PrefixProxy::bind(PREFIX);
        let public_url = proxy.url();
        let app = TestApp::with(|setup| {
            setup.set("SERVER__PUBLIC_URL", &public_url);
            // The tests' own tokens name it.
            setup.set("AUTH__ISSUER", crate::app::tenants::ISSUER);
        });
        proxy.pass_to(app.address());
        Self { app, public_url }
    }

    async fn send(&self, url: &str, headers: &[(&str, &str)]) -> Answer {
        let request = awc::Client::builder().disable_redirects().finish().get(url);
        let request = headers.iter().fold(request, |request, header| request.insert_header(*header));
        let mut response = request.send().await.unwrap();
        let body = response.body().limit(16 << 20).await.unwrap();
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
    }

    async fn get(&self, url: &str) -> Answer {
        let bearer = format!("Bearer {}", self.app.token("dashboard"));
        self.send(url, &[("authorization", &bearer)]).await
    }
}

/// A reference as a browser resolves it.
fn resolve(base: &str, reference: &str) -> String {
    let (scheme, rest) = base.split_once("://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap());
    if reference.contains("://") {
        return reference.to_owned();
    }
    if reference.starts_with('/') {
        return format!("{scheme}://{authority}{reference}");
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in reference.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{scheme}://{authority}{}", parts.join("/"))
}

#[actix_web::test]
async fn the_links_of_a_list_lead_through_it_by_the_callers_own_path() {
    let behind = Behind::a_proxy();
    let mut next = Some(format!("{}/stores?page_size=100", behind.public_url));
    let mut seen = BTreeSet::new();
    // The second time all of it comes from the cache, ahead of the handlers.
    for round in 1..=2 {
        while let Some(url) = next.take() {
            let answer = behind.get(&url).await;
            assert_eq!(answer.status, 200, "{url}");
            let items = answer.json()["items"].as_array().unwrap().clone();
            seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            for link in answer.header("link").unwrap().split(", ") {
                let (target, relation) = link.strip_prefix('<').unwrap().split_once(">; rel=").unwrap();
                assert!(target.starts_with(&format!("{PREFIX}/stores?")), "{link}");
                if relation == "\"next\"" {
                    next = Some(resolve(&url, target));
                }
            }
        }
        assert_eq!(seen.len(), 260);
        seen.clear();
        next = (round == 1).then(|| format!("{}/stores?page_size=100", behind.public_url));
    }
}

#[actix_web::test]
async fn every_problem_names_a_page_that_opens_and_the_path_that_the_caller_wrote() {
    let behind = Behind::a_proxy();
    let url = format!("{}/stores?page=0", behind.public_url);
    let problem = behind.get(&url).await.json();
    assert_eq!(problem["instance"], format!("{PREFIX}/stores"));
    let of_one = &behind.get(&format!("{}/flow?store_id=S_123456&store_id=SHOP002", behind.public_url)).await.json();
    let of_one = of_one["errors"][0]["problem"].clone();
    assert_eq!(of_one["instance"], format!("{PREFIX}/flow"));
    let at_the_edge = behind.send(&format!("{}/stores", behind.public_url), &[]).await.json();
    // An answer to what no parser could read is written by other code.
    let unreadable = behind.app.raw("GET /stores HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n");
    let unreadable: Value = serde_json::from_str(unreadable.split_once("\r\n\r\n").unwrap().1).unwrap();
    for problem in [problem, of_one, at_the_edge, unreadable] {
        let kind = problem["type"].as_str().unwrap();
        assert!(kind.starts_with(&format!("{}/problems/", behind.public_url)), "{problem}");
        let page = behind.send(kind, &[]).await;
        assert_eq!(page.status, 200, "{kind}");
        assert!(page.text().contains(problem["title"].as_str().unwrap()), "{kind}");
    }
}

/// The values of `src` and `href` in a page.
fn references(page: &str) -> Vec<String> {
    let after = |mark: &str| page.split(mark).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    let lists: [Vec<String>; 2] = [after("src=\""), after("href=\"")];
    lists.concat()
}

#[actix_web::test]
async fn every_page_and_what_it_loads_is_found_from_the_first_one() {
    let behind = Behind::a_proxy();
    let mut waiting = VecDeque::from([behind.public_url.clone() + "/", behind.public_url.clone() + "/docs"]);
    let mut seen = BTreeSet::new();
    while let Some(url) = waiting.pop_front() {
        if !seen.insert(url.clone()) {
            continue;
        }
        let answer = behind.send(&url, &[]).await;
        if let Some(place) = answer.header("location") {
            assert_eq!((answer.status, answer.header("cache-control")), (307, Some("no-store")), "{url}");
            waiting.push_back(resolve(&url, place));
            continue;
        }
        assert_eq!(answer.status, 200, "{url}");
        if answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            waiting.extend(references(&answer.text()).iter().map(|reference| resolve(&url, reference)));
        }
        if url.ends_with("/docs/") {
            waiting.push_back(resolve(&url, "../problems"));
        }
    }
    assert!(seen.len() > 25, "{seen:?}");
    assert!(seen.contains(&format!("{}/docs/swagger-ui-bundle.js", behind.public_url)), "{seen:?}");
    assert!(seen.contains(&format!("{}/problems/invalid-token", behind.public_url)), "{seen:?}");
}

#[actix_web::test]
async fn the_document_and_the_metadata_lead_to_the_service() {
    let behind = Behind::a_proxy();
    let document = behind.send(&format!("{}/openapi.json", behind.public_url), &[]).await.json();
    assert_eq!(document["servers"], json!([{"url": behind.public_url}]));
    let token_url = &document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["tokenUrl"];
    assert_eq!(token_url, &json!(format!("{}/oauth/token", behind.public_url)));
    let example = &document["components"]["responses"]["Problem404"]["content"]["application/problem+json"]["examples"]
        ["not-found"]["value"];
    assert_eq!(example["type"], format!("{}/problems/not-found", behind.public_url));
    let path = behind.public_url.clone() + "/.well-known/oauth-authorization-server";
    let metadata = behind.send(&path, &[]).await.json();
    assert_eq!(&metadata["token_endpoint"], token_url);
    assert_eq!(behind.send(metadata["jwks_uri"].as_str().unwrap(), &[]).await.status, 200);
    let form = [("grant_type", "client_credentials"), ("client_id", "dashboard"), ("client_secret", CLIENT_SECRET)];
    let url = token_url.as_str().unwrap();
    let mut answer = awc::Client::default().post(url).send_form(&form).await.unwrap();
    let token: Value = answer.json().await.unwrap();
    assert_eq!((answer.status().as_u16(), &token["token_type"]), (200, &json!("Bearer")));
}

#[actix_web::test]
async fn without_a_path_the_public_url_is_in_the_document_and_links_stay_as_they_are() {
    let app = TestApp::spawn();
    let document = app.send("GET", "/openapi.json", &[], "").await.json();
    assert_eq!(document["servers"], json!([{"url": "https://storegate.example.com"}]));
    let link = app.get("/stores?page_size=100").await;
    assert!(link.header("link").unwrap().contains("</stores?page=2&page_size=100>; rel=\"next\""), "{link:?}");
    // Clients of an issuer with a path look for its metadata at the host, with the path behind.
    let app = TestApp::with(|setup| setup.set("AUTH__ISSUER", "https://example.com/retail/v1"));
    for (path, status) in [("", 200), ("/retail/v1", 200), ("/retail", 404), ("/retail/v1/", 404), ("/", 404)] {
        let answer = app.send("GET", &format!("/.well-known/oauth-authorization-server{path}"), &[], "").await;
        assert_eq!(answer.status, status, "{path}");
    }
    // A service that has only an issuer knows no address of its own.
    let configuration = app
        .configuration
        .replace("public_url = \"https", "#")
        .replace("[auth.keys.first]", "[auth]\nissuer = \"https://storegate.example.com\"\n[auth.keys.first]");
    let settings = Settings::parse(&configuration, std::iter::empty()).unwrap();
    assert!(!settings.server.public_url.is_known());
}
