"""The audit reads several indices page by page: no document is left out where a page ends."""

from collections.abc import Iterator

import pytest

from central.audit import read
from central.client import Connection, client_of
from compose.stack import OpenSearchCluster

NAMES, EACH = ("pages-1", "pages-2", "pages-3"), 40

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def filled(opensearch: OpenSearchCluster) -> Iterator[OpenSearchCluster]:
    """Indices of which each counts its documents from 0."""
    for name in NAMES:
        for number in range(EACH):
            opensearch.request("PUT", f"/{name}/_doc/{name}-{number}", {"number": number})
    yield opensearch
    for name in NAMES:
        opensearch.request("DELETE", f"/{name}")


@pytest.mark.parametrize("size", [1, 2, 7, 50, 5000])
def test_every_document_once_wherever_a_page_ends(
    filled: OpenSearchCluster, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    connection = Connection(filled.url)
    reader = read.Reader(client_of(connection), connection)
    monkeypatch.setattr(read, "PAGE", size)
    found = [key for key, _ in reader._every("pages-*", {"match_all": {}}, ["number"])]
    assert sorted(found) == sorted(f"{name}-{number}" for name in NAMES for number in range(EACH))
