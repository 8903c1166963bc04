"""How long months stay: named and deleted by their name, and by a policy where the cluster has one."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.assets import load_assets
from central.client import Connection, connect
from central.install import plan
from central.plan import Action
from central.retention.months import number_of, over
from central.shards import SPREAD, with_shards
from compose.stack import OpenSearchCluster
from tests.central.conftest import bare_cluster, central, cluster
from tests.central.outcome import Outcome
from tests.scale.fake_ism import FakeIsm, running

__all__ = ["bare_cluster", "central", "cluster"]

Central = Callable[..., Outcome]


def test_the_month_of_an_index() -> None:
    assert number_of("pabx-cdr-2026.11") == 2026 * 12 + 10
    assert number_of("pabx-calls-2026.01") == 2026 * 12
    assert number_of("pabx-audit-0001.12") == 23
    for other in (
        "pabx-cdr-2026.13",
        "pabx-cdr-2026.00",
        "pabx-cdr-2026.1",
        "pabx-cdr-2026.11.23",
        "pabx-cdr-2026.11-old",
        "xpabx-cdr-2026.11",
        "pabx-events-2026.11",
        "pabx-stores",
        "pabx-cdr-²026.11",
        "",
    ):
        assert number_of(other) is None, other


def test_twelve_whole_months_and_the_present_one_stay() -> None:
    there = ["pabx-cdr-2025.11", "pabx-cdr-2025.10", "pabx-calls-2025.09", "pabx-cdr-2026.11", "pabx-stores"]
    for today in (date(2026, 11, 1), date(2026, 11, 30)):
        assert over(there, today, 12) == ["pabx-calls-2025.09", "pabx-cdr-2025.10"]
    assert over(there, date(2026, 12, 1), 12) == [
        "pabx-calls-2025.09",
        "pabx-cdr-2025.10",
        "pabx-cdr-2025.11",
    ]


@given(day=st.dates(date(1990, 1, 1), date(2100, 1, 1)), months=st.integers(1, 240), today=st.dates())
def test_no_day_goes_before_its_months_are_over(day: date, months: int, today: date) -> None:
    """Counted the other way round: from a day on, so many whole months have to lie between."""
    between = (today.year - day.year) * 12 + today.month - day.month - 1
    gone = over([f"pabx-cdr-{day:%Y.%m}"], today, months)
    assert bool(gone) == (between >= months)


@pytest.mark.servers
class TestTidy:
    @pytest.fixture
    def years(self, cluster: OpenSearchCluster) -> OpenSearchCluster:
        for name in ("cdr-2019.01", "calls-2019.01", "audit-2019.02", "quarantine-2019.01", "cdr-2099.01"):
            path = f"/pabx-{name}/_doc/1?pipeline=_none&refresh=true"
            cluster.request("PUT", path, {"@timestamp": "2019-01-05T00:00:00Z"})
        cluster.request("PUT", "/pabx-cdr-2019.01-copy")
        cluster.request("POST", "/pabx-calls-2019.01/_close")
        return cluster

    OLD = ("pabx-audit-2019.02", "pabx-calls-2019.01", "pabx-cdr-2019.01", "pabx-quarantine-2019.01")

    @staticmethod
    def there(cluster: OpenSearchCluster) -> set[str]:
        return set(cluster.request("GET", "/pabx-*?expand_wildcards=all"))

    def test_without_yes_they_are_named_and_stay(self, years: OpenSearchCluster, central: Central) -> None:
        before = self.there(years)
        for more in ((), ("--dry-run",), ("--dry-run", "--yes")):
            outcome = central("tidy", "--older-than-months", "12", *more, "--url", years.url)
            assert (outcome.code, outcome.err) == (0, "")
            named = [line for line in outcome.out.splitlines() if "2019" in line]
            assert named == [f"{name}: would be deleted" for name in self.OLD]
            assert ("--yes says that it is meant" in outcome.out) == (more == ())
            assert self.there(years) == before

    def test_with_yes_they_go_closed_ones_too_and_nothing_else(
        self, years: OpenSearchCluster, central: Central
    ) -> None:
        outcome = central("tidy", "--older-than-months", "12", "--yes", "--json", "--url", years.url)
        assert (outcome.code, json.loads(outcome.out)["months_indices"]) == (0, list(self.OLD))
        assert self.there(years) == {"pabx-cdr-2099.01", "pabx-cdr-2019.01-copy"}
        again = central("tidy", "--older-than-months", "12", "--yes", "--json", "--url", years.url)
        assert json.loads(again.out)["months_indices"] == []

    def test_without_the_option_no_month_is_spoken_of(
        self, years: OpenSearchCluster, central: Central
    ) -> None:
        before = self.there(years)
        outcome = central("tidy", "--yes", "--url", years.url)
        assert "2019" not in outcome.out
        assert self.there(years) == before

    def test_more_months_than_there_are(self, years: OpenSearchCluster, central: Central) -> None:
        outcome = central("tidy", "--older-than-months", "1200", "--yes", "--json", "--url", years.url)
        assert json.loads(outcome.out)["months_indices"] == []

    def test_an_empty_cluster(self, cluster: OpenSearchCluster, central: Central) -> None:
        outcome = central("tidy", "--older-than-months", "1", "--yes", "--url", cluster.url)
        assert (outcome.code, outcome.out.splitlines()[-1].endswith("0 indices deleted")) == (0, True)


@pytest.mark.parametrize("months", ["0", "-1", "x", "1201", "1.5", "²"])
def test_a_number_of_months_that_is_none(central: Central, months: str) -> None:
    outcome = central("tidy", "--older-than-months", months, "--url", "http://127.0.0.1:1")
    assert (outcome.code, "is no number of months from 1 to 1200" in outcome.err) == (2, True)


@pytest.fixture
def ism() -> Iterator[FakeIsm]:
    """A stand-in for a cluster with Index State Management, which cannot be had in a test run."""
    with running() as fake:
        yield fake


def policy_lines(fake: FakeIsm, central: Central, *arguments: str) -> list[str]:
    outcome = central("install", *arguments, "--url", fake.url)
    return [line for line in outcome.out.splitlines() if "policy" in line]


class TestPolicy:
    MONTHS = ("pabx-calls-2026.10", "pabx-cdr-2026.10")

    def test_it_is_put_there_and_months_follow_it(self, ism: FakeIsm, central: Central) -> None:
        ism.indices = dict.fromkeys(self.MONTHS)
        assert policy_lines(ism, central, "--retention-months", "12") == [
            "create     ISM policy pabx-retention",
            "ISM policy pabx-retention: 2 indices follow it",
        ]
        states = {one["name"]: one for one in ism.policy["states"]}
        assert ism.policy["default_state"] == "kept"
        assert states["kept"]["transitions"] == [
            {"state_name": "deleted", "conditions": {"min_index_age": "403d"}}
        ]
        assert "delete" in states["deleted"]["actions"][0]
        patterns = ["pabx-audit-*", "pabx-calls-*", "pabx-cdr-*", "pabx-quarantine-*"]
        assert ism.policy["ism_template"][0]["index_patterns"] == patterns
        assert ism.indices == dict.fromkeys(self.MONTHS, "pabx-retention")
        writes = len(ism.writes)
        assert policy_lines(ism, central, "--retention-months", "12") == [
            "unchanged  ISM policy pabx-retention"
        ]
        assert len(ism.writes) == writes

    def test_another_number_holds_for_months_that_are_there(self, ism: FakeIsm, central: Central) -> None:
        ism.indices = dict.fromkeys(self.MONTHS)
        policy_lines(ism, central, "--retention-months", "12")
        ism.writes.clear()
        assert policy_lines(ism, central, "--retention-months", "24")[-2:] == [
            "change     ISM policy pabx-retention",
            "ISM policy pabx-retention: 2 indices follow it as it is now",
        ]
        assert ism.policy["states"][0]["transitions"][0]["conditions"] == {"min_index_age": "775d"}
        assert [one.split("?")[0].rpartition("/")[0] for one in ism.writes] == [
            "PUT /_plugins/_ism/policies",
            "POST /_plugins/_ism/change_policy",
        ]

    def test_without_the_option_nothing_is_asked_or_changed(self, ism: FakeIsm, central: Central) -> None:
        assert policy_lines(ism, central) == []
        assert [one for one in ism.asked if "_ism" in one] == []

    def test_a_dry_run_says_what_would_be(self, ism: FakeIsm, central: Central) -> None:
        ism.indices = dict.fromkeys(self.MONTHS)
        assert policy_lines(ism, central, "--retention-months", "12", "--dry-run") == [
            "create     ISM policy pabx-retention",
            "ISM policy pabx-retention: 2 indices would follow it",
        ]
        assert ism.writes == []

    def test_another_policy_is_left_alone(self, ism: FakeIsm, central: Central) -> None:
        ism.indices = {"pabx-cdr-2026.10": "theirs", "pabx-calls-2026.10": None}
        assert policy_lines(ism, central, "--retention-months", "12")[1:] == [
            "ISM policy pabx-retention: 1 indices follow it",
            "index pabx-cdr-2026.10: another policy, theirs, has it: it stays so",
        ]
        assert ism.indices == {"pabx-cdr-2026.10": "theirs", "pabx-calls-2026.10": "pabx-retention"}

    def test_it_is_taken_away_again(self, ism: FakeIsm, central: Central) -> None:
        ism.indices = dict.fromkeys(self.MONTHS)
        policy_lines(ism, central, "--retention-months", "12")
        assert policy_lines(ism, central, "--retention-months", "0") == [
            "ISM policy pabx-retention: 2 indices follow it no more",
            "ISM policy pabx-retention: deleted",
        ]
        assert (ism.policy, ism.indices) == ({}, dict.fromkeys(self.MONTHS))
        assert policy_lines(ism, central, "--retention-months", "0") == [
            "ISM policy pabx-retention: there is none"
        ]

    @pytest.mark.servers
    def test_a_cluster_that_has_no_such_plugin(self, cluster: OpenSearchCluster, central: Central) -> None:
        outcome = central("install", "--retention-months", "12", "--dry-run", "--url", cluster.url)
        assert outcome.code == 0
        assert (
            "without Index State Management there is no policy: central tidy --older-than-months"
            in outcome.out
        )

    @pytest.mark.parametrize("months", ["-1", "x", "1201", "²"])
    def test_a_number_that_is_none(self, central: Central, months: str) -> None:
        outcome = central("install", f"--retention-months={months}", "--url", "http://127.0.0.1:1")
        assert (outcome.code, "is no number of months from 0 to 1200" in outcome.err) == (2, True)


class TestShards:
    @staticmethod
    def shards(body: dict[str, Any]) -> Any:
        return body["template"]["settings"]["index"].get("number_of_shards")

    def test_nothing_said_is_one_from_the_component(self) -> None:
        assets = load_assets()
        assert with_shards(assets, {}, None) == assets
        assert with_shards(assets, {}, 1) == assets
        assert assets.components["pabx-settings"]["template"]["settings"]["index"]["number_of_shards"] == 1

    def test_only_rows_and_calls_are_spread(self) -> None:
        found = with_shards(load_assets(), {}, 3).templates
        assert {name for name, body in found.items() if self.shards(body)} == set(SPREAD)
        assert {self.shards(found[name]) for name in SPREAD} == {3}

    @pytest.mark.servers
    def test_it_stays_through_the_next_install(
        self, bare_cluster: OpenSearchCluster, central: Central
    ) -> None:
        assert central("install", "--shards", "2", "--url", bare_cluster.url).code == 0
        for index, wanted in (("pabx-calls-2030.01", "2"), ("pabx-audit-2030.01", "1")):
            bare_cluster.request("PUT", f"/{index}")
            found = bare_cluster.request("GET", f"/{index}/_settings")[index]["settings"]["index"]
            assert found["number_of_shards"] == wanted
        connection = Connection(bare_cluster.url)
        steps = plan(connect(connection), connection, load_assets())
        assert {step.action for step in steps} == {Action.UNCHANGED}
        outcome = central("install", "--shards", "1", "--url", bare_cluster.url)
        assert "change     index template pabx-calls" in outcome.out
        bare_cluster.request("PUT", "/pabx-calls-2030.02")
        found = bare_cluster.request("GET", "/pabx-calls-2030.02/_settings")["pabx-calls-2030.02"]
        assert found["settings"]["index"]["number_of_shards"] == "1"

    @pytest.mark.parametrize("shards", ["0", "65", "x"])
    def test_a_number_that_is_none(self, central: Central, shards: str) -> None:
        outcome = central("install", "--shards", shards, "--url", "http://127.0.0.1:1")
        assert (outcome.code, "is no number of shards from 1 to 64" in outcome.err) == (2, True)
