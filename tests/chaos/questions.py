"""What is asked. Figures of periods that have ended do not change, so that any two answers to such a question must be equal."""

import datetime
import itertools

STORES = [*range(100_001, 100_061), 123_456]
HOT = [f"/stores/S_{store}/flow" for store in STORES[:5]]
MANY = [f"/stores/S_{store}/demographics?from=2026-0{month}-01&to=2026-0{month}-20" for store in STORES for month in (3, 4)]

INSPECTIONS_METHOD = "open.shopweb.liveCheck.statisticsDetailPageForCustomer"


def unseen(lane):
    """Questions that nobody has asked before. Each lane has its own."""
    for number in itertools.count():
        store = STORES[number % len(STORES)]
        days, begin = divmod(number // len(STORES), 1200)
        first = datetime.date(2021, 1, 1) + datetime.timedelta(begin)
        last = first + datetime.timedelta(days + 60 * lane)
        yield f"/stores/S_{store}/demographics?from={first}&to={last}"


def inspections(day):
    """One question of a method that the load never asks: calls of it can be counted."""
    date = datetime.date(2025, 1, 1) + datetime.timedelta(day)
    return f"/inspections?from={date}&to={date}"


def store(serial):
    """Kept for minutes."""
    return f"/stores/SHOP{serial:03d}"
