//! The `storegate` program: all of it is in the library.

use std::process::ExitCode;

/// Chosen by measurement (`benches/README.md`): a million answers take less memory with it, and misses are faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    storegate::cli::run()
}
