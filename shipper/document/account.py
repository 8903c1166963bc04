"""What a store holds of one day, in five numbers: the agent counts its table, `central audit` the index.

A document counts by its identity and by what it measures. Nothing that head office changes is in it: neither
what a call cost, nor what was erased or hidden, nor where the store stands in the register.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b, sha256
from typing import Any, NamedTuple

from shipper.document.clock import StoreClock, stamp
from shipper.document.identity import mark
from shipper.document.model import Document, Origin, encode

AUDIT_DAYS = 7
"""How many complete days are counted, and sent again, each night."""
DATASET = "pabx.audit"
INDEX = "pabx-audit"
SEQUENCE_SHIFT = 10
"""As of calls (`shipper.assembly.builder.GENERATION_SHIFT`): below it head office may raise the version."""

_ROW: tuple[str, ...] = ("duration", "billsec", "disposition")
_CALL: tuple[str, ...] = (
    "direction",
    "outcome",
    "duration_seconds",
    "billable_seconds",
    "talk_seconds",
    "legs",
)
_MODULUS = 2**64


def line_of(document: Mapping[str, Any]) -> str | None:
    """What of a document is counted, as one line; None where it is no part of an account.

    Args:
        document: As it is sent, or as the index gives it back.

    Returns:
        ``cdr|event.id|@timestamp|duration|billsec|disposition`` of a row,
        ``call|event.id|@timestamp|direction|outcome|duration_seconds|billable_seconds|talk_seconds|legs`` of
        a call; what is missing is empty. None for every other kind, and for a call that became a part of
        another: what is left of it is no call.
    """
    event = document.get("event", {})
    kind = event.get("dataset")
    if kind == "pabx.cdr":
        name, names = "cdr", _ROW
    elif kind == "pabx.call" and "merged_into" not in document.get("call", {}):
        name, names = "call", _CALL
    else:
        return None
    content = document.get(name, {})
    parts = [name, event.get("id"), document.get("@timestamp"), *(content.get(field) for field in names)]
    return "|".join(["" if part is None else str(part) for part in parts])


def day_of(document: Mapping[str, Any]) -> str:
    """The day on the store's clock that a document belongs to, ``local.date``; empty where it has none."""
    return str(document.get("local", {}).get("date", ""))


class Entry(NamedTuple):
    """What one document adds to its day."""

    is_call: bool
    seconds: int
    number: int
    """Its part of the hash."""


def entry_of(document: Mapping[str, Any]) -> Entry | None:
    """What a document adds; None where it is no part of an account, see `line_of`."""
    line = line_of(document)
    if line is None:
        return None
    if line.startswith("cdr|"):
        return Entry(False, _seconds(document["cdr"].get("duration")), number_of(line))
    return Entry(True, _seconds(document["call"].get("duration_seconds")), number_of(line))


class Account:
    """Sums over documents; the order in which they come does not matter, but each must come once."""

    def __init__(self) -> None:
        self.rows = 0
        self.row_seconds = 0
        self.calls = 0
        self.call_seconds = 0
        self._sum = 0

    def add(self, document: Mapping[str, Any]) -> None:
        """Count a document, if it is one that counts."""
        entry = entry_of(document)
        if entry is not None:
            self.put(entry)

    def put(self, entry: Entry) -> None:
        """Count what `entry_of` gave."""
        if entry.is_call:
            self.calls += 1
            self.call_seconds += entry.seconds
        else:
            self.rows += 1
            self.row_seconds += entry.seconds
        self._sum = (self._sum + entry.number) % _MODULUS

    @property
    def hash(self) -> str:
        """The sum of all lines' numbers modulo 2^64, 16 hexadecimal digits."""
        return f"{self._sum:016x}"


def number_of(line: str) -> int:
    """A line's part of the hash: the first 8 bytes of its SHA-256, big-endian."""
    return int.from_bytes(sha256(line.encode(errors="surrogatepass")).digest()[:8], "big")


def report_id(store_id: str, day: str) -> str:
    """The ``_id`` of a store's report of a day, 32 hexadecimal digits: a later report takes its place."""
    content = f"audit\0{store_id}\0{day}".encode()
    return mark(store_id) + blake2b(content, digest_size=12).hexdigest()


def report(origin: Origin, clock: StoreClock, day: str, account: Account, counted: datetime) -> Document:
    """The document that tells head office what the store holds of a day.

    Args:
        origin: Store and agent.
        clock: The store's.
        day: The day on that clock, ``YYYY-MM-DD``.
        account: What was counted.
        counted: When, UTC.
    """
    begin = clock.iso(midnight(clock, day))
    key = report_id(origin.store_id, day)
    as_of = stamp(counted)
    body = {
        "@timestamp": begin,
        "event": {
            "id": key,
            "kind": "metric",
            "dataset": DATASET,
            "created": as_of,
            "sequence": int(counted.timestamp()) << SEQUENCE_SHIFT,
        },
        "store": {"id": origin.store_id, "timezone": origin.timezone},
        "agent": {"version": origin.version},
        "audit": {
            "kind": "report",
            "day": day,
            "as_of": as_of,
            "rows": account.rows,
            "row_seconds": account.row_seconds,
            "calls": account.calls,
            "call_seconds": account.call_seconds,
            "hash": account.hash,
        },
    }
    return Document(f"{INDEX}-{begin[:4]}.{begin[5:7]}", key, encode(body).encode(), "index")


def midnight(clock: StoreClock, day: str) -> int:
    """The beginning of a day on the store's clock, seconds since 1970; the first moment that has its date."""
    naive = datetime.fromisoformat(day)
    return int(naive.replace(tzinfo=clock.zone).timestamp())


def _seconds(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
