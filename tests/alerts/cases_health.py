"""Cases of a store's agent and machine: clock, identity, delivery, disk, trunks."""

from typing import Any

from tests.alerts.bodies import GIB
from tests.alerts.build import LIMITS, of_store
from tests.alerts.scene import Ago, Case

FRESH = 300
OFFSET = int(LIMITS["clock_wrong"]["seconds"])
BEATS = int(LIMITS["two_agents"]["seconds"])
LAG = int(LIMITS["falling_behind"]["seconds"])
SPOOL = 512 * 1024**2


def _disk() -> tuple[Case, ...]:
    share, least = LIMITS["disk_filling"]["share"], int(LIMITS["disk_filling"]["gigabytes"] * GIB)
    # Of which the share is ten times, or half, of what has to be left in any case.
    large, small = round(10 * least / share), round(least / 2 / share)
    page = 4096
    return (
        of_store(
            "disk_filling",
            "a share of it",
            {"disk_bytes": large, "disk_free_bytes": 10 * least - page},
            {
                "a little more": {"disk_free_bytes": 10 * least + page},
                "its size is not known": {"disk_bytes": None},
                "its size is nought": {"disk_bytes": 0},
            },
        ),
        of_store(
            "disk_filling",
            "gigabytes of a small one",
            {"disk_bytes": small, "disk_free_bytes": least - 1},
            {"one byte more": {"disk_free_bytes": least}},
        ),
    )


def _spool() -> tuple[Case, ...]:
    used = round(LIMITS["spool_filling"]["share"] * SPOOL)
    return (
        of_store(
            "spool_filling",
            "its share",
            {"spool_limit_bytes": SPOOL, "spool_bytes": used, "spool_documents": 90_000},
            {
                "one byte less": {"spool_bytes": used - 1},
                "its limit is not known": {"spool_limit_bytes": None},
                "its limit is nought": {"spool_limit_bytes": 0},
            },
        ),
    )


def _trunks() -> tuple[Case, ...]:
    share = LIMITS["trunk_saturated"]["share"]
    full: dict[str, Any] = {"watch": {"trunk_load": share, "at": Ago(FRESH)}}
    return (
        of_store(
            "trunk_down",
            "one of two",
            {"trunks_down": ["oi"], "trunks": ["vivo", "oi"]},
            {
                "none of them": {"trunks_down": None},
                "all of them": {"trunks_down": ["oi", "vivo"], "trunks_up": None, "trunks_down_seconds": 1},
                "Asterisk is not heard": {"ami_wrong_seconds": 1},
            },
        ),
        of_store(
            "trunk_saturated",
            "its share",
            full,
            {
                "a hundredth less": {"watch": {"trunk_load": round(share - 0.01, 2)}},
                "measured a second earlier": {"watch": {"at": Ago(FRESH + 1)}},
                "its channels are not known": {"watch": {"trunk": None, "trunk_load": None}},
            },
        ),
    )


def _agents() -> tuple[Case, ...]:
    two = {"beats": {"s3": Ago(BEATS), "s6": Ago(BEATS)}}
    return (
        of_store(
            "two_agents",
            "two slots at once",
            two,
            {
                "one a second earlier": {"beats": {"s6": Ago(BEATS + 1)}},
                "one alone": {"beats": {"s6": None}},
                "its slot is new": {"beats_settled": False},
                "nothing is said of its slot": {"beats_settled": None},
            },
            closes={"one was stopped": {"beats": {"s3": Ago(5), "s6": Ago(BEATS + 30)}}},
        ),
        of_store(
            "two_agents",
            "the first and the last slot",
            {"beats": {"s0": Ago(1), "s3": None, "s7": Ago(2)}},
            {},
        ),
    )


CASES: tuple[Case, ...] = (
    *_agents(),
    of_store(
        "clock_wrong",
        "ahead",
        {"clock_offset_seconds": OFFSET},
        {"a second less": {"clock_offset_seconds": OFFSET - 1}, "not known": {"clock_offset_seconds": None}},
    ),
    of_store(
        "clock_wrong",
        "behind",
        {"clock_offset_seconds": -OFFSET},
        {"a second less": {"clock_offset_seconds": 1 - OFFSET}},
    ),
    of_store(
        "falling_behind",
        "its oldest document",
        {"lag_seconds": LAG, "spool_documents": 300},
        {"a second less": {"lag_seconds": LAG - 1}},
    ),
    *_spool(),
    *_disk(),
    *_trunks(),
    of_store(
        "refused",
        "one document",
        {"refused_documents": 1},
        {"none": {"refused_documents": 0}, "not known": {"refused_documents": None}},
    ),
)
