"""Legs to the call's document."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any

from shipper.assembly.contacts import sort_out
from shipper.assembly.endpoints import Endpoints
from shipper.assembly.join import is_complete, linked_ids
from shipper.assembly.leg import Leg, in_order
from shipper.assembly.parties import Reader, answered_by, parties_of, prefix_of
from shipper.assembly.times import times_of
from shipper.assembly.verdict import judge
from shipper.document.clock import StoreClock, created_at
from shipper.document.model import Document, Origin, encode
from shipper.document.privacy import Privacy
from shipper.document.quarantine import Quarantine
from shipper.document.validate import validator

DATASET = "pabx.call"
INDEX = "pabx-calls"
DAY_SECONDS = 24 * 3600
AHEAD_SECONDS = 5
"""A channel is made a moment before its first row begins, never after it."""
SHORTEST_OUTSIDE = 7
"""Digits; what is shorter may be an extension."""

LEGS_SHIFT = 42
GENERATION_SHIFT = 10
"""Below it there is room for what head office changes: each change raises the version by one."""


def sequence_of(legs: int, generation: int = 0) -> int:
    """Which state of a call it is: more rows are newer, then a rebuild is newer than what it rebuilds.

    Args:
        legs: How many rows it is made of.
        generation: 0, or of a rebuild the seconds from 1970 to it.
    """
    return (legs << LEGS_SHIFT) + (generation << GENERATION_SHIFT)


def identify_call(store_id: str) -> Callable[[str], str]:
    """Make the function that gives a call its ``_id``, 32 hexadecimal digits, from its first linkedid."""
    store = store_id.encode() + b"\0"

    def identity(linked: str) -> str:
        return blake2b(store + linked.encode(), digest_size=16, person=b"call").hexdigest()

    return identity


class CallBuilder:
    """Builds the calls of one store.

    Args:
        origin: Store and agent.
        trunks: Names of the store's trunks as they stand in channel names.
        read: The numbering plan.
        privacy: What may leave the store in clear.
    """

    def __init__(self, origin: Origin, trunks: Iterable[str], read: Reader, privacy: Privacy) -> None:
        self.identity = identify_call(origin.store_id)
        self._endpoints = Endpoints(trunks)
        self._read = read
        self._privacy = privacy
        self._clock = StoreClock(origin.timezone)
        self._validate = validator("call")
        self._quarantine = Quarantine(origin)
        self._store = {"id": origin.store_id, "timezone": origin.timezone}
        self._agent = {"version": origin.version}

    def build(self, legs: Iterable[Leg], created: str, generation: int = 0) -> list[Document]:
        """The call's document, and for each other linkedid that it took in the end of what stood there.

        The same legs in any order give the same documents.

        Args:
            legs: All rows of the call, each once.
            created: ``event.created``, UTC in ISO 8601.
            generation: Of a rebuild, see `sequence_of`.
        """
        ordered = sorted(legs, key=in_order)
        linked = linked_ids(ordered)
        document = self._document(ordered, linked, created, sequence_of(len(ordered), generation))
        return [document, *(self._end_of(document, other, ordered, created) for other in linked[1:])]

    def _document(self, legs: Sequence[Leg], linked: list[str], created: str, sequence: int) -> Document:
        call = sort_out(legs, linked[0], self._endpoints)
        verdict = judge(call, self._is_outside)
        times = times_of(call, verdict.direction)
        parties = parties_of(call, verdict, self._read, self._privacy)
        begin = _begin(legs, linked[0])
        moment = self._clock.local(begin)
        start = self._clock.iso(begin)
        key = self.identity(linked[0])
        answered = verdict.outcome == "answered"
        details: dict[str, Any] = {
            "id": key,
            "linked_ids": linked,
            "direction": verdict.direction,
            "outcome": verdict.outcome,
            "answered": answered,
            "missed": verdict.direction == "inbound" and not answered and verdict.outcome != "blocked",
            "billable_seconds": times.billable,
            "duration_seconds": max(leg.end for leg in legs) - begin,
            "legs": len(legs),
            "transferred": verdict.transferred,
        }
        tags = [] if is_complete(legs) else ["call_incomplete"]
        if verdict.answered_by:
            details["answered_by"] = answered_by(verdict.answered_by, self._read, self._privacy)
        for name, seconds in (
            ("ring_seconds", times.ring),
            ("wait_seconds", times.wait),
            ("talk_seconds", times.talk),
        ):
            if seconds is not None:
                details[name] = seconds
        if None in times:
            tags.append("times_inseparable")
        for name in ("did", "trunk", "queue", "group"):
            if value := getattr(verdict, name):
                details[name] = value
        outside = parties.outside
        if outside is None:
            details["category"] = "internal" if verdict.direction == "internal" else "unknown"
        else:
            details["category"] = outside.category
            if prefix := prefix_of(outside.e164):
                details["prefix"] = prefix
            if outside.carrier_code:
                details["carrier_code"] = outside.carrier_code
            if outside.collect:
                details["collect"] = True
        body: dict[str, Any] = {
            "@timestamp": start,
            "event": {
                "id": key,
                "kind": "event",
                "dataset": DATASET,
                "created": created,
                "start": start,
                "end": self._clock.iso(begin + details["duration_seconds"]),
                "sequence": sequence,
            },
            "store": self._store,
            "agent": self._agent,
            "local": {"date": moment.date, "hour": moment.hour, "weekday": moment.weekday},
            "call": details,
        }
        if parties.source:
            body["source"] = parties.source
        if parties.destination:
            body["destination"] = parties.destination
        if tags:
            body["tags"] = tags
        index = f"{INDEX}-{start[:4]}.{start[5:7]}"
        invalid = self._validate(body)
        if invalid is not None:
            return self._quarantine.document(
                key,
                stage="document",
                dataset=DATASET,
                index=index,
                document=body,
                reason=invalid,
                created=created,
            )
        return Document(index, key, encode(body).encode(), "index")

    def _end_of(self, whole: Document, linked: str, legs: Sequence[Leg], created: str) -> Document:
        """A call that may have been sent before it turned out to be a part of another."""
        begin = _begin([leg for leg in legs if leg.linked == linked], linked)
        moment = self._clock.local(begin)
        start = self._clock.iso(begin)
        key = self.identity(linked)
        body = {
            "@timestamp": start,
            "event": {
                "id": key,
                "kind": "event",
                "dataset": DATASET,
                "created": created,
                "sequence": sequence_of(len(legs)),
            },
            "store": self._store,
            "agent": self._agent,
            "local": {"date": moment.date, "hour": moment.hour, "weekday": moment.weekday},
            "call": {
                "id": key,
                "linked_ids": [linked],
                "direction": "unknown",
                "outcome": "system",
                "answered": False,
                "missed": False,
                "duration_seconds": 0,
                "legs": 0,
                "merged_into": whole.id,
            },
        }
        return Document(f"{INDEX}-{start[:4]}.{start[5:7]}", key, encode(body).encode(), "delete")

    def _is_outside(self, text: str) -> bool:
        return len(text) >= SHORTEST_OUTSIDE and self._read(text).category != "unknown"


def _begin(legs: Sequence[Leg], linked: str) -> int:
    """When the call's first channel was made: the linkedid says it, even before that channel's row is there."""
    first = min(leg.start for leg in legs)
    created = created_at(linked)
    if created is not None and first - DAY_SECONDS <= created <= first + AHEAD_SECONDS:
        return created
    return first
