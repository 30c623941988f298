"""The real Redis of a run, with nothing on disk, and a plain connection to it for what the run does there by itself."""

import os
import shutil
import signal
import socket

from processes import Program, wait_until

PORT = 6379


def program():
    chosen = os.environ.get("STOREGATE_TESTS_REDIS_SERVER", "valkey-server")
    return shutil.which(chosen) or shutil.which("redis-server")


class RedisServer:
    def __init__(self, directory, network):
        self.directory, self.network, self.starts = directory, network, 0
        self.address = network.address("redis", "back")
        self.running = None

    def start(self, port=PORT):
        self.starts += 1
        options = ["--bind", self.address, "--port", str(port), "--save", "", "--appendonly", "no", "--protected-mode", "no"]
        command = [*self.network.inside("redis"), program(), *options, "--dir", self.directory]
        self.running = Program(f"redis-{self.starts}", self.directory, command).start()
        wait_until("Redis answers", lambda: self.answers(port))

    def answers(self, port):
        try:
            return Connection(self.address, port).do("PING") == b"PONG"
        except OSError:
            return False

    def kill(self):
        self.running.kill()

    def restart(self):
        self.kill()
        self.start()

    def pause(self):
        self.running.signal(signal.SIGSTOP)

    def resume(self):
        self.running.signal(signal.SIGCONT)

    def connection(self):
        return Connection(self.address, PORT)


class Connection:
    """Commands, one after the other."""

    def __init__(self, address, port):
        self.socket = socket.create_connection((address, port), timeout=5)
        self.reader = self.socket.makefile("rb")

    def do(self, *words):
        encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        lines = [b"*%d\r\n" % len(encoded), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)]
        self.socket.sendall(b"".join(lines))
        return self._read()

    def _read(self):
        line = self.reader.readline()
        if not line:
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return None if rest == b"-1" else self.reader.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._read() for _ in range(int(rest))]
        if kind == b":":
            return int(rest)
        return rest
