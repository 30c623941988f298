//! Timeouts for slow clients: one that stalls in a request or does not read the response is disconnected.

use std::io;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::framing::Incomplete;
use crate::clock::Deadline;

/// Number of consecutive checks after which a slow reader is disconnected: a response waits at each, and less than the
/// minimum was read. A slow reader's buffers empty in bursts, so this is longer than the timeout of heads.
const LOOKS_AT_AN_ANSWER: u32 = 6;

/// The slowest rate at which a client may read a response, in bytes per second.
const LEAST: u128 = 1 << 10;

/// A head that was already incomplete at the previous check is too slow.
const LOOKS_AT_A_HEAD: u32 = 2;

/// The timeouts for slow clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientTimeouts {
    /// The timeout of a head: the connection closes between once and twice this time after the head began.
    pub head: Duration,
    /// The shortest timeout of a body. The reader of the body has a shorter timeout.
    pub body: Duration,
}

impl ClientTimeouts {
    fn looks_at_a_body(self) -> u32 {
        let looks = self.body.as_millis().div_ceil(self.head.as_millis().max(1));
        u32::try_from(looks).unwrap_or(u32::MAX).saturating_add(LOOKS_AT_A_HEAD)
    }

    const fn least_of_an_answer(self) -> u128 {
        LEAST * LOOKS_AT_AN_ANSWER as u128 * self.head.as_millis() / 1000
    }
}

/// Detects stalled clients by checking a connection from time to time, so that a request needs no timer of its own.
pub struct StallDetector {
    timeouts: ClientTimeouts,
    /// The timer of the next check. It is polled only while a request is incomplete, since the framework takes each
    /// waking for a reason to keep a connection alive.
    next_look: Pin<Box<Sleep>>,
    /// The time of the next check, readable without being woken.
    due: Deadline,
    open: Option<Incomplete>,
    looks: u32,
    /// Whether the next check is the last: the request must be complete by then.
    is_last_look: bool,
    write: WriteProgress,
}

/// The progress of writing a response.
#[derive(Clone, Copy, Debug, Default)]
struct WriteProgress {
    is_waiting: bool,
    /// Checks at which the response waited.
    looks: u32,
    /// Bytes of the response that were written since the first of these checks.
    taken: usize,
}

impl StallDetector {
    /// Starts the first period now.
    pub fn new(timeouts: ClientTimeouts) -> Self {
        Self {
            timeouts,
            next_look: Box::pin(sleep(timeouts.head)),
            due: Deadline::after(timeouts.head),
            open: None,
            looks: 0,
            is_last_look: false,
            write: WriteProgress::default(),
        }
    }

    /// Checks the client if a check is due, and wakes the connection for the next one.
    ///
    /// # Errors
    /// Returns an error if the client has stalled.
    pub fn wait(&mut self, open: Option<Incomplete>, context: &mut Context<'_>) -> io::Result<()> {
        while self.next_look.as_mut().poll(context).is_ready() {
            self.look(open)?;
        }
        Ok(())
    }

    /// Checks the client if a check is due. Bytes may arrive so fast that the connection never waits.
    ///
    /// # Errors
    /// Returns an error if the client has stalled.
    pub fn check_if_due(&mut self, open: Option<Incomplete>) -> io::Result<()> {
        if self.due.left().is_zero() { self.look(open) } else { Ok(()) }
    }

    /// Allows this time, without checks in between, for the remaining work on the connection.
    pub fn end_after(&mut self, time: Duration) {
        self.next_look.set(sleep(time));
        self.due = Deadline::after(time);
    }

    /// Whether the time of [`Self::end_after`] is over. If not, the connection is woken when it is.
    pub fn has_ended(&mut self, context: &mut Context<'_>) -> bool {
        self.due.left().is_zero() || self.next_look.as_mut().poll(context).is_ready()
    }

    /// Allows the request in progress this time to end, or the timeout of a head.
    pub fn end_request_within(&mut self, time: Option<Duration>) {
        self.is_last_look = true;
        self.end_after(time.unwrap_or(self.timeouts.head));
    }

    /// Resumes the regular checks after the request has ended.
    pub fn go_on(&mut self) {
        self.is_last_look = false;
        self.end_after(self.timeouts.head);
    }

    /// Whether a response waits to be read by the client.
    pub const fn is_writing(&self) -> bool {
        self.write.is_waiting
    }

    /// Records that nothing of a response could be written.
    pub const fn write_waits(&mut self) {
        self.write.is_waiting = true;
    }

    /// Records that `written` of `of` bytes were written.
    pub const fn write_flows(&mut self, written: usize, of: usize) {
        self.write.taken = self.write.taken.saturating_add(written);
        self.write.is_waiting = self.write.is_waiting && written < of;
    }

    fn look(&mut self, open: Option<Incomplete>) -> io::Result<()> {
        self.end_after(self.timeouts.head);
        if self.is_last_look || self.has_stalled(open) { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }

    fn has_stalled(&mut self, open: Option<Incomplete>) -> bool {
        self.looks = if open == self.open { self.looks.saturating_add(1) } else { 1 };
        self.open = open;
        let is_request_late = match open {
            Some(Incomplete::Head(_)) => self.looks >= LOOKS_AT_A_HEAD,
            Some(Incomplete::Body(_)) => self.looks >= self.timeouts.looks_at_a_body(),
            None => false,
        };
        is_request_late || self.is_answer_late()
    }

    const fn is_answer_late(&mut self) -> bool {
        let write = &mut self.write;
        write.looks = if write.is_waiting { write.looks + 1 } else { 0 };
        let is_late = write.looks == LOOKS_AT_AN_ANSWER && (write.taken as u128) < self.timeouts.least_of_an_answer();
        if matches!(write.looks, 0 | LOOKS_AT_AN_ANSWER) {
            (write.looks, write.taken) = (0, 0);
        }
        is_late
    }
}
