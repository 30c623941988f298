"""The gateway fails, and hangs, while there are older answers."""

import time

from processes import wait_until
from promises import finding
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


def recover(fleet):
    """Waits until everything is fetched again, so that the next scenario begins well."""

    def well():
        with fleet.window() as window:
            time.sleep(1)
        return not window.failures()

    wait_until("the gateway's answers come again", well, seconds=70, pause=0)
