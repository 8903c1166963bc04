"""What happens to a store in the simulated year: labelled incidents, and days that are odd but healthy."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from tests.year.stores import Store

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR

# What an incident does: the share of outside and of internal calls that remain, what the agent says.
AGENT_OFF: Final = "agent off"
PBX_OFF: Final = "PBX off"
TRUNK_DOWN: Final = "trunk down, and says so"
TRUNK_DEAD: Final = "trunk dead without a sign, no call at all"
TRUNK_DEAF: Final = "trunk dead without a sign, internal calls go on"
SILENT: Final = "no calls although all looks well"
DECLINE: Final = "slow decline to 20 %"
FIRE_DRILL: Final = "fire drill, 90 minutes"
MOVE_PLANNED: Final = "move, in the register"
MOVE: Final = "move, not in the register"
CLOSED: Final = "closed for good, registered a week later"

KINDS: Final = (
    AGENT_OFF,
    PBX_OFF,
    TRUNK_DOWN,
    TRUNK_DEAD,
    TRUNK_DEAF,
    SILENT,
    DECLINE,
    FIRE_DRILL,
    MOVE_PLANNED,
    MOVE,
    CLOSED,
)
OFF: Final = frozenset({AGENT_OFF, MOVE, MOVE_PLANNED, CLOSED})
"""The agent is not heard."""
TROUBLED: Final = frozenset({PBX_OFF, TRUNK_DOWN})
"""The heartbeat says what is the matter."""
DUMB: Final = frozenset({TRUNK_DEAD, SILENT, FIRE_DRILL})
"""No call, and nothing that says why: what idle is there for."""
NO_CALLS: Final = frozenset({PBX_OFF, TRUNK_DEAD, SILENT, FIRE_DRILL, MOVE, MOVE_PLANNED, CLOSED})

DECLINE_DAYS: Final = 70
_A_YEAR: Final = {
    AGENT_OFF: 2.5,
    PBX_OFF: 2.0,
    TRUNK_DOWN: 1.5,
    TRUNK_DEAD: 0.8,
    TRUNK_DEAF: 0.5,
    SILENT: 2.0,
    FIRE_DRILL: 0.8,
    MOVE_PLANNED: 0.25,
    MOVE: 0.25,
}
SLOW: Final = 6  # calls a day: of fewer, silence of some days says nothing
_APART: Final = 6  # days
_SHARE_DECLINING, _SHARE_CLOSING = 0.15, 0.05


@dataclass(frozen=True)
class Incident:
    """One incident: `begin` and `end` in seconds since 1970."""

    kind: str
    begin: float
    end: float


@dataclass
class Plan:
    """What happens to a store.

    Attributes:
        incidents: in their order; only a decline may overlap others.
        factor: day -> how busy it is, where it is odd.
        windows: (begin, end, share): times in which only a share of the calls is made; odd but healthy.
        exceptions: what the register says of it.
        closed_from: its last days.
    """

    incidents: list[Incident] = field(default_factory=list)
    factor: dict[date, float] = field(default_factory=dict)
    windows: list[tuple[float, float, float]] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    closed_from: date | None = None

    def decline(self, midnight: float) -> float:
        """What a decline leaves of the calls of a day that begins then."""
        for one in self.incidents:
            if one.kind == DECLINE and one.begin <= midnight < one.end:
                return 0.2 ** min(1.0, (midnight - one.begin) / DAY / DECLINE_DAYS)
        return 1.0


def plan_of(store: Store, days: Sequence[date], seed: int) -> Plan:
    """Draw what happens to a store; the first six weeks are quiet, so that something can be learned."""
    rng = random.Random(f"{seed} plan {store.profile.id}")
    plan = Plan()
    free = [day for day in days[42:-8] if store.calendar().openings(day)]
    taken: list[date] = []
    if rng.random() < _SHARE_DECLINING and len(free) > 2 * DECLINE_DAYS:
        first = rng.choice(free[: len(free) - DECLINE_DAYS])
        plan.incidents.append(
            Incident(DECLINE, store.midnight(first), store.midnight(first + timedelta(days=84)))
        )
        taken += [first + timedelta(days=number) for number in range(-_APART, 112)]
    last = days[-1] + timedelta(days=1)
    if rng.random() < _SHARE_CLOSING and len(free) > 30:
        closing = free[rng.randrange(len(free) * 2 // 3, len(free))]
        begin = store.calendar().openings(closing)[-1].end + HOUR
        plan.incidents.append(Incident(CLOSED, begin, store.midnight(last)))
        plan.closed_from = closing + timedelta(days=1)
        free = [day for day in free if day < closing - timedelta(days=_APART)]
    share = len(days) / 365
    for kind, a_year in _A_YEAR.items():
        for _ in range(_count(rng, a_year * share)):
            open_days = [day for day in free if all(abs((day - other).days) > _APART for other in taken)]
            if open_days:
                day = rng.choice(open_days)
                incident = _incident(kind, store, day, rng, plan)
                plan.incidents.append(incident)
                lasting = int((incident.end - store.midnight(day)) // DAY)
                taken += [day + timedelta(days=number) for number in range(lasting + 1)]
    plan.incidents.sort(key=lambda one: one.begin)
    matches = set(random.Random(f"{seed} match").sample(days[7:], round(2 * share)))
    _odd_days(plan, store, [day for day in days[7:] if day not in taken], rng, share)
    _matches(plan, store, matches - set(taken))
    return plan


def _incident(kind: str, store: Store, day: date, rng: random.Random, plan: Plan) -> Incident:
    opening = store.calendar().openings(day)[0]
    begin = rng.uniform(opening.begin, opening.end)
    if kind in {MOVE, MOVE_PLANNED}:
        if kind == MOVE_PLANNED:
            plan.exceptions.append(f"{day}..{day + timedelta(days=2)} closed")
        return Incident(kind, store.midnight(day), store.midnight(day + timedelta(days=3)) - HOUR)
    hours = {
        AGENT_OFF: min(72.0, max(0.1, rng.lognormvariate(1.5, 1.3))),
        PBX_OFF: rng.uniform(0.3, 10),
        TRUNK_DOWN: rng.uniform(0.3, 24),
        FIRE_DRILL: 1.5,
    }.get(kind, rng.uniform(10, 110) * (3 if store.profile.calls_per_day < SLOW else 1))
    if kind == FIRE_DRILL:
        begin = rng.uniform(opening.begin, max(opening.begin, opening.end - 1.5 * HOUR))
    elif kind == AGENT_OFF and rng.random() < 0.3:
        begin = rng.uniform(opening.end, opening.end + 10 * HOUR)
    return Incident(kind, begin, begin + hours * HOUR)


def _odd_days(plan: Plan, store: Store, days: Sequence[date], rng: random.Random, share: float) -> None:
    """Rain, a rush, an opening an hour late, a closing two hours early."""
    ordinary = [day for day in days if store.calendar().openings(day)]
    for factor, a_year in ((0.45, 6), (2.5, 4)):
        for day in rng.sample(ordinary, min(len(ordinary), _count(rng, a_year * share))):
            plan.factor[day] = factor
    for day in rng.sample(ordinary, min(len(ordinary), _count(rng, 1.0 * share))):
        begin = store.calendar().openings(day)[0].begin
        plan.windows.append((begin, begin + HOUR, 0.0))
    for day in rng.sample(ordinary, min(len(ordinary), _count(rng, 1.0 * share))):
        end = store.calendar().openings(day)[-1].end
        plan.windows.append((end - 2 * HOUR, end, 0.0))


def _matches(plan: Plan, store: Store, days: Iterable[date]) -> None:
    for day in days:
        begin = store.midnight(day) + 16 * HOUR
        plan.windows.append((begin, begin + 2 * HOUR, 0.25))


def _count(rng: random.Random, mean: float) -> int:
    return int(mean) + (rng.random() < mean - int(mean))
