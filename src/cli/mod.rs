//! The commands, one file each. Logs go to stderr; stdout has only the output of the command.

mod call;
mod config;
mod declared_resources;
mod demo;
mod directory;
mod doctor;
mod error;
mod health;
mod openapi;
mod output;
mod packs;
mod ready_file;
mod routes;
mod sandbox;
mod sandbox_flags;
mod secret;
mod serve;
mod sign;
mod tenant;
mod token;
mod vendor;
mod wire_call;

use std::ffi::OsString;
use std::future::Future;
use std::path::Path;
use std::process::ExitCode;

use clap::builder::OsStringValueParser;
use clap::{Parser, Subcommand};

use crate::config::{LoadedConfig, Settings};
use crate::settings::{Problems, Sources, readable};
use crate::telemetry::{logging, panics};
use crate::vendors::Vendors;
use error::CliError;

/// Plain REST in, signed vendor RPC out: a translating proxy for retail open platforms.
#[derive(Parser)]
#[command(name = "storegate", version, arg_required_else_help = true, propagate_version = true)]
#[command(after_help = "Start here: `storegate demo` needs no configuration and no network.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try everything: the proxy and a sandbox gateway on loopback, with a token to paste
    Demo(demo::Demo),
    /// Run the proxy with a configuration
    Serve(serve::Serve),
    /// Run the sandbox gateway alone
    Sandbox(sandbox::SandboxCommand),
    /// Mint an access token for a configured client
    Token(token::TokenCommand),
    /// Make client secrets and signing keys, or hash a secret
    #[command(subcommand)]
    Secret(secret::SecretCommand),
    /// Print the API document, or check that a file holds it
    Openapi(openapi::OpenapiCommand),
    /// Print the table of routes with gateway methods, scopes and freshness
    Routes(routes::Routes),
    /// Show the exact string that is signed for a gateway call, and its signature
    Sign(sign::Sign),
    /// Send one signed gateway call and print the envelope that comes back
    Call(call::CallCommand),
    /// Check a store directory, or draft one from a vendor's list of stores
    #[command(subcommand)]
    Directory(directory::DirectoryCommand),
    /// Print an example, the reference or the schema of a configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// List, check or begin packs of vendors
    #[command(subcommand)]
    Vendor(vendor::VendorCommand),
    /// Check everything that the service needs, and say what to correct
    Doctor(doctor::Doctor),
    /// Ask a running service for its health; for container health checks
    Health(health::HealthCommand),
}

/// The environment variable that replaces `--config`.
const CONFIG_VARIABLE: &str = "STOREGATE_CONFIG";

/// Where the configuration is.
#[derive(clap::Args)]
struct ConfigArgument {
    /// The configuration file; environment variables (STOREGATE__SECTION__KEY) outrank it
    // An empty value is read, too, so that it is refused like any other problem of the configuration.
    #[arg(long, value_name = "FILE", env = CONFIG_VARIABLE, value_parser = OsStringValueParser::new())]
    config: Option<OsString>,
}

impl ConfigArgument {
    fn load(&self) -> Result<Settings, CliError> {
        Ok(self.read().settings?)
    }

    fn read(&self) -> LoadedConfig {
        self.read_beside(None)
    }

    /// Reads the configuration; beside a running service, with the packs of that service.
    fn read_beside(&self, running: Option<&Vendors>) -> LoadedConfig {
        let (variables, mut problems) = readable(std::env::vars_os());
        let file = self.config.as_deref().filter(|file| !file.is_empty());
        if self.config.is_some() && file.is_none() {
            let is_variable = std::env::var_os(CONFIG_VARIABLE).is_some_and(|file| file.is_empty());
            let place = if is_variable { "the variable STOREGATE_CONFIG" } else { "the option --config" };
            problems.push(format!("{place} is empty: write the path of the configuration file, or leave it out"));
            // The file has not been read, so no other problem is known.
            return LoadedConfig { sources: Sources::default(), settings: Err(Problems(problems)) };
        }
        let reading = Settings::read_from(file.map(Path::new), variables.into_iter(), running);
        reading.with_problems(problems)
    }
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let _last_lines = logging::FlushAtEnd;
    panics::log_them();
    let arguments = Arguments::parse();
    match execute(arguments.command) {
        Ok(code) => code,
        Err(error) => error.report(),
    }
}

fn execute(command: Command) -> Result<ExitCode, CliError> {
    let outcome = match command {
        // The only command whose exit code has more than two values.
        Command::Doctor(command) => return block_on(command.run()),
        Command::Demo(command) => block_on(command.run()),
        Command::Serve(command) => block_on(command.run()),
        Command::Sandbox(command) => block_on(command.run()),
        Command::Token(command) => command.run(),
        Command::Secret(command) => command.run(),
        Command::Openapi(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Routes(command) => command.run(),
        Command::Vendor(command) => block_on(command.run()),
        Command::Sign(command) => command.run(),
        Command::Call(command) => block_on(command.run()),
        Command::Directory(command) => block_on(command.run()),
        Command::Health(command) => block_on(command.run()),
    };
    outcome.map(|()| ExitCode::SUCCESS)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}
