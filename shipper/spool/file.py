"""One connection to the spool's file, and the transactions on it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shipper.spool.schema import connect, explain

MIB = 1024 * 1024


class SpoolFile:
    """The file behind a `Spool`.

    Args:
        path: The file.
        max_mib: How large its content may grow before `Spool.add` refuses more.
        read_only: For looking only (``shipper status``).
    """

    def __init__(self, path: Path, max_mib: int = 512, *, read_only: bool = False) -> None:
        self.path = path
        self._limit = max_mib * MIB
        self._db = connect(path, read_only=read_only)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _count(self, counts: dict[str, int]) -> None:
        for name, value in counts.items():
            if value:
                self._db.execute(
                    "INSERT INTO counters VALUES (?, ?) "
                    "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                    (name, value),
                )

    def _note(self, name: str, value: str, now: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (name, value, now))
