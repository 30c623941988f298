"""What callers see through nginx, in front of two replicas: `through_balancer.py BALANCER SECRET ONE TWO PROCESS`, with the
secret of the client `dashboard`, the replicas' own addresses, and the process of the first one, which is stopped on the way.
"""

import base64
import json
import os
import signal
import sys
import threading
import time
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

balancer, secret, one, two, process = sys.argv[1:]


def ask(url, method="GET", form=None, **headers):
    request = Request(url, form.encode() if form else None, headers, method=method)
    try:
        with urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except (URLError, OSError) as error:
        return str(error), ""


def expect(what, holds):
    if not holds:
        sys.exit(f"not so: {what}")
    print(what)


for _ in range(50):
    if ask(f"{balancer}/readyz")[0] == 200:
        break
    time.sleep(0.1)
basic = "Basic " + base64.b64encode(f"dashboard:{secret}".encode()).decode()
status, body = ask(f"{balancer}/oauth/token", "POST", "grant_type=client_credentials", authorization=basic)
expect("the client gets a token through nginx", status == 200)
bearer = {"authorization": "Bearer " + json.loads(body)["access_token"]}

# A token of one replica is good at both, and both are asked.
asked = [ask(f"{base}/stores/S_123456/flow", **bearer)[0] for base in (balancer, balancer, one, two)]
expect("a token that one replica gave is good at the other", asked == [200] * 4)
expect("Prometheus' page is not for callers", ask(f"{balancer}/metrics")[0] == 404 and ask(f"{one}/metrics")[0] == 200)

if '"shared"' in ask(f"{one}/readyz")[1]:
    for _ in range(50):
        states = [json.loads(ask(f"{base}/readyz")[1])["shared"] for base in (one, two)]
        if states == ["in_use", "in_use"]:
            break
        time.sleep(0.1)
    expect("both replicas use the shared tier, by the user that make-secrets made", states == ["in_use", "in_use"])

started = time.monotonic()
with urlopen(Request(f"{balancer}/stores/S_123456/flow/events", headers=bearer), timeout=10) as stream:
    while not stream.readline().startswith(b"event: flow"):
        pass
expect("the first event comes at once, though the stream goes on", time.monotonic() - started < 3)

# An address that the caller made up must not give it a new allowance of wrong secrets.
wrong = "Basic " + base64.b64encode(b"dashboard:wrong").decode()
statuses = [
    ask(f"{balancer}/oauth/token", "POST", "grant_type=client_credentials", authorization=wrong,
        **{"x-forwarded-for": f"192.0.2.{number}"})[0]
    for number in range(30)
]
expect("who makes addresses up is slowed down all the same", statuses[-1] == 429)

statuses, goes_on = [], True


def keep_asking():
    while goes_on:
        statuses.append(ask(f"{balancer}/stores/S_123456/flow", **bearer)[0])


callers = [threading.Thread(target=keep_asking) for _ in range(4)]
for caller in callers:
    caller.start()
time.sleep(0.5)
os.kill(int(process), signal.SIGTERM)
for _ in range(100):
    if not isinstance(ask(f"{one}/healthz")[0], int):
        break
    time.sleep(0.1)
time.sleep(0.5)
goes_on = False
for caller in callers:
    caller.join()
expect(f"of {len(statuses)} requests, none is lost while a replica stops", set(statuses) == {200})
