"""OpenSearch: stopped, killed, started again; several nodes; TLS and log-in."""

import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from compose.stack import QUICK_START, OpenSearchCluster, StackError
from compose.stack.security import _make_certificates

pytestmark = pytest.mark.servers


def test_two_nodes_form_a_cluster_and_its_documents_survive_a_kill(server_dir: Path) -> None:
    directory = server_dir / "os"
    with OpenSearchCluster(directory, nodes=2, heap_mib=512, jvm_options=QUICK_START) as cluster:
        settings = {"settings": {"number_of_shards": 1, "number_of_replicas": 1}}
        cluster.request("PUT", "/pabx-x", settings)
        cluster.request("PUT", "/pabx-x/_doc/1", {"at": "node 1"})
        cluster.wait_healthy(status="green")
        health = cluster.request("GET", "/_cluster/health", node=1)
        assert (health["number_of_nodes"], health["status"], health["active_shards"]) == (2, "green", 2)
        before = [(node.process.pid, node.http_port) for node in cluster.nodes]

        cluster.request("PUT", "/pabx-x/_doc/2", {"at": "node 2, then killed"}, node=1)
        cluster.kill()  # neither document was flushed: they must come back from the translog
        with pytest.raises(urllib.error.URLError):
            cluster.request("GET", "/")
        cluster.launch()
        after = [(node.process.pid, node.http_port) for node in cluster.nodes]
        assert [port for _, port in before] == [port for _, port in after]
        assert not {pid for pid, _ in before} & {pid for pid, _ in after}
        for number in (1, 2):
            assert cluster.request("GET", f"/pabx-x/_doc/{number}")["found"]


def test_a_failed_start_shows_the_log_line_that_tells_why(server_dir: Path) -> None:
    cluster = OpenSearchCluster(server_dir / "os", heap_mib=1)
    with pytest.raises(StackError, match=r"OpenSearch node-1 ended with 1: .*heap.*\(log: .*node-1\.log\)$"):
        cluster.launch()
    assert not cluster.nodes[0].process.running


def status_of(cluster: OpenSearchCluster, header: dict[str, str], ca_file: Path) -> int:
    call = urllib.request.Request(f"{cluster.url}/_cluster/health", headers=header)
    try:
        with urllib.request.urlopen(call, context=ssl.create_default_context(cafile=str(ca_file))) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_secure_node_wants_log_in(secure_opensearch: OpenSearchCluster) -> None:
    ca_file = secure_opensearch.ca_file
    assert ca_file is not None
    assert status_of(secure_opensearch, {}, ca_file) == 401
    assert (
        status_of(secure_opensearch, {"Authorization": "Basic YWRtaW46YWRtaW4="}, ca_file) == 401
    )  # admin:admin
    assert secure_opensearch.request("GET", "/_cluster/health")["number_of_nodes"] == 1
    password_file = secure_opensearch.password_file
    assert password_file is not None
    assert password_file.stat().st_mode & 0o777 == 0o600


def test_secure_node_is_refused_with_another_authority(
    secure_opensearch: OpenSearchCluster, tmp_path: Path
) -> None:
    _make_certificates(tmp_path)
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        status_of(secure_opensearch, {}, tmp_path / "ca.pem")


def test_secure_node_keeps_users_apart(secure_opensearch: OpenSearchCluster) -> None:
    users = secure_opensearch.request("GET", "/_plugins/_security/api/internalusers")
    assert "admin" in users
    brought = {"kibanaserver", "kibanaro", "logstash", "readall", "snapshotrestore", "anomalyadmin"}
    assert not brought & set(users), "none of the demo users that the plugin brings"
