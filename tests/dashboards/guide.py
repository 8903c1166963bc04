"""The two pages on searching, read: every example, the saved search that it is for, and what is marked."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from central.preview.files import load_objects
from central.preview.objects import Objects

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGES: Final = {"en": "search.md", "pt-BR": "busca.md"}
LANGUAGES: Final = tuple(PAGES)
CALLS: Final = "pabx-search-calls"
NAMES: Final = {
    "digite": "type",
    "digitado": "typed",
    "em vez disso": "instead",
    "em": "in",
    "consulta": "query",
    "condição": "condition",
    "sim": "yes",
    "não": "no",
}
"""The Portuguese page's words for what tables say, in the English one's."""


class Example(NamedTuple):
    """A text that the page says to type.

    Attributes:
        search: Id of the saved search in which.
        text: What is typed.
        dql: It finds the same where the bar's language is DQL.
    """

    search: str
    text: str
    dql: bool


class Fault(NamedTuple):
    """A text that does not find what is meant, and one that does."""

    text: str
    instead: str


@cache
def objects(language: str) -> Objects:
    """The shipped saved objects."""
    return load_objects()[language]


@cache
def page(language: str) -> str:
    """The page's text."""
    return (DOCS / PAGES[language]).read_text(encoding="utf-8")


@cache
def examples(language: str) -> tuple[Example, ...]:
    """All of them, in the page's order."""
    titles = {one.title: one.id for one in objects(language).of_type("search")}
    return tuple(
        Example(titles[line["in"]] if "in" in line else CALLS, code(line["type"]), _yes(line["DQL"]))
        for line in _lines(language, "type")
    )


def is_dql(search: str, text: str) -> bool:
    """Whether an example is marked."""
    return next(one.dql for one in examples("en") if (one.search, one.text) == (search, text))


@cache
def faults(language: str) -> tuple[Fault, ...]:
    """What the page says not to type in the saved search of all calls."""
    return tuple(Fault(code(line["typed"]), code(line["instead"])) for line in _lines(language, "typed"))


def queries(language: str) -> dict[str, str]:
    """The saved queries that the page lists: title to condition."""
    return {line["query"]: code(line["condition"]) for line in _lines(language, "query")}


def kinds(language: str) -> list[set[str]]:
    """The heads of all tables."""
    return [set(table[0]) for table in _tables(page(language))]


def saved(language: str, kind: str) -> dict[str, dict[str, Any]]:
    """The shipped objects of a kind, by id: title, and what they ask."""
    found = {}
    for one in objects(language).of_type(kind):
        source = one.source() if kind == "search" else dict(one.attributes)
        found[one.id] = {
            "title": one.title,
            **{key: source.get(key) for key in ("query", "filter", "filters")},
        }
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def code(cell: str) -> str:
    """The text of a cell that is nothing but code."""
    found = re.fullmatch(r"`([^`]+)`", cell)
    assert found, f"not one piece of code: {cell}"
    return found[1]


def _yes(cell: str) -> bool:
    word = NAMES.get(cell, cell)
    assert word in {"yes", "no"}, cell
    return word == "yes"


def _lines(language: str, having: str) -> Iterator[dict[str, str]]:
    for table in _tables(page(language)):
        if having in table[0]:
            yield from table


def _tables(text: str) -> Iterator[list[dict[str, str]]]:
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, _, *lines = [_cells(line) for line in block.splitlines()]
        names = [NAMES.get(name, name) for name in head]
        yield [dict(zip(names, line, strict=True)) for line in lines]


def _cells(line: str) -> list[str]:
    # A stroke inside code would need a backslash; no example has one.
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
