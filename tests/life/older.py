"""The MariaDB of Debian 12, on which FreePBX 17 runs: to be upgraded to the one of the other tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from compose.stack import download, mariadb
from compose.stack.parts import MARIADB_VERSION, Part, mariadb_parts
from compose.stack.paths import make_cache_dir
from compose.stack.progress import Progress, silent

VERSION = "10.11.5"
ABSENT = f"MariaDB {VERSION} was not fetched yet: python -m tests.life --upgrade does it (140 MB)"


def home(progress: Progress = silent) -> Path:
    """Its directory; fetched first if it is not there.

    Raises:
        StackError: It cannot be fetched.
    """
    return download._ensure(f"MariaDB {VERSION}", _parts(), _assemble, progress)


def is_there() -> bool:
    """Whether it was fetched."""
    return any(make_cache_dir().glob(f"mariadb-{VERSION}-*"))


@contextmanager
def servers_are_older() -> Iterator[None]:
    """Each `MariaDB` that is started in this block is the older one."""
    newer, mariadb.mariadb_home = mariadb.mariadb_home, home
    try:
        yield
    finally:
        mariadb.mariadb_home = newer


def _parts() -> list[Part]:
    (part,) = mariadb_parts()
    return [replace(part, alone=tuple(name.replace(MARIADB_VERSION, VERSION) for name in part.alone))]


def _assemble(fetched: Path, grown: Path) -> None:
    """With the system tables under the names that they have since MariaDB 11."""
    download._assemble_mariadb(fetched, grown)
    for file in (grown / "share").glob("mysql_*.sql"):
        shutil.copy(file, file.with_name(file.name.replace("mysql_", "mariadb_", 1)))
