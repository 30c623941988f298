//! What callers see on a gateway's bad days, measured: `cargo bench --bench outages`.
//!
//! The service and the sandbox gateway run in this process on loopback ports, with the caches' and signatures' clock moved
//! by hand; sockets, timeouts and pauses are real. Each line is one promise, its bar and what was seen.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on must stop"
)]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the machine's clock")]
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[expect(dead_code, reason = "the tests' service is used in part")]
#[path = "../tests/app/mod.rs"]
mod app;

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use futures_util::{StreamExt, stream};
use jiff::ToSpan;
use storegate::sandbox::{Fault, OpRetailUser};

use crate::app::requests::{NO_CACHE, TOTAL_DATA};
use app::{NOW, Setup, TestApp};

const LOGIN: &str = "open.shopweb.security.ssoLogin";
const FOR_EVER: u32 = u32::MAX;

fn main() {
    actix_web::rt::System::new().block_on(async {
        line("what", "bar", "seen");
        line("---", "---", "---");
        retries().await;
        stale_answers().await;
        mixed_faults().await;
        clocks().await;
        repeats().await;
        logins().await;
        neighbours().await;
    });
}

fn line(what: &str, bar: &str, seen: &str) {
    println!("| {what} | {bar} | {seen} |");
}

fn flow(store: u32) -> String {
    format!("/stores/S_{}/flow", 100_001 + store)
}

/// Requests of some paths, so many at a time; how each ended and how long it took.
async fn read(app: &TestApp, paths: &[String], at_once: usize) -> Vec<(u16, Duration)> {
    let requests = stream::iter(paths).map(async |path| {
        let started = Instant::now();
        let answer = app.get(path).await;
        (answer.status, started.elapsed())
    });
    requests.buffer_unordered(at_once).collect().await
}

/// The middle, the 99th percentile and the largest, in milliseconds.
fn times(answers: &[(u16, Duration)]) -> String {
    let mut times: Vec<f64> = answers.iter().map(|(_, took)| took.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    format!("p50 {:.1} ms, p99 {:.1} ms, largest {:.1} ms", at(50), at(99), at(100))
}

/// Gateway calls for each request when every call fails.
async fn retries() {
    for (fault, name) in [
        (Fault::code("-100"), "-100 on every call"),
        (Fault::code("-500"), "-500 on every call (the breaker opens)"),
        (Fault::Mixed, "every kind of fault, on every call"),
    ] {
        let app = TestApp::with(|setup| setup.set("GATEWAY__ATTEMPT_TIMEOUT", "200ms"));
        app.sandbox().fail_next(fault, FOR_EVER);
        let paths: Vec<String> = (0..2_000).map(|store| flow(500_000 + store)).collect();
        read(&app, &paths, 16).await;
        #[expect(clippy::cast_precision_loss, reason = "a ratio is rounded")]
        let ratio = app.sandbox().calls() as f64 / 2_000.0;
        line(&format!("gateway calls for one request, {name}"), "≤ 1.22", &format!("{ratio:.3}"));
    }
}

/// How long callers wait for an older answer.
async fn stale_answers() {
    let app = TestApp::spawn();
    let paths: Vec<String> = (0..60).map(flow).collect();
    read(&app, &paths, 8).await;
    app.pass(120);
    app.sandbox().fail_next(Fault::Hang, FOR_EVER);
    let hanging = read(&app, &paths, 20).await;
    assert!(hanging.iter().all(|(status, _)| *status == 200));
    line("an older answer while the gateway hangs", "≤ 250 ms", &times(&hanging));

    let app = TestApp::spawn();
    read(&app, &paths, 8).await;
    app.pass(120);
    app.sandbox().fail_next(Fault::code("-500"), FOR_EVER);
    let unknown: Vec<String> = (0..20).map(|store| flow(500_000 + store)).collect();
    read(&app, &unknown, 1).await;
    let many: Vec<String> = paths.iter().cycle().take(6_000).cloned().collect();
    let open = read(&app, &many, 1).await;
    assert!(open.iter().all(|(status, _)| *status == 200));
    line("an older answer while the breaker is open", "≤ 5 ms", &times(&open));
}

/// A third of the calls fail in every way, and there is something in the cache.
async fn mixed_faults() {
    let app = TestApp::with(|setup| setup.set("GATEWAY__ATTEMPT_TIMEOUT", "500ms"));
    let paths: Vec<String> = (0..60).map(flow).collect();
    read(&app, &paths, 8).await;
    app.sandbox().fail_percent(Fault::Mixed, 30);
    let mut answers = Vec::new();
    for _ in 0..50 {
        app.pass(100);
        answers.extend(read(&app, &paths, 30).await);
    }
    let answered = answers.iter().filter(|(status, _)| *status == 200).count();
    #[expect(clippy::cast_precision_loss, reason = "a share is rounded")]
    let share = answered as f64 * 100.0 / answers.len() as f64;
    let seen = format!("{share:.2} % of {}; {}", answers.len(), times(&answers));
    line("reads answered while 30 % of the calls fail in every way", "≥ 99.9 %", &seen);
}

/// Calls until the first right answer of a gateway with another clock, and from then on.
async fn clocks() {
    for hours in [-2, 2] {
        let app = TestApp::with(|setup| setup.proxy_time = NOW.checked_add(hours.hours()).unwrap());
        let mut calls = Vec::new();
        for _ in 0..4 {
            let before = app.sandbox().calls();
            assert_eq!(app.request("operator", "GET", &flow(1), NO_CACHE).await.status, 200);
            calls.push(app.sandbox().calls() - before);
        }
        line(&format!("gateway calls with our clock {hours:+} h off"), "≤ 2, then 1 each", &format!("{calls:?}"));
    }
}

/// Equal requests in one second through two services, at a gateway that takes a signature once.
async fn repeats() {
    let first = TestApp::spawn();
    let m_api = first.sandbox().opretail_m_api_url();
    let second = TestApp::with(|setup| setup.set("TENANTS__ACME__OPRETAIL__M_API", m_api));
    let requests = (0..10_000).map(async |number: usize| {
        let app = [&first, &second][number % 2];
        app.request("operator", "GET", "/organizations/2/developer-account", &[]).await.status
    });
    let statuses: Vec<u16> = stream::iter(requests).buffer_unordered(64).collect().await;
    let seen = statuses.iter().filter(|status| **status != 200).count();
    let calls = first.sandbox().calls();
    let seen = format!("{seen} of 10000, {calls} calls");
    line("repeats seen by callers of two services in one second", "0", &seen);
}

/// Readers when the gateway has lost the login.
async fn logins() {
    let app = TestApp::with(|setup: &mut Setup| {
        setup.sandbox.require_login = true;
        setup.sandbox.opretail[0].users = vec![OpRetailUser { name: "user".to_owned(), password: "password".into() }];
        setup.set("TENANTS__ACME__OPRETAIL__LOGIN__USER_NAME", "user");
        setup.set("TENANTS__ACME__OPRETAIL__LOGIN__PASSWORD", "password");
    });
    let paths: Vec<String> = (0..500).map(|store| flow(store % 60)).collect();
    assert_eq!(app.get(&flow(1)).await.status, 200);
    app.pass(3_700);
    app.sandbox().forget_logins();
    let before = app.sandbox().calls_of(LOGIN);
    let answers = read(&app, &paths, 500).await;
    let errors = answers.iter().filter(|(status, _)| *status != 200).count();
    let logins = app.sandbox().calls_of(LOGIN) - before;
    line("500 readers when the login dies", "1 login, 0 errors", &format!("{logins} login, {errors} errors"));
}

/// The other gateway while one hangs.
async fn neighbours() {
    let app = TestApp::with(|setup| setup.set("GATEWAY__ATTEMPT_TIMEOUT", "3s"));
    let paths: Vec<String> = (0..2_000).map(|store| flow(500_000 + store)).collect();
    let alone = read(&app, &paths, 16).await;
    app.sandbox().fail_next_of("shop.get", Fault::Hang, FOR_EVER);
    let hanging: Vec<String> = (0..400).map(|store| format!("/stores/NOSUCH{store}")).collect();
    let hanging = join_all(hanging.iter().map(|path| app.get(path)));
    app.pass(60);
    let beside = async {
        while app.sandbox().calls_of("shop.get") < 64 {
            tokio::task::yield_now().await;
        }
        let before = app.sandbox().calls_of(TOTAL_DATA);
        let answers = read(&app, &paths, 16).await;
        assert_eq!(app.sandbox().calls_of(TOTAL_DATA) - before, 2_000, "each was a call");
        answers
    };
    let (_, beside) = join(hanging, beside).await;
    line("calls of one gateway", "", &times(&alone));
    line("the same while the other one hangs", "the same", &times(&beside));
}
