//! Joins several cached responses into one: their stored bytes side by side, under headers that hold for all of them.

use std::time::Duration;

use super::request_context::RequestContext;
use crate::cache::{CacheOutcome, CachedResponse, EntityTag, Freshness};
use crate::http::problem::{Problem, ProblemDocument};

/// The result of one part.
pub type JoinedPart = Result<CachedResponse, Problem>;

/// A joined response that is being built; [`Self::finish`] completes it.
#[derive(Default)]
pub struct JoinedBody {
    body: Vec<u8>,
    /// The input of the ETag: the texts between parts, and each part's own ETag, which is much shorter than the part.
    told_apart_by: Vec<u8>,
    /// The age of the oldest part.
    age: Duration,
    /// How long all parts are still fresh.
    left: Option<Duration>,
    outcome: CacheOutcome,
}

impl JoinedBody {
    /// Adds text between parts.
    pub fn text(&mut self, json: &str) {
        self.written(json.as_bytes());
    }

    /// Adds a part, in its stored form.
    pub fn part(&mut self, found: &CachedResponse) {
        let entry = &found.entry;
        self.body.extend_from_slice(&entry.identity.body);
        // An ETag has quotes of its own, and no text between parts ends within quotes.
        self.told_apart_by.extend_from_slice(entry.identity.etag.as_bytes());
        self.age = self.age.max(found.age);
        let left = entry.freshness.fresh.saturating_sub(found.age);
        self.left = Some(self.left.map_or(left, |others| others.min(left)));
        // An outcome other than a hit is reported; of several, the last one.
        if found.outcome != CacheOutcome::Hit {
            self.outcome = found.outcome;
        }
    }

    /// Adds the problem of a missing part, and makes the response one that must not be reused.
    pub fn problem(&mut self, problem: &ProblemDocument) {
        // Texts and numbers can always be serialized.
        self.written(&serde_json::to_vec(problem).unwrap_or_else(|_| b"null".to_vec()));
        self.left = Some(Duration::ZERO);
    }

    /// Completes the response, with the lifetime of its shortest-lived part.
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

/// Checks that there is at least one part. The problem is otherwise the first one caused by a gateway or this service,
/// since the parts may exist without that failure, or else the first one.
///
/// # Errors
/// That problem.
pub fn require_one(parts: &[JoinedPart]) -> Result<(), Problem> {
    if parts.iter().any(Result::is_ok) {
        return Ok(());
    }
    let problems = || parts.iter().filter_map(|part| part.as_ref().err());
    let failure = problems().find(|problem| problem.kind.status() >= 500);
    failure.or_else(|| problems().next()).map_or(Ok(()), |problem| Err(problem.clone()))
}
