//! What a hit costs, counted: allocations, and machine instructions under Valgrind. Seconds differ from machine to machine
//! and from run to run; these do not, so that what makes the hit path dearer is seen by the commit that does it.
//!
//! A bound that is passed for a good reason is raised here, with the reason in the commit.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![expect(clippy::print_stdout, reason = "the counts are worth seeing")]

#[expect(dead_code, reason = "the tests' service is used in part")]
#[path = "../app/mod.rs"]
mod app;
mod instructions;
mod peer;
mod program;
mod readers;
mod soak;

use std::alloc::System;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use app::TestApp;
use peer::{Peer, request};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const HITS: usize = 2_000;

/// Allocations of one hit, from the socket to the socket, the framework's included: the texts and tables of the request's
/// own head and target, and the id of the answer. It was 4.3 when it was last looked at.
const MOST_ALLOCATIONS: f64 = 5.0;

fn main() -> ExitCode {
    let test = |name: &str, run: fn()| {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    };
    let instructions = "instructions::a_hit_takes_no_more_instructions_than_it_did";
    let instructions = test(instructions, instructions::a_hit_takes_no_more_instructions_than_it_did);
    let readers = "readers::readers_of_long_answers_add_no_more_memory_than_what_they_are_sent";
    let tests = vec![
        test(readers, readers::readers_of_long_answers_add_no_more_memory_than_what_they_are_sent),
        test("a_hit_makes_no_more_allocations_than_it_did", a_hit_makes_no_more_allocations_than_it_did),
        instructions.with_ignored_flag(!instructions::can_be_counted()),
        test("soak::a_soak_leaves_the_programs_memory_as_it_was", soak::a_soak_leaves_the_programs_memory_as_it_was),
    ];
    // Allocations are counted of the whole process, so that no other test may run beside.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn a_hit_makes_no_more_allocations_than_it_did() {
    actix_web::rt::System::new().block_on(allocations());
}

async fn allocations() {
    // The last one has a collector that nobody listens at: what it costs is worth seeing, and is bounded by nothing.
    for (traces, sampled, most) in
        [(false, "1", MOST_ALLOCATIONS), (true, "0", MOST_ALLOCATIONS), (true, "1", f64::MAX)]
    {
        let each = allocations_of_a_hit(traces, sampled);
        println!("{each:.2} allocations a hit, traces: {traces}, sampled: {sampled}");
        assert!(each <= most, "{each:.2} allocations a hit, traces: {traces}, sampled: {sampled}");
    }
}

fn allocations_of_a_hit(traces: bool, sampled: &str) -> f64 {
    let app = TestApp::with(|setup| {
        setup.set("SERVER__WORKERS", "1");
        setup.set("TELEMETRY__TRACES_SAMPLED", sampled);
        if traces {
            setup.set("TELEMETRY__TRACES", "http://127.0.0.1:9");
        }
    });
    let request = request(&app.token("dashboard"), "/stores/S_123456/flow");
    let mut peer = Peer::connect(app.address());
    // A miss, a hit that is remembered, and hits that fill what is kept for reuse.
    for _ in 0..64 {
        peer.exchange(&request);
    }
    let region = Region::new(COUNTED);
    for _ in 0..HITS {
        peer.exchange(&request);
    }
    let change = region.change();
    if !traces {
        let kept = change.bytes_allocated.saturating_sub(change.bytes_deallocated);
        assert!(kept < 256 << 10, "{kept} bytes were kept after {HITS} hits");
    }
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let each = change.allocations as f64 / HITS as f64;
    each
}
