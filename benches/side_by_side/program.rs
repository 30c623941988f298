//! A program to compare, running.

use std::process::Command;

use super::http;
use super::process::Process;

/// A running program and its address.
pub struct Program {
    pub name: &'static str,
    pub base_url: String,
    pub process: Process,
}

impl Program {
    /// Starts a program that listens on a port, and waits until it answers a path with a status.
    pub fn start(name: &'static str, command: Command, port: u16, path: &str, status: u16) -> Self {
        let base_url = format!("http://127.0.0.1:{port}");
        let mut process = Process::start(name, command);
        process.wait_until("answered", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
                && http::get(&base_url, path, &[]).status == status
        });
        Self { name, base_url, process }
    }
}
