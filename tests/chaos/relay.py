"""A slow way to Redis: `relay.py ADDRESS PORT TARGET_PORT MILLISECONDS` hands bytes on, each so much later, both ways."""

import asyncio
import sys

address, port, target, milliseconds = sys.argv[1], *map(int, sys.argv[2:])


async def hand_on(reader, writer):
    waiting = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def send():
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                return writer.close()
            writer.write(data)

    sending = asyncio.create_task(send())
    while True:
        data = await reader.read(65536)
        waiting.put_nowait((loop.time() + milliseconds / 1000, data))
        if not data:
            return await sending


async def connected(reader, writer):
    far_reader, far_writer = await asyncio.open_connection(address, target)
    await asyncio.gather(hand_on(reader, far_writer), hand_on(far_reader, writer), return_exceptions=True)


async def main():
    server = await asyncio.start_server(connected, address, port)
    await server.serve_forever()


asyncio.run(main())
