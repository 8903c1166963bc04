"""The shipped saved objects, read from their lines: the subset that we ship, with each reference resolved."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from central.errors import CentralError

Json = dict[str, Any]
TYPES: Final = ("index-pattern", "visualization", "search", "query", "dashboard")
_SOURCE: Final = "kibanaSavedObjectMeta"


class ObjectError(CentralError):
    """A saved object is not of the subset that we ship, or not there; the message names it."""


@dataclass(frozen=True)
class SavedObject:
    """One object of the file.

    Attributes:
        type: one of `TYPES`.
        id: unique within its type.
        attributes: as the file has them; JSON inside them is text.
        references: name to (type, id).
    """

    type: str
    id: str
    attributes: Mapping[str, Any]
    references: Mapping[str, tuple[str, str]]

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.type} {self.id}"

    @property
    def title(self) -> str:
        """As it is shown."""
        return str(self.attributes.get("title") or "")

    @property
    def description(self) -> str:
        """One sentence, or nothing."""
        return str(self.attributes.get("description") or "")

    def parsed(self, key: str) -> Any:
        """One of the attributes that hold JSON as text.

        Raises:
            ObjectError: it is missing or no JSON.
        """
        return self._json(self.attributes.get(key), key)

    def source(self) -> Json:
        """The search source: query and filters.

        Raises:
            ObjectError: it is missing or no JSON.
        """
        meta = self.attributes.get(_SOURCE) or {}
        source = self._json(meta.get("searchSourceJSON"), f"{_SOURCE}.searchSourceJSON")
        if not isinstance(source, dict):
            raise ObjectError(f"{self.name}: {_SOURCE}.searchSourceJSON is no object: correct it")
        return source

    def _json(self, text: object, key: str) -> Any:
        try:
            return json.loads(str(text)) if text is not None else None
        except ValueError as error:
            raise ObjectError(f"{self.name}: {key} is no JSON ({error}): correct it") from error


@dataclass(frozen=True)
class Pattern:
    """An index pattern.

    Attributes:
        id: as references name it.
        title: the index names that it stands for, `pabx-calls-*`.
        time_field: that the period holds for; None: the period hides nothing.
        types: type of each field (`string`, `number`, `date`, `boolean`, ...).
        formats: how fields are written, by field: `{"id", "params"}`.
    """

    id: str
    title: str
    time_field: str | None
    types: Mapping[str, str]
    formats: Mapping[str, Json]

    def field(self, name: str, by: str) -> str:
        """The type of a field.

        Args:
            name: of the field.
            by: who asks, for the message.

        Raises:
            ObjectError: the pattern does not list it.
        """
        if name not in self.types:
            raise ObjectError(f"{by}: {name!r} is no field of index pattern {self.id}: correct either")
        return self.types[name]


class Objects:
    """All objects of one file.

    Args:
        found: in the file's order.

    Raises:
        ObjectError: two have the same type and id.
    """

    def __init__(self, found: Iterable[SavedObject]) -> None:
        self._all: dict[tuple[str, str], SavedObject] = {}
        for one in found:
            if (one.type, one.id) in self._all:
                raise ObjectError(f"{one.name} stands in the file twice: ids must be unique")
            self._all[one.type, one.id] = one

    def of_type(self, kind: str) -> list[SavedObject]:
        """All of one type, in the file's order."""
        return [one for one in self._all.values() if one.type == kind]

    def get(self, kind: str, key: str) -> SavedObject:
        """One object.

        Raises:
            ObjectError: it is not there.
        """
        if (kind, key) not in self._all:
            raise ObjectError(f"there is no {kind} {key!r}")
        return self._all[kind, key]

    def panel(self, key: str) -> SavedObject:
        """What a dashboard shows under an id: a visualization or a saved search.

        Raises:
            ObjectError: neither is there.
        """
        for kind in ("visualization", "search"):
            if (kind, key) in self._all:
                return self._all[kind, key]
        raise ObjectError(f"there is no panel {key!r}")

    def referred(self, by: SavedObject, name: str) -> SavedObject:
        """What an object means by a reference's name.

        Raises:
            ObjectError: the reference or what it names is not there.
        """
        if name not in by.references:
            raise ObjectError(f"{by.name} has no reference {name!r}: add it")
        kind, key = by.references[name]
        if (kind, key) not in self._all:
            raise ObjectError(f"{by.name}: reference {name!r} names {kind} {key!r}, which is not in the file")
        return self._all[kind, key]

    def pattern(self, by: SavedObject, name: str) -> Pattern:
        """The index pattern that an object means by a reference's name.

        Raises:
            ObjectError: it is not there, or no index pattern.
        """
        one = self.referred(by, name)
        if one.type != "index-pattern":
            raise ObjectError(f"{by.name}: reference {name!r} names a {one.type}, not an index-pattern")
        return pattern_of(one)

    def source_pattern(self, by: SavedObject) -> Pattern:
        """The index pattern of an object's search source.

        Raises:
            ObjectError: it names none, or it is not there.
        """
        name = by.source().get("indexRefName")
        if not name:
            raise ObjectError(f"{by.name}: its search source has no indexRefName: name its index pattern")
        return self.pattern(by, str(name))

    def titles(self) -> list[str]:
        """What the index patterns stand for: nothing else is ever asked."""
        return [one.title for one in self.of_type("index-pattern")]


def read(text: str, name: str) -> Objects:
    """Read a file's lines.

    Args:
        text: of the file.
        name: of the file, for messages.

    Raises:
        ObjectError: a line is no saved object of the subset that we ship.
    """
    lines = (line for line in enumerate(text.split("\n"), 1) if line[1].strip())
    return Objects(_object(line, f"{name}, line {number}") for number, line in lines)


def pattern_of(one: SavedObject) -> Pattern:
    """Read an index pattern.

    Raises:
        ObjectError: its list of fields is no JSON.
    """
    fields = one.parsed("fields") or []
    return Pattern(
        id=one.id,
        title=one.title,
        time_field=one.attributes.get("timeFieldName") or None,
        types={str(each["name"]): str(each["type"]) for each in fields},
        formats=one.parsed("fieldFormatMap") or {},
    )


def query_text(source: Json, by: str) -> str:
    """The Lucene query of a search source or a dashboard; empty: all.

    Raises:
        ObjectError: it is of another language.
    """
    query = source.get("query") or {}
    if query.get("language", "lucene") != "lucene":
        raise ObjectError(f"{by}: query language {query['language']!r}: only lucene is shipped")
    return str(query.get("query") or "").strip()


def _object(line: str, place: str) -> SavedObject:
    try:
        body = json.loads(line)
        references = body.get("references") or []
        made = SavedObject(
            type=str(body["type"]),
            id=str(body["id"]),
            attributes=dict(body["attributes"]),
            references={str(each["name"]): (str(each["type"]), str(each["id"])) for each in references},
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ObjectError(f"{place}: is no saved object ({error!r}): run: make generate") from error
    if made.type not in TYPES:
        raise ObjectError(f"{place}: type {made.type!r} is not one of {', '.join(TYPES)}")
    return made
