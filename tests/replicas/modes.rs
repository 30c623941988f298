//! Redis with a password, over TLS, behind sentinels, and as a cluster.

use std::cell::Cell;
use std::process::{Command, Stdio};

use redis::Commands;

use crate::app::requests::FLOW;
use crate::app::waiting::eventually;
use crate::app::waiting::wait_until;
use crate::fleet::{Fleet, all_answer, cache_status, says_of_shared};
use crate::redis_server::{Directory, RedisServer, free_port, free_port_of_a_cluster, program};

/// Two replicas share, and one finds what the other fetched.
async fn both_find_the_same(fleet: &Fleet) {
    fleet.all_share().await;
    let fetched = fleet.replicas[0].get(FLOW).await;
    assert_eq!(fetched.status, 200);
    let found = fleet.replicas[1].get(FLOW).await;
    assert_eq!(found.body, fetched.body);
    let status = cache_status(&found);
    assert!(status.contains("detail=shared") && fleet.flow_calls() == 1, "{status}");
}

pub async fn a_password_lets_in_and_a_wrong_one_costs_no_request() {
    let redis = RedisServer::with(free_port(), &["--requirepass", "a-redis-password"], Some("a-redis-password"));
    let node = redis.node();
    let with =
        |password: &str| Fleet::that_may_wait(2, &[("REDIS__NODES", &node), ("REDIS__PASSWORD", password)], |_| {});
    both_find_the_same(&with("a-redis-password")).await;
    let refused = with("another-password");
    all_answer(&refused).await;
    refused.none_shares().await;
}

pub async fn a_redis_user_with_access_to_the_prefix_alone_is_enough() {
    let redis = RedisServer::start();
    let mut allow = redis::cmd("ACL");
    // As deploy/make-secrets writes it.
    allow
        .arg("SETUSER")
        .arg("storegate")
        .arg("on")
        .arg(">a-redis-password")
        .arg("~storegate:*")
        .arg("+@all")
        .arg("-@admin");
    let () = allow.query(&mut redis.connection().unwrap()).unwrap();
    let node = redis.node();
    let variables = [
        ("REDIS__NODES", node.as_str()),
        ("REDIS__USERNAME", "storegate"),
        ("REDIS__PASSWORD", "a-redis-password"),
        ("AUTH__CLIENTS__COUNTER__QUOTA", "5/10m"),
    ];
    let fleet = Fleet::that_may_wait(2, &variables, |_| {});
    both_find_the_same(&fleet).await;
    let replica = &fleet.replicas[0];
    assert_eq!(replica.get_as("counter", FLOW).await.status, 200);
    assert_eq!(replica.get("/stores/SHOP001").await.status, 200);
    let token = replica.token("dashboard");
    assert_eq!(replica.post_form("dashboard", "/oauth/revoke", &format!("token={token}")).await.status, 200);
    assert_eq!(replica.request("operator", "DELETE", "/cache", &[]).await.status, 200);
    for kind in ["answer", "quota", "revoked", "journal"] {
        eventually(kind, async || !redis.keys(&format!("storegate:{kind}*")).is_empty()).await;
    }
    // The library gives its name with a command that Redis 6.2 counts as an administrator's, and goes on without.
    let denied: redis::Value = redis::cmd("ACL").arg("LOG").query(&mut redis.connection().unwrap()).unwrap();
    assert!(!format!("{denied:?}").contains("'\"key\"'"), "{denied:?}");
    fleet.all_share().await;
}

pub async fn over_tls_with_a_certificate_of_ones_own_authority() {
    let directory = Directory::new();
    let path = |name: &str| directory.0.join(name).display().to_string();
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(&directory.0).stderr(Stdio::null());
        assert!(command.status().expect("openssl makes the certificates").success(), "{arguments}");
    };
    std::fs::write(path("san"), "subjectAltName=IP:127.0.0.1").unwrap();
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority");
    openssl("req -newkey rsa:2048 -nodes -keyout redis.key -out redis.csr -subj /CN=redis");
    openssl("x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out redis.pem -days 2 -extfile san");
    let (plain, tls) = (free_port(), free_port().to_string());
    let options = [
        ("--tls-port", tls.clone()),
        ("--tls-cert-file", path("redis.pem")),
        ("--tls-key-file", path("redis.key")),
        ("--tls-ca-cert-file", path("ca.pem")),
        ("--tls-auth-clients", "no".to_owned()),
    ];
    let options: Vec<&str> = options.iter().flat_map(|(name, value)| [*name, value]).collect();
    let _redis = RedisServer::with(plain, &options, None);
    let node = format!("127.0.0.1:{tls}");
    let authority = path("ca.pem");
    let trusting = Fleet::that_may_wait(
        2,
        &[("REDIS__NODES", &node), ("REDIS__TLS", "true"), ("REDIS__CA_FILE", &authority)],
        |_| {},
    );
    both_find_the_same(&trusting).await;
    let distrusting = Fleet::that_may_wait(1, &[("REDIS__NODES", &node), ("REDIS__TLS", "true")], |_| {});
    all_answer(&distrusting).await;
    distrusting.none_shares().await;
}

pub async fn behind_sentinels_another_server_takes_over() {
    let mut first = RedisServer::start();
    let second = RedisServer::with(free_port(), &["--replicaof", "127.0.0.1", &first.port.to_string()], None);
    let directory = Directory::new();
    let port = free_port();
    let configuration = format!(
        "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor shop 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds shop 500\nsentinel failover-timeout shop 2000\n",
        directory.0.display(),
        first.port
    );
    let file = directory.0.join("sentinel.conf");
    std::fs::write(&file, configuration).unwrap();
    let mut sentinel = Command::new(program().unwrap())
        .arg(&file)
        .arg("--sentinel")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let node = format!("127.0.0.1:{port}");
    let fleet = Fleet::that_may_wait(
        2,
        &[("REDIS__MODE", "sentinel"), ("REDIS__MASTER", "shop"), ("REDIS__NODES", &node)],
        |_| {},
    );
    both_find_the_same(&fleet).await;
    wait_until("the second server has what the first one has", || !second.keys("storegate:answer:*").is_empty());
    wait_until("the sentinel knows the second server", || {
        let client = redis::Client::open(format!("redis://127.0.0.1:{port}/")).unwrap();
        let mut connection = client.get_connection().unwrap();
        let replicas: Vec<redis::Value> =
            redis::cmd("SENTINEL").arg("replicas").arg("shop").query(&mut connection).unwrap();
        !replicas.is_empty()
    });
    first.kill();
    all_answer(&fleet).await;
    fleet.all_share().await;
    eventually("the second server is written to", async || {
        all_answer(&fleet).await;
        let role: Vec<redis::Value> = redis::cmd("ROLE").query(&mut second.connection().unwrap()).unwrap();
        role.first() == Some(&redis::Value::BulkString(b"master".to_vec()))
    })
    .await;
    fleet.all_share().await;
    all_answer(&fleet).await;
    sentinel.kill().unwrap();
    sentinel.wait().unwrap();
}

/// Three nodes that share the slots, each a third of them, in order.
fn cluster() -> Vec<RedisServer> {
    const OPTIONS: [&str; 6] =
        ["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no", "--cluster-node-timeout", "1000"];
    let nodes: Vec<RedisServer> = (0..3).map(|_| RedisServer::with(free_port_of_a_cluster(), &OPTIONS, None)).collect();
    for (number, node) in nodes.iter().enumerate() {
        let mut connection = node.connection().unwrap();
        let slots: Vec<usize> = (number * 16_384 / 3..(number + 1) * 16_384 / 3).collect();
        let () = redis::cmd("CLUSTER").arg("ADDSLOTS").arg(slots).query(&mut connection).unwrap();
        let () = redis::cmd("CLUSTER").arg("MEET").arg("127.0.0.1").arg(nodes[0].port).query(&mut connection).unwrap();
    }
    wait_until("the cluster is whole", || {
        nodes.iter().all(|node| {
            let info: String = redis::cmd("CLUSTER").arg("INFO").query(&mut node.connection().unwrap()).unwrap();
            info.contains("cluster_slots_ok:16384")
        })
    });
    nodes
}

pub async fn in_a_cluster_all_of_it_works() {
    let nodes = cluster();
    let node = nodes[0].node();
    let variables =
        [("REDIS__MODE", "cluster"), ("REDIS__NODES", node.as_str()), ("AUTH__CLIENTS__COUNTER__QUOTA", "5/10m")];
    let fleet = Fleet::that_may_wait(2, &variables, |_| {});
    both_find_the_same(&fleet).await;
    let mut passed = 0;
    for number in 0..10 {
        passed += u32::from(fleet.replicas[number % 2].get_as("counter", FLOW).await.status == 200);
    }
    assert_eq!(passed, 5);
    assert_eq!(fleet.replicas[0].request("operator", "DELETE", "/cache", &[]).await.status, 200);
    eventually("the other has dropped its answer", async || {
        !cache_status(&fleet.replicas[1].get(FLOW).await).starts_with("storegate; hit; ttl") || fleet.flow_calls() > 1
    })
    .await;
    let kept: usize = nodes.iter().map(|node| node.keys("storegate:*").len()).sum();
    assert!(kept >= 3, "{kept}");
    let _: bool = nodes[0].connection().unwrap().exists("storegate:none").unwrap_or_default();
}

pub async fn a_cluster_without_one_of_its_nodes_is_used_for_what_the_others_have() {
    let mut nodes = cluster();
    let node = nodes[0].node();
    let fleet = Fleet::that_may_wait(2, &[("REDIS__MODE", "cluster"), ("REDIS__NODES", node.as_str())], |_| {});
    fleet.all_share().await;
    // The journal and the dead tokens are at the second one.
    nodes[2].kill();
    // Whether another replica finds an answer that one has fetched: a new one each time.
    let asked = Cell::new(0_u32);
    let is_found = async || {
        let number = asked.replace(asked.get() + 1);
        let (year, month, day) = (2025 - number / 336, number / 28 % 12 + 1, number % 28 + 1);
        let date = format!("{year}-{month:02}-{day:02}");
        let path = format!("/stores/S_123456/demographics?from={date}&to={date}");
        let mut found = false;
        for replica in &fleet.replicas {
            let answer = replica.get(&path).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            found |= cache_status(&answer).ends_with("detail=shared");
            assert_eq!(says_of_shared(replica).await, "in_use");
        }
        found
    };
    // Two answers of three lie at the other nodes: which ones, chance decides, and a hundred are enough to see both.
    let (mut found, mut lost) = (false, false);
    while !(found && lost) && asked.get() < 100 {
        match is_found().await {
            true => found = true,
            false => lost = true,
        }
    }
    assert!(found && lost, "found some: {found}, lost some: {lost}");
    nodes[2].start_again();
    let are_all_found = async || {
        for _ in 0..12 {
            if !is_found().await {
                return false;
            }
        }
        true
    };
    eventually("all of them are found again", are_all_found).await;
}
