"""The register's file: every line judged, everything that is wrong with it told at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import available_timezones

from central.errors import UsageError
from central.stores.exceptions import opening_exceptions
from central.stores.holidays import calendar_code
from central.stores.hours import HoursError, calendar_day, opening_hours
from central.stores.register import NAMES, Line, newest_first
from central.stores.sheet import Problems, Row, near, read
from shipper.config.rules import STORE_ID_LENGTH
from shipper.numbering.tables import AREA_CODES
from shipper.schema import load as load_schema

COLUMNS: Final = (
    *("id", "name", "region", "city", "state", "timezone", "area_code"),
    *("opening_hours", "opening_exceptions", "holidays", "trunks", "valid_from", "closed_from"),
)
_NEEDED: Final = ("id", "name", "timezone")
_LONGEST_TRUNK: Final = 256
_CHANNELS: Final = re.compile(r"[1-9][0-9]{0,3}")

# Source: IBGE, the 26 states and the Federal District.
STATES: Final = (
    *("AC", "AL", "AM", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "MS", "MT", "PA", "PB", "PE", "PI"),
    *("PR", "RJ", "RN", "RO", "RR", "RS", "SC", "SE", "SP", "TO"),
)


_Wrong = Callable[[str, str], None]


@dataclass(frozen=True)
class File:
    """What a file says.

    Attributes:
        register: all its stores.
        encoding: that it was read by.
    """

    register: dict[str, tuple[Line, ...]]
    encoding: str


def load(path: Path) -> File:
    """Read the register's file.

    Raises:
        UsageError: something of it is wrong; everything is named, with file, line, column, value and mend.
    """
    problems = Problems(str(path))
    sheet = read(path, COLUMNS, _NEEDED, problems)
    found: dict[str, dict[str, tuple[int, Line]]] = {}
    for row in sheet.rows:
        line = _line(row, problems)
        name = row.values["id"]
        of_store = found.setdefault(name, {})
        if line.valid_from in of_store:
            _same_twice(row.number, name, line, of_store[line.valid_from], problems)
        else:
            of_store[line.valid_from] = (row.number, line)
    _alike(found, problems)
    problems.settle()
    if not found:
        raise UsageError(f"{path} holds no store: write a line for each")
    return File(
        {name: newest_first(line for _, line in of_store.values()) for name, of_store in found.items()},
        sheet.encoding,
    )


def _line(row: Row, problems: Problems) -> Line:
    """Judge a row; where something is wrong, what is returned only serves to find more."""
    values = row.values

    def wrong(column: str, text: str) -> None:
        problems.value(row.number, column, values[column], text)

    def hours(column: str, judge: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
        try:
            return judge(values[column])
        except HoursError as error:
            for problem in error.problems:
                problems.value(row.number, column, "", problem)
            return ()

    _check_texts(values, wrong)
    _check_words(values, wrong)

    def day(column: str) -> str:
        found = calendar_day(values[column])
        if values[column] and found is None:
            wrong(column, "no such day: write it like 2026-11-01")
        return str(found) if found else values[column]

    since = day("valid_from")
    week = hours("opening_hours", opening_hours)
    exceptions = hours("opening_exceptions", opening_exceptions)
    trunks, channels = _trunks(values["trunks"], wrong)
    return Line(
        valid_from=since,
        name=values["name"],
        region=values["region"],
        city=values["city"],
        state=values["state"].upper(),
        timezone=values["timezone"],
        area_code=values["area_code"],
        opening_hours=week,
        opening_exceptions=exceptions,
        trunks=trunks,
        trunk_channels=channels,
        holidays=_calendar(values["holidays"], wrong),
        closed_from=day("closed_from"),
    )


def _check_texts(values: Mapping[str, str], wrong: _Wrong) -> None:
    for column, value in values.items():
        if column in _NEEDED and not value:
            wrong(column, "it is empty: write it")
        elif not value.isprintable():
            wrong(column, "a line break or another sign that cannot be seen: take it out")
        elif column in NAMES and "{{" in value:
            wrong(column, "two braces: take them out: alerts would take them for a template")
        elif column in NAMES and len(value) > _longest(column):
            wrong(column, f"{len(value)} signs: write {_longest(column)} at most")


def _check_words(values: Mapping[str, str], wrong: _Wrong) -> None:
    name, zone, code = values["id"], values["timezone"], values["area_code"]
    if len(name) > STORE_ID_LENGTH or not all(letter.isalnum() or letter in "._-" for letter in name):
        wrong("id", f"use letters, digits, dot, dash and underscore, {STORE_ID_LENGTH} at most")
    if zone and zone not in _zones():
        hint = near(zone, sorted(_zones()), "write it like America/Sao_Paulo")
        wrong("timezone", f"no known zone: {hint}")
    if values["state"] and values["state"].upper() not in STATES:
        wrong("state", f"no state of Brazil: write one of {' '.join(STATES)}")
    if code and code not in AREA_CODES:
        bare = code.strip("()").removeprefix("0")
        hint = f"did you mean {bare}?" if bare in AREA_CODES else "write its two digits, such as 11"
        wrong("area_code", f"no area code (DDD): {hint}")


def _calendar(text: str, wrong: _Wrong) -> str:
    code = calendar_code(text) if text else ""
    if code is None:
        mend = "write none, BR, a state's such as BR-SP, or a city's such as BR-SP-Sorocaba (docs/stores.md)"
        wrong("holidays", f"no known calendar: {mend}")
    return code or ""


def _trunks(text: str, wrong: _Wrong) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the names, and beside them how many calls each can carry, such as `vivo=10`, where it says so."""
    parts = [part.strip() for part in text.replace(",", ";").split(";") if part.strip()]
    names = []
    channels = []
    for part in parts:
        name, colon, number = (piece.strip() for piece in part.rpartition(":"))
        if colon and not (name and _CHANNELS.fullmatch(number)):
            wrong("trunks", f"{part!r} has no number of calls it can carry: write it like vivo:10")
        if "=" in part:
            wrong("trunks", f"{part!r}: write it like {part.replace('=', ':')}")
        names.append(name if colon else number)
        if colon:
            channels.append(f"{name}={number}")
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            wrong("trunks", f"it names {name} twice: keep one of them")
        if len(name) > _LONGEST_TRUNK:
            wrong("trunks", f"a name of {len(name)} signs: write {_LONGEST_TRUNK} at most")
    return tuple(names), tuple(channels)


def _same_twice(number: int, name: str, line: Line, before: tuple[int, Line], problems: Problems) -> None:
    first, other = before
    since = f"from {line.valid_from} on" if line.valid_from else "from the beginning (valid_from is empty)"
    if line == other:
        problems.value(number, "id", name, f"the same as line {first}: take one of them out")
        return
    differing = [key for key, value in line.as_dict().items() if value != other.as_dict()[key]]
    what = ", ".join(differing)
    mend = "take one of them out, or give the later one its day in valid_from"
    problems.value(number, "id", name, f"line {first} says otherwise {since} ({what}): {mend}")


def _alike(found: dict[str, dict[str, tuple[int, Line]]], problems: Problems) -> None:
    """Ids that differ in capital letters alone are one store written in two ways, not two stores."""
    seen: dict[str, tuple[str, int]] = {}
    for name, of_store in found.items():
        number = min(first for first, _ in of_store.values())
        other, line = seen.setdefault(name.casefold(), (name, number))
        if other != name:
            problems.value(number, "id", name, f"line {line} writes it {other}: write it alike in both")


@cache
def _longest(column: str) -> int:
    longest: int = load_schema("store")["properties"]["store"]["properties"][column]["maxLength"]
    return longest


@cache
def _zones() -> set[str]:
    """Asked once: each answer reads the whole directory of zones, 10 ms for each line of a register."""
    return available_timezones()
