//! The cache, as a caller sees it, with a clock that the test moves.

use std::collections::BTreeSet;
use std::io::Read;

use futures_util::future::join_all;
use storegate::sandbox::Fault;

use crate::app::answer::Answer;
use crate::app::requests::{FLOW, NO_CACHE, TOTAL_DATA};
use crate::app::{Setup, TestApp, documented};

const DISTRIBUTION: &str = "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution";

fn cache_status(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("cache-status").unwrap()
}

fn age(answer: &Answer) -> &str {
    answer.header("age").unwrap()
}

#[actix_web::test]
async fn the_first_reader_misses_and_the_next_ones_hit_with_an_age() {
    let app = TestApp::spawn();
    let miss = app.get(FLOW).await;
    assert_eq!((cache_status(&miss), age(&miss)), ("storegate; fwd=miss; stored; ttl=30", "0"));
    assert_eq!(miss.header("cache-control"), Some("private, max-age=30"));
    app.pass(9);
    let hit = app.get(FLOW).await;
    assert_eq!((cache_status(&hit), age(&hit)), ("storegate; hit; ttl=21", "9"));
    assert_eq!((&hit.body, hit.header("etag")), (&miss.body, miss.header("etag")));
    assert_eq!(hit.header("vary"), Some("Authorization, X-API-Key, Accept-Encoding"));
    assert_eq!(app.sandbox().calls(), 1);
}

#[actix_web::test]
async fn a_matching_etag_is_304_without_a_body() {
    let app = TestApp::spawn();
    let first = app.get(FLOW).await;
    let etag = first.header("etag").unwrap();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag} is strong");
    for known in [etag.to_owned(), format!("\"other\", {etag}"), format!("W/{etag}"), "*".to_owned()] {
        let answer = app.get_with(FLOW, &[("if-none-match", &known)]).await;
        assert_eq!((answer.status, answer.body.len(), answer.header("etag")), (304, 0, Some(etag)), "{known}");
        assert_eq!(answer.header("cache-control"), Some("private, max-age=30"));
        assert!(answer.header("vary").is_some() && answer.header("content-type").is_none());
    }
    assert_eq!(app.get_with(FLOW, &[("if-none-match", "\"other\"")]).await.status, 200);
}

#[actix_web::test]
async fn a_changed_body_has_another_etag() {
    let app = TestApp::spawn();
    let before = app.get(FLOW).await;
    app.pass(3 * 3600);
    let known = [("if-none-match", before.header("etag").unwrap())];
    let after = app.get_with(FLOW, &known).await;
    assert_eq!(after.status, 200);
    assert_ne!(after.header("etag"), before.header("etag"));
}

#[actix_web::test]
async fn a_long_body_comes_in_the_encoding_that_the_client_accepts() {
    let app = TestApp::spawn();
    let plain = app.get("/stores?page_size=100").await;
    assert_eq!(plain.header("content-encoding"), None);
    let gzip = app.get_with("/stores?page_size=100", &[("accept-encoding", "deflate, gzip")]).await;
    let mut decoded = Vec::new();
    flate2::read::GzDecoder::new(gzip.body.as_ref()).read_to_end(&mut decoded).unwrap();
    assert_eq!((gzip.header("content-encoding"), &decoded[..]), (Some("gzip"), &plain.body[..]));
    let brotli = app.get_with("/stores?page_size=100", &[("accept-encoding", "gzip, br")]).await;
    let mut decoded = Vec::new();
    brotli::Decompressor::new(brotli.body.as_ref(), 4096).read_to_end(&mut decoded).unwrap();
    assert_eq!((brotli.header("content-encoding"), &decoded[..]), (Some("br"), &plain.body[..]));
    let refused = app.get_with("/stores?page_size=100", &[("accept-encoding", "br;q=0, gzip;q=0")]).await;
    assert_eq!(refused.header("content-encoding"), None);
    let tags: BTreeSet<_> = [&plain, &gzip, &brotli].map(|answer| answer.header("etag")).into_iter().collect();
    assert_eq!(tags.len(), 3, "a strong tag names the bytes");
    assert_eq!(app.sandbox().calls(), 1);
}

#[actix_web::test]
async fn a_combined_response_has_one_etag_per_encoding_while_its_parts_stay() {
    let app = TestApp::spawn();
    let stores: Vec<String> = (100_001..=100_060).map(|id| format!("store_id=S_{id}")).collect();
    let path = format!("/flow?{}", stores.join("&"));
    let ask = async |method: &str, encoding: &str, known: &str| {
        let headers = [("accept-encoding", encoding), ("if-none-match", known)];
        app.request("dashboard", method, &path, &headers).await
    };
    let plain = ask("GET", "identity", "").await;
    assert!(plain.body.len() > 32 << 10, "{}", plain.body.len());
    let mut tags = BTreeSet::new();
    for (encoding, expected) in [("identity", None), ("", None), ("gzip", Some("gzip")), ("br, gzip", Some("br"))] {
        let answer = ask("GET", encoding, "").await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, expected), "{encoding}");
        assert_eq!(answer.header("vary"), Some("Authorization, X-API-Key, Accept-Encoding"));
        assert_eq!(decoded(&answer), plain.body, "{encoding}");
        let tag = answer.header("etag").unwrap().to_owned();
        let known = ask("GET", encoding, &tag).await;
        assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some(tag.as_str())), "{encoding}");
        assert_eq!(known.header("vary"), Some("Authorization, X-API-Key, Accept-Encoding"));
        let head = ask("HEAD", encoding, "").await;
        assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, Some(tag.as_str())), "{encoding}");
        let length = answer.body.len().to_string();
        assert_eq!((head.header("content-length"), head.header("content-encoding")), (Some(length.as_str()), expected));
        tags.insert(tag);
    }
    assert_eq!(tags.len(), 3);
    // Another order is another answer, and so are later figures.
    let turned = app.get(&format!("/flow?{}", stores.iter().rev().cloned().collect::<Vec<_>>().join("&"))).await;
    assert!(!tags.contains(turned.header("etag").unwrap()));
    app.pass(3600);
    assert!(!tags.contains(app.get(&path).await.header("etag").unwrap()));
}

fn decoded(answer: &Answer) -> Vec<u8> {
    let mut decoded = Vec::new();
    match answer.header("content-encoding") {
        None => decoded.extend_from_slice(&answer.body),
        Some("gzip") => drop(flate2::read::GzDecoder::new(answer.body.as_ref()).read_to_end(&mut decoded).unwrap()),
        Some(_) => drop(brotli::Decompressor::new(answer.body.as_ref(), 4096).read_to_end(&mut decoded).unwrap()),
    }
    decoded
}

#[actix_web::test]
async fn a_client_that_refuses_identity_gets_even_short_bodies_encoded() {
    let app = TestApp::spawn();
    for path in ["/stores/SHOP001", "/stores?page_size=100"] {
        let plain = app.get(path).await;
        // Twice: the second one is answered ahead of the handlers, or would be if it could.
        for _ in 0..2 {
            let answer = app.get_with(path, &[("accept-encoding", "gzip, identity;q=0")]).await;
            assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("gzip")), "{path}");
            assert_eq!(decoded(&answer), plain.body);
        }
        let liked_less = app.get_with(path, &[("accept-encoding", "br;q=0.2, identity;q=0.8")]).await;
        assert_eq!(liked_less.header("content-encoding"), None, "{path}");
    }
}

#[actix_web::test]
async fn two_hundred_requests_for_one_cold_key_make_one_gateway_call() {
    let app = TestApp::with(Setup::unhurried);
    let answers = join_all((0..200).map(|_| app.get(FLOW))).await;
    assert_eq!(app.sandbox().calls_of(TOTAL_DATA), 1);
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    let led = answers.iter().filter(|answer| cache_status(answer).contains("stored")).count();
    assert_eq!(led, 1);
    let others = answers.iter().map(cache_status).filter(|status| !status.contains("stored"));
    assert!(others.into_iter().all(|status| status.contains("collapsed") || status.contains("hit")));
}

#[actix_web::test]
async fn a_stale_response_is_served_while_one_refresh_runs() {
    let app = TestApp::spawn();
    let first = app.get(FLOW).await;
    app.pass(31);
    let stale = app.get(FLOW).await;
    assert_eq!(cache_status(&stale), "storegate; hit; ttl=-1; detail=stale-while-revalidate");
    assert_eq!((age(&stale), &stale.body), ("31", &first.body));
    let refreshed = async {
        loop {
            let answer = app.get(FLOW).await;
            if age(&answer) == "0" {
                return answer;
            }
        }
    };
    let refreshed = tokio::time::timeout(std::time::Duration::from_secs(10), refreshed).await.unwrap();
    assert_eq!(cache_status(&refreshed), "storegate; hit; ttl=30");
    assert_ne!(refreshed.json()["observed_at"], first.json()["observed_at"]);
    assert_eq!(app.sandbox().calls_of(TOTAL_DATA), 2);
}

#[actix_web::test]
async fn a_failing_gateway_is_bridged_by_a_stale_response_until_it_is_too_old() {
    let app = TestApp::spawn();
    app.get(FLOW).await;
    app.sandbox().fail_next(Fault::code("-500"), 1000);
    app.pass(120);
    let stale = app.get(FLOW).await;
    assert_eq!(cache_status(&stale), "storegate; fwd=stale; ttl=-90; detail=stale-if-error");
    assert_eq!(age(&stale), "120");
    app.pass(3600);
    assert_eq!(app.get(FLOW).await.status, 502);
    app.sandbox().clear_faults();
    app.pass(1);
    assert_eq!(age(&app.get(FLOW).await), "0");
}

#[actix_web::test]
async fn a_refused_key_is_bridged_by_a_stale_response_and_a_deleted_store_is_not() {
    let app = TestApp::spawn();
    assert_eq!(app.get("/stores/SHOP001").await.status, 200);
    app.pass(5 * 3600);
    app.sandbox().fail_next_of("shop.get", Fault::code("e000002"), 1);
    assert!(cache_status(&app.get("/stores/SHOP001").await).ends_with("detail=stale-if-error"));
    app.pass(61);
    app.sandbox().fail_next_of("shop.get", Fault::code("404"), 2);
    assert!(cache_status(&app.get("/stores/SHOP001").await).ends_with("detail=stale-if-error"), "it may be a mistake");
    app.pass(1);
    assert_eq!(app.get("/stores/SHOP001").await.status, 404);
}

#[actix_web::test]
async fn a_stale_response_does_not_wait_for_a_gateway_that_hangs() {
    let app = TestApp::with(|setup| setup.set("CACHE__SLOW_AFTER", "20ms"));
    app.get(FLOW).await;
    app.pass(120);
    app.sandbox().fail_next(Fault::Hang, 1);
    let stale = app.get(FLOW).await;
    assert!(cache_status(&stale).ends_with("detail=stale-if-error"));
}

#[actix_web::test]
async fn a_finished_period_is_cached_for_hours_and_today_for_a_minute() {
    let app = TestApp::spawn();
    let (ended, today) =
        ("/stores/S_123456/demographics?from=2026-11-01&to=2026-11-07", "/stores/S_123456/demographics");
    assert_eq!(app.get(ended).await.header("cache-control"), Some("private, max-age=21600"));
    assert_eq!(app.get(today).await.header("cache-control"), Some("private, max-age=60"));
    app.pass(5 * 3600);
    assert_eq!(cache_status(&app.get(ended).await), "storegate; hit; ttl=3600");
    assert_eq!(cache_status(&app.get(today).await), "storegate; fwd=stale; stored; ttl=60");
    assert_eq!(app.sandbox().calls_of(DISTRIBUTION), 3);
}

#[actix_web::test]
async fn freshness_follows_the_configuration() {
    let app = TestApp::with(|setup| setup.set("CACHE__FLOW__FRESH", "7m"));
    assert_eq!(app.get(FLOW).await.header("cache-control"), Some("private, max-age=420"));
}

#[actix_web::test]
async fn failures_are_not_cached() {
    for fault in [Fault::code("-500"), Fault::Empty, Fault::Html, Fault::Truncate, Fault::HttpStatus(500)] {
        let app = TestApp::spawn();
        app.sandbox().fail_next(fault.clone(), 2);
        let failed = app.get(FLOW).await;
        assert_eq!((failed.status, failed.header("etag"), failed.header("age")), (502, None, None), "{fault:?}");
        // Not every one of them is asked for twice.
        app.sandbox().clear_faults();
        app.pass(1);
        assert_eq!(cache_status(&app.get(FLOW).await), "storegate; fwd=miss; stored; ttl=30", "{fault:?}");
    }
}

#[actix_web::test]
async fn a_missing_store_is_cached_for_half_a_minute() {
    let app = TestApp::with(documented);
    for _ in 0..3 {
        assert_eq!(app.get("/stores/NOSUCH").await.status, 404);
    }
    assert_eq!(app.sandbox().calls(), 1);
    app.pass(30);
    assert_eq!(app.get("/stores/NOSUCH").await.status, 404);
    assert_eq!(app.sandbox().calls(), 2);
}

#[actix_web::test]
async fn a_developer_account_is_never_cached() {
    let app = TestApp::spawn();
    for _ in 0..2 {
        let answer = app.get("/organizations/2/developer-account").await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
        assert!(answer.header("etag").is_none() && answer.header("cache-status").is_none());
    }
    assert_eq!(app.sandbox().calls_of("open.gateway.authentication"), 2);
}

#[actix_web::test]
async fn no_cache_reaches_the_gateway_only_with_its_scope_and_refreshes_for_everybody() {
    let app = TestApp::spawn();
    app.get(FLOW).await;
    app.pass(10);
    assert_eq!(cache_status(&app.get_with(FLOW, NO_CACHE).await), "storegate; hit; ttl=20");
    let bypass = app.request("operator", "GET", FLOW, NO_CACHE).await;
    assert_eq!((cache_status(&bypass), age(&bypass)), ("storegate; fwd=request; stored; ttl=30", "0"));
    assert_eq!(cache_status(&app.get(FLOW).await), "storegate; hit; ttl=30");
    assert_eq!(app.sandbox().calls_of(TOTAL_DATA), 2);
}

#[actix_web::test]
async fn tenants_never_share_a_response() {
    let app = TestApp::spawn();
    for client in ["dashboard", "zenith", "dashboard", "zenith"] {
        assert_eq!(app.get_as(client, "/stores/SHOP001").await.status, 200);
    }
    assert_eq!(app.sandbox().calls_of("shop.get"), 2, "the same question, once for each tenant");
    assert_eq!(app.get(FLOW).await.status, 200);
    assert_eq!(app.get_as("zenith", FLOW).await.status, 404, "what acme has in the cache");
}
