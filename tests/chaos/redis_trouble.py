"""Redis killed, paused, out of reach, slow, and full of rubbish. Whatever it is, requests go on without, and the replicas come
back together by themselves.
"""

import random
import sys
import time
from pathlib import Path

from asking import ask
from processes import Program, wait_until
from promises import finding, little_lost, no_errors, no_older
from questions import store
from records import milliseconds

BACK = 5


def in_use_again(fleet, done, since):
    """Waits until all replicas share again, and judges how long after this moment."""
    fleet.all_share(seconds=40)
    seconds = time.monotonic() - since
    seen = f"by all after {milliseconds(seconds)}"
    evidence = [f"{replica.name}: {line}" for replica in fleet.replicas for line in replica.served.tail(4, "upkeep")]
    return finding(done, f"in use again within {BACK} s", seen, seconds <= BACK, evidence)


def killed_redis(fleet):
    with fleet.window() as window:
        time.sleep(0.5)
        fleet.redis.kill()
        time.sleep(4)
        fleet.redis.start()
        again = in_use_again(fleet, "Redis is started again", time.monotonic())
        time.sleep(2)
    yield no_errors("Redis is killed for 4 s", window)
    yield little_lost("the same", window)
    yield again


def paused_redis(fleet):
    with fleet.window() as window:
        time.sleep(0.5)
        fleet.redis.pause()
        time.sleep(8)
        fleet.redis.resume()
        again = in_use_again(fleet, "Redis goes on", time.monotonic())
        time.sleep(2)
    yield no_errors("Redis stands still for 8 s", window)
    yield little_lost("the same", window)
    yield again


def partitioned_redis(fleet):
    with fleet.window() as window:
        time.sleep(0.5)
        fleet.network.cut("redis")
        time.sleep(6)
        fleet.network.heal("redis")
        again = in_use_again(fleet, "the network is whole again", time.monotonic())
        time.sleep(2)
    yield no_errors("no packet between Redis and the replicas arrives for 6 s", window)
    yield little_lost("the same", window)
    yield no_older("the same", window)
    yield again


def partitioned_replica(fleet):
    one, two, three = fleet.replicas
    operator, path, other = fleet.tokens["operator"], store(110), store(111)
    token = one.give_token("reader")
    for replica in fleet.replicas:
        wait_until("the answer is kept", lambda: "; hit" in replica.ask(path, operator).header("cache-status"))
        replica.ask(other, token)
    time.sleep(3)
    with fleet.window() as window:
        fleet.network.cut("two")
        wait_until("it notices", lambda: two.shared() == "unavailable")
        fetched = one.ask(store(112), operator).header("cache-status")
        shared = three.ask(store(112), operator).header("cache-status")
        alone = two.ask(store(112), operator)
        one.ask(f"/cache?store_id={path.rsplit('/', 1)[1]}", operator, method="DELETE")
        one.revoke("reader", token)
        purged = time.monotonic()
        time.sleep(2)
        before = [two.ask(other, token).status, two.ask(path, operator).header("cache-status"), three.ask(other, token).status]
        fleet.network.heal("two")
        again = in_use_again(fleet, "that replica is back", time.monotonic())
        age, status = two.ask(path, operator).age(), two.ask(other, token).status
        since_purge = time.monotonic() - purged
    done = "one replica of three is cut off from Redis for 2 s"
    sharing = "fwd=miss" in fetched and "detail=shared" in shared
    seen = f"{fetched} · {shared} · alone {alone.status}"
    kept = sharing and alone.status == 200
    yield finding(done, "the others go on sharing; that one answers alone", seen, kept, [alone])
    yield no_errors(done, window)
    yield little_lost("the same", window)
    yield again
    kept = 0 <= age <= since_purge and status == 401
    seen = f"before: {before[0]}, {before[1]}; then: {status}, an answer of {age} s ago ({since_purge:.1f} s after the purge)"
    yield finding("the same; a purge and a revocation meanwhile", "it learns of both when it is back", seen, kept, [before])


def slow_redis(fleet):
    """It stands still for 30 ms, and for 100 ms, again and again; then every byte comes 15 ms late, both ways."""
    for pause, lasting in ((0.030, 5), (0.100, 6)):
        with fleet.window() as window:
            ends = time.monotonic() + lasting
            while time.monotonic() < ends:
                fleet.redis.pause()
                time.sleep(pause)
                fleet.redis.resume()
                time.sleep(0.1 if pause < 0.05 else 1.0)
            fleet.all_share()
            time.sleep(1)
        done = f"Redis stands still for {milliseconds(pause)} again and again"
        yield no_errors(done, window)
        yield little_lost("the same", window)
    fleet.redis.kill()
    fleet.redis.start(port=6380)
    command = [sys.executable, Path(__file__).with_name("relay.py"), fleet.redis.address, 6379, 6380, 15]
    relay = Program("relay", fleet.directory, [*fleet.network.inside("redis"), *command]).start()
    # That is more than an operation may take: replicas may use it or not, and callers must not notice.
    try:
        with fleet.window() as window:
            time.sleep(8)
    finally:
        relay.end()
        fleet.redis.restart()
    fleet.all_share()
    yield no_errors("Redis is 30 ms away", window)
    yield little_lost("the same", window)


def rubbish(fleet):
    compared, wrong, chance = 0, [], random.Random(2)
    with fleet.window() as window:
        ends = time.monotonic() + 8
        while time.monotonic() < ends:
            overwrite_all(fleet.redis.connection(), chance)
            differing, count = compare(fleet, chance)
            compared, wrong = compared + count, wrong + differing
            time.sleep(0.1)
        fleet.redis.connection().do("FLUSHALL")
        again = in_use_again(fleet, "the rubbish is cleared away", time.monotonic())
    spent = rubbish_that_is_a_number(fleet)
    yield no_errors("all that Redis holds is overwritten, again and again for 8 s", window)
    seen = f"{compared} bodies compared with those of a replica without Redis, {len(wrong)} differ"
    yield finding("the same", "answers are right", seen, compared > 50 and not wrong, wrong)
    yield again
    yield spent


def rubbish_that_is_a_number(fleet):
    redis = fleet.redis.connection()
    with fleet.window() as window:
        for _ in range(8):
            for key in redis.do("KEYS", "*:quota:*"):
                redis.do("SET", key, "9" * 25, "PX", 600_000)
            time.sleep(0.5)
    fleet.redis.restart()
    fleet.all_share()
    return no_errors("what clients have spent of their quotas is overwritten by a large number", window)


def overwrite_all(redis, chance):
    keys = redis.do("KEYS", "*")
    values = [redis.do("GET", key) for key in keys]
    texts = [value for value in values if isinstance(value, bytes) and len(value) > 40] or [b"nothing"]
    for key in keys:
        text = chance.choice(texts)
        kind = chance.randrange(7)
        lasting = ["PX", 600_000]
        if kind == 0:
            redis.do("SET", key, chance.randbytes(chance.randrange(300)), *lasting)
        elif kind == 1:
            redis.do("SET", key, text[: len(text) // 2], *lasting)
        elif kind == 2:  # the answer to something else
            redis.do("SET", key, text, *lasting)
        elif kind == 3:
            place = chance.randrange(len(text))
            redis.do("SET", key, text[:place] + bytes([text[place] ^ 0x20]) + text[place + 1 :], *lasting)
        elif kind == 4:
            redis.do("SET", key, "")
        else:
            redis.do("DEL", key)
            redis.do(*(("LPUSH", key, "rubbish") if kind == 5 else ("HSET", key, "last", "rubbish", "before_jump", "-1e999")))


def compare(fleet, chance):
    """Asks all replicas and the lone one for figures that do not change."""
    month, place, token = chance.randrange(1, 10), 100_001 + chance.randrange(60), fleet.tokens["reader"]
    paths = [f"/stores/S_{place}/demographics?from=2025-{month:02d}-01&to=2025-{month:02d}-25", store(chance.randrange(1, 200))]
    differing = []
    for path in paths:
        right = ask(fleet.lone.base, path, token)
        for replica in fleet.replicas:
            answer = replica.ask(path, token)
            if answer.status != 200 or answer.body != right.body:
                differing.append(f"{path} at {replica.name}: {answer}; alone: {right}")
    return differing, len(paths) * len(fleet.replicas)
