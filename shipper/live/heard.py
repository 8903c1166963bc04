"""What AMI said of a call that is over: enough to tell of it where the table never does.

With ``unanswered`` off in ``cdr.conf``, the default, a busy destination or an unregistered telephone leaves
no row; a name that the database refuses takes its row with it; nor does a PBX that is killed write the rows
of the calls it had (measured on Asterisk 22). So each call is remembered as rows that could have been
written: as `Cdr` events say them, where there are any, else as the channels and dials say. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from shipper.live.channel import UNKNOWN, Event, unescaped
from shipper.live.unwritten import Channel, Dial, Group, HeardCall, row_of, told

LINGER_SECONDS: Final = 2.0
"""How long after the last hang-up a `Cdr` event of the call is waited for: they came after 1 ms."""

MOST: Final = 500
"""Channels that are followed at once; no store has so many: events were lost, and a resync mends it."""
MOST_OF_A_CALL: Final = 100
"""Dials and `Cdr` events of one call that are kept."""
MOST_ENDED: Final = 200
"""Calls that linger."""

HANG_UP_CONTEXT: Final = "macro-hangupcall"
"""FreePBX's last stop of every call."""
_UP: Final = "6"


class Heard:
    """Follows calls from their first channel to the last hang-up.

    Args:
        clock: Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._channels: dict[str, Group] = {}
        self._linked: dict[str, Group] = {}
        self._ended: list[Group] = []

    def apply(self, event: Event) -> bool:
        """Take an event in; True where it was the last hang-up of a call."""
        handle = _HANDLERS.get(event.get("Event", ""))
        return False if handle is None else handle(self, event)

    def resync(self, listing: Iterable[Event], ended: float | None = None) -> int:
        """Only these channels are there; gives how many calls ended unheard.

        Args:
            listing: The answer to `CoreShowChannels`.
            ended: When those that are not there ended, as far as anybody knows; without it, now.
        """
        there = {item.get("Uniqueid", ""): item for item in listing}
        before = len(self._ended)
        for uniqueid in self._channels.keys() - there.keys():
            self._gone(uniqueid, "", ended)
        for item in there.values():
            self._made(item)
        return len(self._ended) - before

    def over(self) -> list[HeardCall]:
        """The calls that have ended a moment ago; each is given once."""
        before = self._clock() - LINGER_SECONDS
        # A clock that was set back must not keep them.
        done: list[Group] = []
        waiting: list[Group] = []
        for group in self._ended:
            lingers = before < (group.over or 0.0) <= before + LINGER_SECONDS
            # In a flood the oldest do not linger: they would take most of the agent's memory.
            lingers = lingers and len(self._ended) - len(done) <= MOST_ENDED
            (waiting if lingers else done).append(group)
        self._ended = waiting
        found = []
        for group in done:
            for uniqueid in group.channels:
                if self._channels.get(uniqueid) is group:
                    del self._channels[uniqueid]
            for linked in group.linked:
                if self._linked.get(linked) is group:
                    del self._linked[linked]
            if any(not channel.name.startswith("Local/") for channel in group.channels.values()):
                found.append(told(group))
        return found

    def _made(self, event: Event) -> bool:
        uniqueid, linked = event.get("Uniqueid", ""), event.get("Linkedid", "")
        name = event.get("Channel", "")
        # A name without a counter, such as Message/ast_msg_queue, is no call's.
        if not uniqueid or "-" not in name:
            return False
        if uniqueid in self._channels:
            self._seen(event)
            return False
        if len(self._channels) >= MOST:
            return False
        linked = linked or uniqueid
        group = self._linked.get(linked)
        if group is None or group.over is not None:
            group = self._linked[linked] = Group({linked})
        channel = Channel(name, uniqueid, linked, made=self._clock())
        channel.context, channel.exten = event.get("Context", ""), event.get("Exten", "")
        _call_it(channel, event)
        if event.get("ChannelState") == _UP:
            channel.up = channel.made
        group.channels[uniqueid] = channel
        group.open += 1
        self._channels[uniqueid] = group
        return False

    def _seen(self, event: Event) -> bool:
        """Any event of a channel: its linkedid may have changed without one of its own."""
        group = self._channels.get(event.get("Uniqueid", ""))
        if group is None:
            return False
        channel = group.channels[event["Uniqueid"]]
        if channel.up is None and event.get("ChannelState") == _UP:
            channel.up = self._clock()
        if (context := event.get("Context", "")) not in {"", HANG_UP_CONTEXT}:
            channel.last_context = context
        linked = event.get("Linkedid", "")
        if linked and linked != channel.linked and channel.gone is None:
            channel.linked = linked
            self._join(group, linked)
        return False

    def _named(self, event: Event) -> bool:
        self._seen(event)
        group = self._channels.get(event.get("Uniqueid", ""))
        if group is not None:
            _call_it(group.channels[event["Uniqueid"]], event)
        return False

    def _join(self, group: Group, linked: str) -> None:
        other = self._linked.get(linked)
        if other is None or other is group or other.over is not None:
            group.linked.add(linked)
            self._linked[linked] = group
            return
        other.linked |= group.linked
        other.channels.update(group.channels)
        other.dials += group.dials
        other.rows += group.rows
        other.open += group.open
        for uniqueid in group.channels:
            self._channels[uniqueid] = other
        for name in group.linked:
            self._linked[name] = other

    def _queued(self, event: Event) -> bool:
        self._seen(event)
        group = self._channels.get(event.get("Uniqueid", ""))
        if group is not None:
            group.channels[event["Uniqueid"]].queue = event.get("Queue", "")
        return False

    def _dials(self, event: Event) -> bool:
        self._seen(event)
        caller = event.get("Uniqueid", "") or event.get("DestUniqueid", "")
        group = self._channels.get(caller)
        if group is not None and len(group.dials) < MOST_OF_A_CALL:
            called = event.get("DestChannel", "")
            technology, dialled = called.partition("/")[0], event.get("DialString", "")
            # Of a Local channel it begins with the technology (measured), of a telephone's it does not.
            string = dialled if dialled.startswith(f"{technology}/") else f"{technology}/{dialled}"
            group.dials.append(Dial(event.get("Uniqueid", ""), called, string, self._clock()))
        return False

    def _dialled(self, event: Event) -> bool:
        self._seen(event)
        group = self._channels.get(event.get("Uniqueid", "") or event.get("DestUniqueid", ""))
        if group is not None:
            called = event.get("DestChannel", "")
            for dial in reversed(group.dials):
                if dial.called == called and dial.end is None:
                    dial.status, dial.end = event.get("DialStatus", ""), self._clock()
                    break
        return False

    def _hung_up(self, event: Event) -> bool:
        self._seen(event)
        return self._gone(event.get("Uniqueid", ""), event.get("Cause", ""))

    def _gone(self, uniqueid: str, cause: str, at: float | None = None) -> bool:
        group = self._channels.get(uniqueid)
        if group is None or group.channels[uniqueid].gone is not None:
            return False
        channel = group.channels[uniqueid]
        channel.gone, channel.cause = self._clock() if at is None else at, cause
        group.open -= 1
        if group.open:
            return False
        group.over = self._clock()
        self._ended.append(group)
        return True

    def _row(self, event: Event) -> bool:
        """A `Cdr` event: the row itself, as far as it says."""
        group = self._channels.get(event.get("UniqueID", ""))
        if group is not None and len(group.rows) < MOST_OF_A_CALL:
            group.rows.append(row_of(event))
        return False


_HANDLERS: Final[Mapping[str, Callable[[Heard, Event], bool]]] = {
    "Newchannel": Heard._made,  # noqa: SLF001
    "Newstate": Heard._seen,  # noqa: SLF001
    "BridgeEnter": Heard._seen,  # noqa: SLF001
    "BridgeLeave": Heard._seen,  # noqa: SLF001
    "NewCallerid": Heard._named,  # noqa: SLF001
    "QueueCallerJoin": Heard._queued,  # noqa: SLF001
    "DialBegin": Heard._dials,  # noqa: SLF001
    "DialEnd": Heard._dialled,  # noqa: SLF001
    "Hangup": Heard._hung_up,  # noqa: SLF001
    "Cdr": Heard._row,  # noqa: SLF001
}


def _call_it(channel: Channel, event: Event) -> None:
    number, person = event.get("CallerIDNum", ""), event.get("CallerIDName", "")
    if number not in {"", UNKNOWN}:
        channel.number = number
        channel.own_number = channel.own_number or number
    if person not in {"", UNKNOWN}:
        channel.own_name = channel.own_name or unescaped(person)
