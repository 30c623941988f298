"""The programs that a run starts: each with a log of its own, ended by its own id, and all of them with the run."""

import json
import os
import signal
import subprocess
import time

STARTED = []


class Program:
    """One running program; started again, it goes on in the same log."""

    def __init__(self, name, directory, command, variables=None):
        self.name, self.command = name, [str(word) for word in command]
        self.log = directory / f"{name}.log"
        self.variables = variables or {}
        self.child = None
        # Opens what its log goes to, if that is not the usual file.
        self.elsewhere = None
        STARTED.append(self)

    def start(self):
        environment = {**os.environ, **self.variables}
        with self.elsewhere() if self.elsewhere else self.log.open("ab") as log:
            self.child = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        return self

    def signal(self, number):
        os.kill(self.child.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.child.wait()

    def runs(self):
        return self.child is not None and self.child.poll() is None

    def end(self):
        if not self.runs():
            return
        self.signal(signal.SIGCONT)
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def tail(self, lines=30, containing=""):
        found = [line for line in self.log.read_text(errors="replace").splitlines() if containing in line]
        return found[-lines:]


class Served(Program):
    """A program that tells by a ready file that it accepts requests."""

    def __init__(self, name, directory, command, variables=None):
        self.ready = directory / f"{name}.json"
        super().__init__(name, directory, [*command, "--ready-file", self.ready], variables)

    def start(self):
        self.ready.unlink(missing_ok=True)
        return super().start()

    def base_url(self):
        wait_until(f"{self.name} is ready", lambda: self.ready.exists() or not self.runs())
        if not self.runs():
            raise RuntimeError(f"{self.name} ended:\n" + "\n".join(self.tail()))
        return json.loads(self.ready.read_text())["base_url"]


def wait_until(what, is_so, seconds=20, pause=0.02):
    """Looks again and again until it is so; gives how long that took."""
    started = time.monotonic()
    while not is_so():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(pause)
    return time.monotonic() - started


def end_all():
    for program in reversed(STARTED):
        program.end()
