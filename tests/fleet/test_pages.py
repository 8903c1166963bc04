"""The audit reads several indices page by page: no document is left out where a page ends."""

import pytest

from central.audit import read
from central.client import Connection, client_of
from compose.stack import OpenSearchCluster

NAMES, EACH = ("pabx-cdr-2026.10", "pabx-cdr-2026.11", "pabx-calls-2026.11"), 40

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("size", [1, 2, 7, 50, 5000])
def test_every_document_once_wherever_a_page_ends(
    indices: OpenSearchCluster, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    for name in NAMES:
        for number in range(EACH):
            indices.request("PUT", f"/{name}/_doc/{name}-{number}", {"store": {"id": "Loja001"}})
    indices.request("POST", "/pabx-*/_refresh")
    connection = Connection(indices.url)
    reader = read.Reader(client_of(connection), connection)
    monkeypatch.setattr(read, "PAGE", size)
    found = [key for key, _ in reader._every(read.DOCUMENTS, {"match_all": {}}, ["store.id"])]
    assert sorted(found) == sorted(f"{name}-{number}" for name in NAMES for number in range(EACH))
