"""What an alert is, before it becomes a monitor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from central.alerts.thresholds import Thresholds
from dashboards.alerts.ask import Json
from dashboards.build.words import Say

OF_A_STORE: Final = ("store.id", "store.name")
OF_ALL: Final = ("event.dataset",)
"""All documents of an index are one bucket."""


@dataclass(frozen=True)
class Words:
    """What is told, in one language; mustache stands for what the plugin fills in.

    Attributes:
        title: what is the matter, without a subject: "agente calado".
        over: the same when it is over: "agente ouvido de novo".
        facts: lines that a store's document fills in, each a section that is left out where a field lacks.
        first: what to check first, one line each.
    """

    title: str
    over: str
    facts: tuple[str, ...] = ()
    first: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One alert.

    Attributes:
        id: stable, also in the runbook.
        severity: 1 (at once) to 5.
        indices: that are searched.
        query: that is true of what is counted.
        condition: painless over `params`, true for a bucket that has an alert.
        paths: what `params` holds: name -> path in the bucket.
        metrics: aggregations of a bucket.
        keys: fields that a bucket is of; the first one tells alerts apart.
        missing: what has no such field is a bucket as well.
        words: of it.
        store: the key is a store's id: the message leads to its dashboard.
        heard: it is of a store that is heard: it ends also where that is heard no more.
    """

    id: str
    severity: int
    indices: tuple[str, ...]
    query: Json
    words: Words
    condition: str = "params.count > 0"
    paths: Mapping[str, str] = field(default_factory=lambda: {"count": "_count"})
    metrics: Mapping[str, Json] = field(default_factory=dict)
    keys: tuple[str, ...] = OF_A_STORE
    missing: bool = False
    store: bool = True
    heard: bool = False


Maker = Callable[[Say, Thresholds], Finding]
