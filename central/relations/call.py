"""A call as far as others depend on it, and the number by which its caller can be called."""

import re
from dataclasses import dataclass
from typing import Final

from shipper.document.privacy import FILLING, SHORTEST

_PSEUDONYM: Final = re.compile(r"h[0-9a-f]{32}")  # `privacy.mode = "hashed"`


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a store; moments are milliseconds since 1970.

    Attributes:
        call_id: `call.id`.
        start: `@timestamp`.
        end: `event.end`.
        trunk: `call.trunk`; None where it has none, or is internal: then it holds no line.
        onward: another trunk over which an inbound call went on to the outside; None: it did not.
        number: the outside number as `number_of` gives it; None: there is nobody to call.
        outbound: it was the store that called; False: inbound, or neither.
        missed: `call.missed`.
        answered: a person was reached, and it was inbound or outbound.
        by: outbound: the extension that called; else who answered first. None: not known.
    """

    call_id: str
    start: int
    end: int
    trunk: str | None
    onward: str | None
    number: str | None
    outbound: bool
    missed: bool
    answered: bool
    by: str | None


def number_of(e164: str | None, number: str | None) -> str | None:
    """Give what a number is compared by: the same for two calls where it is the same person's.

    Args:
        e164: `e164` of the side outside.
        number: its `number`.

    Returns:
        The international form, else the digits, or the pseudonym of either. None where nobody can be called
        by it: a hidden caller, one that many share (`privacy.mode = "masked"`), or fewer digits than a
        subscriber has.
    """
    text = e164 or number or ""
    if _PSEUDONYM.fullmatch(text):
        return text
    digits = text.translate(FILLING)
    if not (digits.isascii() and digits.isdecimal()) or len(digits) < SHORTEST or not digits.strip("0"):
        return None
    return f"+{digits}" if e164 else digits
