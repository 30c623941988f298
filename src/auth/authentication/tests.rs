//! Tests of when refused secrets are answered, and in which order secrets are checked. The runtime's clock is paused
//! and advances by itself when all tasks wait; hashing takes none of its time.

use super::{REFUSAL_PERIOD, authenticate};
use crate::auth::Auth;
use crate::auth::clients::Client;
use crate::auth::failed_logins::LoginAttempt;
use crate::auth::fixtures::{self, CHOSEN_SECRET, MADE_SECRET};
use crate::auth::oauth_form::ClientCredentials;
use crate::auth::rate::Rate;
use crate::clock::Deadline;
use crate::fair_queue::Principal;
use actix_web::test::TestRequest;
use futures_util::future::{join, join_all};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(3_600);

/// A client with a made secret, one with a chosen secret, and an unknown one.
const IDS: [&str; 3] = ["dashboard", "ada:lovelace", "nobody"];

fn address(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, number))
}

/// Returns the status for these credentials from this address, 200 for valid ones.
async fn status(auth: &Auth, from: u8, id: &str, secret: &str) -> u16 {
    let request = TestRequest::default().peer_addr(SocketAddr::new(address(from), 1)).to_http_request();
    let outcome = authenticate(auth, &request, &ClientCredentials::new(id, secret)).await;
    outcome.map_or_else(|refusal| refusal.status(), |_| 200)
}

/// Returns the status and the time until it, in steps of two milliseconds: a timer may be one late.
async fn timed(auth: &Auth, id: &str, secret: &str) -> (u16, Duration) {
    let end = Deadline::after(LONG);
    let status = status(auth, 1, id, secret).await;
    let milliseconds = u64::try_from((LONG - end.left()).as_millis()).unwrap();
    (status, Duration::from_millis(milliseconds / 2 * 2))
}

#[actix_web::test]
async fn an_unknown_client_and_a_wrong_secret_of_either_kind_are_refused_at_the_same_time() {
    tokio::time::pause();
    for id in IDS {
        let (auth, _) = fixtures::auth();
        assert_eq!(timed(&auth, id, "wrong").await, (401, REFUSAL_PERIOD), "{id}");
    }
}

#[actix_web::test]
async fn a_refusal_that_waited_longer_than_a_period_is_answered_at_the_end_of_another() {
    tokio::time::pause();
    for id in IDS {
        let (auth, _) = fixtures::auth();
        let (others, checks) = (Principal::of(&["others"]), &auth.memory.slow_checks);
        let permits = [checks.enter(&others).await.unwrap(), checks.enter(&others).await.unwrap()];
        let busy = async {
            tokio::time::sleep(REFUSAL_PERIOD + Duration::from_millis(1)).await;
            drop(permits);
        };
        let (refused, ()) = join(timed(&auth, id, "wrong"), busy).await;
        assert_eq!(refused, (401, 2 * REFUSAL_PERIOD), "{id}");
    }
}

#[actix_web::test]
async fn of_many_guesses_at_once_as_many_are_checked_whichever_id_they_are_about() {
    tokio::time::pause();
    for id in IDS {
        let (auth, _) = fixtures::auth();
        let answers = join_all((0..200).map(|_| timed(&auth, id, "wrong"))).await;
        let count = |status, time| answers.iter().filter(|answer| **answer == (status, time)).count();
        let (checked, limited) = (count(401, REFUSAL_PERIOD), count(429, REFUSAL_PERIOD));
        assert!((10..=11).contains(&checked) && checked + limited == 130, "{id}: {answers:?}");
        assert_eq!(count(503, Duration::ZERO), 70, "{id}: two are checked, and 128 wait");
    }
}

#[actix_web::test]
async fn right_secrets_and_addresses_that_were_wrong_too_often_are_answered_at_once() {
    tokio::time::pause();
    let (auth, _) = fixtures::auth();
    for (id, secret) in [("dashboard", MADE_SECRET), ("ada:lovelace", CHOSEN_SECRET), ("ada:lovelace", CHOSEN_SECRET)] {
        assert_eq!(timed(&auth, id, secret).await, (200, Duration::ZERO), "{id}");
    }
    join_all((0..10).map(|_| timed(&auth, "nobody", "wrong"))).await;
    for id in IDS {
        assert_eq!(timed(&auth, id, "wrong").await, (429, Duration::ZERO), "{id}");
    }
}

#[actix_web::test]
async fn a_caller_who_does_not_wait_for_the_refusal_is_counted_all_the_same() {
    tokio::time::pause();
    let (auth, _) = fixtures::auth();
    for _ in 0..10 {
        let left = tokio::time::timeout(REFUSAL_PERIOD / 2, status(&auth, 1, "nobody", "wrong")).await;
        assert!(left.is_err());
    }
    assert_eq!(status(&auth, 1, "dashboard", MADE_SECRET).await, 429);
}

/// Adds another client with a chosen secret.
fn two_people() -> Auth {
    let mut settings = fixtures::settings();
    let ada = settings.clients.iter().find(|client| client.id == "ada:lovelace").unwrap();
    let other = Client { id: "grace".to_owned(), ..ada.clone() };
    settings.clients.push(other);
    Auth::new(settings, fixtures::clock().0).unwrap()
}

#[actix_web::test]
async fn guesses_at_one_client_from_many_addresses_delay_no_other_client_of_its_tenant() {
    tokio::time::pause();
    let auth = two_people();
    let (others, checks) = (Principal::of(&["others"]), &auth.memory.slow_checks);
    // With one permit left, secrets are checked one after another, and the time of a check changes nothing.
    let _permit = checks.enter(&others).await.unwrap();
    let permit = checks.enter(&others).await.unwrap();
    let guesses = join_all((1..=60).map(|number| status(&auth, number, "ada:lovelace", "wrong")));
    let right = async {
        let status = status(&auth, 200, "grace", CHOSEN_SECRET).await;
        let once = Rate::new(1, LONG);
        let is_counted = |number: &u8| {
            let attempt = LoginAttempt { peer: address(*number), client_id: "nobody" };
            auth.memory.failed_logins.check(attempt, once, auth.clock.elapsed()).is_err()
        };
        (status, (1..=60).filter(is_counted).count())
    };
    let begin = async { drop(permit) };
    let (refused, ((status, refused_before), ())) = join(guesses, join(right, begin)).await;
    assert_eq!(status, 200);
    assert!(refused_before <= 5, "{refused_before} of 60 guesses were checked before");
    assert!(refused.iter().all(|status| [401, 429].contains(status)), "{refused:?}");
}
