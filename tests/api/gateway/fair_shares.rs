//! Tenants and clients at one gateway: whoever asks for much does not take what the others need.

use std::pin::pin;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params, PasswordHasher};
use futures_util::future::{Either, join, join_all, select};

use storegate::auth::secrets::SecretHash;
use storegate::config::Settings;
use storegate::sandbox::Fault;

use crate::app::TestApp;
use crate::app::answer::Answer;
use crate::app::requests::{GRANT, TOTAL_DATA};
use crate::app::waiting::eventually;

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
        eventually("the calls in flight are all taken", async || app.sandbox().calls_of(TOTAL_DATA) >= calls_in_flight)
            .await;
        read_all(app, other, &few).await
    };
    join(greedy, other).await
}

#[actix_web::test]
async fn a_tenant_with_many_calls_leaves_the_others_their_share() {
    let app = TestApp::with(|setup| setup.sandbox.latency = Duration::from_millis(300));
    let (greedy, other) = beside_a_greedy_one(&app, "zenith", 56).await;
    assert_eq!(good(&other), 12);
    assert!(good(&greedy) >= 56, "{}", good(&greedy));
}

#[actix_web::test]
async fn a_client_with_many_calls_leaves_the_other_clients_of_its_tenant_their_share() {
    let app = TestApp::with(|setup| {
        // One of them is left for other tenants.
        setup.set("GATEWAY__CALLS_IN_FLIGHT", "5");
        setup.set("GATEWAY__QUEUE", "40");
        setup.sandbox.latency = Duration::from_millis(100);
    });
    let (_, other) = beside_a_greedy_one(&app, "counter", 4).await;
    assert_eq!(good(&other), 12);
}

#[actix_web::test]
async fn a_tenant_alone_at_a_gateway_may_use_all_of_it_and_leaves_an_eighth_where_there_are_others() {
    for (is_alone, expected) in [(true, 8), (false, 7)] {
        let app = TestApp::with(|setup| {
            setup.set("GATEWAY__CALLS_IN_FLIGHT", "8");
            setup.set("GATEWAY__QUEUE", "0");
            setup.sandbox.latency = Duration::from_millis(300);
            if is_alone {
                setup.set("TENANTS__ZENITH__OPRETAIL__M_API", "http://127.0.0.1:9/m.api");
            }
        });
        assert_eq!(good(&read_all(&app, "dashboard", &flows(200_000, 40)).await), expected, "{is_alone}");
    }
}

#[actix_web::test]
async fn hanging_calls_of_one_tenant_delay_no_other_tenant() {
    for calls_in_flight in [8, 64] {
        let app = TestApp::with(|setup| {
            setup.set("GATEWAY__CALLS_IN_FLIGHT", calls_in_flight.to_string());
            // Nothing is given back while the test goes on, so that who has to wait is refused.
            setup.set("GATEWAY__ATTEMPT_TIMEOUT", "20s");
            setup.set("GATEWAY__QUEUE_WAIT", "100ms");
        });
        let hanging = calls_in_flight - calls_in_flight / 8;
        app.sandbox().fail_next_of(TOTAL_DATA, Fault::Hang, hanging);
        let many = flows(200_000, 100);
        let greedy = read_all(&app, "dashboard", &many);
        let other = async {
            eventually("the calls hang", async || app.sandbox().calls_of(TOTAL_DATA) >= u64::from(hanging)).await;
            let mut answers = Vec::new();
            for path in flows(300_000, 20) {
                answers.push(app.get_as("zenith", &path).await);
            }
            answers
        };
        let other = match select(pin!(greedy), pin!(other)).await {
            Either::Left(_) => panic!("calls that hang were answered"),
            Either::Right((other, _)) => other,
        };
        assert_eq!(good(&other), 20, "{calls_in_flight}");
    }
}

#[actix_web::test]
async fn background_refreshes_do_not_delay_their_own_client() {
    let app = TestApp::with(|setup| {
        setup.set("GATEWAY__CALLS_IN_FLIGHT", "2");
        setup.set("GATEWAY__QUEUE_WAIT", "10s");
    });
    let known = flows(100_001, 60);
    assert_eq!(good(&read_all(&app, "dashboard", &known).await), 60);
    app.pass(31);
    app.sandbox().fail_next_of(TOTAL_DATA, Fault::Delay(Duration::from_millis(200)), u32::MAX);
    let before = app.sandbox().calls_of(TOTAL_DATA);
    assert_eq!(good(&read_all(&app, "dashboard", &known).await), 60, "older answers, while refreshes run");
    assert_eq!(app.get("/stores/S_123456/flow").await.status, 200);
    let refreshed = app.sandbox().calls_of(TOTAL_DATA) - before;
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
        eventually("the first second is used", async || app.sandbox().calls_of(TOTAL_DATA) >= 10).await;
        read_all(&app, "zenith", &few).await
    };
    let passing = async {
        // The clock of the service stands still but for this.
        for seconds in 1..=6 {
            eventually("a second is used", async || app.sandbox().calls_of(TOTAL_DATA) >= 10 * seconds).await;
            app.pass(1);
        }
    };
    let (others, (rest, ())) = join(other, join(greedy, passing)).await;
    assert_eq!((good(&others), good(&rest)), (4, 60));
    assert_eq!(app.sandbox().calls_of(TOTAL_DATA), 64);
}

/// A hash that takes a while to check, but less than one of `storegate secret`, which takes a second in a build for tests.
fn argon2_hash(secret: &str) -> String {
    let argon2 = Argon2::from(Params::new(1_024, 1, 1, None).unwrap());
    let hash: PasswordHash = argon2.hash_password(secret.as_bytes()).unwrap();
    hash.to_string()
}

/// People of two tenants with chosen secrets.
fn with_chosen_secrets() -> TestApp {
    TestApp::with(|setup| {
        for (name, tenant) in [("acme-person", "acme"), ("zenith-person", "zenith")] {
            let hash = argon2_hash(name);
            setup.more += &format!(
                "[auth.clients.{name}]\ntenant = \"{tenant}\"\nscopes = [\"flow:read\"]\nsecret_argon2 = \"{hash}\"\n"
            );
        }
        setup.set("LIMITS__WRONG_SECRETS", "1000/1m");
    })
}

async fn tokens(app: &TestApp, credentials: &str, count: usize) -> Vec<u16> {
    let asking = (0..count).map(|_| app.post_form_with(credentials, "/oauth/token", GRANT));
    join_all(asking).await.iter().map(|answer| answer.status).collect()
}

#[actix_web::test]
async fn a_tenant_with_many_right_secrets_to_check_delays_no_other_tenants_token() {
    let app = with_chosen_secrets();
    let many = tokens(&app, "acme-person:acme-person", 60);
    let few = tokens(&app, "zenith-person:zenith-person", 10);
    let (many, few) = join(many, few).await;
    assert_eq!(few, [200; 10]);
    assert_eq!(many, [200; 60], "the first one is hashed, and the others are known then");
}

#[actix_web::test]
async fn a_tenant_with_many_wrong_secrets_to_check_delays_no_other_tenants_token() {
    let app = with_chosen_secrets();
    let wrong = tokens(&app, "acme-person:wrong", 200);
    let right = async {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.extend(tokens(&app, "zenith-person:zenith-person", 3).await);
            app.pass(61);
        }
        statuses
    };
    let (wrong, right) = join(wrong, right).await;
    assert_eq!(right, [200; 9]);
    assert!(wrong.iter().all(|status| [401, 503].contains(status)));
}

#[actix_web::test]
async fn a_secret_that_was_right_is_refused_when_the_configuration_has_another() {
    let app = with_chosen_secrets();
    assert_eq!(tokens(&app, "acme-person:acme-person", 2).await, [200; 2]);
    let other = argon2_hash("another");
    let mut settings = Settings::parse(&app.configuration, std::iter::empty()).unwrap().auth;
    let person = settings.clients.iter_mut().find(|client| client.id == "acme-person").unwrap();
    person.secret = SecretHash::from_argon2(&other.into()).unwrap();
    app.auth.renew(settings).unwrap();
    assert_eq!(tokens(&app, "acme-person:acme-person", 1).await, [401]);
    assert_eq!(tokens(&app, "acme-person:another", 1).await, [200]);
}
