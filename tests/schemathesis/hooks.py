"""What the document says in words alone, and Schemathesis therefore cannot know: which valid values do not go together, and
how a client shows who it is. A request that breaks such a rule must be refused for it; one that keeps them all must not.
"""

import base64
import os
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from streams import check_events
from words import RULES, scope_is_unknown


def broken(case: Case) -> set[str]:
    """The parameters that are valid alone, but not with others or by the words of the document."""
    taken = {parameter.name for parameter in (*case.operation.path_parameters, *case.operation.query)}
    given = {**(case.path_parameters or {}), **(case.query or {})}
    names = {name for parameter, rule in RULES.items() if parameter in taken for name in rule(given)}
    if case.operation.path == "/oauth/token" and scope_is_unknown(case.body):
        names.add("scope")
    return names


def refused(response: Response) -> set[str]:
    """The parameters that an answer with 400 is about."""
    if response.status_code != 400:
        return set()
    answer = response.json()
    if answer.get("error") == "invalid_scope":
        return {"scope"}
    return {error["parameter"] for error in answer.get("errors", [])}


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Keeps every failure but that a request was refused for the very rules that it breaks."""
    if type(failure).__name__ != "RejectedPositiveData" or not refused(response):
        return True
    return refused(response) != broken(case)


@schemathesis.check
def words_of_the_document(ctx: schemathesis.CheckContext, response: Response, case: Case) -> None:
    """What breaks such a rule is not answered."""
    positive = case.meta is not None and case.meta.generation.mode.is_positive
    if positive and response.status_code < 300:
        assert not broken(case), f"answered, though {', '.join(sorted(broken(case)))} cannot be"


@schemathesis.check
def events_of_a_stream(ctx: schemathesis.CheckContext, response: Response, case: Case) -> None:
    """A stream is one of the events that the document describes."""
    if response.headers.get("content-type", [""])[0].startswith("text/event-stream"):
        check_events(response.content.decode(), case.operation.schema.raw_schema["components"])


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """The client's credentials where a form has made-up ones, and HTTP Basic where it has none: else 401 is all there is.
    A client that may seldom be wrong keeps its made-up secrets, until it has to wait.
    """
    if not case.operation.path.startswith("/oauth/") or not isinstance(case.body, dict):
        return
    client = {"client_id": os.environ["CLIENT_ID"], "client_secret": os.environ["CLIENT_SECRET"]}
    if not client.keys() & case.body.keys():
        pair = base64.b64encode(":".join(client.values()).encode()).decode()
        case.headers = {**(case.headers or {}), "Authorization": f"Basic {pair}"}
    if os.environ["CLIENT_ID"] == "limited":
        del client["client_secret"]
    case.body = case.body | {name: value for name, value in client.items() if isinstance(case.body.get(name), str)}
