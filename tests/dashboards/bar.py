"""The search bar of the preview over a world's calls, and over what stores tell of now."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from central.client import connect, connection_from
from central.preview import searches
from central.preview.answer import answer
from central.preview.asking import asking
from central.preview.context import Context, Filter, narrowed
from central.preview.objects import Json, query_text
from tests.dashboards import states
from tests.dashboards.cases import Case, selection_of
from tests.dashboards.dql import request
from tests.dashboards.guide import is_dql, objects
from tests.dashboards.meant import Means, calls_of
from tests.dashboards.meant_others import fields, tried
from tests.dashboards.reckon import Selection
from tests.dashboards.shown import Screens
from tests.dashboards.world import World

MOST: Final = 10_000
FIELDS: Final = [
    "store.id",
    "event.action",
    "pbx.object",
    "quarantine",
    "cdr.uniqueid",
    "cdr.sequence",
    "host",
    "audit",
    "alert",
]
AT: Final = datetime(2026, 9, 1, 15, 0, tzinfo=UTC)


class Bar:
    """The search bar over a world.

    Args:
        world: What is in the cluster.
        selection: Its period.
    """

    def __init__(self, world: World, selection: Selection) -> None:
        assert selection.since is not None
        assert selection.until is not None
        self.period = selection.since, selection.until - timedelta(milliseconds=1)
        connection = connection_from({"url": world.cluster.url}, {})
        self._cluster = asking(connect(connection), connection, objects("en").titles())

    def _ask(self, index: str, body: Json) -> Json:
        # All that is found, and of it no more than tells one from another.
        return self._cluster(index, {**body, "size": MOST, "_source": FIELDS})

    def search(self, language: str, key: str, text: str = "") -> list[Json]:
        """What a saved search shows while a text stands in the bar."""
        found = answer(self._ask, objects(language), key, Context(*self.period, query=text))
        assert found["found"] == len(found["rows"])
        return list(found["rows"])

    def ids(self, language: str, key: str, text: str = "") -> set[str]:
        return {row["id"] for row in self.search(language, key, text)}

    def dql(self, language: str, key: str, text: str) -> set[str]:
        """The same where the bar's language is DQL: what OpenSearch Dashboards would ask."""
        one = objects(language).get("search", key)
        pattern = objects(language).source_pattern(one)
        own = query_text(one.source(), one.name)
        query = narrowed(own, [Filter(request(text))], Context(*self.period), pattern.time_field)
        found = searches.rows(self._ask(pattern.title, searches.body(one, pattern, query)))
        return {row["id"] for row in found}


class Telephoned:
    """A world's period, its calls, and the bar over it."""

    def __init__(self, world: World, name: str) -> None:
        selection = selection_of(world, name, "all")
        self.world = world
        self.bar = Bar(world, selection)
        self.calls = calls_of(Case(world, selection, Screens(world)), name)

    def keys(self, means: Means) -> set[str]:
        return {call.made.key for call in self.calls if means(call)}

    def meant(self, means: Means) -> set[str]:
        """Those of an example: without any it would show nothing, with all of them neither."""
        found = self.keys(means)
        assert 0 < len(found) < len(self.calls)
        return found


class Told:
    """Twelve stores whose agents and PBXs have told of everything that there may be."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.states = states.beat(world.cluster, world.stores, datetime.now(UTC))
        states.events(world.cluster, world.stores, AT)
        tried(world.cluster, world.stores, AT)
        self.refused = states.quarantine(world.cluster, world.stores, AT)
        self.found = states.findings(world.cluster, world.stores, "2026-09-01")
        # What a pipeline refuses is of now.
        self.bar = Bar(
            world, Selection(since=AT - timedelta(days=7), until=datetime.now(UTC) + timedelta(days=1))
        )

    def shown(self, language: str, key: str, text: str, *names: str) -> list[tuple[Any, ...]]:
        """The fields of what a saved search finds, in order; in DQL too, where the example is marked so."""
        found = self.bar.search(language, f"pabx-search-{key}", text)
        if text and is_dql(f"pabx-search-{key}", text):
            assert self.bar.dql(language, f"pabx-search-{key}", text) == {row["id"] for row in found}
        return sorted(fields(row, *names) for row in found)
