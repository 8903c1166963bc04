"""Odd rows all the way: from a real table with columns of several character sets into the real index."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compose.stack import OpenSearchCluster
from tests.servers import CdrDatabase
from tests.shipper.store import Store

pytestmark = pytest.mark.servers

SETS = {"clid": "VARBINARY(255)", "userfield": "VARCHAR(255) CHARACTER SET latin1", "cnam": "VARBINARY(1024)"}


@pytest.fixture
def odd_table(cdr_database: CdrDatabase) -> CdrDatabase:
    """FreePBX's table as sites have made it: bytes, latin1, a custom column; zero dates are allowed."""
    with cdr_database.connect() as root, root.cursor() as cursor:
        for column, kind in SETS.items():
            cursor.execute(f"ALTER TABLE cdr MODIFY {column} {kind} NOT NULL DEFAULT ''")
        cursor.execute("ALTER TABLE cdr ADD `loja.código` VARCHAR(255) NULL, MODIFY duration BIGINT NULL")
    return cdr_database


def insert(database: CdrDatabase, rows: list[dict[str, Any]]) -> None:
    with database.connect(charset="utf8mb4") as root, root.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = ''")
        for number, row in enumerate(rows):
            full = {
                "calldate": "2026-11-23 05:10:07",
                "uniqueid": f"1795421407.{number}",
                "linkedid": f"1795421407.{number}",
                "sequence": number + 1,
                **row,
            }
            names = ", ".join(f"`{name}`" for name in full)
            marks = ", ".join("_binary %s" if isinstance(value, bytes) else "%s" for value in full.values())
            cursor.execute(f"INSERT INTO cdr ({names}) VALUES ({marks})", list(full.values()))


def test_odd_rows_arrive_or_are_quarantined_and_stop_nothing(
    ready_store: Store, odd_table: CdrDatabase, found: Callable[..., list[dict[str, Any]]]
) -> None:
    rows: list[dict[str, Any]] = [
        {"src": "plain"},
        {"src": "bytes", "clid": b"Jos\xe9 \xff\x81\x00"},
        {"src": "latin1", "userfield": "São João"},
        {"src": "four", "dst_cnam": "📞" * 80, "cnam": "📞".encode() * 255, "loja.código": "📞" * 255},
        {"src": "nul", "lastdata": "a\0b\x1b\u2028'\"\\"},
        {"src": "negative", "duration": -5, "billsec": -5},
        {"src": "limit", "duration": 2147483647, "billsec": 2147483647},
        {"src": "beyond", "duration": 2**62},
        {"src": "null", "duration": None},
        {"src": "zero", "calldate": "0000-00-00 00:00:00"},
        {"src": "zero month", "calldate": "2026-00-00 00:00:00"},
        {"src": "thousand", "calldate": "1000-01-01 00:00:00"},
        {"src": "first", "calldate": "0001-01-01 00:00:00"},
        {"src": "last", "calldate": "9999-12-31 23:59:59", "duration": 2147483647},
        {"src": "no time", "calldate": "0000-00-00 00:00:00", "uniqueid": "none"},
        {"src": "last no time", "calldate": "9999-12-31 23:59:59", "uniqueid": ""},
        {"src": "2038", "calldate": "2038-01-19 03:14:08"},
        {"src": "limit 2099", "calldate": "2099-12-31 23:59:59", "duration": 2147483647},
    ]
    insert(odd_table, rows)
    result = ready_store.run("run", "--once")
    assert (result.code, result.err) == (0, "")
    documents = {hit["_source"]["cdr"]["src"]: hit["_source"] for hit in found()}
    aside = {}
    for hit in found("pabx-quarantine-*"):
        refused = hit["_source"]["quarantine"]["document"]
        aside[refused.get("cdr", refused)["src"]] = hit["_source"]
    assert set(aside) == {"beyond", "no time", "last no time"}
    assert set(documents) | set(aside) == {row["src"] for row in rows}
    assert documents["bytes"]["cdr"]["clid"] == "José ÿ\\x81\0"
    assert documents["bytes"]["tags"] == ["text_not_utf8"]
    assert documents["latin1"]["cdr"]["userfield"] == "São João"
    assert documents["four"]["cdr"]["cnam"] == "📞" * 255
    assert documents["four"]["cdr"]["loja_código"] == "📞" * 255
    assert documents["nul"]["cdr"]["lastdata"] == "a\0b\x1b\u2028'\"\\"
    assert documents["negative"]["tags"] == ["billsec_negative", "duration_negative"]
    assert "duration" not in documents["null"]["cdr"]
    assert documents["limit"]["event"]["end"] == "2094-12-11T11:24:14Z"
    for src in ("zero", "zero month", "thousand", "first", "last"):
        assert documents[src]["@timestamp"] == "2026-11-23T08:10:07Z", src
        assert documents[src]["tags"] == ["calldate_from_uniqueid"]
    assert aside["beyond"]["error"]["message"].startswith("cdr.duration")
    for src in ("no time", "last no time"):
        assert "is no date" in aside[src]["error"]["message"]
    for source in documents.values():
        assert "event" in source
        assert source["event"]["ingested"]
    # Nothing is taken for new the next time, whatever its date is.
    assert ready_store.run("run", "--once").out.startswith("shipper: 0 rows read")


def test_searching_finds_what_odd_rows_hold(
    ready_store: Store, odd_table: CdrDatabase, cluster: OpenSearchCluster
) -> None:
    insert(odd_table, [{"clid": b"Jos\xe9 <100>", "src": "011987654321"}, {"clid": b"Maria"}])
    ready_store.run("run", "--once")
    cluster.request("POST", "/pabx-cdr-*/_refresh")
    query = {"query": {"query_string": {"query": "jose"}}}
    assert cluster.request("POST", "/pabx-cdr-*/_search", query)["hits"]["total"]["value"] == 1
    query = {"query": {"term": {"tags": "text_not_utf8"}}}
    assert cluster.request("POST", "/pabx-cdr-*/_search", query)["hits"]["total"]["value"] == 1


ROUNDS = count()
cells = st.lists(st.tuples(st.binary(max_size=255), st.text(max_size=80)), min_size=1, max_size=30)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(cells)
def test_any_bytes_in_any_column(
    ready_store: Store,
    odd_table: CdrDatabase,
    cluster: OpenSearchCluster,
    found: Callable[..., list[dict[str, Any]]],
    cells: list[tuple[bytes, str]],
) -> None:
    cluster.request("DELETE", "/pabx-cdr-*,pabx-quarantine-*?ignore_unavailable=true")
    round_ = next(ROUNDS)
    with odd_table.connect() as root, root.cursor() as cursor:
        cursor.execute("DELETE FROM cdr")
    texts = [text.encode("utf-8", "replace").decode() for _, text in cells]
    # A second of its own each round: the reader knows rows by their number and their dates.
    calldate = f"2026-11-23 05:{round_ // 60:02d}:{round_ % 60:02d}"
    rows: list[dict[str, Any]] = [
        {"calldate": calldate, "clid": raw, "lastdata": text, "uniqueid": f"1795421407.{round_}{number:03d}"}
        for number, ((raw, _), text) in enumerate(zip(cells, texts, strict=True))
    ]
    insert(odd_table, rows)
    result = ready_store.run("run", "--once")
    assert (result.code, result.err) == (0, "")
    hits = found()
    assert len(hits) == len(rows)
    assert found("pabx-quarantine-*") == []
    arrived = {hit["_source"]["cdr"]["sequence"]: hit["_source"]["cdr"] for hit in hits}
    for number, row in enumerate(rows, start=1):
        assert arrived[number].get("lastdata", "") == row["lastdata"]
        try:
            expected = row["clid"].decode()
        except UnicodeDecodeError:
            expected = row["clid"].decode("cp1252", "backslashreplace")
        assert arrived[number].get("clid", "") == expected
