//! The flags of `sandbox` and `demo` that set how the sandbox gateway behaves from the start, to rehearse an outage.

use std::net::TcpListener;
use std::time::Duration;

use jiff::SignedDuration;

use super::error::CliError;
use super::packs::NamedPacks;
use crate::clock::Clock;
use crate::sandbox::{
    FaultOrder, OmsServer, OpRetailAccount, OpRetailApplication, Sandbox, SandboxSettings, parse_clock_skew,
    parse_lateness, parse_timestamp_window,
};
use crate::settings::parse_duration;

/// The help text about the sandbox's endpoints.
pub const ENDPOINTS: &str = "\
While it runs, the sandbox is controlled at its own address:
  GET    /_sandbox/calls      counts what was called
  POST   /_sandbox/faults     lets answers fail, such as {\"fault\":\"code\",\"code\":\"-500\",\"times\":2}
  GET    /_sandbox/faults     lists the faults still to come
  DELETE /_sandbox/faults     forgets them
  PATCH  /_sandbox/behaviour  changes what holds for every call, such as {\"latency\":\"300ms\",\"clock_skew\":\"-2h\"}
  GET    /_sandbox/behaviour  shows it
  DELETE /_sandbox/behaviour  goes back to the start
  DELETE /_sandbox/logins     ends every user's token";

/// How the sandbox gateway behaves from the start.
#[derive(Default, clap::Args)]
#[command(next_help_heading = "Options of the sandbox gateway")]
pub struct SandboxFlags {
    /// Every answer takes so much longer, such as 200ms; 10m at most
    #[arg(long, value_name = "DURATION", value_parser = parse_lateness)]
    latency: Option<Duration>,
    /// The gateways' clocks are ahead by so much, or behind, such as 2h or -2h
    #[arg(long, value_name = "DURATION", value_parser = parse_clock_skew, allow_hyphen_values = true)]
    clock_skew: Option<SignedDuration>,
    /// The gateways remember a signature for so long; 0s accepts repeated calls
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    replay_window: Option<Duration>,
    /// The gateways take timestamps that are off by so much
    #[arg(long, value_name = "DURATION", value_parser = parse_timestamp_window)]
    timestamp_window: Option<Duration>,
    /// The OMS is the server that the vendor publishes, or the one that its pages describe [default: published]
    #[arg(long, value_name = "SERVER")]
    oms: Option<OmsServer>,
    /// OPRetail's open.shopweb methods need a user's token
    #[arg(long)]
    require_login: bool,
    /// A user's token lives for so long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    login_lifetime: Option<Duration>,
    /// Let answers fail; can be given several times; the same JSON as for POST /_sandbox/faults
    #[arg(long = "fault", value_name = "JSON")]
    faults: Vec<String>,
    /// Play the vendor of this pack, too: a file, or the name of a pack in the program; can be given several times
    #[arg(long = "vendor", value_name = "FILE")]
    vendors: Vec<String>,
}

impl SandboxFlags {
    /// The packs that the flags name.
    pub(super) fn packs(&self) -> Result<NamedPacks, CliError> {
        NamedPacks::read(&self.vendors)
    }

    /// Starts a sandbox with these flags and the gateways of these packs, where OPRetail's account may have an application.
    pub(super) fn start(
        self,
        packs: &NamedPacks,
        application: Option<OpRetailApplication>,
        clock: Clock,
        listener: TcpListener,
    ) -> Result<Sandbox, CliError> {
        let packs = packs.added();
        let read = |text: &String| {
            FaultOrder::from_json_beside(text, &packs)
                .map_err(|message| CliError::Usage(format!("invalid value '{text}' for '--fault <JSON>': {message}")))
        };
        let faults = self.faults.iter().map(read).collect::<Result<Vec<FaultOrder>, CliError>>()?;
        let opretail = vec![OpRetailAccount { application, ..OpRetailAccount::default() }];
        let sandbox = Sandbox::start(&SandboxSettings { opretail, packs, ..self.settings() }, clock, listener)?;
        faults.into_iter().for_each(|order| sandbox.order(order));
        Ok(sandbox)
    }

    fn settings(&self) -> SandboxSettings {
        let usual = SandboxSettings::default();
        SandboxSettings {
            latency: self.latency.unwrap_or(usual.latency),
            clock_skew: self.clock_skew.unwrap_or(usual.clock_skew),
            opretail_replay_window: self.replay_window.unwrap_or(usual.opretail_replay_window),
            oms_replay_window: self.replay_window.unwrap_or(usual.oms_replay_window),
            opretail_timestamp_window: self.timestamp_window.unwrap_or(usual.opretail_timestamp_window),
            oms_timestamp_window: self.timestamp_window.unwrap_or(usual.oms_timestamp_window),
            pack_timestamp_window: self.timestamp_window,
            pack_replay_window: self.replay_window,
            oms_server: self.oms.unwrap_or(usual.oms_server),
            require_login: self.require_login,
            login_lifetime: self.login_lifetime.unwrap_or(usual.login_lifetime),
            ..usual
        }
    }
}
