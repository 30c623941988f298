"""What Redis does too late: commands that a replica sent just as Redis stopped, and has long given up, are done when it goes
on.
"""

import itertools
import time

from asking import Callers, ask_all
from promises import finding, no_errors, no_older
from questions import HOT, unseen
from records import milliseconds


def late_answers(fleet):
    """What replicas tell Redis when it has just stopped, it does when it goes on."""
    replicas = [Callers(replica.base) for replica in fleet.replicas]
    question = {"token": fleet.tokens["operator"], "cache_control": "no-cache"}
    questions = [(replica, {**question, "path": path}) for path in HOT for replica in replicas]
    with fleet.window() as window:
        fleet.redis.pause()
        ask_all(questions)
        time.sleep(6)
        fleet.redis.resume()
        fleet.all_share()
        time.sleep(3)
    done = "Redis stands still just as replicas tell it answers, for 6 s"
    yield no_errors(done, window)
    yield no_older("the same", window)


def abandoned_turns(fleet):
    """Of one replica, which fetches for itself then, while Redis still gives it the turn: others wait for nobody."""
    one, two, _ = fleet.replicas
    paths = list(itertools.islice(unseen(5), 12))
    token = fleet.tokens["reader"]

    def ask_at(replica):
        callers = Callers(replica.base)
        return ask_all([(callers, {"path": path, "token": token}) for path in paths])

    fleet.redis.pause()
    first = ask_at(one)
    time.sleep(3)
    fleet.redis.resume()
    fleet.all_share()
    answers = ask_at(two)
    wrong = [answer for answer in first + answers if answer.status != 200]
    usual = fleet.records.usual["miss"]
    losing = [answer for answer in answers if answer.seconds - usual > 0.050]
    slowest = max(answer.seconds for answer in answers)
    done = "Redis stands still for 3 s just as a replica looks for answers; another one asks for them as soon as it shares again"
    seen = f"the slowest of {len(answers)} takes {milliseconds(slowest)}; {len(losing)} lost more"
    seen += f"; {len(wrong)} failed" if wrong else ""
    yield finding(done, "a request loses at most 50 ms", seen, not losing and not wrong, wrong or losing)
