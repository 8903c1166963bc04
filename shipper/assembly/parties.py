"""Who called and who was called: numbers, names, extensions, and what kind of number the outside one is."""

import re
from collections.abc import Callable
from typing import NamedTuple

from shipper.assembly.contacts import Call
from shipper.assembly.endpoints import LONGEST_EXTENSION, sent_number
from shipper.assembly.leg import Leg
from shipper.assembly.verdict import Verdict
from shipper.assembly.writing import Party
from shipper.document.privacy import Privacy
from shipper.numbering import Number

LONGEST_PREFIX = 6
"""Digits of a number that a document carries for rating, whatever its privacy."""
LONGEST_OF_HIDDEN = 4
"""Of a number that is hidden: country and area; with its last four digits more would nearly be the whole."""
KEPT_BACK = 5
"""So many of its last digits a prefix never holds."""

_CLID = re.compile(r'^\s*"(?P<name>(?:\\.|[^"\\])*)"')
_ESCAPE = re.compile(r"\\(.)")

Reader = Callable[[str], Number]


class Parties(NamedTuple):
    """Both sides, and the outside number as the numbering plan sees it."""

    source: Party
    destination: Party
    outside: Number | None
    """None for a call within the store."""


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
        # The store's own number is no secret of a person.
        destination = Party(number, read(number).e164, "", called)
        return Parties(_person(origin.src, outside, _name(origin), privacy), destination, outside)
    name = privacy.name(_name(origin))
    if verdict.direction == "internal":
        destination = Party(origin.dst, "", "", called or _short(origin.dst))
        return Parties(Party(origin.src, "", name, _extension_calling(call)), destination, None)
    shown, outside = read(origin.src), read(origin.dst)
    if outside.category == "unknown":
        # Dialled with a prefix of the PBX's own, which the trunk did not get.
        sent = next((sent_number(c.leg.lastdata) for c in call.contacts if c.kind == "trunk"), "")
        outside = read(sent) if sent else outside
    if verdict.direction == "unknown":
        source = _person(origin.src, shown, _name(origin), privacy)
        return Parties(source, _person(origin.dst, outside, "", privacy, called), None)
    destination = _person(origin.dst, outside, "", privacy)
    extension = _extension_calling(call)
    if origin.src == origin.cnum:
        # Shown outside is the caller's own number, not the store's.
        return Parties(_person(origin.src, shown, _name(origin), privacy, extension), destination, outside)
    return Parties(Party(origin.src, shown.e164, name, extension), destination, outside)


def answered_by(numbers: list[str], read: Reader, privacy: Privacy) -> list[str]:
    """Who answered, as far as it may leave the store."""
    if not privacy.active:
        return numbers
    return [privacy.number(number, read(number).e164) for number in numbers]


def prefix_of(e164: str, privacy: Privacy) -> str:
    """The leading digits of a number that say where it is, and not whose."""
    longest = LONGEST_OF_HIDDEN if privacy.active else LONGEST_PREFIX
    return e164[: 1 + min(longest, len(e164) - 1 - KEPT_BACK)] if len(e164) > 1 + KEPT_BACK else ""


def _person(number: str, known: Number, name: str, privacy: Privacy, extension: str = "") -> Party:
    """One side that may be a person outside."""
    e164 = known.e164
    if privacy.active:
        number, name = privacy.number(number, e164), privacy.name(name)
        e164 = privacy.number(e164, e164) if e164 else ""
    return Party(number, e164, name, extension)


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
