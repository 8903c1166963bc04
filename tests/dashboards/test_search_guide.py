"""docs/search.md and docs/busca.md say what is so: every example finds, in a real cluster, what it means.

Each text goes through the preview's bar into the shipped saved search that the page names; what it finds is
compared with the simulated calls that it means.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from central.gate.health import Reading, document, sample_of
from central.preview.asking import QueryError
from tests.dashboards import states
from tests.dashboards.bar import Telephoned, Told
from tests.dashboards.dql import NotDqlError, request
from tests.dashboards.guide import (
    CALLS,
    DOCS,
    LANGUAGES,
    examples,
    faults,
    is_dql,
    kinds,
    page,
    queries,
    saved,
)
from tests.dashboards.meant import Means
from tests.dashboards.meant_calls import FAULTY, INSTEAD, MEANT, REFUSED
from tests.dashboards.meant_others import (
    AGENTS,
    CALL_ID,
    PUT_ASIDE,
    ROWS,
    SAID,
    events_of,
    fields,
    identity,
    rows_of,
)
from tests.dashboards.states import StoreState
from tests.dashboards.world import World

OTHERS = {
    "pabx-search-rows": {f"call.id:{CALL_ID}", *ROWS},
    "pabx-search-events": set(SAID),
    "pabx-search-quarantine": set(PUT_ASIDE),
    "pabx-search-agents": set(AGENTS),
}
EVERYTHING = {"query": {"match_all": {}}}
BY_ID = f"call.id:{CALL_ID}"
OF_CALLS = [one for one in examples("en") if one.search == CALLS and one.text != BY_ID]
in_each_language = pytest.mark.parametrize("language", LANGUAGES)
in_twelve = pytest.mark.parametrize("world", ["twelve"], indirect=True)
in_one = pytest.mark.parametrize("world", ["one"], indirect=True)


@pytest.fixture(scope="module")
def twelve(world: World) -> Telephoned:
    return Telephoned(world, "twelve")


@pytest.fixture(scope="module")
def one_store(world: World) -> Telephoned:
    return Telephoned(world, "one")


# The pages


def test_both_pages_have_the_same_examples() -> None:
    english, portuguese = (examples(language) for language in LANGUAGES)
    assert portuguese == english
    assert faults("pt-BR") == faults("en")
    assert list(queries("pt-BR").values()) == list(queries("en").values())


@in_each_language
def test_every_example_has_a_meaning_and_every_meaning_an_example(language: str) -> None:
    found = examples(language)
    others = {key: {one.text for one in found if one.search == key} for key in {one.search for one in found}}
    assert others.pop(CALLS) == {BY_ID, *MEANT}
    assert others == OTHERS
    assert [one.text for one in faults(language)] == list(FAULTY)
    assert {one.instead for one in faults(language)} == set(INSTEAD)
    assert len(set(found)) == len(found)


@in_each_language
def test_no_table_is_left_unread(language: str) -> None:
    readable = [{"type", "DQL"}, {"in", "type", "DQL"}, {"typed", "instead"}, {"query", "condition"}]
    for head in kinds(language):
        assert any(wanted <= head for wanted in readable), head
    assert "```" not in page(language)


@in_each_language
def test_every_link_leads_somewhere(language: str) -> None:
    heads = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^## (.*)$", page(language), re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", page(language)):
        assert target.removeprefix("#") in heads if target.startswith("#") else (DOCS / target).is_file(), (
            target
        )


@in_each_language
def test_the_page_lists_every_saved_query(language: str) -> None:
    shipped = {one["title"]: one["query"]["query"] for one in saved(language, "query").values()}
    assert queries(language) == shipped


@pytest.mark.parametrize("kind", ["query", "search"])
def test_both_languages_ask_the_same(kind: str) -> None:
    english, portuguese = (saved(language, kind) for language in LANGUAGES)
    for one in (*english.values(), *portuguese.values()):
        del one["title"]
    assert portuguese == english


def test_only_what_dql_has_too_is_marked() -> None:
    for one in examples("en"):
        if one.dql:
            request(one.text)
    with pytest.raises(NotDqlError):
        request("call.talk_seconds:>1800")


# Calls


@pytest.mark.servers
@in_twelve
@in_each_language
@pytest.mark.parametrize("text", MEANT)
def test_an_example_finds_the_calls_that_it_means(twelve: Telephoned, language: str, text: str) -> None:
    assert twelve.bar.ids(language, CALLS, text) == twelve.meant(MEANT[text])


@pytest.mark.servers
@in_twelve
@pytest.mark.parametrize("text", [one.text for one in OF_CALLS if one.dql])
def test_it_finds_them_in_dql(twelve: Telephoned, text: str) -> None:
    assert twelve.bar.dql("en", CALLS, text) == twelve.meant(MEANT[text])


@pytest.mark.servers
@in_twelve
@pytest.mark.parametrize("text", FAULTY)
def test_what_does_not_work_does_not(twelve: Telephoned, text: str) -> None:
    means = FAULTY[text]
    if means is REFUSED:
        with pytest.raises(QueryError):
            twelve.bar.ids("en", CALLS, text)
    else:
        assert twelve.bar.ids("en", CALLS, text) == twelve.keys(means)
    instead = next(one.instead for one in faults("en") if one.text == text)
    assert twelve.bar.ids("en", CALLS, instead) == twelve.meant(INSTEAD[instead])


OF_SEARCHES: dict[str, Means] = {
    "calls": lambda _: True,
    "missed": MEANT["call.missed:true"],
    "never-called-back": MEANT["call.callback.state:(never OR waiting OR tried)"],
    "outbound": lambda call: call.made.owed is not None,
}
OF_QUERIES: dict[str, Means] = {
    "missed": MEANT["call.missed:true"],
    "never-called-back": MEANT["call.callback.state:never"],
    "external": lambda call: call.made.truth.direction in {"inbound", "outbound"},
    "internal": lambda call: call.made.truth.direction == "internal",
    "unrated": MEANT["call.billable_seconds:>0 AND NOT _exists_:call.cost.amount"],
    "long": MEANT["call.talk_seconds:>1800"],
}
OF_OTHERS = {"rows", "live", "events", "alerts", "agents", "quarantine", "findings", "gate"}


def test_every_saved_object_is_looked_at() -> None:
    assert set(saved("en", "search")) == {f"pabx-search-{key}" for key in (*OF_SEARCHES, *OF_OTHERS)}
    assert set(saved("en", "query")) == {f"pabx-query-{key}" for key in OF_QUERIES}


@pytest.mark.servers
@in_twelve
@in_each_language
@pytest.mark.parametrize("key", OF_SEARCHES)
def test_a_saved_search_finds_what_it_says(twelve: Telephoned, language: str, key: str) -> None:
    assert twelve.bar.ids(language, f"pabx-search-{key}") == twelve.keys(OF_SEARCHES[key]) != set()


@pytest.mark.servers
@in_twelve
@in_each_language
@pytest.mark.parametrize("key", OF_QUERIES)
def test_a_saved_query_finds_what_it_says(twelve: Telephoned, language: str, key: str) -> None:
    text = saved(language, "query")[f"pabx-query-{key}"]["query"]["query"]
    assert twelve.bar.ids(language, CALLS, text) == twelve.meant(OF_QUERIES[key])


# A call and its rows


@pytest.mark.servers
@in_one
@in_each_language
def test_a_call_and_its_rows_are_found_by_its_id(one_store: Telephoned, language: str) -> None:
    called = max(one_store.calls, key=lambda call: len(call.simulated.rows))
    text = BY_ID.replace(CALL_ID, called.made.key)
    assert one_store.bar.ids(language, CALLS, text) == {called.made.key}
    assert one_store.bar.dql(language, CALLS, text) == {called.made.key}
    found = one_store.bar.search(language, "pabx-search-rows", text)
    rows = sorted(map(identity, called.simulated.rows))
    assert sorted(fields(row, "cdr.uniqueid", "cdr.sequence") for row in found) == rows
    assert len(one_store.bar.dql(language, "pabx-search-rows", text)) == len(rows) > 2


@pytest.mark.servers
@in_one
@in_each_language
@pytest.mark.parametrize("text", ["", *ROWS])
def test_an_example_finds_the_rows_that_it_means(one_store: Telephoned, language: str, text: str) -> None:
    bar = one_store.bar
    since, until = (at.replace(tzinfo=None) for at in bar.period)
    means = ROWS[text] if text else lambda _: True
    wanted = [
        identity(one.row)
        for one in rows_of(one_store.world, "one")
        if since <= one.at <= until and means(one)
    ]
    found = bar.search(language, "pabx-search-rows", text)
    assert sorted(fields(row, "cdr.uniqueid", "cdr.sequence") for row in found) == sorted(wanted) != []
    if text and is_dql("pabx-search-rows", text):
        assert bar.dql(language, "pabx-search-rows", text) == {row["id"] for row in found}


# What is now, and what went wrong


@pytest.fixture(scope="module")
def told(world: World) -> Iterator[Told]:
    states.forget(world.cluster)
    yield Told(world)
    states.forget(world.cluster)


@pytest.mark.servers
@in_twelve
@in_each_language
@pytest.mark.parametrize("text", ["", *SAID])
def test_events(told: Told, language: str, text: str) -> None:
    means = SAID[text] if text else lambda _: True
    wanted = [
        (one.store.id, one.kept.action, one.kept.object) for one in events_of(told.world.stores) if means(one)
    ]
    found = told.shown(language, "events", text, "store.id", "event.action", "pbx.object")
    assert found == sorted(wanted) != []


@pytest.mark.servers
@in_twelve
@in_each_language
@pytest.mark.parametrize("text", ["", *PUT_ASIDE])
def test_the_quarantine(told: Told, language: str, text: str) -> None:
    means = PUT_ASIDE[text] if text else lambda _: True
    wanted = [(one.store.id, one.stage, one.path) for one in told.refused if means(one)]
    found = told.shown(language, "quarantine", text, "store.id", "quarantine.stage", "quarantine.path")
    assert found == sorted(wanted) != []


@pytest.mark.servers
@in_twelve
@in_each_language
@pytest.mark.parametrize("text", ["", *AGENTS])
def test_agents(told: Told, language: str, text: str) -> None:
    means: Any = AGENTS[text] if text else lambda _: True
    there: Iterable[StoreState] = (one for one in told.states if not one.kind.revoked)
    wanted = [(one.store.id,) for one in there if means(one)]
    assert told.shown(language, "agents", text, "store.id") == sorted(wanted) != []


@pytest.mark.servers
@in_twelve
@in_each_language
def test_findings_and_gates(told: Told, language: str) -> None:
    wanted = [(one.store.id, one.day, one.state) for one in told.found]
    assert told.shown(language, "findings", "", "store.id", "audit.day", "audit.state") == sorted(wanted)
    reading = Reading(answers=True)
    made = document("gate7", reading, sample_of(reading, 1.0), None, datetime.now(UTC))
    told.world.cluster.request("PUT", "/pabx-gate/_doc/gate7?refresh=true", made)
    try:
        assert told.shown(language, "gate", "", "host.name") == [("gate7",)]
    finally:
        told.world.cluster.request("DELETE", "/pabx-gate/_doc/gate7?refresh=true")


@pytest.mark.servers
@in_twelve
@in_each_language
def test_alerts_of_now(told: Told, language: str) -> None:
    found = states.alerts(told.world.cluster, told.world.stores, datetime.now(UTC))
    wanted = [(one.finding, one.store.id) for one in found if not one.over]
    try:
        assert told.shown(language, "alerts", "", "alert.finding", "alert.key") == sorted(wanted) != []
    finally:
        told.world.cluster.request("POST", "/pabx-alerts/_delete_by_query?refresh=true", EVERYTHING)


@pytest.mark.servers
@in_twelve
def test_calls_of_now(told: Told) -> None:
    calls = states.calls_now(told.world.cluster, told.world.stores, datetime.now(UTC))
    wanted = {one.key for one in calls if one.on_panel}
    assert wanted != {one.key for one in calls}
    for language in LANGUAGES:
        assert told.bar.ids(language, "pabx-search-live") == wanted
