//! Bad days: a gateway that is started anew, says that a call was repeated, or goes by another time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::ToSpan;
use secrecy::ExposeSecret;
use storegate::sandbox::{AcceptedTimestamp, Fault};

use crate::test_app::{NOW, TestApp};

const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";
const NO_CACHE: &[(&str, &str)] = &[("cache-control", "no-cache")];

#[actix_web::test]
async fn a_restart_of_the_gateway_is_survived_without_an_error() {
    let mut app = TestApp::spawn();
    for round in 0..3 {
        for path in ["/stores/S_123456/flow", "/stores/SHOP001", "/inspections?page_size=1"] {
            let answer = app.ask("operator", "GET", path, NO_CACHE).await;
            assert_eq!(answer.status, 200, "{round} {path}: {}", answer.text());
        }
        app.restart_gateway();
    }
}

#[actix_web::test]
async fn a_repeat_is_signed_anew_and_not_seen_by_the_caller() {
    let app = TestApp::spawn();
    for (path, code) in [("/stores/S_123456/flow", "-100"), ("/stores/SHOP001", "e000009")] {
        app.sandbox().fail_next(Fault::code(code), 2);
        let answer = app.get(path).await;
        assert_eq!(answer.status, 200, "{code}: {}", answer.text());
    }
    assert_eq!(app.sandbox().calls(), 6);
}

#[actix_web::test]
async fn one_failure_of_any_kind_is_not_seen_by_the_caller() {
    let faults =
        [Fault::code("-500"), Fault::HttpStatus(502), Fault::Truncate, Fault::Empty, Fault::Html, Fault::Reset];
    for fault in faults {
        let app = TestApp::spawn();
        for path in ["/stores/S_123456/flow", "/stores/SHOP001"] {
            app.sandbox().fail_next(fault.clone(), 1);
            assert_eq!(app.get(path).await.status, 200, "{fault:?} {path}");
        }
    }
}

#[actix_web::test]
async fn a_clock_two_hours_off_is_right_after_two_calls_and_one_each_from_then_on() {
    for hours in [-2, 2] {
        let app = TestApp::with(|setup| setup.proxy_time = NOW.checked_add(hours.hours()).unwrap());
        for (path, method) in [("/stores/S_123456/flow", FLOW), ("/stores/SHOP001", "shop.get")] {
            assert_eq!(app.ask("operator", "GET", path, NO_CACHE).await.status, 200, "{hours} {path}");
            assert_eq!(app.sandbox().calls_of(method), 2, "{hours} {path}");
            for _ in 0..3 {
                assert_eq!(app.ask("operator", "GET", path, NO_CACHE).await.status, 200);
            }
            assert_eq!(app.sandbox().calls_of(method), 5, "{hours} {path}");
        }
        let ready = app.get("/readyz").await.json();
        assert_eq!(ready["gateways"][0]["clock_offset_seconds"], -3600.0 * f64::from(hours));
    }
}

#[actix_web::test]
async fn many_callers_at_once_do_not_see_that_the_clock_is_off() {
    let app = TestApp::with(|setup| setup.proxy_time = NOW.checked_add(2.hours()).unwrap());
    let paths: Vec<String> = (1..=20)
        .flat_map(|number| [format!("/stores/S_{}/flow", 100_000 + number), format!("/stores/SHOP{number:03}")])
        .collect();
    let answers = join_all(paths.iter().map(|path| app.get(path))).await;
    for (path, answer) in paths.iter().zip(answers) {
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    assert!(app.sandbox().calls() <= 80, "each call is repeated once at the most: {}", app.sandbox().calls());
}

#[actix_web::test]
async fn a_clock_that_is_set_right_again_is_followed() {
    let app = TestApp::with(|setup| setup.proxy_time = NOW.checked_add(2.hours()).unwrap());
    assert_eq!(app.get("/stores/S_123456/flow").await.status, 200);
    app.proxy_time.set_wall(NOW);
    let answer = app.ask("operator", "GET", "/stores/S_123456/flow", NO_CACHE).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(app.sandbox().calls_of(FLOW), 4);
}

#[actix_web::test]
async fn equal_oms_requests_of_one_second_never_repeat_a_signature() {
    let app = TestApp::with(|setup| {
        setup.set("TENANTS__ACME__OMS__NONCE", "false");
        setup.set("TENANTS__ZENITH__OMS__NONCE", "false");
    });
    let paths: Vec<String> = (1..=5).map(|number| format!("/stores/SHOP{number:03}")).collect();
    let mut asked = 0;
    for _ in 0..20 {
        let clients = ["operator", "zenith"];
        let requests = clients.into_iter().flat_map(|client| paths.iter().map(move |path| (client, path)));
        let answers = join_all(requests.map(|(client, path)| app.ask(client, "GET", path, NO_CACHE))).await;
        asked += answers.len() as u64;
        for answer in answers {
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    assert_eq!((asked, app.sandbox().calls()), (200, 200), "none had to be signed again");
}

#[actix_web::test]
async fn two_companies_with_one_oms_credential_and_no_nonce_do_not_disturb_each_other() {
    let app = TestApp::with(|setup| {
        for company in ["ACME", "ZENITH"] {
            setup.set(&format!("TENANTS__{company}__OMS__NONCE"), "false");
        }
        let acme = setup.sandbox.oms[0].clone();
        setup.set("TENANTS__ZENITH__OMS__FLAG", acme.flag.clone());
        setup.set("TENANTS__ZENITH__OMS__TOKEN", acme.token.expose_secret());
    });
    for _ in 0..10 {
        for client in ["operator", "zenith"] {
            let answer = app.ask(client, "GET", "/stores/SHOP001", NO_CACHE).await;
            assert_eq!(answer.status, 200, "{client}: {}", answer.text());
        }
    }
    assert_eq!(app.sandbox().calls(), 20, "none had to be signed again");
}

#[actix_web::test]
async fn two_services_with_one_key_do_not_let_a_repeat_be_seen() {
    let first = TestApp::spawn();
    let url = first.sandbox().oms_url();
    let second = TestApp::with(|setup| setup.set("TENANTS__ACME__OMS__URL", url));
    for _ in 0..50 {
        let both = join_all([&first, &second].map(|app| app.ask("operator", "GET", "/stores/SHOP001", NO_CACHE))).await;
        assert!(both.iter().all(|answer| answer.status == 200));
    }
    assert_eq!((first.sandbox().calls(), second.sandbox().calls()), (100, 0));
}

#[actix_web::test]
async fn an_oms_that_takes_only_compact_timestamps_is_found_out_by_many_callers_at_once() {
    let app = TestApp::with(|setup| setup.sandbox.oms_timestamp_form = AcceptedTimestamp::Compact);
    let paths: Vec<String> = (1..=40).map(|number| format!("/stores/SHOP{number:03}")).collect();
    let answers = join_all(paths.iter().map(|path| app.get(path))).await;
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let calls = app.sandbox().calls();
    assert_eq!(app.get("/stores/SHOP041").await.status, 200);
    assert_eq!(app.sandbox().calls(), calls + 1, "it is remembered");
}

#[actix_web::test]
async fn a_caller_who_leaves_neither_stops_nor_repeats_the_gateway_call() {
    let app = TestApp::with(|setup| setup.set("GATEWAY__ATTEMPT_TIMEOUT", "200ms"));
    // The first attempt hangs, so that there is time to leave; the second one answers.
    app.sandbox().fail_next(Fault::Hang, 1);
    let sandbox = Arc::clone(&app.gateway.as_ref().unwrap().sandbox);
    let arrived = async {
        while sandbox.calls() == 0 {
            tokio::task::yield_now().await;
        }
    };
    let leaving = Box::pin(app.get("/stores/S_123456/flow"));
    futures_util::future::select(leaving, Box::pin(arrived)).await;
    drop(sandbox);
    let answer = tokio::time::timeout(Duration::from_secs(10), app.get("/stores/S_123456/flow")).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(app.sandbox().calls(), 2, "one that hung, and one that answered");
}
