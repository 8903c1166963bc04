"""Calls from the store to the outside. `src` is the number shown outside, the extension stands in `cnum`."""

from compose.simulator import numbers
from compose.simulator.draft import Draft, Face, Line
from compose.simulator.exchange import Script
from compose.simulator.numbers import Contact
from compose.simulator.stores import Trunk

RING_SECONDS = 45
TRUNK_OPTIONS = "Ttb(func-apply-sipheaders^s^1)"
# Weights of what becomes of a call that is dialled; the last one needs unanswered=yes.
COURSES = (
    ("answered", 64),
    ("no_answer", 19),
    ("busy", 8),
    ("congestion", 4),
    ("failed", 2),
    ("unknown_number", 3),
)
_NAMES = tuple(name for name, _ in COURSES)
_WEIGHTS = tuple(weight for _, weight in COURSES)


def outside_face(trunk: Trunk, company: str, extension: str, name: str) -> Face:
    """Return how a call over a trunk shows itself."""
    return Face(f'"{company}" <{trunk.number}>', trunk.number, extension, name, trunk.number, company)


def call(draft: Draft, who: Contact | None) -> Script:
    """An employee calls someone outside, or a service number if `who` is None."""
    store, rng = draft.store, draft.rng
    if who is None:
        number, draft.category = numbers.service_number(rng)
    else:
        number = numbers.as_dialled(who, store.area_code, store.carrier_code)
        draft.category = numbers.category(who.number, store.area_code, abroad=who.abroad)
    caller = draft.someone() or store.extensions[0]
    trunk = store.trunks[0] if len(store.trunks) == 1 or draft.chance(0.8) else store.trunks[1]
    draft.direction, draft.trunk, draft.destination = "outbound", trunk.name, number
    line = Line(draft.pbx.channel(caller.number, draft.now), draft.now)
    draft.linkedid = line.channel.uniqueid
    draft.face = outside_face(trunk, company(draft), caller.number, caller.name)
    draft.recording = draft.recorded("out", number, caller.number, draft.linkedid)
    taken = {caller.number} - draft.pbx.busy
    draft.pbx.busy |= taken
    yield from _course(draft, line, trunk.name, number)
    draft.pbx.busy -= taken


def company(draft: Draft) -> str:
    """Return the name that the store shows outside."""
    return f"Lojas {draft.store.city}"


def _course(draft: Draft, line: Line, trunk: str, number: str) -> Script:
    course = draft.rng.choices(_NAMES, _WEIGHTS)[0]
    draft.scenario = f"outbound_{course}"
    start, sequence = line.leg(draft.pbx, draft.now)
    yield draft.now + draft.between(0.02, 0.2)
    peer = draft.pbx.channel(trunk, draft.now)
    answer: int | None = None
    disposition, tone, after = "ANSWERED", "", 0
    if course == "answered":
        answer = draft.now + draft.between(3, 25)
        yield answer
        yield draft.now + draft.talking(80)
        draft.ring, draft.talk = answer - draft.start, draft.now - answer
        draft.billable = draft.talk
        draft.outcome, draft.answered_by = "answered", [number]
    elif course == "no_answer":
        cancelled = draft.chance(0.7)
        yield draft.now + (draft.between(8, 40) if cancelled else RING_SECONDS * 1000)
        draft.ring = draft.now - draft.start
        draft.outcome, disposition, tone = "no_answer", "NO ANSWER", "" if cancelled else "Congestion"
    elif course == "busy":
        yield draft.now + draft.between(0.3, 3)
        draft.outcome, disposition, tone = "busy", "BUSY", "Busy"
    else:
        yield draft.now + draft.between(0.1, 2)
        draft.outcome = "no_answer" if course == "unknown_number" else "failed"
        disposition = {"unknown_number": "NO ANSWER", "congestion": "CONGESTION", "failed": "FAILED"}[course]
        tone, after = "Congestion", draft.between(2, 9)  # "all circuits are busy now" is played first
    end = draft.now
    with_tone = tone if draft.store.log_unanswered else ""
    further = draft.pbx.fork() if with_tone else 0
    if course == "unknown_number":
        draft.unrecoverable.add("ring")  # a refusal looks like a short ring
    if after and not with_tone:
        draft.unrecoverable.add("duration")  # the announcement leaves no row
    if after:
        yield end + after
    at = draft.inserted(draft.now)
    draft.write(
        line.channel,
        span=(start, end, sequence),
        inserted=at,
        dst=number,
        context="from-internal",
        app="Dial",
        data=f"PJSIP/{number}@{trunk},{RING_SECONDS},{TRUNK_OPTIONS}",
        disposition=disposition,
        answer=answer,
        peer=peer.name,
    )
    if with_tone:
        draft.write(
            line.channel,
            span=(end, draft.now, further),
            inserted=at + 1,
            dst=number,
            context="from-internal",
            app=with_tone,
            data="3",
            disposition="BUSY" if tone == "Busy" else "CONGESTION",
        )
