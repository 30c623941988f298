//! Pages of lists: no page is silently cut, and the links lead through the whole list.

use std::collections::BTreeSet;

use crate::app::TestApp;
use crate::app::answer::Answer;

/// The target of a relation in the `Link` header (RFC 8288).
fn link(answer: &Answer, relation: &str) -> Option<String> {
    let wanted = format!("rel=\"{relation}\"");
    let link = answer.header("link").unwrap().split(", ").find(|link| link.ends_with(&wanted))?;
    Some(link.split_once('<')?.1.split_once('>')?.0.to_owned())
}

/// Follows `next` from a first page to the end.
async fn follow(app: &TestApp, first: &str) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), Some(first.to_owned()));
    while let Some(path) = next {
        let answer = app.get(&path).await;
        pages.push(answer.ids());
        next = link(&answer, "next");
        assert!(pages.len() < 100, "the links go round in a circle");
    }
    pages
}

fn all_stores() -> Vec<String> {
    (1..=260).map(|number| format!("SHOP{number:03}")).collect()
}

#[actix_web::test]
async fn a_page_of_1000_is_complete_although_the_gateway_pages_by_100() {
    let app = TestApp::spawn();
    let answer = app.get("/stores?page_size=1000").await;
    assert_eq!(answer.ids(), all_stores());
    assert_eq!(app.sandbox().calls_of("shop.getList"), 3 + 2, "all but the last are looked at again");
    assert_eq!(link(&answer, "next"), None);
    let page = answer.json()["page"].clone();
    assert_eq!((page["total"].as_i64(), page["pages"].as_i64()), (Some(260), Some(1)));
}

#[actix_web::test]
async fn a_gateway_with_a_smaller_cap_than_configured_loses_no_store() {
    let app = TestApp::with(|setup| setup.sandbox.oms_page_cap = Some(60));
    assert_eq!(app.get("/stores?page_size=1000").await.ids(), all_stores());
    assert_eq!(app.get("/stores?page=2&page_size=130").await.ids(), all_stores()[130..260]);
}

#[actix_web::test]
async fn a_larger_cap_can_be_configured_and_saves_calls() {
    let app = TestApp::with(|setup| {
        setup.sandbox.oms_page_cap = Some(500);
        setup.set("TENANTS__ACME__OMS__PAGE_CAP", "500");
    });
    assert_eq!(app.get("/stores?page_size=1000").await.ids(), all_stores());
    assert_eq!(app.sandbox().calls_of("shop.getList"), 1);
}

#[actix_web::test]
async fn the_links_lead_to_every_store_exactly_once() {
    let app = TestApp::spawn();
    for size in [37, 50, 130] {
        let pages = follow(&app, &format!("/stores?page_size={size}")).await;
        assert!(pages.iter().rev().skip(1).all(|page| page.len() == size));
        assert_eq!(pages.concat(), all_stores(), "{size}");
    }
}

#[actix_web::test]
async fn the_links_keep_the_filters() {
    let app = TestApp::spawn();
    let name = "/stores?name=Spruce%20Home%20%26%20Living&page_size=1000";
    let expected = app.get(name).await.ids();
    assert!(expected.len() > 2);
    let pages = follow(&app, "/stores?page_size=2&name=Spruce%20Home%20%26%20Living").await;
    assert_eq!(pages.concat(), expected);
}

#[actix_web::test]
async fn links_have_the_filters_of_their_own_request() {
    let path = |code: &str| format!("/stores?{code}page=1&page_size=50");
    let (limited, unlimited) = (("franchisee", path("")), ("operator", path("code=SHOP001&")));
    for callers in [[&limited, &unlimited], [&unlimited, &limited]] {
        let app = TestApp::spawn();
        for (client, path) in callers {
            let answer = app.get_as(client, path).await;
            assert_eq!(answer.ids(), ["SHOP001"]);
            assert_eq!(link(&answer, "first").as_deref(), Some(path.as_str()), "{client}");
        }
    }
}

#[actix_web::test]
async fn the_first_and_the_last_page_can_be_jumped_to_and_one_beyond_the_end_is_empty() {
    let app = TestApp::spawn();
    let middle = app.get("/stores?page=3&page_size=50").await;
    for (relation, first) in [("first", 0), ("prev", 50), ("next", 150), ("last", 250)] {
        let page = app.get(&link(&middle, relation).unwrap()).await.ids();
        assert_eq!(page[0], all_stores()[first], "{relation}");
    }
    let beyond = app.get("/stores?page=9&page_size=50").await;
    assert!(beyond.ids().is_empty() && link(&beyond, "next").is_none());
    assert_eq!(link(&beyond, "prev").as_deref(), Some("/stores?page=6&page_size=50"));
}

#[actix_web::test]
async fn inspections_of_one_store_have_pages_of_their_own() {
    let app = TestApp::spawn();
    let period = "from=2026-08-25&to=2026-11-22";
    let everything = app.get(&format!("/inspections?{period}&page_size=1000")).await;
    let items = everything.json()["items"].as_array().unwrap().clone();
    assert_eq!(everything.json()["page"]["total"], items.len());
    assert!(items.len() > 200, "more than two pages of the gateway");
    let store = items[0]["store"]["id"].as_str().unwrap();
    let of_store = items.iter().filter(|item| item["store"]["id"] == store);
    let expected: Vec<String> = of_store.map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    assert!(expected.len() > 2, "{expected:?}");
    let path = format!("/inspections?{period}&store_id={store}&page_size=2");
    assert_eq!(app.get(&path).await.json()["page"]["total"], expected.len());
    assert_eq!(follow(&app, &path).await.concat(), expected);
}

#[actix_web::test]
async fn the_links_lead_to_every_inspection_exactly_once() {
    let app = TestApp::spawn();
    let path = "/inspections?from=2026-10-20&to=2026-11-20&page_size=";
    let whole = app.get(&format!("{path}1000")).await.ids();
    let paged = follow(&app, &format!("{path}13")).await.concat();
    assert_eq!(paged, whole);
    assert_eq!(paged.iter().collect::<BTreeSet<_>>().len(), paged.len());
}
