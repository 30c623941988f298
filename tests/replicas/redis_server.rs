//! A real Redis or Valkey on a free loopback port, with nothing on disk, that a test kills, pauses and starts again.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::{Commands, Connection, RedisResult};

use crate::app::waiting::wait_until;

/// Names the program to take, where there are several.
const CHOSEN: &str = "STOREGATE_TESTS_REDIS_SERVER";

/// What the server's program is called; none where there is none.
pub fn program() -> Option<String> {
    let is_there = |program: &String| {
        let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    let usual = || vec!["valkey-server".to_owned(), "redis-server".to_owned()];
    std::env::var(CHOSEN).map_or_else(|_| usual(), |chosen| vec![chosen]).into_iter().find(is_there)
}

/// Two ports that were free a moment ago: of a node and, 10,000 above it, of its cluster's bus.
pub fn free_port_of_a_cluster() -> u16 {
    let is_free =
        |port: &u16| port.checked_add(10_000).is_some_and(|bus| TcpListener::bind(("127.0.0.1", bus)).is_ok());
    (0..1000).map(|_| free_port()).find(is_free).expect("there are free ports")
}

/// A port that was free a moment ago, below those that systems give to connections that go out and to listeners that name no
/// port: nothing takes it before the server does, or while the server is down.
pub fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (0..1000).map(|_| fastrand::u16(10_000..22_000)).find(is_free).expect("there are free ports")
}

/// A directory of the test's own, gone with it.
pub struct Directory(pub PathBuf);

impl Directory {
    /// Makes one.
    pub fn new() -> Self {
        let path =
            std::env::temp_dir().join(format!("storegate-replicas-{}-{}", std::process::id(), fastrand::u64(..)));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// A running server.
pub struct RedisServer {
    /// Its port.
    pub port: u16,
    options: Vec<String>,
    password: Option<&'static str>,
    directory: Directory,
    child: Child,
}

impl RedisServer {
    /// As most tests want it.
    pub fn start() -> Self {
        Self::with(free_port(), &[], None)
    }

    /// With further options, on this port.
    pub fn with(port: u16, options: &[&str], password: Option<&'static str>) -> Self {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let directory = Directory::new();
        let child = spawn(port, &options, &directory);
        let server = Self { port, options, password, directory, child };
        server.answers();
        server
    }

    /// `host:port`.
    pub fn node(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A connection of the test's own.
    pub fn connection(&self) -> RedisResult<Connection> {
        let secret = self.password.map(|password| format!(":{password}@")).unwrap_or_default();
        let client = redis::Client::open(format!("redis://{secret}127.0.0.1:{}/", self.port))?;
        client.get_connection_with_timeout(Duration::from_secs(1))
    }

    /// All keys that match.
    pub fn keys(&self, pattern: &str) -> Vec<String> {
        self.connection().unwrap().keys(pattern).unwrap()
    }

    /// A figure of a line of what the server says of itself in this section; 0 where it says nothing.
    pub fn count(&self, section: &str, line: &str, figure: &str) -> u64 {
        let info: String = redis::cmd("INFO").arg(section).query(&mut self.connection().unwrap()).unwrap();
        let line = info.lines().find_map(|told| told.strip_prefix(line)?.strip_prefix(':')).unwrap_or_default();
        let figure = line.split(',').find_map(|pair| pair.strip_prefix(figure)?.strip_prefix('='));
        figure.map_or(0, |figure| figure.parse().unwrap())
    }

    /// Ends it at once, as a machine that loses its power would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was, with nothing in it.
    pub fn start_again(&mut self) {
        self.child = spawn(self.port, &self.options, &self.directory);
        self.answers();
    }

    /// Lets it stand still: connections stay open and nothing is answered.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    fn answers(&self) {
        wait_until("the server answers", || match self.connection() {
            Ok(mut connection) => redis::cmd("PING").query::<String>(&mut connection).is_ok(),
            // It answers, if not to us.
            Err(error) => error.code().is_some(),
        });
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

fn spawn(port: u16, options: &[String], directory: &Directory) -> Child {
    let mut command = Command::new(program().expect("there is a server"));
    command.current_dir(&directory.0).stdout(Stdio::null()).stderr(Stdio::null());
    // Options of a test come last and outrank these.
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()]);
    command.args(options).spawn().unwrap()
}
