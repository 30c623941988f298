//! The finding of a check: its status, its cause and the remedy, as one line or as JSON.

use serde::Serialize;

/// The status of a check. The worst one of all checks decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No problem.
    Ok,
    /// It works, but should be looked at.
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

    /// The exit code when this is the worst status.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Failed => 2,
        }
    }
}

/// The finding of one check. It holds no secret, no token and nothing that was signed.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The status.
    pub status: Status,
    /// The tenant and vendor that it is about; empty for the whole service.
    pub subject: String,
    /// What was checked.
    pub check: String,
    /// What was seen.
    pub cause: String,
    /// What to do, unless there is no problem.
    pub remedy: Option<String>,
}

impl Finding {
    fn new(status: Status, check: impl Into<String>, cause: impl Into<String>, remedy: Option<String>) -> Self {
        // Store names and a gateway's messages come from outside, and must not add lines of their own.
        let cause = cause.into().replace(char::is_control, " ");
        Self { status, subject: String::new(), check: check.into(), cause, remedy }
    }

    /// Creates a finding without a problem.
    pub fn ok(check: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(Status::Ok, check, cause, None)
    }

    /// Creates a finding about something that works, but should be looked at.
    pub fn warning(check: impl Into<String>, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Status::Warning, check, cause, Some(remedy.into()))
    }

    /// Creates a finding about something that does not work.
    pub fn failed(check: impl Into<String>, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Status::Failed, check, cause, Some(remedy.into()))
    }

    /// Sets the subject.
    #[must_use]
    pub fn of(self, subject: &str) -> Self {
        Self { subject: subject.to_owned(), ..self }
    }

    /// Writes the finding as one line.
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
    /// The worst status.
    pub status: Status,
    /// All findings, in the order of the checks.
    pub checks: Vec<Finding>,
}

impl From<Vec<Finding>> for Findings {
    fn from(checks: Vec<Finding>) -> Self {
        let status = checks.iter().map(|finding| finding.status).max().unwrap_or(Status::Ok);
        Self { status, checks }
    }
}

impl Findings {
    /// Writes each finding as a line.
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
