//! A bounded queue of log lines with a thread that writes them, for a stream that may be slow, full or closed. Loggers
//! never wait for the stream and never see its errors. Lines that cannot be written, or find the queue full, are
//! dropped and counted.

use std::cell::Cell;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use crate::clock::Deadline;

/// The most bytes that wait in the queue.
const MOST_BYTES: usize = 4 << 20;

/// The most bytes of one write, except for a longer line. A pipe writes this much atomically, so that the lines of
/// several processes at one pipe are not mixed (`PIPE_BUF`).
const MOST_AT_ONCE: usize = 4096;

/// The largest buffer that is reused, in bytes; a larger one is freed.
const KEPT_BUFFER: usize = 256 << 10;

/// How long lines gather before they are written: waking the thread for each line costs more than writing it.
const GATHERING: Duration = Duration::from_millis(2);

/// The pause before a full stream is tried again (`EAGAIN`).
const BEFORE_ROOM: Duration = Duration::from_millis(5);

/// The first pause after an error, which doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

thread_local! {
    /// Set on the writer thread, whose own lines report dropped lines.
    static WRITES: Cell<bool> = const { Cell::new(false) };
}

/// A bounded queue of log lines.
#[derive(Debug, Default)]
pub struct LineQueue {
    waiting: Mutex<QueuedLines>,
    /// Notified when there are lines to write, or a flush waits.
    filled: Condvar,
    /// Notified when a batch was written or dropped.
    settled: Condvar,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct QueuedLines {
    bytes: Vec<u8>,
    lines: u64,
    /// The lines that were dropped for lack of room since the last batch was taken.
    without_room: u64,
    /// The number of all lines that came in, and of those that were written or dropped.
    came: u64,
    settled: u64,
    thread_sleeps: bool,
    flushing: u32,
}

/// The lines of one write, with the drops before them.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
    without_room: u64,
}

impl LineQueue {
    /// Adds a line, which includes its line end; it is dropped if there is no room.
    pub fn push(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if WRITES.get() {
            // The report goes where the dropped lines would be: before the newer ones.
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

    /// The number of dropped lines.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until all earlier lines are written or dropped, at most this long.
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

    /// Writes lines for ever. After a drop it calls `report_lost` on this thread with the number of dropped lines that
    /// no written line reports yet; the function pushes a line that reports them, and returns whether it did. If that
    /// line is dropped, too, the function is called again.
    pub fn write_to(&self, stream: &mut impl Write, report_lost: impl Fn(u64) -> bool) {
        WRITES.set(true);
        let (mut batch, mut writer) = (Batch::default(), Writer::default());
        // The dropped lines that are not reported yet, and those of them that the first line of the next batch reports.
        let (mut unreported, mut reporting) = (0_u64, 0_u64);
        loop {
            self.take(&mut batch, writer.pause());
            unreported += batch.without_room;
            let reported = std::mem::take(&mut reporting);
            let WriteResult { mut lost, began } = writer.write(stream, &batch.bytes);
            if began {
                unreported -= reported;
            } else if reported > 0 {
                // The report itself does not count as dropped.
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

    /// Waits for lines and for the end of a pause, and takes all lines.
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

/// Each write adds a line and never fails.
impl Write for &LineQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for &'static LineQueue {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self
    }
}

/// The result of writing a batch.
struct WriteResult {
    lost: u64,
    /// Whether its first lines were written.
    began: bool,
}

/// Tracks the state of the stream.
#[derive(Default)]
struct Writer {
    /// The rest of a line whose beginning was written.
    rest: Vec<u8>,
    /// The number of errors since something was written.
    errors: u32,
}

impl Writer {
    /// How long to wait before the next write.
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

    /// Handles a failed write. A partly written line is completed later, except after a broken pipe, whose next reader
    /// has not seen the beginning.
    fn fail(&mut self, rest: &[u8], left: &[u8], error: ErrorKind, began: bool) -> WriteResult {
        self.errors += 1;
        let is_useless = error == ErrorKind::BrokenPipe;
        if !is_useless {
            self.rest = rest.to_vec();
        }
        WriteResult { lost: count_lines(left) + u64::from(is_useless && !rest.is_empty()), began }
    }
}

/// How much was written before an error.
struct WriteFailure {
    written: usize,
    error: ErrorKind,
}

/// Writes all bytes, waiting without limit while the stream is full (`EAGAIN`), which is not an error.
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

/// The length of as many whole lines as fit into one write, or of one longer line.
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
