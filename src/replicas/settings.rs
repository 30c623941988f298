//! `[redis]`: the settings of the Redis or Valkey that replicas share.

use std::fmt;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use secrecy::SecretString;

use crate::settings::{Section, SectionSettings, choices, http_url, section};

const DEFAULT_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

choices! {
    /// The kind of Redis installation.
    #[derive(Default)]
    pub enum Mode {
        /// One server, or an address that always leads to the primary.
        #[default]
        Single = "single",
        /// Sentinels that know which server is the primary.
        Sentinel = "sentinel",
        /// A cluster, whose nodes share the keys.
        Cluster = "cluster",
    } else "write single, sentinel or cluster"
}

/// The address of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeAddress {
    /// Host name or IP address.
    pub host: String,
    /// Port number.
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

section! {
    /// What replicas share through Redis (6.2 or later) or Valkey: cached responses, purges, revoked tokens, quotas,
    /// the timestamps of signatures. Without this section each process is alone. While Redis is unavailable, each
    /// continues as if it were.
    #[derive(Clone, Debug)]
    pub struct RedisSettings in "redis" on restart {
        /// The kind of Redis installation.
        mode: Mode = "single";
        /// `host:port` of the server, of the sentinels, or of some nodes of the cluster.
        nodes: Vec<NodeAddress> as Vec<String>, example ["redis.internal:6379"],
            required "the host:port of the server, of the sentinels, or of some nodes of the cluster", by read_nodes;
        /// With sentinels: the name by which they know the primary.
        master: Option<String>, example "mymaster";
        /// The user of an access control list; the default user unless set.
        username: Option<String>, example "storegate";
        /// The password.
        password: Option<SecretString>, example "secrets/redis-password";
        /// The user for sentinels.
        sentinel_username: Option<String>, example "storegate";
        /// The password of that user.
        sentinel_password: Option<SecretString>, example "secrets/sentinel-password";
        /// The number of the database; a cluster has only 0.
        database: i64 as u16 = 0;
        /// Whether connections are encrypted.
        tls: bool = false;
        /// Certificates in PEM that are trusted instead of the public authorities.
        authorities("ca_file"): Option<Vec<CertificateDer<'static>>>, example "/etc/ssl/redis-ca.pem";
        /// The prefix of all keys; one for each installation.
        prefix: String = "storegate";
        // A longer timeout is for an operator whose Redis is far away.
        /// How long a request waits for Redis in all before it continues without.
        timeout: Duration = "45ms",
            from "6ms" to "30s" else "write 6ms to 30s: a request waits so long in all before it goes on without Redis";
    }
}

impl RedisSettings {
    /// Reads the section. Returns `None` if it is absent; the process then shares nothing.
    pub fn read(section: &Section<'_>) -> Option<Self> {
        let settings = section.is_present().then(|| Self::default().over(section))?;
        settings.check(section);
        Some(settings)
    }

    fn check(&self, section: &Section<'_>) {
        let has = |password: &Option<SecretString>| password.is_some();
        for (user, is_set, password, is_known) in [
            ("username", self.username.is_some(), "password", has(&self.password)),
            ("sentinel_username", self.sentinel_username.is_some(), "sentinel_password", has(&self.sentinel_password)),
        ] {
            if is_set && !is_known {
                section.problem(user, format!("a user needs a password: set {password} or {password}_file"));
            }
        }
        match (self.mode, &self.master) {
            (Mode::Sentinel, None) => {
                section.missing("master", "the name by which the sentinels know the server, such as mymaster");
            }
            (Mode::Single | Mode::Cluster, Some(_)) => section.problem("master", "this is for mode = \"sentinel\""),
            _ => {}
        }
        if self.mode != Mode::Sentinel && has(&self.sentinel_password) {
            section.problem("sentinel_password", "this is for mode = \"sentinel\"");
        }
        if self.mode == Mode::Cluster && self.database != 0 {
            section.problem("database", "a cluster has only database 0");
        }
        if !self.tls && section.is_set("ca_file") {
            section.problem("ca_file", "certificates are looked at only with tls = true");
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if self.prefix.is_empty() || self.prefix.len() > 64 || !self.prefix.bytes().all(is_plain) {
            section.problem("prefix", "write 1 to 64 letters, digits, -, _, . or :");
        }
    }
}

fn read_nodes(section: &Section<'_>, help: &str) -> Vec<NodeAddress> {
    let mode: Mode = section.get("mode").unwrap_or_default();
    let Some(texts) = section.list("nodes") else {
        section.missing("nodes", help);
        return Vec::new();
    };
    if texts.is_empty() || (mode == Mode::Single && texts.len() > 1) {
        section.problem("nodes", "name one node; several are for mode = \"sentinel\" and mode = \"cluster\"");
    }
    let port = if mode == Mode::Sentinel { SENTINEL_PORT } else { DEFAULT_PORT };
    let read = |text: &String| {
        let node = read_node(text, port);
        if node.is_none() {
            // The value may contain a password, so the message does not quote it.
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
