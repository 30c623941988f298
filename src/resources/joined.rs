//! Answers that are made of several kept ones: their stored bytes side by side, under one head that is true of all of them.

use std::time::Duration;

use super::request_context::RequestContext;
use crate::cache::{CacheOutcome, CachedResponse, EntityTag, Freshness};
use crate::http::problem::{Problem, ProblemDocument};

/// What became of one part.
pub type JoinedPart = Result<CachedResponse, Problem>;

/// An answer that is being put together.
pub struct JoinedBody {
    body: Vec<u8>,
    /// What the answer's tag follows from: the texts between parts, and of each part its own tag, which is much shorter.
    told_apart_by: Vec<u8>,
    /// The age of the oldest part.
    age: Duration,
    /// For how long all parts are fresh.
    left: Option<Duration>,
    outcome: CacheOutcome,
}

impl JoinedBody {
    /// An answer without parts. It is complete with [`Self::finish`].
    pub fn new() -> Self {
        Self {
            body: Vec::new(),
            told_apart_by: Vec::new(),
            age: Duration::ZERO,
            left: None,
            outcome: CacheOutcome::Hit,
        }
    }

    /// Adds text between parts.
    pub fn text(&mut self, json: &str) {
        self.written(json.as_bytes());
    }

    /// Adds a part as it is kept.
    pub fn part(&mut self, found: &CachedResponse) {
        let entry = &found.entry;
        self.body.extend_from_slice(&entry.identity().body);
        // In quotes of its own, and no text between parts ends inside of quotes.
        self.told_apart_by.extend_from_slice(entry.identity().etag.as_bytes());
        self.age = self.age.max(found.age);
        let left = entry.freshness().fresh.saturating_sub(found.age);
        self.left = Some(self.left.map_or(left, |others| others.min(left)));
        // What is not a hit is worth telling; of several the last part's.
        if found.outcome != CacheOutcome::Hit {
            self.outcome = found.outcome;
        }
    }

    /// Adds what could not be had, and makes the answer one that is not to be used again.
    pub fn problem(&mut self, problem: &ProblemDocument) {
        // Texts and numbers can always be written.
        self.written(&serde_json::to_vec(problem).unwrap_or_else(|_| b"null".to_vec()));
        self.left = Some(Duration::ZERO);
    }

    /// The answer, with the lifetime that its shortest part has.
    pub fn finish(self, context: &RequestContext) -> CachedResponse {
        let lifetime = Duration::from_secs((self.age + self.left.unwrap_or_default()).as_secs());
        let freshness = Freshness { fresh: lifetime, stale: Duration::ZERO, on_error: Duration::ZERO };
        let tag = EntityTag::of_bytes([&*self.told_apart_by]);
        context.shared().cache.given_once(self.body, &tag, freshness, self.age, self.outcome)
    }

    fn written(&mut self, json: &[u8]) {
        self.body.extend_from_slice(json);
        self.told_apart_by.extend_from_slice(json);
    }
}

/// The problem of the answer, if there is no part at all: the first one that is a failure of the gateway or of this service,
/// since the parts might be there without it; or else the first one.
///
/// # Errors
/// That problem.
pub fn require_one(parts: &[JoinedPart]) -> Result<(), Problem> {
    if parts.iter().any(Result::is_ok) {
        return Ok(());
    }
    let problems = || parts.iter().filter_map(|part| part.as_ref().err());
    let failure = problems().find(|problem| problem.kind().status() >= 500);
    failure.or_else(|| problems().next()).map_or(Ok(()), |problem| Err(problem.clone()))
}
