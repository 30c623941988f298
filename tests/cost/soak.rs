//! Nothing grows: the program answers everything that callers send, over and over, and its memory is looked at.
//!
//! For ten seconds by itself; `STOREGATE_SOAK_SECONDS=3600 cargo test --release --test cost soak -- --nocapture` takes an hour.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::tenants::{configuration, sandbox_settings};
use crate::instructions::{address, directory, token};
use crate::program::Program;

/// What may come and go between two looks: buffers, tables that double, pages that the allocator keeps.
const MOST_GROWTH: u64 = 12 << 20;

#[expect(clippy::disallowed_methods, reason = "a soak lasts for a time of the machine's clock")]
pub fn a_soak_leaves_the_programs_memory_as_it_was() {
    let seconds = std::env::var("STOREGATE_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let gateway = SandboxGateway::live_with(sandbox_settings());
    // So little that the cache is full before the first look, and goes on evicting.
    let configuration = format!("{}\n[cache]\nsize = \"2MiB\"\n", configuration(&gateway.sandbox));
    let directory = directory("soak");
    let (config, ready) = (directory.join("storegate.toml"), directory.join("ready.json"));
    fs::write(&config, &configuration).unwrap();
    let mut program = Program::start(env!("CARGO_BIN_EXE_storegate"), &[], &config, &ready);
    let address = address(&ready, &mut program);
    let started = Instant::now();
    let mut looks = Vec::new();
    let mut round = 0;
    // On a busy machine a round may take seconds.
    while started.elapsed() < Duration::from_secs(seconds) || looks.len() < 4 {
        let token = token(&configuration);
        for _ in 0..4 {
            round += 1;
            everything(address, &token, round);
        }
        looks.push(resident(program.id()));
    }
    let (early, late) = (looks[looks.len() / 2], looks[looks.len() - 1]);
    println!("{round} rounds, {early} bytes half-way, {late} at the end");
    assert!(late < early + MOST_GROWTH, "{looks:?}");
    program.terminate();
}

/// One connection's worth of all there is: hits, misses, an answer that is not modified, errors, a bad token, a purge.
fn everything(address: SocketAddr, token: &str, round: u32) {
    let mut requests = String::new();
    let mut ask = |method: &str, path: &str, token: &str, more: &str| {
        requests += &format!("{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n{more}\r\n");
    };
    for number in 0..8 {
        ask("GET", "/stores/S_123456/flow", token, "");
        ask("GET", "/stores/S_123456/flow", token, "If-None-Match: *\r\nAccept-Encoding: br\r\n");
        let (hour, minute) = (round / 60 % 24, round % 60);
        let from = format!("from=2026-10-01T{hour:02}:{minute:02}:{number:02}%2B08:00&to=2026-10-31");
        ask("GET", &format!("/stores/S_123456/demographics?{from}"), token, "");
        ask("GET", &format!("/stores?page_size=1{number}"), token, "Accept-Encoding: gzip\r\n");
        ask("GET", &format!("/nothing/{round}/{number}"), token, &format!("X-Request-Id: {round}-{number}\r\n"));
        ask("GET", "/stores/S_123456/flow", &format!("{token}{round}"), "");
        ask("GET", "/stores/S_123456/flow?unknown=1", token, "");
    }
    ask("DELETE", "/cache?store_id=S_123456", token, "");
    ask("GET", "/healthz", token, "Connection: close\r\n");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut writer = stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || writer.write_all(requests.as_bytes()).unwrap());
        let mut answers = Vec::new();
        stream.read_to_end(&mut answers).unwrap();
        let answers = String::from_utf8_lossy(&answers);
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 8 * 7 + 2, "{answers}");
        assert_eq!(answers.matches("HTTP/1.1 5").count(), 0, "{answers}");
    });
}

/// `VmRSS` in bytes.
fn resident(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() << 10
}
