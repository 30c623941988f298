//! A small HTTP client over blocking sockets: enough to look at one answer before it is asked for a million times.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// An answer, and how many bytes it had on the wire.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    pub length: usize,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find_map(|(header, value)| header.eq_ignore_ascii_case(name).then(|| value.trim()))
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Host and port of a base URL.
pub fn authority(base_url: &str) -> &str {
    base_url.trim_start_matches("http://")
}

/// A request as it goes over the wire.
pub fn request(base_url: &str, method: &str, path: &str, headers: &[String], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", authority(base_url));
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text + "\r\n" + body
}

/// Sends one request and reads the whole answer.
pub fn send(base_url: &str, method: &str, path: &str, headers: &[String], body: &str) -> Answer {
    let mut stream = connect(base_url);
    stream.write_all(request(base_url, method, path, headers, body).as_bytes()).expect("a request that is taken");
    read(&mut stream)
}

/// Asks for a path.
pub fn get(base_url: &str, path: &str, headers: &[String]) -> Answer {
    send(base_url, "GET", path, headers, "")
}

/// Whether a path is answered with 200.
pub fn is_served(base_url: &str, path: &str) -> bool {
    TcpStream::connect(authority(base_url)).is_ok() && get(base_url, path, &[]).status == 200
}

/// Opens a connection that does not wait for ever.
pub fn connect(base_url: &str) -> TcpStream {
    let stream = TcpStream::connect(authority(base_url)).expect("a program that listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Reads one answer.
pub fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end + 4;
        }
        more(stream, &mut bytes);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let mut answer = Answer { status, head, body: Vec::new(), length: end };
    if status == 304 || status == 204 {
        return answer;
    }
    if answer.header("transfer-encoding") == Some("chunked") {
        let mut at = end;
        loop {
            let line = loop {
                if let Some(length) = find(&bytes[at..], b"\r\n") {
                    break at + length;
                }
                more(stream, &mut bytes);
            };
            let size = std::str::from_utf8(&bytes[at..line]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
            let size = size.expect("the size of a chunk");
            while bytes.len() < line + 2 + size + 2 {
                more(stream, &mut bytes);
            }
            answer.body.extend_from_slice(&bytes[line + 2..line + 2 + size]);
            at = line + 2 + size + 2;
            if size == 0 {
                break;
            }
        }
        answer.length = at;
        return answer;
    }
    let length: usize = answer.header("content-length").and_then(|length| length.parse().ok()).expect("a length");
    while bytes.len() < end + length {
        more(stream, &mut bytes);
    }
    answer.body = bytes[end..end + length].to_vec();
    answer.length = end + length;
    answer
}

fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) {
    let mut part = [0; 16 << 10];
    let count = stream.read(&mut part).expect("an answer in time");
    assert!(count > 0, "the connection ended in the middle of an answer");
    bytes.extend_from_slice(&part[..count]);
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, wanted)
}
