//! When keys are asked for, by a clock that the test moves.

use super::{Keyring, LONGEST_AGE, PAUSE, SHORTEST_AGE, USUAL_AGE};
use crate::auth::fixtures::{clock, ed25519_key};
use crate::auth::keys::VerificationKeys;
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn keys() -> VerificationKeys {
    VerificationKeys::new([("a".to_owned(), ed25519_key().verification().clone())])
}

#[test]
fn nobody_waits_where_nobody_fetches() {
    assert!(Keyring::empty(clock().0).ask().is_none());
}

#[actix_web::test]
async fn all_who_wait_share_the_fetch_that_is_under_way() {
    let ring = Arc::new(Keyring::empty(clock().0));
    ring.serve();
    let waiting: Vec<_> = (0..50).map(|_| ring.ask().expect("it is under way")).collect();
    assert!(ring.is_wanted() && !ring.was_read());
    ring.land(Some((keys(), None)));
    for fetch in waiting {
        fetch.ended().await;
    }
    assert!(ring.was_read() && ring.current().get(Some("a")).is_some());
}

#[test]
fn however_often_it_is_asked_there_is_one_fetch_in_half_a_minute() {
    let (clock, hand) = clock();
    let ring = Keyring::empty(clock);
    ring.serve();
    ring.land(Some((keys(), None)));
    hand.advance(PAUSE - SECOND);
    assert!((0..1000).all(|_| ring.ask().is_none()));
    hand.advance(SECOND);
    assert!(ring.ask().is_some() && ring.is_wanted());
    ring.land(None);
    assert!(ring.ask().is_none(), "a fetch that failed counts, too");
}

#[test]
fn one_that_takes_over_keys_asks_again_when_the_older_one_would_have() {
    let (clock, hand) = clock();
    let older = Keyring::empty(clock.clone());
    older.serve();
    older.land(Some((keys(), None)));
    let mut newest = older;
    for _ in 0..5 {
        hand.advance(SECOND);
        let newer = Keyring::empty(clock.clone());
        newer.take_over_from(&newest);
        newer.serve();
        assert!(!newer.is_wanted() && newer.ask().is_none() && newer.was_read());
        newest = newer;
    }
    hand.advance(PAUSE - 5 * SECOND);
    assert!(newest.ask().is_some() && newest.is_wanted(), "a new key is worth a fetch as before");
    let newer = Keyring::empty(clock.clone());
    newer.take_over_from(&newest);
    newer.serve();
    assert!(newer.is_wanted() && newer.was_read(), "whoever waits for a fetch under way waits for another");
    newest.land(None);
    hand.advance(USUAL_AGE);
    let newer = Keyring::empty(clock.clone());
    newer.take_over_from(&newest);
    newer.serve();
    assert!(newer.is_wanted(), "the keys are old");
    let stranger = Keyring::empty(clock);
    stranger.serve();
    assert!(stranger.is_wanted(), "nothing was taken over");
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
    for (told, expected) in ages {
        let (clock, hand) = clock();
        let ring = Keyring::empty(clock);
        ring.serve();
        ring.land(Some((keys(), told)));
        hand.advance(expected - SECOND);
        assert!(!ring.is_wanted(), "{told:?}");
        hand.advance(SECOND);
        assert!(ring.is_wanted(), "{told:?}");
    }
}

#[test]
fn a_failed_fetch_takes_nothing_away_and_is_tried_again_after_the_pause() {
    let (clock, hand) = clock();
    let ring = Keyring::empty(clock);
    ring.serve();
    ring.land(Some((keys(), None)));
    hand.advance(USUAL_AGE);
    assert!(ring.is_wanted());
    ring.land(None);
    assert!(ring.current().get(Some("a")).is_some() && !ring.is_wanted());
    hand.advance(PAUSE);
    assert!(ring.is_wanted());
}

#[test]
fn a_new_ring_begins_with_what_an_older_one_has_read() {
    let (old, new) = (Keyring::empty(clock().0), Keyring::empty(clock().0));
    new.take_over_from(&old);
    assert!(!new.was_read(), "nothing was read");
    old.serve();
    old.land(Some((keys(), None)));
    new.take_over_from(&old);
    assert!(new.was_read() && new.current().get(Some("a")).is_some());
    new.serve();
    assert!(!new.is_wanted(), "they are still good");
}
