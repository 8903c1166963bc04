"""Ringing, waiting, talking and billable seconds, kept apart.

Asterisk counts a row's billed seconds from the moment in which its channel was answered, by whatever it
was: after a menu or a queue, and in the row after a transfer, they hold the ringing too (measured on
Asterisk 22). Where the rows do not tell these apart, a value is left out rather than guessed.
"""

from collections.abc import Iterable
from typing import NamedTuple

from shipper.assembly.contacts import Call, Contact
from shipper.assembly.endpoints import comes_from_phone
from shipper.assembly.leg import Leg
from shipper.assembly.verdict import NOT_TAKEN, QUEUE_APPS, is_menu


class Times(NamedTuple):
    """Seconds; None where the rows do not tell."""

    ring: int | None
    wait: int | None
    talk: int | None
    billable: int
    duration: int


def times_of(call: Call, direction: str) -> Times:
    """Measure a call.

    Args:
        call: Its rows, sorted out.
        direction: What was found out about it.
    """
    reached = [contact for contact in call.contacts if contact.reached]
    exact = {id(contact): _is_exact(contact, call) for contact in call.contacts}
    answer = min((_answer(contact, call) for contact in reached), default=None)
    certain = all(exact[id(contact)] for contact in reached)
    talk = _union((_answer(contact, call), contact.leg.end) for contact in reached) if certain else None
    start = call.legs[0].start
    return Times(
        _ringing(call, exact, answer),
        _waiting(call, exact, answer),
        talk,
        _billable(call, direction),
        max(leg.end for leg in call.legs) - start,
    )


def _ringing(call: Call, exact: dict[int, bool], answer: int | None) -> int | None:
    spans: list[tuple[int, int]] = []
    for contact in call.contacts:
        leg = contact.leg
        queued = contact.via.lastapp in QUEUE_APPS
        if answer is not None and leg.start > answer:
            continue  # rang after a transfer
        if not contact.reached and (queued or not (leg.answered or leg.disposition in NOT_TAKEN)):
            continue  # in a queue that is waiting; a busy or broken line does not ring
        if not exact[id(contact)]:
            return None
        spans.append((leg.start, _answer(contact, call) if contact.reached else leg.end))
    return _union(spans if answer is None else ((start, min(end, answer)) for start, end in spans))


def _waiting(call: Call, exact: dict[int, bool], answer: int | None) -> int | None:
    """Seconds in queues and menus, from entering the first to a person or to the end of the last."""
    stages = [leg for leg in call.main if leg.lastapp in QUEUE_APPS or is_menu(leg)]
    if not stages:
        # A menu leaves no row of its own once it has sent the caller on.
        before = [contact for contact in call.contacts if answer is None or contact.leg.start <= answer]
        return 0 if all(exact[id(contact)] for contact in before) else None
    begin = min(leg.start for leg in stages)
    if answer is not None:
        return max(0, answer - begin)
    last = max(leg.start for leg in stages)
    after = [leg.start for leg in call.main if leg.start > last and leg not in stages]
    return min(after, default=max(leg.end for leg in stages)) - begin


def _is_exact(contact: Contact, call: Call) -> bool:
    """The row's billed seconds begin with this party, not before."""
    leg = contact.leg
    if contact.folded:
        return True  # a Local channel is answered by its party alone
    if contact.endpoint.kind == "local" and leg.lastapp in QUEUE_APPS:
        return False  # the queue answered, and the member's own row is missing
    if leg.end == leg.start:
        return True
    if _was_answered_before(leg, call):
        return contact.reached and _is_up_already(leg, call)
    if leg.billsec == 0:
        return True
    # Billed from the first second on, or without an answer: a menu may have answered before.
    return leg.answered and (leg.billsec < leg.duration or comes_from_phone(leg.dcontext))


def _was_answered_before(leg: Leg, call: Call) -> bool:
    return any(
        row.channel == leg.channel and row.start < leg.start and row.answered and row.billsec > 0
        for row in call.main
    )


def _is_up_already(leg: Leg, call: Call) -> bool:
    """The called channel had been answered before: by a consultation, or it fetched a parked call."""
    return any(
        row is not leg
        and ((row.dstchannel == leg.dstchannel and row.answered) or row.channel == leg.dstchannel)
        and row.start <= leg.start
        for row in call.legs
    )


def _answer(contact: Contact, call: Call) -> int:
    """When the party was reached, seconds since 1970."""
    leg = contact.leg
    return leg.start if _was_answered_before(leg, call) else leg.end - leg.billsec


def _billable(call: Call, direction: str) -> int:
    """Answered seconds towards the outside; the trunk on which an inbound call came in costs nothing."""
    outside = {
        contact.leg.dstchannel: contact
        for contact in call.contacts
        if contact.endpoint.kind == "trunk" and contact.leg.answered
    }
    if not outside:
        return 0
    spans = [
        (leg.end - leg.billsec, leg.end)
        for leg in call.legs
        if leg.answered and (leg.dstchannel in outside or (direction != "inbound" and leg.channel in outside))
    ]
    return _union(spans)


def _union(spans: Iterable[tuple[int, int]]) -> int:
    """Seconds that are covered, each once."""
    total, reached = 0, None
    for start, end in sorted(spans):
        if reached is None or start >= reached:
            total += end - start
        elif end > reached:
            total += end - reached
        reached = end if reached is None else max(reached, end)
    return total
