"""Every example of the guide that finds something else than calls, with what it means."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from compose.simulator import SimulatedRow, StoreProfile
from compose.stack import OpenSearchCluster
from shipper.assembly.builder import identify_call
from shipper.live.events import EventWriter
from shipper.live.judge import Kept
from tests.dashboards.documents import origin_of, privacy_of, send
from tests.dashboards.meant import digits, simulated_of
from tests.dashboards.states import EVENTS, Refused, StoreState
from tests.dashboards.world import World, in_utc

CALL_ID: Final = "b300f069d8c9c8e470318f7ceee0e8ff"
"""Stands in the guide for one that is there."""


class Row(NamedTuple):
    """A row.

    Attributes:
        key: `_id` of its call.
        row: As it is in the table.
        at: Its time in UTC, naive.
    """

    key: str
    row: SimulatedRow
    at: datetime

    @property
    def numbers(self) -> Iterator[str]:
        """Everything in it that can be dialled, digits only."""
        row = self.row
        return map(digits, (row.src, row.dst, row.did, row.cnum, row.outbound_cnum))


class Event(NamedTuple):
    """Something that a store's PBX said of itself."""

    store: StoreProfile
    kept: Kept


def rows_of(world: World, name: str) -> Iterator[Row]:
    """All rows of a world."""
    calls = simulated_of(world, name)
    for made in world.calls:
        call = calls[made.store.id, made.truth.linked_ids[0]]
        moments = in_utc(call, ZoneInfo(made.store.timezone)).rows
        for row, moment in zip(call.rows, moments, strict=True):
            yield Row(made.key, row, moment.calldate)


FROM_ADDRESS: Final = Kept(
    "login-failed", "warning", "Somebody tries.", "801", "account", address="203.0.113.5"
)


def tried(cluster: OpenSearchCluster, stores: Sequence[StoreProfile], at: datetime) -> None:
    """Let somebody outside try to log in at each store."""
    for one in stores:
        writer = EventWriter(origin_of(one), identify_call(one.id), privacy_of(one))
        send(cluster, writer.write("InvalidPassword", FROM_ADDRESS, at))
    cluster.request("POST", "/pabx-events-*/_refresh")


def events_of(stores: Sequence[StoreProfile]) -> list[Event]:
    """All that was said: `states.events`, and who tried."""
    return [Event(one, kept) for one in stores for kept in (*(kept for _, kept in EVENTS), FROM_ADDRESS)]


ROWS: Final[dict[str, Callable[[Row], bool]]] = {
    "99026-2837": lambda one: any(number.endswith("990262837") for number in one.numbers),
    'cdr.disposition:"NO ANSWER"': lambda one: one.row.disposition == "NO ANSWER",
    "cdr.lastapp:Queue": lambda one: one.row.lastapp == "Queue",
    "cdr.channel.text:2007": lambda one: "2007" in re.split(r"[^0-9A-Za-z]+", one.row.channel),
    r"cdr.channel:PJSIP\/2007\-*": lambda one: one.row.channel.startswith("PJSIP/2007-"),
}
SAID: Final[dict[str, Callable[[Event], bool]]] = {
    "event.action:registration-lost": lambda one: one.kept.action == "registration-lost",
    "pbx.object:oi": lambda one: one.kept.object == "oi",
    '"wrong password"': lambda one: "Wrong password" in one.kept.message,
    "log.level:(warning OR error)": lambda one: one.kept.level != "info",
    'event.action:login-failed AND source.ip:"203.0.113.0/24"': lambda one: one.kept is FROM_ADDRESS,
    r"event.action:*\-lost": lambda one: one.kept.action.endswith("-lost"),
}
PUT_ASIDE: Final[dict[str, Callable[[Refused], bool]]] = {
    "quarantine.path:cdr.duration": lambda one: one.path == "cdr.duration",
    "quarantine.stage:ingest": lambda one: one.stage == "ingest",
    '"must be 0 or more"': lambda one: one.rule == "minimum",
    "quarantine.rule:minimum AND store.name.text:manaus": lambda one: (
        one.rule == "minimum" and one.store.city == "Manaus"
    ),
}
AGENTS: Final[dict[str, Callable[[StoreState], bool]]] = {
    "store.lag_seconds:>600": lambda one: one.kind.lag_seconds > 600,
    "NOT store.checks.sending:ok": lambda one: one.last_seen is None or bool(one.kind.sending),
}


def identity(row: SimulatedRow) -> tuple[str, int]:
    """What no other row of a store has."""
    return row.uniqueid, row.sequence


def fields(shown: dict[str, Any], *names: str) -> tuple[Any, ...]:
    """The first value of each field of a document."""
    return tuple(shown["fields"][name][0] for name in names)
