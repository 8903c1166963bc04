"""Calls from outside: to a person, a ring group, a menu, voicemail, the black hole, or after hours."""

from compose.simulator import numbers
from compose.simulator.draft import Draft, Line, face
from compose.simulator.exchange import Script
from compose.simulator.group import to_group
from compose.simulator.numbers import Contact
from compose.simulator.queue import to_queue
from compose.simulator.stores import Extension
from compose.simulator.transfers import CHANCES, COURSES
from compose.simulator.voicemail import to_voicemail

RING_SECONDS = 25


def call(draft: Draft, who: Contact | None, *, is_open: bool) -> Script:
    """Someone calls the store; None hides the number."""
    store, rng = draft.store, draft.rng
    did = store.dids[0] if draft.chance(0.75) else rng.choice(store.dids)
    trunk = store.trunks[0] if len(store.trunks) == 1 or draft.chance(0.8) else store.trunks[1]
    line = Line(draft.pbx.channel(trunk.name, draft.now), draft.now)
    draft.linkedid = line.channel.uniqueid
    draft.direction, draft.trunk = "inbound", trunk.name
    draft.did = draft.destination = did.number
    if who is None:
        draft.face, draft.category = face("anonymous", "Anonymous"), "unknown"
    else:
        draft.face = face(who.number, who.name or who.number)
        draft.category = numbers.category(who.number, store.area_code, abroad=who.abroad)
    draft.recording = draft.recorded("in", did.number, draft.face.src, draft.linkedid)
    if draft.chance(0.012):
        yield from _blocked(draft, line)
    elif draft.chance(0.004):
        yield from _no_such_did(draft, line)
    elif not is_open:
        yield from _after_hours(draft, line)
    elif did.target == "ivr":
        yield from _menu(draft, line)
    elif did.target == "queue":
        yield from to_queue(draft, line, rng.choice(store.queues))
    elif did.target == "group":
        yield from to_group(draft, line, rng.choice(store.groups))
    else:
        yield from _to_extension(draft, line, draft.extension(did.target))


def _machine(
    draft: Draft, line: Line, dst: str, context: str, app: str, data: str, *, answered: bool = True
) -> None:
    """Write the only row of a call that met no one; such rows carry no `cnum`."""
    start, sequence = line.leg(draft.pbx, draft.now)
    draft.write(
        line.channel,
        span=(start, draft.now, sequence),
        inserted=draft.inserted(draft.now),
        dst=dst,
        context=context,
        app=app,
        data=data,
        disposition="ANSWERED" if answered else {"Busy": "BUSY"}.get(app, "NO ANSWER"),
        answer=start if answered else None,
        face=draft.face._replace(cnum="", cnam=""),
    )


def _blocked(draft: Draft, line: Line) -> Script:
    """Send a nuisance to the black hole; where unanswered calls are not logged it is answered by a noise."""
    draft.scenario, draft.outcome = "inbound_blocked", "blocked"
    if not draft.store.log_unanswered:
        yield draft.now + draft.between(1, 5)
        _machine(draft, line, "zapateller", "app-blackhole", "Zapateller", "")
        return
    yield draft.now + draft.between(0.005, 0.05)
    busy = draft.chance(0.5)
    app, data = ("Busy", "3") if busy else ("Hangup", "")
    _machine(draft, line, "busy" if busy else "hangup", "app-blackhole", app, data, answered=False)


def _no_such_did(draft: Draft, line: Line) -> Script:
    """The trunk sends a number that no route matches: a voice says so. `did` stays empty."""
    draft.destination = f"55{draft.did}"
    draft.did = draft.recording = ""
    draft.scenario, draft.outcome = "inbound_no_such_did", "system"
    yield draft.now + draft.between(4, 8)
    _machine(draft, line, draft.destination, "from-trunk", "Hangup", "")


def _after_hours(draft: Draft, line: Line) -> Script:
    """The store is closed: an announcement, or the mailbox of the first extension."""
    if draft.chance(0.3):
        draft.scenario = "after_hours_voicemail"
        yield from to_voicemail(draft, line, draft.store.extensions[0].number, direct=True)
        return
    draft.scenario, draft.outcome = "after_hours_announcement", "system"
    yield draft.now + draft.between(2, 19)
    _machine(draft, line, "s", "app-announcement-1", "Playback", "custom/fora-do-horario")


def _menu(draft: Draft, line: Line) -> Script:
    """A menu answers, so that from here on Asterisk counts every second as answered."""
    line.answered = draft.now
    yield draft.now + draft.between(3, 22)
    draft.wait = draft.now - draft.start
    if draft.chance(0.09):
        draft.scenario, draft.outcome = "inbound_menu_abandoned", "abandoned"
        _machine(draft, line, "s", "ivr-1", "BackGround", "custom/menu-principal")
        return
    store = draft.store
    if store.queues and draft.chance(0.6):
        yield from to_queue(draft, line, draft.rng.choice(store.queues))
    elif draft.chance(0.6):
        yield from to_group(draft, line, draft.rng.choice(store.groups))
    else:
        yield from _to_extension(draft, line, draft.rng.choice(store.extensions))


def _to_extension(draft: Draft, line: Line, callee: Extension) -> Script:
    start, sequence = line.leg(draft.pbx, draft.now)
    begin = draft.now
    if line.answered is not None:
        draft.unrecoverable.add("wait")  # a menu's seconds stand in the same row
    yield begin + draft.between(0.02, 0.1)
    phone = draft.pbx.channel(callee.number, draft.now)
    busy = callee.number in draft.pbx.busy
    answered = not busy and draft.chance(draft.store.answer_rate)
    disposition, gave_up = "ANSWERED", False
    if answered:
        yield draft.now + draft.between(2, 18)
        draft.pbx.busy.add(callee.number)
        draft.scenario, draft.outcome, draft.answered_by = "inbound_answered", "answered", [callee.number]
        answer: int | None = draft.now
        if line.answered is not None:
            draft.unrecoverable |= {"ring", "talk"}
        line.answered = line.answered or draft.now
        draft.ring = draft.now - begin
    else:
        gave_up = not busy and (not callee.voicemail or draft.chance(0.5))
        disposition, answer = "BUSY" if busy else "NO ANSWER", line.answered
        if not busy:
            yield draft.now + (draft.between(4, 22) if gave_up else RING_SECONDS * 1000)
            draft.ring = draft.now - begin
            if line.answered is not None:
                draft.unrecoverable.add("ring")
    connected = draft.now

    def row(end: int, inserted: int) -> None:
        draft.write(
            line.channel,
            span=(start, end, sequence),
            inserted=inserted,
            dst=callee.number,
            context="from-did-direct",
            app="Dial",
            data=draft.phone_data(callee.number, RING_SECONDS),
            disposition=disposition,
            answer=line.answered if answered else answer,
            peer=phone.name,
        )

    if answered and draft.chance(0.06):
        yield from draft.rng.choices(COURSES, cum_weights=CHANCES)[0](draft, line, callee, row)
    elif answered:
        yield draft.now + draft.talking(75)
        draft.pbx.busy.discard(callee.number)
        draft.talk = draft.now - connected
        row(draft.now, draft.inserted(draft.now))
    elif callee.voicemail and not gave_up:
        end = draft.now
        draft.scenario = "inbound_voicemail"
        yield from to_voicemail(draft, line, callee.number, busy=busy, before=[lambda at: row(end, at)])
    else:
        draft.scenario, draft.outcome = (
            ("inbound_busy", "busy") if busy else ("inbound_abandoned_ringing", "no_answer")
        )
        row(draft.now, draft.inserted(draft.now))
