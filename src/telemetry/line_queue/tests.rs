//! The queue in front of test streams that work, fail, are full, or hang.

use std::io::{self, ErrorKind, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::{LineQueue, MOST_AT_ONCE, MOST_BYTES};

const PATIENCE: Duration = Duration::from_secs(10);

/// The result of the next write.
#[derive(Clone, Copy)]
enum Then {
    /// Takes all bytes.
    Take,
    /// Takes this many bytes.
    TakeOnly(usize),
    /// Fails.
    Fail(ErrorKind),
    /// Blocks until the test continues it.
    Hang,
}

/// A stream that follows `then`, write by write, and takes everything afterwards.
#[derive(Clone, Default)]
struct Stream(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    then: Vec<Then>,
    taken: Vec<u8>,
    writes: usize,
    hangs: Option<Receiver<()>>,
}

impl Stream {
    fn that_does(then: &[Then]) -> Self {
        let stream = Self::default();
        stream.0.lock().unwrap().then = then.iter().rev().copied().collect();
        stream
    }

    /// A stream whose first write blocks until the test continues it.
    fn that_hangs() -> (Self, Sender<()>) {
        let (release, hangs) = channel();
        let stream = Self::that_does(&[Then::Hang]);
        stream.0.lock().unwrap().hangs = Some(hangs);
        (stream, release)
    }

    fn taken(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().taken.clone()).unwrap()
    }

    fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        state.writes += 1;
        let length = match state.then.pop().unwrap_or(Then::Take) {
            Then::Fail(error) => return Err(error.into()),
            Then::TakeOnly(length) => length,
            Then::Take => bytes.len(),
            Then::Hang => {
                let hangs = state.hangs.take().unwrap();
                drop(state);
                let _released = hangs.recv();
                state = self.0.lock().unwrap();
                bytes.len()
            }
        };
        state.taken.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A queue whose thread writes to this stream, and reports dropped lines as `lost N`.
fn queue(stream: &Stream) -> Arc<LineQueue> {
    let queue = Arc::<LineQueue>::default();
    let (its_queue, mut its_stream) = (queue.clone(), stream.clone());
    // The thread ends with the tests.
    thread::spawn(move || {
        let report_lost = |lost| {
            its_queue.push(format!("lost {lost}\n").as_bytes());
            true
        };
        its_queue.write_to(&mut its_stream, report_lost);
    });
    queue
}

fn push(queue: &LineQueue, line: &str) {
    queue.push(line.as_bytes());
    queue.flush(PATIENCE);
}

#[test]
fn lines_are_written_in_order_and_a_flush_waits_for_them() {
    let stream = Stream::default();
    let queue = queue(&stream);
    for number in 0..1000 {
        queue.push(format!("line {number}\n").as_bytes());
    }
    queue.flush(PATIENCE);
    let expected: String = (0..1000).map(|number| format!("line {number}\n")).collect();
    assert_eq!((stream.taken(), queue.lost()), (expected, 0));
    assert!(stream.writes() < 100, "{} writes", stream.writes());
}

#[test]
fn a_line_that_cannot_be_written_is_lost_and_counted_and_the_next_ones_say_so() {
    for error in [ErrorKind::BrokenPipe, ErrorKind::StorageFull, ErrorKind::Other] {
        let stream = Stream::that_does(&[Then::Fail(error), Then::Fail(error)]);
        let queue = queue(&stream);
        for line in ["a\n", "b\n", "c\n"] {
            push(&queue, line);
        }
        // The report is retried until it is written, and it is the last line here.
        while !stream.taken().contains("lost") {
            queue.flush(PATIENCE);
        }
        let taken = stream.taken();
        let reported: u64 =
            taken.lines().filter_map(|line| line.strip_prefix("lost ")).map(|lost| lost.parse::<u64>().unwrap()).sum();
        let written = taken.lines().filter(|line| ["a", "b", "c"].contains(line)).count() as u64;
        assert!(queue.lost() >= 1 && reported == queue.lost() && written + reported == 3, "{error}: {taken}");
    }
}

#[test]
fn a_stream_without_room_and_a_signal_are_no_errors() {
    let stream =
        Stream::that_does(&[Then::Fail(ErrorKind::WouldBlock), Then::Fail(ErrorKind::Interrupted), Then::TakeOnly(1)]);
    let queue = queue(&stream);
    push(&queue, "abc\n");
    assert_eq!((stream.taken(), queue.lost()), ("abc\n".to_owned(), 0));
}

#[test]
fn a_stream_that_takes_nothing_is_an_error() {
    let stream = Stream::that_does(&[Then::TakeOnly(0)]);
    let queue = queue(&stream);
    push(&queue, "a\n");
    push(&queue, "b\n");
    assert_eq!((stream.taken(), queue.lost()), ("lost 1\nb\n".to_owned(), 1));
}

#[test]
fn half_a_line_is_written_to_its_end_unless_its_reader_has_gone() {
    for (error, taken, lost) in
        [(ErrorKind::StorageFull, "abc\nlost 1\ne\n", 1), (ErrorKind::BrokenPipe, "alost 2\ne\n", 2)]
    {
        let stream = Stream::that_does(&[Then::TakeOnly(1), Then::Fail(error)]);
        let queue = queue(&stream);
        push(&queue, "abc\nd\n");
        push(&queue, "e\n");
        queue.flush(PATIENCE);
        assert_eq!((stream.taken().as_str(), queue.lost()), (taken, lost), "{error}");
    }
}

#[test]
fn a_stream_that_hangs_blocks_no_logger_and_dropped_lines_are_counted_and_reported_at_their_place() {
    let (stream, release) = Stream::that_hangs();
    let queue = queue(&stream);
    queue.push(b"first\n");
    // The thread hangs with the first line, or takes it with others: either way, all that fits is queued.
    let line = "x".repeat(1023) + "\n";
    let mut pushed = 0_u64;
    while queue.lost() < 10 {
        queue.push(line.as_bytes());
        pushed += 1;
        assert!(pushed < 3 * (MOST_BYTES / line.len()) as u64, "the queue is not bounded");
    }
    queue.flush(Duration::from_millis(1));
    release.send(()).unwrap();
    queue.flush(PATIENCE);
    queue.push(b"last\n");
    queue.flush(PATIENCE);
    let taken = stream.taken();
    let written = taken.lines().filter(|line| line.starts_with('x')).count() as u64;
    assert_eq!((written, queue.lost()), (pushed - 10, 10));
    assert!(taken.starts_with("first\nx") && taken.ends_with("x\nlost 10\nlast\n"));
}

#[test]
fn lines_are_not_split_between_writes_unless_one_is_longer() {
    let stream = Stream::default();
    let queue = queue(&stream);
    let long = "y".repeat(3 * MOST_AT_ONCE) + "\n";
    let lines = ["x".repeat(3000) + "\n", "x".repeat(3000) + "\n", long, "z\n".to_owned()].concat();
    queue.push(lines.as_bytes());
    queue.flush(PATIENCE);
    assert_eq!((stream.taken() == lines, stream.writes()), (true, 4));
}
