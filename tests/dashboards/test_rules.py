"""The shipped dashboards keep the rules, and a breach of any rule is found and named."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.assets import load_assets
from dashboards.check.cli import main
from dashboards.check.languages import differences
from dashboards.check.patterns import mapped_fields
from dashboards.check.rules import RULES, Finding, check
from tests.dashboards.breaches import ALL, Breach
from tests.dashboards.opened import (
    FOLDER,
    Json,
    asking,
    body,
    by_id,
    closed,
    name_of,
    nodes,
    of,
    opened,
    panels,
    params,
    shipped,
)

MAPPED = mapped_fields(load_assets())
FILE = "pabx.pt-BR.ndjson"
TEXT = shipped("pt-BR")
ALREADY = set(check(FILE, TEXT, MAPPED))


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_the_shipped_files_keep_every_rule(language: str) -> None:
    assert check(f"pabx.{language}.ndjson", shipped(language), MAPPED) == []


def test_both_languages_are_the_same_screens() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == ["pabx.en.ndjson", FILE]
    assert differences((FILE, TEXT), ("pabx.en.ndjson", shipped("en"))) == []


@pytest.mark.parametrize("breach", ALL, ids=str)
def test_a_breach_is_found(breach: Breach) -> None:
    objects = opened(TEXT)
    item = breach.pick(objects)
    breach.change(item)
    found = set(check(FILE, closed(objects), MAPPED)) - ALREADY
    named = [one for one in found if one.rule == breach.rule and one.object == name_of(item)]
    assert named, [str(one) for one in found]
    assert all(f"{FILE}: {name_of(item)}: {breach.rule}: " in str(one) for one in named)


def _first_line_pretty(text: str) -> str:
    first, rest = text.split("\n", 1)
    return json.dumps(json.loads(first), indent=1) + "\n" + rest


LINES: list[tuple[str, str, str, Callable[[str], str]]] = [
    ("R-1", "pretty", "line 1", _first_line_pretty),
    ("R-1", "no line feed at the end", FILE, lambda text: text.removesuffix("\n")),
    ("R-1", "an empty line", "line 2", lambda text: text.replace("\n", "\n\n", 1)),
    ("R-1", "a carriage return", "line 1", lambda text: text.replace("\n", "\r\n", 1)),
    ("R-1", "an array", "line 1", lambda text: "[]\n" + text),
    ("R-1", "NaN", "line 1", lambda text: text.replace("{", '{"x":NaN,', 1)),
    ("R-1", "a key twice", "line 1", lambda text: text.replace("{", '{"id":"x",', 1)),
    ("R-1", "deeper than a parser goes", "line 1", lambda text: "[" * 100_000 + "\n" + text),
    ("R-8", "the count of an export", "line 1", lambda text: '{"exportedCount":1}\n' + text),
]


@pytest.mark.parametrize(
    ("rule", "what", "where", "change"), LINES, ids=[f"{row[0]} {row[1]}" for row in LINES]
)
def test_a_breach_of_the_file_s_form_is_found(
    rule: str, what: str, where: str, change: Callable[[str], str]
) -> None:
    found = check(FILE, change(TEXT), MAPPED)
    assert (rule, where) in {(one.rule, one.object) for one in found}, what


def test_a_name_that_the_import_refuses_is_found() -> None:
    assert ("R-2", "pabx.json") in {(one.rule, one.object) for one in check("pabx.json", TEXT, MAPPED)}


def test_an_object_twice_is_found() -> None:
    again = TEXT + TEXT.split("\n", 1)[0] + "\n"
    first = opened(TEXT)[0]
    assert ("R-4", name_of(first)) in {(one.rule, one.object) for one in check(FILE, again, MAPPED)}


def test_a_dashboard_without_a_link_to_it_is_found() -> None:
    objects = opened(TEXT)
    item = by_id("visualization", "pabx-links-overview")(objects)
    params(item).update(
        markdown=params(item)["markdown"].replace("(#/view/pabx-costs)", "(#/view/pabx-peaks)")
    )
    found = [one for one in check(FILE, closed(objects), MAPPED) if one.rule == "H-14"]
    assert [(one.object, "no link to pabx-costs" in one.text) for one in found] == [
        ("dashboard pabx-overview", True)
    ]


def test_every_rule_has_a_breach() -> None:
    broken = {breach.rule for breach in ALL} | {row[0] for row in LINES} | {"R-2"}
    assert {rule.id for rule in RULES} == broken


UNLIKE: list[tuple[str, Callable[[list[Json]], Json], Callable[[Json], object]]] = [
    ("a number", of("dashboard"), lambda o: panels(o)[-1]["gridData"].update(h=99)),
    ("a key", of("search"), lambda o: o["attributes"].pop("description")),
    ("a column", of("search"), lambda o: o["attributes"]["columns"].pop()),
    ("a field", of("search"), lambda o: o["attributes"]["columns"].reverse()),
    ("a request", asking("pabx-calls-*"), lambda o: body(o)["aggs"].clear()),
    ("a link", of("visualization", "markdown"), lambda o: params(o).update(markdown="[x](#/view/pabx-live)")),
    ("no title", of("dashboard"), lambda o: o["attributes"].update(title="")),
    ("an expression", asking("pabx-stores"), lambda o: _expression(o).update(update="1 + 1")),
]


def _expression(item: Json) -> Json:
    spec = params(item)["spec"]
    return (
        spec.setdefault("signals", [{}])[0]
        if "signals" in spec
        else spec["marks"][0]["encode"]["update"]["y"]
    )


@pytest.mark.parametrize(("what", "pick", "change"), UNLIKE, ids=[row[0] for row in UNLIKE])
def test_languages_that_differ_in_more_than_words_are_found(
    what: str, pick: Callable[[list[Json]], Json], change: Callable[[Json], object]
) -> None:
    objects = opened(TEXT)
    item = pick(objects)
    change(item)
    found = differences((FILE, TEXT), ("other.ndjson", closed(objects)))
    assert [(one.rule, one.object) for one in found] == [("H-18", name_of(item))], what


def test_an_object_of_one_language_only_is_found() -> None:
    first, rest = TEXT.split("\n", 1)
    name = name_of(json.loads(first))
    one = differences((FILE, TEXT), ("other.ndjson", rest))
    other = differences(("other.ndjson", rest), (FILE, TEXT))
    assert [(each.file, each.object) for each in one + other] == [("other.ndjson", name), (FILE, name)]


def test_a_finding_says_file_object_rule_and_what() -> None:
    assert str(Finding("a.ndjson", "R-4", "query x", "is wrong: mend it")) == (
        "a.ndjson: query x: R-4: is wrong: mend it"
    )


def test_the_command_prints_a_line_for_each_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pabx.json"
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main([str(path)])
    assert end.value.code == 1
    assert "pabx.json: pabx.json: R-2: is refused by its name: let it end with .ndjson" in (
        capsys.readouterr().out.splitlines()
    )


def test_the_command_checks_the_shipped_files_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "text"), [(None, "cannot be read: No such file"), (b"\xff\n", "is not UTF-8")]
)
def test_the_command_says_why_it_cannot_read(tmp_path: Path, content: bytes | None, text: str) -> None:
    path = tmp_path / "x.ndjson"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemExit, match=text):
        main([str(path)])


def _sample() -> list[Json]:
    """One object of each kind."""
    found: dict[tuple[str, str], Json] = {}
    for item in opened(TEXT):
        vis = item["attributes"].get("visState", {})
        kind = vis.get("type", "") + vis.get("params", {}).get("spec", {}).get("$schema", "")
        found.setdefault((item["type"], kind), item)
    return [by_id("index-pattern", "pabx-calls")(opened(TEXT)), *found.values()]


SAMPLE = _sample()
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def broken_files(draw: st.DrawFn) -> str:
    """Files of which up to three places were deleted, renamed or replaced."""
    objects = copy.deepcopy(SAMPLE)
    for _ in range(draw(st.integers(1, 3))):
        item = draw(st.sampled_from(objects))
        holders = [node for node in nodes(item) if isinstance(node, dict | list) and node]
        holder: Any = draw(st.sampled_from(holders))
        key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
        action = draw(st.sampled_from(["delete", "rename", "replace"]))
        if action == "replace":
            holder[key] = draw(ANYTHING)
        else:
            value = holder.pop(key)
            if action == "rename" and isinstance(holder, dict):
                holder[draw(st.text(max_size=8))] = value
    return closed(objects)


@given(text=broken_files())
@settings(max_examples=300, deadline=None)
def test_no_change_of_the_objects_stops_the_check(text: str) -> None:
    found = check("x.ndjson", text, MAPPED) + differences(("y.ndjson", TEXT), ("x.ndjson", text))
    assert all(one.object and one.text and one.rule for one in found)


@given(lines=st.lists(st.text() | ANYTHING.map(json.dumps), max_size=4))
@settings(max_examples=200, deadline=None)
def test_no_content_stops_the_check(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = check("x.ndjson", text, MAPPED)
    # Whatever this is, it is none of our objects.
    assert "R-1" in {one.rule for one in found} or "R-3" in {one.rule for one in found}
