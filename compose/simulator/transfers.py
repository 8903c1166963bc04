"""A call that was answered goes on to somebody else: blind, attended, or parked and picked up."""

from collections.abc import Callable
from itertools import accumulate

from compose.simulator.draft import Draft, Line, face
from compose.simulator.exchange import Script
from compose.simulator.stores import Extension

PARKING_LOT = 70

Row = Callable[[int, int], None]
"""Writes the first leg's row, given its end and the moment of insert (ms)."""


def blind(draft: Draft, line: Line, first: Extension, row: Row) -> Script:
    """The first person sends the caller on: a second row, whose `dst` is still the first extension."""
    answered = draft.now
    second = draft.someone(first.number)
    yield draft.now + draft.between(5, 60)
    moved = draft.now
    draft.pbx.busy.discard(first.number)
    draft.talk = moved - answered
    if second is None or second.number in draft.pbx.busy:
        row(moved, draft.inserted(moved))
        return
    draft.transferred, draft.scenario = True, "inbound_blind_transfer"
    draft.unrecoverable.add("talk")  # the second row is answered from its first second, ringing included
    start, sequence = line.leg(draft.pbx, moved)
    phone = draft.pbx.channel(second.number, moved)
    yield moved + draft.between(2, 12)
    picked_up = draft.now
    draft.pbx.busy.add(second.number)
    yield draft.now + draft.talking(90)
    draft.pbx.busy.discard(second.number)
    draft.answered_by.append(second.number)
    draft.talk += draft.now - picked_up
    at = draft.inserted(draft.now)
    row(moved, at)
    _further(
        draft,
        line,
        first,
        span=(start, draft.now, sequence),
        at=at + 1,
        app="Dial",
        data=draft.phone_data(second.number, 20),
        peer=phone.name,
    )


def attended(draft: Draft, line: Line, first: Extension, row: Row) -> Script:
    """The first person asks the second before handing over: a call with a linkedid of its own."""
    answered = draft.now
    second = draft.someone(first.number)
    yield draft.now + draft.between(5, 60)
    if second is None or second.number in draft.pbx.busy:
        draft.pbx.busy.discard(first.number)
        draft.talk = draft.now - answered
        row(draft.now, draft.inserted(draft.now))
        return
    asked = draft.now
    question = draft.pbx.channel(first.number, asked)
    reply = draft.pbx.channel(second.number, asked)
    yield asked + draft.between(1, 9)
    picked_up = draft.now
    draft.pbx.busy.add(second.number)
    yield draft.now + draft.between(2, 30)
    moved = draft.now
    draft.pbx.busy.discard(first.number)
    draft.write(
        question,
        span=(asked, moved, question.sequence),
        inserted=draft.inserted(moved),
        dst=second.number,
        context="from-internal",
        app="Dial",
        data=draft.phone_data(second.number, 20),
        disposition="ANSWERED",
        answer=picked_up,
        peer=reply.name,
        face=face(first.number, first.name),
        own=False,
        linkedid=question.uniqueid,
    )
    start, sequence = line.leg(draft.pbx, moved)
    yield moved + draft.talking(90)
    draft.pbx.busy.discard(second.number)
    draft.transferred, draft.scenario = True, "inbound_attended_transfer"
    draft.answered_by.append(second.number)
    draft.talk = draft.now - answered
    at = draft.inserted(draft.now)
    row(moved, at)
    _further(
        draft,
        line,
        first,
        span=(start, draft.now, sequence),
        at=at + 1,
        app="Dial",
        data=draft.phone_data(first.number, 25),
        peer=reply.name,
    )


def park(draft: Draft, line: Line, first: Extension, row: Row) -> Script:
    """The first person parks the caller; another one dials the slot."""
    answered = draft.now
    yield draft.now + draft.between(5, 40)
    parked = draft.now
    draft.pbx.busy.discard(first.number)
    draft.transferred, draft.scenario = True, "inbound_parked"
    slot = str(PARKING_LOT + draft.rng.randrange(1, 9))
    park_start, park_sequence = line.leg(draft.pbx, parked)
    yield parked + draft.between(3, 40)
    second = draft.someone() or first
    taken = {second.number} - draft.pbx.busy
    draft.pbx.busy |= taken
    fetched = draft.now
    fetcher = draft.pbx.channel(second.number, fetched)
    start, sequence = line.leg(draft.pbx, fetched)
    yield fetched + draft.talking(60)
    draft.pbx.busy -= taken
    draft.answered_by.append(second.number)
    draft.talk = parked - answered + draft.now - fetched
    at = draft.inserted(draft.now)
    draft.write(
        fetcher,
        span=(fetched, fetched, fetcher.sequence),
        inserted=at,
        dst=slot,
        context="from-internal",
        app="ParkedCall",
        data=f"default,{slot}",
        disposition="ANSWERED",
        answer=fetched,
        face=face(second.number, second.name)._replace(cnum="", cnam=""),
        own=False,
    )
    row(parked, at + 8)
    _further(
        draft,
        line,
        first,
        span=(park_start, fetched, park_sequence),
        at=at + 9,
        app="Park",
        data=f"default:{slot}",
    )
    _further(
        draft,
        line,
        first,
        span=(start, draft.now, sequence),
        at=at + 10,
        app="Dial",
        data=draft.phone_data(first.number, 25),
        peer=fetcher.name,
    )


def _further(
    draft: Draft,
    line: Line,
    first: Extension,
    *,
    span: tuple[int, int, int],
    at: int,
    app: str,
    data: str,
    peer: str = "",
) -> None:
    """Write a later row of the caller's channel: answered from its first second, `dst` as before."""
    draft.write(
        line.channel,
        span=span,
        inserted=at,
        dst=first.number,
        context="from-did-direct",
        app=app,
        data=data,
        disposition="ANSWERED",
        answer=line.answered,
        peer=peer,
    )


COURSES = (blind, attended, park)
CHANCES = tuple(accumulate((5, 3, 2)))
