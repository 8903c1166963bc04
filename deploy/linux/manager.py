"""Asterisk's manager interface: what its files say, and the user of the agent in one of them; pure.

The shape of the files is that of Asterisk's configuration: sections in brackets, `;` begins a comment,
`#include` takes in others (docs/shipper.md says what the agent's user may do, and why).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shipper.config import AmiSettings
from shipper.sources.ami.rights import stanza

CUSTOM: Final = "manager_custom.conf"
"""Where FreePBX leaves users of one's own alone."""
MAIN: Final = "manager.conf"
MADE: Final = "; Made by the installer of pabx-shipper: there was no such file.\n"
"""How a file begins that is not there without the agent."""
_PLACE: Final = "THE-SECRET-OF-shipper.toml"
_BEGIN: Final = "; Made by the installer of pabx-shipper, and taken out again by: shipper uninstall"
_END: Final = "; End of pabx-shipper."
_BLOCK: Final = re.compile(rf"\n{re.escape(_BEGIN)}\n.*?\n{re.escape(_END)}\n", re.DOTALL)
_SECTION: Final = re.compile(r"^\s*\[([^\]]+)\]")
_OFF: Final = {"no", "false", "off", "0", "n", "f"}


@dataclass(frozen=True)
class General:
    """What `manager.conf` says of the interface as a whole.

    Attributes:
        enabled: it is on.
        port: TCP.
        address: that it listens on; `0.0.0.0` is every one.
        includes: it takes in the file of one's own users.
    """

    enabled: bool
    port: int
    address: str
    includes: bool


def general(text: str) -> General:
    """Read the text of `manager.conf`."""
    values = sections(text).get("general", {})
    port = values.get("port", "5038")
    included = any(
        line.strip().startswith(("#include", "#tryinclude")) and CUSTOM in line.partition(";")[0]
        for line in text.splitlines()
    )
    return General(
        enabled=values.get("enabled", "no").lower() not in _OFF,
        port=int(port) if port.isdecimal() else 5038,
        address=values.get("bindaddr", "0.0.0.0"),  # noqa: S104  # Asterisk's own default, which is told
        includes=included,
    )


def sections(text: str) -> Mapping[str, Mapping[str, str]]:
    """All sections with their settings; of two that have one name, the later settings."""
    found: dict[str, dict[str, str]] = {}
    inside: dict[str, str] = {}
    for line in text.splitlines():
        if match := _SECTION.match(line):
            inside = found.setdefault(match[1].strip(), {})
        else:
            name, equals, value = line.partition(";")[0].partition("=")
            if equals:
                inside[name.strip().lower()] = value.removeprefix(">").strip()
    return found


def foreign_secret(text: str, username: str) -> str | None:
    """The secret of a user of that name whom somebody else made; None: there is none."""
    found = sections(without_block(text)).get(username)
    return None if found is None else found.get("secret", "")


def with_block(text: str, settings: AmiSettings, secret: str) -> str:
    """The text with the agent's user, just once, at its end.

    Args:
        text: of the file; empty where it is not there yet.
        settings: `[ami]`.
        secret: of the user.
    """
    lines = stanza(settings).replace(_PLACE, secret)
    return without_block(text) + f"\n{_BEGIN}\n{lines}\n{_END}\n"


def without_block(text: str) -> str:
    """The text as it was before `with_block`, byte by byte."""
    return _BLOCK.sub("", text)


def has_block(text: str) -> bool:
    """Whether the agent's user is in it."""
    return bool(_BLOCK.search(text))
