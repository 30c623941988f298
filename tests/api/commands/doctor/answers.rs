//! `storegate doctor` at gateways that cannot be reached, go by another time, or answer what is no envelope: the cause and
//! the remedy are named.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use jiff::SignedDuration;
use storegate::sandbox::{Fault, SandboxSettings, SandboxVendor};

use crate::app::doctor::Subject;
use crate::app::reserved_port::ReservedPort;
use crate::peers::scripted_peer::ScriptedPeer;

/// What goes to the gateway goes through here, and before each of its responses there are others.
fn relay(gateway: SocketAddr) -> ScriptedPeer {
    ScriptedPeer::start(move |connection| {
        let mut behind = TcpStream::connect(gateway).unwrap();
        while let Some(request) = connection.request() {
            behind.write_all(request.as_bytes()).unwrap();
            let response = String::from_utf8(read_response(&mut behind)).unwrap();
            connection.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
            connection.send(&response);
        }
    })
}

fn read_response(behind: &mut TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(behind);
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        assert!(reader.read_until(b'\n', &mut response).unwrap() > 0);
    }
    let head = String::from_utf8(response.clone()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    [response, body].concat()
}

#[test]
fn interim_responses_before_each_final_one_are_accepted() {
    let subject = Subject::documented("doctor-interim-responses");
    let url = subject.gateway.sandbox.oms_url();
    let gateway: SocketAddr = url.split('/').nth(2).unwrap().parse().unwrap();
    let relay = relay(gateway);
    let text = fs::read_to_string(&subject.path).unwrap();
    fs::write(&subject.path, text.replace(&gateway.to_string(), &relay.address().to_string())).unwrap();
    let report = subject.examine();
    assert_eq!(report.code, Some(0), "{}", report.text);
    assert!(relay.connections() > 1);
}

#[test]
fn a_clock_difference_is_reported_in_seconds_and_beyond_the_window_as_a_failure() {
    let skewed = |name: &str, seconds: i64| {
        Subject::with(name, SandboxSettings { clock_skew: SignedDuration::from_secs(seconds), ..Default::default() })
    };
    let report = skewed("doctor-drift", 120).examine();
    assert_eq!(report.code, Some(1), "{}", report.text);
    let drifts: Vec<&str> = report.text.lines().filter(|line| line.starts_with("warning")).collect();
    assert_eq!(drifts.len(), 2, "{}", report.text);
    for drift in drifts {
        let seconds = ["119 s", "120 s", "121 s"].iter().any(|seconds| drift.contains(seconds));
        assert!(seconds && drift.contains("ahead of ours") && drift.contains("(NTP)"), "{drift}");
    }

    let report = skewed("doctor-far", -7_200).examine();
    assert_eq!(report.code, Some(2), "{}", report.text);
    for gateway in ["opretail", "oms"] {
        let beginning = format!("failed   acme {gateway}: clock: the gateway refuses our time, its clock is 7");
        let line = report.text.lines().find(|line| line.starts_with(&beginning)).expect(&report.text);
        assert!(line.contains("behind ours: that is beyond the difference that it allows"), "{line}");
        assert!(
            report.has_line(&format!("ok       acme {gateway}: signature")),
            "the rest is checked: {}",
            report.text
        );
    }
}

#[test]
fn what_came_instead_of_an_envelope_is_named_and_each_has_its_own_remedy() {
    let body = |text: &str| Fault::Body(text.to_owned());
    for (fault, cause, remedy) in [
        (Fault::Html, "; it is a page of HTML", "-> check `url`: it may be the address of pages for people"),
        (body("<?xml version=\"1.0\"?><a/>"), "; it is XML", "-> check `url`: another service may answer there"),
        (Fault::Bytes(b"{\"a\":\"\xB5\xEA\"}".as_slice().into()), "; it is not UTF-8", "JSON in UTF-8"),
        (body("<b>Warning</b>: x<br />\n{\"response\":{}}"), "; a text stands before its JSON", "display_errors"),
        (Fault::HttpStatus(404), "HTTP status 404", "-> there is nothing at the path of `url`"),
        (Fault::code("e000001"), "answered e000001", "-> check `url`: parameters of each call are lost on the way"),
    ] {
        let subject = Subject::healthy("doctor-instead");
        subject.gateway.sandbox.fail_next_at(SandboxVendor::Oms, fault, 99);
        let report = subject.examine();
        let finding = report.only_finding();
        assert!(finding.starts_with("failed   acme oms: answer: "), "{finding}");
        assert!(finding.contains(cause) && finding.contains(remedy), "{finding}");
    }
}

#[test]
fn a_redirect_is_reported_with_its_target_and_without_its_query() {
    for (location, shown) in [
        ("https://user:planted@oms.example.com/index.php/rpc?sign=planted", "https://oms.example.com/index.php/rpc"),
        ("/index.php/login#planted", "/index.php/login"),
        ("//oms.example.com/rpc", "//oms.example.com/rpc"),
    ] {
        let subject = Subject::healthy("doctor-redirect");
        let peer = ScriptedPeer::start(move |connection| {
            while connection.request().is_some() {
                connection.send(&format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"));
            }
        });
        subject.change(&subject.gateway.sandbox.oms_url(), &format!("http://{}/rpc", peer.address()));
        let report = subject.examine();
        let finding = report.only_finding();
        let cause = format!("failed   acme oms: answer: HTTP status 302 to {shown} -> ");
        assert!(finding.starts_with(&cause) && finding.contains("write it as `url`"), "{finding}");
        assert!(!report.text.contains("planted"), "{finding}");
    }
}

#[test]
fn the_step_at_which_a_gateway_cannot_be_reached_is_named() {
    let free_port = ReservedPort::new();
    let free = free_port.address();
    let subject = Subject::healthy("doctor-unreachable");
    let text = fs::read_to_string(&subject.path).unwrap();
    let url = subject.gateway.sandbox.oms_url();
    for (by, cause, remedy) in [
        (format!("http://{free}/rpc"), format!("no connection to {free}: "), "firewall"),
        ("https://gateway.invalid/rpc".to_owned(), "the name gateway.invalid cannot be resolved: ".to_owned(), "DNS"),
        (url.replace("http://", "https://"), "TLS with 127.0.0.1 cannot be agreed: ".to_owned(), "gateway.ca_file"),
    ] {
        fs::write(&subject.path, text.replace(&url, &by)).unwrap();
        let report = subject.examine();
        let finding = report.only_finding();
        assert!(finding.starts_with(&format!("failed   acme oms: reach: {cause}")), "{finding}");
        assert!(finding.contains(remedy), "{finding}");
        assert_eq!(report.code, Some(2));
    }
}

#[test]
fn a_gateway_that_answers_nothing_useful_is_reported_and_delays_nothing() {
    for (fault, cause) in [
        (Fault::HttpStatus(403), "HTTP status 403"),
        (Fault::Html, "the answer is not one complete envelope"),
        (Fault::code("e000005"), "the gateway answered e000005"),
        (Fault::Hang, "no complete answer in time"),
    ] {
        let subject = Subject::healthy("doctor-useless");
        subject.change("[tenants.acme.oms]", "[gateway]\nattempt_timeout = \"1s\"\n[tenants.acme.oms]");
        subject.gateway.sandbox.fail_next_at(SandboxVendor::Oms, fault, 99);
        let report = subject.examine();
        let finding = report.only_finding();
        assert!(finding.starts_with("failed   acme oms: answer: ") && finding.contains(cause), "{finding}");
    }
}
