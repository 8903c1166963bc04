"""Stores of a Brazilian retail chain: what stands in each, when it is open, how much it telephones."""

import random
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from compose.simulator import numbers
from compose.simulator.cities import CITIES, DISTRICTS


class Extension(NamedTuple):
    """A telephone in the store: number, the name it shows, whether it has a voice mailbox."""

    number: str
    name: str
    voicemail: bool


class Trunk(NamedTuple):
    """A line to a carrier: name as in channel names (`PJSIP/<name>-…`), provider, number shown outside."""

    name: str
    provider: str
    number: str


class Did(NamedTuple):
    """A number that outsiders dial; `target` is `ivr`, `group`, `queue` or an extension's number."""

    number: str
    target: str


class RingGroup(NamedTuple):
    """A ring group: all members ring at once; `external` is a mobile phone that rings with them, or empty."""

    number: str
    name: str
    members: tuple[str, ...]
    external: str


class Queue(NamedTuple):
    """A queue: members are called all at once, each round for `ring_seconds`, until `max_wait_seconds`."""

    number: str
    name: str
    members: tuple[str, ...]
    ring_seconds: int
    max_wait_seconds: int = 120


@dataclass(frozen=True, slots=True)
class StoreProfile:
    """One store, its PBX and its habits.

    Attributes:
        id: `Loja001`, unique in the chain.
        name: For people.
        city: City, with accents.
        state: Two letters.
        region: `Norte`, `Nordeste`, `Centro-Oeste`, `Sudeste` or `Sul`.
        timezone: IANA name of the PBX's clock.
        area_code: DDD, two digits.
        carrier_code: CSP that employees dial for long distance.
        extensions: The telephones.
        trunks: The lines outside, the preferred one first.
        dids: Numbers that outsiders dial, the main one first.
        groups: Ring groups, at least one.
        queues: Queues; none in small stores.
        hours: Opening and closing minute of the day, Monday to Sunday; None: closed.
        calls_per_day: Mean over a week of normal days.
        answer_rate: How likely a free person takes a ringing call, 0 to 1.
        log_unanswered: `unanswered=yes` in cdr.conf: rows without a called party are written too.
        records_internal: Internal calls are recorded as well (they then have a `recordingfile`).
        network: First three bytes of the phones' addresses.
        silent_last_days: The store writes nothing on the last n days of any simulated span.
        silent: Spans (first day, last day) without any row.
    """

    id: str
    name: str
    city: str
    state: str
    region: str
    timezone: str
    area_code: str
    carrier_code: str
    extensions: tuple[Extension, ...]
    trunks: tuple[Trunk, ...]
    dids: tuple[Did, ...]
    groups: tuple[RingGroup, ...]
    queues: tuple[Queue, ...]
    hours: tuple[tuple[int, int] | None, ...]
    calls_per_day: int
    answer_rate: float
    log_unanswered: bool
    records_internal: bool
    network: str
    silent_last_days: int = 0
    silent: tuple[tuple[date, date], ...] = ()

    def is_silent(self, day: date) -> bool:
        """Tell whether one of the dated silent spans covers the day."""
        return any(first <= day <= last for first, last in self.silent)


PROVIDERS = (
    ("vivo", "Vivo Empresas"),
    ("claro", "Claro"),
    ("oi", "Oi Soluções"),
    ("tim", "TIM"),
    ("algar", "Algar"),
)
ROLES = ("Gerência", "Caixa", "Vendas", "Crediário", "Estoque", "Entrega", "Assistência", "Balcão")
SMALLEST, LARGEST = 30, 400
QUEUE_FROM, SECOND_TRUNK_FROM, SECOND_QUEUE_FROM, SUNDAY_FROM = 75, 130, 250, 110


def source_of_chance(*parts: object) -> random.Random:
    """Return a generator that depends on the parts alone, not on the process or on what ran before."""
    return random.Random(":".join(map(str, parts)))  # noqa: S311 - a simulation, nothing is kept secret by it


def chain(n: int, seed: int) -> list[StoreProfile]:
    """Return n stores; store k is the same whatever n is.

    Sizes go from about 30 to 400 calls a day, and stores differ in how well they answer. The seventh store,
    and each fortieth after it, falls silent for the last three days of the simulated span.

    Args:
        n: How many, 1 to 999.
        seed: Another seed is another chain.
    """
    return [_store(index, seed) for index in range(n)]


def _store(index: int, seed: int) -> StoreProfile:
    rng = source_of_chance(seed, "store", index)
    city = CITIES[index % len(CITIES)]
    district = DISTRICTS[(index // len(CITIES)) % len(DISTRICTS)]
    size = round(min(LARGEST, max(SMALLEST, rng.lognormvariate(4.5, 0.5) * city.weight)))
    extensions = _extensions(rng, 3 + size // 22)
    trunks = _trunks(rng, index, city.area_code, 2 if size >= SECOND_TRUNK_FROM else 1)
    inside = [extension.number for extension in extensions]
    groups = [RingGroup("600", "Vendas", tuple(inside[1 : 1 + min(5, max(2, size // 40))]), "")]
    if rng.random() < 1 / 3:
        groups.append(RingGroup("601", "Plantão", (inside[0],), numbers.mobile(rng, city.area_code)))
    queues = []
    if size >= QUEUE_FROM:
        queues.append(Queue("400", "Televendas", tuple(inside[2 : 2 + min(4, 2 + size // 200)]), 15))
    if size >= SECOND_QUEUE_FROM:
        queues.append(Queue("401", "Crediário", tuple(inside[-3:]), 20))
    return StoreProfile(
        id=f"Loja{index + 1:03d}",
        name=f"{city.name} {district}" if index >= len(CITIES) or rng.random() < 1 / 2 else city.name,
        city=city.name,
        state=city.state,
        region=city.region,
        timezone=city.timezone,
        area_code=city.area_code,
        carrier_code=rng.choice(numbers.CARRIER_CODES),
        extensions=extensions,
        trunks=trunks,
        dids=_dids(rng, trunks[0].number, inside, "queue" if queues else "group"),
        groups=tuple(groups),
        queues=tuple(queues),
        hours=_hours(rng, size),
        calls_per_day=size,
        answer_rate=round(rng.triangular(0.55, 0.97, 0.88), 3),
        log_unanswered=rng.random() < 1 / 2,
        records_internal=rng.random() < 1 / 4,
        network=f"10.{100 + index // 200}.{index % 200}",
        silent_last_days=3 if index % 40 == 6 else 0,  # noqa: PLR2004 - the seventh of each forty
    )


def _extensions(rng: random.Random, count: int) -> tuple[Extension, ...]:
    """Number from 100 or from 2001; half of the phones carry a person's name, half the name of a place."""
    first = rng.choice((100, 100, 2001))
    return tuple(
        Extension(
            number=str(first + k),
            name=numbers.person(rng)
            if rng.random() < 1 / 2
            else f"{ROLES[k % len(ROLES)]} {1 + k // len(ROLES)}",
            voicemail=rng.random() < 2 / 3,
        )
        for k in range(count)
    )


def _trunks(rng: random.Random, index: int, area_code: str, count: int) -> tuple[Trunk, ...]:
    """Name trunks after the provider; some have a hyphen or are called by their number, as happens."""
    trunks = []
    for short, provider in rng.sample(PROVIDERS, count):
        number = numbers.fixed(rng, area_code)
        name = (short, f"{short}-sip", short, number, short)[index % 5]
        trunks.append(Trunk(name, provider, number))
    return tuple(trunks)


def _dids(rng: random.Random, main: str, inside: list[str], shared: str) -> tuple[Did, ...]:
    """Give the main number to the menu or straight to all, and some people numbers of their own."""
    block = int(main) // 100 * 100
    direct = rng.sample(range(1, 99), min(len(inside), 4))
    own = [
        Did(str(block + n), extension)
        for n, extension in zip(direct, inside, strict=False)
        if block + n != int(main)
    ]
    return (Did(main, rng.choice(("ivr", shared))), *own)


def _hours(rng: random.Random, size: int) -> tuple[tuple[int, int] | None, ...]:
    opens = rng.choice((8 * 60, 8 * 60 + 30, 9 * 60))
    closes = rng.choice((18 * 60, 19 * 60, 20 * 60)) if size < SUNDAY_FROM else rng.choice((20 * 60, 22 * 60))
    saturday = (opens, min(closes, rng.choice((17, 18, 20)) * 60))
    sunday = (10 * 60, 16 * 60) if size >= SUNDAY_FROM and rng.random() < 2 / 3 else None
    return ((opens, closes),) * 5 + (saturday, sunday)
