"""What the load has seen: the requests of a window of time, which of them failed, how long they took, and how much of that
was lost: what is more than such a request usually takes, and more than the control lost at the same moment. When the control
lost much, the machine was busy with something else, and nothing is told of Redis.
"""

import time
from typing import NamedTuple

from processes import wait_until

# Around a request, when the control is looked at.
NEAR = 0.1
# The control does not wait for Redis. When it loses so much, a request near it is not judged.
BUSY = 0.015


class Record(NamedTuple):
    sent: float
    kind: str
    seconds: float
    status: int
    cache: str
    untold_age: float
    upstream: str
    client: str
    path: str
    note: str

    def failed(self):
        return self.status not in (200, 304)

    def __str__(self):
        taken = f"{self.seconds * 1000:.0f} ms"
        who, how = f"{self.kind} of {self.client}", f"[{self.cache}] at {self.upstream}"
        return f"{self.sent:.3f} {who} {self.path} → {self.status} {taken} {how} untold age {self.untold_age} s {self.note}"


class Records:
    """All records of a run, read as they are written."""

    def __init__(self, path):
        path.touch()
        self.file = path.open(encoding="utf-8")
        self.under_way, self.ended, self.rest = {}, [], ""
        self.usual = {}

    def read(self):
        *lines, self.rest = (self.rest + self.file.read()).split("\n")
        for line in lines:
            what, number, sent, kind, *fields = line.split("\t")
            if what == "sent":
                self.under_way[number] = float(sent)
                continue
            self.under_way.pop(number, None)
            seconds, status, cache, untold, upstream, client, path, note = fields
            told = (float(seconds), int(status), cache, float(untold), upstream, client, path, note)
            self.ended.append(Record(float(sent), kind, *told))

    def between(self, begin, end, kinds=None):
        """Those that were sent in this time, when all of them have ended."""

        def all_ended():
            self.read()
            return not any(sent <= end for sent in self.under_way.values())

        wait_until("every request has ended", all_ended, seconds=45, pause=0.05)
        is_meant = (lambda kind: kind in kinds) if kinds else (lambda kind: kind != "control")
        return [record for record in self.ended if begin <= record.sent <= end and is_meant(record.kind)]

    def learn_usual(self, begin, end):
        """The median of each kind while nothing is wrong."""
        for kind in ("control", "hot", "many", "miss", "twin", "again", "bypass"):
            times = [record.seconds for record in self.between(begin, end, {kind})]
            self.usual[kind] = percentile(times, 50)

    def lost(self, record):
        """How much the request lost in all, and how much the control lost at the same time."""
        of_all = record.seconds - self.usual[record.kind]
        begin, end = record.sent - NEAR, record.sent + record.seconds + NEAR
        near = [other for other in self.ended if other.kind == "control" and begin <= other.sent <= end]
        by_machine = max((other.seconds - self.usual["control"] for other in near), default=0)
        return max(of_all, 0), max(by_machine, 0)


class Window:
    """The load's requests while something is done."""

    def __init__(self, records):
        self.records, self.begin, self.end = records, time.monotonic(), None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end = time.monotonic()

    def all(self, kinds=None):
        return self.records.between(self.begin, self.end, kinds)

    def failures(self, kinds=None):
        return [record for record in self.all(kinds) if record.failed()]

    def losses(self):
        """What each request lost beside the control, and the request, those first that lost most; and how many are left out."""
        losses = [(*self.records.lost(record), record) for record in self.all()]
        judged = [(lost - machine, record) for lost, machine, record in losses if machine <= BUSY]
        return sorted(judged, key=lambda loss: -loss[0]), len(losses) - len(judged)


def percentile(values, percent):
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
