//! Tokens that end before their time: given back by their client, or listed by an operator.

use crate::app::TestApp;
use crate::app::requests::FLOW;

const REVOKE: &str = "/oauth/revoke";

#[actix_web::test]
async fn a_token_that_its_client_revoked_ends_at_once_and_no_other_does() {
    let app = TestApp::spawn();
    let (token, another) = (app.token("dashboard"), app.token("dashboard"));
    assert_eq!(app.get_with_token(&token, FLOW).await.status, 200);
    let form = format!("token={token}&token_type_hint=refresh_token");
    let answer = app.post_form("dashboard", REVOKE, &form).await;
    assert_eq!((answer.status, answer.body.len(), answer.header("cache-control")), (200, 0, Some("no-store")));
    // Both workers refuse it: connections are dealt out in turn.
    for _ in 0..8 {
        let refused = app.get_with_token(&token, FLOW).await;
        assert_eq!((refused.status, refused.problem().as_str()), (401, "invalid-token"));
        assert!(refused.header("www-authenticate").unwrap().contains("The token has been revoked"));
    }
    assert_eq!(app.get_with_token(&another, FLOW).await.status, 200);
    assert_eq!(app.post_form("dashboard", REVOKE, &form).await.status, 200, "it is of no use, as asked");
}

#[actix_web::test]
async fn the_token_of_another_client_or_tenant_stays_valid_and_the_response_does_not_show_it() {
    let app = TestApp::spawn();
    let token = app.token("dashboard");
    for client in ["operator", "zenith"] {
        let answer = app.post_form(client, REVOKE, &format!("token={token}")).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{client}");
    }
    for nonsense in ["x", "a.b.c", &"x".repeat(9_000)] {
        let answer = app.post_form("dashboard", REVOKE, &format!("token={nonsense}")).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0));
    }
    assert_eq!(app.get_with_token(&token, FLOW).await.status, 200);
}

#[actix_web::test]
async fn only_a_client_with_its_secret_can_revoke_a_token() {
    let app = TestApp::spawn();
    let token = app.token("dashboard");
    let form = format!("token={token}");
    let wrong = app.post_form_with("dashboard:wrong", REVOKE, &form).await;
    assert_eq!((wrong.status, wrong.json()["error"].as_str()), (401, Some("invalid_client")));
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let bare = app.send("POST", REVOKE, &headers, &form).await;
    assert_eq!((bare.status, bare.header("cache-control")), (401, Some("no-store")));
    let bearer = format!("Bearer {token}");
    let bearer = app.send("POST", REVOKE, &[headers[0], ("authorization", &bearer)], &form).await;
    assert_eq!(bearer.status, 401);
    assert_eq!(app.get_with_token(&token, FLOW).await.status, 200);
    let without = app.post_form("dashboard", REVOKE, "token=").await;
    assert_eq!((without.status, without.json()["error"].as_str()), (400, Some("invalid_request")));
    let twice = app.post_form("dashboard", REVOKE, &format!("{form}&{form}")).await;
    assert_eq!((twice.status, twice.json()["error"].as_str()), (400, Some("invalid_request")));
}
