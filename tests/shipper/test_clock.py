"""The store's clock against `zoneinfo` itself: every hour of a year, and the hours that clocks repeat."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shipper.document.clock import StoreClock, created_at

# Brazil's four zones, some that change their clocks (one by half an hour), and odd offsets.
ZONES = [
    "America/Sao_Paulo",
    "America/Manaus",
    "America/Rio_Branco",
    "America/Noronha",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "UTC",
]


@cache
def clock(zone: str) -> StoreClock:
    return StoreClock(zone)


@cache
def repeated(zone: str, year: int) -> tuple[int, ...]:
    """Seconds since 1970 of each quarter of an hour that a wall clock shows twice, both times."""
    begin = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    shown: dict[str, list[int]] = {}
    for epoch in range(begin, begin + 366 * 86400, 900):
        shown.setdefault(wall(zone, epoch), []).append(epoch)
    return tuple(epoch for both in shown.values() if len(both) > 1 for epoch in both)


def wall(zone: str, epoch: int) -> str:
    return datetime.fromtimestamp(epoch, ZoneInfo(zone)).isoformat(" ", "seconds")[:19]


@pytest.mark.parametrize(("zone", "year"), [(zone, 2026) for zone in ZONES] + [("America/Sao_Paulo", 2018)])
def test_every_hour_of_a_year(zone: str, year: int) -> None:  # Brazil had summer time until 2019
    """Each moment, written down as Asterisk does, is found again, in the repeated hours too."""
    begin = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    zone_info = ZoneInfo(zone)
    found = clock(zone)
    for epoch in range(begin, begin + 366 * 86400, 3600):
        for inside in (0, 3599):
            at = datetime.fromtimestamp(epoch + inside, zone_info)
            moment = found.moment(at.isoformat(" ", "seconds")[:19], f"{epoch + inside}.1")
            assert moment == (epoch + inside, at.date().isoformat(), at.hour, at.isoweekday())


@given(st.sampled_from(ZONES), st.integers(631152000 + 86400, 4102444800 - 2 * 86400))
@example("America/Sao_Paulo", 1540695600)
def test_any_moment(zone: str, epoch: int) -> None:
    moment = clock(zone).moment(wall(zone, epoch), f"pbx-sp-{epoch}.17")
    assert moment is not None
    assert moment.epoch == epoch
    at = datetime.fromtimestamp(epoch, UTC)
    assert clock(zone).iso(epoch) == at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("zone", "year"), [("Europe/Berlin", 2026), ("Australia/Lord_Howe", 2026), ("America/Sao_Paulo", 2018)]
)
def test_the_repeated_time_is_told_apart_by_the_uniqueid(zone: str, year: int) -> None:
    twice = repeated(zone, year)
    assert len(twice) == (4 if zone == "Australia/Lord_Howe" else 8)
    for epoch in twice:
        for after in (0, 4):  # the leg begins some seconds after its channel
            moment = clock(zone).moment(wall(zone, epoch), f"{epoch - after}.1")
            assert moment is not None
            assert moment.epoch == epoch


@pytest.mark.parametrize("uniqueid", ["", "x", "17.1", "1.1"])
def test_without_a_uniqueid_the_repeated_hour_is_the_first(uniqueid: str) -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    moment = clock("Europe/Berlin").moment("2026-10-25 02:30:00", uniqueid)
    assert moment is not None
    assert moment.epoch == first.timestamp()


def test_an_hour_that_never_was_is_as_zoneinfo_has_it() -> None:
    """A clock that was set by hand may show it."""
    expected = datetime(2026, 3, 29, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    moment = clock("Europe/Berlin").moment("2026-03-29 02:30:00", "")
    assert moment is not None
    assert moment.epoch == expected


def test_the_cache_of_hours_is_bounded() -> None:
    found = StoreClock("America/Sao_Paulo")
    for hours in range(10_000):
        at = datetime(2020, 1, 1) + timedelta(hours=hours)  # noqa: DTZ001  # a wall clock
        moment = found.moment(at.isoformat(" "), "")
        assert moment is not None
        found.iso(moment.epoch)
    assert len(found._hours) <= 4096
    assert len(found._prefixes) <= 4096


@pytest.mark.parametrize(
    "calldate",
    [
        "",
        "0000-00-00 00:00:00",
        "1000-01-01 00:00:00",
        "1989-12-31 23:59:59",
        "2100-01-01 00:00:00",
        "9999-12-31 23:59:59",
        "2026-02-29 10:00:00",
        "2026-11-23 24:00:00",
        "2026-11-23",
        "2026-11-23 1x:00:00",
    ],
)
def test_no_usable_time(calldate: str) -> None:
    assert clock("America/Sao_Paulo").moment(calldate, "1795421407.7") is None


@pytest.mark.parametrize(
    ("uniqueid", "created"),
    [
        ("1795421407.7", 1795421407),
        ("pbx-1795421407.7", 1795421407),
        ("loja-sao-paulo-1795421407.123456", 1795421407),
        ("999999999.0", 999999999),
        ("0000000000.1", None),
        ("1795421407000.7", None),
        ("", None),
        (".7", None),
        ("١٧٩٥٤٢١٤٠٧.7", None),
    ],
)
def test_created_at(uniqueid: str, created: int | None) -> None:
    assert created_at(uniqueid) == created
