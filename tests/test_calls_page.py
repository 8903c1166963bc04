"""docs/calls.md says what is so: its rows are recorded, its calls come out of them, its queries find them."""

import ast
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from central.cli import main
from central.erasing import ERASED
from compose.stack import OpenSearchCluster
from shipper.assembly import CallBuilder, Leg, join, leg_of
from shipper.assembly.join import TOUCHING_SECONDS
from shipper.config.settings import CdrSettings
from shipper.document.cdr import SECONDS, CdrBuilder
from shipper.document.model import Document, Origin
from shipper.document.privacy import Privacy
from shipper.numbering import reader
from shipper.sources.cdr.calls import SETTLE_SECONDS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "calls.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\d)\. [^\n]*\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL))
CALL_FIELDS = json.loads((ROOT / "shipper" / "schema" / "common.json").read_text(encoding="utf-8"))[
    "definitions"
]["call"]["properties"]
CREATED = "2026-11-23T05:30:00.000Z"

ORIGIN = Origin("StoreUS", "America/New_York", "1")
NUMBERS = reader("US", "212")
PRIVACY = Privacy("clear", "", NUMBERS)
BUILDER = CallBuilder(ORIGIN, ["acme"], NUMBERS, PRIVACY)

Row = dict[str, str]

# A second run of the same Asterisk, of which only the CDR events were kept, and the channels' linkedids.
_CALLER = "12125551248,101,from-did-direct,PJSIP/acme-00000000"
SECOND_RUN = f"""\
calldate,duration,billsec,src,dst,dcontext,channel,dstchannel,linkedid
2026-11-23 00:20:41,3,2,101,102,from-internal,PJSIP/101-00000002,PJSIP/102-00000003,1795411241.2
2026-11-23 00:20:37,6,5,{_CALLER},PJSIP/101-00000001,1795411237.0
2026-11-23 00:20:44,5,5,{_CALLER},PJSIP/102-00000003,1795411237.0
"""


def _recorded() -> Iterator[Row]:
    """All rows of both runs; the last two columns of the first one say when a row was inserted."""
    path = ROOT / "tests" / "data" / "asterisk-22" / "cdr.csv"
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file):
            yield {name: value for name, value in row.items() if not name.startswith("_")}
    for row in csv.DictReader(SECOND_RUN.splitlines()):
        common = {"lastapp": "Dial", "disposition": "ANSWERED", "uniqueid": row["linkedid"]}
        yield row | common | {"cnum": row["src"]}


RECORDED = list(_recorded())
COLUMNS = tuple(RECORDED[0])


class Example(NamedTuple):
    """One part of section 1: a table of rows, and below it the call."""

    title: str
    rows: list[Row]
    call: Row


def _tables(text: str) -> list[list[Row]]:
    """The tables of a text, each line by the header's names; marks of code are left out."""
    tables = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        tables.append([dict(zip(lines[0], line, strict=True)) for line in lines[2:]])
    return tables


def _examples() -> list[Example]:
    found = []
    for part in SECTIONS["1"].split("\n### ")[1:]:
        rows, (call,) = _tables(part)
        found.append(Example(part.partition("\n")[0], rows, call))
    return found


EXAMPLES = _examples()


def _whole(shown: Row) -> Row:
    """The recorded row of which a line of the page shows some columns."""
    alike = [
        row
        for row in RECORDED
        if all(
            row[name].endswith(f" {value}") if name == "calldate" else row[name] == value
            for name, value in shown.items()
        )
    ]
    assert len(alike) == 1, f"not one recorded row, but {len(alike)}: {shown}"
    return alike[0]


def _read(row: Row, builder: CdrBuilder) -> tuple[Leg, Document]:
    """What the agent makes of a row."""
    raw = tuple(row.get(name, "").encode() or None for name in builder.columns)
    understood = builder.read(raw)
    assert understood.moment is not None
    key = builder.identity(raw)
    leg = leg_of(understood.cdr, understood.moment.epoch, key)
    assert leg is not None
    return leg, builder.build(understood, CREATED, key, BUILDER.identity(leg.linked))


def _legs(example: Example) -> list[Leg]:
    builder = CdrBuilder(ORIGIN, COLUMNS, PRIVACY)
    return [_read(_whole(shown), builder)[0] for shown in example.rows]


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, list) else str(value)


def _field(body: dict[str, Any], name: str) -> str:
    if name == "tags":
        return _text(body.get("tags"))
    parent, _, child = name.rpartition(".")
    return _text(body.get(parent or "call", {}).get(child))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_the_rows_of_the_page_make_the_call_below_them(example: Example) -> None:
    (legs,) = join(_legs(example))
    document = BUILDER.build(legs, CREATED)[0]
    body = json.loads(document.body)
    assert {name: _field(body, name) for name in example.call} == example.call
    assert {"direction", "outcome", "missed", "ring_seconds", "wait_seconds", "talk_seconds"} <= set(
        example.call
    )
    assert {name for name in example.call if "." not in name} <= {*CALL_FIELDS, "tags"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_no_row_of_the_call_is_left_out(example: Example) -> None:
    shown = [_whole(row) for row in example.rows]
    linked = {row["linkedid"] for row in shown}
    # A ParkedCall's row has the linkedid of the call that it fetches.
    assert len(shown) == len([row for row in RECORDED if row["linkedid"] in linked])
    assert all(shown.count(row) == 1 for row in shown)


def test_there_is_an_example_of_each_kind() -> None:
    assert len(EXAMPLES) == 9
    assert [(len(example.rows), example.call["outcome"]) for example in EXAMPLES] == [
        (3, "answered"),
        (4, "answered"),
        (2, "answered"),
        (3, "answered"),
        (4, "answered"),
        (2, "voicemail"),
        (1, "answered"),
        (1, "abandoned"),
        (3, "answered"),
    ]


def _tags_of_code() -> set[str]:
    """What is appended to ``tags`` or ``problems`` anywhere in the shipper."""
    found = {ERASED, *(f"{name}_negative" for name in SECONDS)}
    for path in (ROOT / "shipper").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="tags" | "problems"), attr="append"),
                    args=[ast.Constant(value=str(tag)) | ast.Tuple(elts=[ast.Constant(value=str(tag)), _])],
                ):
                    found.add(tag)
    return found


def test_every_outcome_direction_and_tag_is_on_the_page() -> None:
    tags = _tags_of_code()
    assert {"call_incomplete", "times_inseparable", "calldate_from_uniqueid", "text_not_utf8"} <= tags
    for name in (*CALL_FIELDS["outcome"]["enum"], *CALL_FIELDS["direction"]["enum"], *tags):
        assert f"`{name}`" in PAGE, name


def test_the_table_of_outcomes_is_that_of_the_schema_and_of_the_recorded_calls() -> None:
    outcomes, mistakes = _tables(SECTIONS["4"])
    missed = {line["outcome"].strip("`"): line["missed, if inbound"] == "yes" for line in outcomes}
    assert set(missed) == set(CALL_FIELDS["outcome"]["enum"])
    assert {outcome for outcome in missed if not missed[outcome]} == {"answered", "blocked"}
    assert len(mistakes) == 6
    builder = CdrBuilder(ORIGIN, COLUMNS, PRIVACY)
    seen = set()
    for legs in join(_read(row, builder)[0] for row in RECORDED):
        call = json.loads(BUILDER.build(legs, CREATED)[0].body)["call"]
        assert call["missed"] == (call["direction"] == "inbound" and missed[call["outcome"]])
        seen.add(call["outcome"])
    assert seen == set(missed)


def test_every_direction_is_led_to_by_some_evidence() -> None:
    (evidence,) = _tables(SECTIONS["3"])
    assert {line["direction"].strip("`") for line in evidence} == set(CALL_FIELDS["direction"]["enum"])


def test_the_line_of_time_shows_the_seconds_of_the_queue() -> None:
    call = next(example.call for example in EXAMPLES if "queue" in example.call)
    drawn = dict(re.findall(r"(\w+_seconds) (\d+)", SECTIONS["5"].split("```")[1]))
    assert drawn == {name: value for name, value in call.items() if name.endswith("_seconds")}


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"then {SETTLE_SECONDS:.0f} seconds without a new row" in SECTIONS["2"]
    assert f"at most {TOUCHING_SECONDS} seconds after" in SECTIONS["2"]
    assert f"`cdr.lookback_hours` ({CdrSettings().lookback_hours:g})" in SECTIONS["2"]


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (ROOT / "docs" / target).is_file(), target


@pytest.fixture
def filled(indices: OpenSearchCluster) -> OpenSearchCluster:
    """The rows and calls of section 1 on the real cluster, through the shipped templates and pipelines."""
    with pytest.raises(SystemExit) as end:
        main(["install", "--url", indices.url])
    assert end.value.code == 0
    builder = CdrBuilder(ORIGIN, COLUMNS, PRIVACY)
    documents: list[Document] = []
    for example in EXAMPLES:
        pairs = [_read(_whole(shown), builder) for shown in example.rows]
        documents += BUILDER.build([leg for leg, _ in pairs], CREATED)[:1]
        documents += [row for _, row in pairs]
    lines = "".join(
        json.dumps({"create": {"_index": document.index_name, "_id": document.id}})
        + f"\n{document.body.decode()}\n"
        for document in documents
    )
    assert not indices.request("POST", "/_bulk?refresh=true", lines)["errors"]
    return indices


CALL_ID = BUILDER.identity("1795410747.62")
"""Of the queue's call."""

# How many documents of section 1 the texts of section 8 find.
FOUND = {
    ("pabx-cdr-*", 'call.id:"CALL_ID"'): 4,
    ("pabx-calls-*", 'call.id:"CALL_ID"'): 1,
    ("pabx-calls-*", 'call.linked_ids:"1795411241.2"'): 1,
    ("pabx-cdr-*", 'cdr.uniqueid:"1795410747.62"'): 2,
    ("pabx-calls-*", "call.missed:true AND NOT call.merged_into:*"): 2,
    ("pabx-calls-*", "call.answered_by:102 AND call.queue:400"): 1,
    ("pabx-calls-*", "tags:times_inseparable"): 2,
    ("pabx-calls-*", "tags:call_incomplete"): 0,
    ("pabx-calls-*", "tags:call_without_row"): 0,
    ("pabx-calls-*", "call.direction:unknown AND NOT call.merged_into:*"): 0,
}


@pytest.mark.servers
def test_the_queries_find_what_the_page_says(filled: OpenSearchCluster) -> None:
    (texts,) = _tables(SECTIONS["8"])
    found = {}
    for line in texts:
        index, text = line["index"].strip("`"), line["query text"].strip("`")
        query = {"query": {"query_string": {"query": text.replace("CALL_ID", CALL_ID)}}}
        found[index, text] = filled.request("POST", f"/{index}/_search", query)["hits"]["total"]["value"]
    assert found == FOUND

    bodies = re.findall(r'OPENSEARCH_URL(/\S+)".*?-d \'\n(.*?)\'\n', SECTIONS["8"], re.DOTALL)
    rows, calls, talk = [
        filled.request("POST", path, json.loads(body.replace("CALL_ID", CALL_ID))) for path, body in bodies
    ]
    assert [hit["_source"]["cdr"]["sequence"] for hit in rows["hits"]["hits"]] == [75, 77, 79, 80]
    assert [hit["_source"]["call"]["answered_by"] for hit in calls["hits"]["hits"]] == [["102"]]
    counts = talk["aggregations"]
    assert (counts["talk"]["count"], counts["talk"]["sum"], counts["without"]["doc_count"]) == (5, 26, 2)
