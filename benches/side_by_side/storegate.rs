//! storegate under measurement: `serve` with the run's configuration.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use super::credentials::Credentials;
use super::http;
use super::process::{Cores, command};
use super::program::Program;
use super::sandbox::STOREGATE;
use super::setup::Setup;

pub const NAME: &str = "storegate";
pub const WITH_ACCESS_LOG: &str = "storegate, access log to a file";

/// Starts it; what it logs, which is nothing, is seen on the terminal.
pub fn start(credentials: &Credentials, setup: Setup) -> Program {
    launch(NAME, credentials, setup, |_| {})
}

/// Starts it with room for so many bytes of answers.
pub fn start_with_cache(credentials: &Credentials, setup: Setup, size: u64) -> Program {
    launch(NAME, credentials, setup, |command| {
        command.env("STOREGATE__CACHE__SIZE", format!("{size}B"));
    })
}

/// Starts it with the log that it writes unless it is told otherwise, into a file.
pub fn start_with_access_log(credentials: &Credentials, setup: Setup, directory: &Path) -> Program {
    let log = File::create(directory.join("storegate.log")).expect("a file for the log");
    launch(WITH_ACCESS_LOG, credentials, setup, move |command| {
        command.env("STOREGATE__TELEMETRY__LOG", "info").stderr(log);
    })
}

fn launch(name: &'static str, credentials: &Credentials, setup: Setup, change: impl FnOnce(&mut Command)) -> Program {
    let port = http::free_port();
    let mut serve = command(STOREGATE, setup.server_cores());
    serve.env("STOREGATE__SERVER__WORKERS", setup.workers().to_string());
    arguments(&mut serve, credentials, port);
    change(&mut serve);
    Program::start(name, serve, port, "/healthz", 200)
}

/// A command that serves on a port, with the workers that it has by itself.
pub fn plain(credentials: &Credentials, port: u16) -> Command {
    let mut serve = command(STOREGATE, Cores::Any);
    arguments(&mut serve, credentials, port);
    serve
}

fn arguments(serve: &mut Command, credentials: &Credentials, port: u16) {
    serve.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--config"]).arg(credentials.configuration());
}
