//! A caller that writes what it likes on a socket of its own, piece by piece, and reads what comes back.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// The connection.
pub struct RawConnection(TcpStream);

impl RawConnection {
    /// Connects, and sends the first bytes.
    pub fn open(address: SocketAddr, bytes: &[u8]) -> Self {
        let mut connection = Self(TcpStream::connect(address).unwrap());
        connection.0.set_read_timeout(Some(PATIENCE)).unwrap();
        connection.send(bytes);
        connection
    }

    /// Opens a connection to the server of this URL and sends these bytes.
    pub fn to(url: &str, bytes: &[u8]) -> Self {
        Self::open(url.trim_start_matches("http://").parse().unwrap(), bytes)
    }

    /// Sends more. The other side may have ended the connection already.
    pub fn send(&mut self, bytes: &[u8]) {
        let _gone = self.0.write_all(bytes);
    }

    /// All that comes until the other side ends the connection, and whether it does.
    pub fn read_to_end(&mut self) -> (String, bool) {
        let mut received = Vec::new();
        let mut piece = [0; 4096];
        let ended = loop {
            match self.0.read(&mut piece) {
                Ok(0) => break true,
                Ok(length) => received.extend_from_slice(piece.get(..length).unwrap()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
                // A reset ends it, too: we had sent more than was read.
                Err(_) => break true,
            }
        };
        (String::from_utf8(received).unwrap(), ended)
    }

    /// The next answer, head and body, on a connection that stays open.
    pub fn read_answer(&mut self) -> String {
        let mut received = Vec::new();
        let mut byte = [0];
        while !received.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).unwrap();
            received.push(byte[0]);
        }
        let head = String::from_utf8(received).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        head + &String::from_utf8(body).unwrap()
    }
}
