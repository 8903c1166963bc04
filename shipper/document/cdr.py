"""A row of the ``cdr`` table to a document: pure, in the store's zone, never losing a row."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shipper.document.clock import Moment, StoreClock, created_at, plausible
from shipper.document.identity import Row, identify
from shipper.document.model import Document, Operation, Origin, encode
from shipper.document.privacy import Privacy
from shipper.document.quarantine import LONGEST, Quarantine
from shipper.document.text import brief, readable
from shipper.document.validate import Invalid, validator

DATASET = "pabx.cdr"
INTEGERS = ("duration", "billsec", "amaflags", "sequence")
SECONDS = ("duration", "billsec")
LARGEST_INT = 2**31 - 1
LARGEST_BIGINT = 2**63 - 1
LONGEST_TEXT = 8191
"""Characters of a text by the schema; a whole document that is no longer has none that is."""
SHAPES = 4096
"""Sets of columns, of which a document was held against the schema, that are remembered: a store has some
dozens. Another document of the same columns, with texts and numbers in their bounds, is valid too."""


class Read(NamedTuple):
    """A row as it was understood: the columns in clear, and when the leg began."""

    cdr: dict[str, Any]
    moment: Moment | None
    problems: list[tuple[str, str]]


class CdrBuilder:
    """Builds the documents of one store's table.

    Args:
        origin: Store and agent.
        columns: The table's real columns, in the order of a row.
        privacy: What may leave the store in clear.
    """

    def __init__(self, origin: Origin, columns: Sequence[str], privacy: Privacy) -> None:
        self.columns = tuple(columns)
        self.identity = identify(origin.store_id, self.columns)
        self.clock = StoreClock(origin.timezone)
        self._quarantine = Quarantine(origin)
        self._validate = validator("cdr")
        # A dot in a custom column's name would open a nested object.
        self._names = _field_names(self.columns)
        self._integers = tuple(name for name in INTEGERS if name in self.columns)
        store = {"id": origin.store_id, "timezone": origin.timezone}
        self._ours = f'"store":{encode(store)},"agent":{encode({"version": origin.version})}'
        self._privacy = privacy
        self._shapes: set[tuple[str, ...]] = set()

    def read(self, row: Row) -> Read:
        """Understand a row.

        Args:
            row: The columns as the server sent them.
        """
        problems: list[tuple[str, str]] = []
        cdr = self._columns(row, problems)
        return Read(cdr, self._moment(cdr, problems), problems)

    def build(self, read: Read, created: str, key: str, call_id: str, sequence: int = 0) -> Document:
        """The row's document, or the quarantined one that says why it cannot be built.

        Args:
            read: The row.
            created: ``event.created``: when the agent read it, UTC in ISO 8601.
            key: The row's ``_id``, by `identity`.
            call_id: Of the call that the row belongs to, as far as that is known.
            sequence: Of a newer state of the document; 0 for the first one, which is created only once.
        """
        cdr, moment, problems = read
        if self._privacy.active:
            cdr = self._privacy.columns(cdr)
        if moment is None:
            words = f"cdr.calldate {brief(str(cdr.get('calldate', '')))!r} is no date"
            reason = Invalid("cdr.calldate", "date", words)
            return self._refuse(key, "", cdr, reason, created)
        start = self.clock.iso(moment.epoch)
        index = f"pabx-cdr-{start[:4]}.{start[5:7]}"
        operation: Operation = "index" if sequence else "create"
        duration = cdr.get("duration")
        end = ""
        if isinstance(duration, int) and duration <= LARGEST_INT:
            end = self.clock.iso(moment.epoch + duration)
        text = (
            f'{{"@timestamp":"{start}","event":{{"id":"{key}","kind":"event","dataset":"{DATASET}",'
            f'"created":"{created}","start":"{start}"'
        )
        if end:
            text += f',"end":"{end}"'
        if sequence:
            text += f',"sequence":{sequence}'
        text += (
            f'}},{self._ours},"local":{{"date":"{moment.date}","hour":{moment.hour},'
            f'"weekday":{moment.weekday}}},"call":{{"id":"{call_id}"}},"cdr":{encode(cdr)}'
        )
        if problems:
            tags = sorted({tag for tag, _ in problems})
            message = brief("; ".join(text for _, text in problems), LONGEST)
            text += f',"tags":{encode(tags)},"error":{encode({"message": message})}'
        text += "}"
        shape = tuple(cdr)
        if problems or shape not in self._shapes or len(text) > LONGEST_TEXT or not self._has_numbers(cdr):
            document = json.loads(text)
            invalid = self._validate(document)
            if invalid is not None:
                return self._refuse(key, index, document, invalid, created)
            if len(self._shapes) < SHAPES:
                self._shapes.add(shape)
        return Document(index, key, text.encode(), operation)

    def _has_numbers(self, cdr: dict[str, Any]) -> bool:
        """The columns of whole numbers hold such, and no larger ones than the schema takes."""
        for name in self._integers:
            value = cdr.get(name, 0)
            if type(value) is not int or not -LARGEST_INT <= value <= LARGEST_INT:
                return False
        return True

    def _columns(self, row: Row, problems: list[tuple[str, str]]) -> dict[str, Any]:
        """The columns that hold something, as text and numbers."""
        try:
            cdr: dict[str, Any] = {
                name: raw.decode() for name, raw in zip(self._names, row, strict=True) if raw
            }
        except UnicodeDecodeError:
            cdr = {
                name: readable(name, raw, problems) for name, raw in zip(self._names, row, strict=True) if raw
            }
        for name in self._integers:
            text = cdr.get(name)
            if text is not None:
                try:
                    number = int(text)
                except ValueError:
                    continue  # the schema refuses it, with its path
                if not -LARGEST_BIGINT <= number <= LARGEST_BIGINT:
                    continue  # likewise; as a number no output could carry it into the quarantine
                cdr[name] = number
                if number < 0 and name in SECONDS:
                    # The clock was set back in mid-call: a sum must not shrink by it.
                    del cdr[name]
                    problems.append((f"{name}_negative", f"cdr.{name} {number} is negative, left out"))
        return cdr

    def _moment(self, cdr: dict[str, Any], problems: list[tuple[str, str]]) -> Moment | None:
        """When the leg began; sets ``cdr.calldate`` to UTC, or drops it where it is no date."""
        text = cdr.get("calldate", "")
        uniqueid = cdr.get("uniqueid", "")
        moment = self.clock.moment(text, uniqueid)
        if moment is not None:
            cdr["calldate"] = self.clock.iso(moment.epoch)
            return moment
        created = created_at(uniqueid)
        if created is None or not plausible(datetime.fromtimestamp(created, UTC).year):
            return None
        cdr.pop("calldate", None)
        problems.append(
            (
                "calldate_from_uniqueid",
                f"cdr.calldate {brief(text)!r} is no date, @timestamp is the uniqueid's",
            )
        )
        return self.clock.local(created)

    def _refuse(self, key: str, index: str, document: Any, reason: Invalid, created: str) -> Document:
        return self._quarantine.document(
            key,
            stage="document",
            dataset=DATASET,
            index=index,
            document=document,
            reason=reason,
            created=created,
        )


def _field_names(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns' names as fields; two that become the same are told apart."""
    names: list[str] = []
    for column in columns:
        name = column.replace(".", "_")
        while name in names or (name != column and name in columns):
            name += "_"
        names.append(name)
    return tuple(names)
