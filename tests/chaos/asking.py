"""A small HTTP/1.1 client that hides nothing: connections that are kept, no redirects, no second tries. One form for many
callers at once (asyncio), and one for a single question.
"""

import asyncio
import http.client
import json
import time
from urllib.parse import urlsplit


class Answer:
    def __init__(self, status, headers, body, seconds):
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    def header(self, name):
        return self.headers.get(name, "")

    def json(self):
        return json.loads(self.body)

    def age(self):
        return int(self.header("age") or -1)

    def __str__(self):
        names = [name for name in ("cache-status", "age", "x-upstream") if name in self.headers]
        told = " · ".join(f"{name}: {self.headers[name]}" for name in names)
        return f"{self.status} in {self.seconds * 1000:.0f} ms [{told}] {self.body[:200].decode(errors='replace')}"


class Callers:
    """Connections to one address: as many as there are requests at a time."""

    def __init__(self, base_url):
        where = urlsplit(base_url)
        self.host, self.port = where.hostname, where.port
        self.idle = []

    async def connect(self):
        return await asyncio.open_connection(self.host, self.port)

    async def ask(self, path, token=None, method="GET", **headers):
        """The answer; an OSError or an EOFError when the connection gave none."""
        started = time.monotonic()
        reader, writer = self.idle.pop() if self.idle else await self.connect()
        try:
            writer.write(head(method, path, self.host, token, headers))
            status, found = read_head(await reader.readuntil(b"\r\n\r\n"))
            body = await read_body(reader, status, found)
        except BaseException:
            writer.close()
            raise
        if found.get("connection", "").lower() == "close":
            writer.close()
        else:
            self.idle.append((reader, writer))
        return Answer(status, found, body, time.monotonic() - started)


def head(method, path, host, token, headers):
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}"]
    if token:
        lines.append(f"authorization: Bearer {token}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_head(block):
    first, *lines = block.decode("latin-1").split("\r\n")
    fields = (line.split(":", 1) for line in lines if line)
    return int(first.split(" ")[1]), {name.lower(): value.strip() for name, value in fields}


async def read_body(reader, status, headers):
    if status in (204, 304):
        return b""
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)


def ask(base_url, path, token=None, method="GET", form=None, timeout=35, **headers):
    """Asks once, on a connection of its own; status 0 when there was no answer, with the reason as the body."""
    where, started = urlsplit(base_url), time.monotonic()
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=timeout)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        fields["authorization"] = f"Bearer {token}"
    if isinstance(form, str):
        fields.setdefault("content-type", "application/x-www-form-urlencoded")
    try:
        connection.request(method, path, form, fields)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read(), time.monotonic() - started)
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, {}, repr(error).encode(), time.monotonic() - started)
    finally:
        connection.close()


def ask_all(questions, at_once=False):
    """Asks all at once: pairs of `Callers` and the arguments of `Callers.ask`. Answers come in the same order, with status 0
    where there was none. With `at_once` all connections are open before the first question.
    """

    async def one(callers, arguments):
        started = time.monotonic()
        try:
            return await asyncio.wait_for(callers.ask(**arguments), 35)
        except (OSError, EOFError, asyncio.TimeoutError) as error:
            return Answer(0, {}, repr(error).encode(), time.monotonic() - started)

    async def all_of_them():
        if at_once:
            for callers, _ in questions:
                callers.idle.append(await callers.connect())
        return await asyncio.gather(*(one(callers, arguments) for callers, arguments in questions))

    return asyncio.run(all_of_them())
