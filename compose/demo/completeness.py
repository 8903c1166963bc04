"""Is everything there, and right? Rows against the databases, calls against what the stores really did."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from compose.demo.documents import ROWS, Documents
from compose.demo.stores import Written
from compose.demo.truth import FIELDS, Digest, Verdict, differences, digest, told
from compose.simulator import StoreProfile

EXAMPLES = 3


def show(
    documents: Documents,
    stores: Sequence[StoreProfile],
    written: Mapping[str, Written],
    truth: Callable[[StoreProfile], Iterable[Verdict]],
) -> bool:
    """Print the answer; False where a row or a call is missing, doubled or wrong.

    Args:
        documents: The demo's.
        stores: The demo's.
        written: By store, what its database holds and what its calls were.
        truth: Gives a store's calls once more; asked only where one is wrong, to name it.
    """
    print("\nIs everything there? Rows against each store's database, calls against what was simulated\n")
    rows = {store: bucket["doc_count"] for store, bucket in documents.by_store({}, index=ROWS).items()}
    calls: dict[str, list[Verdict]] = defaultdict(list)
    for source in documents.every_call(FIELDS):
        calls[source["store"]["id"]].append(told(source))
    digests = {store.id: digest(calls[store.id]) for store in stores}
    head = f"{'rows':>10}{'index':>10}{'calls':>11}{'index':>10}{'missed':>9}"
    print(f"{'store':<10}{'city':<22}{head}")
    wrong = []
    for store in sorted(stores, key=lambda store: -written[store.id].rows):
        there, told_of = rows.get(store.id, 0), digests[store.id]
        print(_line(store.id, store.city, written[store.id], there, told_of))
        if written[store.id].truth != told_of:
            wrong.append(store)
    complete = all(rows.get(store.id, 0) == written[store.id].rows for store in stores)
    print(_line("all", "", _sum(written.values()), sum(rows.values()), _together(digests.values())))
    print("every row is in the index, once" if complete else "ROWS AND DOCUMENTS DIFFER")
    if not wrong:
        print("every call is right: it is there once, with its direction, outcome and who answered")
    for store in wrong:
        found = differences(truth(store), calls[store.id])
        print(f"{store.id}: CALLS DIFFER FROM WHAT WAS SIMULATED, in {len(found):,} points")
        for difference in found[:EXAMPLES]:
            print(f"  {difference}")
    return complete and not wrong


def _line(store: str, city: str, written: Written, rows: int, calls: Digest) -> str:
    same_rows = "=" if rows == written.rows else "!"
    same_calls = "=" if calls.hash == written.truth.hash else "!"
    return (
        f"{store:<10}{city:<22}{written.rows:>10,}{same_rows:>2}{rows:>8,}"
        f"{written.truth.calls:>11,}{same_calls:>2}{calls.calls:>8,}{calls.missed:>9,}"
    )


def _sum(written: Iterable[Written]) -> Written:
    every = list(written)
    return Written(sum(one.rows for one in every), _together(one.truth for one in every))


def _together(digests: Iterable[Digest]) -> Digest:
    """The stores' digests as one, in their order."""
    every = list(digests)
    return Digest(
        sum(one.calls for one in every), sum(one.missed for one in every), " ".join(one.hash for one in every)
    )
