//! `DELETE /cache`: purges what is cached of a tenant, of one store or of all.

use serde_json::json;

use crate::app::TestApp;
use crate::app::requests::FLOW;

const OTHER_FLOW: &str = "/stores/S_100001/flow";

async fn is_cached(app: &TestApp, client: &str, path: &str) -> bool {
    let answer = app.get_as(client, path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("cache-status").unwrap().contains("hit")
}

#[actix_web::test]
async fn the_responses_about_one_store_are_purged_and_no_others() {
    let app = TestApp::spawn();
    for path in [FLOW, OTHER_FLOW, "/stores/S_123456/demographics", "/stores"] {
        assert!(!is_cached(&app, "operator", path).await);
    }
    let dropped = app.request("operator", "DELETE", "/cache?store_id=123456", &[]).await;
    assert_eq!((dropped.status, dropped.json()), (200, json!({"dropped": 2})));
    assert!(!is_cached(&app, "operator", FLOW).await);
    assert!(!is_cached(&app, "operator", "/stores/S_123456/demographics").await);
    assert!(is_cached(&app, "operator", OTHER_FLOW).await && is_cached(&app, "operator", "/stores").await);
}

#[actix_web::test]
async fn a_purge_without_a_store_drops_the_whole_tenant_and_nothing_of_another() {
    let app = TestApp::spawn();
    for (client, path) in [("operator", FLOW), ("operator", "/stores"), ("zenith", "/stores")] {
        assert!(!is_cached(&app, client, path).await);
    }
    assert_eq!(app.request("operator", "DELETE", "/cache", &[]).await.json(), json!({"dropped": 2}));
    assert!(is_cached(&app, "zenith", "/stores").await);
    assert!(!is_cached(&app, "operator", FLOW).await && !is_cached(&app, "operator", "/stores").await);
}

#[actix_web::test]
async fn without_the_scope_nothing_is_purged() {
    let app = TestApp::spawn();
    assert!(!is_cached(&app, "dashboard", FLOW).await);
    let refused = app.request("dashboard", "DELETE", "/cache", &[]).await;
    assert_eq!((refused.status, refused.problem().as_str()), (403, "insufficient-scope"));
    assert!(is_cached(&app, "dashboard", FLOW).await);
}

#[actix_web::test]
async fn a_token_that_is_limited_to_stores_drops_those_only() {
    let app = TestApp::spawn();
    for path in [FLOW, OTHER_FLOW] {
        assert!(!is_cached(&app, "operator", path).await);
    }
    for path in ["/cache", "/cache?store_id=S_100001"] {
        let refused = app.request("franchisee", "DELETE", path, &[]).await;
        assert_eq!((refused.status, refused.problem().as_str()), (403, "store-not-granted"), "{path}");
    }
    let dropped = app.request("franchisee", "DELETE", "/cache?store_id=S_123456", &[]).await;
    assert_eq!(dropped.json(), json!({"dropped": 1}));
    assert!(is_cached(&app, "operator", OTHER_FLOW).await);
}
