//! A tenant that has its own identity provider and wants no tokens of this service: neither keys nor clients are needed,
//! and nothing offers what there is not.

use serde_json::json;
use storegate::auth::key_algorithm::KeyAlgorithm;

use crate::app::TestApp;
use crate::app::program::{directory, run};
use crate::app::requests::FLOW;
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};

fn trusting(provider: &IdentityProvider) -> TestApp {
    TestApp::with(|setup| {
        setup.issues_tokens = false;
        setup.set("AUTH__ISSUERS__LOGIN__ISSUER", provider.issuer());
        setup.set("AUTH__ISSUERS__LOGIN__AUDIENCE", "storegate");
        setup.set("AUTH__ISSUERS__LOGIN__TENANT", "acme");
    })
}

#[actix_web::test]
async fn the_providers_tokens_are_accepted_and_none_is_issued_here() {
    let key = ProviderKey::new("one", KeyAlgorithm::Es256);
    let provider = IdentityProvider::start(&[&key]);
    let app = trusting(&provider);
    assert_eq!(app.get_with_token(&key.token(&provider.claims()), FLOW).await.status, 200);
    let anonymous = app.send("GET", FLOW, &[], "").await;
    assert_eq!((anonymous.status, anonymous.header("www-authenticate")), (401, Some("Bearer realm=\"storegate\"")));
    for (path, form) in [
        ("/oauth/token", "grant_type=client_credentials"),
        ("/oauth/revoke", "token=x"),
        ("/oauth/introspect", "token=x"),
    ] {
        let answer = app.post_form_with("dashboard:secret", path, form).await;
        assert_eq!((answer.status, answer.problem().as_str()), (404, "not-found"), "{path}");
        assert!(answer.text().contains("the identity provider of your company"), "{}", answer.text());
    }
    let metadata = app.send("GET", "/.well-known/oauth-authorization-server", &[], "").await;
    assert_eq!(metadata.status, 404);
    let keys = app.send("GET", "/.well-known/jwks.json", &[], "").await;
    assert_eq!((keys.status, keys.json()), (200, json!({ "keys": [] })));
}

#[actix_web::test]
async fn the_api_document_offers_no_way_to_authorize_but_a_token() {
    let key = ProviderKey::new("one", KeyAlgorithm::Es256);
    let app = trusting(&IdentityProvider::start(&[&key]));
    let document = app.send("GET", "/openapi.json", &[], "").await.json();
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(schemes.keys().collect::<Vec<_>>(), ["api_key", "bearer"]);
    assert!(document["paths"]["/oauth/token"].is_null() && document["paths"]["/stores"].is_object());
    let text = document.to_string();
    assert!(!text.contains("\"oauth2\"") && !text.contains("`POST /oauth/token`"), "nothing refers to it");
    assert_eq!(document["paths"]["/stores"]["get"]["security"], json!([{ "bearer": [] }, { "api_key": [] }]));
    assert_eq!(document["paths"]["/healthz"]["get"]["security"], json!([]), "it needs no token");
}

#[test]
fn the_command_that_makes_tokens_says_where_they_come_from() {
    let path = directory("own-provider").join("storegate.toml");
    let text = "[tenants.acme.opretail]\nkey = \"k\"\nsecret = \"s\"\n[auth.issuers.login]\n\
        issuer = \"https://login.example.com\"\naudience = \"storegate\"\ntenant = \"acme\"\n";
    std::fs::write(&path, text).unwrap();
    let output = run(&["token", "--config", path.to_str().unwrap(), "--client", "dashboard"], &[], "");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("its tokens come from the identity providers"), "{told}");
}

#[test]
fn without_a_provider_a_key_and_a_client_are_still_demanded() {
    let path = directory("no-provider").join("storegate.toml");
    std::fs::write(&path, "[tenants.acme.opretail]\nkey = \"k\"\nsecret = \"s\"\n").unwrap();
    let output = run(&["serve", "--config", path.to_str().unwrap()], &[], "");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78));
    for place in ["auth.keys: ", "auth.clients: ", "auth.issuer: "] {
        assert!(told.contains(place), "{told}");
    }
}
