"""What a node holds at one moment, and what monitors then raise: documents whose times move with `now`."""

import json
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
INDICES = (
    "pabx-stores",
    "pabx-calls-2026.11",
    "pabx-live",
    "pabx-gate",
    "pabx-audit-2026.11",
    "pabx-quarantine-2026.11",
    "pabx-alerts",
)
"""Those that the documents are in, and those that are there and stay empty, as after `central install`."""


@dataclass(frozen=True)
class Ago:
    """A moment so many seconds before `now`; negative: after it."""

    seconds: float

    def stamp(self, now: float) -> str:
        at = datetime.fromtimestamp(now - self.seconds, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Document:
    """One document.

    Attributes:
        kind: the schema that it keeps, `store`.
        index: where it is.
        id: its `_id`.
        body: with `Ago` for each moment.
    """

    kind: str
    index: str
    id: str
    body: Json

    def at(self, now: float) -> Json:
        """The body as it is at a moment, seconds since 1970."""
        body: Json = _at(self.body, now)
        return body


@dataclass(frozen=True)
class Scene:
    """Documents, and every alert that all monitors then raise: finding -> the buckets' keys, sorted."""

    documents: tuple[Document, ...]
    raised: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One way in which a monitor fires.

    Attributes:
        finding: its monitor's.
        name: the clause that makes it fire.
        fires: just across every limit.
        misses: the same with one clause just not met, by its name.
        closes: what ends it, by what has happened.
    """

    finding: str
    name: str
    fires: Scene
    misses: Mapping[str, Scene]
    closes: Mapping[str, Scene]

    @property
    def keys(self) -> tuple[str, ...]:
        return self.fires.raised[self.finding]


def seed(url: str, documents: Iterable[Document], now: float) -> None:
    """Put documents into a node without log-in, past the pipelines, over those with the same ids.

    Args:
        url: the node's, without a slash at its end.
        documents: to be put there.
        now: what their times are counted from, seconds since 1970.
    """
    _bulk(url, list(_put(documents, now)))


def change(url: str, name: str, fields: Json, now: float) -> None:
    """Write over fields of a store's document, past the pipelines; the others stay."""
    _bulk(url, [{"update": {"_index": "pabx-stores", "_id": name}}, {"doc": {"store": _at(fields, now)}}])


def clear(url: str) -> None:
    """Empty the indices; they and their mappings stay."""
    _bulk(url, _gone(url))


def stage(url: str, scene: Scene, now: float) -> None:
    """Have a node hold a scene's documents and nothing else."""
    _bulk(url, [*_gone(url), *_put(scene.documents, now)])


def make_indices(url: str) -> None:
    """Make the indices; their templates are there."""
    for name in INDICES:
        request(url, "PUT", f"/{name}")


def request(url: str, method: str, path: str, body: str | None = None) -> Any:
    data = None if body is None else body.encode()
    kind = "application/x-ndjson" if path.startswith("/_bulk") else "application/json"
    asked = urllib.request.Request(url + path, data, {"Content-Type": kind}, method=method)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.load(answer)


def _put(documents: Iterable[Document], now: float) -> Iterator[Json]:
    for one in documents:
        yield {"index": {"_index": one.index, "_id": one.id}}
        yield one.at(now)


def _gone(url: str) -> list[Json]:
    found = request(url, "GET", "/pabx-*/_search?size=10000&_source=false&ignore_unavailable=true")
    return [{"delete": {"_index": one["_index"], "_id": one["_id"]}} for one in found["hits"]["hits"]]


def _bulk(url: str, lines: list[Json]) -> None:
    if lines:
        text = "".join(json.dumps(line) + "\n" for line in lines)
        answer = request(url, "POST", "/_bulk?refresh=true&pipeline=_none", text)
        assert not answer["errors"], answer


def _at(value: Any, now: float) -> Any:
    if isinstance(value, Ago):
        return value.stamp(now)
    if isinstance(value, dict):
        return {key: _at(one, now) for key, one in value.items()}
    return [_at(one, now) for one in value] if isinstance(value, list) else value
