"""The gateway fails, and hangs, while there are older answers; and it says more than it was asked for."""

import socket
import sys
import time
from pathlib import Path

from asking import Callers, ask_all
from processes import Program, wait_until
from promises import finding
from questions import store
from records import milliseconds, percentile

# For these the replicas have older answers.
KNOWN = {"hot", "many"}


def failing_gateway(fleet):
    fleet.order("faults", fault="mixed", gateway="opretail", percent=30)
    with fleet.window() as window:
        time.sleep(10)
    fleet.order("faults", by="DELETE")
    known, failed = window.all(KNOWN), window.failures(KNOWN)
    answered = 1 - len(failed) / len(known)
    seen = f"{answered:.2%} of {len(known)}"
    done = "30 % of the gateway's calls fail in every way, for 10 s"
    promised = "≥ 99.9 % of reads answered where something is cached"
    yield finding(done, promised, seen, answered >= 0.999, failed)
    recover(fleet)


def hanging_gateway(fleet):
    fleet.order("faults", fault="hang", gateway="opretail", percent=100)
    # Longer than any answer is fresh.
    with fleet.window() as window:
        time.sleep(8)
    fleet.order("faults", by="DELETE")
    known, failed = window.all(KNOWN), window.failures(KNOWN)
    taken = [(record.seconds - fleet.records.lost(record)[1], record) for record in known]
    late = [record for seconds, record in taken if seconds > 0.250]
    older = sum("stale" in record.cache for record in known)
    p50, p99, most = (milliseconds(percentile([record.seconds for record in known], percent)) for percent in (50, 99, 100))
    seen = f"{len(known)} answers ({older} older ones): p50 {p50}, p99 {p99}, most {most}; "
    seen += f"{len(late)} later, {len(failed)} failed"
    kept = not late and not failed and older > 0
    yield finding("the gateway hangs wholly, for 8 s", "older answers within 250 ms", seen, kept, late or failed)
    recover(fleet)


def early_hints(fleet):
    """A replica behind a proxy that sends interim responses and answers some requests twice."""
    command = [sys.executable, Path(__file__).with_name("early_hints.py"), fleet.outside, "8093", "8090"]
    proxy = Program("early-hints", fleet.directory, command).start()
    wait_until("the proxy listens", lambda: listens(fleet.outside, 8093))
    text = fleet.without_redis.read_text().replace(f"{fleet.outside}:8090", f"{fleet.outside}:8093")
    replica = fleet.replica("behind-early-hints", "outside", port=8480, settings=fleet.write("early-hints.toml", text))
    try:
        replica.start()
        paths = [store(serial) for serial in range(1, 61)]
        answers = [pair for _ in range(10) for pair in zip(paths, asked_anew(fleet, replica, paths))]
    finally:
        replica.served.end()
        proxy.end()
    lost = [answer for _, answer in answers if answer.status != 200]
    wrong = [(path, answer) for path, answer in answers if answer.status == 200 and not path.endswith(answer.json()["id"])]
    seen = f"{len(wrong)} of {len(answers)} answers are another store's, {len(lost)} are lost"
    done = "before the gateway's responses there are interim ones, some early, and some responses come twice"
    yield finding(done, "every answer is the right store's, and none is lost", seen, not wrong and not lost, wrong + lost)


def listens(address, port):
    """Whether connections are taken there."""
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def asked_anew(fleet, replica, paths):
    callers, token = Callers(replica.base), fleet.tokens["operator"]
    return ask_all([(callers, {"path": path, "token": token, "cache_control": "no-cache"}) for path in paths])


def recover(fleet):
    """Waits until everything is fetched again, so that the next scenario begins well."""

    def well():
        with fleet.window() as window:
            time.sleep(1)
        return not window.failures()

    wait_until("the gateway's answers come again", well, seconds=70, pause=0)
