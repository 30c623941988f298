//! `storegate token`: mints a token for a configured client on this machine, with the configured key.

use secrecy::ExposeSecret;

use super::ConfigArgument;
use super::error::CliError;
use super::output;
use crate::auth::Auth;
use crate::auth::issue::TokenGrant;
use crate::auth::settings::{LONGEST_LIFETIME, SHORTEST_LIFETIME};
use crate::clock::Clock;
use crate::settings::parse_duration;

/// Mint an access token.
#[derive(clap::Args)]
#[command(
    after_help = "Example: storegate token --config storegate.toml --client dashboard --scope flow:read --lifetime 1h"
)]
pub struct TokenCommand {
    #[command(flatten)]
    config: ConfigArgument,
    /// The client in the configuration that the token is for
    #[arg(long, value_name = "ID")]
    client: String,
    /// Only this scope of the client; can be given several times [default: all of the client's]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// How long the token lives, such as 30m [default: auth.token_lifetime]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    lifetime: Option<std::time::Duration>,
}

impl TokenCommand {
    pub(super) fn run(self) -> Result<(), CliError> {
        let settings = self.config.load()?;
        let fail = |error: &dyn std::fmt::Display| CliError::message(error.to_string());
        let auth = Auth::new(settings.auth, Clock::system()).map_err(|error| fail(&error))?;
        let issuer = auth.issuer().ok_or_else(|| {
            CliError::message(
                "this configuration has no [auth.keys]: its tokens come from the identity providers in [auth.issuers]",
            )
        })?;
        let client = auth.clients().get(&self.client).ok_or_else(|| {
            CliError::message(format!(
                "there is no client {}; the configuration lists them under auth.clients",
                self.client
            ))
        })?;
        if let Some(scope) = self.scopes.iter().find(|scope| !client.scopes.contains(scope)) {
            let has = client.scopes.join(", ");
            return Err(CliError::message(format!(
                "client {} does not have the scope {scope}; it has {has}",
                client.id
            )));
        }
        let allowed = SHORTEST_LIFETIME..=LONGEST_LIFETIME;
        if self.lifetime.is_some_and(|lifetime| !allowed.contains(&lifetime)) {
            return Err(CliError::message("a token lives at least 1m and at most 24h"));
        }
        let scopes = if self.scopes.is_empty() { client.scopes.clone() } else { self.scopes };
        let grant = TokenGrant { lifetime: self.lifetime, ..TokenGrant::to(client, scopes) };
        let issued = issuer.issue(grant).map_err(|error| fail(&error))?;
        Ok(output::line(issued.token.expose_secret())?)
    }
}
