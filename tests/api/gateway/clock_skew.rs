//! A gateway that goes by another time than the service, and one that tells strange times.

use std::time::Duration;

use futures_util::future::{join, join_all};
use jiff::ToSpan;
use storegate::sandbox::{AcceptedTimestamp, Fault};

use crate::app::requests::{NO_CACHE, TOTAL_DATA};
use crate::app::waiting::eventually;
use crate::app::{NOW, Setup, TestApp, documented};
use crate::peers::independent_gateway::IndependentGateway;
use crate::peers::independent_gateway::{app_before, gateway};

/// What the service thinks of acme's gateways: OPRetail's clock and the OMS's.
async fn offsets(app: &TestApp) -> [f64; 2] {
    let ready = app.get("/readyz").await.json();
    [0, 1].map(|gateway: usize| ready["gateways"][gateway]["clock_offset_seconds"].as_f64().unwrap())
}

async fn read(app: &TestApp, path: &str, times: usize) {
    for _ in 0..times {
        let answer = app.request("operator", "GET", path, NO_CACHE).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// Timestamps alone have to make the signatures differ.
fn without_nonce(setup: &mut Setup) {
    setup.set("TENANTS__ACME__OPRETAIL__NONCE", "false");
    setup.set("TENANTS__ACME__OMS__NONCE", "false");
}

#[actix_web::test]
async fn without_a_nonce_a_clock_that_is_off_is_corrected_all_the_same() {
    for hours in [-2, 2] {
        let app = TestApp::with(|setup| {
            documented(setup);
            without_nonce(setup);
            setup.proxy_time = NOW.checked_add(hours.hours()).unwrap();
        });
        for path in ["/stores/S_123456/flow", "/stores/SHOP001"] {
            let before = app.sandbox().calls();
            read(&app, path, 5).await;
            assert_eq!(app.sandbox().calls() - before, 6, "{hours} {path}");
        }
        // Our clock is mended, and the seconds that it had used lie hours away.
        app.proxy_time.set_wall(NOW);
        for path in ["/stores/S_123456/flow", "/stores/SHOP001"] {
            let before = app.sandbox().calls();
            read(&app, path, 3).await;
            assert_eq!(app.sandbox().calls() - before, 4, "one more, and no repeat: {hours} {path}");
        }
        assert_eq!(offsets(&app).await, [0.0; 2]);
    }
}

#[actix_web::test]
async fn a_clock_offset_is_learned_from_refused_calls_too() {
    let app = TestApp::with(|setup| {
        documented(setup);
        setup.proxy_time = NOW.checked_add(2.hours()).unwrap();
    });
    for number in 0..20 {
        assert_eq!(app.get(&format!("/stores/NOSUCH{number}")).await.status, 404);
    }
    assert_eq!(app.sandbox().calls(), 21);
    let app = TestApp::with(|setup| {
        documented(setup);
        setup.sandbox.oms_timestamp_form = Some(AcceptedTimestamp::Compact);
    });
    for number in 0..20 {
        assert_eq!(app.get(&format!("/stores/NOSUCH{number}")).await.status, 404);
    }
    assert_eq!(app.sandbox().calls(), 21);
}

#[actix_web::test]
async fn a_clock_two_hours_off_is_right_after_two_calls_and_one_each_from_then_on() {
    for hours in [-2, 2] {
        let app = TestApp::with(|setup| {
            documented(setup);
            setup.proxy_time = NOW.checked_add(hours.hours()).unwrap();
        });
        for (path, method) in [("/stores/S_123456/flow", TOTAL_DATA), ("/stores/SHOP001", "shop.get")] {
            assert_eq!(app.request("operator", "GET", path, NO_CACHE).await.status, 200, "{hours} {path}");
            assert_eq!(app.sandbox().calls_of(method), 2, "{hours} {path}");
            for _ in 0..3 {
                assert_eq!(app.request("operator", "GET", path, NO_CACHE).await.status, 200);
            }
            assert_eq!(app.sandbox().calls_of(method), 5, "{hours} {path}");
        }
        let ready = app.get("/readyz").await.json();
        assert_eq!(ready["gateways"][0]["clock_offset_seconds"], -3600.0 * f64::from(hours));
    }
}

#[actix_web::test]
async fn many_callers_at_once_do_not_see_that_the_clock_is_off() {
    let app = TestApp::with(|setup| {
        documented(setup);
        setup.proxy_time = NOW.checked_add(2.hours()).unwrap();
    });
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
    let answer = app.request("operator", "GET", "/stores/S_123456/flow", NO_CACHE).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(app.sandbox().calls_of(TOTAL_DATA), 4);
}

#[actix_web::test]
async fn an_oms_that_takes_only_compact_timestamps_is_found_out_by_many_callers_at_once() {
    let app = TestApp::with(|setup| setup.sandbox.oms_timestamp_form = Some(AcceptedTimestamp::Compact));
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
async fn a_drift_within_the_window_is_learned_from_three_responses_and_unlearned_again() {
    let app = TestApp::with(|setup| {
        documented(setup);
        setup.proxy_time = NOW.checked_add(5.minutes()).unwrap();
    });
    let paths = ["/stores/S_123456/flow", "/stores/SHOP001"];
    for (round, expected) in [(0.0, -300.0), (-300.0, 0.0)] {
        for path in paths {
            read(&app, path, 2).await;
        }
        assert_eq!(offsets(&app).await, [round; 2], "two answers are not enough");
        for path in paths {
            read(&app, path, 2).await;
        }
        assert_eq!(offsets(&app).await, [expected; 2]);
        app.proxy_time.set_wall(NOW);
    }
    assert_eq!(app.sandbox().calls(), 16, "none was refused");
}

fn flow_at(gateway: &IndependentGateway, systime: i64) {
    let body = format!(r#"{{"stat":{{"code":0,"systime":{systime}}},"data":{{"DAY_FLOW":7}}}}"#);
    gateway.answer(TOTAL_DATA, &body);
}

#[actix_web::test]
async fn implausible_times_and_times_in_broken_responses_move_no_clock() {
    let gateway = gateway();
    let app = app_before(&gateway, |_| {});
    let now = NOW.as_millisecond();
    for systime in [now, 0, now / 1_000, now, now + 30 * 60_000, now, i64::MAX, -1, now + 8 * 3_600_000] {
        flow_at(&gateway, systime);
        read(&app, "/stores/S_1/flow", 1).await;
    }
    for store in 2..7 {
        let later = now + 30 * 60_000;
        gateway.answer(TOTAL_DATA, &format!(r#"{{"stat":{{"code":0,"systime":{later}}},"data":{{"DAY_FLOW":7}}"#));
        assert_eq!(app.get(&format!("/stores/S_{store}/flow")).await.status, 502);
    }
    assert_eq!(offsets(&app).await[0], 0.0);
}

#[actix_web::test]
async fn a_refusal_with_an_implausible_time_costs_one_retry_and_moves_no_clock() {
    let gateway = gateway();
    let app = app_before(&gateway, |_| {});
    for (code, store) in [(15, "/stores/S_1/flow"), (16, "/stores/S_2/flow")] {
        let hours_ago = NOW.as_millisecond() - 5 * 3_600_000;
        gateway.answer(TOTAL_DATA, &format!(r#"{{"stat":{{"code":{code},"systime":{hours_ago}}}}}"#));
        let before = gateway.received().len();
        let answer = app.get(store).await;
        assert_eq!((answer.status, answer.problem().as_str()), (502, "gateway-refused-credentials"));
        assert!(gateway.received().len() - before <= 3);
        assert_eq!(offsets(&app).await[0], 0.0);
        app.pass(2);
        flow_at(&gateway, NOW.as_millisecond());
        read(&app, store, 1).await;
    }
}

#[actix_web::test]
async fn time_that_passes_in_suspend_counts_for_cached_responses() {
    let app = TestApp::spawn();
    let fetched = app.get("/stores/S_123456/flow").await;
    assert_eq!((fetched.status, fetched.header("age")), (200, Some("0")));
    // Timers stand still meanwhile.
    app.pass(3600);
    let fetched = app.get("/stores/S_123456/flow").await;
    assert_eq!((fetched.header("age"), app.sandbox().calls_of(TOTAL_DATA)), (Some("0"), 2));
}

#[actix_web::test]
async fn a_call_during_which_the_machine_was_suspended_is_made_again() {
    let app = TestApp::with(documented);
    for (path, method) in [("/stores/S_123456/flow", TOTAL_DATA), ("/stores/SHOP001", "shop.get")] {
        let before = app.sandbox().calls();
        app.sandbox().fail_next_of(method, Fault::Delay(Duration::from_millis(500)), 1);
        let suspend = async {
            eventually("the gateway is called", async || app.sandbox().calls() > before).await;
            app.pass(3600);
        };
        let (answer, ()) = join(app.get(path), suspend).await;
        assert_eq!((answer.status, answer.header("age")), (200, Some("0")), "{path}: {}", answer.text());
        assert_eq!(app.sandbox().calls() - before, 2, "{path}");
    }
    let ready = app.get("/readyz").await;
    assert_eq!(ready.status, 200, "the gateways are not to blame: {}", ready.text());
}
