"""Which worlds the panels are looked at in, and through which filters and periods."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from tests.assembly.costs import Outcome
from tests.dashboards.prices import Use, priced
from tests.dashboards.reckon import Selection
from tests.dashboards.relations import Callback, callbacks, simultaneous
from tests.dashboards.shown import Screens
from tests.dashboards.world import Made, World

WEEK, MONTH = 7, 28
CALL_BACK_SECONDS = 24 * 3600
"""Within which a missed call is to be called back."""


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


PERIODS = {
    "empty": ("2026-09-01", "2026-09-08"),
    "one": ("2026-08-31T03:00", "2026-09-07T03:00"),
    "twelve": ("2026-09-01T03:00", "2026-09-08T06:00"),
    "chain": ("2026-09-07T02:00", "2026-09-09T06:00"),
    "clocks": ("2026-03-01", "2026-11-30"),
}
CUT = {
    "one": ("2026-08-31T14:07:31", "2026-09-03T18:22:05"),
    "twelve": ("2026-09-02T13:00:01", "2026-09-05T15:30"),
    # From the middle of the hour before clocks go back to the middle of the one that they show again.
    "clocks": ("2026-04-05T02:30", "2026-04-05T03:40"),
}
CASES = (
    ("empty", "all"),
    ("one", "all"),
    ("one", "cut"),
    ("twelve", "all"),
    ("twelve", "store"),
    ("twelve", "two stores"),
    ("twelve", "cut"),
    ("chain", "all"),
    ("chain", "region"),
    ("chain", "city"),
    ("clocks", "all"),
    ("clocks", "cut"),
)


def selection_of(world: World, name: str, chosen: str) -> Selection:
    since, until = (CUT if chosen == "cut" else PERIODS)[name]
    whole = Selection(since=_at(since), until=_at(until))
    stores = [store.id for store in world.stores]
    return {
        "all": whole,
        "cut": whole,
        "store": replace(whole, stores=tuple(stores[:1])),
        "two stores": replace(whole, stores=tuple(stores[2:4])),
        "region": replace(whole, regions=("Sul",)),
        "city": replace(whole, cities=("Manaus",)),
    }[chosen]


@dataclass(frozen=True)
class Case:
    """A world looked at through filters and a period.

    Attributes:
        world: Which.
        selection: What is asked for.
        screens: The panels over it.
    """

    world: World
    selection: Selection
    screens: Screens

    @cached_property
    def calls(self) -> list[Made]:
        """The calls that are asked for."""
        return self.selection.of(self.world.calls)

    def before(self, days: int) -> list[Made]:
        """Those of the same period so many days before."""
        return self.selection.earlier(days).of(self.world.calls)

    @cached_property
    def costs(self) -> Mapping[str, Outcome]:
        """What each call costs, by its key."""
        return priced(self.world)[0]

    @cached_property
    def callbacks(self) -> Mapping[str, Callback]:
        """What became of each missed call, by its key."""
        return callbacks(self.world.calls, CALL_BACK_SECONDS, int(datetime.now(UTC).timestamp()))

    @cached_property
    def at_once(self) -> Mapping[str, int]:
        """How many calls there were on a call's trunk when it began, by its key."""
        return simultaneous(self.world.calls)

    @cached_property
    def uses(self) -> Mapping[str, Use]:
        """Which bundle paid for a call, by its key."""
        return priced(self.world)[1]
