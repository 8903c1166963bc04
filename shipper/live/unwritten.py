"""What is told of a call that AMI heard: rows as the table could have held them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from shipper.assembly.endpoints import comes_from_trunk
from shipper.assembly.leg import birth
from shipper.assembly.verdict import MENU_CONTEXTS
from shipper.document.clock import created_at
from shipper.live.channel import QUEUE_CONTEXT, Event

_MEMBER: Final = "@from-queue"
"""Whom FreePBX lets a queue dial."""
# ITU-T Q.850: 17 user busy.
_BUSY_CAUSE: Final = "17"
_DISPOSITIONS: Final = {
    "ANSWER": "ANSWERED",
    "BUSY": "BUSY",
    "NOANSWER": "NO ANSWER",
    "CANCEL": "NO ANSWER",
    "CONGESTION": "CONGESTION",
}
_CDR_COLUMNS: Final = {
    "Source": "src",
    "Destination": "dst",
    "DestinationContext": "dcontext",
    "CallerID": "clid",
    "Channel": "channel",
    "DestinationChannel": "dstchannel",
    "LastApplication": "lastapp",
    "LastData": "lastdata",
    "Disposition": "disposition",
    "AccountCode": "accountcode",
    "UserField": "userfield",
    "UniqueID": "uniqueid",
}

Columns = dict[str, Any]
"""Of a row, under the table's names."""


class HeardCall(NamedTuple):
    """A call that is over."""

    linked: str
    """Its oldest linkedid."""
    linked_ids: list[str]
    """All of them, the oldest first."""
    names: list[str]
    """Uniqueids and names of its channels: any row of it has one of these, or a linkedid."""
    begin: float
    """Seconds since 1970."""
    end: float
    rows: list[Columns]
    """What could have been written of it; `start`, seconds since 1970, stands for ``calldate``."""


@dataclass(slots=True)
class Channel:
    """What a call without a row needs of a channel; times are seconds since 1970."""

    name: str
    uniqueid: str
    linked: str
    number: str = ""
    """Shown to others: FreePBX changes it on the way out."""
    own_number: str = ""
    own_name: str = ""
    queue: str = ""
    """The one that it waited in last."""
    context: str = ""
    exten: str = ""
    last_context: str = ""
    """Where in the dialplan it was seen last."""
    made: float = 0.0
    up: float | None = None
    gone: float | None = None
    cause: str = ""


@dataclass(slots=True)
class Dial:
    """One party that was rung."""

    caller: str
    called: str
    string: str
    begin: float
    status: str = ""
    end: float | None = None


@dataclass(slots=True)
class Group:
    """The channels of one call."""

    linked: set[str]
    channels: dict[str, Channel] = field(default_factory=dict)
    dials: list[Dial] = field(default_factory=list)
    rows: list[Columns] = field(default_factory=list)
    open: int = 0
    over: float | None = None


def row_of(event: Event) -> Columns:
    """A `Cdr` event as the row that it tells of; it lacks linkedid and sequence (measured, by default)."""
    row: Columns = {name: event[key] for key, name in _CDR_COLUMNS.items() if event.get(key)}
    row["calldate"] = event.get("StartTime", "")
    row["duration"] = _seconds(event.get("Duration", ""))
    row["billsec"] = _seconds(event.get("BillableSeconds", ""))
    return row


def told(group: Group) -> HeardCall:
    """Tell of a call that is over."""
    linked = sorted(group.linked, key=birth)
    channels = sorted(group.channels.values(), key=lambda channel: birth(channel.uniqueid))
    real = [channel for channel in channels if not channel.name.startswith("Local/")]
    first = real[0]
    begin = float(created_at(first.uniqueid) or first.made)
    # Seen late, or on a clock that was set: the end is never before the beginning.
    end = max(begin, *(channel.gone or begin for channel in channels))
    did = first.exten if comes_from_trunk(first.context) else ""
    rows = []
    for row in group.rows or _without_rows(group, first, end):
        linkedid = group.channels[row["uniqueid"]].linked if row["uniqueid"] in group.channels else linked[0]
        rows.append(
            {name: value for name, value in {**row, "linkedid": linkedid}.items() if value not in {"", None}}
        )
        if row["uniqueid"] == first.uniqueid:
            own = {"cnum": first.own_number, "cnam": first.own_name, "did": did}
            rows[-1].update({name: value for name, value in own.items() if value})
    names = [text for channel in channels for text in (channel.uniqueid, channel.name)]
    return HeardCall(linked[0], linked, names, begin, end, rows)


def _without_rows(group: Group, first: Channel, end: float) -> list[Columns]:
    """A row for each dial, else one for the first channel alone."""
    rows: list[Columns] = []
    by_name = {channel.name: channel for channel in group.channels.values()}
    for dial in group.dials:
        caller = group.channels.get(dial.caller, first)
        called = by_name.get(dial.called)
        until = end if called is None or called.gone is None else called.gone
        disposition = _DISPOSITIONS.get(dial.status, "FAILED" if dial.status else "NO ANSWER")
        answered = disposition == "ANSWERED" and dial.end is not None
        row = _row_of(caller, dial.begin, until if answered else dial.end or until, disposition)
        row["billsec"] = max(0, int(until - (dial.end or until))) if answered else 0
        row |= {"dstchannel": dial.called, "lastapp": "Dial", "lastdata": dial.string}
        if _MEMBER in dial.string:
            row |= {"lastapp": "Queue", "lastdata": caller.queue}
        rows.append(row)
    begin = float(created_at(first.uniqueid) or first.made)
    mine = [row for row in rows if row["uniqueid"] == first.uniqueid]
    if mine:
        # The caller's first row begins with its channel, as Asterisk's does.
        mine[0]["duration"] += max(0, int(mine[0]["start"] - begin))
        mine[0]["start"] = begin
    elif rows:
        return rows
    if not mine or _ended_alone(first, mine):
        # Behind its dials: the end of the call is what it met last.
        rows.append(_alone(first, begin if not mine or first.up is None else max(begin, first.up), end))
        rows[-1]["sequence"] = len(rows)
    return rows


def _ended_alone(first: Channel, mine: Sequence[Columns]) -> bool:
    """Nobody took the call, and the caller was seen last where the dialplan had more to offer."""
    waited = first.last_context.startswith((QUEUE_CONTEXT, *MENU_CONTEXTS))
    return waited and not any(row["disposition"] == "ANSWERED" for row in mine)


def _alone(first: Channel, begin: float, end: float) -> Columns:
    """The row of a channel that reached nobody."""
    gone = first.gone or end
    disposition = "BUSY" if first.cause == _BUSY_CAUSE else "FAILED" if first.up is None else "ANSWERED"
    row = _row_of(first, begin, gone, disposition)
    row["dcontext"] = first.last_context or first.context
    row["billsec"] = 0 if first.up is None else max(0, int(gone - first.up))
    if row["dcontext"] == QUEUE_CONTEXT:
        row |= {"lastapp": "Queue", "lastdata": first.queue}
    return row


def _row_of(caller: Channel, begin: float, end: float, disposition: str) -> Columns:
    return {
        "start": begin,
        "duration": max(0, int(end - begin)),
        "src": caller.number,
        "dst": caller.exten,
        "dcontext": caller.context,
        "channel": caller.name,
        "uniqueid": caller.uniqueid,
        "disposition": disposition,
    }


def _seconds(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0  # noqa: PLR2004
