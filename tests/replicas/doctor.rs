//! `storegate doctor` about Redis: each thing broken in turn, the cause and the remedy.

use std::fs;

use crate::app::program::run;
use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::tenants::{configuration, sandbox_settings};
use crate::redis_server::{Directory, RedisServer, free_port};

/// The line about Redis for this section, and the exit code.
fn report(section: &str) -> (String, Option<i32>) {
    let gateway = SandboxGateway::live_with(sandbox_settings());
    let directory = Directory::new();
    let file = directory.0.join("storegate.toml");
    fs::write(&file, format!("{}\n[redis]\n{section}", configuration(&gateway.sandbox))).unwrap();
    let output = run(&["doctor", "--config", file.to_str().unwrap()], &[], "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("planted"), "{text}");
    let line = text.lines().find(|line| line.contains(" redis")).unwrap_or_else(|| panic!("nothing of redis: {text}"));
    (line.to_owned(), output.status.code())
}

fn is_reported(section: &str, status: &str, code: i32, parts: &[&str]) {
    let (line, exit) = report(section);
    assert!(line.starts_with(status) && parts.iter().all(|part| line.contains(part)), "{section}: {line}");
    assert_eq!(exit, Some(code), "{line}");
}

pub async fn a_working_redis_is_reported_with_its_version_and_round_trip() {
    let redis = RedisServer::start();
    is_reported(&format!("nodes = [\"{}\"]", redis.node()), "ok", 0, &["version ", "a round trip takes 0."]);
    assert!(redis.keys("storegate:*").len() <= 1, "what was tried ends by itself");
}

pub async fn each_problem_with_redis_is_reported_with_its_remedy() {
    let dead = format!("nodes = [\"127.0.0.1:{}\"]", free_port());
    is_reported(&dead, "failed", 2, &["replicas share nothing", "check redis.nodes", "server runs"]);
    let secret = RedisServer::with(free_port(), &["--requirepass", "planted-password"], Some("planted-password"));
    let node = format!("nodes = [\"{}\"]", secret.node());
    is_reported(&node, "failed", 2, &["redis.password"]);
    is_reported(
        &format!("{node}\npassword = \"planted-other\""),
        "failed",
        2,
        &["check redis.username and redis.password"],
    );
    is_reported(&format!("{node}\npassword = \"planted-password\""), "ok", 0, &[]);
    let full = RedisServer::with(free_port(), &["--maxmemory", "100mb", "--maxmemory-policy", "noeviction"], None);
    is_reported(&format!("nodes = [\"{}\"]", full.node()), "warning", 1, &["refuses what is new", "volatile-lru"]);
    let plain = RedisServer::start();
    let node = format!("nodes = [\"{}\"]", plain.node());
    is_reported(&format!("{node}\nmode = \"sentinel\"\nmaster = \"shop\""), "failed", 2, &["sentinels"]);
    is_reported(&format!("{node}\nmode = \"cluster\""), "failed", 2, &["cluster"]);
    plain.pause();
    is_reported(&node, "failed", 2, &["replicas share nothing", "redis.nodes"]);
    plain.resume();
    let replica = RedisServer::with(free_port(), &["--replicaof", "127.0.0.1", &plain.port.to_string()], None);
    is_reported(&format!("nodes = [\"{}\"]", replica.node()), "failed", 2, &["sentinel"]);
}
