"""The golden files: which stores and cases there are, read and checked."""

import csv
import json
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

HERE = Path(__file__).parent
NEEDED = ("calldate", "channel", "duration", "disposition", "uniqueid", "linkedid", "sequence")
INTEGERS = ("duration", "billsec", "amaflags", "sequence")
CLOCK_SECONDS = 24 * 3600
"""A uniqueid begins with its channel's creation, which is at most that long before a row of it."""


class CaseError(Exception):
    """A golden file that cannot be used; says which, where and what mends it."""


@dataclass(frozen=True)
class Case:
    """What happened once, as rows of ``cdr``.

    Attributes:
        file: The rows; the expected documents stand beside it.
        rows: Each row's columns as they stand in the file, in its order.
    """

    file: Path
    rows: tuple[dict[str, str], ...]

    @property
    def name(self) -> str:
        return self.file.stem

    @property
    def expected_file(self) -> Path:
        return self.file.with_suffix(".json")

    @property
    def expected(self) -> Any:
        """The documents as a person wrote or accepted them; nothing where there is no file yet."""
        if not self.expected_file.exists():
            return {}
        return json.loads(self.expected_file.read_text(encoding="utf-8"))

    @property
    def linked(self) -> set[str]:
        return {row["linkedid"] for row in self.rows}


@dataclass(frozen=True)
class GoldenStore:
    """One folder: a store's settings and its cases.

    Attributes:
        folder: Where they lie.
        settings: Sections of ``shipper.toml``, without those that every run sets anew.
        cases: In the order of their names.
    """

    folder: Path
    settings: dict[str, dict[str, Any]]
    cases: tuple[Case, ...]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings["store"]["timezone"])

    def columns(self, row: dict[str, str]) -> dict[str, Any]:
        """A row's columns as its document carries them where nothing is hidden: ``calldate`` in UTC."""
        found: dict[str, Any] = {
            name: int(text) if name in INTEGERS else text for name, text in row.items() if text
        }
        local = datetime.fromisoformat(row["calldate"]).replace(tzinfo=self.zone)
        found["calldate"] = local.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return {"amaflags": 0, "billsec": 0, **found}


def stores(names: Iterable[str] = (), root: Path = HERE) -> list[GoldenStore]:
    """All stores, or those that are named.

    Args:
        names: Of folders.
        root: Where the folders are.

    Raises:
        CaseError: A file cannot be used, or there is no such store.
    """
    folders = sorted(file.parent for file in root.glob("*/store.toml"))
    known = [folder.name for folder in folders]
    for name in names:
        if name not in known:
            raise CaseError(f"there is no store {name!r} in {root}: give one of {', '.join(known)}")
    chosen = set(names) or set(known)
    return [_store(folder) for folder in folders if folder.name in chosen]


def _store(folder: Path) -> GoldenStore:
    settings = tomllib.loads((folder / "store.toml").read_text(encoding="utf-8"))
    cases = tuple(Case(file, tuple(_rows(file))) for file in sorted(folder.glob("*.csv")))
    store = GoldenStore(folder, settings, cases)
    _check_apart(store)
    return store


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader((line for line in lines if not line.startswith("#")), strict=True)
        missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            raise CaseError(f"{file}: the header lacks {', '.join(missing)}: add these columns")
        number = 0
        for number, row in enumerate(reader, 1):
            if None in row or None in row.values():
                raise CaseError(f"{file}: row {number} has not as many fields as the header: mend its commas")
            yield row
        if not number:
            raise CaseError(f"{file}: there is no row below the header: add those of the call")


def _check_apart(store: GoldenStore) -> None:
    """Cases of one store share a table, so nothing of one may be taken for the other's."""
    owners: dict[str, Case] = {}
    rows: dict[tuple[str, str], Case] = {}
    for case in store.cases:
        for number, row in enumerate(case.rows, 1):
            place = f"{case.file}: row {number}"
            for name in ("linkedid", "uniqueid"):
                other = owners.setdefault(row[name], case)
                if other is not case:
                    raise CaseError(
                        f"{place}: {name} {row[name]} is used by {other.file.name} too: choose another one"
                    )
            key = (row["uniqueid"], row["sequence"])
            if key in rows:
                raise CaseError(
                    f"{place}: uniqueid {key[0]} with sequence {key[1]} was there before: number its rows"
                )
            rows[key] = case
            local = datetime.fromisoformat(row["calldate"]).replace(tzinfo=store.zone)
            created = int(row["uniqueid"].rpartition("-")[2].partition(".")[0])
            if not 0 <= local.timestamp() - created <= CLOCK_SECONDS:
                raise CaseError(
                    f"{place}: uniqueid {row['uniqueid']} does not fit calldate {row['calldate']} "
                    f"({int(local.timestamp())} in {store.zone.key}): begin it with the channel's creation"
                )
