//! What a check found: how it stands, why, and what to do. One line each, for people or as JSON.

use serde::Serialize;

/// How a thing stands. The worst of all decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, and something should be looked at.
    Warning,
    /// It does not work.
    Failed,
}

impl Status {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }

    /// The exit code when this is the worst.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Failed => 2,
        }
    }
}

/// What one check found. It holds no secret, no token and nothing that was signed.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// How it stands.
    pub status: Status,
    /// The tenant and vendor whose it is; empty for one of the whole service.
    pub subject: String,
    /// What was checked.
    pub check: String,
    /// What was seen.
    pub cause: String,
    /// What to do, unless all is well.
    pub remedy: Option<String>,
}

impl Finding {
    fn new(status: Status, check: impl Into<String>, cause: impl Into<String>, remedy: Option<String>) -> Self {
        // Names of stores and a gateway's words come from elsewhere, and must not write lines of their own.
        let cause = cause.into().replace(char::is_control, " ");
        Self { status, subject: String::new(), check: check.into(), cause, remedy }
    }

    /// All is well.
    pub fn ok(check: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(Status::Ok, check, cause, None)
    }

    /// It works, and something should be looked at.
    pub fn warning(check: impl Into<String>, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Status::Warning, check, cause, Some(remedy.into()))
    }

    /// It does not work.
    pub fn failed(check: impl Into<String>, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Status::Failed, check, cause, Some(remedy.into()))
    }

    /// The same of this subject.
    #[must_use]
    pub fn of(self, subject: &str) -> Self {
        Self { subject: subject.to_owned(), ..self }
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let Self { status, subject, check, cause, remedy } = self;
        let subject = if subject.is_empty() { String::new() } else { format!("{subject}: ") };
        let remedy = remedy.as_ref().map(|remedy| format!(" -> {remedy}")).unwrap_or_default();
        format!("{:<8} {subject}{check}: {cause}{remedy}", status.name())
    }
}

/// All findings, with the worst status.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// The worst of all.
    pub status: Status,
    /// Each of them, in the order of the checks.
    pub checks: Vec<Finding>,
}

impl From<Vec<Finding>> for Findings {
    fn from(checks: Vec<Finding>) -> Self {
        let status = checks.iter().map(|finding| finding.status).max().unwrap_or(Status::Ok);
        Self { status, checks }
    }
}

impl Findings {
    /// A line for each.
    pub fn lines(&self) -> String {
        self.checks.iter().map(Finding::line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Findings, Status};

    #[test]
    fn the_worst_decides_and_each_has_a_line_of_its_own() {
        let findings = Findings::from(vec![
            Finding::ok("keys", "one").of("acme"),
            Finding::failed("clock", "off\nok       by far", "mend it"),
            Finding::warning("stores", "some", "look"),
        ]);
        assert_eq!((findings.status, findings.status.exit_code()), (Status::Failed, 2));
        assert_eq!(
            findings.lines(),
            "ok       acme: keys: one\nfailed   clock: off ok       by far -> mend it\nwarning  stores: some -> look"
        );
    }
}
