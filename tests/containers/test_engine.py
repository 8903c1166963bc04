"""compose.yaml run by a real Docker engine, with whatever images it has under the names in the file.

One stack for all, since it takes minutes to begin; the tests follow each other in the order of the file.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.containers.composed import STORES, Composed, at_least, composer, engine, eventually

pytestmark = pytest.mark.timeout(900)
LIMITS_MIB = {
    "door": 512, "fluent-bit": 512, "gate": 64, "dashboards": 1024, "watch": 512, "routine": 1024,
    "opensearch": 1500, "demo-store-1": 128,
}  # fmt: skip


@pytest.mark.parametrize("profiles", [[], ["cluster"], ["demo"], ["tools"], ["cluster", "demo", "tools"]])
def test_compose_understands_the_file(profiles: list[str]) -> None:
    options = [word for profile in profiles for word in ("--profile", profile)]
    file = Path(__file__).parents[2] / "compose" / "compose.yaml"
    done = subprocess.run(
        [*composer(), "--file", str(file), *options, "config", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    services = set(json.loads(done.stdout)["services"])
    assert {"opensearch", "dashboards", "door", "fluent-bit"} <= services
    assert ("opensearch-3" in services) == ("cluster" in profiles)
    assert ("demo-store-3" in services) == ("demo" in profiles)


@pytest.fixture(scope="module")
def composed() -> Iterator[Composed]:
    """Everything but the cluster of three: up, and Fluent Bit killed while the stores' first days come in."""
    command = composer()
    client = engine()
    made = Composed(client, command)
    try:
        made.run("build", seconds=600)
        made.run("up", "--detach", "--pull", "never", seconds=600)
        yield made
    finally:
        subprocess.run(
            [*made._command, "--profile", "*", "down", "--volumes", "--timeout", "5"],
            env=made._environment,
            capture_output=True,
            check=False,
        )
        client.close()


@pytest.fixture(scope="module")
def password(composed: Composed) -> str:
    return composed.password()


def test_nothing_is_lost_when_fluent_bit_is_killed_while_stores_send(
    composed: Composed, password: str
) -> None:
    eventually(lambda: sum(composed.indexed(password).values()) > 0, lambda: "no row comes", 120)
    fluent_bit = composed.containers()["fluent-bit"]
    for _ in range(2):
        fluent_bit.kill()
        time.sleep(2)
        fluent_bit.start()
        time.sleep(2)
    written = composed.written()
    assert set(written) == set(STORES)
    assert min(written.values()) > 100
    eventually(
        lambda: at_least(composed.indexed(password), written),
        lambda: f"{written} written, {composed.indexed(password)} in the index",
        240,
    )


def test_all_is_healthy(composed: Composed) -> None:
    eventually(lambda: not composed.unwell(), composed.unwell, 120)


def test_each_store_was_let_in_without_a_restart_of_fluent_bit(composed: Composed) -> None:
    """The reload goes from one container to the other over loopback."""
    assert (
        composed.run("logs", "--no-log-prefix", "demo-enrol").count("the running Fluent Bit has taken it in")
        == 3
    )


def test_no_secret_is_told_by_docker(composed: Composed, password: str) -> None:
    told = json.dumps([one.attrs for one in composed.containers().values()])
    secrets = [password]
    for service, place in (("watch", "/run/pabx/password"), ("door", "/etc/pabx-gate/shared-key")):
        secrets.append(composed.run("exec", "-T", service, "cat", place).strip())
    tokens = json.loads(composed.run("exec", "-T", "door", "cat", "/etc/pabx-gate/credentials.json"))
    secrets += [one["token"] for one in tokens.values()]
    assert len(set(secrets)) == 6
    for secret in secrets:
        assert len(secret) >= 24
        assert secret not in told
        assert secret not in composed.run("logs", "--no-color")


def test_limits_and_rights_are_in_force(composed: Composed) -> None:
    containers = composed.containers()
    for name, mib in LIMITS_MIB.items():
        host = containers[name].attrs["HostConfig"]
        assert host["Memory"] == mib * 1024 * 1024, name
        assert host["NanoCpus"] > 0, name
        assert host["PidsLimit"] > 0, name
        assert host["SecurityOpt"] == ["no-new-privileges:true"], name
    tried = containers["door"].exec_run(["touch", "/opt/pabx/x"])
    assert tried.exit_code != 0
    assert b"Read-only file system" in tried.output
    assert containers["door"].exec_run(["id", "-u"]).output == b"10001\n"
    # A store's container knows neither the cluster nor its address.
    asked = containers["demo-store-1"].exec_run(
        ["python3", "-c", "import socket; socket.create_connection(('search', 9200), 3)"]
    )
    assert asked.exit_code != 0
    assert b"gaierror" in asked.output


def test_only_users_of_our_own_can_log_in(composed: Composed, password: str) -> None:
    users = composed.search("/_plugins/_security/api/internalusers", password)
    assert set(users) == {"admin", "gate", "kibanaserver", "routine"}


def test_the_account_of_each_store_is_equal(composed: Composed) -> None:
    agents = [f"demo-store-{number}" for number in (1, 2, 3)]
    composed.run("stop", *agents)
    for agent in agents:
        composed.run("run", "--rm", "--no-deps", "-T", agent, "run", "--once")
    command = ("run", "--rm", "--no-deps", "-T", "central", "audit", "--days", "3")

    def audit() -> str:
        return composed.run(*command, may_fail=True)  # what was sent last is searchable a second later

    eventually(lambda: "9 of 9 days of 3 stores are equal" in audit(), audit, 60)
    composed.run("start", *agents)


def test_a_second_up_changes_nothing(composed: Composed) -> None:
    before = {name: (one.id, one.attrs["State"]["StartedAt"]) for name, one in composed.containers().items()}
    began = datetime.now(UTC)
    composed.run("up", "--detach", "--pull", "never")
    after = {name: (one.id, one.attrs["State"]["StartedAt"]) for name, one in composed.containers().items()}
    jobs = {"setup", "install", "demo-secrets", "demo-enrol"}  # they run again, and find nothing to do
    assert {name: one[0] for name, one in after.items()} == {name: one[0] for name, one in before.items()}
    assert {name: one for name, one in after.items() if name not in jobs} == {
        name: one for name, one in before.items() if name not in jobs
    }
    told = composed.containers()
    assert told["setup"].logs(since=began) == b"the gate's directory is up to date; stores reach it as gate\n"
    assert told["install"].logs(since=began).count(b": 0 created, 0 changed, ") == 2


def test_down_and_up_again_keeps_all(composed: Composed, password: str) -> None:
    rows = composed.indexed(password)
    composed.run("down", "--timeout", "20")
    assert composed.containers() == {}
    composed.run("up", "--detach", "--pull", "never", seconds=600)
    assert composed.password() == password
    assert at_least(composed.indexed(password), rows)
    eventually(
        lambda: at_least(composed.indexed(password), composed.written()), lambda: "no new row comes", 120
    )
    eventually(lambda: not composed.unwell(), composed.unwell, 120)


def test_two_more_nodes_join_and_the_first_may_then_end(composed: Composed, password: str) -> None:
    composed.run("up", "--detach", "--pull", "never", "opensearch-2", "opensearch-3", profile="cluster")

    def health() -> tuple[object, object]:
        try:
            told = composed.search("/_cluster/health", password)
        except OSError as error:  # the node that is published here has not begun yet
            return str(error), ""
        return told["number_of_nodes"], told["status"]

    eventually(lambda: health() == (3, "green"), lambda: f"{health()}", 480)
    rows = sum(composed.indexed(password).values())
    composed.run("stop", "opensearch")
    told = composed.run("run", "--rm", "--no-deps", "-T", "central", "stores", "list")
    assert "3 registered, 0 not" in told
    composed.run("start", "opensearch")
    eventually(lambda: health()[0] == 3, lambda: f"{health()}", 240)
    assert sum(composed.indexed(password).values()) >= rows
