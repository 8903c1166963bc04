"""Calls between the store's own telephones."""

from collections.abc import Callable

from compose.simulator.draft import Draft, Line, face
from compose.simulator.exchange import Script
from compose.simulator.stores import Extension

RING_SECONDS = 20


def call(draft: Draft) -> Script:
    """One employee calls another, or a feature code."""
    caller = draft.someone()
    callee = draft.rng.choice(draft.store.extensions)
    if caller is None or caller.number == callee.number:
        caller, callee = draft.store.extensions[:2]
    draft.direction = draft.category = "internal"
    draft.destination = callee.number
    line = Line(draft.pbx.channel(caller.number, draft.now), draft.now)
    draft.linkedid = line.channel.uniqueid
    draft.face = face(caller.number, caller.name)
    if draft.store.records_internal:
        draft.recording = draft.recorded("internal", callee.number, caller.number, draft.linkedid)
    taken = {caller.number} - draft.pbx.busy
    draft.pbx.busy |= taken
    yield from _course(draft, line, callee)
    draft.pbx.busy -= taken


def _course(draft: Draft, line: Line, callee: Extension) -> Script:
    if draft.chance(0.06):
        yield from _feature(draft, line)
    elif draft.store.log_unanswered and draft.chance(0.03):
        yield from _unreachable(draft, line, callee)
    elif callee.number in draft.pbx.busy:
        yield from _refused(draft, line, callee, "BUSY", "Busy")
    elif draft.chance(0.015):
        yield from _refused(
            draft,
            line,
            callee,
            *draft.rng.choice((("CONGESTION", "Congestion"), ("NO ANSWER", "Congestion"))),
        )
    elif draft.chance(0.5 + draft.store.answer_rate / 2):
        yield from _answered(draft, line, callee)
    else:
        yield from _unanswered(draft, line, callee)


def _feature(draft: Draft, line: Line) -> Script:
    code, app, data = draft.rng.choice((("*43", "Echo", ""), ("*97", "VoiceMailMain", "{}@default,s")))
    start, sequence = line.leg(draft.pbx, draft.now)
    yield draft.now + draft.between(3, 40)
    draft.recording = ""
    draft.scenario, draft.outcome, draft.destination = "internal_feature", "system", code
    number = draft.face.cnum
    shown = draft.face._replace(cnum="", cnam="")
    draft.write(
        line.channel,
        span=(start, draft.now, sequence),
        inserted=draft.inserted(draft.now),
        dst=code,
        context="from-internal",
        app=app,
        data=data.format(number),
        disposition="ANSWERED",
        answer=start,
        face=shown,
    )


def _unreachable(draft: Draft, line: Line, callee: Extension) -> Script:
    """The phone is not registered: a row without a called party, only where `unanswered=yes`."""
    start, sequence = line.leg(draft.pbx, draft.now)
    yield draft.now + draft.between(0.01, 0.05)
    draft.scenario, draft.outcome = "internal_unreachable", "failed"
    draft.write(
        line.channel,
        span=(start, draft.now, sequence),
        inserted=draft.inserted(draft.now),
        dst=callee.number,
        context="from-internal",
        app="Congestion",
        data="3",
        disposition="CONGESTION",
    )


def _dialled(draft: Draft, line: Line, callee: Extension) -> Callable[..., None]:
    """Open the called channel; return what writes the Dial row."""
    start, sequence = line.leg(draft.pbx, draft.now)
    peer = draft.pbx.channel(callee.number, draft.now)

    def row(end: int, inserted: int, disposition: str, answer: int | None = None) -> None:
        draft.write(
            line.channel,
            span=(start, end, sequence),
            inserted=inserted,
            dst=callee.number,
            context="from-internal",
            app="Dial",
            data=draft.phone_data(callee.number, RING_SECONDS),
            disposition=disposition,
            answer=answer,
            peer=peer.name,
        )

    return row


def _answered(draft: Draft, line: Line, callee: Extension) -> Script:
    row = _dialled(draft, line, callee)
    answer = draft.now + draft.between(1, 12)
    yield answer
    draft.pbx.busy.add(callee.number)
    yield draft.now + draft.talking(35)
    draft.pbx.busy.discard(callee.number)
    draft.scenario, draft.outcome, draft.answered_by = "internal_answered", "answered", [callee.number]
    draft.ring, draft.talk = answer - draft.start, draft.now - answer
    row(draft.now, draft.inserted(draft.now), "ANSWERED", answer)


def _unanswered(draft: Draft, line: Line, callee: Extension) -> Script:
    row = _dialled(draft, line, callee)
    cancelled = draft.chance(0.5)
    yield draft.now + (draft.between(3, 18) if cancelled else RING_SECONDS * 1000)
    end = draft.now
    draft.ring = end - draft.start
    if cancelled:
        draft.scenario, draft.outcome = "internal_cancelled", "no_answer"
        row(end, draft.inserted(end), "NO ANSWER")
    else:
        yield from _afterwards(
            draft,
            line,
            callee,
            disposition="NO ANSWER",
            row=lambda at: row(end, at, "NO ANSWER"),
            app="Congestion",
        )


def _refused(draft: Draft, line: Line, callee: Extension, disposition: str, app: str) -> Script:
    row = _dialled(draft, line, callee)
    yield draft.now + draft.between(0.02, 0.3)
    end = draft.now
    yield from _afterwards(
        draft, line, callee, disposition=disposition, row=lambda at: row(end, at, disposition), app=app
    )


def _afterwards(
    draft: Draft, line: Line, callee: Extension, *, disposition: str, row: Callable[[int], None], app: str
) -> Script:
    """Nobody took the call: voicemail where there is a mailbox, else the busy tone."""
    begin = draft.now
    to_voicemail = callee.voicemail and disposition != "CONGESTION" and draft.chance(0.6)
    tone = not to_voicemail and draft.store.log_unanswered
    sequence = draft.pbx.fork() if to_voicemail or tone else 0
    if to_voicemail:
        yield draft.now + draft.between(5, 45)
    at = draft.inserted(draft.now)
    row(at)
    kind = {"BUSY": "busy", "NO ANSWER": "no_answer", "CONGESTION": "failed"}[disposition]
    draft.scenario, draft.outcome = f"internal_{kind}", kind
    if to_voicemail:
        draft.scenario, draft.outcome = f"internal_{kind}_voicemail", "voicemail"
    if to_voicemail or tone:
        data = f"{callee.number}@default,{'b' if kind == 'busy' else 'u'}" if to_voicemail else "3"
        draft.write(
            line.channel,
            span=(begin, draft.now, sequence),
            inserted=at + 1,
            dst=callee.number,
            context="from-internal",
            app="VoiceMail" if to_voicemail else app,
            data=data,
            disposition="ANSWERED" if to_voicemail else ("BUSY" if app == "Busy" else "CONGESTION"),
            answer=begin if to_voicemail else None,
        )
