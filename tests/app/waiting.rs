//! Waiting until something can be seen: a port that accepts, a count, an answer. Nothing else in the tests waits for time to
//! pass, and the bound is no measure of anything: a busy machine takes what it takes.

#![expect(clippy::disallowed_methods, reason = "what is waited for happens in real time")]

use std::thread;
use std::time::{Duration, Instant};

/// After which a test fails.
const BOUND: Duration = Duration::from_secs(60);

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(5);

/// Looks again and again until it is so.
pub async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < BOUND, "{what}: not within {BOUND:?}");
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Looks again and again until it is so, on a thread that may block.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < BOUND, "{what}: not within {BOUND:?}");
        thread::sleep(INTERVAL);
    }
}
