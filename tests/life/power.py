"""Power cuts: all of a chain's PCs lose it at once, and each disk keeps something else of the spool."""

import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from tests.life.pc import StorePc
from tests.life.torn import Image, Tear
from tests.shipper.store import eventually

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
DAMAGED = "*.damaged-*Z"
NOTHING_LEFT = "all of zeros"
"""Nothing is in the log either, so that this one is damaged for sure."""


class Machine:
    """The kernel's id of a start, as a PC's programs see it: a mount of their own over the file.

    Args:
        folder: Where the file lies.
        chance: Draws the ids.
    """

    def __init__(self, folder: Path, chance: random.Random) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "boot_id"
        self._chance = chance
        self.boot()
        mount = f'mount --bind "{self._file}" {BOOT_ID} && exec "$@"'
        self.prefix = ("unshare", "--mount", "sh", "-c", mount, "sh")

    def boot(self) -> None:
        """Another start; the file itself stays, for it is mounted."""
        self._file.write_text(f"{UUID(int=self._chance.getrandbits(128), version=4)}\n")

    def works(self) -> bool:
        """Whether the system lets us mount."""
        return subprocess.run([*self.prefix, "true"], capture_output=True, check=False).returncode == 0


@dataclass
class Torn:
    """A PC, what its disk does in a power cut, and how its spool stood at an earlier moment."""

    pc: StorePc
    machine: Machine
    kind: str
    tear: Tear
    earlier: Image | None = None

    @property
    def moved(self) -> int:
        """How many spools were found damaged and moved aside."""
        return sum(1 for _ in self.pc.spool.parent.glob(DAMAGED))


def power_cut(
    torn: list[Torn], chance: random.Random, cut_off: Callable[[], None], back: Callable[[], None]
) -> None:
    """Let PCs telephone, take head office away so that documents wait, and then the power.

    Args:
        torn: The PCs; their agents run.
        chance: Decides what is left on their disks.
        cut_off: Takes head office away.
        back: Brings it back.
    """
    for one in torn:
        one.pc.telephone(30, yesterday=True)
    for one in torn:
        one.pc.delivered()
        if chance.random() < 0.7:
            _checkpoint(one.pc.spool)
        one.earlier = _frozen(one.pc)
    cut_off()
    for one in torn:
        one.pc.telephone(20, yesterday=True)
        one.pc.telephone(10)
    for one in torn:
        eventually(lambda one=one: one.pc.waiting() >= 30, f"{one.pc.store}: 30 rows in the spool")
        if one.kind == NOTHING_LEFT:
            _checkpoint(one.pc.spool, "TRUNCATE")
        elif chance.random() < 0.5:
            _checkpoint(one.pc.spool)
            one.pc.telephone(5)
    time.sleep(chance.uniform(0, 1))
    for one in torn:
        last = _frozen(one.pc)
        one.pc.off(signal.SIGKILL)
        assert one.earlier is not None
        one.tear(one.earlier, last, chance).put(one.pc.spool)
        one.machine.boot()
    back()
    for one in torn:
        one.pc.on()


def _frozen(pc: StorePc) -> Image:
    """Its spool at one moment."""
    pc.signal(signal.SIGSTOP)
    try:
        return Image.of(pc.spool)
    finally:
        pc.signal(signal.SIGCONT)


def _checkpoint(spool: Path, how: str = "PASSIVE") -> None:
    """What SQLite does by itself when its log has grown: the pages go into the file."""
    with closing(sqlite3.connect(spool, timeout=10)) as connection:
        connection.execute(f"PRAGMA wal_checkpoint({how})").fetchall()
