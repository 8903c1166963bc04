"""Legs to the call's document."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b

from shipper.assembly.contacts import Call, sort_out
from shipper.assembly.endpoints import Endpoints
from shipper.assembly.join import is_complete, linked_ids
from shipper.assembly.leg import Leg, in_order
from shipper.assembly.parties import Parties, Reader, answered_by, parties_of, prefix_of
from shipper.assembly.times import Times, times_of
from shipper.assembly.verdict import Verdict, judge
from shipper.assembly.writing import CallWriter, Draft, Told
from shipper.document.clock import created_at
from shipper.document.identity import mark
from shipper.document.model import Document, Origin
from shipper.document.privacy import Privacy
from shipper.numbering import Number

DAY_SECONDS = 24 * 3600
KEPT = 512
"""Calls whose rows come one after another."""
SHORTEST_OUTSIDE = 7
"""Digits; what is shorter may be an extension."""

WITHOUT_ROW = "call_without_row"
"""The tag of a call that only AMI heard."""

FIRST = 1
"""Of such a call the sequence: below that of any row."""

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
    begun = blake2b(store_id.encode() + b"\0", digest_size=12, person=b"call")
    begin = mark(store_id)
    known: dict[str, str] = {}

    def identity(linked: str) -> str:
        found = known.get(linked)
        if found is None:
            if len(known) >= KEPT:
                known.clear()
            state = begun.copy()
            state.update(linked.encode())
            found = known[linked] = begin + state.hexdigest()
        return found

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
        self._writer = CallWriter(origin, self.identity)

    def heard(self, legs: Sequence[Leg], created: str) -> Document:
        """A call that AMI heard and the table has no row of; any row of it makes a newer state.

        Args:
            legs: What could have been its rows.
            created: ``event.created``, UTC in ISO 8601.
        """
        ordered = sorted(legs, key=in_order)
        draft = self._draft(ordered, linked_ids(ordered))
        draft.seconds["legs"] = 0
        draft = draft._replace(tags=[*draft.tags, WITHOUT_ROW])
        return self._writer.write(draft, created, FIRST)

    def build(self, legs: Iterable[Leg], created: str, generation: int = 0) -> list[Document]:
        """The call's document, and for each other linkedid that it took in the end of what stood there.

        The same legs in any order give the same documents.

        Args:
            legs: All rows of the call, each once.
            created: ``event.created``, UTC in ISO 8601.
            generation: Of a rebuild, see `sequence_of`.
        """
        ordered = list(legs)
        if len(ordered) > 1:
            ordered.sort(key=in_order)
        linked = linked_ids(ordered)
        sequence = sequence_of(len(ordered), generation)
        documents = [self._writer.write(self._draft(ordered, linked), created, sequence)]
        for other in linked[1:]:
            begin = _begin([leg for leg in ordered if leg.linked == other], other)
            documents.append(self._writer.end_of(other, begin, documents[0].id, created, sequence))
        return documents

    def _draft(self, legs: Sequence[Leg], linked: Sequence[str]) -> Draft:
        call = sort_out(legs, linked[0], self._endpoints)
        verdict = judge(call, self._is_outside)
        times = times_of(call, verdict.direction)
        parties = parties_of(call, verdict, self._read, self._privacy)
        begin = _begin(legs, linked[0])
        told, billed = _told(call, verdict, times, parties, self._read)
        tags = []
        if not is_complete(legs):
            tags.append("call_incomplete")
        if None in times:
            tags.append("times_inseparable")
        return Draft(
            linked=linked,
            begin=begin,
            seconds=_seconds(times, len(legs), max([leg.end for leg in legs]) - begin),
            answered_by=answered_by(verdict.answered_by, self._read, self._privacy),
            told=told,
            prefix=prefix_of(billed.e164, self._privacy) if billed is not None else "",
            source=parties.source,
            destination=parties.destination,
            tags=tags,
        )

    def _is_outside(self, text: str) -> bool:
        return len(text) >= SHORTEST_OUTSIDE and self._read(text).category != "unknown"


def _seconds(times: Times, legs: int, duration: int) -> dict[str, int]:
    """The numbers of a call; what the rows do not tell is left out."""
    found = {"billable_seconds": times.billable, "duration_seconds": duration, "legs": legs}
    if times.ring is not None:
        found["ring_seconds"] = times.ring
    if times.wait is not None:
        found["wait_seconds"] = times.wait
    if times.talk is not None:
        found["talk_seconds"] = times.talk
    return found


def _told(
    call: Call, verdict: Verdict, times: Times, parties: Parties, read: Reader
) -> tuple[Told, Number | None]:
    """The fields of a call that are words, and the outside number that a tariff may ask for."""
    direction, outcome = verdict.direction, verdict.outcome
    answered = outcome == "answered"
    told = Told(
        direction,
        outcome,
        answered,
        direction == "inbound" and not answered and outcome != "blocked",
        verdict.transferred,
        "internal" if direction == "internal" else "unknown",
        verdict.did,
        verdict.trunk,
        verdict.queue,
        verdict.group,
    )
    outside = parties.outside
    if outside is None:
        return told, None
    category = outside.category
    onward_trunk = onward_category = ""
    if direction == "inbound" and times.billable:
        # What costs is the way out again, not the one that the call came in by.
        onward = next(c for c in call.contacts if c.kind == "trunk" and c.leg.answered)
        outside = read(onward.number)
        onward_trunk, onward_category = onward.name, outside.category
    told = told._replace(
        category=category,
        billable_trunk=onward_trunk,
        billable_category=onward_category,
        carrier_code=outside.carrier_code,
        collect=outside.collect or None,
    )
    return told, outside


def _begin(legs: Sequence[Leg], linked: str) -> int:
    """When the call's first channel was made: the linkedid says it, even before that channel's row came."""
    first = min([leg.start for leg in legs])
    created = created_at(linked)
    if created is not None and first - DAY_SECONDS <= created <= first:
        return created
    return first
