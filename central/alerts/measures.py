"""What the watch works out of a store's document: openings, expected calls, silence in company; pure.

Nothing here decides whether something is an alert: conditions and limits stand in the monitors alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from central.alerts.thresholds import thresholds
from central.clock import moment
from central.usual.expectation import Expectation

GROUP_SECONDS: Final = 240.0
"""How long that holds without being worked out anew: a watch that stops hides no store."""
_LONGEST: Final = 35 * 86_400.0
_CLOCK_NOISE_SECONDS: Final = 5
_ALIKE: Final = 600.0

Json = dict[str, Any]


@dataclass
class Measured:
    """One store.

    Attributes:
        id: its id.
        store: the fields of its document.
        watch: what was worked out: fields of `store.watch`; None takes a field away.
        silent: its agent should be heard, and is not.
        heard: it is.
    """

    id: str
    store: Mapping[str, Any]
    watch: Json = field(default_factory=dict)
    silent: bool = False
    heard: bool = False

    @property
    def is_watched(self) -> bool:
        """Registered, and neither closed for good nor shut out."""
        return bool(self.store.get("registered_at")) and not (
            self.store.get("revoked_at") or self.watch.get("closed")
        )


def measure(
    name: str,
    store: Mapping[str, Any],
    expectation: Expectation,
    loads: Mapping[str, int],
    days: Mapping[str, int],
    now: float,
) -> Measured:
    """Work out what one store's document alone tells.

    Args:
        name: the store's id.
        store: the fields of its document.
        expectation: what is usual for it.
        loads: calls of now on each of its trunks.
        days: calls of each of its latest days, by the date on its clock.
        now: head office's clock, seconds since 1970.
    """
    calendar = expectation.calendar
    today = calendar.day_of(now)
    local = datetime.fromtimestamp(now, calendar.zone)
    seen = _seconds(store, "last_seen")
    measured = Measured(name, store)
    watch = measured.watch
    watch["closed"] = calendar.is_closed_for_good(today)
    measured.heard = seen is not None and now - seen < thresholds()["watch"]["silent_seconds"]
    watch |= _opening(expectation, now)
    silence = 0.0 if seen is None or measured.heard else _silence(expectation, seen, now)
    watch["silent_open_seconds"] = round(silence)
    measured.silent = silence > 0 and not watch["closed"]
    watch["hour"] = local.hour
    learned = (store.get("usual") or {}).get("calls")
    watch["usual_calls"] = round(expectation.this_hour(now), 1) if learned else None
    watch |= _calls(store, expectation, days, now)
    trouble = _troubled(store)
    watch["trouble_local"] = _clock(seen - trouble, expectation) if seen and trouble else None
    if seen is not None and not measured.heard:
        watch["seen_local"] = _clock(seen, expectation)
    watch |= _trunk(store, loads)
    return measured


def group(stores: Iterable[Measured], now: float) -> None:
    """Say of each store whether it is silent together with most of its region, or of all.

    A store whose own alert began earlier keeps it. While the others come back, one after the other, those
    that are not back yet have as long as it holds: else the middle of them would raise an alert of each.

    Args:
        stores: all of them, measured; their `watch` is added to.
        now: head office's clock, seconds since 1970.
    """
    watched = [store for store in stores if store.is_watched]
    everyone = _together(watched)
    regions: dict[str, list[Measured]] = defaultdict(list)
    for store in watched:
        regions[_region(store)].append(store)
    silent_regions = {name for name, members in regions.items() if name and _together(members)}
    until = stamp(now + GROUP_SECONDS)
    for store in watched:
        held = _still_grouped(store, now)
        kind = "chain" if everyone else "region" if _region(store) in silent_regions else None
        # A region is not told of on its own as long as all stores' silence may be why.
        new = (
            store.silent and kind and not _has_its_own(store, now) and (everyone or held["group"] != "chain")
        )
        store.watch |= {"group": kind, "group_until": until} if new else held


def stamp(seconds: float) -> str:
    """A moment as documents have it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _still_grouped(store: Measured, now: float) -> Json:
    before = store.store.get("watch") or {}
    until = moment(before.get("group_until"))
    if store.silent and before.get("group") and until is not None and until.timestamp() > now:
        return {"group": before["group"], "group_until": before["group_until"]}
    return {"group": None, "group_until": None}


def _region(store: Measured) -> str:
    return str(store.store.get("region") or "")


def _together(members: list[Measured]) -> bool:
    limit = thresholds()["region_silent"]
    counts = Counter("silent" if one.silent else "heard" for one in members if one.silent or one.heard)
    return counts["silent"] >= limit["stores"] and counts["silent"] >= limit["share"] * counts.total()


def _has_its_own(store: Measured, now: float) -> bool:
    since = moment(store.store.get("status_since"))
    own = store.store.get("status") == "agent_silent" and not (store.store.get("watch") or {}).get("group")
    return own and since is not None and now - since.timestamp() > _ALIKE


def _opening(expectation: Expectation, now: float) -> Json:
    if not expectation.known:
        return {"open": True, "open_from": None, "open_until": None}
    span = expectation.span(now)
    if span is None:
        return {"open": False, "open_from": None, "open_until": None}
    return {"open": span.begin <= now, "open_from": stamp(span.begin), "open_until": stamp(span.end)}


def _silence(expectation: Expectation, seen: float, now: float) -> float:
    """Opening time without a heartbeat; each opening after the one in which it was heard begins later."""
    if not expectation.known:
        return now - seen
    begin = max(seen, now - _LONGEST)
    total, grace = 0.0, thresholds()["watch"]["grace_seconds"]
    for day in expectation.calendar.days(begin, now):
        for span in expectation.calendar.openings(day):
            first = span.begin + grace if span.begin > seen else begin
            total += max(0.0, min(span.end, now) - max(first, span.begin))
    return total


def _calls(
    store: Mapping[str, Any],
    expectation: Expectation,
    days: Mapping[str, int],
    now: float,
) -> Json:
    offset = store.get("clock_offset_seconds") or 0
    # Its clock may be wrong, and so are its times; a few seconds are the way of a heartbeat.
    ahead = offset if abs(offset) > _CLOCK_NOISE_SECONDS else 0

    def own(name: str) -> float | None:
        at = _seconds(store, name)
        return None if at is None else min(at - ahead, now)

    before = moment((store.get("watch") or {}).get("complete_from"))
    grace = thresholds()["watch"]["grace_seconds"]
    starts = (at for at in (own("machine_started"), own("pbx_started")) if at is not None)
    # What is switched off overnight hides no call.
    complete = [at for at in starts if not expectation.known or expectation.is_within(at, grace)]
    complete += [before.timestamp()] if before else []
    if _troubled(store):
        complete.append(now)
    found: Json = {"complete_from": stamp(max(complete)) if complete else None}
    calls = [at for at in (own("last_call"), own("last_row")) if at is not None]
    last = max(calls) if calls else _first(store, now)
    since = max([last, *complete, now - _LONGEST])
    if calls:
        found["call_local"] = _clock(last, expectation)
    if calls and since == last:
        of_day = days.get(expectation.calendar.day_of(last).isoformat())
        found["expected_calls"] = round(expectation.silence(last, now, of_day), 2)
    else:
        found["expected_calls"] = round(expectation.between(since, now), 2)
    return found


def _first(store: Mapping[str, Any], now: float) -> float:
    """Of a store that never had a call: since when one could have come."""
    at = _seconds(store, "registered_at")
    return now if at is None else at


def _troubled(store: Mapping[str, Any]) -> float:
    """For how long the PBX has not answered, by its latest heartbeat; 0: it does, or for seconds only."""
    names = ("reading_wrong_seconds", "ami_wrong_seconds", "trunks_down_seconds", "extensions_gone_seconds")
    longest = max(store.get(name) or 0 for name in names)
    return longest if longest >= thresholds()["watch"]["trouble_seconds"] else 0.0


def _trunk(store: Mapping[str, Any], loads: Mapping[str, int]) -> Json:
    shares = {}
    for text in store.get("trunk_channels") or ():
        name, _, most = str(text).rpartition("=")
        if most.isdigit() and int(most):
            shares[name] = loads.get(name, 0) / int(most)
    if not shares:
        return {"trunk": None, "trunk_load": None}
    busiest = max(sorted(shares), key=lambda name: shares[name])
    return {"trunk": busiest, "trunk_load": round(shares[busiest], 2)}


def _clock(seconds: float, expectation: Expectation) -> str:
    return datetime.fromtimestamp(seconds, expectation.calendar.zone).strftime("%Y-%m-%d %H:%M")


def _seconds(store: Mapping[str, Any], name: str) -> float | None:
    at = moment(store.get(name))
    return None if at is None else at.timestamp()
