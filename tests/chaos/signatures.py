"""Replicas that sign without a nonce, in front of gateways that take each signature once."""

from asking import Callers, ask_all
from promises import finding
from questions import inspections, store

WITHOUT_NONCE = {f"STOREGATE__TENANTS__DEMO__{vendor}__NONCE": "false" for vendor in ("OPRETAIL", "OMS")}
ROUNDS = 20


def no_nonce(fleet):
    alone = {"settings": fleet.without_redis, "variables": WITHOUT_NONCE}
    pair = [fleet.replica(f"no-nonce-{host}", host, port=8280, **alone) for host in ("one", "two")]
    for replica in pair:
        replica.start()
    try:
        for vendor, path in (("OPRetail", inspections(20)), ("the OMS", store(61))):
            yield equal_calls(fleet, pair, vendor, path)
    finally:
        for replica in pair:
            replica.served.end()


def equal_calls(fleet, pair, vendor, path):
    """Both ask the gateway for the same at the same time, again and again, as fast as they can."""
    callers = [Callers(replica.base) for replica in pair]
    question = {"path": path, "token": fleet.tokens["operator"], "cache_control": "no-cache"}
    before = counted_repeats(pair)
    answers = [answer for _ in range(ROUNDS) for answer in at_once(callers, question)]
    wrong = [answer for answer in answers if answer.status != 200]
    repeated = counted_repeats(pair) - before
    seen = f"{repeated:.0f} repeats at the gateway, {len(wrong)} of {len(answers)} answers wrong"
    done = f"two replicas without a nonce make {len(answers)} equal calls at {vendor} in a moment"
    return finding(done, "no repeat seen by callers", seen, not wrong, wrong)


def at_once(callers, question):
    # Connections belong to the loop that opened them.
    for one in callers:
        one.idle.clear()
    return ask_all([(one, question) for one in callers])


def counted_repeats(pair):
    attempts = "storegate_gateway_attempts_total"
    return sum(replica.counted(attempts, 'outcome="repeated"') for replica in pair)
