"""What a store's document in `pabx-stores` lacks, or has too much, to say what the register says; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from central import bulk
from central.stores.register import Line

# The agent tells the zone of its clock itself: what it says is the fact, and stays.
_OF_THE_AGENT: Final = "timezone"
_FIELDS: Final = (
    *("name", "region", "city", "state", "timezone", "area_code"),
    *("opening_hours", "opening_exceptions", "holidays", "trunks", "trunk_channels"),
    *("valid_from", "closed_from"),
)
_SCRIPT: Final = """
for (def name : params.gone) { ctx._source.store.remove(name); }
ctx._source.store.putAll(params.said);
if (ctx._source.store.registered_at == null) { ctx._source.store.registered_at = params.now; }
"""


@dataclass(frozen=True)
class Change:
    """What has to be done with a store's document.

    Attributes:
        name: the store's id.
        new: there is no document yet.
        said: fields of `store` to be set.
        gone: fields of `store` to be removed.
        fields: what differs, for people.
    """

    name: str
    new: bool
    said: dict[str, Any]
    gone: tuple[str, ...]
    fields: tuple[str, ...]


def change_of(name: str, line: Line, source: Mapping[str, Any] | None) -> Change | None:
    """Say what has to be done so that a store's document says what a line says; None: nothing.

    Args:
        name: the store's id.
        line: the one in force.
        source: the document as it is; None: there is none.
    """
    said = line.said()
    if source is None:
        return Change(name, True, said, (), ())
    store = source.get("store", {})
    if "agent" in source:
        said.pop(_OF_THE_AGENT)
    set_ = {key: value for key, value in said.items() if store.get(key) != value}
    gone = tuple(
        key for key in _FIELDS if key not in said and store.get(key) is not None and key != _OF_THE_AGENT
    )
    fields: list[str] = [key for key in _FIELDS if key in set_ or key in gone]
    if store.get("registered_at") is None:
        fields.append("registered_at")
    return Change(name, False, set_, gone, tuple(fields)) if fields else None


def update(change: Change, now: str) -> bulk.Pair:
    """Give a change as two lines of a bulk request; `now` becomes the time of the registration."""
    upsert = {
        "@timestamp": now,
        "event": {
            "id": change.name,
            "kind": "state",
            "dataset": "pabx.store",
            "created": now,
            "ingested": now,
        },
        "store": {"id": change.name, **change.said, "registered_at": now},
    }
    params = {"said": change.said, "gone": list(change.gone), "now": now}
    script = {"lang": "painless", "source": _SCRIPT, "params": params}
    return {"update": {"_id": change.name, "retry_on_conflict": 5}}, {"script": script, "upsert": upsert}


def other_zone(line: Line, source: Mapping[str, Any] | None) -> str | None:
    """Give the zone that a store's agent tells where the register says another one; else None."""
    if source is None or "agent" not in source:
        return None
    zone = source.get("store", {}).get(_OF_THE_AGENT)
    return zone if isinstance(zone, str) and zone != line.timezone else None
