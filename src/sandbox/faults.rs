//! Faults on demand: what a gateway, or the network before it, does on a bad day. A fault replaces an answer, after
//! the request was checked and ran: a signature is used up, as it would be.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

/// What happens to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The gateway answers with this code of its own, such as `-500` or `e000005`.
    Code(String),
    /// A proxy before the gateway answers with this status and a page of HTML.
    HttpStatus(u16),
    /// No answer ever comes.
    Hang,
    /// The answer stops in the middle and the connection is closed.
    Truncate,
    /// 200 with no body.
    Empty,
    /// 200 with a page of HTML.
    Html,
    /// The connection is reset before the answer begins.
    Reset,
}

impl Fault {
    /// The gateway answers with a code of its own, written as text: `Fault::code("-500")`.
    pub fn code(code: impl Into<String>) -> Self {
        Self::Code(code.into())
    }
}

/// The faults still to come, in order.
#[derive(Default)]
pub struct FaultQueue(Mutex<VecDeque<Queued>>);

struct Queued {
    fault: Fault,
    method: Option<String>,
    times: u32,
}

impl FaultQueue {
    /// Lets the next `times` answers fail: all of them, or those of one method.
    pub fn push(&self, fault: Fault, method: Option<String>, times: u32) {
        if times > 0 {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(Queued { fault, method, times });
        }
    }

    /// Takes the fault that is next for a method.
    pub fn take(&self, method: &str) -> Option<Fault> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_next = |queued: &Queued| queued.method.as_deref().is_none_or(|name| name == method);
        let position = queue.iter().position(is_next)?;
        let queued = queue.get_mut(position)?;
        queued.times -= 1;
        if queued.times > 0 {
            return Some(queued.fault.clone());
        }
        queue.remove(position).map(|queued| queued.fault)
    }

    /// Forgets the faults still to come.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A fault as the control endpoint is asked for it: `{"fault":"code","code":"-500","times":2}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultOrder {
    fault: FaultName,
    code: Option<CodeText>,
    status: Option<u16>,
    method: Option<String>,
    #[serde(default = "once")]
    times: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FaultName {
    Code,
    HttpStatus,
    Hang,
    Truncate,
    Empty,
    Html,
    Reset,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum CodeText {
    Number(i64),
    Text(String),
}

const fn once() -> u32 {
    1
}

impl FaultOrder {
    /// Puts the fault into a queue.
    ///
    /// # Errors
    /// A sentence that says what is missing or out of range.
    pub fn place(self, queue: &FaultQueue) -> Result<(), String> {
        let fault = match self.fault {
            FaultName::Code => Fault::Code(self.code.ok_or("`code` is missing, such as \"-500\"")?.into_text()),
            FaultName::HttpStatus => Fault::HttpStatus(checked_status(self.status)?),
            FaultName::Hang => Fault::Hang,
            FaultName::Truncate => Fault::Truncate,
            FaultName::Empty => Fault::Empty,
            FaultName::Html => Fault::Html,
            FaultName::Reset => Fault::Reset,
        };
        queue.push(fault, self.method, self.times);
        Ok(())
    }
}

impl CodeText {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

fn checked_status(status: Option<u16>) -> Result<u16, String> {
    status.filter(|status| (200..600).contains(status)).ok_or_else(|| "`status` must be 200 to 599".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultOrder, FaultQueue};

    #[test]
    fn faults_come_in_order_as_often_as_asked_and_only_for_their_method() {
        let queue = FaultQueue::default();
        queue.push(Fault::code("-500"), None, 2);
        queue.push(Fault::Empty, Some("shop.get".to_owned()), 1);
        queue.push(Fault::Hang, None, 0);
        assert_eq!(queue.take("a"), Some(Fault::code("-500")));
        assert_eq!(queue.take("shop.get"), Some(Fault::code("-500")));
        assert_eq!(queue.take("a"), None);
        assert_eq!(queue.take("shop.get"), Some(Fault::Empty));
        assert_eq!(queue.take("shop.get"), None);
    }

    #[test]
    fn an_order_is_read_and_a_wrong_one_is_explained() {
        let place = |text: &str| {
            let queue = FaultQueue::default();
            let order: FaultOrder = serde_json::from_str(text).map_err(|error| error.to_string())?;
            order.place(&queue).map(|()| queue.take("any"))
        };
        assert_eq!(place(r#"{"fault":"code","code":-500,"times":2}"#), Ok(Some(Fault::code("-500"))));
        assert_eq!(place(r#"{"fault":"http_status","status":503}"#), Ok(Some(Fault::HttpStatus(503))));
        assert_eq!(place(r#"{"fault":"hang","method":"shop.get"}"#), Ok(None));
        assert!(place(r#"{"fault":"code"}"#).is_err_and(|message| message.contains("`code`")));
        assert!(place(r#"{"fault":"http_status","status":99}"#).is_err_and(|message| message.contains("200 to 599")));
        assert!(place(r#"{"fault":"flood"}"#).is_err() && place(r#"{"fault":"hang","time":2}"#).is_err());
    }
}
