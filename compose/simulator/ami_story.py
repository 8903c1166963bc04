"""A simulated call as it is told in events: its calling channel, its times, and what all calls do."""

from compose.simulator.ami_tape import BUSY, DOWN, NORMAL, RING, RINGING, UP, Live, Tape
from compose.simulator.model import SimulatedCall, SimulatedRow
from compose.simulator.stores import StoreProfile

CALLED: int = 1_000_000
"""Called channels have no row: behind the dot of their uniqueid stands this, and the name's counter."""
BEFORE_INSERT_MS = 2
SETUP_MS = 5
RING_DELAY_MS = 3
LEAST_MS = 300
"""So long everything takes that people do."""
RANDOM_PART_MS = 200
"""Seconds of the truth are rounded down."""
GIVEN_UP, TIMED_OUT, ENGAGED, REFUSED, TAKEN, NO_SUCH = 127, 0, 17, 34, 26, 1
"""Causes of a hang-up, see `compose.simulator.ami_tape.CAUSES`."""


class Story:
    """A call while it is told.

    Args:
        call: The call.
        store: Its store, which has the people's names.

    Attributes:
        mine: The rows of its first channel, in the order in which their parts happened.
        now: How far it is told, ms since the epoch.
        end: The first channel's hang-up.
        caller: The first channel.
        partner: Whom it is connected to.
        cause: Why it is hung up.
        tone: It hears the busy tone before.
    """

    def __init__(self, call: SimulatedCall, store: StoreProfile) -> None:
        self.call, self.store, self.truth = call, store, call.truth
        linkedid = call.truth.linked_ids[0]
        self.tape = Tape(f"{store.id}/{linkedid}")
        self.mine = sorted((row for row in call.rows if row.uniqueid == linkedid), key=_sequence)
        self.begin = self.now = call.start_ms
        self.end = self.hangs_up(linkedid)
        first = self.mine[0]
        inbound = call.truth.direction == "inbound"
        place = ("from-pstn", call.truth.destination) if inbound else ("from-internal", first.dst)
        self.caller = Live(first.channel, linkedid, linkedid, *place)
        self.caller.number = call.truth.source
        name = first.cnam or _shown(first.clid)
        self.caller.person = "" if name == call.truth.source else name
        self.partner: Live | None = None
        self.cause, self.tone = NORMAL, False

    def moment(self, row: SimulatedRow) -> int:
        """When a row began, rounded down to a second."""
        whole = self.call.start_ms // 1000 * 1000
        return whole + int((row.calldate - self.truth.start).total_seconds()) * 1000

    def hangs_up(self, uniqueid: str) -> int:
        """When a channel that has rows is gone: just before the first of them is inserted."""
        inserted = (row.inserted_ms for row in self.call.rows if row.uniqueid == uniqueid)
        return min(inserted) - BEFORE_INSERT_MS

    def row_of(self, channel: str) -> SimulatedRow:
        """The only row of another channel than the first."""
        return next(row for row in self.call.rows if row.channel == channel)

    def arrive(self) -> None:
        """The first channel is there; FreePBX shows the number of someone without a name as the name."""
        self.tape.new(self.now, self.caller, RING)
        if not self.caller.person and self.truth.direction == "inbound":
            self.place("sub-did", "s")
            self.tape.caller(self.now + 1, self.caller, self.caller.number, self.caller.number)
        self.now += SETUP_MS

    def place(self, context: str, exten: str) -> None:
        """The caller is somewhere else in the dialplan now; the next event shows it."""
        self.caller.context, self.caller.exten = context, exten

    def pick_up(self, context: str, exten: str) -> None:
        """Something that is no person answers the caller."""
        self.place(context, exten)
        if self.caller.state != UP:
            self.tape.state(self.now, self.caller, UP)

    def phone(self, channel: str, at: int, linkedid: str = "") -> Live:
        """A telephone's channel that is called."""
        number = channel.partition("/")[2].rpartition("-")[0]
        called = Live(channel, born(channel, at), linkedid or self.caller.linkedid, "from-internal", "s")
        called.number = number
        called.person = self.name_of(number)
        return called

    def name_of(self, extension: str) -> str:
        """The name of a telephone."""
        return next((one.name for one in self.store.extensions if one.number == extension), "")

    def string(self, extension: str) -> str:
        """What `DialBegin` says of a telephone."""
        return f"{extension}/sip:{extension}@{self.store.network}.{int(extension) % 250}:5060"

    def call_phone(self, caller: Live, called: Live, at: int) -> None:
        """A telephone is called."""
        caller.context, caller.exten = "macro-dial-one", "s"
        self.tape.new(at, called, DOWN)
        self.tape.connected(at, called, caller)
        self.tape.connected(at, caller, called)
        self.tape.dial(at, caller, called, self.string(called.number))

    def call_trunk(self, caller: Live, called: Live, number: str, at: int) -> None:
        """A number outside is called: the trunk's channel shows no more than FreePBX knows."""
        self.tape.new(at, called, DOWN)
        self.tape.caller(at, called, "s", "")
        self.tape.connected(at, called, caller)
        trunk = called.name.partition("/")[2].rpartition("-")[0]
        self.tape.dial(at, caller, called, f"{number}@{trunk}")

    def rings(self, called: Live, at: int) -> None:
        """It rings."""
        self.tape.state(at + RING_DELAY_MS, called, RINGING)

    def answers(self, caller: Live, called: Live, at: int) -> None:
        """A person answers, and is connected to who called."""
        self.tape.state(at, called, UP)
        self.tape.dialled(at, caller, called, "ANSWER")
        if caller.state != UP:
            self.tape.state(at, caller, UP)
        self.tape.join(at, called, caller)

    def gives_up(self, caller: Live, called: Live, status: str, cause: int, at: int) -> None:
        """Nobody answers."""
        self.tape.dialled(at, caller, called, status)
        self.tape.hangup(at, called, cause)

    def hang_up(self) -> None:
        """The caller hangs up, or is hung up."""
        if self.tone and self.caller.state != UP:
            self.tape.state(self.end, self.caller, BUSY)
        self.tape.leave(self.end, self.caller)
        if self.partner:
            self.tape.leave(self.end, self.partner)
            self.tape.hangup(self.end, self.partner)
        self.place("macro-hangupcall", "s")
        self.tape.hangup(self.end, self.caller, self.cause)


def between(low: int, value: int, high: int) -> int:
    """The value, within bounds; the lower one counts where they contradict each other."""
    return max(low, min(value, high))


def born(channel: str, at: int) -> str:
    """The uniqueid of a called channel, which no row tells."""
    return f"{at // 1000}.{CALLED + int(channel.rpartition('-')[2], 16)}"


def _sequence(row: SimulatedRow) -> int:
    return row.sequence


def _shown(clid: str) -> str:
    """The name as caller ids write it, in quotes before the number."""
    return clid.rpartition('" <')[0][1:].replace('\\"', '"').replace("\\\\", "\\")
