"""A ring group in events: all members are called at once, a mobile phone through a Local channel."""

from collections.abc import Sequence
from dataclasses import dataclass

from compose.simulator.ami_story import (
    ENGAGED,
    GIVEN_UP,
    LEAST_MS,
    RANDOM_PART_MS,
    RING_DELAY_MS,
    TAKEN,
    TIMED_OUT,
    Story,
    between,
    born,
)
from compose.simulator.ami_tape import DOWN, RING, RINGING, UP, Live
from compose.simulator.model import SimulatedRow

_REFUSAL_MS = 15
_SECOND = 1000


@dataclass
class _Leg:
    """One of those who are called: a telephone, or a Local channel with what is behind it."""

    row: SimulatedRow
    called: Live
    other: Live | None = None
    trunk: Live | None = None


def group(story: Story, rows: Sequence[SimulatedRow]) -> None:
    """Ring the members of a group."""
    at, caller, number = story.now, story.caller, rows[0].dst
    story.place("ext-group", number)
    label = next((one.name for one in story.store.groups if one.number == number), number)
    name = caller.person
    story.tape.caller(at, caller, caller.number, f"{label}:{name}")
    legs = [_call(story, row, at) for row in rows]
    for leg in legs:
        if leg.row.disposition == "BUSY":
            _give_up(story, leg, "BUSY", ENGAGED, at + _REFUSAL_MS)
        else:
            _ring(story, leg, at)
    ringing = [leg for leg in legs if leg.row.disposition != "BUSY"]
    winner = next((leg for leg in legs if leg.row.disposition == "ANSWERED"), None)
    stop = _stop(story, rows, legs, winner, at)
    gave_up = winner is None and bool(ringing) and rows[-1] is story.mine[-1]
    status, cause = ("CANCEL", GIVEN_UP) if gave_up else ("NOANSWER", TIMED_OUT)
    if winner:
        status, cause = "CANCEL", TAKEN
    for leg in ringing:
        if leg is not winner:
            _give_up(story, leg, status, cause, stop)
    if winner:
        _answer(story, winner, stop)
    story.now, story.cause = stop, story.cause if winner else cause


def _call(story: Story, row: SimulatedRow, at: int) -> _Leg:
    caller = story.caller
    if not row.dstchannel.startswith("Local/"):
        called = story.phone(row.dstchannel, at)
        called.exten = row.dst
        story.tape.new(at, called, DOWN)
        story.tape.connected(at, called, caller)
        story.tape.dial(at, caller, called, story.string(called.number))
        return _Leg(row, called)
    outside = story.row_of(f"{row.dstchannel[:-1]}2")
    one, two = local_pair(story, row.dstchannel, outside, at)
    story.tape.caller(at, one, row.dst, "")
    one.connected_number, two.connected_number = caller.number, row.dst
    story.tape.caller(at, two, caller.number, caller.person)
    story.tape.dial(at, caller, one, f"Local/{outside.dst}@from-internal/n")
    two.context, two.exten = "macro-dialout-trunk", "s"
    story.tape.caller(at, two, outside.outbound_cnum, outside.outbound_cnam)
    trunk = Live(outside.dstchannel, born(outside.dstchannel, at), caller.linkedid, "from-pstn", "s")
    story.call_trunk(two, trunk, outside.dst, at)
    return _Leg(row, one, two, trunk)


def local_pair(story: Story, name: str, row: SimulatedRow, at: int) -> tuple[Live, Live]:
    """Both halves of a Local channel; the second one has a row, the first was made just before it."""
    epoch, _, number = row.uniqueid.partition(".")
    target, _, context = name.partition("/")[2].partition("@")
    context = context.rpartition("-")[0]
    linkedid = story.caller.linkedid
    one = Live(name, f"{epoch}.{int(number) - 1}", linkedid, context, target)
    two = Live(row.channel, row.uniqueid, linkedid, context, target)
    story.tape.new(at, one, DOWN)
    story.tape.new(at, two, RING)
    both = {**one.fields("LocalOne"), **two.fields("LocalTwo")}
    more = {"Context": context, "Exten": target, "LocalOptimization": "No"}
    story.tape.note(at, "LocalBridge", {**both, **more})
    return one, two


def _ring(story: Story, leg: _Leg, at: int) -> None:
    for called in (leg.trunk, leg.called):
        if called:
            story.tape.state(at + RING_DELAY_MS, called, RINGING)


def _stop(
    story: Story, rows: Sequence[SimulatedRow], legs: Sequence[_Leg], winner: _Leg | None, at: int
) -> int:
    """When the ringing ended."""
    if all(leg.row.disposition == "BUSY" for leg in legs):
        return at + _REFUSAL_MS
    if winner:
        stop = at + story.truth.ring_seconds * _SECOND + RANDOM_PART_MS
    elif rows[-1] is story.mine[-1]:
        stop = story.end
    else:
        ringing = next(row for row in rows if row.disposition != "BUSY")
        stop = story.moment(ringing) + ringing.duration * _SECOND
    for leg in legs:
        if leg.other and leg is not winner:
            stop = min(stop, story.hangs_up(leg.other.uniqueid))
    return between(at + LEAST_MS, stop, story.end)


def _answer(story: Story, leg: _Leg, at: int) -> None:
    if leg.trunk and leg.other:
        story.answers(leg.other, leg.trunk, at)
        story.tape.state(at, leg.called, UP)
        # The other half hangs up with the trunk; what is behind it goes at the same moment.
        end = min(story.end, story.hangs_up(leg.other.uniqueid))
        story.tape.dialled(at, story.caller, leg.called, "ANSWER")
        if story.caller.state != UP:
            story.tape.state(at, story.caller, UP)
        story.tape.join(at, leg.called, story.caller)
        story.partner = leg.called
        for channel in (leg.other, leg.trunk):
            story.tape.leave(end, channel)
            story.tape.hangup(end, channel)
        return
    story.tape.connected(at, story.caller, leg.called)
    story.answers(story.caller, leg.called, at)
    story.partner = leg.called


def _give_up(story: Story, leg: _Leg, status: str, cause: int, at: int) -> None:
    story.gives_up(story.caller, leg.called, status, cause, at)
    if leg.other and leg.trunk:
        story.gives_up(leg.other, leg.trunk, "CANCEL", cause, at)
        story.tape.hangup(at, leg.other, cause)
