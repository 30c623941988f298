"""The steady load: about two hundred requests a second at fixed moments, whether those before are answered or not. Run as a
process of its own, so that nothing else that the run does disturbs its clock: `load.py PLAN`. Each request is a line in the
file of records when it is sent, and another one when it has ended.
"""

import asyncio
import datetime
import json
import random
import re
import signal
import sys
import time

sys.dont_write_bytecode = True

from asking import Callers  # noqa: E402
from questions import HOT, MANY, unseen  # noqa: E402

PER_SECOND = 150
KINDS = {"hot": 43, "many": 36, "miss": 16, "bypass": 5}
# A question that was new is asked again after so long, and some of them twice at once, at whatever replica it comes to.
AGAIN_AFTER = 0.8
TWINS = 0.3
# The same of a replica that knows no Redis, by the same way: what is slow there, too, is the machine.
CONTROLS_PER_SECOND = 40


class Load:
    def __init__(self, plan):
        self.tokens, self.chance = plan["tokens"], random.Random(1)
        self.callers, self.control = Callers(plan["balancer"]), Callers(plan["lone"])
        self.records = open(plan["records"], "a", buffering=1, encoding="utf-8")
        self.unseen, self.unseen_of_control = unseen(0), unseen(1)
        self.number, self.goes_on, self.running = 0, True, set()

    async def run(self):
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop)
        await asyncio.gather(self.at_rate(PER_SECOND, self.choose), self.at_rate(CONTROLS_PER_SECOND, self.ask_control))

    def stop(self):
        self.goes_on = False

    async def at_rate(self, rate, ask):
        started = time.monotonic()
        sent = 0
        while self.goes_on:
            sent += 1
            await asyncio.sleep(max(0, started + sent / rate - time.monotonic()))
            ask()

    def choose(self):
        (kind,) = self.chance.choices(list(KINDS), KINDS.values())
        client = self.chance.choice(["reader", "metered", "operator"])
        if kind == "miss":
            path = next(self.unseen)
            self.begin(kind, path, client)
            if self.chance.random() < TWINS:
                self.begin("twin", path, client)
            asyncio.get_running_loop().call_later(AGAIN_AFTER, self.begin, "again", path, client)
        elif kind == "bypass":
            self.begin(kind, self.chance.choice(HOT), "operator", cache_control="no-cache")
        else:
            self.begin(kind, self.chance.choice(HOT if kind == "hot" else MANY), client)

    def ask_control(self):
        self.begin("control", next(self.unseen_of_control), "reader")

    def begin(self, kind, path, client, **headers):
        self.number += 1
        callers = self.control if kind == "control" else self.callers
        task = asyncio.create_task(self.one(self.number, kind, path, callers, client, headers))
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def one(self, number, kind, path, callers, client, headers):
        sent = time.monotonic()
        self.write("sent", number, sent, kind)
        try:
            answer = await asyncio.wait_for(callers.ask(path, self.tokens[client], **headers), 35)
            what = [answer.status, answer.header("cache-status"), untold_age(answer), answer.header("x-upstream")]
            note = "" if answer.status < 400 else answer.body[:300].decode(errors="replace").replace("\n", " ")
        except (OSError, EOFError, asyncio.TimeoutError) as error:
            what, note = [0, "", 0, ""], repr(error)
        self.write("ended", number, sent, kind, f"{time.monotonic() - sent:.6f}", *what, client, path, note)

    def write(self, *fields):
        self.records.write("\t".join(map(str, fields)) + "\n")


def untold_age(answer):
    """By how much an answer that tells when it was observed is older than its `Age`, in seconds."""
    observed = re.search(rb'"observed_at":"([^"]+)"', answer.body)
    if not observed:
        return 0
    moment = datetime.datetime.fromisoformat(observed[1].decode())
    return round(time.time() - moment.timestamp() - answer.age(), 3)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as plan_file:
        asyncio.run(Load(json.load(plan_file)).run())
