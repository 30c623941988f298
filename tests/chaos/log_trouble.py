"""The log of a replica cannot be written, under load: its reader goes, its disk is full, its terminal is closed."""

import os
import pty
import re
import signal
import subprocess

from processes import wait_until
from promises import NEEDS_ROOT, finding, no_errors, not_run

LOST = "log lines lost"
ROOM = "256k"


def unwritable_log(fleet):
    yield from reader_gone(fleet)
    yield from terminal_closed(fleet)
    yield from disk_full(fleet)


def reader_gone(fleet):
    reader, writer = os.pipe()
    yield from without(fleet, "the reader of a replica's log ends", writer, lambda: os.close(reader))


def terminal_closed(fleet):
    terminal, writer = pty.openpty()
    yield from without(fleet, "the terminal of a replica's log is closed", writer, lambda: os.close(terminal))


def without(fleet, done, writer, close):
    """A replica whose log goes to `writer`, the other end of which is closed under load."""
    victim = fleet.replicas[0]
    start_with_log(victim, lambda: os.fdopen(os.dup(writer), "wb"))
    os.close(writer)
    with fleet.window() as window:
        close()
        lost = lines_are_lost(victim)
        reloaded = reads_again(victim)
        code = end(victim)
    start_with_log(victim, None)
    yield no_errors(done, window)
    yield finding("the same", "lines are counted, the configuration is read again, the end is in good order",
                  f"{lost:.0f} lines lost, read again {reloaded:.0f} times, exit code {code}",
                  lost > 0 and reloaded > 0 and code == 0, victim.served.tail())


def disk_full(fleet):
    done = "the disk of a replica's log is full, and has room again"
    if not fleet.network.separate:
        yield not_run(done, "no caller gets an error", NEEDS_ROOT)
        return
    victim, disk = fleet.replicas[0], fleet.directory / "small-disk"
    disk.mkdir()
    # In the run's own namespace, with which it ends.
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", disk], check=True)
    log, filler = disk / "log", disk / "filler"
    start_with_log(victim, lambda: log.open("ab"))
    with fleet.window() as window:
        fill(filler)
        lost = lines_are_lost(victim)
        reloaded = reads_again(victim)
        filler.unlink()
        told = wait_until("the log goes on", lambda: LOST in log.read_text(errors="replace"), pause=0.05)
    lines = log.read_text(errors="replace").splitlines()
    start_with_log(victim, None)
    subprocess.run(["umount", disk], check=True)
    yield no_errors(done, window)
    counts = [re.search(r"lines=(\d+)", line) for line in lines if LOST in line]
    broken = [line for line in lines if not re.match(r"\S*\d{4}-\d\d-\d\dT", re.sub(r"\x1b\[[\d;]*m", "", line))]
    seen = f"{lost:.0f} lines lost so far, read again {reloaded:.0f} times; the log went on after {told:.1f} s, "
    seen += f"said {len(counts)} times how many, {len(broken)} lines are broken"
    kept = lost > 0 and reloaded > 0 and counts and all(counts) and not broken
    promised = "lines are counted and reported, the configuration is read again, lines stay whole"
    yield finding("the same", promised, seen, bool(kept), broken)


def start_with_log(replica, log):
    """Ends a replica in good order, and starts it with its log elsewhere, or where it usually is."""
    if replica.served.runs():
        end(replica)
    replica.served.elsewhere = log
    replica.start().shares()


def end(replica):
    replica.served.signal(signal.SIGTERM)
    return replica.served.child.wait(20)


def lines_are_lost(replica):
    def lost():
        return replica.counted("storegate_log_lines_dropped_total")

    wait_until("lines are lost", lambda: lost() > 0, pause=0.05)
    return lost()


def reads_again(replica):
    """How often the configuration was put in force after a SIGHUP."""
    before = replica.counted("storegate_reloads_total", 'outcome="applied"')
    replica.served.signal(signal.SIGHUP)

    def again():
        return replica.counted("storegate_reloads_total", 'outcome="applied"') - before

    wait_until("the configuration is read again", lambda: again() > 0, pause=0.05)
    return again()


def fill(path):
    """Writes until there is no room."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 1024)
        except OSError:
            pass
