//! Commands that print and end: `health`, `openapi`, `routes`, `secret`.

use std::fs;

use crate::app::program::{directory, run, stdout_of};
use crate::peers::raw_peer::{RawPeer, Then};

#[test]
fn health_is_what_the_final_response_says() {
    for (status, is_healthy) in [("200 OK", true), ("503 Service Unavailable", false)] {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n";
        let bytes = format!("{interim}HTTP/1.1 {status}\r\n\r\n");
        let peer = RawPeer::start(bytes.as_bytes(), b"", Then::Close);
        let output = run(&["health", &format!("http://{}/healthz", peer.address())], &[], "");
        assert_eq!(output.status.success(), is_healthy, "{output:?}");
    }
    for bytes in ["HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "healthy"] {
        let peer = RawPeer::start(bytes.as_bytes(), b"", Then::Close);
        let output = run(&["health", &format!("http://{}/healthz", peer.address())], &[], "");
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("does not answer"));
    }
}

#[test]
fn health_of_a_service_that_is_not_there_is_a_failure() {
    let output = run(&["health", "http://127.0.0.1:1/healthz"], &[], "");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}

#[test]
fn a_stale_api_document_is_reported_with_its_first_line() {
    let path = directory("stale-document").join("openapi.json");
    let document = stdout_of(&["openapi"], &[], "");
    fs::write(&path, format!("{document}\n")).unwrap();
    assert!(run(&["openapi", "--check", path.to_str().unwrap()], &[], "").status.success());
    fs::write(&path, format!("{document}\n").replace("\"storegate\"", "\"storegat\"")).unwrap();
    let output = run(&["openapi", "--check", path.to_str().unwrap()], &[], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("is stale from line 4 on"));
}

#[test]
fn routes_shows_each_path_with_its_scope_and_gateway_method() {
    let table = stdout_of(&["routes"], &[], "");
    let row = |path: &str| table.lines().find(|line| line.split_whitespace().nth(1) == Some(path)).unwrap().to_owned();
    assert!(row("/stores/{store_id}/flow").contains("flow:read"));
    assert!(row("/stores/{store_id}/flow").contains("open.shopweb.passengerFlow.getTotalData v1"));
    assert!(row("/organizations/{organization_id}/developer-account").contains("open.gateway.authentication v2"));
    assert!(row("/stores").contains("shop.getList") && row("/cache").contains("cache:purge"));
}

#[test]
fn secret_makes_what_the_configuration_wants() {
    let hash = stdout_of(&["secret", "hash"], &[], "abc\n");
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hash, format!("secret_sha256 = \"{known}\""));
    let made = stdout_of(&["secret", "new"], &[], "");
    let lines: Vec<&str> = made.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(stdout_of(&["secret", "hash"], &[], lines[0]), lines[1]);
    assert!(stdout_of(&["secret", "hash", "--argon2"], &[], "abc").starts_with("secret_argon2 = \"$argon2id$"));
    assert!(stdout_of(&["secret", "key"], &[], "").starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(stdout_of(&["secret", "key", "--algorithm", "hs256"], &[], "").len() >= 43);
    assert_eq!(run(&["secret", "hash"], &[], "").status.code(), Some(1), "nothing is no secret");
}

#[test]
fn a_reader_that_ends_early_is_no_error_of_any_command_that_prints() {
    let directory = directory("closed-pipe");
    let stores = directory.join("stores.csv");
    fs::write(&stores, "id,opretail_id\na,S_1\n").unwrap();
    for arguments in [
        &["routes"][..],
        &["openapi"],
        &["openapi", "--yaml"],
        &["secret", "new"],
        &["secret", "key"],
        &["directory", "check", stores.to_str().unwrap()],
        &["--help"],
        &["serve", "--help"],
        &["--version"],
    ] {
        let (code, told) = crate::app::program::run_into_a_closed_pipe(arguments);
        assert_eq!((code, told.as_str()), (Some(0), ""), "{arguments:?}");
    }
}
