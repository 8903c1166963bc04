"""What each example of the guide means, as a condition on the simulated calls: no document is read."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from compose.simulator import SimulatedCall
from tests.assembly.costs import Charged
from tests.dashboards.cases import Case
from tests.dashboards.relations import Callback, outside_number
from tests.dashboards.world import PLANS, Made, World


@dataclass(frozen=True)
class Call:
    """A simulated call, and what people know of it.

    Attributes:
        made: The call.
        simulated: Its rows.
        name: The caller's; empty: none was shown.
        numbers: Everything that can be dialled and has to do with it, digits only.
        amount: What it costs; None: it has no price.
        unrated: It is billed, and has no price.
        callback: Of a missed one.
    """

    made: Made
    simulated: SimulatedCall
    name: str
    numbers: frozenset[str]
    amount: Decimal | None
    unrated: bool
    callback: Callback | None

    @property
    def texts(self) -> tuple[str, ...]:
        """What words are looked for in."""
        store = self.made.store
        return self.name, store.name, store.region, store.city


Means = Callable[[Call], bool]


def calls_of(case: Case, name: str) -> list[Call]:
    """Tell the calls of a world and period."""
    simulated = simulated_of(case.world, name)
    found = []
    for made in case.calls:
        cost = case.costs[made.key]
        one = simulated[made.store.id, made.truth.linked_ids[0]]
        found.append(
            Call(
                made,
                one,
                _name(made, one),
                frozenset(_numbers(made)),
                cost.amount if isinstance(cost, Charged) else None,
                made.owed is not None and not isinstance(cost, Charged),
                case.callbacks.get(made.key),
            )
        )
    return found


def simulated_of(world: World, name: str) -> dict[tuple[str, str], SimulatedCall]:
    """A world's calls with their rows, by store and first linkedid."""
    return {
        (store.id, call.truth.linked_ids[0]): call
        for store in world.stores
        for call in PLANS[name].calls(store)
    }


def _name(made: Made, call: SimulatedCall) -> str:
    """A customer's as it came with the call, an extension's by the store's list."""
    truth = made.truth
    if truth.direction != "inbound":
        return next(one.name for one in made.store.extensions if one.number == truth.source)
    shown = (
        next(row for row in call.rows if row.src == truth.source)
        .clid.rpartition(" <")[0][1:-1]
        .replace('\\"', '"')
    )
    # A ring group puts its own name in front.
    for group in made.store.groups:
        shown = shown.removeprefix(f"{group.name}:")
    return "" if shown.casefold() == truth.source else shown


def _numbers(made: Made) -> Iterator[str]:
    truth = made.truth
    yield from (digits(one) for one in (truth.source, truth.destination, truth.did, *truth.answered_by))
    if truth.direction != "internal":
        yield digits(outside_number(made))
    if truth.direction == "outbound":
        # Shown outside is the trunk's number.
        yield next(trunk.number for trunk in made.store.trunks if trunk.name == truth.trunk)


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def words(text: str) -> list[str]:
    """A text's words without accents, capitals and apostrophes."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return re.findall(r"\w+", re.sub("'", "", plain).casefold())


def phrase(*wanted: str) -> Means:
    """The words stand side by side."""
    return lambda call: any(within(words(text), wanted) for text in call.texts)


def within(there: list[str], wanted: Iterable[str]) -> bool:
    row = list(wanted)
    return any(there[at : at + len(row)] == row for at in range(len(there)))


def word(*wanted: str) -> Means:
    """One of the words."""
    return lambda call: any(one in words(text) for text in call.texts for one in wanted)


def named(fits: Callable[[str], object]) -> Means:
    """A word of the caller's name."""
    return lambda call: any(fits(one) for one in words(call.name))


def ends(ending: str) -> Means:
    """A number that ends so."""
    return lambda call: any(one.endswith(ending) for one in call.numbers)


def holds(part: str) -> Means:
    """A number with that inside."""
    return lambda call: any(part in one for one in call.numbers)


def distance(one: str, other: str) -> int:
    """How many letters have to be changed, added, left out, or swapped with their neighbour."""
    rows = [list(range(len(other) + 1))]
    for i, left in enumerate(one, 1):
        row = [i]
        for j, right in enumerate(other, 1):
            costs = [rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (left != right)]
            if i > 1 and j > 1 and (left, right) == (other[j - 2], one[i - 2]):
                costs.append(rows[-2][j - 2] + 1)
            row.append(min(costs))
        rows.append(row)
    return rows[-1][-1]


def every(*all_of: Means) -> Means:
    return lambda call: all(one(call) for one in all_of)


def either(*any_of: Means) -> Means:
    return lambda call: any(one(call) for one in any_of)


def none_of(one: Means) -> Means:
    return lambda call: not one(call)


def truth(**wanted: object) -> Means:
    """The simulator's own values."""
    return lambda call: all(getattr(call.made.truth, name) == value for name, value in wanted.items())


def outcome(*names: str) -> Means:
    return lambda call: call.made.truth.outcome in names


def store(**wanted: str) -> Means:
    return lambda call: all(getattr(call.made.store, name) == value for name, value in wanted.items())


def answered_by(number: str) -> Means:
    return lambda call: number in call.made.truth.answered_by


def made_by(number: str) -> Means:
    return lambda call: call.made.truth.direction != "inbound" and call.made.truth.source == number


def talked(least: int) -> Means:
    return lambda call: (call.made.seconds.talk or 0) >= least


def cost(fits: Callable[[Decimal], bool]) -> Means:
    return lambda call: call.amount is not None and fits(call.amount)


def weekday(*days: int) -> Means:
    return lambda call: call.made.truth.start.isoweekday() in days


def hour(first: int, last: int = 23) -> Means:
    return lambda call: first <= call.made.truth.start.hour <= last


def day(first: str, last: str) -> Means:
    return lambda call: first <= f"{call.made.truth.start:%Y-%m-%d}" <= last


def callback(*states: str) -> Means:
    return lambda call: call.callback is not None and call.callback.state in states


def nothing(_: Call) -> bool:
    return False


MISSED: Final = truth(missed=True)
INBOUND, OUTBOUND = truth(direction="inbound"), truth(direction="outbound")
OF_NUMBER: Final = ends("990262837")
DID: Final = truth(did="1128300778")
TO_NUMBER: Final = every(OUTBOUND, lambda call: outside_number(call.made) == "+5511990262837")
FROM_NUMBER: Final = every(INBOUND, truth(source="11990262837"))
MANAUS: Final = store(city="Manaus")
OPEN: Final = callback("never", "waiting", "tried")
