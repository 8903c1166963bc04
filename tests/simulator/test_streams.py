"""The order of insertion, batches, doubled rows, and rows by number."""

from collections.abc import Iterator
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from compose.simulator import SimulatedCall, batched, chain, doubled, insertion_order, rows, simulate

STORE = chain(3, 1)[2]
CALLS = list(simulate(STORE, date(2026, 9, 1), 7, 2))
ROWS = list(insertion_order(CALLS))


def test_insertion_order_is_sorted_and_complete() -> None:
    assert [row.inserted_ms for row in ROWS] == sorted(row.inserted_ms for row in ROWS)
    assert sorted(ROWS) == sorted(row for call in CALLS for row in call.rows)


def test_no_column_is_a_watermark() -> None:
    earlier = later = 0
    newest, highest = ROWS[0].calldate, -1
    for row in ROWS:
        earlier += row.calldate < newest
        later += row.sequence < highest
        newest, highest = max(newest, row.calldate), max(highest, row.sequence)
    assert earlier > len(ROWS) / 50
    assert later > len(ROWS) / 50


def test_insertion_order_is_lazy() -> None:
    begun = 0

    def counting() -> Iterator[SimulatedCall]:
        nonlocal begun
        for call in CALLS:
            begun += 1
            yield call

    stream = insertion_order(counting())
    for _ in range(len(ROWS) // 2):
        next(stream)
    assert begun < len(CALLS) * 0.6


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 400), seconds=st.integers(1, 900))
def test_batches_delay_rows_and_keep_them(size: int, seconds: int) -> None:
    late = list(batched(ROWS[:500], size, seconds))
    assert [row[:26] for row in late] == [row[:26] for row in ROWS[:500]]
    moments = [row.inserted_ms for row in late]
    assert moments == sorted(moments)
    for row, was in zip(late, ROWS, strict=False):
        assert 0 <= row.inserted_ms - was.inserted_ms <= seconds * 1000
        assert row.inserted_at - was.inserted_at == timedelta(milliseconds=row.inserted_ms - was.inserted_ms)
    assert len(set(moments)) <= len({row.inserted_ms for row in ROWS[:500]})


def test_doubled_rows() -> None:
    assert list(doubled(ROWS[:3])) == [ROWS[0], ROWS[0], ROWS[1], ROWS[1], ROWS[2], ROWS[2]]


@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(0, 3000),
    seed=st.integers(0, 99),
    size=st.sampled_from((0, 1, 30, 2000)),
    index=st.integers(0, 139),
)
def test_rows_gives_exactly_as_many_as_asked(n: int, seed: int, size: int, index: int) -> None:
    store = chain(index + 1, 1)[index]
    got = list(rows(store, min(n, 200) if size == 1 else n, seed, calls_per_day=size))
    assert len(got) == (min(n, 200) if size == 1 else n)
    assert len({(row.uniqueid, row.sequence) for row in got}) == len(got)
