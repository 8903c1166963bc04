"""What the watch works out of one store's document, and of all of them together; pure."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from central.alerts.measures import Measured, group, measure, stamp
from central.alerts.states import status_of
from central.usual.expectation import expectation_of

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
# Six calls in each opening hour of a week, Monday 00:00 first.
OPEN_HOURS = [6.0 if day < 5 and 9 <= hour < 18 else 0.0 for day in range(7) for hour in range(24)]
STORE: dict[str, Any] = {
    "id": "Loja001",
    "timezone": "America/Sao_Paulo",
    "opening_hours": ["Mon-Fri 09:00-18:00"],
    "holidays": "BR-SP",
    "registered_at": "2026-01-05T12:00:00Z",
    "usual": {"calls": OPEN_HOURS, "days": 90, "limit": 11.2},
}


def at(text: str) -> float:
    """A moment by the store's clock; 2026-11-23 is a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=SAO_PAULO).timestamp()


def measured(
    now: str, loads: dict[str, int] | None = None, days: dict[str, int] | None = None, **fields: Any
) -> Measured:
    """The store at a moment; moments of its document are by its clock too."""
    said = {**STORE, **{key: _moment(value) for key, value in fields.items()}}
    return measure("Loja001", said, expectation_of(said), loads or {}, days or {}, at(now))


def _moment(value: Any) -> Any:
    return stamp(at(value)) if isinstance(value, str) and "T" in value else value


def watch(now: str, **fields: Any) -> dict[str, Any]:
    return measured(now, **fields).watch


@pytest.mark.parametrize(
    ("seen", "now", "seconds"),
    [
        ("2026-11-23T13:59:01", "2026-11-23T14:00:00", 0),  # 59 s: heard
        ("2026-11-23T13:59:00", "2026-11-23T14:00:00", 60),
        ("2026-11-23T13:50:00", "2026-11-23T14:00:00", 600),
        ("2026-11-23T17:55:00", "2026-11-23T23:00:00", 300),
        ("2026-11-23T17:55:00", "2026-11-24T08:59:59", 300),  # a night does not count
        ("2026-11-23T17:55:00", "2026-11-24T09:15:00", 300),  # nor does the beginning of the day
        ("2026-11-23T17:55:00", "2026-11-24T09:16:00", 360),
        ("2026-11-23T18:30:00", "2026-11-24T09:14:00", 0),  # off overnight
        ("2026-11-23T18:30:00", "2026-11-24T09:17:00", 120),
        ("2026-11-24T08:59:00", "2026-11-24T09:14:00", 0),  # off as the store opened
        ("2026-11-24T09:00:00", "2026-11-24T09:14:00", 840),  # heard in this opening
        ("2026-11-27T17:50:00", "2026-11-30T08:00:00", 600),  # a weekend
        ("2026-12-24T17:50:00", "2026-12-25T15:00:00", 600),  # Christmas, a Friday
        ("2026-11-23T17:50:00", "2026-11-25T09:20:00", 600 + 9 * 3600 - 900 + 300),  # two mornings
        ("2026-11-23T14:30:00", "2026-11-23T14:00:00", 0),  # heard by a clock that was put back
    ],
)
def test_silence_is_opening_time_without_a_heartbeat(seen: str, now: str, seconds: int) -> None:
    found = measured(now, last_seen=seen)
    assert found.watch["silent_open_seconds"] == seconds
    assert found.silent is (seconds > 0)


def test_heard_silent_and_neither() -> None:
    now = "2026-11-23T14:00:00"
    heard, silent, never = (
        measured(now, last_seen=seen) for seen in ("2026-11-23T13:59:30", "2026-11-23T13:00:00", None)
    )
    assert [(one.heard, one.silent) for one in (heard, silent, never)] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    assert "seen_local" not in heard.watch  # kept while it is heard: it tells of the silence before
    assert silent.watch["seen_local"] == "2026-11-23 13:00"
    at_night = measured("2026-11-23T22:00:00", last_seen="2026-11-23T21:00:00")
    assert (at_night.heard, at_night.silent) == (False, False)


@pytest.mark.parametrize(
    ("now", "is_open", "begin", "end"),
    [
        ("2026-11-23T08:59:59", False, "2026-11-23T12:00:00Z", "2026-11-23T21:00:00Z"),
        ("2026-11-23T09:00:00", True, "2026-11-23T12:00:00Z", "2026-11-23T21:00:00Z"),
        ("2026-11-23T17:59:59", True, "2026-11-23T12:00:00Z", "2026-11-23T21:00:00Z"),
        ("2026-11-23T18:00:00", False, "2026-11-24T12:00:00Z", "2026-11-24T21:00:00Z"),
        ("2026-11-28T12:00:00", False, "2026-11-30T12:00:00Z", "2026-11-30T21:00:00Z"),
        ("2026-12-25T12:00:00", False, "2026-12-28T12:00:00Z", "2026-12-28T21:00:00Z"),
    ],
)
def test_the_opening_that_goes_on_or_the_next_one(now: str, is_open: bool, begin: str, end: str) -> None:
    found = watch(now)
    assert (found["open"], found["open_from"], found["open_until"]) == (is_open, begin, end)


def test_an_exception_goes_before_hours_and_holiday() -> None:
    closed = watch("2026-11-23T14:00:00", opening_exceptions=["2026-11-23 closed"])
    assert (closed["open"], closed["open_from"]) == (False, "2026-11-24T12:00:00Z")
    open_ = watch("2026-12-25T11:00:00", opening_exceptions=["2026-12-25 10:00-12:00"])
    assert (open_["open"], open_["open_until"]) == (True, "2026-12-25T15:00:00Z")


def test_a_store_without_hours_and_history_counts_as_open_and_expects_nothing() -> None:
    bare = {"timezone": "America/Sao_Paulo", "last_seen": stamp(at("2026-11-28T02:00:00"))}
    found = measure("Loja001", bare, expectation_of(bare), {}, {}, at("2026-11-28T03:00:00")).watch
    assert (found["open"], found["silent_open_seconds"], found["expected_calls"]) == (True, 3600, 0.0)
    assert found["usual_calls"] is None


def test_a_store_that_is_closed_for_good_is_neither_silent_nor_watched() -> None:
    before = measured("2026-11-23T14:00:00", last_seen="2026-11-23T13:00:00", closed_from="2026-11-24")
    after = measured("2026-11-24T14:00:00", last_seen="2026-11-23T13:00:00", closed_from="2026-11-24")
    assert (before.watch["closed"], before.silent, before.is_watched) == (False, True, True)
    assert (after.watch["closed"], after.silent, after.is_watched) == (True, False, False)


@pytest.mark.parametrize(
    ("fields", "is_watched"),
    [({}, True), ({"registered_at": None}, False), ({"revoked_at": "2026-11-20T12:00:00"}, False)],
)
def test_a_store_outside_the_register_is_not_watched(fields: dict[str, Any], is_watched: bool) -> None:
    assert measured("2026-11-23T14:00:00", **fields).is_watched is is_watched


CALM = {"last_call": "2026-11-23T13:00:00"}


@pytest.mark.parametrize(
    ("now", "fields", "calls"),
    [
        ("2026-11-23T14:00:00", CALM, 6.0),
        ("2026-11-23T13:10:00", CALM, 1.0),
        ("2026-11-24T09:30:00", {"last_call": "2026-11-23T17:30:00"}, 6.0),  # a night expects nothing
        ("2026-11-30T10:00:00", {"last_call": "2026-11-27T17:00:00"}, 12.0),  # nor does a weekend
        ("2026-12-28T09:30:00", {"last_call": "2026-12-24T17:30:00"}, 6.0),  # nor does Christmas
        ("2026-11-23T14:00:00", {**CALM, "last_row": "2026-11-23T13:30:00"}, 3.0),
        ("2026-11-23T14:00:00", {**CALM, "pbx_started": "2026-11-23T13:40:00"}, 2.0),
        ("2026-11-23T14:00:00", {**CALM, "machine_started": "2026-11-23T13:40:00"}, 2.0),
        ("2026-11-23T14:00:00", {**CALM, "machine_started": "2026-11-20T13:40:00"}, 6.0),
        # Switched on for the day: it was off while no call could come.
        (
            "2026-11-23T14:00:00",
            {"last_call": "2026-11-19T17:00:00", "machine_started": "2026-11-23T08:50:00"},
            36.0,
        ),
        (
            "2026-11-23T14:00:00",
            {"last_call": "2026-11-19T17:00:00", "machine_started": "2026-11-23T09:14:00"},
            36.0,
        ),
        (
            "2026-11-23T14:00:00",
            {"last_call": "2026-11-19T17:00:00", "machine_started": "2026-11-23T10:00:00"},
            24.0,
        ),
        ("2026-11-23T14:00:00", {**CALM, "reading_wrong_seconds": 60}, 0.0),
        ("2026-11-23T14:00:00", {**CALM, "ami_wrong_seconds": 60}, 0.0),
        ("2026-11-23T14:00:00", {**CALM, "trunks_down_seconds": 60}, 0.0),
        ("2026-11-23T14:00:00", {**CALM, "extensions_gone_seconds": 60}, 0.0),
        ("2026-11-23T14:00:00", {**CALM, "reading_wrong_seconds": 59, "ami_wrong_seconds": 0}, 6.0),
        ("2026-11-23T14:00:00", {**CALM, "watch": {"complete_from": "2026-11-23T16:50:00Z"}}, 1.0),
        # Its clock is an hour ahead, an hour behind, or about right.
        ("2026-11-23T14:00:00", {"last_call": "2026-11-23T14:00:00", "clock_offset_seconds": 3600}, 6.0),
        ("2026-11-23T14:00:00", {"last_call": "2026-11-23T12:00:00", "clock_offset_seconds": -3600}, 6.0),
        ("2026-11-23T14:00:00", {"last_call": "2026-11-23T13:59:55", "clock_offset_seconds": 5}, 0.01),
        ("2026-11-23T14:00:00", {"last_call": "2026-11-23T15:00:00"}, 0.0),  # still to come
        ("2026-11-23T14:00:00", {"registered_at": "2026-11-23T10:00:00"}, 24.0),  # never had a call
    ],
)
def test_expected_calls_since_the_last_one(now: str, fields: dict[str, Any], calls: float) -> None:
    assert watch(now, **fields)["expected_calls"] == calls


def test_a_new_store_expects_twelve_calls_in_sixteen_opening_hours() -> None:
    new = {"registered_at": "2026-11-23T09:00:00", "usual": {"calls": [], "days": 0}}
    assert watch("2026-11-23T17:00:00", **new)["expected_calls"] == 6.0
    assert watch("2026-11-24T16:00:00", **new)["expected_calls"] == 12.0


def test_what_trouble_has_hidden_stays_hidden() -> None:
    troubled = watch("2026-11-23T13:30:00", **CALM, reading_wrong_seconds=1800)
    assert troubled["complete_from"] == "2026-11-23T16:30:00Z"
    later = watch("2026-11-23T14:00:00", **CALM, reading_wrong_seconds=0, watch=troubled)
    assert later["complete_from"] == "2026-11-23T16:30:00Z"
    assert later["expected_calls"] == 3.0
    assert watch("2026-11-23T14:00:00", **CALM)["complete_from"] is None


def test_this_hours_usual_calls_and_the_last_call_by_the_stores_clock() -> None:
    found = watch("2026-11-23T14:20:00", **CALM)
    assert (found["hour"], found["usual_calls"], found["call_local"]) == (14, 6.0, "2026-11-23 13:00")
    assert watch("2026-11-23T20:20:00", **CALM)["usual_calls"] == 0.0
    assert "call_local" not in watch("2026-11-23T14:20:00")


@pytest.mark.parametrize(
    ("channels", "loads", "trunk", "load"),
    [
        (["vivo=10"], {}, "vivo", 0.0),
        (["vivo=10", "oi=2"], {"vivo": 5, "oi": 2}, "oi", 1.0),
        (["vivo=10", "oi=10"], {"vivo": 9, "claro": 40}, "vivo", 0.9),
        (["a=b=4"], {"a=b": 3}, "a=b", 0.75),
        (["vivo=3"], {"vivo": 4}, "vivo", 1.33),  # the register is wrong
        (["vivo=0", "oi"], {"vivo": 4, "oi": 1}, None, None),
        ([], {"vivo": 4}, None, None),
    ],
)
def test_the_trunk_that_is_closest_to_its_limit(
    channels: list[str], loads: dict[str, int], trunk: str | None, load: float | None
) -> None:
    found = measured("2026-11-23T14:00:00", loads, trunk_channels=channels).watch
    assert (found["trunk"], found["trunk_load"]) == (trunk, load)


NOW = at("2026-11-23T14:00:00")


def of(name: str, region: str | None = "Sul", *, silent: bool = False, **fields: Any) -> Measured:
    store = {"registered_at": "2026-01-05T12:00:00Z", "region": region, **fields}
    return Measured(name, store, {}, silent=silent, heard=not silent)


def groups(*stores: Measured) -> list[str | None]:
    group(stores, NOW)
    until = {one.watch["group_until"] for one in stores if one.watch.get("group")}
    assert until <= {"2026-11-23T17:04:00Z", "2026-11-23T17:00:01Z"}
    return [one.watch.get("group") for one in stores]


def test_most_of_all_stores_are_silent_together() -> None:
    silent = [of(f"s{n}", f"r{n}", silent=True) for n in range(3)]
    heard = [of(f"h{n}", f"q{n}") for n in range(3)]
    assert groups(*silent, *heard[:2]) == ["chain"] * 3 + [None] * 2
    assert groups(*silent, *heard) == [None] * 6  # half of them
    assert groups(*silent[:2]) == [None] * 2  # all, but two


def test_most_of_a_region_is_silent_together() -> None:
    south = [of(f"s{n}", silent=True) for n in range(3)]
    north = [of(f"n{n}", "Norte") for n in range(9)]
    assert groups(*south, of("s3"), of("s4"), *north) == ["region"] * 3 + [None] * 11
    assert groups(*south, of("s3"), of("s4"), of("s5"), *north) == [None] * 15
    two = [of(f"t{n}", "Leste", silent=True) for n in range(2)]
    assert groups(*two, *north) == [None] * 11  # a region of two
    nowhere = [of(f"x{n}", None, silent=True) for n in range(3)]
    assert groups(*nowhere, *north)[:3] == [None] * 3  # stores without a region are in none together


def test_a_store_whose_own_alert_began_earlier_keeps_it() -> None:
    def with_alert(since: str, **watch_: Any) -> Measured:
        status: dict[str, Any] = {"status": "agent_silent", "status_since": since, "watch": watch_}
        return of("own", silent=True, **status)

    others = [of(f"s{n}", silent=True) for n in range(3)]
    assert groups(with_alert("2026-11-23T16:49:59Z"), *others) == [None, "chain", "chain", "chain"]
    assert groups(with_alert("2026-11-23T16:50:00Z"), *others)[0] == "chain"  # about as long as they
    assert groups(with_alert("2026-11-23T12:00:00Z", group="region"), *others)[0] == "chain"
    assert (
        groups(of("own", silent=True, status="ok", status_since="2026-11-23T12:00:00Z"), *others)[0]
        == "chain"
    )


def test_while_the_others_come_back_those_that_are_not_yet_have_four_minutes() -> None:
    def stores(until: str) -> list[Measured]:
        fields: dict[str, Any] = {
            "watch": {"group": "chain", "group_until": until},
            "status": "agent_silent",
            "status_since": "2026-11-23T16:00:00Z",
        }
        return [of(f"s{n}", silent=n < 2, **fields) for n in range(8)]

    waiting = stores("2026-11-23T17:00:01Z")
    assert groups(*waiting) == ["chain"] * 2 + [None] * 6
    assert waiting[0].watch["group_until"] == "2026-11-23T17:00:01Z"  # not put off
    over = stores("2026-11-23T17:00:00Z")
    assert groups(*over) == [None] * 8
    assert [one.watch["group_until"] for one in over] == [None] * 8


def test_a_region_that_is_not_back_yet_is_told_of_once_the_chains_silence_is_over() -> None:
    def stores(until: str) -> list[Measured]:
        fields: dict[str, Any] = {"watch": {"group": "chain", "group_until": until}}
        south = [of(f"s{n}", silent=True, **fields) for n in range(4)]
        return [*south, *(of(f"n{n}", "Norte") for n in range(4))]

    assert groups(*stores("2026-11-23T17:00:01Z"))[:4] == ["chain"] * 4
    assert groups(*stores("2026-11-23T17:00:00Z"))[:4] == ["region"] * 4


def test_whoever_is_not_watched_counts_neither_way() -> None:
    silent = [of(f"s{n}", silent=True) for n in range(3)]
    gone = [of("g", silent=True, revoked_at="2026-11-20T12:00:00Z"), of("u", silent=True, registered_at=None)]
    assert groups(*silent[:2], *gone) == [None] * 4
    at_night = [Measured(f"c{n}", {"registered_at": "2026-01-05T12:00:00Z"}) for n in range(9)]
    assert groups(*silent, *at_night) == ["chain"] * 3 + [None] * 9  # who is closed is not waited for


@pytest.mark.parametrize(
    ("fields", "group_", "findings", "status"),
    [
        ({}, None, set(), "never_seen"),
        ({}, None, {"never_seen"}, "never_seen"),
        ({"last_seen": "x"}, None, set(), "ok"),
        ({"last_seen": "x"}, None, {"clock_wrong", "abroad"}, "ok"),
        ({"last_seen": "x"}, None, {"idle", "clock_wrong"}, "idle"),
        ({"last_seen": "x"}, None, {"pbx_silent", "idle"}, "pbx_silent"),
        ({"last_seen": "x"}, None, {"agent_silent", "pbx_silent"}, "agent_silent"),
        ({"last_seen": "x"}, "chain", set(), "agent_silent"),
        ({"last_seen": "x"}, "region", set(), "agent_silent"),
    ],
)
def test_a_stores_status(fields: dict[str, Any], group_: str | None, findings: set[str], status: str) -> None:
    assert status_of(Measured("Loja001", fields, {"group": group_}), findings) == status


@pytest.mark.parametrize(
    ("of_day", "calls"),
    [
        ({}, 6.0),  # not known: as usual
        ({"2026-11-23": 24}, 6.0),  # 24 were usual until 13:00
        ({"2026-11-23": 60}, 6.0),  # a rush: no more than usual
        ({"2026-11-22": 2}, 6.0),
    ],
)
def test_a_day_as_usual_expects_as_usual(of_day: dict[str, int], calls: float) -> None:
    assert measured("2026-11-23T14:00:00", days=of_day, **CALM).watch["expected_calls"] == calls


def test_a_day_with_far_fewer_calls_expects_fewer() -> None:
    rain = measured("2026-11-23T14:00:00", days={"2026-11-23": 4}, **CALM).watch["expected_calls"]
    assert 1.0 < rain < 6.0
    # That is of this day alone.
    over_night = measured("2026-11-24T10:00:00", days={"2026-11-23": 4}, **CALM).watch["expected_calls"]
    assert over_night == pytest.approx(rain * 5 + 6, abs=0.05)
