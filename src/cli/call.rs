//! `storegate call`: makes one signed call to a gateway and prints the envelope as received.

use super::error::CliError;
use super::output;
use super::wire_call::WireCall;
use crate::clock::Clock;
use crate::gateway::GatewayClient;
use crate::gateway::tls;
use crate::gateway::transport::Transport;

/// Send one call.
#[derive(clap::Args)]
#[command(
    after_help = "The envelope is printed as it came, data that is usually masked included. The exit code is 1 when it \
tells an error. \
Example: storegate call --config storegate.toml shop.getList page_no=1 page_size=10"
)]
pub struct CallCommand {
    #[command(flatten)]
    call: WireCall,
}

impl CallCommand {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (settings, account, call) = self.call.prepare()?;
        let tls = tls::client_config(&settings.gateway.authorities).map_err(crate::app::AppError::from)?;
        let transport = Transport::new(&settings.gateway, tls);
        let client = GatewayClient::new(transport, Clock::system(), settings.gateway.deadline);
        let (body, outcome) = client.call_raw(&account, &call).await?;
        output::line(String::from_utf8_lossy(&body).trim_end())?;
        Ok(outcome?)
    }
}
