"""How long a dashboard's requests take together, over a chain's calls of twelve months.

Each panel is answered by the preview's own code from the shipped objects, six at once, as a browser asks. For
the period that the dashboard opens with and for the whole year. Cold: the cluster's caches are emptied before
each time (the operating system's stay). Warm: again and again, but each time a minute later, and a call has
come in meanwhile, so that the cluster's cache answers only what it would answer in daily use. Medians.

Beside seconds stands how many plain passes they are: a pass is one `terms` by store with one sum, over the
same year, from no cache, on the same machine minutes before.
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from central.client import connect, connection_from
from central.preview import period
from central.preview.answer import answer
from central.preview.asking import asking
from central.preview.context import Context, of_field
from central.preview.dashboards import dashboard, listed
from central.preview.files import load_objects
from central.preview.objects import Json, Objects
from compose.stack import MariaDB, OpenSearchCluster
from tests.bench import year
from tests.bench.figure import Figure
from tests.bench.year import Year
from tests.dashboards import states

TIMES = 5
CONNECTIONS = 6
LANGUAGE = "pt-BR"
ZONE = ZoneInfo("America/Sao_Paulo")
LATER = timedelta(minutes=1)
WARM_SECONDS = {"opened": 1.0, "year": 3.0}
PASSES = 8.0
"""The most that a dashboard may take, whatever the machine; with few calls most of it is twelve requests."""
SLOWEST = 4
CALLS = "pabx-calls-*"


class Took(NamedTuple):
    """One showing of a dashboard.

    Attributes:
        seconds: Until the last panel was answered.
        processor: Seconds that the cluster's processes worked for it.
        panels: Seconds of each panel, all of which ran beside others.
    """

    seconds: float
    processor: float
    panels: dict[str, float]


def measure(mariadb: MariaDB, cluster: OpenSearchCluster, folder: Path) -> Iterator[Figure]:
    """All dashboards, warm; what is cold, and which panels are slow, is only told."""
    del mariadb, cluster  # a cluster of its own: nothing else is measured with so much in it
    with year.running(folder) as (own, made):
        print(
            f"  {made.calls:,} calls, {made.index_bytes / 1e9:.2f} GB in {made.segments} segments, "
            f"{made.shards} shards a month, {len(own.nodes)} nodes; loaded in {made.load_seconds:.0f} s"
        )
        screens = Screens(own, made)
        for name in screens.names:  # a cluster that has just started runs slowly
            screens.show(name, "opened")
        passes = screens.plain_pass()
        yield Figure.at_most("screens_plain_pass", passes, "s", WARM_SECONDS["year"])
        for name in screens.names:
            yield from _of(screens, name, passes)
        yield from _of(screens, "store", passes, "busiest")


def _of(screens: "Screens", name: str, passes: float, narrowed: str = "") -> Iterator[Figure]:
    """One dashboard as it opens, or narrowed to the busiest store."""
    store = screens.busiest if narrowed else ""
    for span, limit in WARM_SECONDS.items():
        cold = [screens.show(name, span, store, cold=True) for _ in range(TIMES)]
        screens.show(name, span, store)
        warm = [screens.show(name, span, store) for _ in range(TIMES)]
        seconds = statistics.median(one.seconds for one in warm)
        said = "_".join(filter(None, (name, narrowed, span)))
        _tell(said, cold, warm)
        yield Figure.at_most(f"screens_{said}", seconds, "s", limit)
        yield Figure.at_most(f"screens_{said}_passes", seconds / passes, "passes", PASSES)


def _tell(said: str, cold: list[Took], warm: list[Took]) -> None:
    for state, several in (("cold", cold), ("warm", warm)):
        together: dict[str, list[float]] = defaultdict(list)
        for one in several:
            for panel, seconds in one.panels.items():
                together[panel].append(seconds)
        slow = sorted(((statistics.median(found), panel) for panel, found in together.items()), reverse=True)
        slowest = ", ".join(
            f"{panel.removeprefix('pabx-')} {seconds:.2f}" for seconds, panel in slow[:SLOWEST]
        )
        seconds = statistics.median(one.seconds for one in several)
        processor = statistics.median(one.processor for one in several)
        print(f"  {said} {state}: {seconds:.2f} s, processor {processor:.2f} s; {slowest}", flush=True)


class Screens:
    """All dashboards over one year.

    Args:
        cluster: That holds it.
        made: What it holds.
    """

    def __init__(self, cluster: OpenSearchCluster, made: Year) -> None:
        self._cluster = cluster
        self._objects: Objects = load_objects()[LANGUAGE]
        connection = connection_from({"url": cluster.url}, {})
        self._ask = asking(connect(connection), connection, self._objects.titles())
        self._now = made.now
        self._stores = year.stores(made.wanted)
        self._call = self._newest()

    @property
    def names(self) -> list[str]:
        """Of all dashboards."""
        return [one["id"].removeprefix("pabx-") for one in listed(self._objects)]

    @property
    def busiest(self) -> str:
        """The name of the store that telephones most."""
        return max(self._stores, key=lambda store: store.calls_per_day).name

    def show(self, name: str, span: str, store: str = "", *, cold: bool = False) -> Took:
        """Show a dashboard once, a minute after the last showing.

        Args:
            name: Which.
            span: `opened`: the period that it opens with; `year`.
            store: The name of one that it is narrowed to; empty: all.
            cold: The cluster's caches are emptied before.
        """
        of = dashboard(self._objects, f"pabx-{name}")
        self._go_on()
        if name == "live":
            states.calls_now(self._cluster, self._stores, datetime.now(UTC), most=20)
        context = self._context(of, span, store)
        if cold:
            self._cluster.request("POST", "/_cache/clear", timeout_seconds=60)
        panels: dict[str, float] = {}

        def one(panel: Json) -> None:
            began = time.monotonic()
            answer(self._ask, self._objects, panel["id"], context)
            panels[panel["id"]] = time.monotonic() - began

        processor, began = self._processor_seconds(), time.monotonic()
        with ThreadPoolExecutor(CONNECTIONS) as browser:
            list(browser.map(one, of["panels"]))
        seconds = time.monotonic() - began
        return Took(seconds, self._processor_seconds() - processor, panels)

    def plain_pass(self) -> float:
        """Seconds of one plain pass over the year."""
        found = []
        for _ in range(TIMES + 1):
            self._go_on()
            body = {
                "size": 0,
                "track_total_hits": False,
                "query": {"range": {"@timestamp": self._year()}},
                "aggs": {
                    "stores": {
                        "terms": {"field": "store.name", "size": 1_000},
                        "aggs": {"talk": {"sum": {"field": "call.talk_seconds"}}},
                    }
                },
            }
            began = time.monotonic()
            told = self._cluster.request("POST", f"/{CALLS}/_search?request_cache=false", body)
            found.append(time.monotonic() - began)
            assert told["aggregations"]["stores"]["buckets"], told["_shards"]
        return statistics.median(found[1:])

    def _context(self, of: Json, span: str, store: str) -> Context:
        since, until = of["period"]["from"], of["period"]["to"]
        if span == "year":
            since = f"now-{year.DAYS}d"
        filters = [of_field("store.name", [store])] if store else []
        return Context(*period.between(since, until, self._now, ZONE), filters=filters)

    def _year(self) -> Json:
        since, until = self._now - timedelta(days=year.DAYS), self._now
        return {"gte": period.iso(since), "lte": period.iso(until)}

    def _go_on(self) -> None:
        """A minute passes, in which calls come in: what is cached of the month is worth nothing then."""
        self._now += LATER
        index, document = self._call
        document["@timestamp"] = period.iso(self._now - LATER / 2)
        key = f"{self._now:%Y%m%d%H%M%S}"
        path = f"/{index}/_doc/{key}?pipeline=_none&refresh=true"
        self._cluster.request("PUT", path, document, timeout_seconds=60)

    def _newest(self) -> tuple[str, Json]:
        body = {"size": 1, "sort": [{"@timestamp": "desc"}]}
        hit = self._cluster.request("POST", f"/{CALLS}/_search", body)["hits"]["hits"][0]
        return str(hit["_index"]), dict(hit["_source"])

    def _processor_seconds(self) -> float:
        found = 0
        for node in self._cluster.nodes:
            text = Path(f"/proc/{node.process.pid}/stat").read_text(encoding="utf-8")
            found += sum(map(int, text.rpartition(")")[2].split()[11:13]))
        return found / 100
