"""What a power cut can leave of a SQLite file and its log, on a disk that did not write all that it said."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

PAGE = 4096
SECTOR = 512


class Image(NamedTuple):
    """The spool's file and the log beside it, as they stood at one moment."""

    file: bytes
    log: bytes

    @classmethod
    def of(cls, spool: Path) -> "Image":
        """Read both; the log is empty where there is none."""
        log = spool.with_name(spool.name + "-wal")
        return cls(spool.read_bytes(), log.read_bytes() if log.exists() else b"")

    def put(self, spool: Path) -> None:
        """Make it what the disk holds; what readers and writers shared in memory is gone."""
        spool.parent.mkdir(parents=True, exist_ok=True)
        spool.write_bytes(self.file)
        log = spool.with_name(spool.name + "-wal")
        log.write_bytes(self.log) if self.log else log.unlink(missing_ok=True)
        spool.with_name(spool.name + "-shm").unlink(missing_ok=True)


Tear = Callable[[Image, Image, random.Random], Image]
"""An earlier state, the last one, and chance: what is found after the power is back."""


def _zeros(content: bytes, size: int, chance: random.Random, parts: int) -> bytes:
    torn = bytearray(content)
    for _ in range(parts):
        at = chance.randrange(max(1, len(torn) // size)) * size
        torn[at : at + size] = bytes(len(torn[at : at + size]))
    return bytes(torn)


def _stale(earlier: bytes, last: bytes, chance: random.Random, share: float) -> bytes:
    torn = bytearray(last)
    for at in range(0, min(len(earlier), len(last)), PAGE):
        if chance.random() < share:
            torn[at : at + PAGE] = earlier[at : at + PAGE]
    return bytes(torn)


def _garbage(content: bytes, chance: random.Random) -> bytes:
    torn = bytearray(content)
    at = chance.randrange(max(1, len(torn) // SECTOR)) * SECTOR
    torn[at : at + SECTOR] = chance.randbytes(len(torn[at : at + SECTOR]))
    return bytes(torn)


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


HONEST: dict[str, Tear] = {
    "killed": lambda _earlier, last, _chance: last,
    "log cut": lambda _earlier, last, chance: Image(last.file, _cut(last.log, chance)),
    "log ends in zeros": lambda _earlier, last, chance: Image(
        last.file, (kept := _cut(last.log, chance)) + bytes(len(last.log) - len(kept))
    ),
    "log garbled": lambda _earlier, last, chance: Image(last.file, _garbage(last.log, chance)),
}
"""What a disk may do that keeps SQLite's order of writing: the last transactions are undone, no more."""

LYING: dict[str, Tear] = {
    "log lost": lambda _earlier, last, _chance: Image(last.file, b""),
    "file older than log": lambda earlier, last, _chance: Image(earlier.file, last.log),
    "log older than file": lambda earlier, last, _chance: Image(last.file, earlier.log),
    "pages older": lambda earlier, last, chance: Image(
        _stale(earlier.file, last.file, chance, 0.3), last.log
    ),
    "pages of zeros": lambda _earlier, last, chance: Image(_zeros(last.file, PAGE, chance, 2), last.log),
    "sectors of zeros": lambda _earlier, last, chance: Image(_zeros(last.file, SECTOR, chance, 3), last.log),
    "first page of zeros": lambda _earlier, last, _chance: Image(bytes(PAGE) + last.file[PAGE:], last.log),
    "all of zeros": lambda _earlier, last, _chance: Image(bytes(len(last.file)), last.log),
    "sector garbled": lambda _earlier, last, chance: Image(_garbage(last.file, chance), last.log),
    "file cut": lambda _earlier, last, chance: Image(_cut(last.file, chance), last.log),
    "file empty": lambda _earlier, last, _chance: Image(b"", last.log),
}
"""What only one does that claims to have written what it has not."""

KINDS = {**HONEST, **LYING}
