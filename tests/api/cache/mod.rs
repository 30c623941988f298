//! What is answered from memory, and how long.

mod empty_answers;
mod fast_path;
mod freshness;
mod purge;
