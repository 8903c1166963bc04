"""Calls that a real Asterisk 22 recorded: what they were, with and without a list of trunks."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from shipper.assembly import CallBuilder, join, leg_of
from shipper.document.clock import StoreClock
from shipper.document.model import Origin
from shipper.document.privacy import Privacy
from shipper.numbering import reader

RECORDED = Path(__file__).parents[1] / "data" / "asterisk-22"
WHOLE = ("duration", "billsec", "sequence")
ZONE = "America/New_York"


def table(name: str) -> list[dict[str, str]]:
    with (RECORDED / name).open(encoding="utf-8", errors="replace", newline="") as file:
        return list(csv.DictReader(file))


TRUTHS = {truth["scenario"]: truth for truth in table("truth.csv") if truth["cdr_rows"] != "0"}


def calls(trunks: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The documents by each of their linkedids."""
    read = reader("US", "212")
    builder = CallBuilder(Origin("Store", ZONE, "1"), trunks, read, Privacy("clear", "", read))
    clock = StoreClock(ZONE)
    legs = []
    for number, row in enumerate(table("cdr.csv")):
        moment = clock.moment(row["calldate"], row["uniqueid"])
        assert moment
        cdr = {name: int(value) if name in WHOLE else value for name, value in row.items() if value}
        legs.append(leg_of(cdr, moment.epoch, str(number)))
    bodies = [json.loads(builder.build(call, "2026-11-23T05:10:15.123Z")[0].body) for call in join(legs)]
    return {linked: body["call"] for body in bodies for linked in body["call"]["linked_ids"]}


@pytest.fixture(scope="module")
def known() -> dict[str, dict[str, Any]]:
    return calls(["acme"])


@pytest.mark.parametrize("scenario", TRUTHS)
def test_a_recorded_call_is_what_it_was(scenario: str, known: dict[str, dict[str, Any]]) -> None:
    truth = TRUTHS[scenario]
    call = known[truth["linkedid"]]
    assert (call["direction"], call["outcome"]) == (truth["direction"], truth["outcome"])
    assert call["missed"] == (truth["missed"] == "true")
    assert call.get("answered_by", []) == truth["answered_by"].split()
    assert call["legs"] == int(truth["cdr_rows"])


def test_every_row_is_in_one_call(known: dict[str, dict[str, Any]]) -> None:
    assert len(TRUTHS) == 46
    legs = {call["id"]: call["legs"] for call in known.values()}
    assert (len(legs), sum(legs.values())) == (58, 95)


def test_without_a_list_of_trunks_every_direction_is_told_all_the_same() -> None:
    found = calls([])
    directions = {name: found[truth["linkedid"]]["direction"] for name, truth in TRUTHS.items()}
    unknown = {name for name, direction in directions.items() if direction == "unknown"}
    assert unknown == set()
    assert directions == {name: truth["direction"] for name, truth in TRUTHS.items()}
