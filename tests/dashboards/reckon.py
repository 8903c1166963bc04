"""The figures of the screens once more, from the truth: no document is read, no code of the product is used.

A document says seconds only where rows tell them, so sums are over those that have them (`Made.seconds`).
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from tests.assembly.costs import Charged, Outcome
from tests.dashboards.world import Made

Key = TypeVar("Key", bound=Hashable)
Name = Callable[[Made], str]


@dataclass(frozen=True)
class Selection:
    """Which calls a screen is asked for; what is empty or None narrows nothing.

    Attributes:
        stores: Ids.
        regions: Names.
        cities: Names.
        since: First moment, aware; by the call's beginning, as with all others.
        until: The first moment that is too late.
    """

    stores: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def of(self, calls: Iterable[Made]) -> list[Made]:
        """Give those of some calls that it means."""
        return [call for call in calls if self._holds(call)]

    def earlier(self, days: int) -> "Selection":
        """Give the same so many days of 24 hours before: it is UTC that is shifted, whatever clocks did."""
        assert self.since is not None
        assert self.until is not None
        back = timedelta(days=days)
        return replace(self, since=self.since - back, until=self.until - back)

    def _holds(self, call: Made) -> bool:
        store = call.store
        return (
            (not self.stores or store.id in self.stores)
            and (not self.regions or store.region in self.regions)
            and (not self.cities or store.city in self.cities)
            and (self.since is None or self.since <= call.at)
            and (self.until is None or call.at < self.until)
        )


@dataclass(frozen=True)
class Sums:
    """What some calls add up to.

    Attributes:
        calls: How many.
        inbound: Of them from outside.
        outbound: To the outside.
        internal: Within the store.
        answered: By a person, in whatever direction.
        answered_inbound: Of the inbound ones.
        missed: Inbound, nobody answered, not blocked.
        talk_seconds: Of those that tell them; None: none does.
        told: How many tell them.
        billable_seconds: On the way out.
    """

    calls: int
    inbound: int
    outbound: int
    internal: int
    answered: int
    answered_inbound: int
    missed: int
    talk_seconds: int | None
    told: int
    billable_seconds: int

    @property
    def missed_share(self) -> Fraction | None:
        """Of the inbound calls; None without any."""
        return Fraction(self.missed, self.inbound) if self.inbound else None


def sums(calls: Sequence[Made]) -> Sums:
    """Add calls up."""
    by_direction = {name: [c for c in calls if c.truth.direction == name] for name in DIRECTIONS}
    talk = [call.seconds.talk for call in calls if call.seconds.talk is not None]
    return Sums(
        calls=len(calls),
        inbound=len(by_direction["inbound"]),
        outbound=len(by_direction["outbound"]),
        internal=len(by_direction["internal"]),
        answered=sum(call.truth.outcome == "answered" for call in calls),
        answered_inbound=sum(call.truth.outcome == "answered" for call in by_direction["inbound"]),
        missed=sum(call.truth.missed for call in calls),
        talk_seconds=sum(talk) if talk else None,
        told=len(talk),
        billable_seconds=sum(call.truth.billable_seconds for call in calls),
    )


DIRECTIONS = ("inbound", "outbound", "internal")


def grouped(calls: Iterable[Made], key: Callable[[Made], Key | None]) -> dict[Key, list[Made]]:
    """Put calls together that share something; those of which it gives None or nothing are left out."""
    found: dict[Key, list[Made]] = defaultdict(list)
    for call in calls:
        name = key(call)
        if name is not None and name != "":
            found[name].append(call)
    return dict(found)


def day(call: Made) -> str:
    """Day on the store's clock, which is naive in the truth too."""
    return f"{call.truth.start:%Y-%m-%d}"


def weekday_hour(call: Made) -> tuple[int, int]:
    """1 is Monday; the hour that a clock shows twice is one."""
    return call.truth.start.isoweekday(), call.truth.start.hour


def hour(call: Made) -> int:
    return call.truth.start.hour


def store(call: Made) -> str:
    return call.store.id


def region(call: Made) -> str:
    return call.store.region


def city(call: Made) -> str:
    return call.store.city


def direction(call: Made) -> str:
    return call.truth.direction


def outcome(call: Made) -> str:
    return call.truth.outcome


def category(call: Made) -> str:
    return call.truth.category


def trunk(call: Made) -> str:
    return call.truth.trunk


def did(call: Made) -> str:
    return call.truth.did


def queue(call: Made) -> str:
    return call.truth.queue


def group(call: Made) -> str:
    return call.truth.group


def paying_trunk(call: Made) -> str | None:
    """The way out that is billed: of a call that came in and went out again, that of going out."""
    return call.owed.trunk if call.owed else None


def paying_category(call: Made) -> str | None:
    return call.owed.category if call.owed else None


def answered_by(calls: Iterable[Made]) -> dict[tuple[str, str], list[Made]]:
    """Calls by who answered them, (store, extension or outside number); one whom two answered is of both."""
    found: dict[tuple[str, str], list[Made]] = defaultdict(list)
    for call in calls:
        for who in set(call.truth.answered_by):
            found[call.store.id, who].append(call)
    return dict(found)


@dataclass(frozen=True)
class Costs:
    """What some calls cost.

    Attributes:
        amount: Of the rated ones; None: none is.
        rated: How many have a price.
        unrated: How many have billable seconds and no price.
        unrated_seconds: Billable seconds of those.
        by_bundle: Seconds that bundles pay.
    """

    amount: Decimal | None
    rated: int
    unrated: int
    unrated_seconds: int
    by_bundle: int


def costs(calls: Sequence[Made], priced: Mapping[str, Outcome]) -> Costs:
    """Add up what calls cost.

    Args:
        calls: Some.
        priced: What each costs, by its key: `tests.dashboards.prices.priced`.
    """
    charged = [found for call in calls if isinstance(found := priced[call.key], Charged)]
    without = [call for call in calls if call.owed and not isinstance(priced[call.key], Charged)]
    return Costs(
        amount=sum((one.amount for one in charged), Decimal(0)) if charged else None,
        rated=len(charged),
        unrated=len(without),
        unrated_seconds=sum(call.truth.billable_seconds for call in without),
        by_bundle=sum(one.paid for one in charged),
    )
