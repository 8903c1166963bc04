"""One channel of Asterisk: what `CoreShowChannels` shows of it, and what only events have told."""

import re
from collections.abc import Mapping
from operator import itemgetter
from typing import Final

from shipper.assembly.endpoints import comes_from_phone, comes_from_trunk, sent_number
from shipper.assembly.leg import birth

Event = Mapping[str, str]
"""A manager event: keys in Asterisk's spelling, values decoded, names still escaped with backslashes."""

UP: Final = 6
RINGING: Final = 5
STATES: Final = {str(number): number for number in range(11)}
"""``ChannelState`` as events write it (channelstate.h): 0 down, 4 ring, 5 ringing, 6 up, 7 busy."""
UNKNOWN: Final = "<unknown>"
HIDDEN: Final = {
    "Local",
    "CBAnn",
    "CBRec",
    "Message",
    "Announcer",
    "Recorder",
    "Snoop",
    "Surrogate",
    "Bridge",
}
"""Technologies behind which nobody stands."""
QUEUE_CONTEXT: Final = "ext-queues"
GROUP_CONTEXT: Final = "ext-group"
"""FreePBX dials a queue's and a ring group's number in these (FreePBX 15 to 17, extensions.conf)."""
QUEUE_APP: Final = "Queue"
CONFERENCE_APPS: Final = {"ConfBridge", "MeetMe"}

SHOWN: Final = (
    "ChannelState",
    "CallerIDNum",
    "CallerIDName",
    "ConnectedLineNum",
    "ConnectedLineName",
    "Context",
    "Exten",
    "Linkedid",
)
"""What every event about a channel carries of it, since Asterisk 12."""
Shown = tuple[str, ...]
shown = itemgetter(*SHOWN)
"""The values of these keys; raises KeyError where one is absent."""


_ESCAPED: Final = re.compile(r"\\([abfnrtv\\'\"?])")
_MEANT: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def unescaped(text: str) -> str:
    r"""A name as it was meant: events carry ``CallerIDName`` and ``ConnectedLineName`` as ``Bob O\'Neil``.

    Not for ``Cdr`` events, which carry them as they are.
    """
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), text)


class Channel:
    """One channel, as it is now.

    Attributes:
        uniqueid: Of the channel; never changes.
        born: Sort key of the uniqueid: the oldest first.
        name: Such as ``PJSIP/100-00000007``; a masquerade changes it.
        kin: The channels of the same linkedid.
        state: Asterisk's number, see `STATES`.
        bridge: Id of the bridge that it is in, else empty.
        caller_number, caller_name, connected_number, connected_name: As shown now; empty where unknown.
        own_name: The first name that was shown: a trunk's name for the outside replaces it later.
        context, exten: Where in the dialplan it was last seen; without ``Newexten`` this lags behind.
        entry, dialled: Context and extension that it began in; empty where its beginning was not seen.
        dial: How it was called, with the technology, such as ``PJSIP/12125550101@acme``.
        sent: The number that it sent to a trunk.
        queue: The queue that it waits in, or that it came through.
        waiting: It waits in that queue.
        group: The ring group that it came through.
        conference: The conference that it is in.
        parked: It is parked.
        holding: Its telephone has put the other side on hold.
        held: Its device was put on hold by the other side.
        hidden: Nobody stands behind it: half of a Local channel, an announcement.
        half: Of half a Local channel its name without ``;1`` or ``;2``, else empty.
        seen: The values that it was last told, as they were; what is the same again changes nothing.
    """

    __slots__ = (
        "born",
        "bridge",
        "caller_name",
        "caller_number",
        "conference",
        "connected_name",
        "connected_number",
        "context",
        "dial",
        "dialled",
        "entry",
        "exten",
        "group",
        "half",
        "held",
        "hidden",
        "holding",
        "kin",
        "name",
        "own_name",
        "parked",
        "queue",
        "seen",
        "sent",
        "state",
        "uniqueid",
        "waiting",
    )

    kin: "Kin"

    def __init__(self, uniqueid: str, name: str) -> None:
        self.uniqueid = uniqueid
        self.born = birth(uniqueid)
        self.rename(name)
        self.seen: Shown = ()
        self.state = 0
        self.bridge = self.caller_number = self.caller_name = self.connected_number = self.connected_name = ""
        self.own_name = self.context = self.exten = self.entry = self.dialled = self.dial = self.sent = ""
        self.queue = self.group = self.conference = ""
        self.waiting = self.parked = self.holding = self.held = False

    @property
    def linkedid(self) -> str:
        """The uniqueid of the first channel of its call."""
        return self.kin.linkedid

    @property
    def device(self) -> str:
        """The telephone or trunk as device states name it, such as ``PJSIP/100``."""
        return self.name.rpartition("-")[0]

    @property
    def on_hold(self) -> bool:
        """Somebody listens to music: it is parked, or one side has put the other on hold."""
        return self.parked or ((self.holding or self.held) and self.bridge != "")

    def rename(self, name: str) -> None:
        """Take a channel's name, and what follows from it."""
        self.name = name
        self.hidden = name.partition("/")[0] in HIDDEN
        self.half = name[:-2] if self.hidden and name[-2:] in {";1", ";2"} else ""

    def show(self, values: Shown) -> None:
        """Take what an event says of it, apart from its linkedid."""
        self.seen = values
        state, number, name, connected, connected_name, context, exten, _ = values
        self.state = STATES.get(state, self.state)
        self.caller_number = "" if number == UNKNOWN else number
        self.caller_name = _name(name)
        self.connected_number = "" if connected == UNKNOWN else connected
        self.connected_name = _name(connected_name)
        if not self.own_name:
            self.own_name = self.caller_name
        if exten != self.exten or context != self.context:
            self.move(context, exten)

    def move(self, context: str, exten: str) -> None:
        """Take its place in the dialplan, and which queue or ring group that is."""
        self.context, self.exten = context, exten
        self.waiting = False
        if exten.isdigit():
            if context == QUEUE_CONTEXT:
                self.queue, self.waiting = exten, not self.bridge
            elif context == GROUP_CONTEXT:
                self.group = exten

    def run(self, application: str, data: str) -> None:
        """Take from a listing what it is doing."""
        first = data.partition(",")[0]
        self.waiting = application == QUEUE_APP and not self.bridge
        if application == QUEUE_APP:
            self.queue = first
        self.conference = first if application in CONFERENCE_APPS and self.bridge else ""
        if application == "Dial" and not self.sent:
            self.sent = sent_number(data)
        if not self.entry:
            self._began()

    def _began(self) -> None:
        """Take from a listing where it began: a Local channel is named so, another may still be there."""
        if self.half:
            self.dialled, _, place = self.half.partition("/")[2].partition("@")
            self.entry = place.rpartition("-")[0]
        elif comes_from_phone(self.context) or comes_from_trunk(self.context):
            self.entry, self.dialled = self.context, self.exten

    def listed(self) -> tuple[str | int, ...]:
        """All that a listing shows of it and events tell exactly."""
        return (
            self.name,
            self.kin.linkedid,
            self.state,
            self.bridge,
            self.caller_number,
            self.caller_name,
            self.connected_number,
            self.connected_name,
        )

    def marks(self) -> tuple[str | bool, ...]:
        """What else a call's state depends on."""
        return (self.queue, self.waiting, self.conference, self.parked, self.holding, self.held)


class Kin:
    """The channels of one linkedid, and what outlives its channels.

    Attributes:
        linkedid: Uniqueid of the first channel, present or not.
        channels: By uniqueid.
        first: The channel that began the call, even after it was hung up; None where it was never seen.
        former: Other linkedids that some of these channels had before.
    """

    __slots__ = ("channels", "first", "former", "linkedid")

    def __init__(self, linkedid: str) -> None:
        self.linkedid = linkedid
        self.channels: dict[str, Channel] = {}
        self.first: Channel | None = None
        self.former: tuple[str, ...] = ()


def _name(text: str) -> str:
    return "" if text == UNKNOWN else unescaped(text)
