"""Replicas that sign without a nonce, in front of gateways that take each signature once."""

from asking import Callers, ask_all
from promises import finding
from questions import INSPECTIONS_METHOD, STORE_METHOD, inspections, store

WITHOUT_NONCE = {f"STOREGATE__TENANTS__DEMO__{vendor}__NONCE": "false" for vendor in ("OPRETAIL", "OMS")}
ROUNDS = 20


def no_nonce(fleet):
    together = {**WITHOUT_NONCE, "STOREGATE__REDIS__PREFIX": "without-nonce"}
    pair = [fleet.replica(f"no-nonce-{host}", host, port=8280, variables=together) for host in ("one", "two")]
    alone = {"settings": fleet.without_redis, "variables": WITHOUT_NONCE}
    apart = [fleet.replica(f"no-nonce-alone-{host}", host, port=8380, **alone) for host in ("one", "two")]
    for replica in (*pair, *apart):
        replica.start()
    for replica in pair:
        replica.shares()
    try:
        for vendor, path, method in (("OPRetail", inspections(20), INSPECTIONS_METHOD), ("the OMS", store(61), STORE_METHOD)):
            yield equal_calls(fleet, pair, vendor, path, method)
        yield without_redis(fleet, apart, inspections(21))
    finally:
        for replica in (*pair, *apart):
            replica.served.end()


def equal_calls(fleet, pair, vendor, path, method):
    """Both ask the gateway for the same at the same time, again and again, as fast as they can."""
    callers = [Callers(replica.base) for replica in pair]
    question = {"path": path, "token": fleet.tokens["operator"], "cache_control": "no-cache"}
    before, repeats = fleet.calls(method), counted_repeats(pair)
    answers = [answer for _ in range(ROUNDS) for answer in at_once(callers, question)]
    calls, repeated = fleet.calls(method) - before, counted_repeats(pair) - repeats
    wrong = [answer for answer in answers if answer.status != 200]
    seen = f"{calls} gateway calls, {repeated:.0f} repeats, {len(wrong)} of {len(answers)} answers wrong"
    kept = not wrong and repeated == 0 and calls == len(answers)
    done = f"two replicas without a nonce make {len(answers)} equal calls at {vendor} in a moment"
    return finding(done, "no repeat seen by the gateway or callers", seen, kept, wrong)


def without_redis(fleet, pair, path):
    callers = [Callers(replica.base) for replica in pair]
    question = {"path": path, "token": fleet.tokens["operator"], "cache_control": "no-cache"}
    answers = [answer for _ in range(ROUNDS) for answer in at_once(callers, question)]
    wrong = [answer for answer in answers if answer.status != 200]
    seen = f"{counted_repeats(pair):.0f} repeats at the gateway, {len(wrong)} of {len(answers)} answers wrong"
    return finding("the same with two replicas that have no Redis", "no repeat seen by callers", seen, not wrong, wrong)


def at_once(callers, question):
    # Connections belong to the loop that opened them.
    for one in callers:
        one.idle.clear()
    return ask_all([(one, question) for one in callers])


def counted_repeats(pair):
    attempts = "storegate_gateway_attempts_total"
    return sum(replica.counted(attempts, 'outcome="repeated"') for replica in pair)
