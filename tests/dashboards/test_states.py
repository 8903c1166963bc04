"""The harness of the states of now: what stands in the index is what was meant."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.dashboards import states
from tests.dashboards.world import World

AT = datetime(2026, 9, 1, 15, 0, tzinfo=UTC)


@pytest.fixture
def chain(world_of: Callable[[str], World]) -> Iterator[World]:
    world = world_of("twelve")
    yield world
    states.forget(world.cluster)


def sources(world: World, index: str) -> list[dict[str, Any]]:
    world.cluster.request("POST", f"/{index}/_refresh")
    body = {"size": 1_000, "sort": ["event.id"]}
    hits = world.cluster.request("POST", f"/{index}/_search", body)["hits"]["hits"]
    return [hit["_source"] for hit in hits]


def test_each_store_is_in_the_state_that_it_is_meant_to_be_in(chain: World) -> None:
    now = datetime.now(UTC)
    meant = {state.store.id: state for state in states.beat(chain.cluster, chain.stores, now)}
    assert {state.name for state in meant.values()} == set(states.KINDS)
    for source in sources(chain, "pabx-stores"):
        said, state = source["store"], meant[source["store"]["id"]]
        assert said["name"] == state.store.name
        assert ("revoked_at" in said) == state.kind.revoked
        if state.last_seen is None:
            assert "last_seen" not in said
            continue
        assert datetime.fromisoformat(said["last_seen"]) == state.last_seen
        assert said["lag_seconds"] == state.kind.lag_seconds
        assert said["checks"]["reading"] == (state.kind.reading or "ok")
        assert source["agent"]["version"] == state.kind.version
        assert state.until is not None
        fresh = now - state.until < timedelta(minutes=10) and said["checks"]["reading"] == "ok"
        assert fresh == state.kind.is_complete, state.name


def test_calls_go_on_as_they_are_meant_to(chain: World) -> None:
    now = datetime.now(UTC)
    meant = {call.key: call for call in states.calls_now(chain.cluster, chain.stores, now)}
    found = {source["event"]["id"]: source for source in sources(chain, "pabx-live")}
    for key, call in meant.items():
        said = found[key]
        assert (said["live"]["state"], said["call"]["direction"]) == (call.state, call.direction)
        assert said["store"]["region"] == call.store.region
        heard = now - datetime.fromisoformat(said["live"]["as_of"])
        assert abs(heard.total_seconds() - call.heard_seconds) < 30
    assert Counter(call.on_panel for call in meant.values()) == {True: 13, False: 2}


def test_events_refusals_and_findings_are_there(chain: World) -> None:
    meant = states.events(chain.cluster, chain.stores, AT)
    told = Counter((one["store"]["id"], one["event"]["action"]) for one in sources(chain, "pabx-events-*"))
    assert told == {(store, action): 1 for store, actions in meant.items() for action in actions}
    refused = Counter(
        (one.store.id, one.stage, one.path, one.rule)
        for one in states.quarantine(chain.cluster, chain.stores, AT)
    )
    kept = Counter(
        (one["store"]["id"], *(one["quarantine"].get(name, "") for name in ("stage", "path", "rule")))
        for one in sources(chain, "pabx-quarantine-*")
    )
    assert kept == refused
    assert refused.total() == 18
    wanted = {
        (one.store.id, one.day, one.state, one.rows, one.index_rows)
        for one in states.findings(chain.cluster, chain.stores, "2026-09-01")
    }
    names = ("day", "state", "rows", "index_rows")
    found = {
        (one["store"]["id"], *(one["audit"][name] for name in names))
        for one in sources(chain, "pabx-audit-*")
        if one["audit"]["kind"] == "finding"
    }
    assert found == wanted
    assert Counter(state for _, _, state, *_ in wanted) == {"differs": 2, "healed": 2}
