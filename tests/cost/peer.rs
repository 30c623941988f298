//! A caller on one connection who allocates nothing while it asks.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// One keep-alive connection.
pub struct Peer {
    stream: TcpStream,
    buffer: [u8; 16 << 10],
}

/// The bytes of a request as a frontend sends it.
pub fn request(token: &str, path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\
         User-Agent: cost\r\nAccept-Encoding: gzip, br\r\n\r\n"
    )
    .into_bytes()
}

impl Peer {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: [0; 16 << 10] }
    }

    /// Sends a request and reads the whole answer, which must be 200.
    pub fn exchange(&mut self, request: &[u8]) {
        self.stream.write_all(request).unwrap();
        let mut length = 0;
        loop {
            length += self.stream.read(&mut self.buffer[length..]).unwrap();
            let answer = &self.buffer[..length];
            assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(answer));
            if whole_length(answer).is_some_and(|whole| length >= whole) {
                return;
            }
        }
    }
}

/// How long an answer is, once its head is there.
fn whole_length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let name = b"content-length: ";
    let digits = answer[..head].windows(name.len()).position(|text| text == name)? + name.len();
    let digits = answer[digits..].split(|byte| *byte == b'\r').next()?;
    Some(head + std::str::from_utf8(digits).ok()?.parse::<usize>().ok()?)
}
