//! The `storegate` program.

fn main() {}
