"""A queue in events: rounds of ringing, each member a Local channel with a telephone behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from compose.simulator.ami_group import local_pair
from compose.simulator.ami_story import (
    LEAST_MS,
    RANDOM_PART_MS,
    REFUSED,
    RING_DELAY_MS,
    SETUP_MS,
    TAKEN,
    TIMED_OUT,
    Story,
    between,
)
from compose.simulator.ami_tape import BUSY, NORMAL, RINGING, UP, Live
from compose.simulator.model import SimulatedRow

_LONGEST_MENU_MS = 23_000
_A_MENU_MS = 8_000
_SECOND = 1000


@dataclass
class _Member:
    """One who is called: both halves of the Local channel and the telephone."""

    row: SimulatedRow
    one: Live
    two: Live
    phone: Live

    @property
    def interface(self) -> str:
        """As queues call it."""
        return f"Local/{self.phone.number}@from-queue/n"


def queue(story: Story, rows: Sequence[SimulatedRow]) -> None:
    """Wait in a queue until somebody answers, or the caller leaves it."""
    number = rows[0].dst
    behind = [(story.row_of(f"{row.dstchannel[:-1]}2"), row) for row in rows if row.dstchannel]
    rounds = [[pair[0] for pair in part] for _, part in groupby(behind, lambda pair: pair[0].calldate)]
    story.now = _joined(story, rounds)
    story.pick_up("ext-queues", number)
    joined = story.now
    story.tape.queue(joined, "QueueCallerJoin", story.caller, number, Position="1", Count="1")
    for members in rounds:
        if _round(story, number, members, joined):
            return
    left = story.end
    if rows[-1] is not story.mine[-1]:  # a mailbox comes next
        left = between(story.now + SETUP_MS, story.moment(story.mine[-1]), story.end - LEAST_MS)
    hold = str((left - joined) // _SECOND)
    story.tape.queue(
        left, "QueueCallerAbandon", story.caller, number, Position="1", OriginalPosition="1", HoldTime=hold
    )
    story.tape.queue(left, "QueueCallerLeave", story.caller, number, Position="1", Count="0")
    story.now = left


def _joined(story: Story, rounds: Sequence[Sequence[SimulatedRow]]) -> int:
    """When the caller entered it: at once, or where a menu came before, when the first members rang."""
    if story.caller.state != UP:
        return story.now
    first = story.moment(rounds[0][0]) if rounds else story.begin + _LONGEST_MENU_MS
    waited = first - story.begin
    menu = waited if waited < _LONGEST_MENU_MS else _A_MENU_MS
    return between(story.now, story.begin + menu, (story.begin + story.end) // 2)


def _round(story: Story, number: str, rows: Sequence[SimulatedRow], joined: int) -> bool:
    """Ring some members; whether one of them answered, and the call is over."""
    at = between(story.now + SETUP_MS, story.moment(rows[0]), story.end - SETUP_MS)
    members = [_call(story, row, at) for row in rows]
    for member in members:
        story.tape.state(at + RING_DELAY_MS, member.one, RINGING)
        story.tape.state(at + RING_DELAY_MS, member.phone, RINGING)
    winner = next((member for member in members if member.row.disposition == "ANSWERED"), None)
    losers = [member for member in members if member is not winner]
    ends = [story.hangs_up(member.two.uniqueid) for member in losers]
    stop = min(ends) if ends else at + story.truth.ring_seconds * _SECOND + RANDOM_PART_MS
    stop = between(at + RING_DELAY_MS, stop, story.end)
    if winner:
        _answer(story, number, winner, at, stop, joined)
    gave_up = winner is None and story.end - stop < LEAST_MS
    for member in losers:
        _cancel(story, number, member, at, stop, winner=winner is not None, gave_up=gave_up)
    story.now = stop
    return winner is not None


def _call(story: Story, row: SimulatedRow, at: int) -> _Member:
    caller = story.caller
    one, two = local_pair(story, f"{row.channel[:-1]}1", row, at)
    did = story.truth.did
    story.tape.caller(at, one, did, "")
    two.connected_number = did
    story.tape.caller(at, two, caller.number, caller.person)
    string = f"Local/{row.dst}@from-queue/n"
    story.tape.dial(at, caller, one, string)
    phone = story.phone(row.dstchannel, at)
    story.call_phone(two, phone, at)
    return _Member(row, one, two, phone)


def _answer(story: Story, number: str, member: _Member, at: int, stop: int, joined: int) -> None:
    caller, tape = story.caller, story.tape
    story.answers(member.two, member.phone, stop)
    tape.state(stop, member.one, UP)
    tape.caller(stop, member.one, member.phone.number, member.phone.person)
    tape.dialled(stop, caller, member.one, "ANSWER")
    tape.connected(stop, caller, member.phone)
    tape.queue(stop, "QueueCallerLeave", caller, number, Position="1", Count="0")
    waited = {"HoldTime": str((stop - joined) // _SECOND), "RingTime": str((stop - at) // _SECOND)}
    _agent(story, "AgentConnect", number, member, stop, **waited)
    tape.join(stop, member.one, caller)
    end = between(stop, story.hangs_up(member.two.uniqueid), story.end)
    told = {"HoldTime": waited["HoldTime"], "TalkTime": str((end - stop) // _SECOND), "Reason": "caller"}
    _agent(story, "AgentComplete", number, member, end, **told)
    tape.leave(end, caller)
    for channel in (member.one, member.two, member.phone):
        tape.leave(end, channel)
    for channel in (member.one, member.phone, member.two):
        tape.hangup(end, channel)


def _cancel(
    story: Story, number: str, member: _Member, at: int, stop: int, *, winner: bool, gave_up: bool
) -> None:
    """A member did not answer, or another one did, or the caller gave up."""
    timed_out = not winner and not gave_up
    # Of each half and the telephone, as recorded.
    one, phone, two = (TIMED_OUT, TIMED_OUT, REFUSED) if timed_out else (TIMED_OUT, NORMAL, NORMAL)
    if winner:
        one = phone = two = TAKEN
    story.tape.dialled(stop, member.two, member.phone, "NOANSWER" if timed_out else "CANCEL")
    story.tape.dialled(stop, story.caller, member.one, "CONGESTION" if timed_out else "CANCEL")
    if timed_out:
        story.tape.state(stop, member.two, BUSY, "macro-exten-vm", "s-NOANSWER")
        _agent(story, "AgentRingNoAnswer", number, member, stop, RingTime=str(stop - at))
    for channel, cause in ((member.one, one), (member.phone, phone), (member.two, two)):
        story.tape.hangup(stop, channel, cause)


def _agent(story: Story, name: str, number: str, member: _Member, at: int, **more: str) -> None:
    who = {"Interface": member.interface, "MemberName": story.name_of(member.phone.number)}
    story.tape.queue(at, name, story.caller, number, **member.one.fields("Dest"), **who, **more)
