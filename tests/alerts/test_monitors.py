"""Every monitor on a real node: what makes it fire, what just does not, what closes it."""

import copy
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from opensearchpy import OpenSearch

from central.alerts.evaluate import Result, evaluate
from central.alerts.files import LANGUAGES, Monitor, load
from central.client import Connection
from compose.stack import OpenSearchCluster
from shipper.schema import load as load_schema
from tests.alerts.bodies import store
from tests.alerts.build import HEARD_LONG_AGO, alone
from tests.alerts.cases import CASES, scenes
from tests.alerts.random_stores import STORES
from tests.alerts.scene import Document, stage

NOW = 1_795_444_200
MONITORS = load("pt-BR")
SCENES = scenes()
VALIDATORS = {
    kind: jsonschema.Draft7Validator(load_schema(kind))
    for kind in ("store", "call", "live", "gate", "audit", "quarantine")
}


def raised(results: list[Result]) -> dict[str, tuple[str, ...]]:
    assert [(one.monitor.finding, one.error) for one in results if one.error] == []
    return {one.monitor.finding: tuple(alert.keys for alert in one.raised) for one in results if one.raised}


@pytest.mark.servers
@pytest.mark.parametrize("name", SCENES)
def test_each_scene_raises_what_it_says_and_nothing_else(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection, name: str
) -> None:
    _, scene = SCENES[name]
    stage(node.url, scene, NOW)
    results = evaluate(client, connection, MONITORS, NOW * 1000)
    assert len(results) == 24
    assert raised(results) == scene.raised


def test_every_shipped_monitor_has_cases_with_near_misses_and_ends() -> None:
    findings = {monitor.finding for monitor in MONITORS}
    assert len(findings) == 24
    assert {case.finding for case in CASES} == findings
    for finding in findings:
        cases = [case for case in CASES if case.finding == finding]
        assert any(case.misses for case in cases), finding
        assert all(case.closes for case in cases), finding
        for case in cases:
            assert finding in case.fires.raised
            for name, scene in {**case.misses, **case.closes}.items():
                assert finding not in scene.raised, (finding, case.name, name)
                assert scene.documents != case.fires.documents, (finding, case.name, name)


@pytest.mark.parametrize("name", SCENES)
def test_each_scenes_documents_are_as_stores_and_head_office_write_them(name: str) -> None:
    for document in SCENES[name][1].documents:
        assert list(VALIDATORS[document.kind].iter_errors(document.at(NOW))) == []


def test_both_languages_search_and_judge_alike() -> None:
    def judged(monitor: Monitor) -> Any:
        return monitor.finding, monitor.severity, monitor.search, monitor.trigger["condition"]

    english = load("en")
    assert LANGUAGES == ("pt-BR", "en")
    assert [judged(one) for one in MONITORS] == [judged(one) for one in english]


@pytest.mark.servers
def test_over_empty_indices_every_monitor_runs_and_finds_nothing(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection
) -> None:
    stage(node.url, alone(), NOW)
    assert raised(evaluate(client, connection, MONITORS, NOW * 1000)) == {}


@pytest.mark.servers
def test_an_index_that_is_not_there_fails_its_monitors_alone_and_says_what_mends_it(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection
) -> None:
    monitors = copy.deepcopy(MONITORS)
    gate = next(one for one in monitors if one.finding == "gate_trouble")
    gate.search["indices"][:] = ["pabx-no-such-*"]
    stage(node.url, alone(store(clock_offset_seconds=900)), NOW)
    results = {one.monitor.finding: one for one in evaluate(client, connection, monitors, NOW * 1000)}
    assert results["gate_trouble"].error == "no index pabx-no-such-*: run central install"
    assert [one.keys for one in results["clock_wrong"].raised] == ["Loja001,Loja Centro"]


@pytest.mark.servers
def test_a_condition_that_throws_is_an_error_of_its_monitor_alone(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection
) -> None:
    monitors = copy.deepcopy(MONITORS)
    wrong = next(one for one in monitors if one.finding == "refused")
    wrong.trigger["condition"]["script"]["source"] = "params.nothing.there > 0"
    stage(node.url, alone(store(refused_documents=1, clock_offset_seconds=900)), NOW)
    results = {one.monitor.finding: one for one in evaluate(client, connection, monitors, NOW * 1000)}
    assert "null" in results["refused"].error
    assert results["refused"].raised == ()
    assert [one.keys for one in results["clock_wrong"].raised] == ["Loja001,Loja Centro"]


@pytest.mark.servers
def test_more_stores_than_a_page_are_all_found(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection
) -> None:
    monitors = copy.deepcopy(MONITORS)
    for monitor in monitors:
        monitor.search["query"]["aggregations"]["composite_agg"]["composite"]["size"] = 2
    silent = [f"Loja{number:03}" for number in range(101, 108)]
    others = [store(f"Loja{number:03}") for number in range(201, 208)]
    stage(node.url, alone(*(store(name, **HEARD_LONG_AGO) for name in silent), *others), NOW)
    found = raised(evaluate(client, connection, monitors, NOW * 1000))
    assert found == {"agent_silent": tuple(f"{name},Loja {name[4:]}" for name in silent)}


@pytest.mark.servers
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(stores=STORES)
def test_no_store_document_makes_a_condition_throw(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection, stores: tuple[Document, ...]
) -> None:
    for one in stores:
        assert list(VALIDATORS["store"].iter_errors(one.at(NOW))) == []
    stage(node.url, alone(*stores), NOW)
    found = raised(evaluate(client, connection, MONITORS, NOW * 1000))
    assert {key.partition(",")[0] for keys in found.values() for key in keys} <= {
        *("Loja001", "Loja002", "pabx.store"),
        *(str(one.body["store"].get("region")) for one in stores),
        *(str(one.body["store"].get("region")).partition(",")[0] for one in stores),
    }
