"""The demo's four troubles; `make demo` as a whole fails where they are not named, or others are."""

import io
import json
from contextlib import redirect_stdout
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from compose.demo import alerts
from compose.demo.__main__ import SEED
from compose.simulator import chain
from shipper.numbering import reader
from tests.dashboards.documents import documents_of

PROFILES = {store.id: store for store in chain(12, SEED)}
FOUR = set(alerts.WHAT)


def judged(found: list[tuple[str, str]], failed: list[dict[str, str]] | None = None) -> tuple[bool, str]:
    answer: dict[str, Any] = {
        "alerts": [{"finding": finding, "key": key, "message": "m"} for finding, key in found],
        "failed": failed or [],
        "monitors": 24,
    }
    output = io.StringIO()
    with redirect_stdout(output):
        right = alerts._judged(answer, FOUR)
    return right, output.getvalue()


def test_the_troubles_are_of_four_stores_of_the_demo() -> None:
    assert {store for _, store in FOUR} <= PROFILES.keys()
    assert len({store for _, store in FOUR}) == 4
    assert PROFILES[alerts.IDLE].silent_last_days == 3


def test_the_silent_store_is_always_open_and_the_abused_one_is_closed_today() -> None:
    assert alerts.hours(PROFILES[alerts.SILENT]) == ("Mon-Sun 00:00-24:00", "")
    abused = PROFILES[alerts.ABUSED]
    today = datetime.now(ZoneInfo(abused.timezone)).date()
    hours, exceptions = alerts.hours(abused)
    assert hours.startswith("Mon ")
    assert exceptions == f"{today} closed"
    assert alerts.hours(PROFILES["Loja001"])[1] == ""


def test_the_calls_abroad_are_international_calls() -> None:
    abused = PROFILES[alerts.ABUSED]
    calls = [alerts._abroad(call) for call in alerts._outbound(abused, SEED)]
    assert len(calls) == alerts.CALLS_ABROAD
    assert reader("BR", abused.area_code)(alerts.ABROAD).category == "international"
    told = [json.loads(one.body) for one in documents_of(abused, calls, rows=False)]
    assert [one["call"]["category"] for one in told] == ["international"] * len(calls)
    assert [one["call"]["direction"] for one in told] == ["outbound"] * len(calls)


def test_the_four_alone_are_right() -> None:
    right, text = judged(sorted(FOUR))
    assert right
    assert "4 alerts, each of them right, and no other of 24 monitors" in text


def test_one_that_is_missing_or_too_much_is_told() -> None:
    right, text = judged(sorted(FOUR - {("idle", alerts.IDLE)}))
    assert not right
    assert f"{alerts.IDLE} idle          NOT NAMED: " in text
    right, text = judged([*sorted(FOUR), ("idle", "Loja001")])
    assert not right
    assert "Loja001 idle          NAMED WRONGLY" in text


def test_a_monitor_that_could_not_be_run_is_told() -> None:
    right, text = judged(sorted(FOUR), [{"monitor": "PABX idle", "error": "no index"}])
    assert not right
    assert "PABX idle COULD NOT BE RUN: no index" in text
