"""Saved objects as OpenSearch Dashboards stores them: one JSON line each, its references beside it."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

Json = dict[str, Any]

MIGRATIONS: Final = {
    "visualization": "7.10.0",
    "dashboard": "7.9.3",
    "search": "7.9.3",
    "index-pattern": "7.6.0",
}
"""The newest that OpenSearch Dashboards knows: a file with a newer one is refused as a whole."""

INDEX_REF: Final = "kibanaSavedObjectMeta.searchSourceJSON.index"
PATTERNS: Final = {
    "cdr": "pabx-cdr-*",
    "call": "pabx-calls-*",
    "live": "pabx-live",
    "event": "pabx-events-*",
    "store": "pabx-stores",
    "audit": "pabx-audit-*",
    "quarantine": "pabx-quarantine-*",
    "gate": "pabx-gate",
    "alert": "pabx-alerts",
}
"""Kind of document to the title of its index pattern."""


@dataclass(frozen=True)
class Reference:
    """One object's mention of another.

    Attributes:
        name: the RefName that stands in its place inside the attributes.
        type: of the other one.
        id: of the other one.
    """

    name: str
    type: str
    id: str


@dataclass(frozen=True)
class SavedObject:
    """One object of the file.

    Attributes:
        type: `index-pattern`, `visualization`, `search`, `query` or `dashboard`.
        id: stable and readable, the same in every language.
        attributes: as the type has them; JSON inside them is text.
        references: to others.
    """

    type: str
    id: str
    attributes: Json
    references: tuple[Reference, ...] = field(default=())

    def line(self) -> str:
        """Write it as the file has it."""
        version = {self.type: MIGRATIONS[self.type]} if self.type in MIGRATIONS else {}
        return as_text(
            {
                "type": self.type,
                "id": self.id,
                "attributes": self.attributes,
                "references": [vars(each) for each in self.references],
                "migrationVersion": version,
            }
        )


def as_text(value: Any) -> str:
    """Write JSON in one line, the same bytes for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pattern_id(kind: str) -> str:
    """The id of a kind's index pattern: its title without the wildcard."""
    return PATTERNS[kind].removesuffix("-*")


def visualization(
    key: str,
    title: str,
    kind: str,
    params: Json,
    *,
    aggs: list[Json] | None = None,
    source: Json | None = None,
    references: tuple[Reference, ...] = (),
    description: str = "",
) -> SavedObject:
    """Put a visualization together.

    Args:
        key: its id without `pabx-`.
        title: as the panel shows it.
        kind: the type that OpenSearch Dashboards has registered.
        params: of that type.
        aggs: for the types that are made of aggregations.
        source: its search source; None: it has none of its own.
        references: that the source or the params name.
        description: one sentence on what it counts.
    """
    state = {"title": title, "type": kind, "params": params, "aggs": aggs or []}
    return SavedObject(
        "visualization",
        f"pabx-{key}",
        {
            "title": title,
            "description": description,
            "visState": as_text(state),
            "uiStateJSON": "{}",
            "version": 1,
            "kibanaSavedObjectMeta": {"searchSourceJSON": as_text(source or source_of(""))},
        },
        references,
    )


def source_of(query: str, index_ref: str | None = None) -> Json:
    """A search source: a Lucene query, and the name of the reference to its index pattern."""
    source: Json = {"query": {"query": query, "language": "lucene"}, "filter": []}
    return source | ({"indexRefName": index_ref} if index_ref else {})
