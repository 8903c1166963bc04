"""The settings of a new bundle beside those that are installed: which of them count; pure."""

import re
from dataclasses import dataclass
from typing import Final

from deploy.linux.bundle import store_of

_AMI: Final = re.compile(r"^\[ami\][^\n]*$", re.MULTILINE)


@dataclass(frozen=True)
class Decision:
    """What becomes of `shipper.toml`.

    Attributes:
        text: that it will have; None: it stays.
        bundled: what `bundle.toml` will have; None: it stays.
        edited: what is there was edited by hand, and is kept beside the new text.
        other: id of another store that is installed here; empty: there is none.
    """

    text: str | None
    bundled: str | None
    edited: bool
    other: str


def decide(new: str, settings: str | None, bundled: str | None) -> Decision:
    """Compare a bundle's settings with those of the machine.

    Args:
        new: the bundle's, fitted to the machine.
        settings: `shipper.toml`; None: there is none.
        bundled: `bundle.toml`, what was installed last; None: there is none.
    """
    if settings is None:
        return Decision(new, None if bundled == new else new, edited=False, other="")
    here, there = store_of(settings), store_of(new)
    other = here if here and here != there else ""
    if bundled == new:  # what head office says is known here; whatever was edited since stays
        return Decision(None, None, edited=False, other=other)
    edited = settings not in (bundled, new)
    return Decision(None if settings == new else new, new, edited=edited, other=other)


def fitted(text: str, ami_port: int | None) -> str:
    """A bundle's settings for this PBX.

    Args:
        text: as head office made it.
        ami_port: where Asterisk's manager interface listens; None: where the settings say.
    """
    if ami_port is None:
        return text
    line = f"port = {ami_port}  # as in this PBX's manager.conf"
    if _AMI.search(text):
        return _AMI.sub(lambda head: f"{head[0]}\n{line}", text, count=1)
    return f"{text.rstrip()}\n\n[ami]\n{line}\n"
