//! What browsers are told about pages: each has a policy, none can be framed, and HTTPS is asked for only where it is.

use crate::app::TestApp;

const PAGES: [&str; 6] =
    ["/docs/", "/docs/swagger-ui-bundle.js", "/problems", "/problems/invalid-token", "/openapi.json", "/openapi.yaml"];
const HTTPS_ONLY: &str = "strict-transport-security";

#[actix_web::test]
async fn every_page_is_protected() {
    let app = TestApp::spawn();
    for path in PAGES {
        let page = app.send("GET", path, &[], "").await;
        assert_eq!(page.status, 200, "{path}");
        let policy = page.header("content-security-policy").unwrap();
        let directives: Vec<&str> = policy.split("; ").collect();
        for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"] {
            assert!(directives.contains(&directive), "{path}: {directive} in {policy}");
        }
        let scripts = directives.iter().find(|directive| directive.starts_with("script-src"));
        assert!(scripts.is_none_or(|scripts| *scripts == "script-src 'self'"), "{path}: {policy}");
        let expected = [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            (HTTPS_ONLY, "max-age=31536000"),
        ];
        for (name, value) in expected {
            assert_eq!(page.header(name), Some(value), "{path}");
        }
        assert!(page.header("permissions-policy").unwrap().contains("camera=()"), "{path}");
    }
}

#[actix_web::test]
async fn hsts_is_not_sent_where_clients_use_http() {
    let app = TestApp::with(|setup| setup.set("SERVER__PUBLIC_URL", "http://127.0.0.1:8080"));
    for path in PAGES {
        assert!(app.send("GET", path, &[], "").await.header(HTTPS_ONLY).is_none(), "{path}");
    }
}

#[actix_web::test]
async fn responses_of_the_api_have_no_headers_for_pages() {
    let app = TestApp::spawn();
    for answer in [app.get("/stores").await, app.send("GET", "/stores", &[], "").await] {
        for name in ["content-security-policy", "permissions-policy", "x-frame-options", HTTPS_ONLY] {
            assert!(answer.header(name).is_none(), "{name}");
        }
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}
