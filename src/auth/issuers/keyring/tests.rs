//! Tests of when keys are fetched, with a clock that the test advances.

use super::{Keyring, LONGEST_AGE, PAUSE, SHORTEST_AGE, USUAL_AGE};
use crate::auth::fixtures::{clock, ed25519_key};
use crate::auth::verification_keys::VerificationKeys;
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn keys() -> VerificationKeys {
    VerificationKeys::new([("a".to_owned(), ed25519_key().verification)])
}

#[test]
fn nobody_waits_where_nobody_fetches() {
    assert!(Keyring::empty(Arc::default(), clock().0).begin_fetch().is_none());
}

#[actix_web::test]
async fn all_waiters_share_the_fetch_in_progress() {
    let ring = Arc::new(Keyring::empty(Arc::default(), clock().0));
    ring.serve().unwrap();
    let waiting: Vec<_> = (0..50).map(|_| ring.begin_fetch().expect("it is under way")).collect();
    assert!(ring.is_wanted() && !ring.was_read());
    ring.complete_fetch(Some((keys(), None)));
    for fetch in waiting {
        fetch.ended().await;
    }
    assert!(ring.was_read() && ring.current().get("a").is_some());
}

#[test]
fn there_is_one_fetch_in_half_a_minute_however_many_are_requested() {
    let (clock, hand) = clock();
    let ring = Keyring::empty(Arc::default(), clock);
    ring.serve().unwrap();
    ring.complete_fetch(Some((keys(), None)));
    hand.advance(PAUSE - SECOND);
    assert!((0..1000).all(|_| ring.begin_fetch().is_none()));
    hand.advance(SECOND);
    assert!(ring.begin_fetch().is_some() && ring.is_wanted());
    ring.complete_fetch(None);
    assert!(ring.begin_fetch().is_none(), "a fetch that failed counts, too");
}

#[test]
fn one_task_serves_a_keyring_however_often_a_configuration_starts_one() {
    let (clock, hand) = clock();
    let ring = Keyring::empty(Arc::default(), clock);
    assert!(ring.serve().is_some() && ring.is_wanted());
    assert!(ring.serve().is_none());
    ring.complete_fetch(Some((keys(), None)));
    hand.advance(SECOND);
    assert!(ring.serve().is_none() && !ring.is_wanted(), "the keys are still good");
    ring.abandon_fetch();
    assert!(ring.serve().is_some() && ring.is_wanted(), "the first one has died");
}

#[test]
fn keys_are_good_for_ten_minutes_or_as_long_as_the_provider_says_within_bounds() {
    let day = Duration::from_secs(86_400);
    let ages = [
        (None, USUAL_AGE),
        (Some(3 * SHORTEST_AGE), 3 * SHORTEST_AGE),
        (Some(Duration::ZERO), SHORTEST_AGE),
        (Some(day), LONGEST_AGE),
    ];
    for (stated, expected) in ages {
        let (clock, hand) = clock();
        let ring = Keyring::empty(Arc::default(), clock);
        ring.serve().unwrap();
        ring.complete_fetch(Some((keys(), stated)));
        hand.advance(expected - SECOND);
        assert!(!ring.is_wanted(), "{stated:?}");
        hand.advance(SECOND);
        assert!(ring.is_wanted(), "{stated:?}");
    }
}

#[test]
fn a_failed_fetch_takes_nothing_away_and_is_tried_again_after_the_pause() {
    let (clock, hand) = clock();
    let ring = Keyring::empty(Arc::default(), clock);
    ring.serve().unwrap();
    ring.complete_fetch(Some((keys(), None)));
    hand.advance(USUAL_AGE);
    assert!(ring.is_wanted());
    ring.complete_fetch(None);
    assert!(ring.current().get("a").is_some() && !ring.is_wanted());
    hand.advance(PAUSE);
    assert!(ring.is_wanted());
}
