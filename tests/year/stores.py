"""The stores of the simulated year: of every size, with their true rate, calendar and register."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from central.usual.calendar import Calendar, calendar_of
from compose.simulator.calls import AFTER_HOURS, KIND_WEIGHTS, WEEKDAYS, moments, share
from compose.simulator.stores import StoreProfile, chain

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CLASSES: Final = {
    "slow (2-5)": (2, 5),
    "small (6-30)": (6, 30),
    "medium (31-120)": (31, 120),
    "large (121-400)": (121, 400),
}
OF_TEN: Final = (0, 0, 1, 1, 2, 2, 2, 2, 3, 3)  # stores of each class
AGAIN: Final = 0.05  # of the calls: after them the caller tries again within minutes
AGAIN_WITHIN: Final = 300
INTERNAL: Final = 0.15  # of the calls


@dataclass(frozen=True)
class Store:
    """One store.

    Attributes:
        profile: the simulator's.
        size: its class.
        fields: of its document, as the register says them.
        switched_off: its PC is switched off when it closes, and on again around the opening.
    """

    profile: StoreProfile
    size: str
    fields: dict[str, Any]
    switched_off: bool

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.profile.timezone)

    def midnight(self, day: date) -> float:
        return datetime.combine(day, time(), self.zone).timestamp()

    def calendar(self) -> Calendar:
        return calendar_of(self.fields)


def stores_of(count: int, seed: int) -> list[Store]:
    """Make the stores; the same seed gives the same ones."""
    return [_store(profile, number, seed) for number, profile in enumerate(chain(count, seed))]


def _store(profile: StoreProfile, number: int, seed: int) -> Store:
    rng = random.Random(f"{seed} store {number}")
    size = list(CLASSES)[OF_TEN[number % 10]]
    profile = replace(profile, calls_per_day=rng.randint(*CLASSES[size]))
    fields = {
        "timezone": profile.timezone,
        "state": profile.state,
        "city": profile.city,
        "opening_hours": [
            f"{name} {first // 60:02}:{first % 60:02}-{last // 60:02}:{last % 60:02}"
            for name, hours in zip(DAYS, profile.hours, strict=True)
            if hours
            for first, last in (hours,)
        ],
    }
    return Store(profile, size, fields, switched_off=rng.random() < 0.15)


def season(day: date) -> float:
    """How busy a time of the year is for all stores."""
    mark = (day.month, day.day)
    if (12, 1) <= mark <= (12, 24):
        return 1.4
    if (11, 16) <= mark <= (11, 30):
        return 1.15
    return 0.88 if mark >= (12, 26) or mark <= (1, 10) else 1.0


def true_calls(store: Store, day: date, factor: float) -> list[float]:
    """The calls that its true rate expects in each hour of a day while the store is open."""
    opening = store.profile.hours[day.weekday()]
    if opening is None:
        return [0.0] * 24
    mean = store.profile.calls_per_day * WEEKDAYS[day.weekday()] * season(day) * factor * (1 + AGAIN)
    shares = [share(hour, opening) for hour in range(24)]
    found = []
    for hour, one in enumerate(shares):
        minutes = max(0, min(opening[1], hour * 60 + 60) - max(opening[0], hour * 60))
        inside = (1 - AFTER_HOURS) + AFTER_HOURS * minutes / 60 if minutes else 0.0
        found.append(mean * one / sum(shares) * inside)
    return found


def wanted_calls(
    store: Store, day: date, factor: float, rng: random.Random, *, is_open: bool
) -> Iterator[tuple[float, bool]]:
    """The calls that would be made on a day, as seconds since 1970, and whether each is an internal one."""
    hours = store.profile.hours
    if not is_open:
        hours = tuple(None if number == day.weekday() else one for number, one in enumerate(hours))
    mean = store.profile.calls_per_day * season(day) * factor
    profile = replace(store.profile, hours=hours, calls_per_day=mean)
    midnight = store.midnight(day)
    internal = (KIND_WEIGHTS[-1] - KIND_WEIGHTS[-2]) / KIND_WEIGHTS[-1]
    for at, open_ in moments(profile, day, rng):
        inside = open_ and rng.random() < internal
        yield midnight + at / 1000, inside
        if rng.random() < AGAIN:
            yield midnight + at / 1000 + rng.uniform(20, AGAIN_WITHIN), inside


def days_of(start: date, count: int) -> list[date]:
    return [start + timedelta(days=number) for number in range(count)]
