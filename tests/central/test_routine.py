"""`central routine`: what is due when, and the jobs themselves against the real cluster."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.routine import Ended, Job, Routine, jobs, last_night, run_all, run_job
from compose.stack import OpenSearchCluster
from tests.central.outcome import Outcome
from tests.shipper.store import eventually

Central = Callable[..., Outcome]
ZONE = ZoneInfo("America/Sao_Paulo")  # three hours behind UTC all year
AT = time(7, 30)
MORNING = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
"""Half past seven in São Paulo."""
REGISTER = "id,name,city,state,timezone\nLoja001,Loja Paulista,São Paulo,SP,America/Sao_Paulo\n"
TARIFFS = Path(__file__).parents[2] / "compose" / "demo" / "tariffs.toml"


def names(work: tuple[Job, ...]) -> list[str]:
    return [job.name for job in work]


class TestSchedule:
    def test_the_order_is_that_in_which_each_finds_what_the_one_before_wrote(self) -> None:
        everything = ["stores apply", "rate", "relate", "audit", "learn", "tidy"]
        assert names(jobs("stores.csv", "tariffs.toml")) == everything
        assert names(jobs(None, None)) == everything[2:]
        assert jobs(None, None)[-1].arguments == ("tidy",)
        assert jobs(None, None, 24)[-1].arguments == ("tidy", "--older-than-months", "24", "--yes")

    @pytest.mark.parametrize(
        ("now", "night"),
        [
            (MORNING, MORNING),
            (MORNING - timedelta(seconds=1), MORNING - timedelta(days=1)),
            (MORNING + timedelta(hours=23, minutes=59), MORNING),
        ],
    )
    def test_a_night_begins_by_the_wall_clock_of_the_zone(self, now: datetime, night: datetime) -> None:
        assert last_night(now, AT, ZONE) == night

    def test_all_at_the_start_then_often_then_the_night(self) -> None:
        routine = Routine(jobs(None, None), AT, ZONE, 15)
        start = MORNING - timedelta(minutes=40)
        assert names(routine.due(start)) == ["relate", "audit", "learn", "tidy"]
        assert routine.due(start + timedelta(minutes=14)) == ()
        assert names(routine.due(start + timedelta(minutes=15))) == ["relate"]
        assert names(routine.due(start + timedelta(minutes=30))) == ["relate"]
        assert names(routine.due(MORNING)) == ["relate", "audit", "learn", "tidy"]
        assert routine.due(MORNING + timedelta(minutes=14)) == ()

    @given(
        st.lists(st.integers(0, 400), min_size=1, max_size=400),
        st.sampled_from(["America/Sao_Paulo", "Europe/Berlin", "America/New_York", "UTC"]),
        st.integers(0, 23),
    )
    def test_each_night_once_whatever_the_pauses(self, pauses: list[int], zone: str, hour: int) -> None:
        """Clocks that go forward and back in Berlin and New York included."""
        where = ZoneInfo(zone)
        at = time(hour, 30)
        routine = Routine(jobs(None, None), at, where)
        now = datetime(2026, 3, 20, tzinfo=UTC)
        whole = 0
        nights = set()
        for pause in pauses:
            now += timedelta(minutes=pause)
            whole += "learn" in names(routine.due(now))
            nights.add(last_night(now, at, where))
        assert whole == len(nights)

    def test_a_clock_that_is_set_back_repeats_no_night_and_stops_nothing(self) -> None:
        routine = Routine(jobs(None, None), AT, ZONE, 15)
        routine.due(MORNING)
        assert names(routine.due(MORNING - timedelta(hours=2))) == ["relate"]
        assert names(routine.due(MORNING - timedelta(hours=1, minutes=45))) == ["relate"]

    def test_one_that_fails_keeps_no_other_from_running(self) -> None:
        ran = []

        def run(job: Job) -> Ended:
            ran.append(job.name)
            return Ended(job, 1, ("it broke",))

        ended = list(run_all(jobs("a", "b"), run))
        assert ran == ["stores apply", "rate", "relate", "audit", "learn", "tidy"]
        # That stores and index differ is what the audit is there to tell.
        assert [one.job.name for one in ended if not one.failed] == ["audit"]
        assert list(ended[0].told()) == [
            "stores apply: it broke",
            "stores apply: FAILED with exit code 1; the other jobs go on",
        ]


@pytest.mark.servers
class TestJobs:
    def test_all_of_them_run(self, cluster: OpenSearchCluster, central: Central, tmp_path: Path) -> None:
        (tmp_path / "stores.csv").write_text(REGISTER, encoding="utf-8")
        given = (
            "--register",
            tmp_path / "stores.csv",
            "--tariffs",
            TARIFFS,
            "--older-than-months",
            "120",
            "--once",
        )
        done = central("--url", cluster.url, "routine", *given)
        assert (done.code, done.err) == (0, "")
        said = {line.split(":")[0] for line in done.out.splitlines()}
        assert said == {"stores apply", "rate", "relate", "audit", "learn", "tidy"}
        assert cluster.request("GET", "/pabx-stores/_doc/Loja001")["_source"]["store"]["city"] == "São Paulo"

    def test_a_broken_file_of_tariffs_fails_alone(
        self, cluster: OpenSearchCluster, central: Central, tmp_path: Path
    ) -> None:
        (tmp_path / "tariffs.toml").write_text("plans = 3\n", encoding="utf-8")
        done = central("routine", "--url", cluster.url, "--tariffs", tmp_path / "tariffs.toml", "--once")
        assert done.code == 1
        assert done.err == "central: 1 of 5 jobs failed: rate\n"
        assert "rate: FAILED with exit code 2; the other jobs go on" in done.out
        assert f"{tmp_path / 'tariffs.toml'}" in done.out
        assert "\ntidy: " in done.out

    def test_a_file_that_is_not_there(self, central: Central) -> None:
        done = central("routine", "--url", "http://127.0.0.1:9", "--register", "nowhere.csv", "--once")
        assert (done.code, done.err) == (
            2,
            "central: --register nowhere.csv: no such file: name one that is there\n",
        )

    @pytest.mark.parametrize(
        ("option", "value", "text"),
        [
            ("--at", "25:00", "'25:00' is no time such as 07:30"),
            ("--timezone", "Brasil", "'Brasil' is no time zone such as America/Sao_Paulo"),
            ("--every", "0", "'0' is no number of minutes from 1 to 1440"),
        ],
    )
    def test_wrong_usage(self, central: Central, option: str, value: str, text: str) -> None:
        done = central("routine", option, value)
        assert done.code == 2
        assert text in done.err

    def test_one_that_hangs_is_ended(self, cluster: OpenSearchCluster) -> None:
        """`live --follow` never ends by itself."""
        ended = run_job(Job(("live", "--follow")), ["--url", cluster.url], 4.0)
        assert ended.code is None
        assert ended.failed

    def test_the_service_does_all_at_its_start(self, cluster: OpenSearchCluster, tmp_path: Path) -> None:
        log = tmp_path / "log"
        environment = {**os.environ, "OPENSEARCH_URL": cluster.url}
        with log.open("wb") as out:
            service = subprocess.Popen(
                [sys.executable, "-m", "central", "routine"], stdout=out, stderr=out, env=environment
            )
        try:
            eventually(lambda: " tidy: " in log.read_text(), "the last job")
        finally:
            service.terminate()
            service.wait(10)
        text = log.read_text()
        assert text.startswith("every night at 07:30 (America/Sao_Paulo), and all of it now\n")
        assert [text.index(f" {name}: ") for name in ("relate", "audit", "learn", "tidy")] == sorted(
            text.index(f" {name}: ") for name in ("relate", "audit", "learn", "tidy")
        )


@pytest.mark.servers
def test_whoever_reads_only_the_beginning_gets_no_traceback(cluster: OpenSearchCluster) -> None:
    command = f"{sys.executable} -m central --url {cluster.url} tidy | true"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
