"""What the cluster knows of this moment: calls that go on, and which stores tell of theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from opensearchpy import OpenSearch

from central import clock
from central.client import Connection, translated

FRESH_SECONDS: Final = 90
"""A call goes on while it was told of within this; its agent does so every 30 s (docs/live.md)."""
ENDED: Final = "ended"
_LIVE: Final = "pabx-live"
_STORES: Final = "pabx-stores"
_MOST: Final = 10_000
_GOOD: Final = "ok"
_DOES_NOT_LISTEN: Final = {
    None: "its agent does not say whether it hears its PBX: an older version",
    "off": "its agent is not to listen to its PBX (ami.enabled in its shipper.toml)",
}
_FIELDS: Final = ("event", "store", "call", "source", "destination", "live")
_OF_STORES: Final = ("store.name", "store.last_seen", "store.revoked_at", "store.checks.ami")
_SHARDS: Final = {"allow_partial_search_results": "false", "ignore_unavailable": "true"}


@dataclass(frozen=True)
class Call:
    """One call that goes on.

    Attributes:
        id: its `_id`.
        source: its document, see docs/fields.md.
        seconds: since when it is in its state.
    """

    id: str
    source: Mapping[str, Any]
    seconds: int

    def part(self, name: str) -> Mapping[str, Any]:
        """One of its objects; empty where it has none."""
        value = self.source.get(name)
        return value if isinstance(value, dict) else {}

    def extensions(self, name: str = "extensions") -> list[str]:
        """Who takes part; `ringing` or `talking`: who of them does."""
        value = self.part("live").get(name)
        return [str(each) for each in (value if isinstance(value, list) else [value] if value else [])]

    @property
    def state(self) -> str:
        """What it does."""
        return str(self.part("live").get("state"))

    @property
    def machine(self) -> bool:
        """Whether no person is connected to the caller."""
        return self.part("live").get("machine") is True


@dataclass(frozen=True)
class Store:
    """One store that is expected to tell of its calls.

    Attributes:
        id: its id.
        name: by the register; empty: it has none.
        last_seen: when the cluster took its latest heartbeat, as it stands there; None: never.
        heard: that was within `FRESH_SECONDS`.
        trouble: why its calls are not known though it is heard; empty: they are.
    """

    id: str
    name: str
    last_seen: str | None
    heard: bool
    trouble: str


@dataclass(frozen=True)
class Picture:
    """This moment.

    Attributes:
        as_of: the cluster's clock.
        calls: those that go on, by store and beginning.
        stores: all that should tell of theirs, by id.
    """

    as_of: datetime
    calls: Sequence[Call]
    stores: Sequence[Store]

    @property
    def silent(self) -> list[Store]:
        """Those of which nothing is known at this moment."""
        return [store for store in self.stores if not store.heard]

    @property
    def deaf(self) -> list[Store]:
        """Those that are heard, but do not hear their PBX."""
        return [store for store in self.stores if store.heard and store.trouble]


def read(client: OpenSearch, connection: Connection, store: str | None, region: str | None) -> Picture:
    """Ask for the calls of now.

    Args:
        client: the cluster.
        connection: where it is, for what a failure says.
        store: only this one's; None: all.
        region: only this one's stores; None: all.

    Raises:
        CentralError: the cluster cannot be read.
    """
    wanted = {"store.id": store, "store.region": region}
    scope: list[dict[str, Any]] = [{"term": {name: value}} for name, value in wanted.items() if value]
    body: dict[str, Any] = {
        "size": _MOST,
        "query": {"bool": {"filter": scope}},
        "_source": list(_OF_STORES),
        "aggs": clock.asking("store.last_seen"),
    }
    with translated(connection, f"reading {_STORES}"):
        answer = client.search(index=_STORES, body=body, params=_SHARDS)
    as_of = clock.told(answer)
    stores = [_store(hit["_id"], hit["_source"].get("store") or {}, as_of) for hit in answer["hits"]["hits"]]
    fresh = {"range": {"live.as_of": {"gte": f"now-{FRESH_SECONDS}s"}}}
    body = {
        "size": _MOST,
        "query": {"bool": {"filter": [fresh, *scope], "must_not": [{"term": {"live.state": ENDED}}]}},
        "_source": list(_FIELDS),
    }
    with translated(connection, f"reading {_LIVE}"):
        hits = client.search(index=_LIVE, body=body, params=_SHARDS)["hits"]["hits"]
    calls = [Call(hit["_id"], hit["_source"], seconds_of(hit["_source"], as_of)) for hit in hits]
    return Picture(as_of, sorted(calls, key=_order), sorted(filter(None, stores), key=lambda each: each.id))


def seconds_of(source: Mapping[str, Any], as_of: datetime) -> int:
    """How long a call has been in its state.

    Two spans, each by one clock: the store's from then to when it told it, head office's from when that was
    heard to now. So it holds where the store's clock is wrong.
    """
    live, event = source.get("live") or {}, source.get("event") or {}
    since, told = clock.moment(live.get("since")), clock.moment(event.get("created"))
    heard = clock.moment(live.get("as_of")) or as_of
    there = (told - since).total_seconds() if since and told else 0.0
    return max(0, int(there)) + max(0, int((as_of - heard).total_seconds()))


def _store(key: str, said: Mapping[str, Any], as_of: datetime) -> Store | None:
    """None for one that head office has let go."""
    if said.get("revoked_at") is not None:
        return None
    seen = clock.moment(said.get("last_seen"))
    heard = seen is not None and (as_of - seen).total_seconds() <= FRESH_SECONDS
    check = (said.get("checks") or {}).get("ami")
    trouble = "" if check == _GOOD else _DOES_NOT_LISTEN.get(check, str(check))
    return Store(key, str(said.get("name") or ""), said.get("last_seen"), heard, trouble)


def _order(call: Call) -> tuple[str, str, str]:
    return str(call.part("store").get("id")), str(call.part("event").get("start")), call.id
