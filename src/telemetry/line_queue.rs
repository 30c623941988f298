//! Lines on their way to a stream that may be slow, full or closed: a bounded queue, and a thread that writes. Writers
//! of lines never wait for the stream and never see its errors. What cannot be written, and what finds the
//! queue full, is lost and counted.

use std::cell::Cell;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::clock::Deadline;

/// What waits at most, in bytes.
const MOST_BYTES: usize = 4 << 20;

/// What one write takes at most, but for a line that is longer. A pipe keeps so much together, so that the lines of several
/// processes at one pipe are not mixed (`PIPE_BUF`).
const MOST_AT_ONCE: usize = 4096;

/// A buffer that has grown beyond this is given back.
const KEPT_BUFFER: usize = 256 << 10;

/// How long lines gather before they are written: waking the thread for each of them costs more than writing it.
const GATHERING: Duration = Duration::from_millis(2);

/// The pause before a stream that takes nothing is tried again (`EAGAIN`).
const BEFORE_ROOM: Duration = Duration::from_millis(5);

/// The pause after an error, which doubles with each one that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

thread_local! {
    /// Set on the thread that writes, whose own lines are about lines that were lost.
    static WRITES: Cell<bool> = const { Cell::new(false) };
}

/// A bounded queue of log lines.
#[derive(Debug)]
pub struct LineQueue {
    waiting: Mutex<QueuedLines>,
    /// There is something to write, or somebody waits for it to be written.
    filled: Condvar,
    /// A batch was written or lost.
    settled: Condvar,
    lost: AtomicU64,
}

#[derive(Debug)]
struct QueuedLines {
    bytes: Vec<u8>,
    lines: u64,
    /// Lines that were lost since the last batch was taken, for there was no room.
    without_room: u64,
    /// All lines that ever came in, and all of those that were written or lost.
    came: u64,
    settled: u64,
    thread_sleeps: bool,
    flushing: u32,
}

/// What is written next.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
    without_room: u64,
}

impl Default for LineQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl LineQueue {
    /// An empty queue.
    pub const fn new() -> Self {
        let waiting = QueuedLines {
            bytes: Vec::new(),
            lines: 0,
            without_room: 0,
            came: 0,
            settled: 0,
            thread_sleeps: false,
            flushing: 0,
        };
        Self { waiting: Mutex::new(waiting), filled: Condvar::new(), settled: Condvar::new(), lost: AtomicU64::new(0) }
    }

    /// Takes a line with its end; it is lost if there is no room.
    pub fn push(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if WRITES.get() {
            // Where the lost ones would stand: before what came since.
            waiting.bytes.splice(..0, line.iter().copied());
        } else if waiting.bytes.len() + line.len() <= MOST_BYTES {
            waiting.bytes.extend_from_slice(line);
        } else {
            waiting.without_room += 1;
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.lines += 1;
        waiting.came += 1;
        if std::mem::take(&mut waiting.thread_sleeps) {
            drop(waiting);
            self.filled.notify_all();
        }
    }

    /// How many lines were lost.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until all lines that came before are written or lost, but no longer than this.
    pub fn flush(&self, longest: Duration) {
        let end = Deadline::after(longest);
        let mut waiting = self.waiting();
        let last = waiting.came;
        waiting.flushing += 1;
        self.filled.notify_all();
        while waiting.settled < last && !end.left().is_zero() {
            waiting = self.settled.wait_timeout(waiting, end.left()).unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting.flushing -= 1;
    }

    /// Writes what comes, for ever. After a loss `report_lost` is called on this thread with the number of lost lines that no line
    /// in the stream reports yet, to push one that does; it returns whether it did. When that one is lost, too, it is called again.
    pub fn write_to(&self, stream: &mut impl Write, report_lost: impl Fn(u64) -> bool) {
        WRITES.set(true);
        let (mut batch, mut writer) = (Batch::default(), Writer::default());
        // Lost lines that are not reported yet, and those of them that the first line of the next batch reports.
        let (mut unreported, mut reporting) = (0_u64, 0_u64);
        loop {
            self.take(&mut batch, writer.pause());
            unreported += batch.without_room;
            let reported = std::mem::take(&mut reporting);
            let WriteResult { mut lost, began } = writer.write(stream, &batch.bytes);
            if began {
                unreported -= reported;
            } else if reported > 0 {
                // The report itself is no loss.
                lost -= 1;
            }
            self.lost.fetch_add(lost, Ordering::Relaxed);
            unreported += lost;
            if unreported > 0 && report_lost(unreported) {
                reporting = unreported;
            }
            self.settle(batch.lines);
        }
    }

    /// Waits for something to write and for the end of a pause, and takes all of it.
    fn take(&self, batch: &mut Batch, pause: Duration) {
        batch.bytes.clear();
        batch.bytes.shrink_to(KEPT_BUFFER);
        let mut waiting = self.waiting();
        while waiting.lines == 0 {
            waiting.thread_sleeps = true;
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let end = Deadline::after(pause.max(GATHERING));
        while waiting.flushing == 0 && !end.left().is_zero() {
            waiting = self.filled.wait_timeout(waiting, end.left()).unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::swap(&mut waiting.bytes, &mut batch.bytes);
        batch.lines = std::mem::take(&mut waiting.lines);
        batch.without_room = std::mem::take(&mut waiting.without_room);
    }

    fn settle(&self, lines: u64) {
        let mut waiting = self.waiting();
        waiting.settled += lines;
        if waiting.flushing > 0 {
            self.settled.notify_all();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, QueuedLines> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a batch.
struct WriteResult {
    lost: u64,
    /// Whether its first lines were written.
    began: bool,
}

/// Knows how the stream does.
#[derive(Default)]
struct Writer {
    /// The end of a line whose beginning was written.
    rest: Vec<u8>,
    /// Errors since something was written.
    errors: u32,
}

impl Writer {
    /// How long the stream is left alone.
    fn pause(&self) -> Duration {
        let doubled = self.errors.checked_sub(1).map(|before| FIRST_PAUSE * 2_u32.pow(before.min(8)));
        doubled.unwrap_or_default().min(LONGEST_PAUSE)
    }

    /// Writes these lines up to the first error.
    fn write(&mut self, stream: &mut impl Write, lines: &[u8]) -> WriteResult {
        let rest = std::mem::take(&mut self.rest);
        if let Err(WriteFailure { written, error }) = write_all(stream, &rest) {
            let rest = rest.get(written..).unwrap_or_default();
            return self.fail(rest, lines, error, false);
        }
        let mut left = lines;
        while !left.is_empty() {
            let (piece, behind) = left.split_at(length_of_piece(left));
            if let Err(WriteFailure { written, error }) = write_all(stream, piece) {
                let began = left.len() < lines.len();
                let (done, left) = left.split_at(written);
                let is_in_line = done.last().is_some_and(|last| *last != b'\n');
                let (rest, left) = if is_in_line { left.split_at(length_of_line(left)) } else { left.split_at(0) };
                return self.fail(rest, left, error, began || !done.is_empty());
            }
            left = behind;
        }
        self.errors = 0;
        WriteResult { lost: 0, began: true }
    }

    /// A line whose beginning was written is written to its end later; but the next reader of a broken pipe has not seen its
    /// beginning.
    fn fail(&mut self, rest: &[u8], left: &[u8], error: ErrorKind, began: bool) -> WriteResult {
        self.errors += 1;
        let is_useless = error == ErrorKind::BrokenPipe;
        if !is_useless {
            self.rest = rest.to_vec();
        }
        WriteResult { lost: count_lines(left) + u64::from(is_useless && !rest.is_empty()), began }
    }
}

/// How far a write came, and why no further.
struct WriteFailure {
    written: usize,
    error: ErrorKind,
}

/// Waits for as long as it takes while the stream has no room (`EAGAIN`), which is no error.
fn write_all(stream: &mut impl Write, bytes: &[u8]) -> Result<(), WriteFailure> {
    let mut written = 0;
    while let Some(left) = bytes.get(written..).filter(|left| !left.is_empty()) {
        match stream.write(left) {
            Ok(0) => return Err(WriteFailure { written, error: ErrorKind::WriteZero }),
            Ok(length) => written += length,
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::WouldBlock => thread::sleep(BEFORE_ROOM),
                error => return Err(WriteFailure { written, error }),
            },
        }
    }
    Ok(())
}

/// As many whole lines as fit into one write, or a longer one.
fn length_of_piece(lines: &[u8]) -> usize {
    if lines.len() <= MOST_AT_ONCE {
        return lines.len();
    }
    let fitting = lines.get(..MOST_AT_ONCE).and_then(|fitting| memchr::memrchr(b'\n', fitting));
    fitting.map_or_else(|| length_of_line(lines), |end| end + 1)
}

fn length_of_line(lines: &[u8]) -> usize {
    memchr::memchr(b'\n', lines).map_or(lines.len(), |end| end + 1)
}

fn count_lines(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

#[cfg(test)]
mod tests;
