"""The rules that the document gives in words, once more and independently: each says which parameters break it."""

import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import Any

GATEWAY_ZONE = datetime.timezone(datetime.timedelta(hours=8))
LONGEST_DAYS = 366
YEARS = range(1970, 9999)
SCOPES = {
    "stores:read",
    "flow:read",
    "demographics:read",
    "inspections:read",
    "organizations:read",
    "organizations:secrets",
    "cache:bypass",
    "cache:purge",
}

Parameters = Mapping[str, Any]


def _is_instant(text: str) -> bool:
    return "T" in text.upper()


def _parsed(text: str) -> datetime.datetime:
    """The moment that is written; Python knows no 60th second."""
    return datetime.datetime.fromisoformat(text.upper().replace(":60", ":59").replace("Z", "+00:00"))


def _year_is_known(text: str) -> bool:
    try:
        moment = _parsed(text)
        return (moment.astimezone(datetime.UTC) if _is_instant(text) else moment).year in YEARS
    except (OverflowError, ValueError):  # the years 0 and 10000 are none of Python's
        return False


def _moment(text: str, end_of_day: bool) -> datetime.datetime:
    """One end of a period, in the gateway's time zone and to the second."""
    if _is_instant(text):
        return _parsed(text).astimezone(GATEWAY_ZONE)
    time = datetime.time(23, 59, 59) if end_of_day else datetime.time()
    return datetime.datetime.combine(_parsed(text).date(), time, GATEWAY_ZONE)


def period(given: Parameters) -> Iterator[str]:
    """The years have four digits that a gateway knows; `from` is not after `to`, and at most a year before it."""
    written = [name for name in ("from", "to") if name in given]
    unknown = [name for name in written if not _year_is_known(given[name])]
    yield from unknown
    if unknown or not written:
        return
    today = datetime.datetime.now(GATEWAY_ZONE).date()
    to = _moment(given.get("to", today.isoformat()), True)
    start = _moment(given.get("from", min(today, to.date()).isoformat()), False)
    if start > to or (to.date() - start.date()).days >= LONGEST_DAYS:
        yield written[0]


def hours(given: Parameters) -> Iterator[str]:
    """`start_hour` is before `end_hour`."""
    if "start_hour" in given and "end_hour" in given and int(given["start_hour"]) >= int(given["end_hour"]):
        yield "start_hour"


def stores(given: Parameters) -> Iterator[str]:
    """`S_` alone is no store's id."""
    for name in ("store_id", "code"):
        value = given.get(name)
        if "S_" in (value if isinstance(value, list) else [value]):
            yield name


def scope_is_unknown(form: Any) -> bool:
    """A scope that the client has not."""
    return isinstance(form, dict) and not set(str(form.get("scope", "")).split(" ")) - {""} <= SCOPES


# Each by a parameter that tells which operations it is for.
RULES: dict[str, Callable[[Parameters], Iterator[str]]] = {
    "to": period,
    "end_hour": hours,
    "store_id": stores,
    "code": stores,
}
