"""A number as it was understood, and the digits of a text."""

from typing import NamedTuple

CATEGORIES = frozenset(
    (
        "local_fixed",
        "local_mobile",
        "long_distance_fixed",
        "long_distance_mobile",
        "toll_free",
        "shared_cost",
        "service",
        "international",
        "unknown",
    )
)
"""What `Number.category` may be."""

CACHED = 1024
"""Numbers that a reader remembers: more than a store meets in a week, at most 1.5 MiB."""

LONGEST_E164 = 15
"""Digits of the longest international number (ITU-T E.164)."""

_LONGEST_DIALLED = 24
_SEPARATORS = str.maketrans("", "", " \t-()")


class Number(NamedTuple):
    """One telephone number.

    Args:
        e164: ``+`` and 7 to 15 digits; empty where it cannot be told.
        category: One of `CATEGORIES`, seen from the store.
        carrier_code: The carrier that was dialled (Brazil's CSP, ``15``); empty without one.
        collect: Dialled as a collect call (Brazil's ``90``).
    """

    e164: str
    category: str
    carrier_code: str = ""
    collect: bool = False


UNKNOWN = Number("", "unknown")


def digits_of(text: str) -> tuple[bool, str]:
    """Whether a text begins with ``+``, and its digits; no digits where it is no number.

    Spaces, tabs, dashes and parentheses may stand between the digits, nothing else: a name with a number in
    it, a feature code (``*97``) or an address is no number. A full stop is none either, since callers that
    scan for open PBXs show an IP address.

    Args:
        text: What was dialled or shown.
    """
    plus = False
    if not (text.isascii() and text.isdigit()):
        text = text.translate(_SEPARATORS)
        plus = text[:1] == "+"
        text = text[1:] if plus else text
        if not (text.isascii() and text.isdigit()):
            return False, ""
    return (plus, text) if len(text) <= _LONGEST_DIALLED else (False, "")


def geographic(area_code: str, *, local: bool, mobile: bool) -> str:
    """Return the category of a subscriber's number; ``unknown`` where the store's own area is not known."""
    if not area_code:
        return "unknown"
    return f"{'local' if local else 'long_distance'}_{'mobile' if mobile else 'fixed'}"
