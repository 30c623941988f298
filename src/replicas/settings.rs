//! `[redis]`: the Redis or Valkey that replicas share, where it is and how to get in.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use secrecy::SecretString;

use crate::settings::{Section, http_url};

/// Whoever is this patient has Redis far away.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(2);
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(6);
const DEFAULT_TIMEOUT: Duration = Duration::from_millis(45);

const DEFAULT_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// What stands behind the nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// One server, or an address that always leads to the one that is written to.
    #[default]
    Single,
    /// Sentinels that know which server is written to.
    Sentinel,
    /// A cluster that shares the keys out.
    Cluster,
}

impl FromStr for Mode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "single" => Ok(Self::Single),
            "sentinel" => Ok(Self::Sentinel),
            "cluster" => Ok(Self::Cluster),
            _ => Err("write single, sentinel or cluster"),
        }
    }
}

/// Where a node listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeAddress {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

/// Who we are to a server.
#[derive(Clone, Debug, Default)]
pub struct RedisCredentials {
    /// The user of an access list; without one, the default user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
}

/// `[redis]`.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `mode`: `single`, `sentinel` or `cluster`. Default `single`.
    pub mode: Mode,
    /// `nodes`: `host:port` of the server, of the sentinels, or of some nodes of the cluster.
    pub nodes: Vec<NodeAddress>,
    /// `username` and `password`.
    pub login: RedisCredentials,
    /// `sentinel_username` and `sentinel_password`.
    pub sentinel_login: RedisCredentials,
    /// `master`: the name by which the sentinels know the server.
    pub master: String,
    /// `database`: the number of the database. Default 0; a cluster has no other.
    pub database: i64,
    /// `tls`: whether connections are encrypted. Default `false`.
    pub tls: bool,
    /// `ca_file`: the certificates that are trusted instead of those of the public authorities, in PEM.
    pub authorities: Option<Vec<CertificateDer<'static>>>,
    /// `prefix`: what all keys begin with. Default `storegate`.
    pub prefix: String,
    /// `timeout`: how long a request waits for Redis in all before it goes on without. Default `45ms`.
    pub timeout: Duration,
}

impl RedisSettings {
    /// Reads the section; `None` when there is none: the process shares nothing then.
    pub fn read(section: &Section<'_>) -> Option<Self> {
        if !section.is_present() {
            return None;
        }
        let mode = section.parsed("mode").unwrap_or_default();
        let tls = section.flag("tls", false);
        Some(Self {
            mode,
            nodes: read_nodes(section, mode),
            login: read_login(section, "username", "password"),
            sentinel_login: read_login_of_sentinels(section, mode),
            master: read_master(section, mode),
            database: read_database(section, mode),
            tls,
            authorities: read_authorities(section, tls),
            prefix: read_prefix(section),
            timeout: read_timeout(section),
        })
    }
}

fn read_nodes(section: &Section<'_>, mode: Mode) -> Vec<NodeAddress> {
    let Some(texts) = section.list("nodes") else {
        section.missing("nodes", "the host:port of the server, of the sentinels, or of some nodes of the cluster");
        return Vec::new();
    };
    if texts.is_empty() || (mode == Mode::Single && texts.len() > 1) {
        section.problem("nodes", "name one node; several are for mode = \"sentinel\" and mode = \"cluster\"");
    }
    let port = if mode == Mode::Sentinel { SENTINEL_PORT } else { DEFAULT_PORT };
    let read = |text: &String| {
        let node = read_node(text, port);
        if node.is_none() {
            // What stands there may hold a password.
            section.problem(
                "nodes",
                "write host:port, such as redis.internal:6379; user and password have their own keys",
            );
        }
        node
    };
    texts.iter().filter_map(read).collect()
}

fn read_node(text: &str, default_port: u16) -> Option<NodeAddress> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_name) {
        return None;
    }
    Some(NodeAddress { host: host.to_owned(), port: port.map_or(Some(default_port), http_url::parse_port)? })
}

fn read_login(section: &Section<'_>, username: &str, password: &str) -> RedisCredentials {
    let login = RedisCredentials { username: section.text(username), password: section.secret(password) };
    if login.username.is_some() && login.password.is_none() {
        section.problem(username, format!("a user needs a password: set {password} or {password}_file"));
    }
    login
}

fn read_login_of_sentinels(section: &Section<'_>, mode: Mode) -> RedisCredentials {
    let login = read_login(section, "sentinel_username", "sentinel_password");
    if mode != Mode::Sentinel && login.password.is_some() {
        section.problem("sentinel_password", "this is for mode = \"sentinel\"");
    }
    login
}

fn read_master(section: &Section<'_>, mode: Mode) -> String {
    let master = section.text("master");
    match mode {
        Mode::Sentinel => master.unwrap_or_else(|| {
            section.missing("master", "the name by which the sentinels know the server, such as mymaster");
            String::new()
        }),
        Mode::Single | Mode::Cluster => {
            if master.is_some() {
                section.problem("master", "this is for mode = \"sentinel\"");
            }
            String::new()
        }
    }
}

fn read_database(section: &Section<'_>, mode: Mode) -> i64 {
    let database = section.integer::<u16>("database").unwrap_or(0);
    if mode == Mode::Cluster && database != 0 {
        section.problem("database", "a cluster has only database 0");
    }
    database.into()
}

fn read_authorities(section: &Section<'_>, tls: bool) -> Option<Vec<CertificateDer<'static>>> {
    if !tls && section.text("ca_file").is_some() {
        section.problem("ca_file", "certificates are looked at only with tls = true");
    }
    section.certificates("ca_file")
}

fn read_prefix(section: &Section<'_>) -> String {
    let prefix = section.text("prefix").unwrap_or_else(|| "storegate".to_owned());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if prefix.is_empty() || prefix.len() > 64 || !prefix.bytes().all(is_plain) {
        section.problem("prefix", "write 1 to 64 letters, digits, -, _, . or :");
    }
    prefix
}

fn read_timeout(section: &Section<'_>) -> Duration {
    let timeout = section.duration("timeout", DEFAULT_TIMEOUT);
    if !(SHORTEST_TIMEOUT..=LONGEST_TIMEOUT).contains(&timeout) {
        section.problem("timeout", "write 6ms to 2s: a request waits so long in all before it goes on without Redis");
    }
    timeout
}

#[cfg(test)]
mod tests {
    use super::{NodeAddress, read_node};

    #[test]
    fn a_node_is_a_name_or_an_address_with_or_without_a_port_and_nothing_with_a_password() {
        let node = |host: &str, port| Some(NodeAddress { host: host.to_owned(), port });
        assert_eq!(read_node("redis", 6379), node("redis", 6379));
        assert_eq!(read_node("10.0.0.7:7000", 6379), node("10.0.0.7", 7000));
        assert_eq!(read_node("[fe80::1]:7000", 6379), node("fe80::1", 7000));
        assert_eq!(read_node("[::1]", 26379), node("::1", 26379));
        for wrong in [
            "",
            ":6379",
            "redis:",
            "redis:70000",
            "redis://redis:6379",
            "user:secret@redis",
            "a b",
            "[::1]7",
            "redis:+80",
            "redis:0",
        ] {
            assert_eq!(read_node(wrong, 6379), None, "{wrong}");
        }
        assert_eq!(read_node("[::1]:7", 1).unwrap().to_string(), "[::1]:7");
    }
}
