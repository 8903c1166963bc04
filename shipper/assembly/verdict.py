"""Which way a call went, and how it ended."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from shipper.assembly.contacts import Call, Contact
from shipper.assembly.endpoints import LONGEST_PROBABLE_EXTENSION, Kind, comes_from_phone, comes_from_trunk
from shipper.assembly.leg import Leg

IsOutside = Callable[[str], bool]
"""Whether a text is a number of the public network."""

BLOCKED_CONTEXTS = ("app-blackhole", "app-blacklist")
"""FreePBX's "Terminate call" and its blacklist."""
MENU_CONTEXTS = ("ivr-",)
MENU_APPS = {"BackGround", "WaitExten", "Read"}
QUEUE_APPS = {"Queue"}
DIAL_APPS = {"Dial", "AppDial", "AppDial2", "FollowMe", "Page"}
VOICEMAIL_APPS = {"VoiceMail", "MiniVM"}
CONFERENCE_APPS = {"ConfBridge", "MeetMe"}
TONE_APPS = {"Busy", "Congestion", "Hangup", "Playtones", "PlayTones"}
NOT_TAKEN = {"NO ANSWER", "CANCEL"}


class Verdict(NamedTuple):
    """What the rows say of a call."""

    direction: str
    outcome: str
    answered_by: list[str]
    """Extensions and outside numbers, in the order in which they were reached."""
    trunk: str
    queue: str
    group: str
    did: str
    transferred: bool


def judge(call: Call, is_outside: IsOutside) -> Verdict:
    """Say what a call was.

    Args:
        call: Its rows, sorted out.
        is_outside: Knows the numbering plan.
    """
    did = queue = group = ""
    parked = False
    for leg in call.main:
        did = did or leg.did
        app = leg.lastapp
        if app in QUEUE_APPS:
            queue = queue or leg.lastdata.partition(",")[0]
        elif app == "Park":
            parked = True
        if leg.dcontext == "ext-group":
            group = group or leg.dst
    direction = _direction(call, did, is_outside)
    reached = _persons(call.contacts)
    return Verdict(
        direction,
        "answered" if reached else _without_person(call.main),
        [contact.number for contact in reached],
        _trunk(call, direction),
        queue,
        group,
        did,
        parked or (len(reached) > 1 and _was_transferred(reached)),
    )


def _direction(call: Call, did: str, is_outside: IsOutside) -> str:
    origin, kind = call.origin, call.caller.kind
    if kind == "trunk" or did:
        return "inbound"
    inside = kind == "extension" or comes_from_phone(origin.dcontext)
    if not inside and comes_from_trunk(origin.dcontext):
        return "inbound"
    kinds: set[Kind] = {contact.kind for contact in call.contacts}
    if inside:
        return _from_inside(call, kinds, is_outside)
    if is_outside(origin.src) and (kinds == {"extension"} or not is_outside(origin.dst)):
        return "inbound"
    return "unknown"


def _from_inside(call: Call, kinds: set[Kind], is_outside: IsOutside) -> str:
    trunks = [contact for contact in call.contacts if contact.kind == "trunk"]
    # A mobile phone that only rang with a group makes no outbound call of it.
    if any(not contact.folded or contact.reached for contact in trunks) or (trunks and kinds == {"trunk"}):
        return "outbound"
    if kinds & {"extension", "trunk"}:
        return "internal"
    # Nobody says whose channel it was, or there was none: what was dialled may say it.
    if is_outside(call.origin.dst):
        return "outbound"
    return "internal" if "unknown" not in kinds and _is_internal(call.origin.dst) else "unknown"


def _is_internal(dialled: str) -> bool:
    """An extension, a feature code, or a word of the dialplan."""
    return len(dialled) <= LONGEST_PROBABLE_EXTENSION or not dialled.isdigit()


def _persons(contacts: Sequence[Contact]) -> list[Contact]:
    """Who was reached, in order; one who stayed while rows changed is one."""
    reached = [contact for contact in contacts if contact.reached]
    if len(reached) <= 1:
        return reached
    found: dict[str, Contact] = {}
    for contact in sorted(reached, key=_order):
        found.setdefault(contact.leg.dstchannel, contact)
    return list(found.values())


def _order(contact: Contact) -> tuple[int, int]:
    return (contact.via.start, contact.leg.end - contact.leg.billsec)


def _was_transferred(reached: Sequence[Contact]) -> bool:
    """Somebody was reached after somebody else."""
    rows = {contact.via.start for contact in reached if contact.via.lastapp not in CONFERENCE_APPS}
    return len(rows) > 1


def leads_out(contact: Contact, direction: str) -> bool:
    """The party is behind a trunk: a listed one, or the way out of a call that is outbound by its number."""
    return contact.kind == "trunk" or (
        direction == "outbound" and contact.kind == "unknown" and contact.name != ""
    )


def _trunk(call: Call, direction: str) -> str:
    if direction == "inbound":
        # A call that is inbound by its DID or context came over a trunk, listed or not.
        return call.caller.name if call.caller.kind in {"trunk", "unknown"} else ""
    names = [contact for contact in call.contacts if leads_out(contact, direction)]
    carried = next((contact for contact in names if contact.leg.answered), names[-1] if names else None)
    return carried.name if carried else ""


def _without_person(main: Sequence[Leg]) -> str:
    """How a call ended that reached nobody; a tone at its end only repeats what the row before it says."""
    if all(leg.dcontext.startswith(BLOCKED_CONTEXTS) for leg in main):
        return "blocked"
    if any(leg.answered and leg.lastapp in VOICEMAIL_APPS for leg in main):
        return "voicemail"
    for leg in reversed(main):
        if leg.lastapp in QUEUE_APPS or is_menu(leg):
            return "abandoned"
        if leg.dstchannel or leg.lastapp in DIAL_APPS:
            return _not_taken([row for row in main if row.dstchannel or row.lastapp in DIAL_APPS])
    if any(leg.answered for leg in main):
        return "system"
    return _not_taken([leg for leg in main if leg.lastapp in TONE_APPS] or main)


def is_menu(leg: Leg) -> bool:
    """The caller was in a menu to the end of this row."""
    return leg.answered and (leg.lastapp in MENU_APPS or leg.dcontext.startswith(MENU_CONTEXTS))


def _not_taken(legs: Sequence[Leg]) -> str:
    found = {leg.disposition for leg in legs}
    if found & NOT_TAKEN or any(leg.answered for leg in legs):
        return "no_answer"
    return "busy" if "BUSY" in found else "failed"
