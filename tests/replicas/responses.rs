//! Answers that replicas share: fetched once, found by all, never by the wrong tenant.

use std::time::Duration;

use futures_util::future::{join, join_all};
use redis::Commands;
use storegate::sandbox::Fault;

use crate::app::requests::FLOW;
use crate::app::waiting::eventually;
use crate::fleet::{Fleet, cache_status, late, shares, unseen};
use crate::redis_server::RedisServer;

/// Waits until what was fetched lies at Redis: callers do not wait for that.
async fn is_cached(redis: &RedisServer, answers: usize) {
    eventually("the answer is kept", async || redis.keys("storegate:answer:*").len() >= answers).await;
}

/// As if the only answer had lain at Redis for so many seconds more: how old it is follows from how long it lies there yet.
fn let_it_lie(redis: &RedisServer, seconds: i64) {
    let mut connection = redis.connection().unwrap();
    let key = redis.keys("storegate:answer:*").remove(0);
    let left: i64 = connection.pttl(&key).unwrap();
    let _: () = connection.pexpire(&key, left - seconds * 1000).unwrap();
}

pub async fn a_response_that_one_replica_fetched_is_a_hit_at_the_others_with_its_age() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(2, &redis).await;
    let fetched = fleet.replicas[0].get(FLOW).await;
    is_cached(&redis, 1).await;
    let found = fleet.replicas[1].get(FLOW).await;
    assert_eq!((found.status, &found.body), (200, &fetched.body));
    assert_eq!(found.header("etag"), fetched.header("etag"));
    assert!(cache_status(&found).ends_with("detail=shared"), "{}", cache_status(&found));
    assert_eq!(fleet.flow_calls(), 1);
    let again = fleet.replicas[1].get(FLOW).await;
    assert!(cache_status(&again).starts_with("storegate; hit; ttl="), "from its own memory");
    assert!(!cache_status(&again).contains("shared"));

    let_it_lie(&redis, 20);
    let late = late(&fleet.replicas[0], &redis).await;
    let found = late.get(FLOW).await;
    let age: u32 = found.header("age").unwrap().parse().unwrap();
    assert!((20..30).contains(&age), "{age}");
    assert_eq!(fleet.flow_calls(), 1);
}

pub async fn a_thousand_requests_at_three_replicas_for_one_cold_key_make_one_gateway_call() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(3, &redis).await;
    fleet.replicas[0].sandbox().set_behaviour(|behaviour| behaviour.latency = Duration::from_millis(300));
    let tokens: Vec<String> = fleet.replicas.iter().map(|replica| replica.token("dashboard")).collect();
    let callers = (0..1000).map(|number| fleet.replicas[number % 3].get_with_token(&tokens[number % 3], FLOW));
    let answers = join_all(callers).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    assert_eq!(fleet.flow_calls(), 1);
}

pub async fn a_replica_that_waits_for_a_dead_leader_fetches_itself() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    fleet.replicas[0].get(FLOW).await;
    is_cached(&redis, 1).await;
    // A replica took the turn and was gone: nobody keeps it.
    let answer = redis.keys("storegate:answer:*").remove(0);
    let turn = answer.replace(":answer:", ":turn:");
    let mut connection = redis.connection().unwrap();
    let _: () = connection.del(&answer).unwrap();
    let _: () = connection.pset_ex(&turn, "of a replica that is gone", 1500).unwrap();
    let late = late(&fleet.replicas[0], &redis).await;
    assert_eq!(late.get(FLOW).await.status, 200);
    assert_eq!(fleet.flow_calls(), 2);
    eventually("the turn is given back", async || redis.keys("storegate:turn:*").is_empty()).await;
}

pub async fn a_stale_response_is_refreshed_once_for_all_replicas() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(3, &redis).await;
    for replica in &fleet.replicas {
        replica.get(FLOW).await;
        is_cached(&redis, 1).await;
    }
    assert_eq!(fleet.flow_calls(), 1);
    let_it_lie(&redis, 35);
    fleet.replicas[0].pass(35);
    let stale = join_all(fleet.replicas.iter().map(|replica| replica.get(FLOW))).await;
    for answer in &stale {
        assert!(cache_status(answer).contains("stale-while-revalidate"), "{}", cache_status(answer));
    }
    for replica in &fleet.replicas {
        eventually("the refreshed answer is there", async || replica.get(FLOW).await.header("age") == Some("0")).await;
    }
    assert_eq!(fleet.flow_calls(), 2);
}

pub async fn a_replica_that_starts_while_the_gateway_fails_serves_the_shared_responses() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    let fetched = fleet.replicas[0].get(FLOW).await;
    is_cached(&redis, 1).await;
    let_it_lie(&redis, 120);
    fleet.replicas[0].sandbox().fail_percent(Fault::HttpStatus(500), 100);
    let late = late(&fleet.replicas[0], &redis).await;
    let found = late.get(FLOW).await;
    assert_eq!((found.status, &found.body), (200, &fetched.body));
    assert!(cache_status(&found).ends_with("detail=stale-if-error"), "{}", cache_status(&found));
}

pub async fn two_tenants_never_share_data_at_redis() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(2, &redis).await;
    let (acme, zenith) = (&fleet.replicas[0], &fleet.replicas[1]);
    acme.get("/stores").await;
    is_cached(&redis, 1).await;
    let answer = zenith.get_as("zenith", "/stores").await;
    assert!(cache_status(&answer).contains("fwd=miss"), "{}", cache_status(&answer));
    is_cached(&redis, 2).await;
    // Even when one's answer lies under the other's key.
    let keys = redis.keys("storegate:answer:*");
    let mut connection = redis.connection().unwrap();
    let [one, other]: [Vec<u8>; 2] = [0, 1].map(|number: usize| connection.get(&keys[number]).unwrap());
    let _: () = connection.pset_ex(&keys[0], other, 86_400_000).unwrap();
    let _: () = connection.pset_ex(&keys[1], one, 86_400_000).unwrap();
    let late = late(acme, &redis).await;
    for (client, before) in [("dashboard", acme.get("/stores").await), ("zenith", answer)] {
        let found = late.get_as(client, "/stores").await;
        assert_eq!(found.body, before.body, "{client}");
        assert!(cache_status(&found).contains("fwd=miss"), "{}", cache_status(&found));
    }
}

pub async fn a_404_for_a_store_ends_its_shared_response() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    let replica = &fleet.replicas[0];
    assert_eq!(replica.get("/stores/SHOP001").await.status, 200);
    is_cached(&redis, 1).await;
    replica.sandbox().fail_next_of("shop.get", Fault::code("404"), u32::MAX);
    // The answer outlives a first word that there is no such store.
    let insist = || replica.request("operator", "GET", "/stores/SHOP001", &[("cache-control", "no-cache")]);
    assert_eq!(insist().await.status, 200);
    replica.pass(10);
    assert_eq!(insist().await.status, 404);
    eventually("the shared answer is gone", async || redis.keys("storegate:answer:*").is_empty()).await;
}

pub async fn figures_of_an_unfinished_day_are_not_cached_as_of_a_finished_one() {
    const TODAY: &str = "/stores/S_123456/demographics?from=2026-11-22&to=2026-11-22";
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    // Ten seconds before midnight in China; it was ten o'clock.
    fleet.replicas[0].pass(14 * 3600 - 10);
    assert_eq!(fleet.replicas[0].get(TODAY).await.status, 200);
    is_cached(&redis, 1).await;
    fleet.replicas[0].pass(20);
    let_it_lie(&redis, 20);
    let late = late(&fleet.replicas[0], &redis).await;
    let found = late.get(TODAY).await;
    assert!(cache_status(&found).ends_with("detail=shared"), "{}", cache_status(&found));
    let calls = fleet.replicas[0].sandbox().calls();
    // Figures of a day that has ended keep for six hours, these for a minute in all.
    fleet.replicas[0].pass(41);
    let_it_lie(&redis, 41);
    let due = late.get(TODAY).await;
    assert!(cache_status(&due).contains("stale-while-revalidate"), "{}", cache_status(&due));
    eventually("it is fetched anew", async || late.get(TODAY).await.header("age") == Some("0")).await;
    assert!(fleet.replicas[0].sandbox().calls() > calls);
}

pub async fn a_fetch_that_ends_late_does_not_replace_a_newer_response() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(2, &redis).await;
    let (slow, insisting) = (&fleet.replicas[0], &fleet.replicas[1]);
    slow.sandbox().set_behaviour(|behaviour| behaviour.latency = Duration::from_secs(4));
    let insist = async {
        eventually("the slow one is under way", async || fleet.flow_calls() == 1).await;
        slow.sandbox().set_behaviour(|behaviour| behaviour.latency = Duration::ZERO);
        let newer = insisting.request("operator", "GET", FLOW, &[("cache-control", "no-cache")]).await;
        assert_eq!(newer.status, 200);
        is_cached(&redis, 1).await;
        // By what it has left yet it is known again.
        let_it_lie(&redis, 600);
    };
    let (answer, ()) = join(slow.get(FLOW), insist).await;
    assert_eq!((answer.status, fleet.flow_calls()), (200, 2));
    // What the slow one tells of another store comes behind what it tells of this one.
    assert_eq!(slow.get("/stores/S_100001/flow").await.status, 200);
    is_cached(&redis, 2).await;
    let mut connection = redis.connection().unwrap();
    let mut left: Vec<i64> = redis.keys("storegate:answer:*").iter().map(|key| connection.pttl(key).unwrap()).collect();
    left.sort_unstable();
    assert!(left[1] - left[0] > 500_000, "{left:?}");
}

pub async fn a_fetch_is_published_although_its_replica_has_lost_the_connection_meanwhile() {
    let redis = RedisServer::start();
    // It gives the link up before its fetch has ended, and that ends before its turn does.
    let impatient = ("REDIS__TIMEOUT", "200ms");
    let fleet = Fleet::that_may_wait(1, &[("REDIS__NODES", &redis.node()), impatient], |_| {});
    fleet.all_share().await;
    let (fetching, waiting) = (&fleet.replicas[0], &late(&fleet.replicas[0], &redis).await);
    fetching.sandbox().set_behaviour(|behaviour| behaviour.latency = Duration::from_millis(500));
    let wait = async {
        eventually("the fetch is under way", async || fleet.flow_calls() == 1).await;
        redis.pause();
        let look_in_vain = unseen();
        let resume = async {
            shares(fetching, "unavailable").await;
            redis.resume();
            waiting.get(FLOW).await
        };
        join(fetching.get(&look_in_vain), resume).await.1
    };
    let (fetched, waited) = join(fetching.get(FLOW), wait).await;
    assert_eq!((fetched.status, waited.status, &fetched.body), (200, 200, &waited.body));
    assert!(cache_status(&waited).ends_with("detail=shared"), "{}", cache_status(&waited));
    assert_eq!(fleet.flow_calls(), 2, "one for each store");
}
