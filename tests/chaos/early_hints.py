"""A proxy in front of the gateway that says more than was asked for: `early_hints.py ADDRESS PORT TARGET_PORT`. Before its
responses there are interim ones, at once or some time earlier, and behind some of them there is the same response again.
"""

import asyncio
import itertools
import sys

from asking import read_body, read_head

address, port, target = sys.argv[1], *map(int, sys.argv[2:])
NUMBERS = itertools.count()
HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n"
WAITS = b"HTTP/1.1 102 Processing\r\n\r\n"


async def request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    _, fields = read_head(b"x 0\r\n" + head.split(b"\r\n", 1)[1])
    return head + await reader.readexactly(int(fields.get("content-length", 0)))


async def response(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    status, fields = read_head(head)
    if "chunked" in fields.get("transfer-encoding", ""):
        return head + await chunks(reader)
    return head + await read_body(reader, status, fields)


async def chunks(reader):
    """The chunks as they come, to the last one, which is empty; the sandbox sends no trailer."""
    taken = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        taken += size + await reader.readexactly(int(size.split(b";")[0], 16) + 2)
        if int(size.split(b";")[0], 16) == 0:
            return taken


async def hand_on(reader, writer, far_reader, far_writer):
    while True:
        far_writer.write(await request(reader))
        kind = next(NUMBERS) % 8
        if kind in (1, 2, 3):
            writer.write(WAITS * kind)
        if kind in (3, 4):
            await asyncio.sleep(0.3)
        answer = await response(far_reader)
        writer.write(HINTS * (kind % 3) + answer * (2 if kind == 5 else 1) + (HINTS if kind == 6 else b""))


async def connected(reader, writer):
    far_reader, far_writer = await asyncio.open_connection(address, target)
    try:
        await hand_on(reader, writer, far_reader, far_writer)
    except (OSError, EOFError):
        pass
    finally:
        writer.close()
        far_writer.close()


async def main():
    server = await asyncio.start_server(connected, address, port)
    await server.serve_forever()


asyncio.run(main())
