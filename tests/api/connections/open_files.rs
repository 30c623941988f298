//! A system that allows few open files: fewer connections are taken, and those that are there go on being served.

use std::fs;

use crate::app::configurations::directory_with_key;
use crate::app::configurations::program_configuration;
use crate::app::program::{Running, directory};
use crate::peers::raw_connection::RawConnection;

#[test]
fn connected_clients_are_served_though_more_come_than_open_files_allow() {
    let place = directory("few-open-files").join("ready.json");
    let server = Running::start_below(160, &["demo", "--listen", "127.0.0.1:0"], &place);
    let token = server.ready["token"].as_str().unwrap();
    let flow = format!("GET /stores/S_123456/flow HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    let early = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut connected = RawConnection::to(&server.url(""), early.as_bytes());
    assert!(connected.read_answer().starts_with("HTTP/1.1 200 "));
    let half = b"GET /healthz HTTP/1.1\r\nHost";
    let stalled: Vec<RawConnection> = (0..150).map(|_| RawConnection::to(&server.url(""), half)).collect();
    connected.send(flow.as_bytes());
    let answer = connected.read_answer();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop(stalled);
    let told = server.told.clone();
    let (code, printed) = server.terminate();
    assert_eq!(code, Some(0));
    // The log may be read later than what the program prints.
    let all = format!("{told}{printed}");
    assert!(!all.contains("the limit on open files"), "nobody has asked for more connections: {all}");
    assert!(!printed.contains("Too many open files") && !printed.contains("os error 24"), "{printed}");
}

#[test]
fn more_connections_than_open_files_allow_are_a_warning() {
    let [home, key, path] = directory_with_key("few-open-files-asked-for");
    for (connections, is_reported) in [(1000, true), (48, false)] {
        let set = format!("[server]\nconnections = {connections}");
        fs::write(&path, program_configuration(&key, "").replace("[server]", &set)).unwrap();
        let arguments = ["serve", "--config", path.to_str().unwrap(), "--listen", "127.0.0.1:0"];
        let server = Running::start_below(160, &arguments, &home.join("ready.json"));
        let told = server.told.clone() + &server.terminate().1;
        let warning = told.lines().find(|line| line.contains("the limit on open files"));
        assert_eq!(warning.is_some(), is_reported, "{told}");
        assert!(warning.is_none_or(|line| line.contains("asked=1000") && line.contains("connections=48")), "{told}");
    }
}
