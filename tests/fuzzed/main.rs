//! What fuzzing checks and has found, without a fuzzer: the targets of `fuzz/` with their corpus, with answers of the
//! gateways that are cut at every byte, and with answers that are changed at random.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

mod changed_bodies;
mod corpus;
mod corpus_files;
mod cut_bodies;
