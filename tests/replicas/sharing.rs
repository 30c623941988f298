//! Answers that replicas share: fetched once, found by all, never by the wrong company.

use futures_util::future::join_all;
use redis::Commands;
use storegate::sandbox::Fault;

use crate::fleet::{FLOW, Fleet, cache_status, eventually, shares};
use crate::redis_server::RedisServer;
use crate::test_app::TestApp;

/// Waits until what was fetched lies at Redis: callers do not wait for that.
async fn is_kept(redis: &RedisServer, answers: usize) {
    eventually("the answer is kept", async || redis.keys("storegate:answer:*").len() >= answers).await;
}

/// As if the only answer had lain at Redis for so many seconds more: how old it is follows from how long it lies there yet.
fn let_it_lie(redis: &RedisServer, seconds: i64) {
    let mut connection = redis.connection().unwrap();
    let key = redis.keys("storegate:answer:*").remove(0);
    let left: i64 = connection.pttl(&key).unwrap();
    let _: () = connection.pexpire(&key, left - seconds * 1000).unwrap();
}

pub async fn an_answer_that_one_replica_fetched_is_found_by_the_others_and_says_its_age() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(2, &redis).await;
    let fetched = fleet.replicas[0].get(FLOW).await;
    is_kept(&redis, 1).await;
    let found = fleet.replicas[1].get(FLOW).await;
    assert_eq!((found.status, &found.body), (200, &fetched.body));
    assert_eq!(found.header("etag"), fetched.header("etag"));
    assert!(cache_status(&found).ends_with("detail=shared"), "{}", cache_status(&found));
    assert_eq!(fleet.flow_calls(), 1);
    let again = fleet.replicas[1].get(FLOW).await;
    assert!(cache_status(&again).starts_with("storegate; hit; ttl="), "from its own memory");
    assert!(!cache_status(&again).contains("shared"));

    let_it_lie(&redis, 20);
    let late = TestApp::beside(&fleet.replicas[0], &[("REDIS__NODES", &redis.node())]);
    shares(&late, "in_use").await;
    let found = late.get(FLOW).await;
    let age: u32 = found.header("age").unwrap().parse().unwrap();
    assert!((20..25).contains(&age), "{age}");
    assert_eq!(fleet.flow_calls(), 1);
}

pub async fn a_thousand_callers_of_three_replicas_and_one_cold_key_make_one_gateway_call() {
    let redis = RedisServer::start();
    // Two cores run all of it: how fast it is on one machine is not looked at here.
    let node = redis.node();
    let fleet = Fleet::that_may_wait(3, &[("REDIS__NODES", node.as_str()), ("REDIS__TIMEOUT", "2s")], |_| {});
    fleet.all_share().await;
    fleet.replicas[0].sandbox().set_behaviour(|behaviour| behaviour.latency = std::time::Duration::from_millis(300));
    let tokens: Vec<String> = fleet.replicas.iter().map(|replica| replica.token("dashboard")).collect();
    let callers = (0..1000).map(|number| fleet.replicas[number % 3].get_with_token(&tokens[number % 3], FLOW));
    let answers = join_all(callers).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    assert_eq!(fleet.flow_calls(), 1);
}

pub async fn who_waits_for_a_replica_that_died_fetches_for_itself() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    fleet.replicas[0].get(FLOW).await;
    is_kept(&redis, 1).await;
    // A replica took the turn and was gone: nobody keeps it.
    let answer = redis.keys("storegate:answer:*").remove(0);
    let turn = answer.replace(":answer:", ":turn:");
    let mut connection = redis.connection().unwrap();
    let _: () = connection.del(&answer).unwrap();
    let _: () = connection.pset_ex(&turn, "of a replica that is gone", 1500).unwrap();
    let late = TestApp::beside(&fleet.replicas[0], &[("REDIS__NODES", &redis.node())]);
    shares(&late, "in_use").await;
    assert_eq!(late.get(FLOW).await.status, 200);
    assert_eq!(fleet.flow_calls(), 2);
    eventually("the turn is given back", async || redis.keys("storegate:turn:*").is_empty()).await;
}

pub async fn an_answer_that_is_no_longer_fresh_is_refreshed_once_for_all() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(3, &redis).await;
    for replica in &fleet.replicas {
        replica.get(FLOW).await;
        is_kept(&redis, 1).await;
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

pub async fn a_replica_that_starts_while_the_gateway_fails_gives_what_others_had() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    let fetched = fleet.replicas[0].get(FLOW).await;
    is_kept(&redis, 1).await;
    let_it_lie(&redis, 120);
    fleet.replicas[0].sandbox().fail_percent(Fault::HttpStatus(500), 100);
    let late = TestApp::beside(&fleet.replicas[0], &[("REDIS__NODES", &redis.node())]);
    shares(&late, "in_use").await;
    let found = late.get(FLOW).await;
    assert_eq!((found.status, &found.body), (200, &fetched.body));
    assert!(cache_status(&found).ends_with("detail=stale-if-error"), "{}", cache_status(&found));
}

pub async fn two_companies_never_meet_at_redis() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(2, &redis).await;
    let (acme, zenith) = (&fleet.replicas[0], &fleet.replicas[1]);
    acme.get("/stores").await;
    is_kept(&redis, 1).await;
    let answer = zenith.get_as("zenith", "/stores").await;
    assert!(cache_status(&answer).contains("fwd=miss"), "{}", cache_status(&answer));
    is_kept(&redis, 2).await;
    // Even when one's answer lies under the other's key.
    let keys = redis.keys("storegate:answer:*");
    let mut connection = redis.connection().unwrap();
    let [one, other]: [Vec<u8>; 2] = [0, 1].map(|number: usize| connection.get(&keys[number]).unwrap());
    let _: () = connection.pset_ex(&keys[0], other, 86_400_000).unwrap();
    let _: () = connection.pset_ex(&keys[1], one, 86_400_000).unwrap();
    let late = TestApp::beside(acme, &[("REDIS__NODES", &redis.node())]);
    shares(&late, "in_use").await;
    for (client, before) in [("dashboard", acme.get("/stores").await), ("zenith", answer)] {
        let found = late.get_as(client, "/stores").await;
        assert_eq!(found.body, before.body, "{client}");
        assert!(cache_status(&found).contains("fwd=miss"), "{}", cache_status(&found));
    }
}

pub async fn that_there_is_no_such_store_ends_the_shared_answer() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    let replica = &fleet.replicas[0];
    assert_eq!(replica.get("/stores/SHOP001").await.status, 200);
    is_kept(&redis, 1).await;
    replica.sandbox().fail_next_of("shop.get", Fault::code("404"), 1);
    let gone = replica.ask("operator", "GET", "/stores/SHOP001", &[("cache-control", "no-cache")]).await;
    assert_eq!(gone.status, 404);
    eventually("the shared answer is gone", async || redis.keys("storegate:answer:*").is_empty()).await;
}
