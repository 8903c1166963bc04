"""A document of the quarantine, and what may become of it: pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from central.erasing import ERASED
from shipper.document.identity import mark
from shipper.document.quarantine import INDEX as QUARANTINE
from shipper.document.quarantine import UNKNOWN_MONTH

INDICES: Final = f"{QUARANTINE}-*"
GATE: Final = "gate"
ROW: Final = "document"
"""Stage of what the agent could make no document of."""
HEARTBEAT: Final = "pabx.store"
FAMILIES: Final = {
    "pabx.cdr": "pabx-cdr",
    "pabx.call": "pabx-calls",
    "pabx.audit": "pabx-audit",
    "pabx.quarantine": QUARANTINE,
    "pabx.event": "pabx-events",
}
"""The kinds of documents that are released, and what the names of their indices begin with."""
DAILY: Final = frozenset({"pabx-events"})
"""Those of them that have an index a day; all others have one a month."""
LIVE: Final = "pabx.live"
EARLIEST: Final = "2000.01"
AHEAD: Final = timedelta(days=40)

_DAY: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})T")
# Longer than 512 bytes, it would have the whole request refused.
_ID: Final = re.compile(r"[\w.-]{1,512}", re.ASCII)
# What only the way there needs; the pipeline would take it for the gate's word.
_OF_THE_WAY: Final = ("gate", "proof", "forward_time", "arrived")


@dataclass(frozen=True)
class Kept:
    """A document of the quarantine.

    Attributes:
        index: where it is.
        id: its `_id`.
        seq_no: which write of the shard it is of; with the primary term it tells a later one.
        primary_term: of that write.
        source: what stands there.
    """

    index: str
    id: str
    seq_no: int
    primary_term: int
    source: Mapping[str, Any]

    @property
    def details(self) -> Mapping[str, Any]:
        """`quarantine`, as far as it is an object."""
        return _object(self.source, "quarantine")

    @property
    def document(self) -> Mapping[str, Any]:
        """What was refused."""
        return _object(self.details, "document")

    @property
    def stage(self) -> str:
        """Where it was refused; empty: not known."""
        return _text(self.details, "stage")

    @property
    def rule(self) -> str:
        """By which rule; empty: not known."""
        return _text(self.details, "rule")

    @property
    def dataset(self) -> str:
        """What it would have been; empty: not known."""
        return _text(_object(self.document, "event"), "dataset") or _text(self.details, "dataset")

    @property
    def store(self) -> str:
        """Whose it is for certain; empty where that is not known."""
        return _text(_object(self.source, "store"), "id")

    @property
    def named_store(self) -> str:
        """The store that the document itself names."""
        return _text(_object(self.document, "store"), "id")

    @property
    def message(self) -> str:
        """Why, in words."""
        return _text(_object(self.source, "error"), "message")

    @property
    def erased(self) -> bool:
        """Whether `central erase` took a person out of it."""
        tags = self.source.get("tags")
        return isinstance(tags, list) and ERASED in tags

    @property
    def day(self) -> str:
        """The store's day of it, YYYY-MM-DD; empty: not known."""
        row = _object(self.document, "cdr")
        places = (
            _object(self.document, "local").get("date"),
            self.document.get("calldate"),
            row.get("calldate"),
        )
        return next((day for value in places if (day := _day(value))), "")


@dataclass(frozen=True)
class Send:
    """It is sent again."""

    index: str
    id: str
    operation: str
    document: dict[str, Any]


@dataclass(frozen=True)
class Await:
    """It cannot be sent from here, but leaves the quarantine once the same `_id` is in the index.

    Attributes:
        indices: where that is looked for.
        sequence: the state that has to be there; None: any.
        why: what is told until then.
    """

    indices: str
    sequence: int | None
    why: str


@dataclass(frozen=True)
class Stay:
    """It stays, and why."""

    why: str


def decide(kept: Kept, as_store: str | None, now: datetime) -> Send | Await | Stay:
    """What may become of a document of the quarantine.

    A store may write into the quarantine what it likes. So nothing of what it says there is taken for true
    but its own name, which the gate has checked: what goes out under that name can be nobody else's.

    Args:
        kept: the document.
        as_store: the store for whose authorship an operator vouches; None: nobody does.
        now: the clock, UTC.
    """
    if why := _never(kept):
        return Stay(why)
    if kept.stage == ROW:
        family = FAMILIES["pabx.call" if kept.dataset == "pabx.call" else "pabx.cdr"]
        return Await(f"{family}-*", _sequence(kept), _send_anew(kept))
    if kept.dataset == HEARTBEAT:
        return Await(
            "pabx-stores", None, "a heartbeat, and the store has no document yet: its next one makes it"
        )
    if why := _not_from(kept, as_store):
        return Stay(why)
    found = _send(kept)
    if as_store is None and isinstance(found, Send) and not _is_month(_month_of(found.index), now):
        return Stay(
            f"its month {_month_of(found.index)} is before 2000 or more than 40 days ahead: "
            f"where you know why, add --as-store {kept.named_store}"
        )
    return found


def _never(kept: Kept) -> str:
    """Why nothing can become of it; empty: something may."""
    if kept.erased:
        return "central erase took a person out of it: it is not what the store sent, and cannot be released"
    if kept.dataset == LIVE:
        return "a call as it was then: sent now it would look like one of now; central tidy deletes it"
    return ""


def _not_from(kept: Kept, as_store: str | None) -> str:
    """Why a document must not go out under the store's name that it bears; empty: it may."""
    if kept.store and kept.stage != GATE:
        if kept.store != kept.named_store:
            return f"{kept.store} sent it, but it names {_named(kept)}: it would be another store's document"
        return "" if as_store in {None, kept.store} else f"it is of {kept.store}, not of {as_store}"
    if as_store is None:
        return (
            f"who sent it is not known, it names {_named(kept)}: where you know that it is that store's, "
            f"add --as-store {kept.named_store or 'STORE'}"
        )
    return "" if kept.named_store == as_store else f"it names {_named(kept)}, not {as_store}"


def _send(kept: Kept) -> Send | Stay:
    event = _object(kept.document, "event")
    key = _text(event, "id")
    begin = mark(kept.named_store)
    if not key.startswith(begin) or not _ID.fullmatch(key):
        return Stay(
            f"its event.id {key[:64]!r} does not begin with {begin}, the mark of {kept.named_store}: it "
            "could be another store's document; let that store send it anew (shipper backfill)"
        )
    sequence = event.get("sequence")
    if sequence is not None and (not isinstance(sequence, int) or isinstance(sequence, bool) or sequence < 0):
        return Stay(
            f"its event.sequence {sequence!r} is no whole number: which state is newer cannot be told"
        )
    document = {name: value for name, value in kept.document.items() if name not in _OF_THE_WAY}
    if why := _not_to_be_sent(document):
        return Stay(why)
    family = FAMILIES.get(kept.dataset)
    if family is None:
        return Stay(f"its event.dataset {kept.dataset!r} is of no index that stores write to")
    index = _gate_index(kept, family) if kept.stage == GATE else _text(kept.details, "index")
    day = r"\.(0[1-9]|[12][0-9]|3[01])" if family in DAILY else ""
    if not re.fullmatch(rf"{family}-[0-9]{{4}}\.(0[1-9]|1[0-2]){day}", index):
        span = "day" if day else "month"
        return Stay(f"which {span}'s {family} it belongs to cannot be told (quarantine.index is {index!r})")
    return Send(index, key, "create" if sequence is None else "index", document)


def _month_of(index: str) -> str:
    """The month that an index's name ends with, of one of a day too: `2026.11`."""
    return index.rpartition("-")[2][:7]


def _is_month(month: str, now: datetime) -> bool:
    """The months that the gate lets a store make indices of (docs/gate.md)."""
    return month == UNKNOWN_MONTH or EARLIEST <= month <= (now + AHEAD).strftime("%Y.%m")


def _not_to_be_sent(document: Mapping[str, Any]) -> str:
    """Why the cluster would not take a document for what it is; empty: it would."""
    steering = sorted(name for name in document if name.startswith("_"))
    if steering:  # _if_seq_no: it would be told to be there already, and then be nowhere
        return f"its field {steering[0]!r} would steer how the cluster writes: no agent makes such a one"
    try:
        json.dumps(document, allow_nan=False)
    except ValueError:  # 1e999 is read as infinite
        return "it holds a number beyond 64 bits, which cannot be sent"
    return ""


def _gate_index(kept: Kept, family: str) -> str:
    """The gate gives what it refuses the month of its arrival: here it is the document's own."""
    if family == QUARANTINE:
        month = _month_of(_text(_object(kept.document, "quarantine"), "index"))
        return f"{family}-{month or UNKNOWN_MONTH}"
    found = _DAY.match(_text(kept.document, "@timestamp"))
    if found is None:
        return ""
    return f"{family}-{found[1]}.{found[2]}{f'.{found[3]}' if family in DAILY else ''}"


def _sequence(kept: Kept) -> int | None:
    value = _object(kept.document, "event").get("sequence")
    return value if isinstance(value, int) else None


def _send_anew(kept: Kept) -> str:
    store, day = kept.store or kept.named_store or "that store", kept.day or "DAY"
    hint = "" if kept.day else ", where DAY is the row's day"
    return (
        "the store's agent could make no document of it: mend what it names, there or in the agent, and run "
        f"at {store}: shipper backfill --since {day} --until {day}{hint}; then release it"
    )


def _named(kept: Kept) -> str:
    return f"store {kept.named_store}" if kept.named_store else "no store"


def _day(value: Any) -> str:
    try:
        return date.fromisoformat(value[:10]).isoformat() if isinstance(value, str) else ""
    except ValueError:
        return ""


def _object(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = of.get(name)
    return value if isinstance(value, dict) else {}


def _text(of: Mapping[str, Any], name: str) -> str:
    value = of.get(name)
    return value if isinstance(value, str) else ""
