"""Two languages of the same screens: the same objects, and only their words differ."""

import re
from collections.abc import Iterator
from typing import Any, Final

from dashboards.check.reading import Item, Json, Shipment, read
from dashboards.check.rules import SAME, Finding

_WORDS: Final = {"title", "description", "label", "customLabel", "missingBucketLabel", "value"}
"""Keys whose text is read by people."""
_LINK: Final = re.compile(r"\]\([^)]*\)")
_QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'")
_EXPRESSIONS: Final = {"update", "expr", "calculate", "signal", "test", "filter"}


def differences(first: tuple[str, str], second: tuple[str, str]) -> list[Finding]:
    """Compare two languages' files.

    Args:
        first: name and content of a file.
        second: of another one; the findings are about it.
    """
    one, other = read(*first, {}), read(*second, {})
    return [Finding(second[0], SAME, name, text) for name, text in _differences(one, other)]


def _differences(one: Shipment, other: Shipment) -> Iterator[tuple[str, str]]:
    keys = [(item.type, item.id) for item in one.items]
    theirs = {(item.type, item.id): item for item in other.items}
    for kind, key in keys:
        if (kind, key) not in theirs:
            yield f"{kind} {key}", f"is in {one.file} only: build both languages from the same screens"
    for kind, key in theirs.keys() - set(keys):
        yield f"{kind} {key}", f"is not in {one.file}: build both languages from the same screens"
    for item in one.items:
        twin = theirs.get((item.type, item.id))
        place = _unlike(_opened(item), _opened(twin), item.type) if twin else ""
        if place:
            yield (
                item.name,
                f"{place} differs from {one.file} in more than words: build both from the same screens",
            )


def _opened(item: Item) -> Json:
    """Give the object with its JSON texts parsed, so that they are compared as what they mean."""
    inside = {**item.attributes, **item.texts}
    if "searchSourceJSON" in item.texts:
        inside.pop("kibanaSavedObjectMeta", None)
    if item.spec:
        inside["visState"] = {**item.state, "params": {**item.params, "spec": item.spec}}
    return {**item.raw, "attributes": inside}


def _unlike(one: Any, other: Any, place: str) -> str:
    """Name the first place that differs in more than words; empty: there is none."""
    if type(one) is not type(other):
        return place
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return f"{place} (its keys)"
        pairs = [(f"{place}.{key}", value, other[key]) for key, value in one.items()]
    elif isinstance(one, list):
        if len(one) != len(other):
            return f"{place} (its length)"
        pairs = [(f"{place}[{number}]", *both) for number, both in enumerate(zip(one, other, strict=True))]
    elif isinstance(one, str):
        return "" if _same_text(one, other, place) else place
    else:
        return "" if one == other else place
    return next((found for name, *both in pairs if (found := _unlike(both[0], both[1], name))), "")


def _same_text(one: str, other: str, place: str) -> bool:
    key = place.rpartition(".")[2].partition("[")[0]
    if not one or not other:
        return one == other
    if key == "markdown":
        return _LINK.findall(one) == _LINK.findall(other)
    if key in _WORDS:
        return True
    if ".params.spec" in place and ".url." not in place:
        return key not in _EXPRESSIONS or _QUOTED.sub("''", one) == _QUOTED.sub("''", other)
    if key == "pattern":  # a sign of money reads as reais in one language only
        return one.replace("$ ", "") == other.replace("$ ", "")
    # What stands for documents without a value is a word, too.
    return one == other or key == "missing"
