"""Each role can do its work, and nothing else; store managers have a file of their own."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shipper.config import OpenSearchSettings
from shipper.document.identity import mark
from shipper.errors import OutputError
from shipper.outputs import OpenSearchOutput
from shipper.spool import Spooled
from tests.central.outcome import Outcome
from tests.central.security.secured import CALLS, PASSWORD, ROLES, Secured, document

pytestmark = pytest.mark.servers

Central = Callable[..., Outcome]
CDR = "pabx-cdr-2026.11"
WRITERS = ("pabx_ingest", "pabx_agent")

SEARCH = ("GET", "/pabx-*/_search", None)
ONE = ("GET", f"/{CALLS}/_doc/Loja001-0", None)
COUNT = ("GET", "/pabx-*/_count", None)
SEVERAL = ("POST", f"/{CALLS}/_mget", {"ids": ["Loja001-0"]})
TERM_VECTORS = ("GET", f"/{CALLS}/_termvectors/Loja001-0?fields=source.name", None)
EXPLAIN = ("POST", f"/{CALLS}/_explain/Loja001-0", {"query": {"match_all": {}}})
POINT_IN_TIME = ("POST", f"/{CALLS}/_search/point_in_time?keep_alive=1m", None)
WRITE = ("PUT", f"/{CALLS}/_doc/new", document("new"))
UPDATE = ("POST", f"/{CALLS}/_update/Loja001-0", {"doc": {"tags": ["x"]}})
UPDATE_ALL = ("POST", "/pabx-calls-*/_update_by_query", {"script": {"source": "ctx._source.a = 1"}})
DELETE = ("DELETE", f"/{CALLS}/_doc/Loja001-0", None)
DELETE_ALL = ("POST", "/pabx-calls-*/_delete_by_query", {"query": {"match_all": {}}})
DELETE_INDEX = ("DELETE", f"/{CALLS}", None)
CLOSE_INDEX = ("POST", f"/{CALLS}/_close", None)
SET_INDEX = ("PUT", f"/{CALLS}/_settings", {"index.default_pipeline": "_none"})
MAP_INDEX = ("PUT", f"/{CALLS}/_mapping", {"properties": {"new": {"type": "keyword"}}})
READ_INDEX = ("GET", f"/{CALLS}", None)
ALIAS = ("PUT", f"/{CALLS}/_alias/mine", None)
CLUSTER = ("GET", "/_cluster/health", None)
STATE = ("GET", "/_cat/indices/pabx-*", None)
CLUSTER_SETTINGS = ("PUT", "/_cluster/settings", {"transient": {"action.destructive_requires_name": False}})
TEMPLATE = ("PUT", "/_index_template/pabx-x", {"index_patterns": ["pabx-x"]})
READ_PIPELINE = ("GET", "/_ingest/pipeline/pabx-documents", None)
PIPELINE = ("PUT", "/_ingest/pipeline/pabx-x", {"processors": []})
DELETE_PIPELINE = ("DELETE", "/_ingest/pipeline/pabx-documents", None)
OTHERS = ("GET", "/other/_search", None)
OTHERS_NEW = ("PUT", "/other/_doc/1", {})
USERS = ("GET", "/_plugins/_security/api/internalusers", None)
OWN_ROLE = ("PUT", "/_plugins/_security/api/rolesmapping/all_access", {"users": ["*"]})
OWN_ATTRIBUTES = ("PUT", "/_plugins/_security/api/account", {"attributes": {"stores": '"Loja003"'}})

READING = [SEARCH, ONE, COUNT, SEVERAL, TERM_VECTORS, EXPLAIN, POINT_IN_TIME]
WRITING = [WRITE, UPDATE, UPDATE_ALL]
REMOVING = [DELETE, DELETE_ALL]
MANAGING = [DELETE_INDEX, CLOSE_INDEX, ALIAS, CLUSTER_SETTINGS, DELETE_PIPELINE]
CHANGING = [SET_INDEX, MAP_INDEX, TEMPLATE, PIPELINE]
NOBODY = [OTHERS, OTHERS_NEW, USERS, OWN_ROLE]

FORBIDDEN = {
    "pabx_ingest": [
        *READING,
        UPDATE,
        UPDATE_ALL,
        *REMOVING,
        *MANAGING,
        *CHANGING,
        READ_INDEX,
        CLUSTER,
        STATE,
    ],
    "pabx_agent": [*READING, UPDATE, UPDATE_ALL, DELETE_ALL, *MANAGING, *CHANGING, READ_INDEX, STATE],
    "pabx_operator": [*WRITING, *REMOVING, *MANAGING, *CHANGING, READ_PIPELINE],
    "pabx_store_manager": [
        *[TERM_VECTORS, EXPLAIN, READ_INDEX, CLUSTER, STATE, READ_PIPELINE],
        *[*WRITING, *REMOVING, *MANAGING, *CHANGING],
    ],
    "pabx_alerting": [*WRITING, *REMOVING, *MANAGING, *CHANGING, READ_INDEX, CLUSTER, STATE, READ_PIPELINE],
    "pabx_installer": [*READING, *WRITING, *REMOVING, *MANAGING, CLUSTER, STATE],
    "pabx_maintainer": [*MANAGING, SET_INDEX, MAP_INDEX, TEMPLATE, STATE],
}


@pytest.mark.parametrize("role", ROLES)
def test_everything_else_is_refused(filled: Secured, role: str) -> None:
    requests = [*FORBIDDEN[role], *NOBODY]
    answers = {f"{method} {path}": filled.ask(role, method, path, body) for method, path, body in requests}
    assert {request: answer for request, answer in answers.items() if answer[0] != 403} == {}
    assert "Segredo" not in str(answers)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_gives_themselves_stores(secured: Secured, role: str) -> None:
    assert secured.ask(role, *OWN_ATTRIBUTES)[0] == 400


@pytest.mark.parametrize("role", WRITERS)
class TestWriters:
    """Bulk requests as Fluent Bit sends them: any pipeline's name in the address or the action."""

    def test_rows_are_created_once(self, clean: Secured, role: str) -> None:
        row = [{"create": {"_index": CDR, "_id": "a"}}, document("a")]
        query = "?filter_path=items.*.status,items.*._index&pipeline=pabx-documents"
        assert clean.bulk(role, *row, query=query) == [(201, CDR)]
        assert clean.bulk(role, *row) == [(409, CDR)]

    @pytest.mark.parametrize("index", [CALLS, "pabx-audit-2026.11"])
    def test_states_take_the_place_of_older_ones(self, clean: Secured, role: str, index: str) -> None:
        action = {"index": {"_index": index, "_id": "a", "pipeline": "pabx-documents"}}
        newer = document("a")
        newer["event"]["sequence"] = 2
        assert clean.bulk(role, action, document("a")) == [(201, index)]
        assert clean.bulk(role, action, newer) == [(200, index)]
        assert clean.bulk(role, action, document("a")) == [(409, index)]

    def test_a_heartbeat_is_merged(self, clean: Secured, role: str) -> None:
        beat = {"doc": document("Loja001"), "doc_as_upsert": True}
        action = {"update": {"_index": "pabx-stores", "_id": "Loja001", "retry_on_conflict": 3}}
        query = "?pipeline=pabx-documents"
        assert clean.bulk(role, action, beat, query=query) == [(201, "pabx-stores")]
        assert clean.bulk(role, action, beat, query=query) == [(200, "pabx-stores")]

    def test_what_the_pipeline_refuses_gets_into_the_quarantine(self, clean: Secured, role: str) -> None:
        refused = [{"create": {"_index": CDR, "_id": "a"}}, {"@timestamp": "yesterday"}]
        assert clean.bulk(role, *refused) == [(201, "pabx-quarantine-2026.11")]

    def test_what_an_agent_refused_too(self, clean: Secured, role: str) -> None:
        body = document("a", quarantine={"stage": "agent"}, error={"message": "no date"})
        body["event"]["dataset"] = "pabx.quarantine"
        action = {"create": {"_index": "pabx-quarantine-2026.11", "_id": "a"}}
        assert clean.bulk(role, action, body) == [(201, "pabx-quarantine-2026.11")]

    @pytest.mark.parametrize(
        "index", ["pabx-other", "other", "pabx-stores-2", ".opendistro_security", ".kibana"]
    )
    def test_no_other_index(self, clean: Secured, role: str, index: str) -> None:
        """What is refused is refused alone: the others are taken."""
        lines = [{"create": {"_index": CDR, "_id": "a"}}, document("a")]
        lines += [{"index": {"_index": index, "_id": "a"}}, document("a")]
        assert [status for status, _ in clean.bulk(role, *lines)] == [201, 403]

    @pytest.mark.parametrize("index", ["pabx-stores", "pabx-quarantine-2026.11"])
    def test_nothing_is_taken_away(self, filled: Secured, role: str, index: str) -> None:
        for key in ("Loja001", "aside"):
            assert filled.bulk(role, {"delete": {"_index": index, "_id": key}}) == [(403, index)]

    def test_only_heartbeats_are_merged(self, filled: Secured, role: str) -> None:
        """An update gives what is there: it is a way to read."""
        action = {"update": {"_index": CALLS, "_id": "Loja001-0", "_source": True}}
        assert filled.bulk(role, action, {"doc": {}}) == [(403, CALLS)]


@pytest.mark.parametrize(("role", "status"), [("pabx_ingest", 201), ("pabx_agent", 403)])
def test_only_the_gate_says_how_the_gate_is(clean: Secured, role: str, status: int) -> None:
    event = {"id": "gate1", "kind": "metric", "dataset": "pabx.gate", "created": "2026-11-23T15:00:00Z"}
    body = {
        "@timestamp": "2026-11-23T15:00:00Z",
        "event": event,
        "host": {"name": "gate1"},
        "gate": {"state": "ok"},
    }
    assert clean.ask(role, "PUT", "/pabx-gate/_doc/gate1?pipeline=pabx-gate", body)[0] == status
    again = clean.bulk(role, {"index": {"_index": "pabx-gate", "_id": "gate1"}}, body)
    assert again == [(200 if status == 201 else 403, "pabx-gate")]


class TestAgent:
    """The agent's own output."""

    def output(self, secured: Secured, user: str) -> OpenSearchOutput:
        node = secured.node
        return OpenSearchOutput(
            OpenSearchSettings(url=node.url, user=user, password=PASSWORD, ca_file=str(node.ca_file))
        )

    def test_it_checks_sends_and_takes_away(self, clean: Secured) -> None:
        output = self.output(clean, "pabx_agent")
        gone = document("b")
        gone["event"]["sequence"] = 2
        batch = [
            Spooled(1, CDR, "a", json.dumps(document("a")).encode()),
            Spooled(2, CALLS, "b", json.dumps(document("b")).encode(), "index"),
            Spooled(3, CALLS, "b", json.dumps(gone).encode(), "delete"),
            Spooled(4, "pabx-stores", "Loja001", json.dumps(document("Loja001")).encode(), "update"),
            Spooled(5, CDR, "c", b"{}"),
        ]
        try:
            assert output.check().startswith("opensearch 3.")
            outcome = output.send(batch)
            assert output.clock() is not None
        finally:
            output.close()
        assert (outcome.done, outcome.quarantined) == ([1, 2, 3, 4, 5], 1)
        clean.node.request("POST", "/pabx-*/_refresh")
        assert clean.node.request("GET", "/pabx-*/_count")["count"] == 3

    def test_another_role_may_not(self, clean: Secured) -> None:
        output = self.output(clean, "pabx_operator")
        with pytest.raises(OutputError) as error:
            output.send([Spooled(1, CDR, "a", json.dumps(document("a")).encode())])
        output.close()
        assert "gives user 'pabx_operator' no right" in str(error.value)


class TestOperator:
    """Reads everything."""

    @pytest.mark.parametrize(
        "request_",
        [
            *READING,
            READ_INDEX,
            CLUSTER,
            STATE,
            ("GET", "/_cluster/stats", None),
            ("GET", "/_cat/shards/pabx-*", None),
        ],
    )
    def test_it_reads(self, filled: Secured, request_: tuple[str, str, Any]) -> None:
        assert filled.ask("pabx_operator", *request_)[0] == 200

    def test_it_sees_all_stores(self, filled: Secured) -> None:
        assert filled.ask("pabx_operator", *COUNT)[1]["count"] == 16


@pytest.mark.parametrize("role", ["pabx_operator", "pabx_store_manager"])
class TestDashboards:
    """What OpenSearch Dashboards asks in the name of a user who looks at a dashboard."""

    @pytest.fixture
    def saved(self, filled: Secured) -> Secured:
        body = {"type": "dashboard", "dashboard": {"title": "Calls"}}
        filled.node.request("PUT", "/.kibana_1/_doc/dashboard:1?refresh=true", body)
        filled.node.request("PUT", "/.kibana_1/_alias/.kibana")
        return filled

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "/.kibana/_doc/dashboard:1", None),
            ("POST", "/.kibana/_search", {"query": {"term": {"type": "dashboard"}}}),
            ("POST", "/_mget", {"docs": [{"_index": ".kibana", "_id": "dashboard:1"}]}),
            ("GET", "/_resolve/index/pabx-*", None),
            ("GET", "/pabx-calls-*/_field_caps?fields=*", None),
            ("POST", "/_msearch", '{"index":"pabx-calls-*"}\n{"size":1}\n'),
            ("POST", f"/{CALLS}/_search", {"aggs": {"a": {"terms": {"field": "store.id"}}}}),
        ],
    )
    def test_it_reads(self, saved: Secured, role: str, method: str, path: str, body: Any) -> None:
        status, answer = saved.ask(role, method, path, body)
        assert status == 200, answer
        assert "security_exception" not in json.dumps(answer)

    def test_it_saves_nothing(self, saved: Secured, role: str) -> None:
        assert saved.ask(role, "PUT", "/.kibana/_doc/dashboard:2", {"type": "dashboard"})[0] == 403
        assert saved.ask(role, "DELETE", "/.kibana/_doc/dashboard:1")[0] == 403
        assert saved.ask(role, "DELETE", "/.kibana_1")[0] == 403


class TestMaintainer:
    """The commands that read and write documents."""

    def test_rate(self, clean: Secured, central: Central, tmp_path: Path) -> None:
        values = {"direction": "outbound", "outcome": "answered", "billable_seconds": 61, "trunk": "vivo"}
        call = {"id": "a", "linked_ids": ["a"], "category": "local_mobile", **values}
        body = document("a", call=call, local={"date": "2026-11-23", "hour": 12, "weekday": 1})
        clean.node.request("PUT", f"/{CALLS}/_doc/a?refresh=true", body)
        tariffs = tmp_path / "tariffs.toml"
        tariffs.write_text(
            'currency = "BRL"\n[[plan]]\nname = "vivo"\ntrunks = ["vivo"]\nvalid_from = 2026-01-01\n'
            "minimum_seconds = 30\nincrement_seconds = 6\n"
            'rate = [{ category = "local_mobile", per_minute = 0.60 }]\n'
        )
        outcome = central("rate", "--tariffs", tariffs, *clean.access("pabx_maintainer"))
        assert (outcome.code, outcome.err) == (0, "")
        source = clean.node.request("GET", f"/{CALLS}/_doc/a")["_source"]
        assert source["call"]["cost"]["amount"] == 0.66

    def test_relate(self, clean: Secured, central: Central) -> None:
        values = {"direction": "inbound", "outcome": "no_answer", "answered": False, "missed": True}
        call = {"id": "a", "linked_ids": ["a"], "trunk": "vivo", **values}
        body = document("a", call=call, source={"number": "11987654321"})
        clean.node.request("PUT", f"/{CALLS}/_doc/a?refresh=true", body)
        outcome = central("relate", *clean.access("pabx_maintainer"))
        assert (outcome.code, outcome.err) == (0, "")
        found = clean.node.request("GET", f"/{CALLS}/_doc/a")["_source"]["call"]
        assert found["trunk_calls"] == 1
        assert found["callback"]["state"] in {"waiting", "never"}
        outcome = central("relate", "--since", "2026-01-01", "--within", "1", *clean.access("pabx_operator"))
        assert outcome.code == 1
        assert "user 'pabx_operator' lacks the right for it" in outcome.err

    def test_erase(self, clean: Secured, central: Central) -> None:
        body = document("a", source={"number": "11987654321", "e164": "+5511987654321"})
        clean.node.request("PUT", f"/{CALLS}/_doc/a?refresh=true", body)
        outcome = central("erase", "--number", "11987654321", *clean.access("pabx_maintainer"))
        assert (outcome.code, outcome.err) == (0, "")
        assert "11987654321" not in str(clean.node.request("GET", f"/{CALLS}/_doc/a"))

    def test_audit_quarantine_and_the_list(self, clean: Secured, central: Central) -> None:
        """A report that the index does not bear out becomes a finding."""
        day = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"
        key = mark("Loja001") + "0" * 24
        report = {
            "@timestamp": f"{day}T03:00:00Z",
            "event": {"id": key, "kind": "metric", "dataset": "pabx.audit", "created": f"{day}T09:00:00Z"},
            "store": {"id": "Loja001", "timezone": "America/Sao_Paulo"},
            "audit": {"kind": "report", "day": day, "as_of": f"{day}T09:00:00Z", "rows": 1, "calls": 0},
        }
        index = f"pabx-audit-{day[:7].replace('-', '.')}"
        clean.node.request("PUT", f"/{index}/_doc/{key}?refresh=true", report)
        access = clean.access("pabx_maintainer")
        outcome = central("audit", *access)
        assert (outcome.code, outcome.err) == (1, "")
        assert f"Loja001 {day}  differs: 1 row missing" in outcome.out
        found = {"query": {"term": {"audit.kind": "finding"}}}
        assert clean.node.request("POST", f"/{index}/_search", found)["hits"]["total"]["value"] == 1
        assert central("quarantine", "list", *access).code == 0
        assert central("stores", "list", *access).code == 0

    def test_live_and_tidy(self, clean: Secured, central: Central) -> None:
        """The only indices that anybody may delete."""
        old = document("a", live={"state": "ended", "as_of": "2026-01-01T00:00:00Z"})
        for path in ("/pabx-live/_doc/a", "/pabx-events-2026.01.01/_doc/a", "/pabx-events-2026.01.02/_doc/a"):
            clean.node.request("PUT", f"{path}?refresh=true&pipeline=_none", old)
        access = clean.access("pabx_maintainer")
        assert central("live", *access).code == 0
        outcome = central("tidy", "--json", *access)
        assert (outcome.code, outcome.err) == (0, "")
        told = json.loads(outcome.out)
        assert (told["live"], len(told["events_indices"])) == (1, 2)
        outcome = central("tidy", *clean.access("pabx_operator"))
        assert outcome.code == 1
        assert "user 'pabx_operator' lacks the right for it" in outcome.err
        assert central("live", *clean.access("pabx_operator")).code == 0

    def test_the_register(self, filled: Secured) -> None:
        """What `central stores apply` does: a pipeline, and documents of the past named anew."""
        processors = [{"set": {"field": "store.name", "value": "Loja 1"}}]
        maintainer = "pabx_maintainer"
        path = "/_ingest/pipeline/pabx-register"
        assert filled.ask(maintainer, "GET", "/_ingest/pipeline/pabx-documents")[0] == 200
        before = filled.node.request("GET", "/_ingest/pipeline").get("pabx-register")
        try:
            assert filled.ask(maintainer, "PUT", path, {"processors": processors})[0] == 200
        finally:
            if before:
                filled.node.request("PUT", path, before)
            else:
                filled.node.request("DELETE", path)
        body = {
            "script": {"source": "ctx._source.store.name = 'Loja 1'"},
            "query": {"term": {"store.id": "Loja001"}},
        }
        query = "?pipeline=_none&conflicts=proceed&refresh=true&expand_wildcards=open"
        status, answer = filled.ask(maintainer, "POST", f"/pabx-calls-*/_update_by_query{query}", body)
        assert (status, answer["updated"]) == (200, 4)
        assert filled.ask(maintainer, "DELETE", f"/{CALLS}/_doc/Loja001-0")[0] == 200
