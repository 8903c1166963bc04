"""A chain's telephoning in a real cluster, with the truth beside it: what every panel's numbers stand on.

The calls are simulated, their documents made as an agent makes them, and sent through the pipeline that the
agents' documents go through; then `central rate` and `central relate` are run, as head office does.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import monotonic
from urllib.error import HTTPError
from zoneinfo import ZoneInfo

from compose.demo.gate import register
from compose.demo.ship import central
from compose.simulator import CallTruth, SimulatedCall, SimulatedRow, StoreProfile, chain, simulate
from compose.simulator.shift import shifted
from compose.stack import OpenSearchCluster
from shipper.assembly.builder import identify_call
from tests.assembly.costs import Owed, owed
from tests.assembly.expected import Seconds, seconds_of
from tests.dashboards.documents import documents_of, send

TARIFFS = Path(__file__).parents[2] / "compose" / "demo" / "tariffs.toml"
BUNDLE, SMALL_BUNDLE = "minutes = 500,", "minutes = 100,"
"""So that some are used up within the simulated days."""


@dataclass(frozen=True)
class Plan:
    """What a world is made of.

    Attributes:
        stores: Makes the stores.
        calls: Lets a store telephone.
        rows: Whether the rows' documents are indexed too.
    """

    stores: Callable[[], Sequence[StoreProfile]]
    calls: Callable[[StoreProfile], Iterator[SimulatedCall]]
    rows: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """One call that was made, and what is known of it without its document.

    Attributes:
        store: Whose it is.
        truth: What it was.
        begin: When it began, seconds since 1970: what the simulator knows, no clock was read for it.
        seconds: By its rows and the kind of call that it is (`tests.assembly.expected`); None where rows do
            not tell them. The truth knows milliseconds, and what rows hide; a document cannot.
        key: The document's `_id`: a name, not a figure.
        owed: What a carrier bills; None: nothing.
    """

    store: StoreProfile
    truth: CallTruth
    begin: int
    seconds: Seconds
    key: str
    owed: Owed | None

    @property
    def end(self) -> int:
        """When its last row ends, seconds since 1970."""
        return self.begin + self.seconds.duration

    @property
    def at(self) -> datetime:
        """When it began, UTC."""
        return datetime.fromtimestamp(self.begin, UTC)


@dataclass(frozen=True)
class World:
    """What stands in the cluster.

    Attributes:
        cluster: Where.
        stores: All of them.
        calls: All of them, store by store, in the order of their beginnings.
        rows: How many documents of rows there are.
        tariffs: The file by which the calls are rated.
        took: What each part of making it took, seconds.
    """

    cluster: OpenSearchCluster
    stores: Sequence[StoreProfile]
    calls: Sequence[Made]
    rows: int
    tariffs: Path
    took: dict[str, float]

    def store(self, store_id: str) -> StoreProfile:
        return next(store for store in self.stores if store.id == store_id)


def clear(cluster: OpenSearchCluster) -> None:
    """Take away every document and the register, and install anew."""
    try:
        cluster.request("DELETE", "/_ingest/pipeline/pabx-register")
    except HTTPError as error:
        if error.code != 404:
            raise
    cluster.request("DELETE", "/pabx-*?expand_wildcards=all&ignore_unavailable=true")
    central(cluster.url, "install")


def build(cluster: OpenSearchCluster, plan: Plan, folder: Path) -> World:
    """Make a world in a cluster; what was there before is gone.

    Args:
        cluster: With nothing in it that has to stay.
        plan: What it is made of.
        folder: For the files of the register and of the tariffs.
    """
    took: dict[str, float] = {}
    began = monotonic()

    def done(part: str) -> None:
        nonlocal began
        took[part] = round(monotonic() - began, 1)
        began = monotonic()

    clear(cluster)
    stores = plan.stores()
    if stores:
        central(cluster.url, "stores", "apply", register(folder, stores))
    done("install")
    calls: list[Made] = []
    rows = 0
    for store in stores:
        simulated = list(plan.calls(store))
        calls += made(store, simulated)
        went = send(cluster, documents_of(store, simulated, rows=plan.rows))
        rows += sum(index.startswith("pabx-cdr-") for index in went)
        assert all(index.startswith(("pabx-cdr-", "pabx-calls-")) for index in went)
    cluster.request("POST", "/pabx-*/_refresh")
    done("calls")
    tariffs = folder / "tariffs.toml"
    text = TARIFFS.read_text(encoding="utf-8")
    assert BUNDLE in text
    tariffs.write_text(text.replace(BUNDLE, SMALL_BUNDLE), encoding="utf-8")
    central(cluster.url, "rate", "--tariffs", tariffs)
    done("rate")
    central(cluster.url, "relate")
    done("relate")
    cluster.request("POST", "/pabx-*/_refresh")
    return World(cluster, stores, calls, rows, tariffs, took)


def made(store: StoreProfile, calls: Sequence[SimulatedCall]) -> Iterator[Made]:
    """Say of calls what has to be known of them."""
    identify = identify_call(store.id)
    for call in calls:
        key = identify(call.truth.linked_ids[0])
        seconds = seconds_of(in_utc(call, ZoneInfo(store.timezone)))
        yield Made(store, call.truth, call.start_ms // 1000, seconds, key, owed(call, store, key))


def in_utc(call: SimulatedCall, zone: ZoneInfo) -> SimulatedCall:
    """The same call with its rows' times in UTC, so that they can be subtracted whatever the clocks did."""
    return replace(call, rows=[row._replace(calldate=_utc(row, call, zone)) for row in call.rows])


def _utc(row: SimulatedRow, call: SimulatedCall, zone: ZoneInfo) -> datetime:
    """Of the two moments that a time may be, the one between the call's beginning and the row's insertion."""
    first, last = call.start_ms // 1000, row.inserted_ms // 1000 - row.duration
    possible = {row.calldate.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    fitting = [at for at in possible if first <= at.timestamp() <= last]
    assert len(fitting) == 1, (call.truth.linked_ids, row.calldate, fitting)
    return fitting[0].replace(tzinfo=None)


def telephoning(*spans: tuple[date, int]) -> Callable[[StoreProfile], Iterator[SimulatedCall]]:
    """Let stores telephone on so many days from each first one, by their own calendars."""

    def calls(store: StoreProfile) -> Iterator[SimulatedCall]:
        for first, days in spans:
            yield from simulate(store, first, days, SEED)

    return calls


SEED = 1
CHANGES = {
    # To 23:00 at midnight in April, to 01:00 at midnight in September.
    "America/Santiago": (datetime(2026, 4, 5, 3, tzinfo=UTC), datetime(2026, 9, 6, 4, tzinfo=UTC)),
    # To 02:00 at 01:00 in March, to 01:00 at 02:00 in October.
    "Europe/Lisbon": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
}
"""When clocks change."""
PLAIN_DAY = date(2026, 6, 8)
"""A Monday, as are those after each three weeks; no clock changes near them."""
BUSY = time(14)


def with_changing_clocks() -> Sequence[StoreProfile]:
    """Two stores, on either half of the earth: all zones of the chain itself are without daylight saving."""
    both = zip(chain(2, SEED), CHANGES, strict=True)
    return [replace(store, timezone=zone, calls_per_day=250) for store, zone in both]


def through_the_change(store: StoreProfile) -> Iterator[SimulatedCall]:
    """Let a store have its busy hours in the night in which clocks change, in either direction.

    No shop does; but else not one call would begin in the hours that this is about.
    """
    zone = ZoneInfo(store.timezone)
    for number, change in enumerate(CHANGES[store.timezone]):
        first = PLAIN_DAY + timedelta(days=7 * number)
        busy = datetime.combine(first + timedelta(days=1), BUSY, zone)
        for call in simulate(store, first, 3, SEED):
            yield shifted(call, int((change - busy).total_seconds()), zone)


PLANS = {
    "empty": Plan(lambda: (), telephoning()),
    "one": Plan(lambda: chain(1, SEED), telephoning((date(2026, 8, 3), 35)), rows=True),
    "twelve": Plan(lambda: chain(12, SEED), telephoning((date(2026, 8, 25), 14))),
    # The same two weekdays of two weeks, so that there is a week before to compare with.
    "chain": Plan(lambda: chain(140, SEED), telephoning((date(2026, 8, 31), 2), (date(2026, 9, 7), 2))),
    "clocks": Plan(with_changing_clocks, through_the_change),
}
