//! What one replica does and all must know: purges, and tokens that were given back.

use futures_util::future::join_all;

use crate::fleet::{FLOW, Fleet, cache_status, eventually, shares};
use crate::redis_server::RedisServer;
use crate::test_app::TestApp;

async fn purge(replica: &TestApp) {
    assert_eq!(replica.ask("operator", "DELETE", "/cache?store_id=S_123456", &[]).await.status, 200);
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
    let told_in = eventually("the others give nothing that was fetched before", async || {
        let answers = join_all(fleet.replicas[1..].iter().map(|replica| replica.get(FLOW))).await;
        answers.iter().all(|answer| answer.header("age") == Some("0"))
    })
    .await;
    assert!(told_in.as_millis() < 1000, "{told_in:?}");
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

pub async fn a_token_that_was_given_back_is_refused_by_all_and_by_those_that_start_later() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(3, &redis).await;
    let token = fleet.replicas[0].token("dashboard");
    let statuses = async || join_all(fleet.replicas.iter().map(|one| one.get_with_token(&token, FLOW))).await;
    assert!(statuses().await.iter().all(|answer| answer.status == 200));
    give_back(&fleet.replicas[0], &token).await;
    let told_in =
        eventually("all refuse it", async || statuses().await.iter().all(|answer| answer.status == 401)).await;
    assert!(told_in.as_millis() < 1000, "{told_in:?}");
    let late = TestApp::beside(&fleet.replicas[0], &[("REDIS__NODES", &redis.node())]);
    shares(&late, "in_use").await;
    assert_eq!(late.get_with_token(&token, FLOW).await.status, 401);
    assert_eq!(late.get(FLOW).await.status, 200);
    let kept = redis.keys("*");
    let seen: Vec<&String> = kept.iter().filter(|key| key.contains(&token) || key.contains("dashboard")).collect();
    assert!(seen.is_empty(), "{seen:?}");
}

pub async fn a_redis_that_lost_its_memory_is_told_of_dead_tokens_again() {
    let mut redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    let (before, meanwhile) = (fleet.replicas[0].token("dashboard"), fleet.replicas[0].token("dashboard"));
    give_back(&fleet.replicas[0], &before).await;
    redis.kill();
    fleet.none_shares().await;
    give_back(&fleet.replicas[0], &meanwhile).await;
    let started_meanwhile = TestApp::beside(&fleet.replicas[0], &[("REDIS__NODES", &redis.node())]);
    redis.start_again();
    fleet.all_share().await;
    for token in [&before, &meanwhile] {
        eventually("who started meanwhile learns of it", async || {
            started_meanwhile.get_with_token(token, FLOW).await.status == 401
        })
        .await;
    }
    let late = TestApp::beside(&fleet.replicas[0], &[("REDIS__NODES", &redis.node())]);
    shares(&late, "in_use").await;
    for token in [before, meanwhile] {
        assert_eq!(late.get_with_token(&token, FLOW).await.status, 401);
    }
}

pub async fn what_redis_loses_while_it_runs_is_brought_there_again() {
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
const OF_A_LATER_VERSION: &str = r#"{"by":1,"is":"something new"}"#;

async fn gives_nothing_older(fleet: &Fleet, what: &str) {
    eventually(what, async || !cache_status(&fleet.replicas[0].get(FLOW).await).starts_with("storegate; hit")).await;
}

pub async fn who_missed_what_the_journal_has_no_longer_drops_all_it_has() {
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

pub async fn what_another_master_was_told_before_is_heard_after_a_break() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    fleet.replicas[0].get(FLOW).await;
    let mut connection = redis.connection().unwrap();
    let add = || {
        let mut add = redis::cmd("XADD");
        add.arg("storegate:journal");
        add
    };
    let last: String = add().arg("*").arg("event").arg(OTHERS_PURGE).query(&mut connection).unwrap();
    gives_nothing_older(&fleet, "it has read up to here").await;
    fleet.replicas[0].get(FLOW).await;
    // The other master's journal has the same events, and one more before the last of them.
    let (first, begun): (String, Vec<String>) = redis::cmd("XRANGE")
        .arg("storegate:journal")
        .arg("-")
        .arg("+")
        .arg("COUNT")
        .arg(1)
        .query(&mut connection)
        .map(|mut events: Vec<(String, Vec<String>)>| events.remove(0))
        .unwrap();
    let between = format!("{}-{}", first.split('-').next().unwrap(), 7);
    let mut pipeline = redis::pipe();
    pipeline.atomic().del("storegate:journal").ignore();
    redis.keys("storegate:answer:*").into_iter().for_each(|key| {
        pipeline.del(key).ignore();
    });
    for (at, event) in [(&first, begun[1].as_str()), (&between, OTHERS_PURGE), (&last, OF_A_LATER_VERSION)] {
        pipeline.add_command(add().arg(at).arg("event").arg(event).clone()).ignore();
    }
    let () = pipeline.query(&mut connection).unwrap();
    assert!(cache_status(&fleet.replicas[0].get(FLOW).await).starts_with("storegate; hit"), "it looks no more there");
    let _: i64 = redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").query(&mut connection).unwrap();
    gives_nothing_older(&fleet, "it has read it again").await;
}
