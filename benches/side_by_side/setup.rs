//! The two ways to share the machine's cores between a program, the load and the gateway.

use super::process::Cores;

/// Who runs where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// The program has one core and one worker; load and gateway have another core.
    Pinned,
    /// All share all cores, and the program has two workers.
    Free,
}

impl Setup {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Free => "free",
        }
    }

    pub const fn server_cores(self) -> Cores {
        match self {
            Self::Pinned => Cores::Only(0),
            Self::Free => Cores::Any,
        }
    }

    pub const fn other_cores(self) -> Cores {
        match self {
            Self::Pinned => Cores::Only(1),
            Self::Free => Cores::Any,
        }
    }

    pub const fn workers(self) -> usize {
        match self {
            Self::Pinned => 1,
            Self::Free => 2,
        }
    }
}
