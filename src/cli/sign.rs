//! `storegate sign`: prints the exact text that is signed for a call, to be compared with the vendor's own tool.

use jiff::Timestamp;

use super::error::CliError;
use super::output;
use super::wire_call::WireCall;
use crate::clock::Clock;
use crate::gateway::protocol::TimestampAndNonce;

/// Show what is signed.
#[derive(clap::Args)]
#[command(after_help = "Nothing is sent. Example: storegate sign --config storegate.toml \
open.shopweb.passengerFlow.getTotalData id=S_123456 needUnit=0 --at 2021-04-01T12:00:00+08:00")]
pub struct Sign {
    #[command(flatten)]
    call: WireCall,
    /// Sign for this moment (RFC 3339) instead of now
    #[arg(long, value_name = "INSTANT")]
    at: Option<Timestamp>,
    /// Sign with this nonce [default: none]
    #[arg(long, value_name = "TEXT")]
    nonce: Option<String>,
    /// Write the timestamp as yyyyMMddHHmmss where a vendor has several forms
    #[arg(long)]
    compact: bool,
}

impl Sign {
    pub(super) fn run(self) -> Result<(), CliError> {
        let (_, account, call) = self.call.prepare()?;
        let forms = &account.vendor().pack().time.forms;
        let compact = forms.iter().position(|(name, _)| name == "compact").filter(|_| self.compact);
        let form = compact.unwrap_or_default();
        let stamp =
            TimestampAndNonce { time: self.at.unwrap_or_else(|| Clock::system().now()), nonce: self.nonce, form };
        let explanation = account.protocol().explain(&call, &stamp, None);
        let text = format!("signed string  {}\nsignature      {}", explanation.signed_text, explanation.signature);
        Ok(output::line(&text)?)
    }
}
