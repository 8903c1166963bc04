"""Who called and who was called: numbers, names, extensions, and what kind of number the outside one is."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from shipper.assembly.contacts import Call
from shipper.assembly.endpoints import LONGEST_EXTENSION, sent_number
from shipper.assembly.leg import Leg
from shipper.assembly.verdict import Verdict
from shipper.document.privacy import Privacy
from shipper.numbering import Number

LONGEST_PREFIX = 6
"""Digits of a number that a document carries for rating, whatever its privacy."""
KEPT_BACK = 5
"""So many of its last digits a prefix never holds."""

_CLID = re.compile(r'^\s*"(?P<name>(?:\\.|[^"\\])*)"')
_ESCAPE = re.compile(r"\\(.)")

Party = dict[str, str]
Reader = Callable[[str], Number]


class Parties(NamedTuple):
    """Both sides, and the outside number as the numbering plan sees it."""

    source: Party
    destination: Party
    outside: Number | None
    """None for an internal call."""


def parties_of(call: Call, verdict: Verdict, read: Reader, privacy: Privacy) -> Parties:
    """Say who called whom.

    Args:
        call: Its rows, sorted out.
        verdict: What was found out about it.
        read: The numbering plan.
        privacy: What may leave the store in clear.
    """
    origin = call.origin
    called = _extension_called(call)
    if verdict.direction == "inbound":
        outside = read(origin.src)
        number = verdict.did or origin.dst
        source = _outside(origin.src, outside, _name(origin), privacy)
        # The store's own number is no secret of a person.
        destination = {"number": number, "e164": read(number).e164, "extension": called}
        return Parties(_filled(source), _filled(destination), outside)
    extension = _extension_calling(call)
    name = privacy.name(_name(origin))
    if verdict.direction == "internal":
        source = {"number": origin.src, "name": name, "extension": extension}
        destination = {"number": origin.dst, "extension": called or _short(origin.dst)}
        return Parties(_filled(source), _filled(destination), None)
    shown, outside = read(origin.src), read(origin.dst)
    if outside.category == "unknown":
        # Dialled with a prefix of the PBX's own, which the trunk did not get.
        sent = next((sent_number(c.leg.lastdata) for c in call.contacts if c.kind == "trunk"), "")
        outside = read(sent) if sent else outside
    if verdict.direction == "unknown":
        source = _outside(origin.src, shown, _name(origin), privacy)
        destination = _outside(origin.dst, outside, "", privacy)
        return Parties(_filled(source), _filled(destination | {"extension": called}), None)
    source = {"number": origin.src, "e164": shown.e164, "name": name, "extension": extension}
    return Parties(_filled(source), _filled(_outside(origin.dst, outside, "", privacy)), outside)


def answered_by(numbers: list[str], read: Reader, privacy: Privacy) -> list[str]:
    """Who answered, as far as it may leave the store."""
    if not privacy.active:
        return numbers
    return [privacy.number(number, read(number).e164) for number in numbers]


def prefix_of(e164: str) -> str:
    """The leading digits of a number that say where it is, and not whose."""
    return e164[: 1 + min(LONGEST_PREFIX, len(e164) - 1 - KEPT_BACK)] if len(e164) > 1 + KEPT_BACK else ""


def _outside(number: str, known: Number, name: str, privacy: Privacy) -> Party:
    if not privacy.active:
        return {"number": number, "e164": known.e164, "name": name}
    hidden = privacy.number(number, known.e164)
    return {
        "number": hidden,
        "e164": privacy.number(known.e164, known.e164) if known.e164 else "",
        "name": privacy.name(name),
    }


def _filled(party: dict[str, Any]) -> Party:
    return {key: value for key, value in party.items() if value}


def _name(leg: Leg) -> str:
    """The caller's name; a number in its place is none."""
    name = leg.cnam
    if not name and (found := _CLID.match(leg.clid)):
        name = _ESCAPE.sub(r"\1", found["name"])
    return "" if name.casefold() in {leg.src.casefold(), leg.cnum.casefold()} else name


def _extension_calling(call: Call) -> str:
    """Of an outbound call ``src`` is the number that is shown outside; the telephone stands elsewhere."""
    if call.caller.kind == "extension":
        return call.caller.name
    return _short(call.origin.cnum) or _short(call.origin.src)


def _extension_called(call: Call) -> str:
    """The telephone that took the call, else the one that was called alone."""
    inside = [contact for contact in call.contacts if contact.kind == "extension"]
    if any(contact.reached for contact in call.contacts):
        return next((contact.number for contact in inside if contact.reached), "")
    return inside[0].number if len({contact.number for contact in inside}) == 1 else ""


def _short(number: str) -> str:
    return number if number.isascii() and number.isdigit() and len(number) <= LONGEST_EXTENSION else ""
