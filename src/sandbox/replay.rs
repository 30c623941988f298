//! Replay protection: both vendors accept a signature only once within a window of time.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The signatures that have been seen, by account.
#[derive(Default)]
pub struct SeenSignatures(Mutex<SeenHashes>);

#[derive(Default)]
struct SeenHashes {
    signatures: HashSet<Arc<str>>,
    by_age: VecDeque<(Duration, Arc<str>)>,
}

impl SeenSignatures {
    /// Uses up a signature. Returns `false` when `account` has used it within the window before `now`; a window of zero
    /// remembers nothing.
    pub fn use_up(&self, account: &str, signature: &str, now: Duration, window: Duration) -> bool {
        if window.is_zero() {
            return true;
        }
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(oldest) = now.checked_sub(window) {
            seen.forget_until(oldest);
        }
        let key: Arc<str> = format!("{account}\n{signature}").into();
        let is_new = seen.signatures.insert(key.clone());
        if is_new {
            seen.by_age.push_back((now, key));
        }
        is_new
    }
}

impl SeenHashes {
    fn forget_until(&mut self, oldest: Duration) {
        while self.by_age.front().is_some_and(|(time, _)| *time <= oldest) {
            if let Some((_, key)) = self.by_age.pop_front() {
                self.signatures.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SeenSignatures;
    use std::time::Duration;

    const WINDOW: Duration = Duration::from_secs(10);

    #[test]
    fn a_signature_is_taken_once_within_the_window_and_again_after_it() {
        let seen = SeenSignatures::default();
        assert!(seen.use_up("a", "S", Duration::from_secs(0), WINDOW));
        assert!(!seen.use_up("a", "S", Duration::from_secs(9), WINDOW));
        assert!(seen.use_up("b", "S", Duration::from_secs(9), WINDOW));
        assert!(seen.use_up("a", "S", Duration::from_secs(10), WINDOW));
    }

    #[test]
    fn a_window_of_zero_remembers_nothing() {
        let seen = SeenSignatures::default();
        assert!(seen.use_up("a", "S", Duration::ZERO, Duration::ZERO));
        assert!(seen.use_up("a", "S", Duration::ZERO, WINDOW));
    }

    #[test]
    fn a_window_that_is_made_smaller_counts_for_what_was_seen_before() {
        let seen = SeenSignatures::default();
        assert!(seen.use_up("a", "S", Duration::ZERO, WINDOW));
        assert!(seen.use_up("a", "S", Duration::from_secs(5), WINDOW / 2));
    }
}
