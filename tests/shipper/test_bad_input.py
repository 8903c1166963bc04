"""What a technician meets: one line that names the part, the value, and what mends it."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from compose.stack.ports import free_port
from shipper.schema import VERSION
from tests.servers import CdrDatabase
from tests.shipper.running import central_install
from tests.shipper.store import Result, Store, count, eventually, fill

pytestmark = pytest.mark.servers


def assert_one_line(result: Result, *parts: str, code: int = 1) -> None:
    """One line, which begins with the program and the part, and holds everything that helps."""
    assert result.code == code, result
    assert result.out == ""
    for part in parts:
        assert part in result.line, result.line


def sql(database: CdrDatabase, *statements: str) -> None:
    with database.connect() as root, root.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


class TestDatabase:
    def test_wrong_password(self, store_with_rows: Store) -> None:
        user = store_with_rows.settings["cdr"]["user"]
        result = store_with_rows.set("cdr", password="wrong").run("run", "--once")
        assert_one_line(
            result, "shipper: database: ", f"refused user '{user}'", "set cdr.user and cdr.password"
        )
        assert "wrong" not in result.line  # a password is never shown

    def test_missing_rights(self, store_with_rows: Store, cdr_database: CdrDatabase) -> None:
        sql(cdr_database, f"REVOKE SELECT ON cdr FROM `{cdr_database.user}`@`127.0.0.1`")
        sql(cdr_database, f"GRANT SELECT ON cel TO `{cdr_database.user}`@`127.0.0.1`")
        table = f"{cdr_database.database}.cdr"
        result = store_with_rows.run("run", "--once")
        account = f"'{cdr_database.user}'@'127.0.0.1'"
        assert_one_line(
            result, "shipper: database: ", f"may not read {table}", f"GRANT SELECT ON {table} TO {account}"
        )

    def test_missing_rights_the_command_mends_it(
        self, store_with_rows: Store, cdr_database: CdrDatabase
    ) -> None:
        sql(cdr_database, f"REVOKE SELECT ON cdr FROM `{cdr_database.user}`@`127.0.0.1`")
        line = store_with_rows.run("run", "--once").line
        command = line.partition('mysql -e "')[2].partition('"')[0]
        sql(cdr_database, command)
        assert store_with_rows.run("check").out.splitlines()[0].split()[:2] == ["database", "ok"]

    def test_rights_in_no_database_at_all(self, store_with_rows: Store, cdr_database: CdrDatabase) -> None:
        sql(cdr_database, "CREATE DATABASE IF NOT EXISTS closed_to_all")
        result = store_with_rows.set("cdr", database="closed_to_all").run("run", "--once")
        assert_one_line(result, "database: ", "may not read closed_to_all.cdr", "GRANT SELECT")

    def test_no_such_database_or_table(self, store_with_rows: Store, cdr_database: CdrDatabase) -> None:
        sql(cdr_database, f"GRANT SELECT ON *.* TO `{cdr_database.user}`@`127.0.0.1`")
        result = store_with_rows.set("cdr", table="cdrs").run("run", "--once")
        assert_one_line(result, "database: ", "no table 'cdrs'", "set cdr.table")
        result = store_with_rows.set("cdr", database="asterisk_cdr").run("run", "--once")
        assert_one_line(result, "database: ", "no database 'asterisk_cdr'", "set cdr.database")

    def test_table_without_calldate(self, store_with_rows: Store, cdr_database: CdrDatabase) -> None:
        sql(cdr_database, f"GRANT SELECT ON cel TO `{cdr_database.user}`@`127.0.0.1`")
        result = store_with_rows.set("cdr", table="cel").run("run", "--once")
        assert_one_line(result, "database: ", ".cel has no column calldate", "eventtime", "set cdr.table")

    def test_table_without_an_index_on_calldate(
        self, store_with_rows: Store, cdr_database: CdrDatabase
    ) -> None:
        sql(cdr_database, "ALTER TABLE cdr DROP INDEX calldate")
        result = store_with_rows.run("run", "--once")
        assert_one_line(
            result, "database: ", "no index on calldate", "CREATE INDEX calldate ON cdr (calldate)"
        )
        sql(cdr_database, result.line.partition("-e '")[2].partition("'")[0])
        assert store_with_rows.run("check").out.splitlines()[0].split()[:2] == ["database", "ok"]

    @pytest.mark.parametrize("host", ["127.0.0.1", "pbx..local"])
    def test_unreachable(self, store: Store, host: str) -> None:
        port = free_port()
        result = store.set("cdr", host=host, port=port).run("run", "--once")
        assert_one_line(
            result, "database: ", f"{host}:{port} cannot be reached", "systemctl status mariadb", "cdr.host"
        )


class TestCluster:
    def test_unreachable(self, store_with_rows: Store, cdr_database: CdrDatabase) -> None:
        fill(cdr_database, 3)
        url = f"http://127.0.0.1:{free_port()}"
        result = store_with_rows.set("output.opensearch", url=url).run("run", "--once")
        assert_one_line(result, "shipper: output: ", f"{url} cannot be reached", "output.opensearch.url")
        assert store_with_rows.status()["spool_documents"] in (
            3,
            6,
        )  # the rows, and their calls if it got so far

    def test_no_host_at_all(self, store_with_rows: Store, cdr_database: CdrDatabase) -> None:
        fill(cdr_database, 1)
        result = store_with_rows.set("output.opensearch", url="http://a..b:9200").run("run", "--once")
        assert_one_line(result, "output: ", "http://a..b:9200 cannot be reached", "output.opensearch.url")

    def test_without_templates(
        self, store_with_rows: Store, cdr_database: CdrDatabase, cluster: OpenSearchCluster
    ) -> None:
        fill(cdr_database, 1)
        cluster.request("DELETE", "/_index_template/pabx-cdr")
        try:
            result = store_with_rows.set("output.opensearch", url=cluster.url).run("run", "--once")
        finally:
            central_install(cluster)
        assert_one_line(result, "output: ", cluster.url, "no index template pabx-cdr", "run: central install")
        assert store_with_rows.run("run", "--once").code == 0

    def test_templates_of_an_older_version(
        self, store_with_rows: Store, cdr_database: CdrDatabase, cluster: OpenSearchCluster
    ) -> None:
        """Its pipeline does not know that a call has states: an older one would take a newer one's place."""
        fill(cdr_database, 1)
        path = "/_index_template/pabx-cdr"
        template = cluster.request("GET", path)["index_templates"][0]["index_template"]
        cluster.request("PUT", path, template | {"version": 1})
        try:
            result = store_with_rows.set("output.opensearch", url=cluster.url).run("run", "--once")
        finally:
            central_install(cluster)
        assert_one_line(result, "output: ", f"version 1, this agent needs {VERSION}", "run: central install")
        assert store_with_rows.run("run", "--once").code == 0

    def test_forward_unreachable(self, store_with_rows: Store, cdr_database: CdrDatabase) -> None:
        fill(cdr_database, 1)
        port = free_port()
        store_with_rows.set("output", kind="forward").set("output.forward", host="127.0.0.1", port=port)
        result = store_with_rows.run("run", "--once")
        assert_one_line(result, "output: ", f"127.0.0.1:{port}", "output.forward.host and port")


class TestSecureCluster:
    @pytest.fixture
    def secured(
        self, store_with_rows: Store, cdr_database: CdrDatabase, secure_opensearch: OpenSearchCluster
    ) -> Store:
        fill(cdr_database, 2)
        password_file = store_with_rows.folder / "password"
        password_file.write_text(f"{secure_opensearch.password}\n")
        return store_with_rows.set(
            "output.opensearch",
            url=secure_opensearch.url,
            user=secure_opensearch.user,
            password_file=str(password_file),
            ca_file=str(secure_opensearch.ca_file),
        )

    def test_it_works_with_tls_and_a_password_from_a_file(
        self, secured: Store, secure_opensearch: OpenSearchCluster
    ) -> None:
        central_install(secure_opensearch)
        result = secured.run("run", "--once")
        assert (result.code, result.err) == (0, "")
        secure_opensearch.request("POST", "/pabx-*/_refresh")
        assert secure_opensearch.request("GET", "/pabx-cdr-2026.11/_count")["count"] >= 2

    def test_wrong_password(self, secured: Store, secure_opensearch: OpenSearchCluster) -> None:
        del secured.settings["output.opensearch"]["password_file"]
        result = secured.set("output.opensearch", password="wrong").run("run", "--once")
        assert_one_line(
            result,
            "output: ",
            secure_opensearch.url,
            "password of user 'admin'",
            "output.opensearch.password",
        )

    def test_no_rights_to_write(self, secured: Store, secure_opensearch: OpenSearchCluster) -> None:
        central_install(secure_opensearch)
        body = {"password": "Reader-only-7391-zX", "opendistro_security_roles": ["kibana_user"]}
        secure_opensearch.request("PUT", "/_plugins/_security/api/internalusers/onlooker", body)
        del secured.settings["output.opensearch"]["password_file"]
        secured.set("output.opensearch", user="onlooker", password=body["password"])
        result = secured.run("run", "--once")
        assert_one_line(
            result, "output: ", "give user 'onlooker' the rights to create documents and indices in pabx-*"
        )
        assert secured.status()["spool_documents"] >= 4

    def test_rejected_certificate(self, secured: Store, secure_opensearch: OpenSearchCluster) -> None:
        secured.set("output.opensearch", ca_file="")
        result = secured.run("run", "--once")
        assert_one_line(
            result,
            "output: ",
            f"certificate of {secure_opensearch.url} was rejected",
            "output.opensearch.ca_file",
        )

    def test_certificate_of_another_name(self, secured: Store, secure_opensearch: OpenSearchCluster) -> None:
        url = secure_opensearch.url.replace("127.0.0.1", "127.0.0.2")
        result = secured.set("output.opensearch", url=url).run("run", "--once")
        # Nothing listens on 127.0.0.2 unless the node does on all addresses.
        assert_one_line(result, "output: ", url, "output.opensearch.url")

    @pytest.mark.parametrize(
        ("content", "reason"), [(None, "No such file"), ("", "no PEM"), ("hello\n", "no PEM")]
    )
    def test_unusable_ca_file(self, secured: Store, content: str | None, reason: str) -> None:
        ca_file = secured.folder / "ca.pem"
        if content is not None:
            ca_file.write_text(content)
        result = secured.set("output.opensearch", ca_file=str(ca_file)).run("run", "--once")
        assert_one_line(result, "output: ", f"output.opensearch.ca_file {ca_file}", reason, "put the CA's")

    def test_https_against_plain_http(self, secured: Store, cluster: OpenSearchCluster) -> None:
        url = cluster.url.replace("http", "https")
        result = secured.set("output.opensearch", url=url).run("run", "--once")
        assert_one_line(result, "output: ", f"no TLS with {url}", "does it speak TLS")

    def test_plain_http_against_https(self, secured: Store, secure_opensearch: OpenSearchCluster) -> None:
        url = secure_opensearch.url.replace("https", "http")
        result = secured.set("output.opensearch", url=url).run("run", "--once")
        assert_one_line(result, "output: ", f"{url} cannot be reached", "output.opensearch.url")


class TestZone:
    def test_no_such_zone(self, store: Store) -> None:
        result = store.set("store", timezone="America/São_Paulo").run("run", "--once")
        assert_one_line(
            result,
            "config: ",
            "store.timezone is 'America/São_Paulo'",
            "did you mean America/Sao_Paulo?",
            code=2,
        )

    @pytest.mark.parametrize(
        ("zone", "words"),
        [
            ("America/Manaus", ("1:00 h ahead", "-03:00")),
            ("America/Noronha", ("1:00 h behind", "-03:00")),
            ("UTC", ("3:00 h behind", "-03:00")),
            ("Asia/Kolkata", ("8:30 h behind", "-03:00")),
        ],
    )
    def test_valid_but_wrong_is_found_by_check(
        self, store_with_rows: Store, cdr_database: CdrDatabase, zone: str, words: tuple[str, ...]
    ) -> None:
        fill(cdr_database, 50)
        result = store_with_rows.set("store", timezone=zone).run("check")
        (line,) = (line for line in result.out.splitlines() if line.startswith("time zone"))
        assert result.code == 1
        for part in (f"'{zone}'", "failed", "set store.timezone", *words):
            assert part in line, line

    def test_the_right_one_is_confirmed(self, store_with_rows: Store, cdr_database: CdrDatabase) -> None:
        fill(cdr_database, 50)
        out = store_with_rows.run("check").out
        assert "time zone  ok       America/Sao_Paulo agrees with 50 rows" in out


class TestSpool:
    def test_damaged(self, store_with_rows: Store) -> None:
        store_with_rows.spool.parent.mkdir()
        store_with_rows.spool.write_bytes(b"this is no database" * 500)
        for command in (("run", "--once"), ("status",)):
            result = store_with_rows.run(*command)
            assert_one_line(result, "spool: ", f"{store_with_rows.spool} is damaged", "mv ")
        out = store_with_rows.run("check").out
        (line,) = (line for line in out.splitlines() if line.startswith("spool"))
        assert "failed" in line
        assert "is damaged" in line

    def test_folder_is_a_file(self, store_with_rows: Store) -> None:
        store_with_rows.folder.joinpath("spool").write_text("")
        result = store_with_rows.run("run", "--once")
        assert_one_line(result, "spool: ", str(store_with_rows.spool.parent), "set spool.path")

    def test_nothing_to_show_yet(self, store: Store) -> None:
        assert_one_line(store.run("status"), "spool: ", f"{store.spool} does not exist", "no agent has run")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def grow(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)


class TestFullDisk:
    """The spool's disk has room for 2 MiB; 4,000 documents take more."""

    ROWS = 4000

    @pytest.fixture
    def cramped(self, store_with_rows: Store, small_disk: Path) -> Store:
        return store_with_rows.set("spool", path=str(small_disk / "spool.db"), max_mib=64)

    def test_once_says_so_and_goes_on_when_there_is_room(
        self,
        cramped: Store,
        cdr_database: CdrDatabase,
        small_disk: Path,
        cluster: OpenSearchCluster,
        found: Any,
    ) -> None:
        fill(cdr_database, self.ROWS)
        (small_disk / "ballast").write_bytes(bytes(1900 * 1024))
        result = cramped.set("output.opensearch", url=cluster.url).run("run", "--once")
        assert_one_line(result, "shipper: spool: no room to write", str(cramped.spool), f"df -h {small_disk}")
        (small_disk / "ballast").unlink()
        grow(small_disk)
        assert cramped.run("run", "--once").err == ""
        assert len(found()) == self.ROWS

    def test_a_running_agent_waits_and_loses_nothing(
        self,
        cramped: Store,
        cdr_database: CdrDatabase,
        small_disk: Path,
        cluster: OpenSearchCluster,
        found: Any,
    ) -> None:
        cramped.set("output.opensearch", url=cluster.url).set("agent", heartbeat_seconds=0.3)
        with cramped.agent() as agent:
            eventually(cramped.spool.exists, "the start")
            time.sleep(0.5)
            with (small_disk / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
                while True:
                    ballast.write(bytes(4096))
            fill(cdr_database, self.ROWS)
            eventually(lambda: "no room to write" in cramped.log, "the full disk")

            def told() -> dict[str, Any]:
                document = cluster.request("GET", "/pabx-stores/_doc/Loja001")["_source"]["store"]
                return dict(document)

            full = eventually(lambda: "no room" in (found := told())["checks"]["spool"] and found, "its word")
            assert (full["disk_free_bytes"], full["disk_bytes"]) == (0, 2 * 1024 * 1024)
            assert full["reading_wrong_seconds"] == 0  # the PBX is well
            eventually(lambda: told()["last_seen"] > full["last_seen"], "another heartbeat")
            (small_disk / "ballast").unlink()
            grow(small_disk)
            eventually(lambda: count(cluster) == self.ROWS, "the arrival of everything")
            eventually(lambda: told()["checks"]["spool"] == "ok", "the end of the trouble")
            agent.terminate()
            assert agent.wait(10) == 0
        assert "Traceback" not in cramped.log
        assert len({hit["_id"] for hit in found()}) == self.ROWS
        assert cramped.status()["errors"] == {}
