"""The spool's tables, and how its file is opened."""

import re
import sqlite3
from errno import EDQUOT, ENOSPC
from pathlib import Path

from shipper.errors import DiskFullError, SpoolDamagedError, SpoolError

VERSION = 4

_NO_ROOM = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_SHMSIZE,  # the file beside it in which readers and writers meet
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_KIND = 0xFF
"""The part of SQLite's extended codes that says which kind of error it is (sqlite.org/rescode.html)."""
_UNREADABLE = "Could not decode"
"""How Python tells a text that is no UTF-8, for which SQLite has no code; the agent writes none."""

TABLES = """
CREATE TABLE documents (  -- waiting for their acknowledgement, in the order in which they were read
    seq INTEGER PRIMARY KEY, idx TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, spooled REAL NOT NULL,
    operation TEXT NOT NULL DEFAULT 'create'
);
CREATE TABLE buckets (  -- what was read of each ten minutes of calldate: the reading position
    bucket TEXT PRIMARY KEY, rows INTEGER NOT NULL, crc INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE seen (  -- which rows, as long as more may appear beside them
    bucket TEXT NOT NULL, id BLOB NOT NULL, PRIMARY KEY (bucket, id)
) WITHOUT ROWID;
CREATE TABLE backfills (  -- spans that somebody asked to have read again
    number INTEGER PRIMARY KEY, since TEXT NOT NULL, until TEXT NOT NULL, requested REAL NOT NULL
);
CREATE TABLE refused (  -- what even the quarantine did not take
    number INTEGER PRIMARY KEY, idx TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
    reason TEXT NOT NULL, refused REAL NOT NULL
);
CREATE TABLE unsettled (  -- calls of which rows were read and that are not sent yet
    linked TEXT PRIMARY KEY, first TEXT NOT NULL, last TEXT NOT NULL, due REAL NOT NULL,
    generation INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE heard (  -- calls that AMI heard, until the table has a row of them, or the look-back is over
    linked TEXT PRIMARY KEY, due REAL NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
"""

_NAMES = set(re.findall(r"CREATE TABLE (\w+)", TABLES))
_UNSETTLED = TABLES[TABLES.index("CREATE TABLE unsettled") : TABLES.index("CREATE TABLE heard")]
_HEARD = TABLES[TABLES.index("CREATE TABLE heard") : TABLES.index("CREATE TABLE counters")]
_OPERATION = "ALTER TABLE documents ADD COLUMN operation TEXT NOT NULL DEFAULT 'create';"
_FORGET_READ = "DELETE FROM buckets; DELETE FROM seen;"
"""What an older version sent is sent again: version 1 knew no calls, version 2 other ``_id``s."""
_TO_3 = "DELETE FROM documents; DELETE FROM unsettled;"
"""What waits has the old ``_id``s; it is read again."""
_STEPS = {1: f"{_OPERATION} {_UNSETTLED} {_TO_3} {_FORGET_READ}", 2: f"{_TO_3} {_FORGET_READ}", 3: ""}
"""What brings an older version up to version 3; the rest is the same for all."""


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the spool's file, making it where it is not there yet.

    ``synchronous=NORMAL`` in WAL mode never corrupts; a power cut may undo the last transactions,
    and since documents and reading position share one, what is undone is simply read again.

    Raises:
        SpoolError: The file cannot be made, is no spool, or is of a newer version.
    """
    if read_only and not path.exists():
        raise SpoolError(
            f"{path} does not exist", "no agent has run with this configuration yet", permanent=True
        )
    try:
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path, read_only=read_only)
        except BaseException:
            connection.close()  # on a full disk it is tried again and again
            raise
    except (sqlite3.Error, OSError) as error:
        raise explain(error, path) from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    if not read_only:
        path.chmod(0o600)  # call records are personal data
    connection.execute("PRAGMA cache_size=-1024")
    connection.execute("PRAGMA journal_size_limit=8388608")
    connection.execute("PRAGMA wal_autocheckpoint=2000")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    _compare(path, version, names)
    if version == 0 and not read_only:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version={VERSION}; COMMIT;")
    elif version in _STEPS and not read_only:
        steps = f"{_STEPS[version]} {_HEARD} PRAGMA user_version={VERSION};"
        connection.executescript(f"BEGIN IMMEDIATE; {steps} COMMIT;")
    elif version != VERSION:
        raise _other_version(path, version)
    connection.execute("PRAGMA synchronous=NORMAL")


def _compare(path: Path, version: int, names: set[str]) -> None:
    """Whether the tables are those of the version, as the two are written together."""
    whole, some = names >= _NAMES, bool(names & _NAMES)
    if version == 0 and names and not whole:
        raise SpoolError(f"{path} is the database of another program", "set spool.path", permanent=True)
    if (version == 0 and whole) or (version == VERSION and not whole and (some or not names)):
        raise damaged(path, f"version {version} with the tables {', '.join(sorted(names)) or 'none'}")


def _other_version(path: Path, version: int) -> SpoolError:
    if version == 0:
        return SpoolError(
            f"{path} is no spool yet", "no agent has run with this configuration yet", permanent=True
        )
    if version < VERSION:
        hint = "start the agent, which brings it up to date: shipper run"
    else:
        hint = f"install the agent that wrote it, or move the file away: mv {path} {path}.old"
    problem = f"{path} is a spool of version {version}, this agent knows {VERSION}"
    return SpoolError(problem, hint, permanent=True)


def explain(error: Exception, path: Path) -> SpoolError:
    """The spool error behind one of SQLite or the operating system."""
    code = getattr(error, "sqlite_errorcode", None)
    errno = getattr(error, "errno", None)
    if code in _NO_ROOM or errno in (ENOSPC, EDQUOT):
        return DiskFullError(
            f"no room to write {path} ({error})",
            f"free space there (df -h {path.parent}) or move spool.path to a larger disk; nothing is lost",
        )
    unreadable = isinstance(error, sqlite3.Error) and str(error).startswith(_UNREADABLE)
    if unreadable or (code is not None and code & _KIND in _DAMAGED):
        return damaged(path, str(error))
    if isinstance(error, OSError):
        return SpoolError(
            f"{path} cannot be used ({error.strerror})",
            f"give the agent's user write access to {path.parent}, or set spool.path",
            permanent=True,
        )
    return SpoolError(
        f"{path}: {error}", f"check that {path.parent} exists and the agent's user may write there"
    )


def damaged(path: Path, why: str) -> SpoolDamagedError:
    """The error of a spool whose content cannot be right.

    Args:
        path: Of the spool.
        why: What was met.
    """
    return SpoolDamagedError(
        f"{path} is damaged ({why})",
        "the agent's next start moves it aside, and reads the rows again from the database without making "
        f"duplicates; by hand: mv {path} {path}.damaged",
        permanent=True,
    )
