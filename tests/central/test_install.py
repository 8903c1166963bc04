"""`central install`: does what is missing, shows what differs, says what cannot be changed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from central.assets import load_assets
from central.plan import first_index
from compose.stack import OpenSearchCluster
from tests.central.outcome import KINDS, Outcome

pytestmark = pytest.mark.servers

Central = Callable[..., Outcome]
ASSETS = load_assets()
# Of each template one index.
RESOURCES = len(ASSETS.pipelines) + len(ASSETS.components) + 2 * len(ASSETS.templates)


def actions(outcome: Outcome) -> dict[str, str]:
    """Resource -> what was done, as it was printed."""
    lines = [line for line in outcome.out.splitlines() if not line.startswith((" ", "http"))]
    return {line[11:]: line[:10].rstrip() for line in lines}


def state(cluster: OpenSearchCluster) -> list[Any]:
    """Everything of ours in the cluster, existing indices included."""
    return [cluster.request("GET", path) for path in (*(f"/{kind}" for kind in KINDS), "/pabx-*")]


def test_the_first_install_creates_everything_and_the_second_changes_nothing(
    bare_cluster: OpenSearchCluster, central: Central
) -> None:
    first = central("install", "--url", bare_cluster.url)
    assert first.code == 0
    assert set(actions(first).values()) == {"create"}
    assert first.out.endswith(f"{RESOURCES} created, 0 changed, 0 unchanged\n")
    before = state(bare_cluster)
    second = central("--url", bare_cluster.url, "install")
    assert set(actions(second).values()) == {"unchanged"}
    assert second.out.endswith(f"0 created, 0 changed, {RESOURCES} unchanged\n")
    assert second.err == ""
    assert state(bare_cluster) == before


def test_a_dry_run_on_an_empty_cluster_creates_nothing(
    bare_cluster: OpenSearchCluster, central: Central
) -> None:
    outcome = central("install", "--dry-run", "--url", bare_cluster.url)
    assert outcome.code == 0
    assert set(actions(outcome).values()) == {"create"}
    assert "nothing was changed (--dry-run)" in outcome.out
    templates = bare_cluster.request("GET", "/_index_template")["index_templates"]
    assert [entry["name"] for entry in templates if entry["name"].startswith("pabx-")] == []
    assert bare_cluster.request("GET", "/_cat/indices/pabx-*?h=index") == ""


def indices_of(day: datetime) -> set[str]:
    months = {f"pabx-{kind}-{day:%Y.%m}" for kind in ("audit", "calls", "cdr", "quarantine")}
    return {*months, f"pabx-events-{day:%Y.%m.%d}", "pabx-alerts", "pabx-gate", "pabx-live", "pabx-stores"}


def test_a_kind_without_an_index_gets_an_empty_one(cluster: OpenSearchCluster, central: Central) -> None:
    cluster.request("PUT", "/pabx-cdr-2026.09")
    before = datetime.now(UTC)
    outcome = central("install", "--url", cluster.url)
    assert (outcome.code, outcome.err) == (0, "")
    created = {name for name, action in actions(outcome).items() if action == "create"}
    days = (before, datetime.now(UTC))  # a day may have begun meanwhile
    assert created in [
        {f"index {name}" for name in indices_of(day) - {f"pabx-cdr-{day:%Y.%m}"}} for day in days
    ]
    assert len(cluster.request("GET", "/pabx-*")) == 9
    (calls,) = cluster.request("GET", "/pabx-calls-*/_mapping").values()
    assert calls["mappings"]["properties"]["call"]["properties"]["talk_seconds"]["type"] == "integer"
    assert "create" not in actions(central("install", "--url", cluster.url)).values()


@pytest.mark.parametrize(
    ("template", "pattern", "name"),
    [
        ("pabx-calls", "pabx-calls-*", "pabx-calls-2026.11"),
        ("pabx-events", "pabx-events-*", "pabx-events-2026.11.09"),
        ("pabx-live", "pabx-live", "pabx-live"),
    ],
)
def test_the_index_of_now(template: str, pattern: str, name: str) -> None:
    assert first_index(template, pattern, datetime(2026, 11, 9, 23, 59, tzinfo=UTC)) == name


def test_a_dry_run_shows_a_manual_change_and_install_mends_it(
    cluster: OpenSearchCluster, central: Central
) -> None:
    body = {**ASSETS.components["pabx-settings"]}
    body["template"] = {
        "settings": {"index": {**body["template"]["settings"]["index"], "refresh_interval": "30s"}}
    }
    cluster.request("PUT", "/_component_template/pabx-settings", body)
    before = state(cluster)

    shown = central("install", "--dry-run", "--url", cluster.url)
    changes = {name for name, action in actions(shown).items() if action == "change"}
    assert changes == {"component template pabx-settings"}
    assert (
        '    -      "index.refresh_interval": "30s"\n    +      "index.refresh_interval": "1s"\n' in shown.out
    )
    assert state(cluster) == before

    assert central("install", "--url", cluster.url).code == 0
    assert set(actions(central("install", "--dry-run", "--url", cluster.url)).values()) == {"unchanged"}


def test_a_changed_script_is_shown_by_its_line(cluster: OpenSearchCluster, central: Central) -> None:
    pipeline = cluster.request("GET", "/_ingest/pipeline/pabx-documents")["pabx-documents"]
    pipeline["processors"][0]["script"]["source"] += "\nctx.remove('tags');"
    cluster.request("PUT", "/_ingest/pipeline/pabx-documents", pipeline)
    shown = central("install", "--dry-run", "--url", cluster.url)
    assert [line.strip() for line in shown.out.splitlines() if "ctx.remove('tags')" in line] == [
        """-          "ctx.remove('tags');\""""
    ]
    assert central("install", "--url", cluster.url).code == 0


def test_an_index_that_exists_gets_the_fields_that_it_lacks(
    cluster: OpenSearchCluster, central: Central
) -> None:
    old = ASSETS.components["pabx-cdr"]["template"]
    mapping = {
        key: value
        for key, value in old["mappings"]["properties"]["cdr"]["properties"].items()
        if key != "did"
    }
    mapping["src"] = {"type": "keyword", "ignore_above": 8191}
    everything = cluster.request("POST", "/_index_template/_simulate/pabx-cdr")["template"]
    properties = {**everything["mappings"]["properties"], "cdr": {"properties": mapping}}
    # Without its template, so that the index is as an older version made it.
    template = cluster.request("GET", "/_index_template/pabx-cdr")["index_templates"][0]["index_template"]
    cluster.request("DELETE", "/_index_template/pabx-cdr")
    settings = {"index": {**everything["settings"]["index"], "query": {"default_field": ["cdr.src"]}}}
    body = {"settings": settings, "mappings": {"dynamic": "false", "properties": properties}}
    cluster.request("PUT", "/pabx-cdr-2026.09", body)
    cluster.request("PUT", "/_index_template/pabx-cdr", template)

    shown = central("install", "--dry-run", "--url", cluster.url)
    assert actions(shown)["index pabx-cdr-2026.09"] == "change"
    assert '"did": {' in shown.out
    assert "did" not in cdr_properties(cluster)

    done = central("install", "--url", cluster.url)
    assert (done.code, done.err) == (0, "")
    assert cdr_properties(cluster) == old["mappings"]["properties"]["cdr"]["properties"]
    assert actions(central("install", "--url", cluster.url))["index pabx-cdr-2026.09"] == "unchanged"


def cdr_properties(cluster: OpenSearchCluster) -> dict[str, Any]:
    mapping = cluster.request("GET", "/pabx-cdr-2026.09/_mapping")["pabx-cdr-2026.09"]["mappings"]
    properties: dict[str, Any] = mapping["properties"]["cdr"]["properties"]
    return properties


def test_what_an_old_index_cannot_take_is_said_plainly(
    bare_cluster: OpenSearchCluster, central: Central
) -> None:
    # What a shipper leaves that ran before the first install: guessed types.
    bare_cluster.request("PUT", "/pabx-cdr-2026.08/_doc/a1", {"cdr": {"duration": "5", "src": "100"}})
    outcome = central("install", "--url", bare_cluster.url)
    assert outcome.code == 0
    lines = outcome.err.splitlines()
    assert (
        "central: index pabx-cdr-2026.08: cdr.duration has type text, not integer: "
        "new indices have it, this one keeps what it has until you reindex it"
    ) in lines
    assert any("cdr.src has type text, not keyword" in line for line in lines)
    assert any("new fields: analyzer [pabx_" in line for line in lines)
