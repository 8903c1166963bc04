"""The examples of docs/numbers.md are what the agent says."""

import re
from pathlib import Path

import pytest

from shipper.numbering import CATEGORIES, reader

PAGE = (Path(__file__).parents[2] / "docs" / "numbers.md").read_text("utf-8")
BRAZIL = PAGE.partition("\n## Brazil\n")[2].partition("\n## Other countries\n")[0]
OTHERS = PAGE.partition("\n## Other countries\n")[2].partition("\n## What cannot be told")[0]


def rows(section: str) -> list[list[str]]:
    lines = [line for line in section.splitlines() if re.match(r"\| (?:`|[A-Z]{2}, )", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def spellings(cell: str) -> list[str]:
    """`0015` + `1305…` is dialled in one go, a comma stands between two ways."""
    return ["".join(re.findall("`([^`]*)`", way)) for way in cell.split(", ") if "`" in way]


@pytest.mark.parametrize("row", rows(BRAZIL), ids=lambda row: row[0])
def test_brazil(row: list[str]) -> None:
    read, said = reader("BR", "11"), " ".join(row[1:])
    categories = CATEGORIES & set(re.findall("`([a-z_]+)`", said)) or {"international"}
    for text in spellings(row[0]):
        found = read(text)
        assert found.category in categories, text
        assert found.collect == ("collect" in said), text
        assert found.carrier_code in said, text
        if len(row) == 4 and "…" not in row[2]:
            assert found.e164 == row[2].strip("`"), text


@pytest.mark.parametrize("row", rows(OTHERS), ids=lambda row: " ".join(row[:2]))
def test_other_countries(row: list[str]) -> None:
    country, area = row[0].split(", ")
    found = reader(country, area)(row[1].strip("`"))
    assert [found.e164, found.category] == [cell.strip("`") for cell in row[2:]]


def test_the_page_has_its_tables() -> None:
    assert (len(rows(BRAZIL)), len(rows(OTHERS))) == (22, 8)
