"""Ring groups: all members ring at once, as many rows as members, all of the caller's own channel."""

from compose.simulator.draft import Draft, Line, face
from compose.simulator.exchange import Channel, Script
from compose.simulator.outbound import RING_SECONDS as OUTSIDE_SECONDS
from compose.simulator.outbound import TRUNK_OPTIONS, company, outside_face
from compose.simulator.stores import RingGroup
from compose.simulator.voicemail import to_voicemail

RING_SECONDS = 25
AFTER_GROUP_MS = 20  # the Local channel hangs up after the caller's


class _Ringing:
    """The legs of one ringing: phones, then perhaps a mobile phone behind a Local channel and a trunk."""

    def __init__(self, draft: Draft, line: Line, group: RingGroup) -> None:
        pbx = draft.pbx
        self.draft, self.line, self.group = draft, line, group
        self.begin = draft.now
        first = line.leg(pbx, self.begin)
        self.people = [*group.members]
        self.legs = [pbx.channel(member, self.begin) for member in group.members]
        self.dialled = [pbx.dial_string(member) for member in group.members]
        self.outside: tuple[Channel, Channel] | None = None
        if group.external:
            pair = pbx.local_pair(f"{group.external}@from-internal", self.begin)
            self.people.append(group.external)
            self.legs.append(pair[0])
            self.dialled.append(f"Local/{group.external}@from-internal/n")
        self.starts = [first, *((self.begin, pbx.fork()) for _ in self.legs[1:])]
        self.recording = ""
        if group.external:
            self.recording = draft.recorded("out", group.external, draft.face.src, pair[1].uniqueid)
            self.outside = pair[1], pbx.channel(draft.store.trunks[0].name, self.begin)
        self.occupied = [person in pbx.busy for person in self.people]
        self.free = [k for k, taken in enumerate(self.occupied) if not taken]
        self.answered_before = line.answered  # by a menu: then unanswered legs have seconds too
        self.winner: int | None = None
        self.stopped = self.begin
        if self.answered_before is not None:
            draft.unrecoverable.add("wait")  # a menu's seconds stand in the same row
            if any(not taken for taken in self.occupied[: len(group.members)]):
                draft.unrecoverable.add("ring")  # of a mobile phone alone its own row tells

    def rows(self, at: int) -> None:
        """Write the row of each leg, in the order of dialling, a millisecond apart."""
        shown = face(self.draft.face.cnum, self.draft.face.cnam, f"{self.group.name}:")
        for k, leg in enumerate(self.legs):
            won = k == self.winner
            start, sequence = self.starts[k]
            if won:
                end, disposition = self.draft.now, "ANSWERED"
            elif self.occupied[k]:
                end, disposition = self.begin, "BUSY"
            else:
                end, disposition = self.stopped, "NO ANSWER"
            self.draft.write(
                self.line.channel,
                span=(start, end, sequence),
                inserted=at + k,
                dst=self.group.number,
                context="ext-group",
                app="Dial",
                data="&".join(self.dialled) + f",{RING_SECONDS},HhTtr",
                disposition=disposition,
                answer=(self.answered_before or self.stopped) if won else self.answered_before,
                peer=leg.name,
                face=shown,
            )

    def outside_row(self) -> None:
        """Write the Local channel's own row: the leg that costs money."""
        if self.outside is None:
            return
        draft, store = self.draft, self.draft.store
        local, leg = self.outside
        won = self.winner == len(self.legs) - 1
        end = draft.now if won else self.stopped
        draft.billable = draft.now - self.stopped if won else 0
        draft.write(
            local,
            span=(self.begin, end, local.sequence),
            inserted=draft.inserted(end) + AFTER_GROUP_MS,
            dst=self.group.external,
            context="from-internal",
            app="Dial",
            data=f"PJSIP/{self.group.external}@{store.trunks[0].name},{OUTSIDE_SECONDS},{TRUNK_OPTIONS}",
            disposition="ANSWERED" if won else "NO ANSWER",
            answer=self.stopped if won else None,
            peer=leg.name,
            face=outside_face(store.trunks[0], company(draft), draft.face.cnum, draft.face.cnam),
            own=False,
            recording=self.recording,
        )


def to_group(draft: Draft, line: Line, group: RingGroup) -> Script:
    """Ring a group until somebody answers, the caller gives up or the mailbox takes over."""
    draft.group = group.number
    ringing = _Ringing(draft, line, group)
    count = len(ringing.free)
    # Each free phone has its own chance to be taken: the more ring, the likelier.
    if count and draft.chance(1 - (1 - draft.store.answer_rate * 0.8) ** count):
        ringing.winner = draft.rng.choice(ringing.free)
        yield draft.now + draft.between(1.5, 15)
        yield from _talk(draft, line, ringing)
        return
    gave_up = bool(count) and draft.chance(0.6)
    if count:
        yield draft.now + (draft.between(4, 22) if gave_up else RING_SECONDS * 1000)
    ringing.stopped = draft.now
    draft.ring = ringing.stopped - ringing.begin
    ringing.outside_row()
    if gave_up:
        draft.scenario, draft.outcome = "inbound_group_abandoned", "no_answer"
        ringing.rows(draft.inserted(draft.now))
        return
    draft.scenario = "inbound_group_voicemail"
    yield from to_voicemail(
        draft,
        line,
        draft.store.extensions[0].number,
        before=[ringing.rows],
        count=len(ringing.legs),
        direct=True,
        prefix=f"{group.name}:",
    )


def _talk(draft: Draft, line: Line, ringing: _Ringing) -> Script:
    """Somebody has answered: the caller talks, and all rows come at the end."""
    ringing.stopped = draft.now
    draft.ring = ringing.stopped - ringing.begin
    line.answered = line.answered or draft.now
    person = ringing.people[ringing.winner or 0]
    outside = person == ringing.group.external
    if ringing.answered_before is not None and not outside:
        draft.unrecoverable.add("talk")
    draft.scenario = "inbound_group_outside" if outside else "inbound_group_answered"
    draft.outcome, draft.answered_by = "answered", [person]
    taken = {person} - draft.pbx.busy
    draft.pbx.busy |= taken
    yield draft.now + draft.talking(75)
    draft.pbx.busy -= taken
    draft.talk = draft.now - ringing.stopped
    ringing.rows(draft.inserted(draft.now))
    ringing.outside_row()
