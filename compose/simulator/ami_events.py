"""What AMI would say of a simulated call: from its rows to the events of an Asterisk 22, with their moments.

Channels, uniqueids, linkedids, times and dispositions are the rows'. What rows do not tell (which second of
an answered menu's row somebody picked up, what called channels' uniqueids are) is taken from the truth or
chosen so that it fits the rows. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from compose.simulator.ami_answers import Fields
from compose.simulator.ami_group import group
from compose.simulator.ami_moves import moved_on
from compose.simulator.ami_queue import queue
from compose.simulator.ami_story import (
    ENGAGED,
    GIVEN_UP,
    LEAST_MS,
    NO_SUCH,
    RANDOM_PART_MS,
    REFUSED,
    SETUP_MS,
    TIMED_OUT,
    Story,
    between,
    born,
)
from compose.simulator.ami_tape import NORMAL, Live, Timed
from compose.simulator.model import SimulatedCall, SimulatedRow
from compose.simulator.stores import StoreProfile

_AFTER_INSERT_MS: Final = 1
_MENU: Final = "ivr-1"
_BEHIND_A_MENU: Final = {"from-did-direct", "ext-group", "ext-queues", _MENU}
_REFUSAL_MS: Final = 15
_STATUS: Final = {"BUSY": "BUSY", "CONGESTION": "CONGESTION", "FAILED": "CHANUNAVAIL"}
_SECOND: Final = 1000
_SHORTEST_MS: Final = 3000
"""Nobody outside is given up so soon: a provider that says at once that there is no such number."""


def events(call: SimulatedCall, store: StoreProfile) -> list[Timed]:
    """The events of a call, in their order.

    Args:
        call: The call.
        store: The store that it belongs to.
    """
    story = Story(call, store)
    story.arrive()
    if _has_menu(story):
        story.pick_up(_MENU, "s")
        if story.mine[0].lastapp != "Queue":  # a queue tells by itself when it begins
            story.now = story.begin + story.truth.wait_seconds * _SECOND + RANDOM_PART_MS
    if story.truth.transferred:
        _dial(story, story.mine[:1])
        moved_on(story)
    else:
        for kind, rows in groupby(story.mine, _kind):
            _PARTS[kind](story, list(rows))
    story.hang_up()
    for row in call.rows:
        story.tape.note(row.inserted_ms + _AFTER_INSERT_MS, "Cdr", cdr(row), "cdr,all")
    return story.tape.events()


def cdr(row: SimulatedRow) -> Fields:
    """The fields of a row's ``Cdr`` event: by default it tells neither linkedid nor sequence."""
    end = row.calldate + timedelta(seconds=row.duration)
    answered = row.disposition == "ANSWERED" or row.billsec
    return {
        "AccountCode": row.accountcode,
        "Source": row.src,
        "Destination": row.dst,
        "DestinationContext": row.dcontext,
        "CallerID": row.clid,
        "Channel": row.channel,
        "DestinationChannel": row.dstchannel,
        "LastApplication": row.lastapp,
        "LastData": row.lastdata,
        "StartTime": _clock(row.calldate),
        "AnswerTime": _clock(end - timedelta(seconds=row.billsec)) if answered else "",
        "EndTime": _clock(end),
        "Duration": str(row.duration),
        "BillableSeconds": str(row.billsec),
        "Disposition": row.disposition,
        "AMAFlags": "DOCUMENTATION",
        "UniqueID": row.uniqueid,
        "UserField": row.userfield,
    }


def _has_menu(story: Story) -> bool:
    """A menu answers first; of what follows it no row tells."""
    target = next((did.target for did in story.store.dids if did.number == story.truth.did), "")
    return target == "ivr" and story.mine[0].dcontext in _BEHIND_A_MENU


def _kind(row: SimulatedRow) -> str:
    if row.lastapp != "Dial":
        return "queue" if row.lastapp == "Queue" else "machine"
    return "group" if row.dcontext == "ext-group" else "dial"


def _dial(story: Story, rows: Sequence[SimulatedRow]) -> None:
    """One telephone, or a number outside, is called."""
    row, at = rows[0], story.now
    if story.truth.direction == "outbound":
        caller = story.caller
        story.place("macro-dialout-trunk", "s")
        story.tape.caller(at, caller, row.outbound_cnum, row.outbound_cnam)
        called = Live(row.dstchannel, born(row.dstchannel, at), caller.linkedid, "from-pstn", "s")
        story.call_trunk(caller, called, row.dst, at)
    else:
        called = story.phone(row.dstchannel, at)
        story.call_phone(story.caller, called, at)
    if row.disposition == "ANSWERED":
        story.rings(called, at)
        rang = story.truth.ring_seconds * _SECOND + RANDOM_PART_MS
        story.now = between(at + LEAST_MS, at + rang, story.end - LEAST_MS)
        story.answers(story.caller, called, story.now)
        story.partner = called
        return
    _in_vain(story, row, called)


def _in_vain(story: Story, row: SimulatedRow, called: Live) -> None:
    """Nobody takes the call."""
    at, is_last = story.now, row is story.mine[-1]
    stop = between(at + _REFUSAL_MS, story.moment(row) + row.duration * _SECOND, story.end)
    if is_last and story.end - stop < _SECOND:
        stop = story.end  # what is missing is the row's rounding
    unknown = story.truth.direction == "outbound" and stop - at < _SHORTEST_MS
    rang = row.disposition == "NO ANSWER" and not unknown
    if rang:
        story.rings(called, at)
    timeout = int(row.lastdata.split(",")[1])
    gave_up = rang and stop == story.end and (stop - at) < timeout * _SECOND
    cause = {"BUSY": ENGAGED, "NO ANSWER": NO_SUCH if unknown else TIMED_OUT}.get(row.disposition, REFUSED)
    status = _STATUS.get(row.disposition, "CANCEL" if gave_up else "NOANSWER")
    story.gives_up(story.caller, called, status, GIVEN_UP if gave_up else cause, stop)
    story.now = stop
    story.tone = not gave_up
    story.cause = GIVEN_UP if gave_up else ENGAGED if row.disposition == "BUSY" else REFUSED


def _machine(story: Story, rows: Sequence[SimulatedRow]) -> None:
    """Something that is no person answers, or a tone is played."""
    row = rows[0]
    if row.disposition == "ANSWERED":
        voicemail = row.lastapp == "VoiceMail"
        place = ("macro-vm", "s-BUSY" if row.lastdata.endswith(",b") else "s-NOANSWER")
        story.pick_up(*(place if voicemail else (row.dcontext, row.dst)))
        story.cause = story.cause if story.cause == ENGAGED else NORMAL
    elif row.lastapp in {"Busy", "Congestion"}:
        if row is story.mine[0]:
            story.place(row.dcontext, row.dst)
        story.tone = True
        story.cause = ENGAGED if row.lastapp == "Busy" else REFUSED
    story.now = min(story.now + SETUP_MS, story.end)


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


_PARTS: Final[Mapping[str, Callable[[Story, Sequence[SimulatedRow]], None]]] = {
    "dial": _dial,
    "group": group,
    "queue": queue,
    "machine": _machine,
}
