//! Some replicas of the service in front of one gateway, and the Redis that they share.

use crate::app::answer::Answer;
use crate::app::requests::{FLOW, TOTAL_DATA};
use crate::app::waiting::eventually;
use crate::app::{TestApp, documented};
use crate::redis_server::RedisServer;

/// How long a request waits for Redis in tests that are not about that: a busy machine takes longer than the usual 45 ms.
pub const PATIENT: (&str, &str) = ("REDIS__TIMEOUT", "30s");

/// How long it waits unless the operator says otherwise, for tests that are about that.
pub const USUAL: (&str, &str) = ("REDIS__TIMEOUT", "45ms");

/// The replicas; the first one holds the gateway.
pub struct Fleet {
    pub replicas: Vec<TestApp>,
}

impl Fleet {
    /// So many replicas that share this Redis, which they use before a test goes on.
    pub async fn of(size: usize, redis: &RedisServer) -> Self {
        let fleet = Self::that_may_wait(size, &[("REDIS__NODES", &redis.node())], |_| {});
        fleet.all_share().await;
        fleet
    }

    /// So many replicas with these variables, whether they share anything yet or not. They are patient with Redis unless a
    /// variable says otherwise.
    pub fn that_may_wait(size: usize, variables: &[(&str, &str)], choose: impl FnOnce(&mut crate::app::Setup)) -> Self {
        let variables = [&[PATIENT], variables].concat();
        let first = TestApp::with(|setup| {
            documented(setup);
            variables.iter().for_each(|(name, value)| setup.set(name, *value));
            choose(setup);
        });
        let mut replicas = vec![first];
        for _ in 1..size {
            replicas.push(TestApp::beside(&replicas[0], &variables));
        }
        Self { replicas }
    }

    /// Waits until all replicas share.
    pub async fn all_share(&self) {
        for replica in &self.replicas {
            shares(replica, "in_use").await;
        }
    }

    /// Waits until none shares.
    pub async fn none_shares(&self) {
        for replica in &self.replicas {
            shares(replica, "unavailable").await;
        }
    }

    /// How often the gateway was asked for the flow.
    pub fn flow_calls(&self) -> u64 {
        self.replicas[0].sandbox().calls_of(TOTAL_DATA)
    }
}

/// Another replica at this Redis, which it uses before a test goes on.
pub async fn late(first: &TestApp, redis: &RedisServer) -> TestApp {
    let late = TestApp::beside(first, &[("REDIS__NODES", &redis.node()), PATIENT]);
    shares(&late, "in_use").await;
    late
}

/// Waits until the replica says so of what it shares.
pub async fn shares(replica: &TestApp, state: &str) {
    eventually(&format!("shared is {state}"), async || says_of_shared(replica).await == state).await;
}

/// What the replica says of what it shares.
pub async fn says_of_shared(replica: &TestApp) -> String {
    let ready = replica.send("GET", "/readyz", &[], "").await.json();
    ready["shared"].as_str().unwrap_or_default().to_owned()
}

/// How the answer came about.
pub fn cache_status(answer: &Answer) -> &str {
    answer.header("cache-status").expect("answers of resources say how they came about")
}

/// A path that no replica has an answer for.
pub fn unseen() -> String {
    format!("/stores/S_{}/flow", fastrand::u32(200_000..900_000))
}

/// Asks each replica for what none has an answer for; no request may show that anything is amiss.
pub async fn all_answer(fleet: &Fleet) {
    for replica in &fleet.replicas {
        for path in [FLOW.to_owned(), unseen()] {
            let answer = replica.get(&path).await;
            // The sandbox knows no store of that number.
            assert!([200, 404].contains(&answer.status), "{path}: {}", answer.text());
        }
    }
}
