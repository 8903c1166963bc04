"""A spool that a power cut or a failing disk has damaged: found at the start, moved aside, begun anew.

SQLite itself survives a power cut, where the disk writes what it says that it has written; pages that a disk
lost or left as they were it can only find. All that the spool holds of the table's rows can be read again, so
a file that cannot be trusted is worth less than none. What only looks alike is left alone: a spool that is
locked, a disk without room, a file of another version, and whatever is no SQLite file at all.
"""

import calendar
import logging
import re
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from shipper.errors import DiskFullError, SpoolDamagedError, SpoolError
from shipper.spool.schema import connect, damaged, explain

log = logging.getLogger("shipper.spool")

DAMAGE = "damage"
"""The note of a new spool: what became of the one before."""
KEPT = 3
"""Damaged files that are kept for a person, with call records in them."""
KEPT_SECONDS = 30 * 86400.0
CALM_SECONDS = 3600.0
"""So many within this time are no accident: the disk fails, and reading all anew each time mends nothing."""
DISTRUSTED_SECONDS = 2 * 86400.0
BOOT = Path("/proc/sys/kernel/random/boot_id")
"""The kernel's, random(4)."""

_BOOT = "boot"
"""The note of the start of the machine under which the spool was opened last."""
_MAGIC = b"SQLite format 3\0"
_LOG_MAGIC = {b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"}
"""How a file beside it begins that holds transactions (sqlite.org/fileformat2.html, 4.1)."""
_BESIDE = ("-wal", "-shm")
_STAMP = "%Y%m%dT%H%M%SZ"


def mend(path: Path, boot: Path = BOOT) -> None:
    """Look through the whole spool, and move it aside where it is damaged. Whoever calls holds its lock.

    A full one of 512 MiB takes 0.3 s of processor time, a usual one a few milliseconds. Where the machine
    went down under the agent, a sound spool may still lack what was written last, so the last two days are
    read again: what was lost of older ones the nightly account brings back.

    Args:
        path: Of the spool; it may not be there yet.
        boot: Has another content each time the machine starts.

    Raises:
        SpoolError: It is damaged and stays where it is, for a person: too many were, or it is no spool.
        SpoolError: It cannot be opened for another reason.
    """
    _remove_old(path)
    cut_off = _size(path.with_name(path.name + "-wal")) > 0
    try:
        with closing(connect(path)) as connection:
            _look_through(connection, path)
            with suppress(DiskFullError):  # then it cannot be begun anew either
                _distrust(connection, path, _text(boot), cut_off=cut_off)
    except SpoolDamagedError as error:
        set_aside(path, error)


def set_aside(path: Path, error: SpoolDamagedError) -> SpoolError:
    """Move a damaged spool away and begin a new one that says so; whoever calls holds its lock.

    Args:
        path: Of the spool.
        error: What was found.

    Returns:
        What to tell whoever waits for this agent.

    Raises:
        SpoolError: It stays where it is.
    """
    if not _is_ours(path):
        raise error
    now = time.time()
    recent = [at for _, at in _kept(path) if 0 <= now - at < CALM_SECONDS]
    if len(recent) >= KEPT:
        raise SpoolError(
            f"{error.problem}, and {len(recent)} were within the last hour",
            f"the disk of {path.parent} may be failing: look at dmesg, or move spool.path to another disk; "
            "it is tried again an hour later",
            permanent=True,
        ) from error
    target = path.with_name(f"{path.name}.damaged-{time.strftime(_STAMP, time.gmtime(now))}")
    try:
        # The file itself goes last: what is left of one that is cut off here is found again.
        for suffix in (*_BESIDE, ""):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
    except OSError as failed:
        raise explain(failed, path) from failed
    log.error("%s; it is %s now, and all rows are read again", error.problem, target)
    for old, _ in _kept(path)[KEPT:]:
        _remove(old)
    text = f"begun anew: {error.problem}; it is kept as {target.name}"
    with closing(connect(path)) as connection:
        connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (DAMAGE, text, now))
    return SpoolError(
        f"{error.problem} and was moved to {target}", "start the agent again: it reads the rows again"
    )


def _look_through(connection: sqlite3.Connection, path: Path) -> None:
    try:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise explain(error, path) from error
    if found != "ok":
        raise damaged(path, found)


def _distrust(connection: sqlite3.Connection, path: Path, boot: str, *, cut_off: bool) -> None:
    """Forget that the last days were read, where an earlier start of the machine left the spool open."""
    try:
        found = connection.execute("SELECT value FROM notes WHERE name = ?", (_BOOT,)).fetchone()
        if found == (boot,):
            return
        connection.execute("BEGIN IMMEDIATE")
        if found is not None and cut_off:
            first = time.strftime("%Y-%m-%d", time.gmtime(time.time() - DISTRUSTED_SECONDS))
            connection.execute("DELETE FROM buckets WHERE bucket >= ?", (first,))
            connection.execute("DELETE FROM seen WHERE bucket >= ?", (first,))
            log.warning("the machine went down under the agent: rows since %s are read again", first)
        connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (_BOOT, boot, time.time()))
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise explain(error, path) from error


def _is_ours(path: Path) -> bool:
    """It is a SQLite file, or was one: a wrong `spool.path` must not move a stranger's file."""
    head = _head(path, len(_MAGIC))
    return (
        head == _MAGIC[: len(head)]
        or not any(head)
        or _head(path.with_name(path.name + "-wal"), 4) in _LOG_MAGIC
    )


def _head(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b"?"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _kept(path: Path) -> list[tuple[Path, float]]:
    """The damaged ones beside a spool and when they were moved (seconds since 1970), the latest first."""
    name = re.compile(rf"{re.escape(path.name)}\.damaged-(\d{{8}}T\d{{6}}Z)")
    found: Iterable[tuple[Path, re.Match[str] | None]] = (
        (one, name.fullmatch(one.name)) for one in path.parent.iterdir()
    )
    dated = ((one, time.strptime(match[1], _STAMP)) for one, match in found if match is not None)
    return sorted(((one, calendar.timegm(at)) for one, at in dated), key=lambda pair: -pair[1])


def _remove_old(path: Path) -> None:
    if path.parent.is_dir():
        for old, at in _kept(path):
            if at < time.time() - KEPT_SECONDS:
                _remove(old)


def _remove(file: Path) -> None:
    for suffix in ("", *_BESIDE):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
