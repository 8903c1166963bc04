"""Days on which a store is open otherwise, or closed: single ones and spans, brought into one form; pure.

A single day goes before a span that covers it: who closes over New Year may open on one of the days.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from central.stores.hours import (
    HoursError,
    Ranges,
    WrongPartError,
    calendar_day,
    each,
    folded,
    plainly,
    ranges_of,
    together,
    written,
)

_DAY: Final = r"\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}"
_EXCEPTION: Final = re.compile(
    rf"(?:(?:de|from) )?(?P<first>{_DAY})"
    rf"(?:(?: ?(?:\.\.|[-\u2013\u2014]) ?| (?:a|ate|to) )(?P<last>{_DAY}))?"
    r"[ :]+(?P<hours>\d.*|closed|fechad[oa])"
)
_MEND: Final = "write it like 2026-12-24 09:00-13:00; 2026-12-25 closed; 2026-12-28..2027-01-05 closed"
_MOST_DAYS: Final = 366


class Exceptional(NamedTuple):
    """Days on which a store is open otherwise.

    Attributes:
        first: the first of them.
        last: the last one, included.
        ranges: its hours on each; none: it is closed.
    """

    first: date
    last: date
    ranges: Ranges


def opening_exceptions(text: str) -> tuple[str, ...]:
    """Read the days on which a store is open otherwise, or closed, and give them back in one form, by date.

    Args:
        text: parts apart by `;`, each `2026-12-24 09:00-13:00`, `2026-12-25 closed`, or of several days
            `2026-12-28..2027-01-05 closed`; may be empty.

    Raises:
        HoursError: it cannot be read, or contradicts itself.
    """
    found, problems = each(text, _exception)
    days: dict[tuple[date, date], list[Ranges]] = {}
    for first, last, ranges in found:
        days.setdefault((first, last), []).append(ranges)
    lines = []
    before: tuple[date, date] | None = None
    for (first, last), of_days in sorted(days.items()):
        name = _name(first, last)
        try:
            lines.append(f"{name} {written(together(of_days, name))}")
        except WrongPartError as wrong:
            problems.append(str(wrong))
        if last > first:
            if before and first <= before[1]:
                problems.append(f"{_name(*before)} and {name} overlap: correct one of them")
            before = (first, max(last, before[1]) if before else last)
    if problems:
        raise HoursError(problems)
    return tuple(lines)


def exceptions_of(lines: Iterable[str]) -> tuple[Exceptional, ...]:
    """Give the days from lines in the one form, those first that go before others.

    Args:
        lines: as `opening_exceptions` gives them.

    Raises:
        HoursError: they are in no such form.
    """
    found, problems = each(";".join(lines), _exception)
    if problems:
        raise HoursError(problems)
    return tuple(sorted(found, key=lambda one: (one.last - one.first, one.first)))


def _exception(text: str) -> Exceptional:
    # Dashes within a date stay: only those between two times are written in several ways.
    parts = _EXCEPTION.fullmatch(" ".join(folded(text).split()))
    if parts is None:
        raise WrongPartError(f"day and hours cannot be told: {_MEND}")
    first = _day(parts["first"])
    last = _day(parts["last"]) if parts["last"] else first
    if last < first:
        raise WrongPartError(f"{first} is after {last}: swap them")
    if (last - first).days >= _MOST_DAYS:
        raise WrongPartError(
            f"it is longer than {_MOST_DAYS} days: a store that is closed for good has its day in closed_from"
        )
    return Exceptional(first, last, ranges_of(plainly(parts["hours"])))


def _day(text: str) -> date:
    day = calendar_day(text)
    if day is None:
        raise WrongPartError(f"there is no day {text}: {_MEND}")
    return day


def _name(first: date, last: date) -> str:
    return str(first) if first == last else f"{first}..{last}"
