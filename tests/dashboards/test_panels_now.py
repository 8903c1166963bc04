"""Every number of what is now: completeness, agents, calls in progress, what was refused or differs."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from central.alerts.files import load
from dashboards.build.meanings import of_fields
from dashboards.build.words import Language, Say
from tests.dashboards import states
from tests.dashboards.reckon import Selection
from tests.dashboards.shown import Screens
from tests.dashboards.states import Alert, Found, Now, Refused, StoreState
from tests.dashboards.world import World
from tests.dashboards.written import count, span

SCHEMA = Path(__file__).parents[2] / "shipper" / "schema"
AT = datetime(2026, 9, 1, 15, 0, tzinfo=UTC)
PERIOD = Selection(since=datetime(2026, 8, 25, tzinfo=UTC), until=datetime(2026, 9, 8, tzinfo=UTC))
NAMED = 3
HEARD, BEHIND = timedelta(minutes=5), 600
STATES = {"queued": "na fila", "ringing": "tocando", "on_hold": "em espera", "talking": "falando"}
TITLES = ("Na fila", "Tocando", "Em espera", "Falando")


class Fleet:
    """Twelve stores now, one of each kind of `states.KINDS`."""

    def __init__(self, world: World) -> None:
        self.screens = Screens(world)
        self.tell(world)

    def tell(self, world: World) -> None:
        """Let all of them tell of themselves, as of now."""
        states.forget(world.cluster)
        self.world = world
        self.now = datetime.now(UTC)
        self.states: list[StoreState] = states.beat(world.cluster, world.stores, self.now)
        self.calls: list[Now] = states.calls_now(world.cluster, world.stores, self.now)
        self.refused: list[Refused] = states.quarantine(world.cluster, world.stores, AT)
        self.found: list[Found] = states.findings(world.cluster, world.stores, "2026-09-01")
        self.alerts: list[Alert] = states.alerts(world.cluster, world.stores, self.now)
        states.events(world.cluster, world.stores, AT)

    def there(self, selection: Selection) -> list[StoreState]:
        """The stores that head office has not let go, and that a filter leaves."""
        return [
            one
            for one in self.states
            if not one.kind.revoked
            and (not selection.stores or one.store.id in selection.stores)
            and (not selection.regions or one.store.region in selection.regions)
        ]

    def on(self, selection: Selection) -> list[Now]:
        """The calls that go on, and that a filter leaves."""
        return [
            one
            for one in self.calls
            if one.on_panel
            and (not selection.stores or one.store.id in selection.stores)
            and (not selection.regions or one.store.region in selection.regions)
        ]


@pytest.fixture(scope="module")
def told(world_of: Callable[[str], World]) -> Iterator[Fleet]:
    fleet = Fleet(world_of("twelve"))
    yield fleet
    states.forget(fleet.world.cluster)


@pytest.fixture
def fleet(told: Fleet, world_of: Callable[[str], World]) -> Fleet:
    """As it is this minute: the tests of another world, or a slow machine, may have come between."""
    world = world_of("twelve")
    if world is not told.world or datetime.now(UTC) - told.now > timedelta(seconds=30):
        told.tell(world)
    return told


@pytest.fixture(params=["all", "store", "region"])
def selection(request: pytest.FixtureRequest, fleet: Fleet) -> Selection:
    store = fleet.world.stores[0]
    narrowed = {"store": {"stores": (store.id,)}, "region": {"regions": (store.region,)}}
    return Selection(since=PERIOD.since, until=PERIOD.until, **narrowed.get(request.param, {}))


def clock(at: datetime, *, dated: bool) -> str:
    """In the zone of whoever looks: the machine's."""
    return f"{at.astimezone():{'%d/%m/%Y %H:%M' if dated else '%H:%M'}}"


def test_the_line_says_how_complete_the_data_is(fleet: Fleet, selection: Selection) -> None:
    """Of the whole chain, whatever is filtered; those that lack by name, first who never sent anything."""
    there = fleet.there(PERIOD)
    whole = [one.until for one in there if one.kind.is_complete and one.until]
    lacking = [one for one in there if not one.kind.is_complete]
    lines = fleet.screens.lines("completeness", selection)
    today = fleet.now.astimezone().date()

    def moment(at: datetime) -> str:
        return clock(at, dated=at.astimezone().date() != today)

    assert lines[0] == f"{len(whole)} de {len(there)} lojas completas até {moment(min(whole))}"
    began = datetime.fromtimestamp(0, UTC)
    lacking.sort(key=lambda one: (one.until or began, one.store.name))
    told = [
        f"{one.store.name} (desde {moment(one.until)})" if one.until else f"{one.store.name} (nunca enviou)"
        for one in lacking
    ]
    assert len(told) > NAMED
    assert len(lines) == 2
    # How many are named depends on the room.
    assert lines[1] in {
        f"Incompletas: {', '.join(told[:number])} e mais {len(told) - number}"
        for number in range(1, NAMED + 1)
    }


def test_the_figures_of_the_agents(fleet: Fleet, selection: Selection) -> None:
    there = fleet.there(selection)
    heard = [one for one in there if one.last_seen and fleet.now - one.last_seen < HEARD]
    silent = [one for one in there if one.last_seen and one not in heard]
    ill = [one for one in heard if one.kind.reading or one.kind.sending or one.kind.full]
    seen = heard or silent
    assert fleet.screens.figures("fleet-figures", selection) == [
        ("Lojas cadastradas", count(len(there)), ""),
        ("Ouvidas em 5 min", count(len(heard)), ""),
        ("Caladas", count(len(silent)), ""),
        ("Nunca vistas", count(len(there) - len(heard) - len(silent)), ""),
        ("Atrasadas 10 min+", count(sum(one.kind.lag_seconds >= BEHIND for one in heard)), ""),
        ("Com problema", count(len(ill)), ""),
        ("Documentos na fila", count(sum(one.kind.documents for one in there) if seen else None), ""),
        ("Recusados, guardados", count(sum(one.kind.refused for one in there) if seen else None), ""),
    ]


def test_who_is_silent(fleet: Fleet) -> None:
    silent = [
        (one.last_seen, one.store.name)
        for one in fleet.there(PERIOD)
        if one.last_seen and fleet.now - one.last_seen >= HEARD
    ]
    assert fleet.screens.ranking("fleet-silent", PERIOD) == [
        (name, f"{at.astimezone():%d/%m %H:%M}") for at, name in sorted(silent)
    ]
    assert len(silent) == 2


def test_who_is_behind(fleet: Fleet, selection: Selection) -> None:
    behind = sorted(
        (one for one in fleet.there(selection) if one.kind.lag_seconds),
        key=lambda one: -one.kind.lag_seconds,
    )
    assert fleet.screens.ranking("fleet-behind", selection) == [
        (one.store.name, f"{span(one.kind.lag_seconds)} · {count(one.kind.documents)} documentos")
        for one in behind
    ]


def test_the_agents_versions(fleet: Fleet, selection: Selection) -> None:
    versions = Counter(one.kind.version for one in fleet.there(selection) if one.last_seen)
    ordered = sorted(versions.items(), key=lambda pair: (-pair[1], pair[0]))
    assert fleet.screens.ranking("fleet-versions", selection) == [
        (name, count(number)) for name, number in ordered
    ]


def test_the_list_of_agents(fleet: Fleet, selection: Selection) -> None:
    found = fleet.screens.answer("search-agents", selection)
    there = {one.store.id: one for one in fleet.there(selection)}
    assert found["found"] == len(there)
    for row in found["rows"]:
        fields = row["fields"]
        one = there.pop(fields["store.id"][0])
        seen = fields.get("store.last_seen")
        assert (datetime.fromisoformat(seen[0]) if seen else None) == one.last_seen
        assert fields.get("store.lag_seconds", [0]) == [one.kind.lag_seconds]
    assert there == {}


def test_the_alerts_that_go_on(fleet: Fleet, selection: Selection) -> None:
    """The worst first; the period does not matter, and what is over is not there."""
    rows = [row["fields"] for row in fleet.screens.answer("search-alerts", selection)["rows"]]
    names = ("alert.severity", "alert.finding", "alert.name", "alert.key", "store.region")
    wanted = [
        (one.severity, one.finding, one.store.name, one.store.id, one.store.region, one.since)
        for one in fleet.alerts
        if not one.over
        and (not selection.stores or one.store.id in selection.stores)
        and (not selection.regions or one.store.region in selection.regions)
    ]
    shown = [
        (*(row[name][0] for name in names), datetime.fromisoformat(row["@timestamp"][0])) for row in rows
    ]
    assert sorted(shown) == sorted(wanted)
    assert [row[0] for row in shown] == sorted(row[0] for row in wanted)
    assert len(fleet.alerts) == 6


def test_every_finding_and_status_has_its_words() -> None:
    schema = json.loads((SCHEMA / "store.json").read_text(encoding="utf-8"))
    statuses = schema["properties"]["store"]["properties"]["status"]["enum"]
    for language in Language:
        words = of_fields(Say(language))
        assert list(words["alert.finding"]) == [one.finding for one in load(language.value)]
        assert list(words["store.status"]) == statuses


def test_what_was_refused(fleet: Fleet) -> None:
    # What the pipeline refuses is of now, what agents refuse of the period.
    now = Selection(since=AT - timedelta(days=1), until=fleet.now + timedelta(days=1))
    for selection, stages in ((PERIOD, {"document"}), (now, {"document", "ingest"})):
        some = [one for one in fleet.refused if one.stage in stages]
        kinds = Counter((one.stage, one.path, one.rule) for one in some)
        found = fleet.screens.table("fleet-quarantine", selection)
        assert {row[:3]: row[3:] for row in found} == {
            kind: (number, number) for kind, number in kinds.items()
        }
        days = fleet.screens.parts("fleet-quarantine-days", selection)
        assert sum(int(one["documentos"]) for one in days) == len(some)
    by_day = {one["Dia"]: one["documentos"] for one in fleet.screens.parts("fleet-quarantine-days", PERIOD)}
    assert by_day == {"2026-09-01": "12"}


def test_what_the_audit_found(fleet: Fleet) -> None:
    found = fleet.screens.answer("search-findings", PERIOD)["rows"]
    names = ("store.id", "audit.day", "audit.state", "audit.rows", "audit.index_rows")
    shown = {tuple(row["fields"][name][0] for name in names) for row in found}
    assert shown == {(one.store.id, *one[1:]) for one in fleet.found}
    assert len(found) == len(shown) == 4


def test_what_the_pbx_said(fleet: Fleet) -> None:
    found = fleet.screens.answer("search-events", PERIOD)
    assert found["found"] == len(fleet.world.stores) * len(states.EVENTS)


def tally(calls: list[Now]) -> Counter[str]:
    return Counter(call.state for call in calls)


def test_the_figures_of_calls_now(fleet: Fleet, selection: Selection) -> None:
    on = fleet.on(selection)
    number = tally(on)
    there = fleet.there(selection)
    soon = timedelta(seconds=90)
    heard = [one for one in there if one.last_seen and fleet.now - one.last_seen < soon and not one.kind.ami]
    assert heard
    assert fleet.screens.figures("live-figures", selection) == [
        ("Chamadas agora", count(len(on)), ""),
        *((title, count(number[state]), "") for title, state in zip(TITLES, STATES, strict=True)),
        ("Lojas em chamada", count(len({one.store.id for one in on})), ""),
        ("Lojas ouvidas", count(len(heard)), f"de {count(len(there))}"),
    ]


@pytest.mark.parametrize(
    ("panel", "key"),
    [("live-stores", lambda one: one.store.name), ("live-regions", lambda one: one.store.region)],
)
def test_calls_now_by_store_and_region(
    fleet: Fleet, selection: Selection, panel: str, key: Callable[[Now], str]
) -> None:
    groups: dict[str, list[Now]] = {}
    for one in fleet.on(selection):
        groups.setdefault(key(one), []).append(one)
    names = sorted(groups, key=lambda name: (-len(groups[name]), name))
    assert fleet.screens.ranking(panel, selection) == [
        (
            name,
            "".join(
                f"{tally(groups[name])[state]} {word}  "
                for state, word in STATES.items()
                if tally(groups[name])[state]
            ),
        )
        for name in names
    ]


def test_the_board(fleet: Fleet, selection: Selection) -> None:
    lines = Counter(fleet.screens.lines("live-board", selection))
    on = fleet.on(selection)
    assert {word: lines[word] for word in STATES.values()} == {
        word: tally(on)[state] for state, word in STATES.items()
    }
    stores = Counter(one.store.name for one in on)
    assert {name: lines[name] for name in stores} == stores


def test_stores_whose_calls_are_not_known(fleet: Fleet) -> None:
    unknown: dict[str, Any] = {}
    for one in fleet.there(PERIOD):
        if one.last_seen is None or fleet.now - one.last_seen > timedelta(seconds=90):
            unknown[one.store.name] = "não dá notícia"
        elif one.kind.ami:
            unknown[one.store.name] = "não ouve a central da loja"
    assert dict(fleet.screens.ranking("live-unknown", PERIOD)) == unknown
    assert len(unknown) == 4


def test_where_no_store_is_registered_nothing_is_claimed(world: World) -> None:
    if world.stores:
        return
    screens = Screens(world)
    figures = [text for _, text, _ in screens.figures("fleet-figures", PERIOD)]
    assert figures == ["0", "0", "0", "0", "0", "0", "—", "—"]
    *calls, heard = screens.figures("live-figures", PERIOD)
    assert {text for _, text, _ in calls} == {"—"}
    assert heard == ("Lojas ouvidas", "0", "de 0")
    assert screens.lines("live-board", PERIOD) == ["Nenhuma chamada agora"]
    assert screens.ranking("fleet-silent", PERIOD) == screens.ranking("fleet-behind", PERIOD) == []


def test_the_line_of_completeness_says_that_no_store_is_registered(world: World) -> None:
    if not world.stores:
        assert Screens(world).lines("completeness", PERIOD) == ["Nenhuma loja cadastrada ainda"]
