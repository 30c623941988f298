//! Clients' connections: how requests are framed, who is slow, how many there may be, and how they end.

mod framing;
mod open_files;
mod shutdown;
mod stalls;
