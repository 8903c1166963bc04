"""The call's JSON, put together from parts that many calls share.

Each distinct part is encoded, and held against the schema, once; what is different in every call (its
identity, its times, its seconds) is checked by its form. A document of which anything is out of the
ordinary is held against the schema as a whole. Encoding and validating each call from scratch takes a
third of the agent's work for it.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from shipper.document.clock import StoreClock
from shipper.document.model import Document, Origin, encode
from shipper.document.quarantine import Quarantine
from shipper.document.validate import part_validator, validator

DATASET = "pabx.call"
INDEX = "pabx-calls"
KEPT = 1024
"""Parts of one kind that are remembered: the people whom a store telephones with in a day or two."""
LARGEST = 2**31 - 1
LONGEST = 256


class Told(NamedTuple):
    """The fields of ``call`` that are words: they repeat from call to call. Empty ones are left out."""

    direction: str
    outcome: str
    answered: bool
    missed: bool
    transferred: bool
    category: str
    did: str = ""
    trunk: str = ""
    queue: str = ""
    group: str = ""
    billable_trunk: str = ""
    billable_category: str = ""
    carrier_code: str = ""
    collect: bool | None = None

    def fields(self) -> dict[str, Any]:
        """As the document has them."""
        return {name: value for name, value in self._asdict().items() if value not in {"", None}}


class Party(NamedTuple):
    """One side of a call; what is not known is empty."""

    number: str = ""
    e164: str = ""
    name: str = ""
    extension: str = ""

    def fields(self) -> dict[str, Any]:
        """As the document has them."""
        return {name: value for name, value in self._asdict().items() if value}


NOBODY = Party()


class Draft(NamedTuple):
    """What a call's document says, sorted by how often it changes from call to call."""

    linked: Sequence[str]
    """Its linkedids, the oldest first."""
    begin: int
    """Seconds since 1970."""
    seconds: dict[str, int]
    """Fields of ``call`` that are whole numbers."""
    answered_by: Sequence[str]
    told: Told
    prefix: str
    """``+`` and digits, or empty."""
    source: Party
    destination: Party
    tags: Sequence[str]


class CallWriter:
    """Writes the calls of one store.

    Args:
        origin: Store and agent.
        identity: Gives a call its ``_id`` from its first linkedid.
    """

    def __init__(self, origin: Origin, identity: Callable[[str], str]) -> None:
        self._identity = identity
        self._clock = StoreClock(origin.timezone)
        self._validate = validator("call")
        self._is_party = part_validator("call", "source")
        self._quarantine = Quarantine(origin)
        store = {"id": origin.store_id, "timezone": origin.timezone}
        self._ours = f'"store":{encode(store)},"agent":{encode({"version": origin.version})}'
        self._hours: dict[int, str] = {}
        self._told: dict[Told, str] = {}
        self._parties: dict[Party, str] = {}

    def write(self, draft: Draft, created: str, sequence: int) -> Document:
        """The document, or the quarantined one that says why it is none.

        Args:
            draft: What it says.
            created: ``event.created``, UTC in ISO 8601.
            sequence: Which state of the call it is.
        """
        key = self._identity(draft.linked[0])
        start = self._clock.iso(draft.begin)
        end = self._clock.iso(draft.begin + draft.seconds["duration_seconds"])
        told = self._told.get(draft.told)
        sure = told is not None and self._is_ordinary(draft)
        if told is None:
            told = encode(draft.told.fields())[1:-1]
        text = (
            f'{{"@timestamp":"{start}","event":{{"id":"{key}","kind":"event","dataset":"{DATASET}",'
            f'"created":"{created}","start":"{start}","end":"{end}","sequence":{sequence}}},{self._ours},'
            f'"local":{self._local(draft.begin)},"call":{{"id":"{key}","linked_ids":{_texts(draft.linked)},'
            f"{told}"
        )
        if draft.prefix:
            text += f',"prefix":"{draft.prefix}"'
        for name, value in draft.seconds.items():
            text += f',"{name}":{value}'
        if draft.answered_by:
            text += f',"answered_by":{_texts(draft.answered_by)}'
        text += "}"
        for name, party in (("source", draft.source), ("destination", draft.destination)):
            if party != NOBODY:
                part = self._parties.get(party)
                if part is None:
                    part, right = self._party(party)
                    sure &= right
                text += f',"{name}":{part}'
        text += f',"tags":{_texts(draft.tags)}}}' if draft.tags else "}"
        index = f"{INDEX}-{start[:4]}.{start[5:7]}"
        if not sure:
            invalid = self._validate(document := json.loads(text))
            if invalid is not None:
                return self._quarantine.document(
                    key,
                    stage="document",
                    dataset=DATASET,
                    index=index,
                    document=document,
                    reason=invalid,
                    created=created,
                )
            _keep(self._told, draft.told, told)
        return Document(index, key, text.encode(), "index")

    def end_of(self, linked: str, begin: int, whole: str, created: str, sequence: int) -> Document:
        """What becomes of a call that turned out to be a part of another.

        Args:
            linked: Its linkedid.
            begin: Its start, seconds since 1970: it decides the index.
            whole: The ``_id`` of the other.
            created: ``event.created``.
            sequence: Of the other.
        """
        start = self._clock.iso(begin)
        key = self._identity(linked)
        call = {
            "id": key,
            "linked_ids": [linked],
            "direction": "unknown",
            "outcome": "system",
            "answered": False,
            "missed": False,
            "duration_seconds": 0,
            "legs": 0,
            "merged_into": whole,
        }
        text = (
            f'{{"@timestamp":"{start}","event":{{"id":"{key}","kind":"event","dataset":"{DATASET}",'
            f'"created":"{created}","sequence":{sequence}}},{self._ours},"local":{self._local(begin)},'
            f'"call":{encode(call)}}}'
        )
        return Document(f"{INDEX}-{start[:4]}.{start[5:7]}", key, text.encode(), "delete")

    def _is_ordinary(self, draft: Draft) -> bool:
        for value in draft.seconds.values():
            if not 0 <= value <= LARGEST:
                return False
        for texts in (draft.linked, draft.answered_by):
            for text in texts:
                if len(text) > LONGEST:
                    return False
        return True

    def _party(self, party: Party) -> tuple[str, bool]:
        content = party.fields()
        text = encode(content)
        right = self._is_party(content)
        if right:
            _keep(self._parties, party, text)
        return text, right

    def _local(self, begin: int) -> str:
        # No zone has an offset that is no multiple of a quarter of an hour.
        quarter = begin // 900
        found = self._hours.get(quarter)
        if found is None:
            moment = self._clock.local(begin)
            found = encode({"date": moment.date, "hour": moment.hour, "weekday": moment.weekday})
            _keep(self._hours, quarter, found)
        return found


def _texts(texts: Sequence[str]) -> str:
    return f"[{','.join([encode(text) for text in texts])}]"


def _keep(cache: dict[Any, str], key: Any, value: str) -> None:
    if len(cache) >= KEPT:
        cache.clear()
    cache[key] = value
