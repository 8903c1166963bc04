"""Ringing, waiting, talking and billable seconds, kept apart.

Asterisk counts a row's billed seconds from the moment in which its channel was answered, by whatever it
was: after a menu or a queue, and in the row after a transfer, they hold the ringing too (measured on
Asterisk 22). Where the rows do not tell these apart, a value is left out rather than guessed.
"""

from collections.abc import Iterable
from typing import NamedTuple

from shipper.assembly.contacts import NEVER, Call, Contact
from shipper.assembly.endpoints import comes_from_phone
from shipper.assembly.verdict import NOT_TAKEN, QUEUE_APPS, is_menu, leads_out


class Times(NamedTuple):
    """Seconds; None where the rows do not tell."""

    ring: int | None
    wait: int | None
    talk: int | None
    billable: int


def times_of(call: Call, direction: str) -> Times:
    """Measure a call.

    Args:
        call: Its rows, sorted out.
        direction: What was found out about it.
    """
    contacts = call.contacts
    exact = [_is_exact(contact, call) for contact in contacts]
    if len(contacts) == 1 and len(call.legs) == 1 and exact[0]:
        return _direct(contacts[0], direction)
    answer, talks, certain = NEVER, [], True
    for contact, told in zip(contacts, exact, strict=True):
        if contact.reached:
            begin = _answer(contact, call)
            answer = min(answer, begin)
            talks.append((begin, contact.leg.end))
            certain &= told
    return Times(
        _ringing(call, exact, answer),
        _waiting(call, exact, answer),
        _union(talks) if certain else None,
        _billable(call, direction),
    )


def _direct(contact: Contact, direction: str) -> Times:
    """One row, one party: most calls."""
    leg = contact.leg
    talk = leg.billsec if contact.reached else 0
    queue = leg.lastapp in QUEUE_APPS
    rang = contact.reached or (not queue and (leg.answered or leg.disposition in NOT_TAKEN))
    ring = leg.end - leg.start - talk if rang else 0
    return Times(
        ring,
        leg.end - leg.start - talk if queue else 0,
        talk,
        talk if leads_out(contact, direction) else 0,
    )


def _ringing(call: Call, exact: list[bool], answer: int) -> int | None:
    spans: list[tuple[int, int]] = []
    for contact, told in zip(call.contacts, exact, strict=True):
        leg = contact.leg
        if leg.start > answer:
            continue  # rang after a transfer
        if not contact.reached and (
            contact.via.lastapp in QUEUE_APPS or not (leg.answered or leg.disposition in NOT_TAKEN)
        ):
            continue  # in a queue that is waiting; a busy or broken line does not ring
        if not told:
            return None
        end = _answer(contact, call) if contact.reached else leg.end
        spans.append((leg.start, min(end, answer)))
    return _union(spans)


def _waiting(call: Call, exact: list[bool], answer: int) -> int | None:
    """Seconds in queues and menus, from entering the first to a person or to the end of the last."""
    stages = [leg for leg in call.main if leg.lastapp in QUEUE_APPS or is_menu(leg)]
    told = zip(call.contacts, exact, strict=True)
    if not stages:
        # A menu leaves no row of its own once it has sent the caller on.
        return 0 if all(e for contact, e in told if contact.leg.start <= answer) else None
    begin = stages[0].start
    if answer != NEVER:
        sure = all(e for contact, e in told if contact.reached and _answer(contact, call) == answer)
        return max(0, answer - begin) if sure else None
    last = stages[-1].start
    after = [leg.start for leg in call.main if leg.start > last and leg not in stages]
    return min(after, default=max(leg.end for leg in stages)) - begin


def _is_exact(contact: Contact, call: Call) -> bool:
    """The row's billed seconds begin with this party, not before."""
    leg = contact.leg
    if contact.folded:
        return True  # a Local channel is answered by its party alone
    if call.caller.kind == "local" or (contact.kind == "local" and leg.lastapp in QUEUE_APPS):
        # A click to call, where the caller's own telephone had answered before; a queue had, and the
        # member's own row is missing.
        return False
    if call.up.get(leg.channel, NEVER) < leg.start:
        return contact.reached and _is_up_already(contact, call)
    if leg.billsec == 0:
        return True
    # Billed from the first second on, or without an answer: a menu may have answered before.
    return leg.answered and (leg.billsec < leg.end - leg.start or comes_from_phone(leg.dcontext))


def _is_up_already(contact: Contact, call: Call) -> bool:
    """The called channel had been answered before: by a consultation, or it fetched a parked call."""
    leg = contact.leg
    return any(
        row is not leg
        and ((row.dstchannel == leg.dstchannel and row.answered) or row.channel == leg.dstchannel)
        and row.start <= leg.start
        for row in call.legs
    )


def _answer(contact: Contact, call: Call) -> int:
    """When the party was reached, seconds since 1970."""
    leg = contact.leg
    return leg.start if call.up.get(leg.channel, NEVER) < leg.start else leg.end - leg.billsec


def _billable(call: Call, direction: str) -> int:
    """Answered seconds towards the outside; the trunk on which an inbound call came in costs nothing."""
    outside = {
        contact.leg.dstchannel
        for contact in call.contacts
        if contact.leg.answered and leads_out(contact, direction)
    }
    if not outside:
        return 0
    return _union(
        (leg.end - leg.billsec, leg.end)
        for leg in call.legs
        if leg.answered and (leg.dstchannel in outside or (direction != "inbound" and leg.channel in outside))
    )


def _union(spans: Iterable[tuple[int, int]]) -> int:
    """Seconds that are covered, each once."""
    total, reached = 0, -NEVER
    for start, end in sorted(spans):
        if end > reached:
            total += end - max(start, reached)
            reached = end
    return total
