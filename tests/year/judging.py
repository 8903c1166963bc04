"""What was raised, held against what happened: found or not, how late, how many false alarms."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from central.usual.estimate import Usual
from central.usual.expectation import MOST_CALLS
from tests.year.life import Life
from tests.year.plan import (
    DAY,
    DECLINE,
    DECLINE_DAYS,
    HOUR,
    MOVE_PLANNED,
    NO_CALLS,
    OFF,
    TROUBLED,
    TRUNK_DEAF,
    Incident,
)
from tests.year.stores import true_calls
from tests.year.watching import LIMITS, Alarm, Watch, watched

AGENT_WITHIN: Final = (
    LIMITS["agent_silent"]["seconds"] + 90
)  # a look each half minute, an evaluation each minute
PBX_WITHIN: Final = 300.0
ONE_LOOK: Final = 90.0
QUARTER: Final = 365 / 4 * DAY


@dataclass(frozen=True)
class Found:
    """What became of one incident.

    Attributes:
        kind: of incident.
        size: the store's class.
        due: it lasted long enough that it had to be found.
        delay: seconds in which the store was open until it was found; None: it was not.
        allowed: such seconds that it may take; of idleness by the store's true rate.
        calls: so many calls the true rate expected until it was found; 0: that is not asked.
    """

    kind: str
    size: str
    due: bool
    delay: float | None
    allowed: float
    calls: float = 0.0

    @property
    def late(self) -> bool:
        return self.due and (self.delay is None or self.delay > self.allowed)


@dataclass
class Verdict:
    """What is said of all stores.

    Attributes:
        found: every incident.
        false_alarms: (finding, store, class, quarter) -> how many: nothing was the matter.
        shut: (class) -> alarms while a store that should have been open had not opened yet, or closed early.
        while_closed: alarms at a time at which the register says closed.
        quarters: class -> how many quarters its stores lived through.
        holidays: days on which a store was closed by its calendar of holidays.
        told: each false alarm, for people.
    """

    found: list[Found] = field(default_factory=list)
    false_alarms: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)
    shut: Counter[str] = field(default_factory=Counter)
    while_closed: int = 0
    quarters: Counter[str] = field(default_factory=Counter)
    holidays: int = 0
    told: list[str] = field(default_factory=list)

    def add(self, life: Life, watch: Watch) -> None:
        """Judge one store's year."""
        alarms = watch.alarms()
        size = life.store.size
        self.quarters[size] += max(1, round(len(life.days) * DAY / QUARTER))
        calendar = life.store.calendar()
        week = {
            opening.weekday()
            for opening in life.days[:7]
            if calendar.week and calendar.week[opening.weekday()]
        }
        self.holidays += sum(day.weekday() in week and not calendar.is_ordinary(day) for day in life.days)
        explained: set[Alarm] = set()
        for incident in life.plan.incidents:
            if incident.kind == DECLINE:
                self.found.append(_decline(life, watch, incident))
            elif incident.kind != MOVE_PLANNED:
                found, of = _of_incident(life, watch, incident, alarms)
                self.found.append(found)
                explained.update(of)
        for alarm in alarms:
            if alarm not in explained:
                self._unexplained(life, watch, alarm)
        start = life.store.midnight(life.days[0])
        for at in _false_declines(life, watch):
            self.false_alarms["decline", life.store.profile.id, size, int((at - start) // QUARTER)] += 1

    def _unexplained(self, life: Life, watch: Watch, alarm: Alarm) -> None:
        size = life.store.size
        self.while_closed += not watch.at(alarm.at).expectation.open_seconds(alarm.at - 15 * 60, alarm.at)
        if alarm.finding == "idle" and _is_shut(life, alarm):
            self.shut[size] += 1
            return
        quarter = int((alarm.at - life.store.midnight(life.days[0])) // QUARTER)
        self.false_alarms[alarm.finding, life.store.profile.id, size, quarter] += 1
        day = datetime.fromtimestamp(alarm.at, life.store.zone)
        busy = life.plan.factor.get(day.date(), 1.0)
        true = true_expected(life, alarm.since, alarm.at)
        store = f"{life.store.profile.id}, {life.store.profile.calls_per_day} calls a day"
        odd = f", a day of {busy:.0%}" if busy != 1 else ""
        self.told.append(
            f"{store}: {alarm.finding} {day:%Y-%m-%d %H:%M}, {true:.1f} calls by the true rate{odd}"
        )


def _is_shut(life: Life, alarm: Alarm) -> bool:
    """It opened late or closed early: it had no call, as if its line were dead."""
    return any(
        not left and begin - 2 * HOUR < alarm.at <= end + HOUR for begin, end, left in life.plan.windows
    )


def _of_incident(
    life: Life, watch: Watch, incident: Incident, alarms: Sequence[Alarm]
) -> tuple[Found, list[Alarm]]:
    kind, begin, end = incident.kind, incident.begin, incident.end
    said = kind in OFF | TROUBLED
    finding = "agent_silent" if kind in OFF else "pbx_silent" if said else "idle"
    # Idleness may also be found while the first call after the incident is still awaited.
    after = bisect_left(life.calls, end)
    until = end + 60 if said else life.calls[after] if after < len(life.calls) else math.inf
    of = [one for one in alarms if begin <= one.at <= until and (one.finding == finding or kind in NO_CALLS)]
    own = next((one.at for one in of if one.finding == finding), None)
    expectation = watch.at(begin).expectation
    size, calls = life.store.size, 0.0
    if finding == "idle":
        due_at = true_reached(life, begin, MOST_CALLS)
        # Where internal calls go on, there are calls: nothing says that it must be found.
        due = due_at is not None and due_at + ONE_LOOK < end and kind != TRUNK_DEAF
        allowed = math.inf if due_at is None else expectation.open_seconds(begin, due_at) + ONE_LOOK
        delay = None if own is None else expectation.open_seconds(begin, own)
        calls = 0.0 if own is None else true_expected(life, begin, own)
    elif finding == "pbx_silent":
        due, allowed = begin + PBX_WITHIN < end, PBX_WITHIN
        delay = None if own is None else own - begin
    else:
        # An agent that had not been switched on yet was not heard before either.
        begin = next(first for first, last in life.off if first <= begin < last)
        due, allowed = watched(expectation, begin, end) > AGENT_WITHIN, AGENT_WITHIN
        delay = None if own is None else watched(expectation, begin, own)
    return Found(kind, size, due, delay, allowed, calls), of


def true_reached(life: Life, begin: float, calls: float) -> float | None:
    """The moment at which the store's true rate has expected so many calls while it was open."""
    calendar = life.store.calendar()
    left = calls
    for day in calendar.days(begin, begin + 60 * DAY):
        rates = true_calls(life.store, day, life.plan.decline(life.store.midnight(day)))
        pieces = calendar.pieces(day)
        seconds = Counter[int]()
        for piece in pieces:
            seconds[piece.hour] += piece.end - piece.begin
        for first, last, hour in pieces:
            rate = rates[hour % 24] / seconds[hour]
            since = max(first, begin)
            if last <= since or not rate:
                continue
            if rate * (last - since) >= left:
                return since + left / rate
            left -= rate * (last - since)
    return None


def true_expected(life: Life, begin: float, end: float) -> float:
    """The calls that the store's true rate expects between two moments, to a hundredth."""
    low, high = 0.0, 1000.0
    while high - low > 0.01:
        middle = (low + high) / 2
        at = true_reached(life, begin, middle)
        low, high = (low, middle) if at is None or at > end else (middle, high)
    return low


def _decline(life: Life, watch: Watch, incident: Incident) -> Found:
    """The monitor of declines: the calls of seven days against what was usual before."""
    allowed = DECLINE_DAYS * DAY
    delay = None
    usual = 0.0
    for number, day in enumerate(life.days):
        midnight = life.store.midnight(day)
        if incident.begin < midnight < incident.end and delay is None:
            night = watch.nights[number].usual
            usual = night.week_calls
            if _is_less(night):
                delay = midnight - incident.begin
    limit = LIMITS["decline"]
    return Found(DECLINE, life.store.size, usual >= limit["calls"], delay, allowed)


def _is_less(usual: Usual) -> bool:
    """The condition of the monitor of declines."""
    limit = LIMITS["decline"]
    calls = usual.recent_calls
    return (
        calls is not None and usual.week_calls >= limit["calls"] and calls < limit["share"] * usual.week_calls
    )


def _false_declines(life: Life, watch: Watch) -> Iterator[float]:
    """When a decline was told of a store that has none."""
    spans = [(one.begin, one.end + 8 * 7 * DAY) for one in life.plan.incidents if one.kind == DECLINE]
    before = False
    for night in watch.nights:
        told = _is_less(night.usual)
        if told and not before and not any(begin <= night.begin < end for begin, end in spans):
            yield night.begin
        before = told
