"""When a store is open: read in English or Portuguese, given back in one form; pure.

A line such as `Mon-Fri 09:00-12:00, 14:00-18:00; Sat 09:00-13:00`. What ends after midnight belongs to the
day on which it begins. Reading what was given back gives the same again.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import groupby
from typing import Final, NamedTuple, TypeVar

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CLOSED: Final = "closed"

_FULL: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PORTUGUESE: Final = ("segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo")
_NUMBERS: Final = {
    **{name[:3]: number for names in (_FULL, _PORTUGUESE) for number, name in enumerate(names)},
    **{name: number for names in (_FULL, _PORTUGUESE) for number, name in enumerate(names)},
}
_DAY: Final = 24 * 60
_HOUR: Final = 60
_MOST_RANGES: Final = 8
_CLOSED_WORDS: Final = frozenset({"closed", "fechado", "fechada"})
_ALL_DAY: Final = frozenset({"24h", "24/7", "24 h", "24 horas"})
_ALWAYS: Final = ((0, _DAY),)

_FEIRA: Final = re.compile(r"[- ]?feira\b")
_TO: Final = re.compile(r"\s*[-\u2013\u2014]\s*|\s+(?:a|as|ate|to)\s+")
_AND: Final = re.compile(r"\s+(?:e|and)\s+")
_SPAN: Final = re.compile(r"(?:(?P<days>[a-z][a-z,\- ]*?)[ :]+)?(?P<hours>\d.*|closed|fechad[oa])")
_TIME: Final = re.compile(r"(\d{1,2})(?::(\d\d)|h(\d\d)?)")

_MEND: Final = "write it like Mon-Fri 09:00-18:00; Sat 09:00-13:00"
_MEND_TIME: Final = "write it like 09:00-18:00, with 00:00 to 24:00"

_T = TypeVar("_T")

Ranges = tuple[tuple[int, int], ...]
"""Minutes from the day's midnight; the end may lie in the next day."""


class HoursError(ValueError):
    """Opening hours that cannot be read.

    Attributes:
        problems: everything that is wrong with them, each with what mends it.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class WrongPartError(Exception):
    """One thing is wrong; the text says what, and what mends it."""


class _Span(NamedTuple):
    days: tuple[int, ...]
    ranges: Ranges


def opening_hours(text: str) -> tuple[str, ...]:
    """Read the hours of a week and give them back in one form, a line for each span of days.

    Args:
        text: spans apart by `;`, as the register's file has them; an empty text gives no line.

    Raises:
        HoursError: it cannot be read, or contradicts itself.
    """
    spans, problems = each(text, _span)
    week: list[list[_Span]] = [[] for _ in DAYS]
    for span in spans:
        for day in span.days:
            week[day].append(span)
    opened: list[Ranges] = []
    for name, of_day in zip(DAYS, week, strict=True):
        try:
            opened.append(together([span.ranges for span in of_day], name))
        except WrongPartError as wrong:
            problems.append(str(wrong))
    if not problems:
        problems += _into_the_next_day(opened)
        if spans and not any(opened):
            problems.append(f"no day is open: {_MEND}, or leave it empty where the hours are not known")
    if problems:
        raise HoursError(problems)
    return tuple(_lines(opened))


def calendar_day(text: str) -> date | None:
    """Read `2026-12-24`, or `24/12/2026` as a Brazilian spreadsheet writes it; None: it is no such date."""
    if found := re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", text, re.ASCII):
        text = f"{found[3]}-{found[2]}-{found[1]}"
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def week_of(lines: Iterable[str]) -> tuple[Ranges, ...]:
    """Give the hours of Monday to Sunday from lines in the one form; a day that no line names is closed.

    Args:
        lines: as `opening_hours` gives them.

    Raises:
        HoursError: they are in no such form.
    """
    spans, problems = each(";".join(lines), _span)
    if problems:
        raise HoursError(problems)
    return tuple(
        tuple(sorted(one for span in spans if day in span.days for one in span.ranges))
        for day in range(len(DAYS))
    )


def each(text: str, read: Callable[[str], _T]) -> tuple[list[_T], list[str]]:
    """Read the parts of a text, apart by `;`: give what was read, and what is wrong with the others."""
    found: list[_T] = []
    problems: list[str] = []
    for part in text.split(";"):
        if part.strip():
            try:
                found.append(read(part.strip()))
            except WrongPartError as wrong:
                problems.append(f"{part.strip()!r}: {wrong}")
    return found, problems


def _span(text: str) -> _Span:
    plain = plainly(text)
    if plain in _ALL_DAY:
        return _Span(tuple(range(len(DAYS))), _ALWAYS)
    parts = _SPAN.fullmatch(plain)
    if parts is None:
        raise WrongPartError(f"days and hours cannot be told: {_MEND}")
    if parts["days"] is None:
        raise WrongPartError(f"its days are missing: {_MEND}")
    return _Span(tuple(_days(parts["days"])), ranges_of(parts["hours"]))


def folded(text: str) -> str:
    """Give a text without accents and capital letters."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def plainly(text: str) -> str:
    """Give days and hours with one sign for each thing that can be written in several ways."""
    text = _FEIRA.sub("", " ".join(folded(text).split()))
    return re.sub(r"\s*,\s*", ",", _AND.sub(",", _TO.sub("-", text)))


def _days(text: str) -> Iterator[int]:
    for part in text.strip().split(","):
        first, dash, last = part.strip().partition("-")
        begin = _number(first)
        end = _number(last) if dash else begin
        yield from ((begin + step) % len(DAYS) for step in range((end - begin) % len(DAYS) + 1))


def _number(name: str) -> int:
    if name not in _NUMBERS:
        raise WrongPartError(
            f"{name!r} is no day: write Mon Tue Wed Thu Fri Sat Sun, or seg ter qua qui sex sáb dom"
        )
    return _NUMBERS[name]


def ranges_of(text: str) -> Ranges:
    """Read the hours of one day, as `plainly` gives them.

    Raises:
        WrongPartError: it cannot be read.
    """
    if text in _CLOSED_WORDS:
        return ()
    if text in _ALL_DAY:
        return _ALWAYS
    return tuple(_range(part) for part in text.split(","))


def _range(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    begin, end = _minutes(first), _minutes(last)
    if begin == _DAY:
        raise WrongPartError(f"{text!r} begins at 24:00: write 00:00 on the next day")
    if begin == end:
        raise WrongPartError(f"{text!r} has no length: write 00:00-24:00 for a whole day")
    return begin, end if end > begin else end + _DAY


def _minutes(text: str) -> int:
    found = _TIME.fullmatch(text) if text.isascii() else None
    minutes = int(found[1]) * _HOUR + int(found[2] or found[3] or 0) if found else _DAY + 1
    if found is None or int(found[2] or found[3] or 0) >= _HOUR or minutes > _DAY:
        raise WrongPartError(f"{text!r} is no time of a day: {_MEND_TIME}")
    return minutes


def together(of_day: list[Ranges], day: str) -> Ranges:
    """Give all hours of one day, sorted; those that touch become one.

    Args:
        of_day: each part of what was written.
        day: for what an error says.

    Raises:
        WrongPartError: they contradict each other.
    """
    if () in of_day and any(of_day):
        raise WrongPartError(f"{day} is both closed and open: keep one of them")
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(one for ranges in of_day for one in ranges):
        before = merged[-1] if merged else (0, -1)
        if begin < before[1]:
            raise WrongPartError(f"{day} {_one(*before)} and {_one(begin, end)} overlap: correct one of them")
        # A whole day that begins later than midnight cannot be written as one.
        if begin == before[1] and (end - before[0] < _DAY or (before[0] == 0 and end == _DAY)):
            merged[-1] = (before[0], end)
        else:
            merged.append((begin, end))
    if len(merged) > _MOST_RANGES:
        raise WrongPartError(f"{day} opens {len(merged)} times: write {_MOST_RANGES} at most")
    return tuple(merged)


def _into_the_next_day(week: list[Ranges]) -> Iterator[str]:
    for number, ranges in enumerate(week):
        following = (number + 1) % len(DAYS)
        if ranges and week[following] and ranges[-1][1] - _DAY > week[following][0][0]:
            late = f"{DAYS[number]} {_one(*ranges[-1])}"
            early = f"{DAYS[following]} {_one(*week[following][0])}"
            yield f"{late} ends after {early} has begun: correct one of them"


def _lines(week: list[Ranges]) -> Iterator[str]:
    for ranges, group in groupby(range(len(DAYS)), key=lambda day: week[day]):
        days = list(group)
        if ranges:
            last = f"-{DAYS[days[-1]]}" if len(days) > 1 else ""
            yield f"{DAYS[days[0]]}{last} {written(ranges)}"


def written(ranges: Ranges) -> str:
    """Write the hours of a day in the one form."""
    return ", ".join(_one(begin, end) for begin, end in ranges) or CLOSED


def _one(begin: int, end: int) -> str:
    end = end if end <= _DAY else end - _DAY
    return f"{begin // _HOUR:02}:{begin % _HOUR:02}-{end // _HOUR:02}:{end % _HOUR:02}"
