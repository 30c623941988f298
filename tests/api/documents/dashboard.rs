//! The page that the demo serves at `/`, and that no other service has. What it does is tested in a browser: `tests/browser`.

use crate::app::TestApp;
use crate::app::program::{Running, directory};

/// What a page loads from this service: the values of `src` and `href` that are files, and what its modules import.
fn loaded(text: &str) -> Vec<String> {
    let after = |mark: &str| text.split(mark).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    let lists: [Vec<String>; 3] = [after("src=\""), after("href=\""), after("from \"")];
    let files = lists.concat().into_iter().filter(|place| place.ends_with(".js") || place.ends_with(".css"));
    files
        .map(|place| format!("/dashboard/{}", place.trim_start_matches("./").trim_start_matches("dashboard/")))
        .collect()
}

#[actix_web::test]
async fn the_demo_serves_the_dashboard_and_all_that_it_loads_under_a_strict_policy() {
    let demo = Running::start(&["demo", "--listen", "127.0.0.1:0"], &directory("dashboard").join("ready.json"));
    let link = demo.told.lines().find_map(|line| line.trim().strip_prefix("dashboard")).unwrap().trim().to_owned();
    let token = demo.ready["token"].as_str().unwrap();
    assert_eq!(link, format!("{}#token={token}", demo.url("/")));
    let client = awc::Client::default();
    let mut waiting = vec!["/".to_owned()];
    let mut seen: Vec<String> = Vec::new();
    while let Some(path) = waiting.pop() {
        let mut answer = client.get(demo.url(&path)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        let policy = answer.headers().get("content-security-policy").unwrap().to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self'; style-src 'self';") && !policy.contains("unsafe"), "{policy}");
        let text = String::from_utf8(answer.body().await.unwrap().to_vec()).unwrap();
        assert!(!text.contains(token) && !text.contains("https://"), "{path} stands for itself");
        seen.push(path);
        for file in loaded(&text) {
            if !seen.contains(&file) && !waiting.contains(&file) {
                waiting.push(file);
            }
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
    assert_eq!(client.get(demo.url("/dashboard/none.js")).send().await.unwrap().status().as_u16(), 404);
    assert_eq!(demo.terminate().0, Some(0));
}

#[actix_web::test]
async fn a_service_that_is_no_demo_has_no_dashboard() {
    let app = TestApp::spawn();
    let root = app.send("GET", "/", &[], "").await;
    assert_eq!((root.status, root.header("location")), (307, Some("/docs/")));
    assert_eq!(app.send("GET", "/dashboard/dashboard.js", &[], "").await.status, 404);
}
