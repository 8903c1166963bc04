"""The file's objects, read so that nothing in them can stop the rules: a wrong type reads as nothing."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

Json = dict[str, Any]
Problem = tuple[str, str]
"""Name of the object; what is wrong with it and what mends it."""
Mapped = Mapping[str, Mapping[str, Json]]
"""Title of an index pattern to the fields that its index template maps, each as a pattern lists it."""

JSON_TEXTS: Final = {"visState", "uiStateJSON", "panelsJSON", "optionsJSON", "fields", "fieldFormatMap"}
"""Attributes whose text is JSON; `kibanaSavedObjectMeta.searchSourceJSON` is another."""
NO_PATTERN: Final = "its search source leads to no shipped index pattern: add indexRefName and its reference"


def strict(text: str) -> Any:
    """Parse JSON as the standard has it.

    Raises:
        ValueError: it is none, has a key twice, or NaN or Infinity.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def mapping(value: Any) -> Json:
    """Give an object, or an empty one where it is something else."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """Give an array, or an empty one where it is something else."""
    return value if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """Give a text, or an empty one where it is something else."""
    return value if isinstance(value, str) else ""


def whole(value: Any) -> int | None:
    """Give a whole number, or None where it is something else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def nodes(value: Any) -> Iterator[Any]:
    """Give a JSON value and everything inside it, in the order of the text."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        yield node
        inside = node.values() if isinstance(node, dict) else listed(node)
        waiting += reversed(list(inside))


@dataclass(frozen=True)
class Item:
    """One object of the file.

    Attributes:
        line: its number, from 1.
        raw: as the line has it.
    """

    line: int
    raw: Json

    @property
    def type(self) -> str:
        """Its type; empty where it has none."""
        return text_of(self.raw.get("type"))

    @property
    def id(self) -> str:
        """Its id; empty where it has none."""
        return text_of(self.raw.get("id"))

    @property
    def name(self) -> str:
        """How a finding calls it."""
        return f"{self.type} {self.id}" if self.type and self.id else f"line {self.line}"

    @property
    def attributes(self) -> Json:
        """What the type is about."""
        return mapping(self.raw.get("attributes"))

    @property
    def references(self) -> list[Json]:
        """Its mentions of others."""
        return [mapping(one) for one in listed(self.raw.get("references"))]

    @cached_property
    def texts(self) -> dict[str, Any]:
        """Attributes that are JSON in a text, by name, parsed; those that cannot be parsed are left out."""
        found = {}
        for name, text in json_texts(self):
            try:
                found[name] = strict(text)
            except ValueError:
                continue
        return found

    @property
    def source(self) -> Json:
        """The search source."""
        return mapping(self.texts.get("searchSourceJSON"))

    @property
    def query(self) -> str:
        """The search source's query."""
        return text_of(mapping(self.source.get("query")).get("query"))

    @property
    def state(self) -> Json:
        """A visualization's `visState`."""
        return mapping(self.texts.get("visState"))

    @property
    def params(self) -> Json:
        """A visualization's `visState.params`."""
        return mapping(self.state.get("params"))

    @property
    def aggs(self) -> list[Json]:
        """A visualization's enabled aggregations."""
        found = [mapping(one) for one in listed(self.state.get("aggs"))]
        return [one for one in found if one.get("enabled") is not False]

    @cached_property
    def spec(self) -> Json:
        """A Vega visualization's specification."""
        try:
            return mapping(strict(text_of(self.params.get("spec"))))
        except ValueError:
            return {}

    def target(self, ref_name: Any) -> tuple[str, str]:
        """Type and id of the reference of this name; both empty where there is none."""
        for one in self.references:
            if ref_name and one.get("name") == ref_name:
                return text_of(one.get("type")), text_of(one.get("id"))
        return "", ""


@dataclass(frozen=True)
class Pattern:
    """A shipped index pattern.

    Attributes:
        title: the indices that it is about.
        time_field: by which the period applies; empty: it does not.
        fields: name to entry.
    """

    title: str
    time_field: str
    fields: Mapping[str, Json]

    def lacks(self, name: Any, *, aggregated: bool = False) -> str:
        """Say what is wrong with a mention of a field; empty: nothing.

        Args:
            name: of the field.
            aggregated: it is counted, sorted or grouped by.
        """
        entry = self.fields.get(name) if isinstance(name, str) else None
        if entry is None:
            return f"{self.title} has no field {name!r}: name one of its index pattern's"
        if aggregated and entry.get("aggregatable") is not True:
            return f"{name} of {self.title} cannot be aggregated: take a keyword, number or date"
        return ""


@dataclass(frozen=True)
class Shipment:
    """One file, as the rules look at it.

    Attributes:
        file: its name.
        text: its content.
        items: its objects; lines that are none are left out.
        mapped: what the index templates map.
    """

    file: str
    text: str
    items: tuple[Item, ...]
    mapped: Mapped

    def of(self, kind: str, vis: str = "") -> list[Item]:
        """Give the objects of a type, of visualizations those of one kind where it is named."""
        found = [one for one in self.items if one.type == kind]
        return [one for one in found if not vis or one.state.get("type") == vis]

    @cached_property
    def patterns(self) -> dict[str, Pattern]:
        """Index patterns by id."""
        return {one.id: _pattern(one) for one in self.of("index-pattern")}

    @cached_property
    def titles(self) -> dict[str, Pattern]:
        """Index patterns by title."""
        return {one.title: one for one in self.patterns.values()}

    def referenced(self, item: Item, ref_name: Any) -> Pattern | None:
        """Give the shipped index pattern that an object's reference leads to."""
        kind, key = item.target(ref_name)
        return self.patterns.get(key) if kind == "index-pattern" else None

    def searched(self, item: Item) -> Pattern | None:
        """Give the shipped index pattern of an object's search source."""
        return self.referenced(item, item.source.get("indexRefName"))


def read(file: str, text: str, mapped: Mapped) -> Shipment:
    """Read a file.

    Args:
        file: its name.
        text: its content.
        mapped: of `patterns.mapped_fields`.
    """
    items = []
    for number, line in lines(text):
        try:
            value = strict(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "exportedCount" not in value:
            items.append(Item(number, value))
    return Shipment(file, text, tuple(items), mapped)


def lines(text: str) -> list[tuple[int, str]]:
    """Give the lines and their numbers; only a line feed ends one."""
    return list(enumerate(text.removesuffix("\n").split("\n"), start=1))


def json_texts(item: Item) -> Iterator[tuple[str, str]]:
    """Give the attributes that are to hold JSON, as they are."""
    for name in sorted(JSON_TEXTS & item.attributes.keys()):
        yield name, text_of(item.attributes[name])
    meta = mapping(item.attributes.get("kibanaSavedObjectMeta"))
    if "searchSourceJSON" in meta:
        yield "searchSourceJSON", text_of(meta["searchSourceJSON"])


def _pattern(item: Item) -> Pattern:
    entries = [mapping(one) for one in listed(item.texts.get("fields"))]
    fields = {text_of(one.get("name")): one for one in entries}
    title, time = item.attributes.get("title"), item.attributes.get("timeFieldName")
    return Pattern(text_of(title), text_of(time), fields)


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in the same object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
