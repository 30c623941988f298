"""Replicas that end, by force and in good order, while the load goes on."""

import signal
import threading
import time

import asking
from processes import wait_until
from promises import finding, no_errors
from questions import INSPECTIONS_METHOD, inspections
from records import milliseconds

SLOW = 2.0
TAKEN_OVER = 1.5
# For the machine: a look at Redis, and the answer's way.
MARGIN = 0.5
STOP_DELAY, DRAIN = 2.0, 5.0


def killed_replica(fleet):
    victim = fleet.replicas[0]
    with fleet.window() as window:
        for _ in range(2):
            time.sleep(1)
            victim.served.kill()
            time.sleep(2)
            victim.start().shares()
        time.sleep(1)
    yield no_errors("a replica is killed under load and started again, twice", window, "nothing is lost behind nginx")


def killed_while_fetching(fleet):
    victim, *others = fleet.replicas
    path, token = inspections(10), fleet.tokens["reader"]
    # Shorter than the time for one attempt, which is 2 s here.
    slow = SLOW * 0.8
    fleet.order("faults", fault="delay", delay=f"{int(slow * 1000)}ms", method=INSPECTIONS_METHOD, percent=100)
    before = fleet.calls(INSPECTIONS_METHOD)
    ended = []

    def ask(name, base):
        answer = asking.ask(base, path, token)
        ended.append((name, time.monotonic(), answer))

    callers = [threading.Thread(target=ask, args=("at the victim", victim.base)) for _ in range(5)]
    callers[0].start()
    wait_until("the gateway is asked", lambda: fleet.calls(INSPECTIONS_METHOD) > before, pause=0.005)
    waiting = [(replica.name, replica.base) for replica in others] * 10 + [("through nginx", fleet.balancer)] * 10
    callers += [threading.Thread(target=ask, args=who) for who in waiting]
    with fleet.window() as window:
        for caller in callers[1:]:
            caller.start()
        time.sleep(0.6)
        killed = time.monotonic()
        victim.served.kill()
        for caller in callers:
            caller.join()
    victim.start().shares()
    fleet.order("faults", by="DELETE")
    calls = fleet.calls(INSPECTIONS_METHOD) - before
    living = [(name, at - killed, answer) for name, at, answer in ended if name != "at the victim"]
    last = max(seconds for _, seconds, _ in living)
    wrong = [f"{name}: {answer}" for name, _, answer in living if answer.status != 200]
    bound = slow + TAKEN_OVER + MARGIN
    done = "the replica that fetches is killed while callers of the others wait"
    within = f"{milliseconds(bound)} ({milliseconds(slow)} of the gateway, 1.5 s, a margin)"
    promised = f"another takes over: all are answered within {within}, by 2 gateway calls"
    right = len(living) - len(wrong)
    seen = f"{right} of {len(living)} answered, the last {milliseconds(last)} after the kill; {calls} gateway calls"
    slowest = sorted(living, key=lambda one: one[1])[-5:]
    evidence = wrong or [f"{name} {milliseconds(seconds)}: {answer}" for name, seconds, answer in slowest]
    yield finding(done, promised, seen, not wrong and last <= bound and calls == 2, evidence)
    yield no_errors("the same, the load meanwhile", window)


def rolling_restart(fleet):
    times, codes, first_not_ready = [], [], []
    with fleet.window() as window:
        for replica in fleet.replicas:
            time.sleep(0.5)
            asked = time.monotonic()
            replica.served.signal(signal.SIGTERM)
            first_not_ready.append(until_not_ready(replica, asked))
            codes.append(replica.served.child.wait(20))
            times.append(time.monotonic() - asked)
            replica.start().shares()
        time.sleep(1)
    done = "each replica is ended by SIGTERM and started again, in turn"
    yield no_errors(done, window, "none is lost")
    bound = STOP_DELAY + DRAIN + 1
    seen = f"codes {codes}, after {', '.join(map(milliseconds, times))}"
    promised = f"each exits with 0 within {bound:.0f} s (delay, drain, 1 s)"
    yield finding("the same", promised, seen, codes == [0] * 3 and max(times) <= bound)
    ready_first = all(answer.status == 503 and at < STOP_DELAY for at, answer in first_not_ready)
    seen = ", ".join(f"{answer.status or 'no answer'} after {milliseconds(at)}" for at, answer in first_not_ready)
    answers = [answer for _, answer in first_not_ready]
    yield finding("the same", "/readyz says 503 before the door closes", seen, ready_first, answers)
    worst = max(window.all(), key=lambda record: record.seconds)
    seen = f"the slowest request took {milliseconds(worst.seconds)}"
    promised = "nobody waits for a turn that nobody has any more (1.5 s)"
    yield finding("the same", promised, seen, worst.seconds < TAKEN_OVER, [worst])


def until_not_ready(replica, asked):
    """What `/readyz` says first that is not 200, and when."""
    while True:
        answer = replica.ask("/readyz", timeout=2)
        if answer.status != 200:
            return time.monotonic() - asked, answer
        time.sleep(0.01)
