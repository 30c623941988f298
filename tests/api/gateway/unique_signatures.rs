//! Gateways that take a signature once: no caller ever sees that something was repeated.

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use secrecy::ExposeSecret;
use storegate::sandbox::Fault;

use crate::app::requests::NO_CACHE;
use crate::app::{Setup, TestApp, documented};

/// Timestamps alone have to make the signatures differ.
fn without_nonce(setup: &mut Setup) {
    for account in ["ACME__OPRETAIL", "ACME__OMS", "ZENITH__OPRETAIL", "ZENITH__OMS"] {
        setup.set(&format!("TENANTS__{account}__NONCE"), "false");
    }
}

#[actix_web::test]
async fn ten_thousand_random_requests_see_no_repeat_with_a_nonce_or_without() {
    for (choose, requests) in [((|_| {}) as fn(&mut Setup), 5_000), (without_nonce, 5_000)] {
        let app = TestApp::with(|setup| {
            documented(setup);
            choose(setup);
        });
        let mut random = fastrand::Rng::with_seed(42);
        let questions: Vec<(String, &str, bool)> = (0..requests)
            .map(|_| {
                let client = if random.bool() { "operator" } else { "zenith" };
                let path = match random.u32(0..3) {
                    0 => format!("/stores/SHOP{:03}", random.u32(1..=260)),
                    1 => format!("/stores?page={}&page_size={}", random.u32(1..=3), random.u32(1..=20)),
                    _ => format!("/organizations/{}/flow", if client == "operator" { 1084 } else { 2168 }),
                };
                // A second passes now and then.
                (path, client, random.u32(0..40) == 0)
            })
            .collect();
        let answers = stream::iter(&questions).map(|(path, client, passes)| {
            if *passes {
                app.pass(1);
            }
            app.request(client, "GET", path, NO_CACHE)
        });
        let answers: Vec<_> = answers.buffer_unordered(64).collect().await;
        let refused: Vec<_> =
            answers.iter().filter(|answer| answer.status != 200).map(|answer| answer.text()).collect();
        assert!(refused.is_empty(), "{} of {requests}: {:?}", refused.len(), refused.first());
        let led = answers.iter().filter(|answer| answer.header("cache-status").unwrap().contains("fwd=request"));
        assert_eq!(led.count() as u64, app.sandbox().calls(), "none had to be signed again");
    }
}

#[actix_web::test]
async fn two_hundred_equal_calls_at_once_through_two_services_see_no_repeat() {
    let first = TestApp::with(Setup::unhurried);
    let oms = first.sandbox().oms_url();
    let m_api = first.sandbox().opretail_m_api_url();
    let second = TestApp::with(|setup| {
        setup.unhurried();
        setup.set("TENANTS__ACME__OMS__URL", oms);
        setup.set("TENANTS__ACME__OPRETAIL__M_API", m_api);
    });
    // Answers that are never kept are not shared either: each caller has a call.
    let requests = (0..200).map(|number| {
        let app = [&first, &second][number % 2];
        app.request("operator", "GET", "/organizations/2/developer-account", &[])
    });
    let answers = join_all(requests).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!((first.sandbox().calls(), second.sandbox().calls()), (200, 0));
}

#[actix_web::test]
async fn equal_oms_requests_of_one_second_never_repeat_a_signature() {
    let app = TestApp::with(|setup| {
        documented(setup);
        setup.set("TENANTS__ACME__OMS__NONCE", "false");
        setup.set("TENANTS__ZENITH__OMS__NONCE", "false");
    });
    let paths: Vec<String> = (1..=5).map(|number| format!("/stores/SHOP{number:03}")).collect();
    let mut asked = 0;
    for _ in 0..20 {
        let clients = ["operator", "zenith"];
        let requests = clients.into_iter().flat_map(|client| paths.iter().map(move |path| (client, path)));
        let answers = join_all(requests.map(|(client, path)| app.request(client, "GET", path, NO_CACHE))).await;
        asked += answers.len() as u64;
        for answer in answers {
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    assert_eq!((asked, app.sandbox().calls()), (200, 200), "none had to be signed again");
}

#[actix_web::test]
async fn two_tenants_with_one_oms_credential_and_no_nonce_do_not_disturb_each_other() {
    let app = TestApp::with(|setup| {
        documented(setup);
        for tenant in ["ACME", "ZENITH"] {
            setup.set(&format!("TENANTS__{tenant}__OMS__NONCE"), "false");
        }
        let acme = setup.sandbox.oms[0].clone();
        setup.set("TENANTS__ZENITH__OMS__FLAG", acme.flag.clone());
        setup.set("TENANTS__ZENITH__OMS__TOKEN", acme.token.expose_secret());
    });
    for _ in 0..10 {
        for client in ["operator", "zenith"] {
            let answer = app.request(client, "GET", "/stores/SHOP001", NO_CACHE).await;
            assert_eq!(answer.status, 200, "{client}: {}", answer.text());
        }
    }
    assert_eq!(app.sandbox().calls(), 20, "none had to be signed again");
}

#[actix_web::test]
async fn two_services_with_one_key_do_not_let_a_repeat_be_seen() {
    let first = TestApp::with(documented);
    let url = first.sandbox().oms_url();
    let second = TestApp::with(|setup| {
        documented(setup);
        setup.set("TENANTS__ACME__OMS__URL", url);
    });
    for _ in 0..50 {
        let both =
            join_all([&first, &second].map(|app| app.request("operator", "GET", "/stores/SHOP001", NO_CACHE))).await;
        assert!(both.iter().all(|answer| answer.status == 200));
    }
    assert_eq!((first.sandbox().calls(), second.sandbox().calls()), (100, 0));
}

#[actix_web::test]
async fn a_repeated_call_is_signed_again_and_hidden_from_the_client() {
    let app = TestApp::with(documented);
    for (path, code) in [("/stores/S_123456/flow", "-100"), ("/stores/SHOP001", "e000009")] {
        app.sandbox().fail_next(Fault::code(code), 2);
        let answer = app.get(path).await;
        assert_eq!(answer.status, 200, "{code}: {}", answer.text());
    }
    assert_eq!(app.sandbox().calls(), 6);
}

#[actix_web::test]
async fn two_services_without_a_nonce_that_make_the_same_call_every_minute_see_no_repeat() {
    let first = TestApp::with(without_nonce);
    let second =
        TestApp::beside(&first, &[("TENANTS__ACME__OPRETAIL__NONCE", "false"), ("TENANTS__ACME__OMS__NONCE", "false")]);
    for round in 0..100 {
        for path in ["/stores/SHOP001", "/stores/S_123456/flow"] {
            let both = join_all([&first, &second].map(|app| app.request("operator", "GET", path, NO_CACHE))).await;
            for answer in both {
                assert_eq!(answer.status, 200, "{round} {path}: {}", answer.text());
                assert!(answer.header("cache-status").unwrap().contains("fwd=request"), "{round} {path}");
            }
        }
        first.pass(61);
    }
    assert!(first.sandbox().calls() > 400, "they met, and were signed anew");
}
