//! Redis absent, dead, hanging, full, or full of rubbish: slower, never wrong, and never down.

use std::net::TcpListener;

use redis::Commands;

use crate::app::TestApp;
use crate::app::requests::FLOW;
use crate::app::waiting::eventually;
use crate::fleet::{Fleet, PATIENT, USUAL, all_answer, late, says_of_shared, shares, unseen};
use crate::redis_server::{RedisServer, free_port};

pub async fn a_redis_that_is_not_there_at_the_start_is_used_as_soon_as_it_is() {
    let port = free_port();
    let fleet = Fleet::that_may_wait(2, &[("REDIS__NODES", &format!("127.0.0.1:{port}"))], |_| {});
    all_answer(&fleet).await;
    fleet.none_shares().await;
    let _redis = RedisServer::with(port, &[], None);
    eventually("both share", async || {
        for replica in &fleet.replicas {
            if replica.send("GET", "/readyz", &[], "").await.json()["shared"] != "in_use" {
                return false;
            }
        }
        true
    })
    .await;
    all_answer(&fleet).await;
}

pub async fn a_killed_redis_costs_no_request_and_is_used_again_when_it_is_back() {
    let mut redis = RedisServer::start();
    let fleet = Fleet::of(2, &redis).await;
    all_answer(&fleet).await;
    redis.kill();
    for _ in 0..20 {
        all_answer(&fleet).await;
    }
    fleet.none_shares().await;
    redis.start_again();
    fleet.all_share().await;
    let fresh = fleet.replicas[0].request("operator", "GET", FLOW, &[("cache-control", "no-cache")]).await;
    assert_eq!(fresh.status, 200);
    eventually("answers are kept again", async || !redis.keys("storegate:answer:*").is_empty()).await;
}

pub async fn a_redis_that_hangs_costs_no_request_and_is_used_again_when_it_answers() {
    let redis = RedisServer::start();
    let fleet = Fleet::that_may_wait(2, &[("REDIS__NODES", &redis.node()), USUAL], |_| {});
    fleet.all_share().await;
    redis.pause();
    for _ in 0..20 {
        all_answer(&fleet).await;
    }
    fleet.none_shares().await;
    redis.resume();
    fleet.all_share().await;
    all_answer(&fleet).await;
}

pub async fn garbage_under_every_key_is_a_miss() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(2, &redis).await;
    let right = fleet.replicas[0].get(FLOW).await;
    eventually("the answer is kept", async || !redis.keys("storegate:answer:*").is_empty()).await;
    let key = redis.keys("storegate:answer:*").remove(0);
    let mut connection = redis.connection().unwrap();
    let value: Vec<u8> = connection.get(&key).unwrap();
    let mut changed = value.clone();
    changed[150] ^= 1;
    let cut = value[..value.len() - 1].to_vec();
    for rubbish in [b"rubbish".to_vec(), Vec::new(), vec![0; 100], changed, cut] {
        let _: () = connection.pset_ex(&key, rubbish, 630_000).unwrap();
        let late = late(&fleet.replicas[0], &redis).await;
        assert_eq!(late.get(FLOW).await.body, right.body);
    }
    // Things that are no texts at all, under all keys but the journal.
    for key in redis.keys("*").into_iter().filter(|key| !key.ends_with(":journal")) {
        let _: () = connection.del(&key).unwrap();
        let _: () = connection.lpush(&key, "rubbish").unwrap();
    }
    let late = TestApp::beside(&fleet.replicas[0], &[("REDIS__NODES", &redis.node()), PATIENT]);
    assert_eq!(late.get(FLOW).await.body, right.body);
    all_answer(&fleet).await;
    for event in ["rubbish", "{}", r#"{"by":1,"is":"purged"}"#, r#"{"by":1,"is":"made up"}"#] {
        let mut add = redis::cmd("XADD");
        let _: String = add.arg("storegate:journal").arg("*").arg("event").arg(event).query(&mut connection).unwrap();
    }
    let _: String =
        redis::cmd("XADD").arg("storegate:journal").arg("*").arg("other").arg("x").query(&mut connection).unwrap();
    all_answer(&fleet).await;
    let _: () = connection.set("storegate:journal", "rubbish").unwrap();
    fleet.none_shares().await;
    all_answer(&fleet).await;
    let _: () = connection.del("storegate:journal").unwrap();
    fleet.all_share().await;
}

pub async fn a_redis_that_is_full_from_the_beginning_costs_no_request() {
    let redis = RedisServer::with(free_port(), &["--maxmemory", "1", "--maxmemory-policy", "noeviction"], None);
    let fleet = Fleet::that_may_wait(2, &[("REDIS__NODES", &redis.node())], |_| {});
    let refused = redis.connection().unwrap().set::<_, _, ()>("key", "value").unwrap_err();
    assert!(refused.to_string().contains("OOM"), "it is full");
    for _ in 0..10 {
        all_answer(&fleet).await;
    }
    fleet.none_shares().await;
}

pub async fn a_redis_that_becomes_full_is_read_and_written_to_again_when_it_has_room() {
    let redis = RedisServer::start();
    let node = redis.node();
    let variables = [("REDIS__NODES", node.as_str()), ("AUTH__CLIENTS__COUNTER__QUOTA", "10000/10m")];
    let fleet = Fleet::that_may_wait(2, &variables, |_| {});
    fleet.all_share().await;
    let (one, other) = (&fleet.replicas[0], &fleet.replicas[1]);
    let dead = one.token("dashboard");
    assert_eq!(one.post_form("dashboard", "/oauth/revoke", &format!("token={dead}")).await.status, 200);
    // Some of a quota is held, to be given back.
    assert_eq!(one.get_as("counter", FLOW).await.status, 200);
    other.get(FLOW).await;
    let room = |bytes: &str| {
        let mut connection = redis.connection().unwrap();
        let () = redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(bytes).query(&mut connection).unwrap();
    };
    room("1");
    assert_eq!(one.request("operator", "DELETE", "/cache?store_id=S_123456", &[]).await.status, 200);
    // The purge is sent with each reading, and each tenth reading looks at the revoked tokens.
    eventually("the server has refused the purge often", async || {
        all_answer(&fleet).await;
        for replica in &fleet.replicas {
            assert_eq!(says_of_shared(replica).await, "in_use");
        }
        redis.count("commandstats", "cmdstat_xadd", "rejected_calls") >= 12
    })
    .await;
    let late = TestApp::beside(one, &[&variables[..], &[PATIENT]].concat());
    shares(&late, "in_use").await;
    assert_eq!(late.get_with_token(&dead, FLOW).await.status, 401, "it can still be read");
    one.pass(5);
    assert!(other.get(FLOW).await.header("age").is_some_and(|age| age != "0"), "it was not told");
    room("0");
    eventually("the purge reaches the other one", async || other.get(FLOW).await.header("age") == Some("0")).await;
}

pub async fn a_server_that_may_only_be_read_is_given_up_until_it_may_be_written_to() {
    let (redis, other) = (RedisServer::start(), RedisServer::start());
    let fleet = Fleet::of(2, &redis).await;
    all_answer(&fleet).await;
    let follow = |host: &str, port: &str| {
        let mut connection = redis.connection().unwrap();
        let () = redis::cmd("REPLICAOF").arg(host).arg(port).query(&mut connection).unwrap();
    };
    follow("127.0.0.1", &other.port.to_string());
    for replica in &fleet.replicas {
        eventually("it has noticed", async || {
            replica.get(&unseen()).await;
            says_of_shared(replica).await == "unavailable"
        })
        .await;
    }
    // And it is not taken for a good one again and again, though it answers.
    let probes = || redis.count("commandstats", "cmdstat_evalsha", "failed_calls");
    let before = probes();
    eventually("both have tried it three times more", async || {
        assert_eq!(says_of_shared(&fleet.replicas[0]).await, "unavailable");
        probes() >= before + 6
    })
    .await;
    all_answer(&fleet).await;
    follow("NO", "ONE");
    fleet.all_share().await;
}

pub async fn something_that_is_no_redis_costs_no_request() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let node = other.local_addr().unwrap().to_string();
    // It answers as a web server would, and then nothing.
    std::thread::spawn(move || {
        for connection in other.incoming().take(3) {
            use std::io::Write as _;
            let _written = connection.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let fleet = Fleet::that_may_wait(1, &[("REDIS__NODES", &node)], |_| {});
    for _ in 0..10 {
        all_answer(&fleet).await;
    }
    fleet.none_shares().await;
}
