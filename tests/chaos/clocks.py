"""Clocks that are wrong: those of replicas, by a library that lies to them about the time of day and not about time that
passes, and the gateway's own.
"""

import time
from pathlib import Path

import configuration
from asking import ask
from promises import finding, no_errors, not_run, told
from questions import STORES, store, unseen

ATTEMPTS = "storegate_gateway_attempts_total"
DEMOGRAPHICS = "getFlowGroupDistribution"
SHIFTS = {"one": "+2h", "two": "-2h"}


def liar():
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return found[0] if found else None


def wrong_clocks(fleet):
    done = "two more replicas, with clocks 2 h ahead and 2 h behind"
    if liar() is None:
        yield not_run(done, "right answers, right gateway calls", "not run: needs libfaketime")
        return
    given_back = fleet.replicas[0].give_token("reader")
    fleet.replicas[0].revoke("reader", given_back)
    shifted = [start_shifted(fleet, host, shift) for host, shift in SHIFTS.items()]
    try:
        with fleet.window() as window:
            yield from gateway_calls(fleet, shifted, done)
            yield shared_ages(fleet, *shifted)
        yield tokens(fleet, shifted)
        yield late_comer(fleet, given_back)
        yield no_errors("the same, the load meanwhile", window)
    finally:
        for replica in shifted:
            replica.served.end()


def lied_to(**variables):
    """What stands before a command whose clock is wrong: the variables are for it, and not for what starts it. (Redis brings a
    memory allocator that does not go together with this library.)"""
    variables = {"LD_PRELOAD": str(liar()), "FAKETIME_DONT_FAKE_MONOTONIC": "1", **variables}
    return ["env", *(f"{name}={value}" for name, value in variables.items())]


def start_shifted(fleet, host, shift):
    before = lied_to(FAKETIME=shift)
    replica = fleet.replica(f"clock-{shift}", host, port=8180, settings=fleet.without_login, before=before)
    replica.start().shares()
    return replica


def gateway_calls(fleet, shifted, done):
    questions, wrong, counts, ages = unseen(3), [], {}, []
    for replica in shifted:
        counts[replica.name] = []
        for _ in range(4):
            path, before = next(questions), replica.counted(ATTEMPTS, DEMOGRAPHICS)
            answer = replica.ask(path, fleet.tokens["reader"])
            right = ask(fleet.lone.base, path, fleet.tokens["reader"])
            counts[replica.name].append(int(replica.counted(ATTEMPTS, DEMOGRAPHICS) - before))
            ages.append(answer.age())
            if answer.status != 200 or answer.body != right.body:
                wrong.append(f"{path} at {replica.name}: {answer}; right: {right}")
    kept = all(first <= 2 and rest == [1, 1, 1] for first, *rest in counts.values())
    seen = "; ".join(f"{name.removeprefix('clock-')}: {', '.join(map(str, count))}" for name, count in counts.items())
    yield finding(done, "right after at most 2 gateway calls, then 1 each", seen, kept)
    seen = f"{len(wrong)} of 8 wrong, ages {sorted(set(ages))}"
    yield finding("the same", "answers are right, and 0 s old", seen, not wrong and set(ages) == {0}, wrong)


def shared_ages(fleet, ahead, behind):
    """An answer that one has fetched, as the others see it: its age, and that it is not fresh for too long or too short."""
    sound, wrong = fleet.replicas[2], []
    asked = [(ahead, behind), (behind, ahead), (ahead, sound), (behind, sound), (sound, ahead), (sound, behind)]
    questions = [store(230 + number) for number in range(len(asked))]
    for path, (first, _) in zip(questions, asked):
        first.ask(path, fleet.tokens["reader"])
    fetched = time.monotonic()
    time.sleep(2.2)
    for path, (first, second) in zip(questions, asked):
        answer = second.ask(path, fleet.tokens["reader"])
        if "detail=shared" not in answer.header("cache-status") or not 2 <= answer.age() <= time.monotonic() - fetched + 1:
            wrong.append(f"{path} of {first.name} at {second.name}: {answer}")
    seen = f"{len(asked)} answers 2 s later at another replica: {len(wrong)} of another age, or not shared"
    return finding("the same", "the age of a shared answer does not depend on replicas' clocks", seen, not wrong, wrong)


def tokens(fleet, shifted):
    token = fleet.replicas[2].give_token("reader")
    statuses = {replica.name.removeprefix("clock-"): replica.ask(store(3), token) for replica in shifted}
    seen = "; ".join(f"{name}: {answer.status}" for name, answer in statuses.items())
    return told("the same; an ordinary token of 15 min", "tokens are judged by each replica's own clock", seen)


def late_comer(fleet, given_back):
    replica = fleet.replica("late-comer", "three", port=8180)
    replica.start().shares()
    status = replica.ask(store(4), given_back).status
    replica.served.end()
    done = "a token is given back; then those with wrong clocks start, and then one with the right one"
    return finding(done, "refused by those that start later, too", f"{status}", status == 401)


def jumping_gateway(fleet):
    retries = "storegate_gateway_retries_total"
    before = sum(replica.counted(retries) for replica in fleet.replicas)
    with fleet.window() as window:
        for skew in ("2h", "-2h", "0s"):
            fleet.order("behaviour", by="PATCH", clock_skew=skew)
            time.sleep(2.5)
    fleet.order("behaviour", by="DELETE")
    count = sum(replica.counted(retries) for replica in fleet.replicas) - before
    path = f"/stores/S_{STORES[7]}/demographics?from=2024-05-01&to=2024-05-20"
    bodies = {ask(base, path, configuration.token("reader")).body for base in (fleet.lone.base, fleet.balancer)}
    done = "the gateway's clock jumps 2 h ahead, 2 h back, and home"
    yield no_errors(done, window)
    seen = f"{len(bodies)} different bodies; {count:.0f} of {len(window.all())} requests cost a second gateway call"
    yield finding("the same", "answers are right", seen, len(bodies) == 1)
