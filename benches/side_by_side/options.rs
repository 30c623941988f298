//! What a run is told on the command line.

use clap::Parser;

/// Measure storegate beside a bare handler, nginx with Lua, and a Node service.
#[derive(Debug, Parser)]
pub struct Options {
    /// Rounds of each case
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Seconds that one program is loaded in a round
    #[arg(long, default_value_t = 4)]
    pub seconds: u64,
    /// Two rounds of one second, and fewer entries: to see that everything works
    #[arg(long)]
    pub quick: bool,
    /// Only the cases with this in their name; can be given several times
    #[arg(long = "case", value_name = "NAME")]
    cases: Vec<String>,
    /// Only storegate, the bare handler and the peers with this in their name; can be given several times
    #[arg(long = "peer", value_name = "NAME")]
    peers: Vec<String>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Reads the command line.
    pub fn read() -> Self {
        let options = Self::parse();
        if options.quick { Self { rounds: 2, seconds: 1, ..options } } else { options }
    }

    /// Whether a case is to run.
    pub fn wants_case(&self, name: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|part| name.contains(part.as_str()))
    }

    /// Whether a peer is to run.
    pub fn wants_peer(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.peers.is_empty() || self.peers.iter().any(|part| name.contains(&part.to_lowercase()))
    }

    /// Seconds to warm a program up, which the just-in-time compilers of some need.
    pub fn warm_up(&self) -> u64 {
        self.seconds.div_ceil(4)
    }
}
