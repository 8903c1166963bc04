"""The fixtures that all other tests on real servers stand on."""

from collections.abc import Callable

import pymysql
import pytest

from compose.stack import MariaDB, OpenSearchCluster
from tests.servers import CdrDatabase

pytestmark = pytest.mark.servers


def test_the_shipper_user_reads_the_cdr_table_and_nothing_more(cdr_database: CdrDatabase) -> None:
    with cdr_database.connect() as root, root.cursor() as cursor:
        cursor.execute("INSERT INTO cdr (calldate, uniqueid, clid) VALUES (NOW(), '1.1', 'José 📞')")
    connection = pymysql.connect(
        host=cdr_database.host,
        port=cdr_database.port,
        user=cdr_database.user,
        password=cdr_database.password,
        database=cdr_database.database,
        charset="utf8mb4",
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT uniqueid, clid FROM cdr")
        assert list(cursor.fetchall()) == [("1.1", "José 📞")]
        for refused in ("DELETE FROM cdr", "SELECT * FROM cel", "INSERT INTO cdr (uniqueid) VALUES ('2')"):
            with pytest.raises(pymysql.err.OperationalError, match="denied"):
                cursor.execute(refused)


def test_two_cdr_databases_share_nothing(make_cdr_database: Callable[[], CdrDatabase]) -> None:
    one, other = make_cdr_database(), make_cdr_database()
    assert one.database != other.database
    connection = pymysql.connect(host=one.host, port=one.port, user=one.user, password=one.password)
    with (
        connection,
        connection.cursor() as cursor,
        pytest.raises(pymysql.err.OperationalError, match="denied"),
    ):
        cursor.execute(f"SELECT * FROM {other.database}.cdr")


def test_mariadb_has_no_anonymous_user_and_listens_on_loopback_only(mariadb: MariaDB) -> None:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT User, Host FROM mysql.user")
        users = set(cursor.fetchall())
        cursor.execute("SELECT @@bind_address")
        assert cursor.fetchall() == (("127.0.0.1",),)
    assert ("root", "127.0.0.1") in users
    assert all(user and host in ("127.0.0.1", "localhost") for user, host in users)


def test_indices_starts_without_pabx_indices(indices: OpenSearchCluster) -> None:
    # In either order with the test below: what one leaves, the other must not see.
    assert indices.request("GET", "/_cat/indices/pabx-*?format=json") == []
    indices.request("PUT", "/pabx-cdr-2026.01/_doc/1?refresh=true", {"x": 1})


def test_indices_starts_without_pabx_indices_again(indices: OpenSearchCluster) -> None:
    test_indices_starts_without_pabx_indices(indices)


def test_the_plain_node_has_job_scheduler_and_security(opensearch: OpenSearchCluster) -> None:
    assert opensearch.request("GET", "/")["version"]["number"] == "3.4.0"
    plugins = {row["component"] for row in opensearch.request("GET", "/_cat/plugins?format=json")}
    assert {"opensearch-job-scheduler", "opensearch-security"} == plugins
