//! Many readers of one long answer at once: the program's memory is bounded by what it sends them, in whichever encoding
//! they take it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::tenants::{configuration, sandbox_settings};
use crate::instructions::{address, directory, token};
use crate::program::Program;

const READERS: usize = 64;
const REQUESTS_OF_EACH: usize = 4;

/// What the readers may add at the most: some answers of 40 KiB for each connection, and an encoder for each core. With a
/// pair of encoders for each request it was several hundred MiB.
const MOST_GROWTH: u64 = 48 << 20;

pub fn readers_of_long_answers_add_no_more_memory_than_what_they_are_sent() {
    let gateway = SandboxGateway::live_with(sandbox_settings());
    let configuration = configuration(&gateway.sandbox);
    let directory = directory("readers");
    let (config, ready) = (directory.join("storegate.toml"), directory.join("ready.json"));
    fs::write(&config, &configuration).unwrap();
    let mut program = Program::start(env!("CARGO_BIN_EXE_storegate"), &[], &config, &ready);
    let address = address(&ready, &mut program);
    let token = token(&configuration);
    let stores: Vec<String> = (100_001..=100_060).map(|id| format!("store_id=S_{id}")).collect();
    let path = format!("/flow?{}", stores.join("&"));
    let ask = |encoding: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nAccept-Encoding: {encoding}\r\n\
             Connection: close\r\n\r\n"
        )
    };
    // Cold: the stores are warm from here on.
    let plain = answer(address, &ask("identity"));
    assert!(plain.len() > 32 << 10, "{} bytes are no long answer", plain.len());
    let before = peak(program.id());
    thread::scope(|scope| {
        for reader in 0..READERS {
            let request = ask(["identity", "gzip", "br", "gzip, deflate, br"][reader % 4]);
            scope.spawn(move || {
                for _ in 0..REQUESTS_OF_EACH {
                    assert!(answer(address, &request).starts_with(b"HTTP/1.1 200"));
                }
            });
        }
    });
    let grown = peak(program.id()) - before;
    println!("{READERS} readers of {} bytes added {grown} bytes to {before}", plain.len());
    assert!(grown < MOST_GROWTH, "{grown} bytes");
    program.terminate();
}

fn answer(address: SocketAddr, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// `VmHWM`, the most that was resident at a time, in bytes.
fn peak(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() << 10
}
