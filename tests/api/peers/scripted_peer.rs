//! A server of raw bytes whose every step is the test's: what is sent before, between and behind the requests of each
//! connection, with TLS or without.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

const PATIENCE: Duration = Duration::from_secs(30);

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// A connection, as a script sees it.
pub struct Served {
    stream: Box<dyn Stream>,
    /// The how manieth connection it is, from 1.
    pub number: usize,
}

impl Served {
    /// The next request with its body; nothing when the other side has gone.
    pub fn request(&mut self) -> Option<String> {
        let mut received = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&received).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
                if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
                    return Some(text);
                }
            }
            match self.stream.read(&mut piece) {
                Ok(0) | Err(_) => return None,
                Ok(more) => received.extend_from_slice(&piece[..more]),
            }
        }
    }

    /// Sends bytes; the other side may have gone.
    pub fn send(&mut self, bytes: &str) {
        let _sent = self.stream.write_all(bytes.as_bytes()).and_then(|()| self.stream.flush());
    }
}

/// The server.
pub struct ScriptedPeer {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl ScriptedPeer {
    /// Runs the script for every connection to a free port of 127.0.0.1, and closes the connection behind it.
    pub fn start(script: impl Fn(&mut Served) + Send + Sync + 'static) -> Self {
        Self::at([127, 0, 0, 1].into(), None, script)
    }

    /// Runs the script for every connection to a free port of this address, with TLS if there is a configuration.
    pub fn at(
        address: IpAddr,
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(&mut Served) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, stopping) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (its_connections, its_stopping, script) = (connections.clone(), stopping.clone(), Arc::new(script));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if its_stopping.load(Ordering::Acquire) {
                    return;
                }
                let (stream, script, tls) = (stream.unwrap(), script.clone(), tls.clone());
                stream.set_nodelay(true).unwrap();
                let number = its_connections.fetch_add(1, Ordering::AcqRel) + 1;
                thread::spawn(move || script(&mut Served { stream: with_tls(stream, tls), number }));
            }
        });
        Self { address, connections, stopping, accepting: Some(accepting) }
    }

    /// Host and port.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were taken.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }
}

fn with_tls(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Box<dyn Stream> {
    match tls {
        Some(tls) => Box::new(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream)),
        None => Box::new(stream),
    }
}

impl Drop for ScriptedPeer {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        // Wakes the thread that waits for the next connection.
        let _woken = TcpStream::connect(self.address);
        let ended = self.accepting.take().map(JoinHandle::join);
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()), "the peer panicked");
    }
}

/// What one side waits for until the other side has done it.
#[derive(Clone)]
pub struct Step {
    done: Sender<()>,
    waiting: Arc<Mutex<Receiver<()>>>,
}

impl Step {
    /// A step that was not done yet.
    pub fn new() -> Self {
        let (done, waiting) = mpsc::channel();
        Self { done, waiting: Arc::new(Mutex::new(waiting)) }
    }

    /// Does it once.
    pub fn done(&self) {
        self.done.send(()).unwrap();
    }

    /// Waits until it is done once more.
    pub fn wait(&self) {
        self.waiting.lock().unwrap().recv_timeout(PATIENCE).expect("the other side does its step");
    }

    /// Waits until it is done once more, while the test's other tasks go on.
    pub async fn is_done(&self) {
        let step = self.clone();
        actix_web::rt::task::spawn_blocking(move || step.wait()).await.unwrap();
    }
}

/// A response with a body of known length.
pub fn response(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
