"""What a simulated year came to, as Markdown."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from tests.year.judging import Found, Verdict
from tests.year.plan import DECLINE, DUMB, KINDS, TRUNK_DEAF
from tests.year.stores import CLASSES

HEAD: Final = (
    *("incident", "stores, by calls a day", "happened", "found", "had to be", "in time"),
    *("delay, median", "worst", "allowed, median", "true calls, median", "worst"),
)
FALSE: Final = (
    *("stores, by calls a day", "quarters", "agent or PBX silent", "idle", "declines", "idle a quarter"),
    *("quarters with more than one", "worst quarter", "beside: shut, without a call"),
)
SILENT: Final = ("agent_silent", "pbx_silent")


def lines(verdict: Verdict) -> Iterator[str]:
    """Give both tables."""
    yield _line(HEAD)
    yield "|---" * len(HEAD) + "|"
    rows: dict[tuple[str, str], list[Found]] = defaultdict(list)
    for one in verdict.found:
        rows[one.kind, one.size].append(one)
    for kind in KINDS:
        for size in CLASSES:
            if of := rows.get((kind, size)):
                yield _row(kind, size, of)
    yield ""
    yield _line(FALSE)
    yield "|---" * len(FALSE) + "|"
    for size in CLASSES:
        yield _false(verdict, size)


def false_of(verdict: Verdict, size: str, *findings: str) -> Counter[tuple[str, int]]:
    """The false alarms of some kinds that a class's stores had, by store and quarter."""
    found: Counter[tuple[str, int]] = Counter()
    for (finding, store, of_size, quarter), count in verdict.false_alarms.items():
        if of_size == size and finding in findings:
            found[store, quarter] += count
    return found


def _row(kind: str, size: str, of: Sequence[Found]) -> str:
    due = [one for one in of if one.due]
    delays = [one.delay for one in of if one.delay is not None]
    in_time = sum(not one.late for one in due)
    calls = [one.calls for one in of if one.calls]
    asked = kind in DUMB | {TRUNK_DEAF}
    cells = [
        kind,
        size,
        str(len(of)),
        str(len(delays)),
        str(len(due)),
        str(in_time),
        _span(median(delays)) if delays else "-",
        _span(max(delays)) if delays else "-",
        _span(median(one.allowed for one in due)) if due and kind != DECLINE else "-",
        *((f"{median(calls):.1f}", f"{max(calls):.1f}") if asked and calls else ("-", "-")),
    ]
    return _line(cells)


def _false(verdict: Verdict, size: str) -> str:
    idle = false_of(verdict, size, "idle")
    quarters = verdict.quarters[size]
    counts = [
        quarters,
        false_of(verdict, size, *SILENT).total(),
        idle.total(),
        false_of(verdict, size, "decline").total(),
    ]
    share = f"{idle.total() / quarters:.2f}" if quarters else "-"
    more = sum(count > 1 for count in idle.values())
    return _line(
        [
            size,
            *map(str, counts),
            share,
            str(more),
            str(max(idle.values(), default=0)),
            str(verdict.shut[size]),
        ]
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _span(seconds: float) -> str:
    for length, name in ((7 * 86400, "weeks"), (3600, "h")):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {name}"
    return f"{seconds / 60:.1f} min"
