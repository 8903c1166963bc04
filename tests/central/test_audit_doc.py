"""docs/audit.md, "At head office": what is printed is what stands there, and no name is missing."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from central.audit.compare import Day, Held, Verdict, compare
from central.audit.run import Report

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
HEAD_OFFICE = PAGE[PAGE.index("## At head office") :]
COUNTED = datetime(2026, 11, 25, 5, tzinfo=UTC)


def held(rows: int, newest: datetime | None = None) -> Held:
    made = Held(newest=newest)
    made.account.rows = rows
    return made


def reported(rows: int) -> dict[str, Any]:
    return {"as_of": COUNTED.isoformat(), "rows": rows, "hash": "0" * 16}


def days() -> list[Day]:
    late = COUNTED + timedelta(minutes=1)
    different = [
        compare("Loja001", "2026-11-23", reported(412), held(411)),
        compare("Loja002", "2026-11-24", reported(0), held(1, late)),
        compare("Loja003", "2026-11-24", None, held(5)),
    ]
    equal = [
        compare(f"Loja{store:03}", f"2026-11-{day}", reported(1), held(1))
        for store in range(1, 141)
        for day in range(18, 25)
    ]
    named = {(day.store, day.day) for day in different}
    return different + [day for day in equal if (day.store, day.day) not in named]


def test_the_lines() -> None:
    report = Report("2026-11-18", "2026-11-24", days(), [("Loja004", "2026-11-22")], ["Loja009"])
    text = re.search(r"^```text\n(.*?)^```$", HEAD_OFFICE, re.MULTILINE | re.DOTALL)
    assert text is not None
    assert list(report.lines()) == text[1].splitlines()
    assert not report.complete


def test_no_name_is_missing() -> None:
    body = Report("2026-11-18", "2026-11-24", days(), [("Loja004", "2026-11-22")], ["Loja009"]).as_dict()
    names = {*body, *body["days"][0], *body["days"][0]["reported"], *body["days"][0]["index"]}
    names |= {name for day in body["healed"] for name in day}
    assert {name for name in names if f"`{name}`" not in HEAD_OFFICE} == set()
    assert len(names) == 19


def test_every_state_is_explained() -> None:
    states = {verdict.value for verdict in Verdict} - {"equal"}
    assert {state for state in states if f"| `{state}` |" not in HEAD_OFFICE} == set()
