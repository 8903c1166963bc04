"""The bytes of one AMI connection: cut into messages, sorted, and queued for the one who takes them.

panoramisk decodes each read by itself, which loses a character that two reads share; here a message stays
bytes until it is whole, and what nobody wants is thrown away by its first line.
"""

import re
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol

from shipper.sources.ami.message import EOL, Answer, parsed

WANTED: Final = frozenset(
    b"""
    FullyBooted Shutdown Reload ChannelReload
    Newchannel Newstate NewCallerid NewConnectedLine Rename Hangup DialBegin DialEnd
    BridgeEnter BridgeLeave BridgeMerge Hold Unhold BlindTransfer AttendedTransfer
    LocalBridge LocalOptimizationEnd ConfbridgeJoin ConfbridgeLeave
    ParkedCall UnParkedCall ParkedCallTimeOut ParkedCallGiveUp
    QueueCallerJoin QueueCallerLeave QueueCallerAbandon QueueMemberStatus QueueMemberPause
    AgentConnect AgentComplete AgentRingNoAnswer
    PeerStatus ContactStatus Registry DeviceStateChange ExtensionStatus Cdr
    Alarm AlarmClear SpanAlarm SpanAlarmClear
    InvalidPassword InvalidAccountID ChallengeResponseFailed FailedACL
    """.split()
)
"""Events that are taken. VarSet, Newexten, CEL and RTCP are most of what Asterisk sends, and of no use."""

LARGEST_BYTES: Final = 64 * 1024
"""Of one message; Asterisk's own events stay below 4 KiB."""
MOST_EVENTS: Final = 10_000
MOST_BYTES: Final = 4 * 1024 * 1024
SLICE_SECONDS: Final = 0.01
"""How long events are taken before the socket is read again: at 256 KiB a read, 20 MB/s are kept up with."""

_END: Final = EOL + EOL
_EVENT: Final = b"Event: "
_RESPONSE: Final = b"Response: "
_BANNER: Final = b"Asterisk Call Manager/"
_LONGEST_BANNER: Final = 256
_UNREADABLE: Final = re.compile(rb"[^ -~]")


class Queue:
    """What waits between the socket and whoever takes it, bounded: messages, losses, and calls in between.

    Args:
        take: Called with each message, in order.
        lost: Called with a reason, at the place where messages are missing.
    """

    def __init__(self, take: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        self._take = take
        self._lost = lost
        self._items: deque[bytes | str | Callable[[], None]] = deque()
        self._bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, message: bytes) -> None:
        """A message; where there is no room, all that wait are dropped: state has to be asked anew anyway."""
        if len(self._items) >= MOST_EVENTS or self._bytes + len(message) > MOST_BYTES:
            self._overflow()
        self._items.append(message)
        self._bytes += len(message)

    def call(self, action: Callable[[], None]) -> None:
        """Do this when all that came before has been taken."""
        self._items.append(action)

    def drop(self, reason: str) -> None:
        """A message is lost here."""
        self.dropped += 1
        if len(self._items) >= MOST_EVENTS:
            self._overflow()
        self._items.append(reason)

    def clear(self) -> None:
        """Forget what waits."""
        self._items.clear()
        self._bytes = 0

    def take(self, seconds: float) -> None:
        """Hand over what waits, in order, for about that long or until a call was made."""
        until = time.monotonic() + seconds
        while self._items:
            item = self._items.popleft()
            if isinstance(item, bytes):
                self._bytes -= len(item)
                self._take(item)
            elif isinstance(item, str):
                self._lost(item)
            else:
                item()
                return  # whoever waited for it goes on before the next message is taken
            if time.monotonic() >= until:
                return

    def _overflow(self) -> None:
        count = sum(isinstance(item, bytes) for item in self._items)
        self._items = deque(item for item in self._items if callable(item))
        self._items.append(f"{count} events waited, more than are kept")
        self._bytes = 0
        self.dropped += count


class Owner(Protocol):
    """Who uses a connection: panoramisk's manager, and what is told to it beyond that."""

    inbox: Queue

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection has ended."""

    def not_ami(self, greeting: str) -> None:
        """What answers is no Asterisk."""

    def answered(self, action: Action) -> None:
        """All of the answer to an action has come."""

    def arrived(self) -> None:
        """There may be something in the inbox."""


class AmiProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """One connection; responses go to panoramisk's actions, wanted events into the owner's inbox.

    Args:
        owner: Whose connection it is.
        wanted: Names of the events that are taken.
    """

    def __init__(self, owner: Owner, wanted: frozenset[bytes] = WANTED) -> None:
        self._owner = owner
        self._wanted = wanted
        self._rest = b""
        self._skipping = False
        self.closed = False

    def connection_made(self, transport: Any) -> None:
        """Connected: nothing has come yet."""
        super().connection_made(transport)
        self.factory = self._owner  # until panoramisk sets it, a lost connection would be nobody's

    def data_received(self, data: bytes) -> None:
        """Any number of bytes, cut anywhere."""
        if self.closed:
            return
        data = self._rest + data
        if self.version is None:
            line, end, data = data.partition(EOL)
            if not self._greeted(line, whole=bool(end)):
                return
        if self._skipping:
            _, end, after = data.partition(_END)
            if not end:
                self._rest = data[-3:]  # the end may be cut
                return
            self._skipping, data = False, after
        *messages, self._rest = data.split(_END)
        for message in messages:
            if len(message) > LARGEST_BYTES:
                self._oversized(message)
            else:
                self._sort(message)
        if len(self._rest) > LARGEST_BYTES + 3:
            self._oversized(self._rest)
            self._skipping, self._rest = True, self._rest[-3:]
        self._owner.arrived()

    def handle_message(self, message: Answer) -> None:
        """Give it to the action that it answers; nobody waits for others any more."""
        action = self.responses.get(message.id)
        if action is not None:
            super().handle_message(message)
            if action.future.done():
                self._owner.answered(action)

    def close(self) -> None:
        """End the connection at once; no action is kept to be sent again."""
        self.responses.clear()
        if not self.closed:
            self.closed = True
            self.transport.abort()

    def _greeted(self, line: bytes, *, whole: bool) -> bool:
        """Whether the first line was the banner; it is kept where it is not whole yet."""
        if line[: len(_BANNER)] != _BANNER[: len(line)] or len(line) > _LONGEST_BANNER:
            self._owner.not_ami(_UNREADABLE.sub(b"?", line[:60]).decode())
            return False
        if not whole:
            self._rest = line
            return False
        self.version = _UNREADABLE.sub(b"?", line[len(_BANNER) :]).decode()
        return True

    def _sort(self, message: bytes) -> None:
        """Decide by the first line whose a message is."""
        if message[:2] == EOL:  # Asterisk sometimes ends a message with an empty line too much
            message = message.lstrip(EOL)
        ours = self.responses and b"\r\nActionID: " in message
        if message.startswith(_EVENT):
            if not ours and message[len(_EVENT) : _line_end(message)] not in self._wanted:
                return
        elif not message.startswith(_RESPONSE):
            if message:
                self._owner.inbox.drop("a message is none: bytes before it are missing")
            return
        if b"\r\nEvent: " in message:
            self._owner.inbox.drop("two messages have run together: bytes between them are missing")
        elif ours or message.startswith(_RESPONSE):
            self.handle_message(Answer(parsed(message)))
        elif b"\r\nActionID: " not in message:  # else the late answer to a question that was given up
            self._owner.inbox.put(message)

    def _oversized(self, beginning: bytes) -> None:
        """Drop it; that state is missing is told only where it could have been of use."""
        name = beginning[len(_EVENT) : _line_end(beginning)]
        if not beginning.startswith(_EVENT) or name in self._wanted or self.responses:
            self._owner.inbox.drop(f"a message is larger than {LARGEST_BYTES} bytes")
        else:
            self._owner.inbox.dropped += 1


def _line_end(message: bytes) -> int:
    """Where its first line ends."""
    end = message.find(EOL)
    return len(message) if end < 0 else end
