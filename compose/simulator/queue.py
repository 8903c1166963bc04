"""Queues: the caller's channel has a Queue row for every member that is called, each member a Local channel.

Rounds after the first (members ring again after a pause) follow the pattern of the first one.
"""

from collections.abc import Callable, Generator

from compose.simulator.draft import Draft, Line
from compose.simulator.exchange import Channel, Script
from compose.simulator.stores import Queue
from compose.simulator.voicemail import to_voicemail

RETRY_SECONDS = 5
MEMBER_SECONDS = 15
AFTER_MEMBERS_MS = 50  # the members' channels hang up first


class _Waiting:
    """What a waiting caller has so far: Queue rows to be written at the end."""

    def __init__(self, draft: Draft, line: Line, queue: Queue) -> None:
        self.draft, self.line, self.queue = draft, line, queue
        self.began = draft.now - draft.wait  # a menu before it counts
        self.until = draft.now
        self.rows: list[Callable[[int], None]] = []

    def row(self, span: tuple[int, int, int], disposition: str, peer: str) -> None:
        """Keep a Queue row until the caller hangs up."""
        draft, number = self.draft, self.queue.number
        self.until = max(self.until, span[1])

        def write(at: int) -> None:
            draft.write(
                self.line.channel,
                span=span,
                inserted=at,
                dst=number,
                context="ext-queues",
                app="Queue",
                data=f"{number},t,,,{self.queue.max_wait_seconds}",
                disposition=disposition,
                answer=self.line.answered,
                peer=peer,
            )

        self.rows.append(write)

    def write_all(self, at: int) -> None:
        """Write the kept rows, a millisecond apart."""
        for k, write in enumerate(self.rows):
            write(at + k)


def to_queue(draft: Draft, line: Line, queue: Queue) -> Script:
    """Wait in a queue, which answers at once, until a member takes the call, patience or the time is over."""
    draft.queue = queue.number
    draft.userfield = f"queue {queue.number}"
    if line.answered is None:
        line.answered = draft.now
    longest = queue.max_wait_seconds * 1000
    patience = min(int(draft.rng.expovariate(1 / 90) * 1000) + 4000, longest)
    limit = draft.now + patience
    waiting = _Waiting(draft, line, queue)
    while draft.now < limit:
        free = [member for member in queue.members if member not in draft.pbx.busy]
        if free:
            answered = yield from _round(waiting, free, limit)
            if answered:
                waiting.write_all(draft.inserted(draft.now) + AFTER_MEMBERS_MS)
                return
        yield min(limit, draft.now + RETRY_SECONDS * 1000)
    draft.wait = draft.now - waiting.began
    if not waiting.rows:
        # No member was free all the time: one Queue row without a called party, answered by the queue itself.
        start, sequence = line.leg(draft.pbx, draft.now)
        waiting.row((start, draft.now, sequence), "ANSWERED", "")
    if patience < longest:
        draft.scenario, draft.outcome = "inbound_queue_abandoned", "abandoned"
        if waiting.until < draft.now:
            draft.unrecoverable |= {"wait", "duration"}  # left between two rounds: no row goes on to the end
        waiting.write_all(draft.inserted(draft.now) + AFTER_MEMBERS_MS)
        return
    draft.scenario = "inbound_queue_voicemail"
    mailbox = draft.store.extensions[0].number
    yield from to_voicemail(
        draft, line, mailbox, before=[waiting.write_all], count=len(waiting.rows), direct=True
    )


class _Round:
    """One round of ringing: for each member its Queue row's beginning, its Local channel and its phone."""

    def __init__(self, waiting: _Waiting, members: list[str]) -> None:
        self.draft, self.members, self.begin = waiting.draft, members, waiting.draft.now
        self.spans: list[tuple[int, int]] = []
        self.pairs: list[tuple[Channel, Channel]] = []
        pbx = self.draft.pbx
        for member in members:
            self.pairs.append(pbx.local_pair(f"{member}@from-queue", self.begin))
            self.spans.append(waiting.line.leg(pbx, self.begin))
        # The Local channels run at once, so their phones are called in any order.
        order = self.draft.rng.sample(members, len(members))
        self.phones = {member: pbx.channel(member, self.begin) for member in order}

    def member_row(self, k: int, end: int, answer: int | None, delay: int) -> int:
        """Write the row of a member's Local channel; returns when it is inserted."""
        member, draft = self.members[k], self.draft
        at = draft.inserted(end) + delay
        draft.write(
            self.pairs[k][1],
            span=(self.begin, end, self.pairs[k][1].sequence),
            inserted=at,
            dst=member,
            context="from-internal",
            app="Dial",
            data=draft.phone_data(member, MEMBER_SECONDS),
            disposition="NO ANSWER" if answer is None else "ANSWERED",
            answer=answer,
            peer=self.phones[member].name,
            own=False,
        )
        return at

    def tone_row(self, k: int, end: int, sequence: int, at: int) -> None:
        """Write the row of the tone that a member's channel is sent to when its phone was not taken."""
        self.draft.write(
            self.pairs[k][1],
            span=(end, end, sequence),
            inserted=at + 1,
            dst=self.members[k],
            context="from-internal",
            app="Congestion",
            data="3",
            disposition="CONGESTION",
            own=False,
        )


def _round(waiting: _Waiting, members: list[str], limit: int) -> Generator[int, None, bool]:
    """Ring the free members once; the generator's value tells whether one answered and the call is over."""
    draft = waiting.draft
    begin = draft.now
    ringing = _Round(waiting, members)
    took = draft.chance(1 - (1 - draft.store.answer_rate * 0.55) ** len(members))
    yield min(limit, begin + (draft.between(1.5, 12) if took else waiting.queue.ring_seconds * 1000))
    stopped = draft.now
    took = took and stopped < limit
    # With unanswered=yes the dialplan's tone gets rows of its own, and the Queue row takes its disposition.
    tone = draft.store.log_unanswered and not took and stopped < limit
    tones = [draft.pbx.fork() for _ in members] if tone else []
    winner = draft.rng.randrange(len(members)) if took else -1
    for delay, k in enumerate(sorted(range(len(members)), reverse=True)):
        if k != winner:
            at = ringing.member_row(k, stopped, None, delay * 4)
            if tone:
                ringing.tone_row(k, stopped, tones[k], at)
    if took:
        person = members[winner]
        draft.scenario, draft.outcome, draft.answered_by = "inbound_queue_answered", "answered", [person]
        draft.ring, draft.wait = stopped - begin, stopped - waiting.began
        draft.pbx.busy.add(person)
        yield draft.now + draft.talking(110)
        draft.pbx.busy.discard(person)
        draft.talk = draft.now - stopped
        ringing.member_row(winner, draft.now, stopped, 0)
    lost = "CONGESTION" if tone else "NO ANSWER"
    for k, (start, sequence) in enumerate(ringing.spans):
        end = draft.now if k == winner else stopped
        waiting.row((start, end, sequence), "ANSWERED" if k == winner else lost, ringing.pairs[k][0].name)
    return took
