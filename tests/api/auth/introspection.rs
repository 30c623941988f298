//! What a service that cannot check tokens itself learns of one.

use insta::assert_json_snapshot;
use serde_json::json;

use crate::app::TestApp;
use crate::app::answer::redacted;

const INTROSPECT: &str = "/oauth/introspect";

async fn introspect(app: &TestApp, client: &str, token: &str) -> serde_json::Value {
    let answer = app.post_form(client, INTROSPECT, &format!("token={token}")).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    answer.json()
}

#[actix_web::test]
async fn introspection_by_a_client_of_the_same_tenant_shows_the_claims() {
    let app = TestApp::spawn();
    let told = introspect(&app, "counter", &app.token("franchisee")).await;
    assert_json_snapshot!("introspection", redacted(told));
}

#[actix_web::test]
async fn any_other_token_is_reported_as_inactive_and_nothing_else() {
    let app = TestApp::spawn();
    let inactive = json!({ "active": false });
    assert_eq!(introspect(&app, "zenith", &app.token("dashboard")).await, inactive, "another tenant's");
    assert_eq!(introspect(&app, "dashboard", "a.b.c").await, inactive, "none at all");
    let another = app.token_for("another-service", &crate::app::tenants::grant("dashboard"));
    assert_eq!(introspect(&app, "dashboard", &another).await, inactive, "for another audience");
    let token = app.token("dashboard");
    app.post_form("dashboard", "/oauth/revoke", &format!("token={token}")).await;
    assert_eq!(introspect(&app, "dashboard", &token).await, inactive, "given back");
    let token = app.token("dashboard");
    assert_eq!(introspect(&app, "dashboard", &token).await["active"], true);
    app.pass(1_000);
    assert_eq!(introspect(&app, "dashboard", &token).await, inactive, "expired");
}

#[actix_web::test]
async fn introspection_needs_a_client_secret() {
    let app = TestApp::spawn();
    let form = format!("token={}", app.token("dashboard"));
    let wrong = app.post_form_with("dashboard:wrong", INTROSPECT, &form).await;
    assert_eq!((wrong.status, wrong.header("cache-control")), (401, Some("no-store")));
    assert_eq!(wrong.json()["error"], "invalid_client");
    assert!(wrong.json().get("active").is_none());
    assert_eq!(app.post_form("dashboard", INTROSPECT, "").await.status, 400);
}
