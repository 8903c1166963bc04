"""What the stores' calls were, and what the cluster says of them; told apart by a hash, then call by call."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from compose.simulator import CallTruth, SimulatedCall

FIELDS = (
    "store.id",
    "call.linked_ids",
    "call.direction",
    "call.outcome",
    "call.missed",
    "call.answered_by",
    "call.billable_seconds",
)


class Verdict(NamedTuple):
    """What is compared of a call; its first linkedid tells which one it is."""

    linked_id: str
    direction: str
    outcome: str
    missed: bool
    answered_by: tuple[str, ...]
    billable_seconds: int


class Digest(NamedTuple):
    """All verdicts of a store: how many, how many of them missed, and a hash over all in their order."""

    calls: int
    missed: int
    hash: str


def meant(truth: CallTruth) -> Verdict:
    """What the simulator let happen."""
    return Verdict(
        truth.linked_ids[0],
        truth.direction,
        truth.outcome,
        truth.missed,
        truth.answered_by,
        truth.billable_seconds,
    )


def told(source: Mapping[str, Any]) -> Verdict:
    """What a call's document says, of which `FIELDS` are enough."""
    call = source["call"]
    return Verdict(
        call["linked_ids"][0],
        call["direction"],
        call["outcome"],
        call["missed"],
        tuple(call.get("answered_by", ())),
        call["billable_seconds"],
    )


def digest(verdicts: Iterable[Verdict]) -> Digest:
    """The same verdicts in any order give the same; each counts as often as it is there."""
    ordered = sorted(verdicts)
    text = "\n".join(map(repr, ordered))
    missed = sum(verdict.missed for verdict in ordered)
    return Digest(len(ordered), missed, sha256(text.encode()).hexdigest())


class Listener:
    """Lets simulated calls pass on to the database, and keeps what they were."""

    def __init__(self) -> None:
        self._verdicts: list[Verdict] = []

    def hear(self, calls: Iterable[SimulatedCall]) -> Iterator[SimulatedCall]:
        """Give the same calls again."""
        for call in calls:
            self._verdicts.append(meant(call.truth))
            yield call

    @property
    def digest(self) -> Digest:
        """Of all that have passed."""
        return digest(self._verdicts)


def differences(wanted: Iterable[Verdict], got: Iterable[Verdict]) -> list[str]:
    """Every difference in words, in the order of the calls' linkedids."""
    right = {verdict.linked_id: verdict for verdict in wanted}
    there: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in got:
        there[verdict.linked_id].append(verdict)
    found = []
    for linked_id in sorted(right.keys() | there.keys()):
        copies = there[linked_id]
        if linked_id not in right:
            found.append(f"{linked_id}: nobody made this call")
        elif not copies:
            found.append(f"{linked_id}: missing, {_in_words(right[linked_id])}")
        else:
            if len(copies) > 1:
                found.append(f"{linked_id}: there {len(copies)} times")
            for copy in copies:
                found += _unequal(right[linked_id], copy)
    return found


def _unequal(wanted: Verdict, got: Verdict) -> Iterator[str]:
    for name, right, there in zip(Verdict._fields, wanted, got, strict=True):
        if right != there:
            yield f"{wanted.linked_id}: {name} is {there!r} instead of {right!r}"


def _in_words(verdict: Verdict) -> str:
    return f"{verdict.direction} and {verdict.outcome}"
