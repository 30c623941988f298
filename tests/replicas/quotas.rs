//! What replicas count together: quotas, and the seconds of signatures.

use std::cell::Cell;
use std::collections::BTreeMap;

use futures_util::future::join_all;
use redis::Commands;

use crate::app::answer::Answer;
use crate::app::requests::FLOW;
use crate::app::waiting::eventually;
use crate::fleet::Fleet;
use crate::redis_server::RedisServer;

/// One comes back every ten minutes, by Redis' clock: longer than any test takes.
const QUOTA: (&str, &str) = ("AUTH__CLIENTS__DASHBOARD__QUOTA", "60/10h");

/// What is left of a quota. The seconds behind it pass by Redis' clock while a test runs.
fn left(answer: &Answer) -> Option<&str> {
    answer.header("ratelimit")?.split_once(";t=").map(|(left, _)| left)
}

pub async fn a_quota_is_spent_by_all_replicas_together_to_the_last_request() {
    let redis = RedisServer::start();
    let fleet = Fleet::that_may_wait(3, &[("REDIS__NODES", &redis.node()), QUOTA], |_| {});
    fleet.all_share().await;
    let first = fleet.replicas[0].get(FLOW).await;
    assert_eq!(left(&first), Some("\"default\";r=59"));
    let mut statuses = BTreeMap::<u16, u32>::new();
    for round in 0..40 {
        // Now one after the other, now all at once.
        let answers = if round % 2 == 0 {
            join_all(fleet.replicas.iter().map(|replica| replica.get(FLOW))).await
        } else {
            let mut answers = Vec::new();
            for replica in &fleet.replicas {
                answers.push(replica.get(FLOW).await);
            }
            answers
        };
        answers.iter().for_each(|answer| *statuses.entry(answer.status).or_default() += 1);
    }
    assert_eq!(statuses, BTreeMap::from([(200, 59), (429, 61)]));
    let refused = fleet.replicas[2].get(FLOW).await;
    assert_eq!((refused.status, refused.problem().as_str()), (429, "quota-exceeded"));
    assert!(refused.header("ratelimit").is_some_and(|told| told.starts_with("\"default\";r=0;t=")));
    let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=600).contains(&wait), "{wait}");
}

pub async fn a_batch_is_counted_by_all_replicas_together_and_whole_or_not_at_all() {
    let redis = RedisServer::start();
    let quota = ("AUTH__CLIENTS__DASHBOARD__QUOTA", "100/24h");
    let fleet = Fleet::that_may_wait(2, &[("REDIS__NODES", &redis.node()), quota], |_| {});
    fleet.all_share().await;
    let batch = |first: u32, stores: u32| {
        let ids: Vec<String> = (first..first + stores).map(|store| format!("S_{store}")).collect();
        format!("/flow?store_id={}", ids.join(","))
    };
    let first = fleet.replicas[0].get(&batch(100_001, 40)).await;
    assert_eq!((first.status, left(&first)), (200, Some("\"default\";r=60")));
    let second = fleet.replicas[1].get(&batch(100_001, 50)).await;
    assert_eq!((second.status, left(&second)), (200, Some("\"default\";r=10")));
    for replica in &fleet.replicas {
        let refused = replica.get(&batch(100_001, 20)).await;
        assert_eq!((refused.status, left(&refused)), (429, Some("\"default\";r=10")));
    }
    let mut statuses = Vec::new();
    for number in 0..11 {
        statuses.push(fleet.replicas[number % 2].get(FLOW).await.status);
    }
    assert_eq!(statuses, [&[200; 10][..], &[429]].concat(), "a batch that was refused took none of them");
}

pub async fn what_one_replica_took_and_does_not_use_another_may() {
    let redis = RedisServer::start();
    let fleet = Fleet::that_may_wait(2, &[("REDIS__NODES", &redis.node()), QUOTA], |_| {});
    fleet.all_share().await;
    assert_eq!(fleet.replicas[0].get(FLOW).await.status, 200);
    fleet.replicas[0].pass(1);
    let passed = Cell::new(0);
    eventually("all that is left is let pass", async || {
        let has_passed = fleet.replicas[1].get(FLOW).await.status == 200;
        passed.set(passed.get() + u32::from(has_passed));
        passed.get() == 59
    })
    .await;
    assert_eq!(fleet.replicas[1].get(FLOW).await.status, 429);
}

pub async fn a_count_at_redis_that_is_no_number_is_counted_from_zero() {
    let redis = RedisServer::start();
    let node = redis.node();
    let small = ("AUTH__CLIENTS__DASHBOARD__QUOTA", "3/24h");
    let fleet = Fleet::that_may_wait(1, &[("REDIS__NODES", node.as_str()), small], |_| {});
    fleet.all_share().await;
    let replica = &fleet.replicas[0];
    assert_eq!(replica.get(FLOW).await.status, 200);
    let key = redis.keys("storegate:quota:*").remove(0);
    let mut connection = redis.connection().unwrap();
    for value in ["nan", "-nan", "nan(0x1)", "inf", "-inf", "1e400", "-1e400", "0x7fffffffffffffff", "rubbish", "", " "]
    {
        let _: () = connection.del(&key).unwrap();
        eventually("it is counted again", async || replica.get(FLOW).await.status == 200).await;
        let _: () = connection.set(&key, value).unwrap();
        let mut statuses = Vec::new();
        for _ in 0..5 {
            statuses.push(replica.get(FLOW).await.status);
        }
        assert_eq!(statuses, [200, 200, 200, 429, 429], "{value:?}");
    }
}

pub async fn without_redis_each_replica_counts_for_itself() {
    let mut redis = RedisServer::start();
    let fleet = Fleet::that_may_wait(2, &[("REDIS__NODES", &redis.node()), QUOTA], |_| {});
    fleet.all_share().await;
    for _ in 0..20 {
        assert_eq!(fleet.replicas[0].get(FLOW).await.status, 200);
    }
    redis.kill();
    let let_pass = async |number: usize| {
        let replica = &fleet.replicas[number];
        let answers = join_all((0..80).map(|_| replica.get(FLOW))).await;
        answers.iter().filter(|answer| answer.status == 200).count()
    };
    assert_eq!((let_pass(0).await, let_pass(1).await), (40, 60), "each knows what it has let pass itself");
    redis.start_again();
}
