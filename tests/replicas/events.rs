//! What one replica does and all must know: purges, and tokens that were given back.

use futures_util::future::join_all;

use crate::app::TestApp;
use crate::app::requests::FLOW;
use crate::app::waiting::eventually;
use crate::fleet::{Fleet, PATIENT, cache_status, late};
use crate::redis_server::RedisServer;

async fn purge(replica: &TestApp) {
    assert_eq!(replica.request("operator", "DELETE", "/cache?store_id=S_123456", &[]).await.status, 200);
}

async fn give_back(replica: &TestApp, token: &str) {
    assert_eq!(replica.post_form("dashboard", "/oauth/revoke", &format!("token={token}")).await.status, 200);
}

pub async fn a_purge_reaches_all_replicas_and_what_they_share() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(3, &redis).await;
    join_all(fleet.replicas.iter().map(|replica| replica.get(FLOW))).await;
    assert_eq!(fleet.flow_calls(), 1);
    fleet.replicas[0].pass(5);
    purge(&fleet.replicas[0]).await;
    // It has dropped its own at once, and does not take the shared one for a new one.
    assert!(cache_status(&fleet.replicas[0].get(FLOW).await).contains("fwd=miss"));
    eventually("the others give nothing that was fetched before", async || {
        let answers = join_all(fleet.replicas[1..].iter().map(|replica| replica.get(FLOW))).await;
        answers.iter().all(|answer| answer.header("age") == Some("0"))
    })
    .await;
}

pub async fn a_purge_while_redis_is_down_reaches_the_others_when_it_is_back() {
    let mut redis = RedisServer::start();
    let fleet = Fleet::of(2, &redis).await;
    join_all(fleet.replicas.iter().map(|replica| replica.get(FLOW))).await;
    redis.kill();
    fleet.none_shares().await;
    purge(&fleet.replicas[0]).await;
    assert!(cache_status(&fleet.replicas[1].get(FLOW).await).starts_with("storegate; hit"), "it cannot know yet");
    redis.start_again();
    fleet.all_share().await;
    eventually("the other has dropped its answer", async || {
        !cache_status(&fleet.replicas[1].get(FLOW).await).starts_with("storegate; hit")
    })
    .await;
}

pub async fn a_revoked_token_is_refused_by_all_replicas_and_by_those_that_start_later() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(3, &redis).await;
    let token = fleet.replicas[0].token("dashboard");
    let statuses = async || join_all(fleet.replicas.iter().map(|one| one.get_with_token(&token, FLOW))).await;
    assert!(statuses().await.iter().all(|answer| answer.status == 200));
    give_back(&fleet.replicas[0], &token).await;
    eventually("all refuse it", async || statuses().await.iter().all(|answer| answer.status == 401)).await;
    let late = late(&fleet.replicas[0], &redis).await;
    assert_eq!(late.get_with_token(&token, FLOW).await.status, 401);
    assert_eq!(late.get(FLOW).await.status, 200);
    let kept = redis.keys("*");
    let seen: Vec<&String> = kept.iter().filter(|key| key.contains(&token) || key.contains("dashboard")).collect();
    assert!(seen.is_empty(), "{seen:?}");
}

pub async fn revoked_tokens_are_written_back_to_a_redis_that_lost_its_memory() {
    let mut redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    let (before, meanwhile) = (fleet.replicas[0].token("dashboard"), fleet.replicas[0].token("dashboard"));
    give_back(&fleet.replicas[0], &before).await;
    redis.kill();
    fleet.none_shares().await;
    give_back(&fleet.replicas[0], &meanwhile).await;
    let started_meanwhile = TestApp::beside(&fleet.replicas[0], &[("REDIS__NODES", &redis.node()), PATIENT]);
    redis.start_again();
    fleet.all_share().await;
    for token in [&before, &meanwhile] {
        eventually("who started meanwhile learns of it", async || {
            started_meanwhile.get_with_token(token, FLOW).await.status == 401
        })
        .await;
    }
    let late = late(&fleet.replicas[0], &redis).await;
    for token in [before, meanwhile] {
        assert_eq!(late.get_with_token(&token, FLOW).await.status, 401);
    }
}

pub async fn what_redis_loses_while_it_runs_is_written_back() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(2, &redis).await;
    let token = fleet.replicas[0].token("dashboard");
    give_back(&fleet.replicas[0], &token).await;
    eventually("it is kept", async || redis.keys("storegate:revoked").len() == 1).await;
    let _: () = redis::cmd("FLUSHALL").query(&mut redis.connection().unwrap()).unwrap();
    eventually("it is there again", async || redis.keys("storegate:revoked").len() == 1).await;
    eventually("the journal is there again", async || redis.keys("storegate:journal").len() == 1).await;
    fleet.all_share().await;
    fleet.replicas[0].get(FLOW).await;
    purge(&fleet.replicas[1]).await;
    eventually("a purge reaches the other one", async || {
        !cache_status(&fleet.replicas[0].get(FLOW).await).starts_with("storegate; hit; ttl")
    })
    .await;
}

/// Events as another replica writes them.
const OTHERS_PURGE: &str = r#"{"by":1,"is":"purged","tenant":"acme","stores":["S_123456"]}"#;
const BEGUN: &str = r#"{"by":1,"is":"begun"}"#;
const OF_A_LATER_VERSION: &str = r#"{"by":1,"is":"something new"}"#;

async fn gives_nothing_older(fleet: &Fleet, what: &str) {
    eventually(what, async || !cache_status(&fleet.replicas[0].get(FLOW).await).starts_with("storegate; hit")).await;
}

pub async fn a_replica_that_missed_trimmed_events_purges_its_whole_cache() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    fleet.replicas[0].get(FLOW).await;
    let told = |pipeline: &mut redis::Pipeline, event: &str| {
        pipeline.cmd("XADD").arg("storegate:journal").arg("*").arg("event").arg(event).ignore();
    };
    let mut pipeline = redis::pipe();
    pipeline.atomic();
    told(&mut pipeline, OTHERS_PURGE);
    told(&mut pipeline, OF_A_LATER_VERSION);
    pipeline.cmd("XTRIM").arg("storegate:journal").arg("MAXLEN").arg(1).ignore();
    let () = pipeline.query(&mut redis.connection().unwrap()).unwrap();
    gives_nothing_older(&fleet, "it cannot know what it missed").await;
    assert_eq!(fleet.flow_calls(), 2, "the shared answer is not trusted either");
    fleet.all_share().await;
}

/// Puts a journal with these events in the place of the one that is there, as a server would have it that takes another's
/// place. No answers are there.
fn take_its_place(redis: &RedisServer, events: &[(&str, &str)]) {
    let mut pipeline = redis::pipe();
    pipeline.atomic().del("storegate:journal").ignore();
    for key in redis.keys("storegate:answer:*") {
        pipeline.del(key).ignore();
    }
    for (at, event) in events {
        pipeline.cmd("XADD").arg("storegate:journal").arg(*at).arg("event").arg(*event).ignore();
    }
    let () = pipeline.query(&mut redis.connection().unwrap()).unwrap();
}

/// The events of the journal, as they are written.
fn journal(redis: &RedisServer) -> Vec<(String, String)> {
    let mut read = redis::cmd("XRANGE");
    let entries: Vec<(String, Vec<String>)> =
        read.arg("storegate:journal").arg("-").arg("+").query(&mut redis.connection().unwrap()).unwrap();
    entries.into_iter().map(|(at, fields)| (at, fields[1].clone())).collect()
}

fn milliseconds(place: &str) -> u64 {
    place.split('-').next().unwrap().parse().unwrap()
}

pub async fn events_written_to_another_server_are_read_when_it_takes_over() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    purge(&fleet.replicas[0]).await;
    eventually("it has told something", async || journal(&redis).len() == 2).await;
    fleet.replicas[0].get(FLOW).await;
    // Half an hour before anything that this replica has told and read, and something later that it has not.
    let before = milliseconds(&journal(&redis)[0].0) - 1_800_000;
    let (begun, purged) = (format!("{}-0", before - 1), format!("{before}-0"));
    take_its_place(&redis, &[(&begun, BEGUN), (&purged, OTHERS_PURGE), ("*", OF_A_LATER_VERSION)]);
    gives_nothing_older(&fleet, "it has read all of it").await;
    fleet.all_share().await;
}

pub async fn events_are_written_again_to_a_server_that_lacks_them() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    purge(&fleet.replicas[0]).await;
    let is_reported = async || journal(&redis).iter().any(|(_, event)| event.contains("S_123456"));
    eventually("it is written", is_reported).await;
    let begun = journal(&redis).remove(0);
    let disconnect = || {
        let mut kill = redis::cmd("CLIENT");
        let _: i64 = kill.arg("KILL").arg("TYPE").arg("normal").query(&mut redis.connection().unwrap()).unwrap();
    };
    take_its_place(&redis, &[(&begun.0, BEGUN), ("*", OF_A_LATER_VERSION)]);
    // As a failover does. The replica may not have read its own event back from the first server by now.
    disconnect();
    eventually("it is written again", is_reported).await;
    // Once, and not with each new connection.
    fleet.all_share().await;
    disconnect();
    fleet.none_shares().await;
    fleet.all_share().await;
    assert_eq!(journal(&redis).iter().filter(|(_, event)| event.contains("S_123456")).count(), 1);
}

pub async fn a_server_whose_clock_is_behind_does_not_keep_replicas_from_sharing() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    let (begun, event) = journal(&redis).remove(0);
    let ahead = format!("{}-0", milliseconds(&begun) + 3_600_000);
    // Before: nothing that is fetched after it has read of the purge is dropped.
    fleet.replicas[0].get(FLOW).await;
    take_its_place(&redis, &[(&begun, &event), (&ahead, OTHERS_PURGE)]);
    gives_nothing_older(&fleet, "it has read of the purge").await;
    take_its_place(&redis, &[(&begun, &event)]);
    eventually("it tells of it by the other clock", async || {
        journal(&redis).iter().any(|(at, event)| event.contains("S_123456") && milliseconds(at) < milliseconds(&ahead))
    })
    .await;
    fleet.all_share().await;
    let operator = async || fleet.replicas[0].request("operator", "GET", FLOW, &[("cache-control", "no-cache")]).await;
    eventually("answers are shared again", async || {
        assert_eq!(operator().await.status, 200);
        let late = late(&fleet.replicas[0], &redis).await;
        cache_status(&late.get(FLOW).await).ends_with("detail=shared")
    })
    .await;
}

pub async fn a_journal_that_was_emptied_is_begun_again() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(2, &redis).await;
    fleet.replicas[0].get(FLOW).await;
    let trim = |connection: &mut redis::Connection| {
        redis::cmd("XTRIM").arg("storegate:journal").arg("MAXLEN").arg(0).query::<i64>(connection).unwrap()
    };
    assert_eq!(trim(&mut redis.connection().unwrap()), 1);
    eventually("it is begun anew", async || journal(&redis).len() == 1).await;
    fleet.all_share().await;
    fleet.replicas[0].get(FLOW).await;
    purge(&fleet.replicas[1]).await;
    gives_nothing_older(&fleet, "a purge reaches the other one").await;
}
