"""What a hostile store has put into the quarantine stops nobody, and is text to the terminal."""

import json
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from tests.central.test_quarantine import Central, Quarantine, call, kept, key, row

pytestmark = pytest.mark.servers


@pytest.fixture
def quarantine(cluster: OpenSearchCluster, central: Central) -> Quarantine:
    return Quarantine(cluster, central)


@pytest.mark.parametrize(
    "steering",
    [
        {"_if_seq_no": 3, "_if_primary_term": 1},
        {"_if_seq_no": 2**40, "_if_primary_term": 2**40},
        {"_if_seq_no": "x"},
        {"_routing": 7},
        {"_routing": "elsewhere"},
        {"_id": "x"},
    ],
)
def test_a_document_that_would_steer_the_cluster_stays_whole(
    quarantine: Quarantine, steering: dict[str, Any]
) -> None:
    """Sent, it would be answered "there already" though it is not, or fail all that is sent with it."""
    quarantine.put(kept(row(1) | steering))
    quarantine.put(kept(row(2)))
    report = quarantine.release("--all", code=1)
    assert report["released"] == [key(2)]
    (stays,) = report["stays"]
    name = min(steering)
    assert (stays["id"], stays["reason"][: 12 + len(name)]) == (key(1), f"its field '{name}'")
    assert quarantine.sources("pabx-quarantine-*")[key(1)]["quarantine"]["document"] == row(1) | steering


@pytest.mark.parametrize(
    ("linked", "released"),
    [
        ([{"a": 1}], [key(2)]),
        ([["x"]], [key(2)]),
        ([None], [key(1), key(2)]),
        ([True, 1.5], [key(1), key(2)]),
        ([str(number) for number in range(70_000)], [key(1), key(2)]),
    ],
)
def test_no_call_stops_the_release_of_others(
    quarantine: Quarantine, linked: list[Any], released: list[str]
) -> None:
    wrong = call(1)
    wrong["call"]["linked_ids"] = linked
    quarantine.put(kept(wrong))
    quarantine.put(kept(call(2)))
    report = quarantine.release("--all", code=0 if len(released) == 2 else 1)
    assert sorted(report["released"]) == released


def test_an_infinite_number_stops_nobody(quarantine: Quarantine) -> None:
    """No JSON can hold it, yet a cluster takes 1e999999."""
    for number, place in ((1, "cdr"), (2, "more")):
        body = json.dumps(kept(row(number, **{place: {"duration": "@"}}))).replace('"@"', "1e999999")
        action = json.dumps({"create": {"_index": "pabx-quarantine-2026.11", "_id": key(number)}})
        url = "/_bulk?refresh=true&pipeline=_none"
        assert not quarantine.node.request("POST", url, f"{action}\n{body}\n")["errors"]
    quarantine.put(kept(row(3)))
    report = quarantine.release("--all", "--json", code=1)
    assert report["released"] == [key(3)]


@pytest.mark.parametrize("year", ["9999", "1970", "1999"])
def test_no_index_of_a_far_month_is_made(quarantine: Quarantine, year: str) -> None:
    """The gate lets no store make one, but what it keeps in a quarantine document may say any month."""
    quarantine.put(kept(row(1, time=f"{year}-12-01T00:00:00Z")))
    inner = kept(row(2))
    inner["quarantine"]["index"] = f"pabx-cdr-{year}.12"
    outer = kept(row(2)) | {"quarantine": kept(row(2))["quarantine"] | {"dataset": "pabx.quarantine"}}
    outer["quarantine"] |= {"document": inner, "index": f"pabx-quarantine-{year}.12"}
    quarantine.put(outer)
    report = quarantine.release("--all", code=1)
    assert [one["reason"][:17] for one in report["stays"]] == [f"its month {year}.12"] * 2
    assert list(quarantine.where()) == ["pabx-quarantine-2026.11"]
    assert quarantine.release(key(1), "--as-store", "Loja001")["released"] == [key(1)]
    assert quarantine.where()[f"pabx-cdr-{year}.12"] == [key(1)]


@pytest.mark.parametrize("month", ["2025.00", "2025.13", "2025.99", "२०२५.०१"])
def test_no_index_of_no_month_is_made(quarantine: Quarantine, month: str) -> None:
    inner = kept(row(1), index=f"pabx-cdr-{month}")
    outer = kept(row(1), dataset="pabx.quarantine", index=f"pabx-quarantine-{month}")
    outer["quarantine"]["document"] = inner
    quarantine.put(outer)
    report = quarantine.release("--all", code=1)
    assert [one["reason"][:31] for one in report["stays"]] == ["which month's pabx-quarantine i"]
    assert list(quarantine.where()) == ["pabx-quarantine-2026.11"]


def test_a_row_that_is_a_quarantine_document_does_not_await_itself(quarantine: Quarantine) -> None:
    nested = kept(row(1), stage="document", dataset="pabx.quarantine")
    nested["quarantine"]["document"] = {"column": "x"}
    quarantine.put(nested)
    assert [one["id"] for one in quarantine.release("--all", code=1)["stays"]] == [key(1)]
    assert quarantine.where() == {"pabx-quarantine-2026.11": [key(1)]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x07", r"\u001b[2J\u0007"),
        ("a\r\nb\u2028", r"a\r\nb\u2028"),
        ("\u202egpj", r"\u202egpj"),
        ("\x9b31m\x7f", r"\u009b31m\u007f"),
        ("\ud800", r"\ud800"),
        ("São Paulo ☎", "São Paulo ☎"),
    ],
)
def test_what_is_told_is_text(quarantine: Quarantine, text: str, shown: str) -> None:
    hostile = kept(row(1, cdr={text: text}), rule=text, path=text, index="x")
    hostile["error"]["message"] = text
    body = json.dumps(hostile)
    action = json.dumps({"create": {"_index": "pabx-quarantine-2026.11", "_id": key(1)}})
    quarantine.node.request("POST", "/_bulk?refresh=true&pipeline=_none", f"{action}\n{body}\n")
    for command in (["list"], ["show", key(1)], ["list", "--json"], ["show", key(1), "--json"]):
        out = quarantine.run(*command).out
        assert out.replace("\n", "").isprintable()
        assert shown in out
        if "--json" in command:
            assert text in json.dumps(json.loads(out), ensure_ascii=False) or json.dumps(text) in json.dumps(
                json.loads(out)
            )


DURATION = {"type": "long", "ignore_malformed": False}


@pytest.mark.parametrize(
    ("index", "cdr", "rule", "path"),
    [
        (
            {"mappings": {"dynamic": "strict"}},
            {"column of the site": "x"},
            "strict_dynamic_mapping_exception",
            "cdr.column of the site",
        ),
        (
            {"mappings": {"properties": {"cdr": {"properties": {"duration": DURATION}}}}},
            {"duration": "five"},
            "mapper_parsing_exception",
            "cdr.duration",
        ),
        (
            {"mappings": {"dynamic": True}},
            {"column": "x"},
            "illegal_argument_exception",
            "document",
        ),
    ],
)
def test_what_the_index_itself_refuses_has_its_path(
    quarantine: Quarantine, index: dict[str, Any], cdr: dict[str, Any], rule: str, path: str
) -> None:
    quarantine.node.request("PUT", "/pabx-cdr-2026.11", index)
    quarantine.node.request("PUT", "/pabx-cdr-2026.11/_settings", {"index.mapping.total_fields.limit": 1})
    quarantine.put(kept(row(1, cdr=cdr)))
    assert [one["id"] for one in quarantine.release("--all", code=1)["refused"]] == [key(1)]
    found = quarantine.sources("pabx-quarantine-*")[key(1)]["quarantine"]
    assert (found["stage"], found["rule"], found["path"]) == ("index", rule, path)
