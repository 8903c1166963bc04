"""What people type finds what they mean: names without accents, numbers in any spelling."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from compose.stack import OpenSearchCluster

pytestmark = pytest.mark.servers

# id -> the columns of one row.
ROWS: dict[str, dict[str, str]] = {
    "plain": {"dst": "11987654321"},
    "country": {"dst": "5511987654321"},
    "zero": {"dst": "011987654321"},
    "carrier": {"dst": "01511987654321"},
    "formatted": {"dst": "+55 (11) 98765-4321"},
    "fixed": {"src": "1133334444"},
    "extension": {"dst": "100"},
    "short": {"dst": "21"},
    "letters": {"src": "anonymous"},
    "voicemail": {"dst": "vmu777"},
    "start": {"dst": "s"},
    "french": {"cnam": "Société Générale"},
    "german": {"cnam": "Zoë Müller-Łukasz"},
    "irish": {"cnam": "Bob O'Neil"},
    "decomposed": {"cnam": "Joa\u0303o Conceic\u0327a\u0303o"},
    "trunk": {"channel": "PJSIP/vivo-0000007b"},
    "queue": {"lastapp": "Queue", "dcontext": "ext-queues"},
    "linked": {"linkedid": "1795410607.7"},
}
MOBILE = {"plain", "country", "zero", "carrier", "formatted"}
FOUND: dict[str, set[str]] = {
    "98765-4321": MOBILE,
    "(11) 98765-4321": MOBILE,
    "+55 11 98765-4321": MOBILE,
    "0055 11 98765-4321": MOBILE,
    "0 15 11 98765-4321": MOBILE,
    "011987654321": MOBILE,
    "5511987654321": MOBILE,
    "4321": MOBILE,
    "321": MOBILE,
    "11 3333.4444": {"fixed"},
    "100": {"extension"},
    "21": {"short"},
    "777": {"voicemail"},
    "vmu777": {"voicemail"},
    "21987654321": set(),
    "11987654320": set(),
}
WORDS: dict[str, set[str]] = {
    "Societe Generale": {"french"},
    "SOCIÉTÉ": {"french"},
    "zoe muller": {"german"},
    "lukasz": {"german"},
    "oneil": {"irish"},
    "O\u2019Neil": {"irish"},
    "joao conceicao": {"decomposed"},
    "João": {"decomposed"},
    "vivo": {"trunk"},
    "queue": {"queue"},
    "ext-queues": {"queue"},
    "1795410607.7": {"linked"},
    "nobody": set(),
}


@pytest.fixture(scope="module")
def filled(opensearch: OpenSearchCluster) -> Iterator[OpenSearchCluster]:
    """The rows in an index of the shipped template, under a name that no other test clears in between."""
    from central.assets import load_assets  # noqa: PLC0415
    from central.plan import composed  # noqa: PLC0415

    settings, properties = composed(load_assets(), "pabx-cdr")
    # Their own index, not pabx-*: other tests empty those.
    settings = {key: value for key, value in settings.items() if key != "index.default_pipeline"}
    body = {"settings": settings, "mappings": {"dynamic": "false", "properties": properties}}
    opensearch.request("PUT", "/search-test", body)
    lines = "".join(
        json.dumps({"create": {"_id": name}}) + "\n" + json.dumps({"cdr": columns}) + "\n"
        for name, columns in ROWS.items()
    )
    assert not opensearch.request("POST", "/search-test/_bulk?refresh=true", lines)["errors"]
    yield opensearch
    opensearch.request("DELETE", "/search-test")


def hits(cluster: OpenSearchCluster, query: dict[str, Any]) -> set[str]:
    """The ids that a query finds."""
    answer = cluster.request("POST", "/search-test/_search", {"query": query, "size": 100, "_source": False})
    return {hit["_id"] for hit in answer["hits"]["hits"]}


def in_digits(text: str) -> dict[str, Any]:
    return {"multi_match": {"query": text, "fields": ["cdr.*.digits"]}}


def search_bar(text: str) -> dict[str, Any]:
    """What Dashboards' query language makes of free text."""
    return {"multi_match": {"type": "best_fields", "query": text, "lenient": True}}


def quoted(text: str) -> dict[str, Any]:
    return {"query_string": {"query": f'"{text}"'}}


def simple_quoted(text: str) -> dict[str, Any]:
    return {"simple_query_string": {"query": f'"{text}"'}}


def unquoted(text: str) -> dict[str, Any]:
    return {"query_string": {"query": text}}


def simple(text: str) -> dict[str, Any]:
    return {"simple_query_string": {"query": text}}


Ask = Callable[[str], dict[str, Any]]


@pytest.mark.parametrize("ask", [in_digits, search_bar, quoted, simple_quoted])
@pytest.mark.parametrize("text", FOUND)
def test_a_number_is_found_in_any_spelling(filled: OpenSearchCluster, text: str, ask: Ask) -> None:
    assert hits(filled, ask(text)) == FOUND[text]


@pytest.mark.parametrize("ask", [unquoted, simple])
@pytest.mark.parametrize(
    "text", ["98765-4321", "(11) 98765-4321", "4321", "11 98765-4321", "5511987654321", "100"]
)
def test_a_number_is_found_without_quotes(filled: OpenSearchCluster, text: str, ask: Ask) -> None:
    assert hits(filled, ask(text)) == FOUND.get(text, MOBILE)


@pytest.mark.parametrize("ask", [search_bar, unquoted, simple])
@pytest.mark.parametrize("text", WORDS)
def test_words_are_found_without_accents_and_case(filled: OpenSearchCluster, text: str, ask: Ask) -> None:
    assert hits(filled, ask(text)) == WORDS[text]


def test_a_name_is_also_a_phrase_and_a_whole(filled: OpenSearchCluster) -> None:
    assert hits(filled, quoted("generale societe")) == set()
    assert hits(filled, quoted("societe generale")) == {"french"}
    assert hits(filled, {"term": {"cdr.cnam": "Société Générale"}}) == {"french"}


def test_text_without_digits_finds_nothing_among_numbers(filled: OpenSearchCluster) -> None:
    assert hits(filled, in_digits("anonymous")) == set()
    assert hits(filled, search_bar("anonymous")) == {"letters"}
