"""A call while it happens: its rows so far and what is known of its truth."""

import random
from typing import NamedTuple

from compose.simulator.exchange import Channel, Exchange
from compose.simulator.model import CallTruth, SimulatedCall, SimulatedRow
from compose.simulator.stores import Extension

DOCUMENTATION = 3  # amaflags
LASTDATA = 79  # Asterisk keeps that much of an application's arguments
SECONDS = ("ring", "wait", "talk", "duration")
PHONE_OPTIONS = "HhTtrb(func-apply-sipheaders^s^1)"


class Face(NamedTuple):
    """How a party shows itself in a row."""

    clid: str
    src: str
    cnum: str
    cnam: str
    outbound_cnum: str = ""
    outbound_cnam: str = ""


def face(number: str, name: str, prefix: str = "") -> Face:
    """Return the face of a caller; a group's prefix stands in clid alone, where quotes are escaped too."""
    shown = f"{prefix}{name}".replace("\\", "\\\\").replace('"', '\\"')
    return Face(f'"{shown}" <{number}>', number, number, name)


NOBODY = Face("", "", "", "")


class Line:
    """The calling channel: where its next CDR begins, and since when someone or something has answered."""

    def __init__(self, channel: Channel, start: int) -> None:
        self.channel = channel
        self.cursor = start
        self.answered: int | None = None
        self._fresh = True

    def leg(self, pbx: Exchange, at: int) -> tuple[int, int]:
        """Begin the next CDR: the channel's own at first, then forks. Returns (start, sequence)."""
        if self._fresh:
            self._fresh = False
            return self.cursor, self.channel.sequence
        return at, pbx.fork()


class Draft:
    """One call in the making. `now` moves with the simulation; truth fields are set by the scenario."""

    def __init__(self, pbx: Exchange, rng: random.Random, start: int) -> None:
        self.pbx, self.store, self.rng = pbx, pbx.store, rng
        self.start = self.now = start
        self.rows: list[SimulatedRow] = []
        self.face = NOBODY
        self.did = self.trunk = self.queue = self.group = self.recording = self.userfield = ""
        self.direction = self.outcome = self.scenario = self.category = self.destination = self.linkedid = ""
        self.answered_by: list[str] = []
        self.ring = self.wait = self.talk = self.billable = 0
        self.transferred = False
        self.unrecoverable: set[str] = set()

    def chance(self, probability: float) -> bool:
        """Return True with that probability."""
        return self.rng.random() < probability

    def between(self, low: float, high: float) -> int:
        """Return a span in ms, given its bounds in seconds."""
        return int((low + (high - low) * self.rng.random()) * 1000)

    def talking(self, median: float) -> int:
        """Return how long people talk, in ms; a few never put the phone down for hours."""
        if self.rng.random() < 1 / 600:
            return self.between(3600, 4 * 3600)
        return min(int(self.rng.lognormvariate(0, 0.9) * median * 1000) + 2000, 3_000_000)

    def extension(self, number: str) -> Extension:
        """Return one of the store's telephones."""
        return next(e for e in self.store.extensions if e.number == number)

    def someone(self, *without: str) -> Extension | None:
        """Return a telephone that is not in a call, or None where all are."""
        free = [e for e in self.store.extensions if e.number not in self.pbx.busy and e.number not in without]
        return self.rng.choice(free) if free else None

    def recorded(self, kind: str, dialled: str, caller: str, uniqueid: str) -> str:
        """Return a recording's name as FreePBX makes it: kind, both numbers, local time and uniqueid."""
        return f"{kind}-{dialled}-{caller}-{self.pbx.clock(self.now):%Y%m%d-%H%M%S}-{uniqueid}.wav"

    def inserted(self, end: int) -> int:
        """Return when the database gets the rows of a channel that hung up at `end`: some ms later."""
        return end + self.rng.randrange(2, 16)

    def write(
        self,
        channel: Channel,
        *,
        span: tuple[int, int, int],
        inserted: int,
        dst: str,
        context: str,
        app: str,
        data: str,
        disposition: str,
        answer: int | None = None,
        peer: str = "",
        face: Face | None = None,
        own: bool = True,
        linkedid: str = "",
        recording: str = "",
    ) -> None:
        """Add a row.

        Args:
            channel: The calling channel.
            span: Start and end in ms, and the sequence.
            inserted: Moment of the insert in ms; rows of one channel are a millisecond apart.
            dst: Dialled extension.
            context: Dialplan context.
            app: Last application.
            data: Its arguments, cut as Asterisk cuts them.
            disposition: As Asterisk writes it.
            answer: When the channel was answered, by whatever it was; None: never.
            peer: Name of the called channel, or empty.
            face: The caller as shown; the call's own if None.
            own: The row is the first channel's and carries DID, recording and user field.
            linkedid: Another one than the call's, where a consultation keeps its own.
            recording: File name of a row that is not the first channel's.
        """
        start, end, sequence = span
        who = self.face if face is None else face
        self.rows.append(
            SimulatedRow(
                self.pbx.clock(start).replace(microsecond=0),
                who.clid,
                who.src,
                dst,
                context,
                channel.name,
                peer,
                app,
                data[:LASTDATA],
                (end - start) // 1000,
                0 if answer is None else (end - max(answer, start)) // 1000,
                disposition,
                DOCUMENTATION,
                "",
                channel.uniqueid,
                self.userfield if own else "",
                self.did if own else "",
                self.recording if own else recording,
                who.cnum,
                who.cnam,
                who.outbound_cnum,
                who.outbound_cnam,
                "",
                linkedid or self.linkedid,
                "",
                sequence,
                self.pbx.clock(inserted),
                inserted,
            )
        )

    def phone_data(self, extension: str, seconds: int) -> str:
        """Return the arguments of a `Dial` of one phone."""
        return f"{self.pbx.dial_string(extension)},{seconds},{PHONE_OPTIONS}"

    def finish(self) -> SimulatedCall:
        """Return the call, rows in the order of their insertion, once the scenario has ended at `now`."""
        self.rows.sort(key=_moment)
        linked = dict.fromkeys([self.linkedid, *(row.linkedid for row in self.rows)])
        truth = CallTruth(
            store_id=self.store.id,
            scenario=self.scenario,
            direction=self.direction,
            outcome=self.outcome,
            answered_by=tuple(self.answered_by),
            missed=self.direction == "inbound" and self.outcome not in {"answered", "blocked"},
            ring_seconds=self.ring // 1000,
            wait_seconds=self.wait // 1000,
            talk_seconds=self.talk // 1000,
            billable_seconds=self.billable // 1000,
            duration_seconds=(self.now - self.start) // 1000,
            queue=self.queue,
            group=self.group,
            did=self.did,
            trunk=self.trunk,
            category=self.category,
            transferred=self.transferred,
            linked_ids=tuple(linked),
            rows=len(self.rows),
            source=self.face.cnum or self.face.src,
            destination=self.destination,
            start=self.pbx.clock(self.start).replace(microsecond=0),
            end=self.pbx.clock(self.now).replace(microsecond=0),
            unrecoverable=tuple(name for name in SECONDS if name in self.unrecoverable),
        )
        return SimulatedCall(self.rows, truth, self.start)


def _moment(row: SimulatedRow) -> int:
    return row.inserted_ms
