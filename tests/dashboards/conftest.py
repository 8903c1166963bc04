"""Worlds for the panels' tests: a cluster of their own, and one world after the other in it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compose.stack import QUICK_START, OpenSearchCluster
from tests.dashboards.cases import CASES, Case, selection_of
from tests.dashboards.shown import Screens
from tests.dashboards.world import PLANS, World, build
from tests.servers import new_server_dir

HEAP_MIB = 768
TWELVE = "twelve"
"""The world of those tests that ask for one by its name."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of one world come together, in whatever order they come: so each world is made once."""
    places = [number for number, item in enumerate(items) if _world_of(item)]
    ordered = sorted((items[number] for number in places), key=_world_of)
    for number, item in zip(places, ordered, strict=True):
        items[number] = item


def _world_of(item: pytest.Item) -> str:
    """The name of the world that a test looks at; empty: it looks at none."""
    if Path(__file__).parent not in item.path.parents:
        return ""
    params: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    if "case" in params:
        return str(params["case"][0])
    if "world" in params:
        return str(params["world"])
    return TWELVE if "world_of" in getattr(item, "fixturenames", ()) else ""


@pytest.fixture(scope="session")
def panels_cluster() -> Iterator[OpenSearchCluster]:
    """A node that no other test empties: a world is too dear to be made for each test."""
    with (
        new_server_dir() as directory,
        OpenSearchCluster(directory / "panels", jvm_options=QUICK_START, heap_mib=HEAP_MIB) as cluster,
    ):
        yield cluster


@pytest.fixture(scope="session")
def world_of(
    panels_cluster: OpenSearchCluster, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], World]:
    """Makes a world by its name in `PLANS`; it stays until another one is asked for."""
    there: dict[str, World] = {}

    def give(name: str) -> World:
        if name not in there:
            there.clear()
            folder: Path = tmp_path_factory.mktemp(name)
            there[name] = build(panels_cluster, PLANS[name], folder)
        return there[name]

    return give


@pytest.fixture(scope="session", params=PLANS)
def world(request: pytest.FixtureRequest, world_of: Callable[[str], World]) -> World:
    """Each world in turn: pytest runs the tests of one after another. Tests only read."""
    return world_of(request.param)


@pytest.fixture(scope="session", params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest, world_of: Callable[[str], World]) -> Case:
    """Each world through some filters and periods."""
    name, chosen = request.param
    world = world_of(name)
    return Case(world, selection_of(world, name, chosen), Screens(world))
