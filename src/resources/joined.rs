//! Answers that are made of several kept ones: their stored bytes side by side, under one head that is true of all of them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::desk::Desk;
use crate::cache::{Document, Entry, Found, Freshness, Outcome};
use crate::http::problem::{Problem, ProblemDocument};

/// What became of one part.
pub type Part = Result<Found, Problem>;

/// An answer that is being put together.
pub struct Joined {
    body: Vec<u8>,
    /// The age of the oldest part.
    age: Duration,
    /// For how long all parts are fresh.
    left: Option<Duration>,
    outcome: Outcome,
    stores: Vec<String>,
}

impl Joined {
    /// An answer without parts. It is complete with [`Self::finish`].
    pub fn new() -> Self {
        Self { body: Vec::new(), age: Duration::ZERO, left: None, outcome: Outcome::Hit, stores: Vec::new() }
    }

    /// Adds text between parts.
    pub fn text(&mut self, json: &str) {
        self.body.extend_from_slice(json.as_bytes());
    }

    /// Adds a part as it is kept.
    pub fn part(&mut self, found: &Found) {
        let entry: &Arc<Entry> = &found.entry;
        self.body.extend_from_slice(&entry.identity().body);
        self.age = self.age.max(found.age);
        let left = entry.freshness().fresh.saturating_sub(found.age);
        self.left = Some(self.left.map_or(left, |others| others.min(left)));
        // What is not a hit is worth telling; of several the last part's.
        if found.outcome != Outcome::Hit {
            self.outcome = found.outcome;
        }
        self.stores.extend(entry.stores().iter().cloned());
    }

    /// Adds what could not be had, and makes the answer one that is not to be used again.
    pub fn problem(&mut self, problem: &ProblemDocument) {
        // Texts and numbers can always be written.
        self.body.extend_from_slice(&serde_json::to_vec(problem).unwrap_or_else(|_| b"null".to_vec()));
        self.left = Some(Duration::ZERO);
    }

    /// The answer, with the lifetime that its shortest part has.
    pub async fn finish(self, desk: &Desk) -> Found {
        let lifetime = Duration::from_secs((self.age + self.left.unwrap_or_default()).as_secs());
        let freshness = Freshness { fresh: lifetime, stale: Duration::ZERO, on_error: Duration::ZERO };
        let document = Document { body: Bytes::from(self.body), link: None };
        desk.shared().cache.unkept(document, freshness, self.stores, self.age, self.outcome).await
    }
}

/// The first problem, if there is no part at all: then that is the answer.
///
/// # Errors
/// The problem of the first part.
pub fn require_one<'a>(parts: impl Iterator<Item = &'a Part> + Clone) -> Result<(), Problem> {
    if parts.clone().any(Result::is_ok) {
        return Ok(());
    }
    let mut problems = parts.filter_map(|part| part.as_ref().err());
    problems.next().map_or(Ok(()), |problem| Err(problem.clone()))
}
