"""Ten minutes of ``calldate`` as a text prefix, and which of them have to be read.

No column of ``cdr`` tells what is new. But the index on ``calldate`` tells cheaply how many rows each
ten minutes hold, and a sum over their dates; where that differs from what was read, rows came or
went, and only those ten minutes are read again.

A bucket is the first 15 characters of a date, ``2026-11-23 00:1``: its order is that of time, and
zero dates (``0000-00-00 00:0``) need no rule of their own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shipper.document.clock import FIRST_YEAR
from shipper.spool import Bucket

LENGTH = 15
FIRST = "0000-00-00 00:0"
LAST = "9999-12-31 23:5"
SPAN = timedelta(days=7)
"""How much one counting query looks at."""

EMPTY = Bucket(0, 0)

Stretch = tuple[str, str]
"""First and last bucket."""


class Span(NamedTuple):
    """Buckets from first to last that are read by one query, and how many rows they may hold."""

    first: str
    last: str
    rows: int


def bucket_of(at: datetime) -> str:
    """The bucket of a naive local time."""
    return at.isoformat(sep=" ")[:LENGTH]


def bucket_at(epoch: float, zone: ZoneInfo) -> str:
    """The bucket of seconds since 1970, by the clock of a zone."""
    return bucket_of(datetime.fromtimestamp(epoch, zone))


def lowest(bucket: str) -> str:
    """The first date that belongs to a bucket."""
    return bucket + "0:00"


def highest(bucket: str) -> str:
    """The last date that belongs to a bucket."""
    return bucket + "9:59.999999"


def span_end(bucket: str) -> str:
    """The last bucket that a counting query starting here looks at."""
    if bucket < f"{FIRST_YEAR}":
        return f"{FIRST_YEAR - 1}-12-31 23:5"
    try:
        return bucket_of(datetime.fromisoformat(lowest(bucket)) + SPAN)
    except (ValueError, OverflowError):
        return LAST


def following(bucket: str) -> str:
    """The bucket behind another; ``~`` behind the last."""
    if bucket < f"{FIRST_YEAR}":
        return f"{FIRST_YEAR}-01-01 00:0"
    try:
        return bucket_of(datetime.fromisoformat(lowest(bucket)) + timedelta(minutes=10))
    except (ValueError, OverflowError):
        return "~"


def total(buckets: Mapping[str, Bucket]) -> Bucket:
    """All rows and dates of some buckets."""
    return Bucket(sum(b.rows for b in buckets.values()), sum(b.crc for b in buckets.values()))


def differing(
    there: Mapping[str, Bucket], known: Mapping[str, Bucket], *, again: bool = False
) -> dict[str, Bucket]:
    """The buckets whose content is not what was read; with ``again`` all that hold something."""
    return {
        name: there.get(name, EMPTY)
        for name in sorted({*there, *known})
        if again or there.get(name, EMPTY) != known.get(name, EMPTY)
    }


def spans(changed: Mapping[str, Bucket], present: Sequence[str], limit: int) -> Iterator[Span]:
    """Join neighbouring changed buckets into reads of at most ``limit`` rows (but whole buckets).

    Args:
        changed: The buckets to read, in order.
        present: All buckets of the table, in order: an unchanged one between two ends a read.
        limit: Rows that one read should not exceed.
    """
    place = {name: number for number, name in enumerate(present)}
    current: Span | None = None
    for name, bucket in changed.items():
        if not bucket.rows:
            continue
        if (
            current is not None
            and current.rows + bucket.rows <= limit
            and place[name] == place[current.last] + 1
        ):
            current = Span(current.first, name, current.rows + bucket.rows)
            continue
        if current is not None:
            yield current
        current = Span(name, name, bucket.rows)
    if current is not None:
        yield current


def covered(stretch: Stretch, stretches: Iterable[Stretch]) -> bool:
    """One of the stretches holds another one."""
    return any(first <= stretch[0] and stretch[1] <= last for first, last in stretches)


def days(stretches: Iterable[Stretch]) -> float:
    """How many days stretches last."""
    times = [[datetime.fromisoformat(lowest(bucket)) for bucket in stretch] for stretch in stretches]
    return sum((last - first) / timedelta(days=1) for first, last in times)


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches that overlap put together, in order."""
    found: list[Stretch] = []
    for first, last in sorted(stretches):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found
