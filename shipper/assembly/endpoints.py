"""Whose channel it is: a trunk's, a telephone's, or one half of a Local channel.

A trunk's name cannot be told from a telephone's by its form (measured): the store's list of trunks
decides, then what the technology says; what neither knows stays unknown.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

Kind = Literal["trunk", "extension", "local", "unknown"]

LONGEST_EXTENSION = 8
"""Digits; FreePBX proposes three to five, some chains use the end of a direct number."""
LONGEST_PROBABLE_EXTENSION = 6
"""Where no list of trunks is known, a longer number may be a trunk that is named by its number."""
KEPT = 2048
"""Names that are remembered; a store has some dozens, and every caller's Local channel is one."""

_TRUNK_CONTEXTS = ("from-trunk", "from-pstn", "from-digital", "from-analog", "from-zaptel", "from-dahdi")
_ANALOG = {"DAHDI", "ZAP"}
_DIALLED_TRUNK = re.compile(r"(?:DAHDI|ZAP)/[grRG]\d", re.IGNORECASE)
_SENT_TO_TRUNK = re.compile(
    r"(?:PJSIP|SIP)/(?P<number>\+?\d+)@|(?:SIP|IAX2|DAHDI|ZAP)/[^/@,&]+/(?P<after>\+?\d+)", re.IGNORECASE
)


class Endpoint(NamedTuple):
    """What stands behind a channel."""

    kind: Kind
    name: str
    """Of a trunk or a telephone its name; of a Local channel what was dialled through it."""


NOBODY = Endpoint("unknown", "")


class Endpoints:
    """Tells channels of one store apart.

    Args:
        trunks: Names of its trunks as they stand in channel names; empty where none is known.
    """

    def __init__(self, trunks: Iterable[str]) -> None:
        self._trunks = {name.casefold() for name in trunks}
        self._longest = LONGEST_EXTENSION if self._trunks else LONGEST_PROBABLE_EXTENSION
        self._known: dict[str, Endpoint] = {}

    def of(self, channel: str) -> Endpoint:
        """What stands behind a channel such as ``PJSIP/100-00000007``."""
        name = channel.rpartition("-")[0] or channel
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            found = self._known[name] = self._tell(name)
        return found

    def called(self, channel: str, dialled: str) -> Endpoint:
        """The same for a called channel, of which the arguments of ``Dial`` are known too."""
        found = self.of(channel)
        if found.kind == "unknown" and found.name and _DIALLED_TRUNK.match(dialled):
            return Endpoint("trunk", found.name)
        return found

    def _tell(self, channel: str) -> Endpoint:
        technology, _, name = channel.partition("/")
        if not name:
            return NOBODY
        if technology == "Local":
            return Endpoint("local", name.partition("@")[0])
        if name.casefold() in self._trunks:
            return Endpoint("trunk", name)
        if technology.upper() in _ANALOG:
            # i<span>/<number>: an ISDN line; a bare number may be an analog line or an analog telephone.
            return Endpoint("trunk", name.partition("/")[0]) if name[:1] == "i" else Endpoint("unknown", name)
        if name.isascii() and name.isdigit() and len(name) <= self._longest:
            return Endpoint("extension", name)
        return Endpoint("unknown", name)


def comes_from_trunk(context: str) -> bool:
    """FreePBX lets only trunks begin in such a context (FreePBX 15 to 17, extensions.conf)."""
    return context.startswith(_TRUNK_CONTEXTS)


def comes_from_phone(context: str) -> bool:
    """FreePBX lets only its own telephones, and what they dial, begin in such a context."""
    return context.startswith("from-internal")


def sent_number(dialled: str) -> str:
    """The number that was sent to a trunk, from the arguments of ``Dial``; empty where there is none."""
    found = _SENT_TO_TRUNK.match(dialled)
    return (found["number"] or found["after"]) if found else ""


def half(channel: str) -> str:
    """The other half of a Local channel: ``…;2`` for ``…;1``; empty for any other channel."""
    return channel[:-1] + "2" if channel.endswith(";1") else ""
