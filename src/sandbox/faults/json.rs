//! How people write an order, and how it is shown to them: one JSON object with the fault, what it needs, and the calls
//! that it is for.

#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{Fault, FaultOrder};
use crate::sandbox::durations;
use crate::sandbox::vendor::Vendor;
use crate::settings::parse_duration;

/// The object with all the names that it may have. Numbers are wide, so that one out of range can be explained.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    fault: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<CodeText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<Vendor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<i64>,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Code,
    HttpStatus,
    Delay,
    #[default]
    Hang,
    Reset,
    Close,
    Garbage,
    Truncate,
    Cut,
    Drip,
    Endless,
    Bomb,
    Empty,
    Html,
    Body,
    Mixed,
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum CodeText {
    Number(i64),
    Text(String),
}

impl Written {
    /// The order that is meant.
    ///
    /// # Errors
    /// A sentence that says what is missing, out of range or too much.
    pub fn order(mut self) -> Result<FaultOrder, String> {
        let fault = self.fault()?;
        if let Some(name) = self.left_over() {
            return Err(format!("`{name}` does not belong to this fault"));
        }
        let percent = self.percent.map(|percent| within("percent", percent, 1..=100)).transpose()?;
        let times = self.times.map(|times| within("times", times, 1..=u32::MAX)).transpose()?;
        // One call, unless chance decides how many.
        let times = times.or(if percent.is_some() { None } else { Some(1) });
        Ok(FaultOrder { fault, gateway: self.gateway, method: self.method, percent, times })
    }

    /// Takes what the fault needs.
    fn fault(&mut self) -> Result<Fault, String> {
        Ok(match self.fault {
            Kind::Code => Fault::Code(self.code()?),
            Kind::HttpStatus => self.status()?,
            Kind::Delay => Fault::Delay(parse_duration(&needed("delay", self.delay.take(), "\"300ms\"")?)?),
            Kind::Hang => Fault::Hang,
            Kind::Reset => Fault::Reset,
            Kind::Close => Fault::Close,
            Kind::Garbage => Fault::Garbage,
            Kind::Truncate => Fault::Truncate,
            Kind::Cut => Fault::Cut(within("bytes", needed("bytes", self.bytes.take(), "17")?, 0..=u32::MAX)? as usize),
            Kind::Drip => Fault::Drip,
            Kind::Endless => Fault::Endless,
            Kind::Bomb => Fault::Bomb,
            Kind::Empty => Fault::Empty,
            Kind::Html => Fault::Html,
            Kind::Body => Fault::Body(needed("body", self.body.take(), "\"[]\"")?),
            Kind::Mixed => Fault::Mixed,
        })
    }

    fn code(&mut self) -> Result<String, String> {
        let text = match needed("code", self.code.take(), "\"-500\"")? {
            CodeText::Number(number) => number.to_string(),
            CodeText::Text(text) => text,
        };
        if text.is_empty() { Err("`code` is empty; write one such as \"-500\"".to_owned()) } else { Ok(text) }
    }

    fn status(&mut self) -> Result<Fault, String> {
        let status = within("status", needed("status", self.status.take(), "503")?, 200..=599)?;
        let Some(seconds) = self.retry_after.take() else { return Ok(Fault::HttpStatus(status)) };
        if status != 429 && status != 503 {
            return Err("`retry_after` goes with a `status` of 429 or 503".to_owned());
        }
        Ok(Fault::AskToWait { status, seconds: within("retry_after", seconds, 0..=u32::MAX)? })
    }

    fn left_over(&self) -> Option<&'static str> {
        let needs = [
            ("code", self.code.is_some()),
            ("status", self.status.is_some()),
            ("retry_after", self.retry_after.is_some()),
            ("delay", self.delay.is_some()),
            ("bytes", self.bytes.is_some()),
            ("body", self.body.is_some()),
        ];
        needs.into_iter().find(|(_, is_there)| *is_there).map(|(name, _)| name)
    }
}

fn needed<T>(name: &str, value: Option<T>, example: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("`{name}` is missing; write one such as {example}"))
}

fn within<T>(name: &str, value: i64, range: RangeInclusive<T>) -> Result<T, String>
where
    T: Copy + Display + PartialOrd + TryFrom<i64>,
{
    let fitting = T::try_from(value).ok().filter(|value| range.contains(value));
    fitting.ok_or_else(|| format!("`{name}` must be {} to {}", range.start(), range.end()))
}

impl From<FaultOrder> for Written {
    fn from(order: FaultOrder) -> Self {
        let FaultOrder { fault, gateway, method, percent, times } = order;
        let (percent, times) = (percent.map(i64::from), times.map(i64::from));
        Self { gateway, method, percent, times, ..Self::of(fault) }
    }
}

impl Written {
    fn of(fault: Fault) -> Self {
        let plain = |fault| Self { fault, ..Self::default() };
        match fault {
            Fault::Code(code) => Self { code: Some(CodeText::Text(code)), ..plain(Kind::Code) },
            Fault::HttpStatus(status) => Self { status: Some(i64::from(status)), ..plain(Kind::HttpStatus) },
            Fault::AskToWait { status, seconds } => {
                let (status, retry_after) = (Some(i64::from(status)), Some(i64::from(seconds)));
                Self { status, retry_after, ..plain(Kind::HttpStatus) }
            }
            Fault::Delay(delay) => Self { delay: Some(durations::written(delay)), ..plain(Kind::Delay) },
            Fault::Hang => plain(Kind::Hang),
            Fault::Reset => plain(Kind::Reset),
            Fault::Close => plain(Kind::Close),
            Fault::Garbage => plain(Kind::Garbage),
            Fault::Truncate => plain(Kind::Truncate),
            Fault::Cut(bytes) => Self { bytes: Some(i64::try_from(bytes).unwrap_or(i64::MAX)), ..plain(Kind::Cut) },
            Fault::Drip => plain(Kind::Drip),
            Fault::Endless => plain(Kind::Endless),
            Fault::Bomb => plain(Kind::Bomb),
            Fault::Empty => plain(Kind::Empty),
            Fault::Html => plain(Kind::Html),
            Fault::Body(body) => Self { body: Some(body), ..plain(Kind::Body) },
            Fault::Mixed => plain(Kind::Mixed),
        }
    }
}
