"""One week of a chain's calls as patterns, from which the same week can be made again at any other time.

The calls are simulated and their documents made by the agent's own functions, then priced by head office's.
What the ingest pipeline and `central relate` add is set here, by simpler means: this is about volume, not
about being right in each case. The chain's zones know no daylight saving, so a call that is moved by whole
weeks keeps its hour and its weekday, and only dates, ids and numbers differ.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from central.rating.rate import Bundles, Call, Cost, Match, charge, match
from central.rating.tariffs import Tariffs
from central.rating.tariffs import load as load_tariffs
from compose.simulator import StoreProfile, chain, simulate
from shipper.document.model import encode
from tests.dashboards.documents import documents_of

STORES = 140
SEED = 1
DAYS = 7
CALLS_PER_PROFILE_DAY = 6.47
"""Calls of a week for each of a profile's `calls_per_day`: on Sundays few stores are open."""
TARIFFS = Path(__file__).parents[2] / "compose" / "demo" / "tariffs.toml"
WITHIN = timedelta(hours=24)
REGULARS = 2
"""One of so many numbers outside calls each week; the others are others each week."""
LAST_DIGITS = 4
_MARK = "\x00"

Json = dict[str, Any]


class Pattern(NamedTuple):
    """A document of which some parts differ each week.

    Attributes:
        epoch: When it began, seconds since 1970.
        day: Its day in UTC, counted from the week's first.
        key: Its `_id`.
        text: With `%s` for each part that differs.
        parts: What each is: see `_filled`.
    """

    epoch: int
    day: int
    key: str
    text: str
    parts: tuple[tuple[str, Any], ...]


def stores(calls: int) -> list[StoreProfile]:
    """The chain, telephoning so much that a year has about so many calls."""
    all_stores = chain(STORES, SEED)
    a_week = sum(store.calls_per_day for store in all_stores) * CALLS_PER_PROFILE_DAY
    factor = calls / (365 / DAYS) / a_week
    return [replace(store, calls_per_day=max(1, round(store.calls_per_day * factor))) for store in all_stores]


def patterns(telephoning: Iterable[StoreProfile], monday: date) -> list[Pattern]:
    """The documents of the week from a Monday on, in the order in which they began."""
    tariffs, bundles = load_tariffs(TARIFFS), Bundles()
    found: list[Pattern] = []
    for store in telephoning:
        made = documents_of(store, simulate(store, monday, DAYS, SEED), rows=False)
        documents = [json.loads(document.body) for document in made]
        documents = [one for one in documents if "merged_into" not in one["call"]]
        documents.sort(key=lambda one: str(one["@timestamp"]))
        for one in documents:
            names = {"name": store.name, "region": store.region, "city": store.city, "state": store.state}
            one["store"] |= names
            one["event"]["created"] = one["event"]["ingested"] = one["event"]["end"]
            _price(one["call"], _decided(tariffs, bundles, one))
        _relate(documents)
        found += [_pattern(one, monday) for one in documents]
    return sorted(found)


def lines(found: Sequence[Pattern], monday: date, weeks: int) -> Iterator[tuple[int, str]]:
    """Each document so many weeks later, or earlier: its beginning, and its two lines of a bulk request."""
    first = monday + timedelta(weeks=weeks)
    days = {number: f"{first + timedelta(days=number)}" for number in range(-1, DAYS + 2)}
    shift = weeks * DAYS * 86_400
    for one in found:
        values = tuple(_filled(kind, value, days, weeks, shift) for kind, value in one.parts)
        index = f"pabx-calls-{days[one.day][:7].replace('-', '.')}"
        action = f'{{"index":{{"_index":"{index}","_id":"{_new_key(one.key, weeks)}"}}}}'
        yield one.epoch + shift, f"{action}\n{one.text % values}\n"


def _filled(kind: str, value: Any, days: dict[int, str], weeks: int, shift: int) -> str:
    if kind == "day":
        return days[value]
    if kind == "month":
        return days[value][:7]
    if kind == "key":
        return _new_key(value, weeks)
    if kind == "epoch":
        return str(value + shift)
    return f"{(value + weeks * 7_919) % 10**LAST_DIGITS:0{LAST_DIGITS}}"


def _new_key(key: str, weeks: int) -> str:
    """As long as before, with the store's part kept, and as little to be compressed."""
    return key[:8] + blake2b(f"{key}{weeks}".encode(), digest_size=12).hexdigest()


def _decided(tariffs: Tariffs, bundles: Bundles, document: Json) -> Any:
    call = document["call"]
    asked = Call(
        store=document["store"]["id"],
        day=date.fromisoformat(document["local"]["date"]),
        seconds=call.get("billable_seconds", 0),
        trunk=call.get("billable_trunk") or call.get("trunk"),
        category=call.get("billable_category") or call.get("category"),
        prefix=call.get("prefix"),
        collect=call.get("collect") is True,
    )
    price = match(tariffs, asked)
    return charge(tariffs, price, asked.seconds, bundles) if isinstance(price, Match) else price


def _price(call: Json, decision: Any) -> None:
    if isinstance(decision, Cost):
        call["cost"] = {
            "amount": float(decision.amount),
            "currency": decision.currency,
            "tariff": decision.tariff,
        }
        if decision.bundle:
            call["cost"]["bundle"] = decision.bundle._asdict()
    elif decision is not None:
        call["unrated"] = decision.reason


def _relate(documents: Sequence[Json]) -> None:
    """What `central relate` says of a store's calls, nearly: they come in the order of their beginnings."""
    ends: dict[str, list[str]] = defaultdict(list)
    later: dict[str, list[Json]] = defaultdict(list)
    for one in documents:
        call, event = one["call"], one["event"]
        if trunk := call.get("trunk"):
            going = [end for end in ends[trunk] if end > event["start"]] + [event["end"]]
            ends[trunk] = going
            call["trunk_calls"] = len(going)
        if number := _outside(one):
            later[number].append(one)
    for one in documents:
        if one["call"].get("missed"):
            one["call"]["callback"] = _callback(one, later.get(_outside(one), ()))


def _outside(document: Json) -> str:
    side = "source" if document["call"]["direction"] == "inbound" else "destination"
    return str(document.get(side, {}).get("e164", ""))


def _callback(missed: Json, calls: Iterable[Json]) -> Json:
    if not _outside(missed):
        return {"state": "no_number"}
    end = datetime.fromisoformat(missed["event"]["end"])
    tried: Json = {}
    for one in calls:
        seconds = (datetime.fromisoformat(one["event"]["start"]) - end).total_seconds()
        if not 0 <= seconds <= WITHIN.total_seconds():
            continue
        back = one["call"]["direction"] == "outbound"
        by = one["source"].get("extension") if back else (one["call"].get("answered_by") or [None])[0]
        said = {"seconds": int(seconds), "by": by, "call_id": one["call"]["id"]}
        if one["call"]["answered"]:
            return {"state": "called_back" if back else "came_again", **said}
        if back and not tried:
            tried = {"state": "tried", **said}
    return tried or {"state": "never"}


def _pattern(document: Json, monday: date) -> Pattern:
    call, event, key = document["call"], document["event"], document["event"]["id"]
    parts: list[tuple[str, Any]] = []

    def put(kind: str, value: Any) -> str:
        parts.append((kind, value))
        return f"{_MARK}{len(parts) - 1}{_MARK}"

    def day(text: str) -> int:
        return (date.fromisoformat(text[:10]) - monday).days

    epoch, begins = int(datetime.fromisoformat(event["start"]).timestamp()), day(document["@timestamp"])
    for holder, name in ((document, "@timestamp"), *((event, each) for each in _TIMES)):
        holder[name] = put("day", day(holder[name])) + holder[name][10:]
    local_day = day(document["local"]["date"])
    document["local"]["date"] = put("day", local_day)
    event["id"] = call["id"] = put("key", key)
    call["linked_ids"] = [_linked(each, put) for each in call["linked_ids"]]
    if "call_id" in call.get("callback", {}):
        call["callback"]["call_id"] = put("key", call["callback"]["call_id"])
    if "bundle" in call.get("cost", {}):
        bundle = call["cost"]["bundle"]
        bundle["account"] = bundle["account"][:-7] + put("month", local_day)
    _numbers(document["source" if call["direction"] == "inbound" else "destination"], put)
    text, used = "", []
    for place, piece in enumerate(encode(document).split("\\u0000")):
        if place % 2:
            used.append(parts[int(piece)])
            text += "%s"
        else:
            text += piece.replace("%", "%%")
    return Pattern(epoch, begins, key, text, tuple(used))


_TIMES = ("start", "end", "created", "ingested")


def _linked(text: str, put: Any) -> str:
    epoch, dot, number = text.partition(".")
    return f"{put('epoch', int(epoch))}{dot}{number}"


def _numbers(party: Json, put: Any) -> None:
    """Numbers outside: the same last digits in each spelling."""
    end = str(party.get("e164", ""))[-LAST_DIGITS:]
    if not end.isdecimal() or int(end) % REGULARS == 0 or len(party["e164"]) < 10:
        return
    for name in ("number", "e164"):
        if str(party.get(name, "")).endswith(end):
            party[name] = party[name][:-LAST_DIGITS] + put("digits", int(end))
