"""Documents of stores that hold whatever their schema lets through, each field at its edges now and then."""

from typing import Any

from hypothesis import strategies as st

from shipper.schema import load
from tests.alerts.bodies import store
from tests.alerts.scene import Ago, Document, Json

DAY = 86_400
_LONG = 2**40
_MOMENTS = st.integers(-400, 400 * DAY).map(Ago) | st.sampled_from(
    [
        Ago(0),
        Ago(75),
        Ago(90),
        Ago(120),
        Ago(121),
        Ago(300),
        Ago(301),
        Ago(-1_000_000_000),
        Ago(1_700_000_000),
    ]
)
_TEXT = "aé\"'{}, 🏪"


def _values(schema: Json) -> st.SearchStrategy[Any]:
    if (schema.get("x-opensearch") or {}).get("type") == "date":
        return _MOMENTS
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = {
        "object": _objects,
        "array": _lists,
        "boolean": lambda _: st.booleans(),
        "string": _texts,
        "integer": _integers,
        "number": _numbers,
    }
    return kinds[schema["type"]](schema)


def _objects(schema: Json, given: Json | None = None) -> st.SearchStrategy[Any]:
    fixed = given or {}
    # Not what is stored alone, and is long: `usual.calls`.
    open_ = {name: one for name, one in schema["properties"].items() if name not in {*fixed, "calls"}}
    return st.fixed_dictionaries(
        {name: st.just(value) for name, value in fixed.items()},
        optional={name: _values(one) for name, one in open_.items()},
    )


def _lists(schema: Json) -> st.SearchStrategy[Any]:
    return st.lists(_values(schema["items"]), max_size=3)


def _texts(schema: Json) -> st.SearchStrategy[Any]:
    return st.text(_TEXT, min_size=schema.get("minLength", 1), max_size=min(12, schema["maxLength"]))


def _integers(schema: Json) -> st.SearchStrategy[Any]:
    least, most = schema.get("minimum", -_LONG), schema.get("maximum", _LONG)
    edges = [one for one in (least, most, 0, 1, 119, 120, 300, 301, 900) if least <= one <= most]
    return st.sampled_from(edges) | st.integers(least, most)


def _numbers(schema: Json) -> st.SearchStrategy[Any]:
    least, most = schema["minimum"], schema["maximum"]
    return st.sampled_from([least, 1, most]) | st.floats(least, most, allow_nan=False)


def _store(name: str) -> st.SearchStrategy[Document]:
    known = {"id": name, "registered_at": Ago(30 * DAY)}
    schema = load("store")["properties"]["store"]
    like = store(name)
    return _objects(schema, known).map(
        lambda said: Document(like.kind, like.index, like.id, {**like.body, "store": said})
    )


STORES = st.tuples(_store("Loja001"), _store("Loja002"))
