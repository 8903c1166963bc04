"""`central install` sets the roles up: what is missing, what differs, nothing else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from central.assets import load_assets
from central.client import Connection, connect
from central.errors import CentralError
from central.plan import Action
from central.security.install import apply
from central.security.wanted import load_roles, steps
from compose.stack import OpenSearchCluster
from tests.central.outcome import KINDS, Outcome
from tests.central.security.secured import API, PASSWORD, ROLES, Secured, document

Central = Callable[..., Outcome]
# As the cluster answers: every list, and what it says of itself.
ANSWER = {"reserved": False, "hidden": False, "static": False}
MAPPING = {**ANSWER, "hosts": [], "users": [], "and_backend_roles": []}


def done(outcome: Outcome) -> dict[str, str]:
    """Role or mapping -> what was done, as it was printed."""
    lines = [line for line in outcome.out.splitlines() if line[11:].startswith("role")]
    return {line[11:]: line[:10].rstrip() for line in lines}


def answered(role: dict[str, Any]) -> dict[str, Any]:
    """The role as the cluster gives it back."""
    indices = [{"fls": [], "masked_fields": [], **entry} for entry in role["index_permissions"]]
    return {**ANSWER, "tenant_permissions": [], **role, "index_permissions": indices}


class TestComparison:
    """Without a cluster."""

    def test_the_shipped_roles(self) -> None:
        assert tuple(load_roles()) == ROLES

    def test_nothing_there(self) -> None:
        found = steps(load_roles(), {}, {})
        assert {step.action for step in found} == {Action.CREATE}
        assert [str(step.resource) for step in found[:2]] == ["role pabx_agent", "role mapping pabx_agent"]
        assert found[1].body["backend_roles"] == ["pabx_agent"]

    def test_the_clusters_own_keys_and_the_order_of_rights_do_not_count(self) -> None:
        roles = load_roles()
        there = {name: answered(role) for name, role in roles.items()}
        there["pabx_agent"]["cluster_permissions"] = [*reversed(there["pabx_agent"]["cluster_permissions"])]
        mappings = {name: {**MAPPING, "backend_roles": [name]} for name in roles}
        assert {step.action for step in steps(roles, there, mappings)} == {Action.UNCHANGED}

    @pytest.mark.parametrize("dls", ["", '{"match_all":{}}'])
    def test_another_filter_counts(self, dls: str) -> None:
        role = load_roles()["pabx_store_manager"]
        first, *others = answered(role)["index_permissions"]
        there = {**answered(role), "index_permissions": [{**first, "dls": dls}, *others]}
        step, _ = steps({"pabx_store_manager": role}, {"pabx_store_manager": there}, {})
        assert step.action is Action.CHANGE
        assert any("attr.internal.stores" in line for line in step.difference)

    def test_what_else_is_mapped_stays(self) -> None:
        mine = {"users": ["maria"], "hosts": ["h"], "backend_roles": ["ldap"], "and_backend_roles": ["b"]}
        there = {"pabx_agent": {**ANSWER, **mine, "description": "Ours"}}
        _, step = steps({"pabx_agent": load_roles()["pabx_agent"]}, {}, there)
        assert step.action is Action.CHANGE
        assert step.body == {**mine, "backend_roles": ["ldap", "pabx_agent"], "description": "Ours"}
        assert [line for line in step.difference if line.startswith(("+ ", "- "))] == [
            '-    "ldap"',
            '+    "ldap",',
            '+    "pabx_agent"',
        ]


@pytest.mark.servers
def test_a_node_without_security(cluster: OpenSearchCluster, central: Central) -> None:
    outcome = central("install", "--url", cluster.url)
    assert (outcome.code, outcome.err, done(outcome)) == (0, "", {})
    roles, monitors, *_ = outcome.out.splitlines()[-4:]
    assert roles == f"{cluster.url}: without OpenSearch Security there are no roles: left out"
    assert monitors == (
        f"{cluster.url}: without the Alerting plugin monitors are left out: "
        "central alerts watch runs the very same ones"
    )


@pytest.mark.servers
class TestInstall:
    """On the node with Security."""

    @pytest.fixture
    def secured(self, secured: Secured, central: Central) -> Iterator[Secured]:
        """Everything is there; whatever a test does to roles and templates is mended."""
        assert central("install", *secured.administrator()).code == 0
        yield secured
        assert central("install", *secured.administrator()).code == 0

    def test_the_first_run_creates_and_the_second_changes_nothing(
        self, secured: Secured, central: Central
    ) -> None:
        for role in ROLES:
            secured.node.request("DELETE", f"{API}/roles/{role}")
            secured.node.request("DELETE", f"{API}/rolesmapping/{role}")
        first = central("install", *secured.administrator())
        assert (first.code, first.err) == (0, "")
        assert done(first) == dict.fromkeys(
            [f"{kind} {role}" for role in ROLES for kind in ("role", "role mapping")], "create"
        )
        assert "\n" + secured.node.url + ": 14 created, 0 changed, " in first.out
        second = central("install", *secured.administrator())
        assert set(done(second).values()) == {"unchanged"}
        assert ": 0 created, 0 changed, " in second.out

    def test_a_changed_role_is_shown_and_mended(self, secured: Secured, central: Central) -> None:
        right = [{"op": "add", "path": "/cluster_permissions/-", "value": "cluster_all"}]
        secured.node.request("PATCH", f"{API}/roles/pabx_ingest", right)
        before = secured.node.request("GET", f"{API}/roles")
        shown = central("install", "--dry-run", *secured.administrator())
        changes = {name for name, action in done(shown).items() if action != "unchanged"}
        assert changes == {"role pabx_ingest"}
        assert '    -    "cluster_all",\n' in shown.out
        assert secured.node.request("GET", f"{API}/roles") == before
        assert central("install", *secured.administrator()).code == 0
        role = secured.node.request("GET", f"{API}/roles/pabx_ingest")["pabx_ingest"]
        assert role["cluster_permissions"] == ["indices:data/write/bulk"]

    def test_an_administrators_mapping_stays(self, secured: Secured, central: Central) -> None:
        path = f"{API}/rolesmapping/pabx_operator"
        mine = {"users": ["maria"], "hosts": ["10.0.0.7"], "backend_roles": ["ldap"], "and_backend_roles": []}
        before = secured.node.request("GET", path)["pabx_operator"]
        secured.node.request("PUT", path, mine)
        try:
            for _ in range(2):
                assert central("install", *secured.administrator()).code == 0
                found = secured.node.request("GET", path)["pabx_operator"]
                assert {key: found[key] for key in mine} == {
                    **mine,
                    "backend_roles": ["ldap", "pabx_operator"],
                }
        finally:
            secured.node.request("PUT", path, {key: before[key] for key in mine})

    def test_the_installer_sets_up_everything_but_roles(self, secured: Secured, central: Central) -> None:
        node = secured.node
        secured.empty()
        old = node.request("POST", "/_index_template/_simulate/pabx-stores")["template"]
        del old["mappings"]["properties"]["agent"]
        del old["settings"]["index"]["default_pipeline"]
        for kind in KINDS:
            node.request("DELETE", f"/{kind}/pabx-*")
        node.request("PUT", "/pabx-stores", {"settings": old["settings"], "mappings": old["mappings"]})
        node.request("DELETE", f"{API}/roles/pabx_agent")

        outcome = central("install", *secured.access("pabx_installer"))
        assert outcome.code == 1
        (line,) = outcome.err.splitlines()
        left = ", ".join(ROLES)
        assert line.startswith(
            f"central: roles {left} were left out: user 'pabx_installer' may not set up roles ("
        )
        assert line.endswith(
            "run central install as an administrator of OpenSearch Security; docs/security.md tells how else"
        )
        assets = load_assets()
        count = len(assets.pipelines) + len(assets.components) + 2 * len(assets.templates) - 1  # pabx-stores
        assert outcome.out.endswith(f"{node.url}: {count} created, 1 changed, 0 unchanged\n")
        assert set(node.request("GET", "/_ingest/pipeline")) >= set(assets.pipelines)
        index = node.request("GET", "/pabx-stores")["pabx-stores"]
        assert index["settings"]["index"]["default_pipeline"] == "pabx-documents"
        assert "agent" in index["mappings"]["properties"]
        assert "pabx_agent" not in node.request("GET", f"{API}/roles")

        shown = central("install", "--dry-run", *secured.access("pabx_installer"))
        assert (shown.code, shown.err) == (1, outcome.err)
        assert "0 to create, 0 to change, " in shown.out

    def test_a_role_that_may_be_read_but_not_changed(self, secured: Secured) -> None:
        """Security can forbid single methods: the roles that are not done yet are named."""
        node, user = secured.node, "pabx_installer"
        connection = Connection(node.url, user, PASSWORD, node.ca_file)
        step, *_ = steps({"pabx_agent": load_roles()["pabx_agent"]}, {}, {})
        with pytest.raises(CentralError) as error:
            apply(connect(connection), connection, step, ["pabx_agent", "pabx_ingest"])
        assert str(error.value).startswith(
            "roles pabx_agent, pabx_ingest were left out: user 'pabx_installer' may not set up roles ("
        )

    def test_a_role_that_is_put_back_is_in_force(self, secured: Secured, central: Central) -> None:
        secured.empty()
        secured.node.request("DELETE", f"{API}/roles/pabx_ingest")
        assert (
            secured.ask("pabx_ingest", "POST", "/_bulk", '{"create":{"_index":"pabx-live"}}\n{}\n')[0] == 403
        )
        assert central("install", *secured.administrator()).code == 0
        row = [{"create": {"_index": "pabx-cdr-2026.11", "_id": "a"}}, document("a")]
        assert secured.bulk("pabx_ingest", *row) == [(201, "pabx-cdr-2026.11")]
