//! A proxy as operators put one in front: it serves one path, takes it off, and passes the rest on.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// The proxy, before it knows whom it passes requests to.
pub struct PrefixProxy {
    listener: TcpListener,
    prefix: &'static str,
}

impl PrefixProxy {
    /// Binds to a free port. The prefix begins with a slash and does not end with one.
    pub fn bind(prefix: &'static str) -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), prefix }
    }

    /// The address that callers use, prefix included.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.listener.local_addr().unwrap(), self.prefix)
    }

    /// Passes on what comes, for as long as the test runs.
    pub fn pass_to(self, service: SocketAddr) {
        thread::spawn(move || {
            for caller in self.listener.incoming().flatten() {
                let prefix = self.prefix;
                thread::spawn(move || pass(caller, prefix, service));
            }
        });
    }
}

/// One request; what fails ends the connection, which the test notices.
fn pass(mut caller: TcpStream, prefix: &str, service: SocketAddr) -> Option<()> {
    let mut request = Vec::new();
    let head = loop {
        let mut piece = [0; 4096];
        let length = caller.read(&mut piece).ok().filter(|length| *length > 0)?;
        request.extend_from_slice(&piece[..length]);
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 2;
        }
    };
    let (line, fields) = std::str::from_utf8(&request[..head]).ok()?.split_once("\r\n")?;
    let (method, target) = line.split_once(' ')?;
    let Some(rest) = target.strip_prefix(prefix).filter(|rest| rest.starts_with('/')) else {
        return caller.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").ok();
    };
    let mut upstream = TcpStream::connect(service).ok()?;
    upstream.write_all(format!("{method} {rest}\r\n{fields}connection: close\r\n").as_bytes()).ok()?;
    upstream.write_all(&request[head..]).ok()?;
    // What comes later of a body.
    let (mut more, mut there) = (caller.try_clone().ok()?, upstream.try_clone().ok()?);
    let sending = thread::spawn(move || std::io::copy(&mut more, &mut there));
    std::io::copy(&mut upstream, &mut caller).ok()?;
    caller.shutdown(Shutdown::Both).ok()?;
    sending.join().ok()?.ok().map(drop)
}
