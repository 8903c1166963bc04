"""Lets the days pass, store by store."""

from datetime import date
from typing import Final

from tests.year.judging import Verdict
from tests.year.life import life_of
from tests.year.plan import plan_of
from tests.year.stores import days_of, stores_of
from tests.year.watching import Watch

START: Final = date(2026, 3, 1)


def year(stores: int, days: int, seed: int) -> Verdict:
    """Simulate so many stores for so many days, and judge what was raised."""
    verdict = Verdict()
    span = days_of(START, days)
    for store in stores_of(stores, seed):
        life = life_of(store, plan_of(store, span, seed), span, seed)
        verdict.add(life, Watch(life, seed))
    return verdict
