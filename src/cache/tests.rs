//! The cache's promises, tested with a clock that the test advances.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::{
    AnswerCache, CacheKey, CacheOutcome, CacheSettings, CachedResponse, FetchFailure, FetchResult, FetchedBody,
    Freshness, Lookup,
};
use crate::clock::{Clock, ManualClock};
use crate::fair_queue::Principal;
use crate::settings::SettingsDigest;

#[derive(Clone, Debug, PartialEq)]
struct Broken {
    stale_is_better: bool,
    must_be_confirmed: bool,
    remembered: Duration,
}

impl FetchFailure for Broken {
    fn stale_is_better(&self) -> bool {
        self.stale_is_better
    }

    fn must_be_confirmed(&self) -> bool {
        self.must_be_confirmed
    }

    fn remembered(&self) -> Duration {
        self.remembered
    }
}

const FLAKY: Broken = Broken { stale_is_better: true, must_be_confirmed: false, remembered: Duration::from_secs(1) };

const GONE: Broken = Broken { stale_is_better: false, must_be_confirmed: false, remembered: Duration::from_secs(30) };

/// A failure that the vendor's gateway may report by mistake.
const NOT_THERE: Broken = Broken { must_be_confirmed: true, ..GONE };

struct Fixture {
    cache: AnswerCache<Broken>,
    time: ManualClock,
    fetched: Rc<Cell<u32>>,
}

impl Fixture {
    fn new() -> Self {
        let (clock, time) = Clock::manual(Timestamp::UNIX_EPOCH);
        let cache = AnswerCache::new(&CacheSettings::default(), clock);
        Self { cache, time, fetched: Rc::default() }
    }

    /// Returns a fetch that increments the counter and responds with its number.
    fn fetch(&self) -> impl FnOnce(Principal) -> std::future::Ready<Result<FetchResult<Broken>, Broken>> + 'static {
        let fetched = self.fetched.clone();
        move |_| {
            fetched.set(fetched.get() + 1);
            std::future::ready(Ok(document(&fetched.get().to_string()).into()))
        }
    }

    fn fail(
        &self,
        failure: Broken,
    ) -> impl FnOnce(Principal) -> std::future::Ready<Result<FetchResult<Broken>, Broken>> + 'static {
        let fetched = self.fetched.clone();
        move |_| {
            fetched.set(fetched.get() + 1);
            std::future::ready(Err(failure))
        }
    }

    async fn read(&self, key: &str) -> (String, CacheOutcome) {
        text(&self.cache.read(lookup(key), self.fetch()).await.unwrap())
    }

    fn pass(&self, seconds: u64) {
        self.time.advance(Duration::from_secs(seconds));
    }
}

fn document(body: &str) -> FetchedBody {
    FetchedBody { body: Bytes::from(body.to_owned()), link: None, max_freshness: None }
}

fn lookup(key: &str) -> Lookup {
    Lookup {
        key: CacheKey::new("acme", "flow", &SettingsDigest::of(&1), &SettingsDigest::of(&2), key),
        freshness: Freshness::seconds(30, 60, 600),
        stores: vec![key.to_owned()],
        bypass: false,
        require_fresh: false,
        principal: Principal::default(),
    }
}

fn text(found: &CachedResponse) -> (String, CacheOutcome) {
    let body = found.entry.identity.body.clone();
    (String::from_utf8(body.to_vec()).unwrap(), found.outcome)
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[actix_web::test]
async fn the_second_reader_gets_the_cached_response_with_its_age() {
    let fixture = Fixture::new();
    assert_eq!(fixture.read("a").await, ("1".to_owned(), CacheOutcome::Miss));
    fixture.pass(29);
    let found = fixture.cache.read(lookup("a"), fixture.fetch()).await.unwrap();
    assert_eq!(text(&found), ("1".to_owned(), CacheOutcome::Hit));
    assert_eq!(found.age, Duration::from_secs(29));
}

#[actix_web::test]
async fn a_stale_answer_is_served_while_exactly_one_refresh_runs() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    fixture.pass(31);
    for _ in 0..10 {
        assert_eq!(fixture.read("a").await, ("1".to_owned(), CacheOutcome::StaleWhileRevalidate));
    }
    settle().await;
    assert_eq!(fixture.read("a").await, ("2".to_owned(), CacheOutcome::Hit));
    assert_eq!(fixture.fetched.get(), 2);
}

#[actix_web::test]
async fn an_old_answer_is_served_when_the_gateway_fails_and_never_beyond_its_end() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    fixture.pass(100);
    let found = fixture.cache.read(lookup("a"), fixture.fail(FLAKY)).await.unwrap();
    assert_eq!(text(&found), ("1".to_owned(), CacheOutcome::StaleIfError));
    fixture.pass(529);
    let found = fixture.cache.read(lookup("a"), fixture.fail(FLAKY)).await.unwrap();
    assert_eq!(found.outcome, CacheOutcome::StaleIfError);
    fixture.pass(2);
    assert_eq!(fixture.cache.read(lookup("a"), fixture.fail(FLAKY)).await.unwrap_err(), FLAKY);
}

#[actix_web::test]
async fn a_failure_that_is_the_truth_is_not_hidden_by_an_old_answer() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    fixture.pass(100);
    assert_eq!(fixture.cache.read(lookup("a"), fixture.fail(GONE)).await.unwrap_err(), GONE);
}

#[actix_web::test]
async fn an_old_answer_outlives_one_failure_that_may_be_a_mistake_and_ends_with_the_next() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    fixture.pass(100);
    let found = fixture.cache.read(lookup("a"), fixture.fail(NOT_THERE)).await.unwrap();
    assert_eq!(text(&found), ("1".to_owned(), CacheOutcome::StaleIfError));
    let found = fixture.cache.read(lookup("a"), fixture.fail(NOT_THERE)).await.unwrap();
    assert_eq!(
        (found.outcome, fixture.fetched.get()),
        (CacheOutcome::StaleIfError, 2),
        "it is remembered for a moment"
    );
    fixture.pass(1);
    assert_eq!(fixture.cache.read(lookup("a"), fixture.fail(NOT_THERE)).await.unwrap_err(), NOT_THERE);
    fixture.pass(29);
    assert_eq!(fixture.cache.read(lookup("a"), fixture.fetch()).await.unwrap_err(), NOT_THERE, "for its time");
    fixture.pass(1);
    assert_eq!(fixture.read("a").await.1, CacheOutcome::Miss);
}

#[actix_web::test]
async fn a_good_answer_between_two_mistakes_makes_the_second_one_the_first() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    for number in 1..4 {
        fixture.pass(100);
        let found = fixture.cache.read(lookup("a"), fixture.fail(NOT_THERE)).await.unwrap();
        assert_eq!(found.outcome, CacheOutcome::StaleIfError, "{number}");
        fixture.pass(2);
        assert_eq!(fixture.read("a").await.1, CacheOutcome::Expired, "{number}");
    }
}

#[actix_web::test]
async fn two_mistakes_at_once_are_one_and_where_there_is_no_answer_the_first_is_believed() {
    let fixture = Fixture::new();
    assert_eq!(fixture.cache.read(lookup("b"), fixture.fail(NOT_THERE)).await.unwrap_err(), NOT_THERE);
    fixture.read("a").await;
    for _ in 0..3 {
        let bypass = Lookup { bypass: true, ..lookup("a") };
        let found = fixture.cache.read(bypass, fixture.fail(NOT_THERE)).await.unwrap();
        assert_eq!(text(&found), ("2".to_owned(), CacheOutcome::StaleIfError));
    }
    assert_eq!(fixture.read("a").await.1, CacheOutcome::Hit);
    fixture.pass(700);
    assert_eq!(fixture.cache.read(lookup("a"), fixture.fail(NOT_THERE)).await.unwrap_err(), NOT_THERE, "too old");
}

#[actix_web::test]
async fn an_old_answer_outlives_one_without_content_and_ends_with_the_next() {
    let fixture = Fixture::new();
    let empty = || {
        let fetched = fixture.fetched.clone();
        move |_| {
            fetched.set(fetched.get() + 1);
            std::future::ready(Ok(FetchResult { document: document("[]"), suspicion: Some(NOT_THERE) }))
        }
    };
    let read = async |bypass| text(&fixture.cache.read(Lookup { bypass, ..lookup("a") }, empty()).await.unwrap());
    assert_eq!(read(false).await, ("[]".to_owned(), CacheOutcome::Miss), "where nothing is known, it is believed");
    fixture.pass(1000);
    assert_eq!(fixture.read("a").await, ("2".to_owned(), CacheOutcome::Expired));
    for _ in 0..2 {
        assert_eq!(read(true).await, ("2".to_owned(), CacheOutcome::StaleIfError), "two at once are one mistake");
    }
    assert_eq!(read(false).await, ("2".to_owned(), CacheOutcome::Hit));
    fixture.pass(1);
    assert_eq!(read(true).await, ("[]".to_owned(), CacheOutcome::Bypass), "the gateway has said so twice");
    assert_eq!(read(true).await, ("[]".to_owned(), CacheOutcome::Bypass), "and says the same again");
    assert_eq!(read(false).await, ("[]".to_owned(), CacheOutcome::Hit));
}

#[actix_web::test]
async fn a_mistake_of_a_refresh_does_not_end_the_answer_that_is_revalidated() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    fixture.pass(31);
    for (number, pass) in [(1, 0), (2, 1)] {
        fixture.pass(pass);
        let found = fixture.cache.read(lookup("a"), fixture.fail(NOT_THERE)).await.unwrap();
        assert_eq!(found.outcome, CacheOutcome::StaleWhileRevalidate, "{number}");
        settle().await;
    }
    assert_eq!(fixture.cache.read(lookup("a"), fixture.fetch()).await.unwrap_err(), NOT_THERE);
}

#[actix_web::test]
async fn a_failure_is_remembered_for_its_time_and_is_no_answer() {
    let fixture = Fixture::new();
    assert!(fixture.cache.read(lookup("a"), fixture.fail(FLAKY)).await.is_err());
    assert!(fixture.cache.read(lookup("a"), fixture.fetch()).await.is_err());
    assert_eq!(fixture.fetched.get(), 1);
    fixture.pass(1);
    assert_eq!(fixture.read("a").await.1, CacheOutcome::Miss);
}

#[actix_web::test]
async fn a_failed_refresh_is_not_repeated_by_every_reader() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    fixture.pass(31);
    for _ in 0..5 {
        let found = fixture.cache.read(lookup("a"), fixture.fail(FLAKY)).await.unwrap();
        assert_eq!(found.outcome, CacheOutcome::StaleWhileRevalidate);
        settle().await;
    }
    assert_eq!(fixture.fetched.get(), 2);
    fixture.pass(1);
    fixture.read("a").await;
    settle().await;
    assert_eq!(fixture.read("a").await, ("3".to_owned(), CacheOutcome::Hit));
}

#[actix_web::test]
async fn a_caller_who_leaves_neither_cancels_nor_repeats_the_fetch() {
    let fixture = Fixture::new();
    let gate = Rc::new(Notify::new());
    let slow = |gate: Rc<Notify>, fetched: Rc<Cell<u32>>| {
        move |_| async move {
            fetched.set(fetched.get() + 1);
            gate.notified().await;
            Ok(document("slow").into())
        }
    };
    let mut impatient = Box::pin(fixture.cache.read(lookup("a"), slow(gate.clone(), fixture.fetched.clone())));
    assert!(futures_util::poll!(&mut impatient).is_pending());
    settle().await;
    drop(impatient);
    let mut waiting = Box::pin(fixture.cache.read(lookup("a"), fixture.fetch()));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    settle().await;
    gate.notify_one();
    assert_eq!(text(&waiting.await.unwrap()), ("slow".to_owned(), CacheOutcome::Collapsed));
    assert_eq!(fixture.fetched.get(), 1);
}

#[actix_web::test]
async fn a_slow_gateway_does_not_hold_a_caller_for_whom_there_is_an_old_answer() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    fixture.pass(100);
    let never = |_| std::future::pending::<Result<FetchResult<Broken>, Broken>>();
    let found = fixture.cache.read(lookup("a"), never).await.unwrap();
    assert_eq!(text(&found), ("1".to_owned(), CacheOutcome::StaleIfError));
}

#[actix_web::test]
async fn a_bypass_fetches_and_refreshes_the_answer_for_everybody() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    let bypass = Lookup { bypass: true, ..lookup("a") };
    let found = fixture.cache.read(bypass, fixture.fetch()).await.unwrap();
    assert_eq!(text(&found), ("2".to_owned(), CacheOutcome::Bypass));
    assert_eq!(fixture.read("a").await, ("2".to_owned(), CacheOutcome::Hit));
}

#[actix_web::test]
async fn a_bypass_falls_back_to_the_cached_response_when_the_gateway_fails() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    let bypass = || Lookup { bypass: true, ..lookup("a") };
    for _ in 0..3 {
        let found = fixture.cache.read(bypass(), fixture.fail(FLAKY)).await.unwrap();
        assert_eq!(text(&found), ("1".to_owned(), CacheOutcome::StaleIfError));
    }
    assert_eq!(fixture.fetched.get(), 2);
}

#[actix_web::test]
async fn a_bypass_does_not_join_a_fetch_that_began_before() {
    let fixture = Fixture::new();
    let never = |_| std::future::pending::<Result<FetchResult<Broken>, Broken>>();
    let mut waiting = Box::pin(fixture.cache.read(lookup("a"), never));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    settle().await;
    let bypass = Lookup { bypass: true, ..lookup("a") };
    assert_eq!(fixture.cache.read(bypass, fixture.fetch()).await.unwrap().outcome, CacheOutcome::Bypass);
}

#[actix_web::test]
async fn a_fetch_that_began_before_a_purge_is_served_and_not_cached() {
    let fixture = Fixture::new();
    let gate = Rc::new(Notify::new());
    let opened = gate.clone();
    let slow = move |_| async move {
        opened.notified().await;
        Ok(document("old").into())
    };
    let mut waiting = Box::pin(fixture.cache.read(lookup("a"), slow));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    settle().await;
    fixture.cache.purge("acme", None);
    gate.notify_one();
    assert_eq!(text(&waiting.await.unwrap()).0, "old");
    assert_eq!(fixture.read("a").await, ("1".to_owned(), CacheOutcome::Miss));
}

#[actix_web::test]
async fn a_refresh_that_a_purge_overtakes_does_not_pin_the_old_answer() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    fixture.pass(31);
    let gate = Rc::new(Notify::new());
    let opened = gate.clone();
    let slow = move |_| async move {
        opened.notified().await;
        Ok(document("overtaken").into())
    };
    let found = fixture.cache.read(lookup("a"), slow).await.unwrap();
    assert_eq!(found.outcome, CacheOutcome::StaleWhileRevalidate);
    settle().await;
    assert_eq!(fixture.cache.purge("acme", Some(&["a".to_owned()])), 1);
    gate.notify_one();
    settle().await;
    assert_eq!(
        fixture.read("a").await,
        ("2".to_owned(), CacheOutcome::Miss),
        "what the refresh brought was not cached"
    );
    fixture.pass(31);
    assert_eq!(fixture.read("a").await, ("2".to_owned(), CacheOutcome::StaleWhileRevalidate));
    settle().await;
    assert_eq!(fixture.read("a").await, ("3".to_owned(), CacheOutcome::Hit));
}

#[actix_web::test]
async fn another_tenants_purge_does_not_affect_a_fetch_in_progress() {
    let fixture = Fixture::new();
    let gate = Rc::new(Notify::new());
    let opened = gate.clone();
    let slow = move |_| async move {
        opened.notified().await;
        Ok(document("slow").into())
    };
    let mut waiting = Box::pin(fixture.cache.read(lookup("a"), slow));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    settle().await;
    fixture.cache.purge("zenith", None);
    gate.notify_one();
    waiting.await.unwrap();
    assert_eq!(fixture.read("a").await, ("slow".to_owned(), CacheOutcome::Hit));
}

#[actix_web::test]
async fn a_lookup_after_a_purge_does_not_join_an_earlier_fetch() {
    let fixture = Fixture::new();
    let never = |_| std::future::pending::<Result<FetchResult<Broken>, Broken>>();
    let mut waiting = Box::pin(fixture.cache.read(lookup("a"), never));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    settle().await;
    fixture.cache.purge("acme", None);
    assert_eq!(fixture.read("a").await, ("1".to_owned(), CacheOutcome::Miss));
}

#[actix_web::test]
async fn the_truth_ends_an_old_answer_even_while_it_revalidates() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    fixture.pass(31);
    let found = fixture.cache.read(lookup("a"), fixture.fail(GONE)).await.unwrap();
    assert_eq!(found.outcome, CacheOutcome::StaleWhileRevalidate);
    settle().await;
    assert_eq!(fixture.cache.read(lookup("a"), fixture.fetch()).await.unwrap_err(), GONE);
    let bypass = Lookup { bypass: true, ..lookup("a") };
    assert_eq!(fixture.cache.read(bypass, fixture.fetch()).await.unwrap().outcome, CacheOutcome::Bypass);
}

#[actix_web::test]
async fn an_older_fetch_does_not_replace_a_newer_answer() {
    let fixture = Fixture::new();
    let gate = Rc::new(Notify::new());
    let opened = gate.clone();
    let slow = move |_| async move {
        opened.notified().await;
        Ok(document("older").into())
    };
    let mut waiting = Box::pin(fixture.cache.read(lookup("a"), slow));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    settle().await;
    let bypass = Lookup { bypass: true, ..lookup("a") };
    fixture.cache.read(bypass, fixture.fetch()).await.unwrap();
    gate.notify_one();
    assert_eq!(text(&waiting.await.unwrap()).0, "older");
    assert_eq!(fixture.read("a").await, ("1".to_owned(), CacheOutcome::Hit));
}

#[actix_web::test]
async fn a_purge_of_another_store_does_not_take_the_old_answer_of_an_outage() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    fixture.pass(100);
    let gate = Rc::new(Notify::new());
    let opened = gate.clone();
    let failing = move |_| async move {
        opened.notified().await;
        Err(FLAKY)
    };
    let mut waiting = Box::pin(fixture.cache.read(lookup("a"), failing));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    settle().await;
    fixture.cache.purge("acme", Some(&["zzz".to_owned()]));
    gate.notify_one();
    assert_eq!(waiting.await.unwrap().outcome, CacheOutcome::StaleIfError);
    let found = fixture.cache.read(lookup("a"), fixture.fail(FLAKY)).await.unwrap();
    assert_eq!(text(&found), ("1".to_owned(), CacheOutcome::StaleIfError));
}

#[actix_web::test]
async fn a_purge_of_another_store_disturbs_no_fetch_and_forgets_no_failure() {
    let fixture = Fixture::new();
    assert!(fixture.cache.read(lookup("gone"), fixture.fail(GONE)).await.is_err());
    let gate = Rc::new(Notify::new());
    let opened = gate.clone();
    let slow = move |_| async move {
        opened.notified().await;
        Ok(document("one for both").into())
    };
    let mut first = Box::pin(fixture.cache.read(lookup("a"), slow));
    assert!(futures_util::poll!(&mut first).is_pending());
    settle().await;
    fixture.cache.purge("acme", Some(&["zzz".to_owned()]));
    let mut second = Box::pin(fixture.cache.read(lookup("a"), fixture.fetch()));
    assert!(futures_util::poll!(&mut second).is_pending());
    settle().await;
    gate.notify_one();
    assert_eq!(text(&first.await.unwrap()), ("one for both".to_owned(), CacheOutcome::Miss));
    assert_eq!(text(&second.await.unwrap()), ("one for both".to_owned(), CacheOutcome::Collapsed));
    assert_eq!(fixture.read("a").await.1, CacheOutcome::Hit, "it was cached");
    assert_eq!(fixture.cache.read(lookup("gone"), fixture.fetch()).await.unwrap_err(), GONE);
}

#[actix_web::test]
async fn a_purge_forgets_failures_too() {
    let fixture = Fixture::new();
    assert!(fixture.cache.read(lookup("a"), fixture.fail(GONE)).await.is_err());
    fixture.cache.purge("acme", None);
    assert_eq!(fixture.read("a").await.1, CacheOutcome::Miss);
}

#[actix_web::test]
async fn a_purge_drops_the_tenants_answers_about_the_store_only() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    fixture.read("b").await;
    assert_eq!(fixture.cache.purge("zenith", None), 0);
    assert_eq!(fixture.cache.purge("acme", Some(&["a".to_owned()])), 1);
    assert_eq!(fixture.read("a").await.1, CacheOutcome::Miss);
    assert_eq!(fixture.read("b").await.1, CacheOutcome::Hit);
    assert_eq!(fixture.cache.purge("acme", None), 2);
}

#[actix_web::test]
async fn a_response_too_large_for_the_cache_is_served_and_not_cached() {
    let (clock, _time) = Clock::manual(Timestamp::UNIX_EPOCH);
    let settings = CacheSettings { size: 64 << 10, ..CacheSettings::default() };
    let cache: AnswerCache<Broken> = AnswerCache::new(&settings, clock);
    let large = |_| {
        let noise: String = (0..20_000_u32).map(|number| char::from(b'a' + (number * number % 23) as u8)).collect();
        std::future::ready(Ok(document(&noise).into()))
    };
    for _ in 0..2 {
        assert_eq!(cache.read(lookup("a"), large).await.unwrap().outcome, CacheOutcome::Miss);
    }
}

#[actix_web::test]
async fn a_storm_of_new_answers_takes_no_more_room_than_there_is_and_leaves_the_popular_ones() {
    let (clock, _time) = Clock::manual(Timestamp::UNIX_EPOCH);
    let settings = CacheSettings { size: 1 << 20, ..CacheSettings::default() };
    let cache: AnswerCache<Broken> = AnswerCache::new(&settings, clock);
    let answer = |_| std::future::ready(Ok(document(&"x".repeat(500)).into()));
    for _ in 0..64 {
        cache.read(lookup("popular"), answer).await.unwrap();
        cache.maintain();
    }
    for number in 0..20_000 {
        cache.read(lookup(&number.to_string()), answer).await.unwrap();
        if number % 50 == 0 {
            cache.read(lookup("popular"), answer).await.unwrap();
        }
    }
    let (entries, bytes) = cache.maintain();
    assert!(entries > 100 && bytes <= settings.size, "{entries} answers, {bytes} bytes");
    assert_eq!(cache.read(lookup("popular"), answer).await.unwrap().outcome, CacheOutcome::Hit);
}

#[actix_web::test]
async fn a_panic_in_a_fetch_reaches_the_caller_and_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let bomb = |_| async { panic!("a bomb in a test") };
    let reading = fixture.cache.read::<_, _>(lookup("a"), bomb);
    let caught = catch(reading).await;
    assert!(caught.is_err());
    assert_eq!(fixture.read("a").await.1, CacheOutcome::Miss);
}

async fn catch<T>(future: impl Future<Output = T>) -> Result<T, Box<dyn std::any::Any + Send>> {
    futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(future)).await
}

#[actix_web::test]
async fn a_response_that_expired_during_the_gateway_call_is_not_served() {
    let fixture = Fixture::new();
    fixture.read("a").await;
    fixture.pass(629);
    let time = fixture.time.clone();
    let slow_failure = move |_| async move {
        time.advance(Duration::from_secs(20));
        Err(FLAKY)
    };
    let bypassing = Lookup { bypass: true, ..lookup("a") };
    assert_eq!(fixture.cache.read(bypassing, slow_failure).await.map(|found| found.age), Err(FLAKY));
}

#[actix_web::test]
async fn a_failure_of_an_earlier_flight_does_not_end_a_newer_answer() {
    let fixture = Fixture::new();
    let completion = Rc::new(Notify::new());
    let completes = completion.clone();
    let earlier = move |_| async move {
        completes.notified().await;
        Err(GONE)
    };
    let cache = fixture.cache.clone();
    let earlier = actix_web::rt::spawn(async move { cache.read(lookup("a"), earlier).await.is_err() });
    settle().await;
    let newer = Lookup { bypass: true, ..lookup("a") };
    assert_eq!(text(&fixture.cache.read(newer, fixture.fetch()).await.unwrap()).1, CacheOutcome::Bypass);
    completion.notify_one();
    assert!(earlier.await.unwrap());
    assert_eq!(fixture.read("a").await, ("1".to_owned(), CacheOutcome::Hit));
}

#[actix_web::test]
async fn a_fetch_is_on_behalf_of_the_waiting_caller_and_a_refresh_of_the_tenant_alone() {
    let fixture = Fixture::new();
    let who = Principal::of(&["acme", "dashboard"]);
    let by_caller = || Lookup { principal: who.clone(), ..lookup("a") };
    let fetched_for: Rc<std::cell::RefCell<Vec<Principal>>> = Rc::default();
    let fetch = || {
        let fetched_for = fetched_for.clone();
        move |principal| {
            fetched_for.borrow_mut().push(principal);
            std::future::ready(Ok::<_, Broken>(document("it").into()))
        }
    };
    fixture.cache.read(by_caller(), fetch()).await.unwrap();
    fixture.pass(31);
    let found = fixture.cache.read(by_caller(), fetch()).await.unwrap();
    assert_eq!(found.outcome, CacheOutcome::StaleWhileRevalidate);
    settle().await;
    assert_eq!(*fetched_for.borrow(), [who, Principal::of(&["acme", ""])]);
}
