//! Tenants and clients at one gateway: whoever asks for much does not take what the others need.

use std::time::Duration;

use futures_util::future::{join, join_all};

use storegate::sandbox::Fault;

use crate::answer::Answer;
use crate::test_app::TestApp;

const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";

fn flows(first: u32, count: u32) -> Vec<String> {
    (first..first + count).map(|store| format!("/stores/S_{store}/flow")).collect()
}

async fn read_all(app: &TestApp, client: &str, paths: &[String]) -> Vec<Answer> {
    join_all(paths.iter().map(|path| app.get_as(client, path))).await
}

/// How many the gateway was asked about: it knows a few of these stores only.
fn good(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| [200, 404].contains(&answer.status)).count()
}

/// Lets `dashboard` ask for far more than the gateway may be asked, and then another client for a little.
async fn beside_a_greedy_one(app: &TestApp, other: &str, calls_in_flight: u64) -> (Vec<Answer>, Vec<Answer>) {
    let (many, few) = (flows(200_000, 400), flows(300_000, 12));
    let greedy = read_all(app, "dashboard", &many);
    let other = async {
        while app.sandbox().calls_of(FLOW) < calls_in_flight {
            tokio::task::yield_now().await;
        }
        read_all(app, other, &few).await
    };
    join(greedy, other).await
}

#[actix_web::test]
async fn a_tenant_with_many_calls_leaves_the_others_their_share() {
    let app = TestApp::with(|setup| setup.sandbox.latency = Duration::from_millis(300));
    let (greedy, other) = beside_a_greedy_one(&app, "zenith", 64).await;
    assert_eq!(good(&other), 12);
    assert!(good(&greedy) >= 64, "{}", good(&greedy));
}

#[actix_web::test]
async fn a_client_with_many_calls_leaves_the_others_of_its_tenant_their_share() {
    let app = TestApp::with(|setup| {
        setup.set("GATEWAY__CALLS_IN_FLIGHT", "4");
        setup.set("GATEWAY__QUEUE", "40");
        setup.sandbox.latency = Duration::from_millis(100);
    });
    let (_, other) = beside_a_greedy_one(&app, "counter", 4).await;
    assert_eq!(good(&other), 12);
}

#[actix_web::test]
async fn a_tenant_alone_may_use_all_of_a_gateway() {
    let app = TestApp::with(|setup| {
        setup.set("GATEWAY__CALLS_IN_FLIGHT", "8");
        setup.set("GATEWAY__QUEUE", "0");
        setup.sandbox.latency = Duration::from_millis(300);
    });
    assert_eq!(good(&read_all(&app, "dashboard", &flows(200_000, 40)).await), 8);
}

#[actix_web::test]
async fn refreshes_that_nobody_waits_for_do_not_keep_their_own_client_waiting() {
    let app = TestApp::with(|setup| {
        setup.set("GATEWAY__CALLS_IN_FLIGHT", "2");
        setup.set("GATEWAY__QUEUE_WAIT", "10s");
    });
    let known = flows(100_001, 60);
    assert_eq!(good(&read_all(&app, "dashboard", &known).await), 60);
    app.pass(31);
    app.sandbox().fail_next_of(FLOW, Fault::Delay(Duration::from_millis(200)), u32::MAX);
    let before = app.sandbox().calls_of(FLOW);
    assert_eq!(good(&read_all(&app, "dashboard", &known).await), 60, "older answers, while refreshes run");
    assert_eq!(app.get("/stores/S_123456/flow").await.status, 200);
    let refreshed = app.sandbox().calls_of(FLOW) - before;
    assert!(refreshed < 20, "it did not wait for all of them: {refreshed}");
}

#[actix_web::test]
async fn the_calls_of_a_second_are_shared_out_too() {
    let app = TestApp::with(|setup| {
        setup.set("GATEWAY__CALLS_PER_SECOND", "10");
        setup.set("GATEWAY__QUEUE_WAIT", "15s");
    });
    let (many, few) = (flows(200_000, 60), flows(300_000, 4));
    let greedy = read_all(&app, "dashboard", &many);
    let other = async {
        while app.sandbox().calls_of(FLOW) < 10 {
            tokio::task::yield_now().await;
        }
        read_all(&app, "zenith", &few).await
    };
    let passing = async {
        // The clock of the service stands still but for this.
        for seconds in 1..=6 {
            while app.sandbox().calls_of(FLOW) < 10 * seconds {
                tokio::task::yield_now().await;
            }
            app.pass(1);
        }
    };
    let (others, (rest, ())) = join(other, join(greedy, passing)).await;
    assert_eq!((good(&others), good(&rest)), (4, 60));
    assert_eq!(app.sandbox().calls_of(FLOW), 64);
}
