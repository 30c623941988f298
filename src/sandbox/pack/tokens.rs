//! The tokens that a pack's gateway has issued, with their ends.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The tokens that count, each until its end.
#[derive(Default)]
pub struct IssuedTokens(Mutex<Issued>);

#[derive(Default)]
struct Issued {
    count: u64,
    ends: HashMap<String, Duration>,
}

impl IssuedTokens {
    /// A token that never ends, because another program renews it.
    pub fn given(token: &str) -> Self {
        let ends = HashMap::from([(token.to_owned(), Duration::MAX)]);
        Self(Mutex::new(Issued { count: 0, ends }))
    }

    /// Issues a token that is good until `end`.
    pub fn issue(&self, now: Duration, end: Duration) -> String {
        let mut issued = self.issued();
        issued.ends.retain(|_, end| *end > now);
        issued.count += 1;
        let token = format!("sandbox-token-{}", issued.count);
        issued.ends.insert(token.clone(), end);
        token
    }

    /// Whether a token counts.
    pub fn has(&self, token: &str, now: Duration) -> bool {
        self.issued().ends.get(token).is_some_and(|end| *end > now)
    }

    /// Ends every token that was issued.
    pub fn forget(&self) {
        self.issued().ends.retain(|_, end| *end == Duration::MAX);
    }

    fn issued(&self) -> MutexGuard<'_, Issued> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
