"""Replicas when nothing is wrong: how fast the load is answered, how often a crowd makes the gateway be asked, and that quotas,
purges and revocations hold for all of them.
"""

import time

import configuration
from asking import Callers, ask_all
from processes import wait_until
from promises import finding, no_errors, told
from questions import INSPECTIONS_METHOD, inspections, store
from records import milliseconds, percentile

CALLERS = 1000


def calm(fleet):
    time.sleep(2)
    with fleet.window() as window:
        time.sleep(8)
    fleet.records.learn_usual(window.begin, window.end)
    times = [record.seconds for record in window.all()]
    p50, p99 = milliseconds(percentile(times, 50)), milliseconds(percentile(times, 99))
    rate = len(times) / (window.end - window.begin)
    yield no_errors("nothing, for 8 s", window)
    yield told("the same", "–", f"{rate:.0f} requests/s, p50 {p50}, p99 {p99}, most {milliseconds(max(times))}")


def crowd(fleet):
    fleet.order("faults", fault="delay", delay="500ms", method=INSPECTIONS_METHOD, percent=100)
    before = fleet.calls(INSPECTIONS_METHOD)
    replicas = [Callers(replica.base) for replica in fleet.replicas]
    question = {"path": inspections(0), "token": fleet.tokens["reader"]}
    with fleet.window() as window:
        answers = ask_all([(replicas[number % 3], question) for number in range(CALLERS)])
    fleet.order("faults", by="DELETE")
    calls = fleet.calls(INSPECTIONS_METHOD) - before
    right = sum(answer.status == 200 for answer in answers)
    slowest = max(answer.seconds for answer in answers)
    seen = f"{calls} call, {right} answers, the last after {milliseconds(slowest)} (the gateway takes 500 ms)"
    wrong = [answer for answer in answers if answer.status != 200]
    yield finding("1,000 callers ask three replicas for one cold key", "1 gateway call", seen, calls == 1 and not wrong, wrong)
    yield no_errors("the same, the load meanwhile", window)


def quota(fleet):
    passed, seconds, others = [], 0, []
    for client in configuration.COUNTED:
        # Connections belong to the loop that opened them.
        replicas = [Callers(replica.base) for replica in fleet.replicas]
        question = {"path": store(1), "token": fleet.tokens[client]}
        started = time.monotonic()
        answers = ask_all([(replicas[number % 3], question) for number in range(150)], at_once=True)
        seconds = max(seconds, time.monotonic() - started)
        passed.append(sum(answer.status == 200 for answer in answers))
        others += [answer for answer in answers if answer.status not in (200, 429)]
    done = "150 requests at once over three replicas, of a client with a quota of 60/10m; six clients, one after the other"
    # The next one comes back after ten seconds.
    kept = passed == [60] * len(passed) and seconds < 10 and not others
    seen = f"{', '.join(map(str, passed))} passed; {len(others)} answers neither 200 nor 429"
    yield finding(done, "60 pass of each", seen, kept, others)


def purge(fleet):
    path, token = store(100), fleet.tokens["operator"]
    for replica in fleet.replicas:
        wait_until("the answer is kept", lambda: "; hit" in replica.ask(path, token).header("cache-status"))
    time.sleep(3)
    first, *others = fleet.replicas
    ages = [replica.ask(path, token).age() for replica in others]
    with fleet.window() as window:
        purged = first.ask(f"/cache?store_id={store(100).rsplit('/', 1)[1]}", token, method="DELETE")
        started = time.monotonic()
        seconds = [until(started, lambda: replica.ask(path, token).age() < 3) for replica in others]
    kept = purged.status == 200 and min(ages) >= 3 and max(seconds) <= 1
    seen = f"seen by the others after {' and '.join(map(milliseconds, seconds))}"
    done = "a store's answers are purged at one replica, under load"
    yield finding(done, "seen by all within 1 s", seen, kept, [purged, ages])
    yield no_errors("the same, the load meanwhile", window)


def revocation(fleet):
    first, *others = fleet.replicas
    token = first.give_token("reader")
    good = [replica.ask(store(2), token).status for replica in fleet.replicas]
    started = time.monotonic()
    status = first.revoke("reader", token)
    at_first = first.ask(store(2), token).status
    seconds = [until(started, lambda: replica.ask(store(2), token).status == 401) for replica in others]
    kept = good == [200] * 3 and status == 200 and at_first == 401 and max(seconds) <= 1
    seen = f"at once by that one ({at_first}), by the others after {' and '.join(map(milliseconds, seconds))}"
    yield finding("a token is given back at one replica, under load", "refused by all within 1 s", seen, kept, [good, status])


def until(started, is_so):
    wait_until("it is seen", is_so, seconds=10, pause=0.01)
    return time.monotonic() - started
