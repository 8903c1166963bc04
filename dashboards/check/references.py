"""References, and the JSON inside texts that names them."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from dashboards.check.reading import (
    Item,
    Problem,
    Shipment,
    json_texts,
    listed,
    mapping,
    nodes,
    strict,
    text_of,
)


def resolve(file: Shipment) -> Iterator[Problem]:
    """Every reference leads to a shipped object, every RefName to a reference, and none is left over."""
    shipped = {(item.type, item.id) for item in file.items}
    for item in file.items:
        named = Counter(text_of(one.get("name")) for one in item.references)
        for one in item.references:
            target = text_of(one.get("type")), text_of(one.get("id"))
            if target not in shipped:
                yield (
                    item.name,
                    f"refers to {target[0]} {target[1]}, which is not shipped: ship it or drop the reference",
                )
        used = set(_ref_names(item))
        for name in sorted(used):
            if named[name] != 1:
                yield (
                    item.name,
                    f"uses the reference {name!r}, of which there are {named[name]}: give it exactly one",
                )
        for name in sorted(named.keys() - used):
            yield item.name, f"has the reference {name!r} that nothing in it uses: leave it out"


def json_inside(file: Shipment) -> Iterator[Problem]:
    """JSON in a text parses, and names other objects by RefNames only."""
    for item in file.items:
        for name, text in json_texts(item):
            try:
                strict(text)
            except ValueError as error:
                yield item.name, f"{name} is no JSON ({error}): write it as JSON in a text"
        for place in _raw_ids(item):
            yield item.name, f"{place} names an object by its id: use a RefName and a reference"


def _ref_names(item: Item) -> Iterator[str]:
    for value in (item.attributes, item.texts):
        for node in nodes(value):
            for key, name in mapping(node).items():
                if key.endswith("RefName"):
                    yield text_of(name)


def _raw_ids(item: Item) -> Iterator[str]:
    if "index" in item.source:
        yield "searchSourceJSON.index"
    for number, one in enumerate(listed(item.source.get("filter"))):
        if "index" in mapping(mapping(one).get("meta")):
            yield f"searchSourceJSON.filter[{number}].meta.index"
    for number, one in enumerate(listed(item.texts.get("panelsJSON"))):
        for key in sorted({"id", "type"} & _keys(one)):
            yield f"panelsJSON[{number}].{key}"
    for number, one in enumerate(listed(item.params.get("controls"))):
        if "indexPattern" in _keys(one):
            yield f"controls[{number}].indexPattern"
    if "savedSearchId" in item.attributes:
        yield "savedSearchId"


def _keys(value: Any) -> set[str]:
    return set(mapping(value))
