"""What calls have to do with each other, against literal cases and a naive comparison of each with each."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.relations.call import Call, number_of
from central.relations.callbacks import Asked, Callback, callbacks
from central.relations.spans import Span, joined
from central.relations.stream import related
from central.relations.trunks import HELD_MS, simultaneous

HASH = "h" + "0123456789abcdef" * 2
ANNA, BRUNO = "+5511987654321", "+551133334444"


def call(name: str, start: int, seconds: int = 0, **parts: object) -> Call:
    """A call that begins at a second; inbound, answered, on no trunk and of no number unless told."""
    values: dict[str, object] = {
        "trunk": None,
        "onward": None,
        "number": None,
        "outbound": False,
        "missed": False,
        "answered": True,
        "by": None,
    }
    return Call(name, start * 1000, (start + seconds) * 1000, **(values | parts))  # type: ignore[arg-type]


def missed(name: str, start: int, seconds: int = 0, number: str | None = ANNA) -> Call:
    return call(name, start, seconds, number=number, missed=True, answered=False)


def outbound(name: str, start: int, number: str = ANNA, *, answered: bool = True, by: str = "101") -> Call:
    return call(name, start, 30, number=number, outbound=True, answered=answered, by=by)


def asked(since: int = 0, until: int = 10**6, within: int = 100, now: int = 10**6) -> Asked:
    """The same in seconds."""
    return Asked(since * 1000, until * 1000, within * 1000, now * 1000)


@pytest.mark.parametrize(
    ("e164", "number", "expected"),
    [
        (ANNA, "011987654321", ANNA),
        (ANNA, None, ANNA),
        (None, "(11) 8765-4321", "1187654321"),
        (None, "87654321", "87654321"),
        (HASH, HASH, HASH),
        (None, HASH, HASH),
        (None, HASH[:-1], None),
        ("+*********4321", "*******4321", None),
        (None, "*******4321", None),
        (None, "anonymous", None),
        (None, "Restricted", None),
        (None, "", None),
        (None, None, None),
        (None, "190", None),
        (None, "10315", None),
        (None, "0000000000", None),
        (None, "\N{ARABIC-INDIC DIGIT ONE}" * 8, None),
    ],
)
def test_by_what_a_number_is_compared(e164: str | None, number: str | None, expected: str | None) -> None:
    assert number_of(e164, number) == expected


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([], Callback("never")),
        ([outbound("b", 40)], Callback("called_back", 30, "101", "b")),
        ([outbound("b", 40, BRUNO)], Callback("never")),
        ([outbound("b", 40, answered=False)], Callback("tried", 30, "101", "b")),
        (
            [outbound("b", 40, answered=False), outbound("c", 50, answered=False, by="102")],
            Callback("tried", 30, "101", "b"),
        ),
        (
            [outbound("b", 40, answered=False), outbound("c", 60, by="102")],
            Callback("called_back", 50, "102", "c"),
        ),
        ([call("b", 40, number=ANNA, by="103")], Callback("came_again", 30, "103", "b")),
        ([call("b", 40, number=ANNA), outbound("c", 41)], Callback("came_again", 30, None, "b")),
        ([outbound("b", 9)], Callback("never")),  # it still rang
        ([outbound("b", 10)], Callback("called_back", 0, "101", "b")),
        ([outbound("b", 110)], Callback("called_back", 100, "101", "b")),
        ([outbound("b", 111)], Callback("never")),
    ],
)
def test_what_became_of_a_missed_call(later: list[Call], expected: Callback) -> None:
    first = missed("a", 0, 10)
    assert {one.call_id: what for one, what in callbacks([first, *later], asked())}["a"] == expected


def test_each_of_several_missed_calls_is_settled_by_the_same_one() -> None:
    calls = [missed("a", 0, 10), missed("b", 20, 10), outbound("c", 60)]
    found = {one.call_id: what for one, what in callbacks(calls, asked())}
    assert found == {
        "a": Callback("called_back", 50, "101", "c"),
        "b": Callback("called_back", 30, "101", "c"),
        "c": None,
    }


def test_nobody_can_be_called_without_a_number() -> None:
    found = {one.call_id: what for one, what in callbacks([missed("a", 0, 5, None)], asked())}
    assert found == {"a": Callback("no_number")}


@pytest.mark.parametrize(("now", "state"), [(109, "waiting"), (110, "never")])
def test_a_missed_call_waits_until_its_time_is_over(now: int, state: str) -> None:
    assert [what for _, what in callbacks([missed("a", 0, 10)], asked(now=now))] == [Callback(state)]


def test_no_more_is_read_than_is_needed() -> None:
    read = []

    def calls() -> Iterator[Call]:
        for one in (missed("a", 0, 10), missed("b", 50, 10), *(call(f"c{n}", n) for n in range(60, 1000))):
            read.append(one.call_id)
            yield one

    found = {one.call_id for one, _ in callbacks(calls(), asked(until=50))}
    assert found == {"a"}
    assert read[-1] == "c111", "a waits for 100 seconds after its end, and no call is asked of any more"


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([("vivo", 0, 10), ("vivo", 5, 10), ("tim", 6, 1), ("vivo", 9, 1)], [1, 2, 1, 3]),
        ([("vivo", 0, 10), ("vivo", 10, 10)], [1, 1]),  # the end is not included
        ([("vivo", 0, 10), ("vivo", 0, 20), ("vivo", 0, 0)], [2, 2, 3]),
        ([("vivo", 0, 0), ("vivo", 0, 0)], [1, 1]),
        ([(None, 0, 10), ("vivo", 1, 1)], [None, 1]),
        ([("vivo", 0, 86_400 + 100), ("vivo", 86_399, 1), ("vivo", 86_400, 1)], [1, 2, 1]),
    ],
)
def test_calls_at_once_on_a_trunk(
    calls: list[tuple[str | None, int, int]], expected: list[int | None]
) -> None:
    made = [call(str(n), start, seconds, trunk=name) for n, (name, start, seconds) in enumerate(calls)]
    assert [count for _, count in simultaneous(made)] == expected


def test_a_call_that_went_on_outside_holds_both_its_trunks() -> None:
    calls = [
        call("a", 0, 60, trunk="claro", onward="vivo"),
        call("b", 1, 1, trunk="vivo"),
        call("c", 2, 9, trunk="claro"),
        call("d", 3, 60, trunk=None, onward="vivo"),
        call("e", 4, 1, trunk="vivo"),
    ]
    assert [count for _, count in simultaneous(calls)] == [1, 2, 2, None, 3]


STARTS = st.integers(0, 60)
CALLS = st.lists(
    st.builds(
        call,
        st.just("?"),
        STARTS,
        st.integers(0, 20),
        trunk=st.sampled_from([None, "vivo", "tim"]),
        onward=st.sampled_from([None, None, "oi", "gvt"]),
        number=st.sampled_from([None, ANNA, BRUNO]),
        outbound=st.booleans(),
        missed=st.booleans(),
        answered=st.booleans(),
        by=st.sampled_from([None, "101", "102"]),
    ),
    max_size=25,
)


def tidied(calls: list[Call]) -> list[Call]:
    """In their order, with names, and without contradictions: what is missed is inbound and not answered."""
    ordered = sorted(calls, key=lambda one: one.start)
    return [
        Call(
            f"c{number}",
            one.start,
            one.end,
            one.trunk,
            one.onward,
            one.number,
            one.outbound and not one.missed,
            one.missed,
            one.answered and not one.missed,
            one.by,
        )
        for number, one in enumerate(ordered)
    ]


def naive_count(one: Call, calls: list[Call]) -> int | None:
    if one.trunk is None:
        return None
    held = [other for other in calls if one.trunk in (other.trunk, other.onward) and other is not one]
    return 1 + sum(other.start <= one.start < other.end for other in held)


def naive_callback(one: Call, calls: list[Call], within: int, now: int) -> Callback | None:
    if not one.missed:
        return None
    if one.number is None:
        return Callback("no_number")
    later = [
        other
        for other in calls
        if other is not one and other.number == one.number and 0 <= other.start - one.end <= within
    ]
    for other in later:
        if other.answered:
            state = "called_back" if other.outbound else "came_again"
            return Callback(state, (other.start - one.end) // 1000, other.by, other.call_id)
    for other in later:
        if other.outbound:
            return Callback("tried", (other.start - one.end) // 1000, other.by, other.call_id)
    return Callback("waiting" if now < one.end + within else "never")


@given(CALLS, STARTS, STARTS, st.integers(0, 40), st.integers(0, 120))
def test_it_agrees_with_a_comparison_of_each_with_each(
    drawn: list[Call], since: int, until: int, within: int, now: int
) -> None:
    """Also at the edges of a span: what is read begins with the calls that still go on."""
    calls = tidied(drawn)
    wanted = asked(since, until, within, now)
    read = [one for one in calls if one.start >= wanted.since or one.end > wanted.since]
    found = [(one.call_id, count, what) for one, count, what in related(read, wanted)]
    expected = {
        (one.call_id, naive_count(one, calls), naive_callback(one, calls, wanted.within, wanted.now))
        for one in calls
        if since <= one.start // 1000 < until
    }
    assert len(found) == len(expected)
    assert set(found) == expected


def test_the_longest_hold_is_a_day() -> None:
    assert HELD_MS == 86_400_000


def test_spans_are_joined_by_store() -> None:
    spans = [Span("B", 5, 9), Span("A", 10, 20), Span("A", 0, 5), Span("A", 5, 7), Span("A", 12, 15)]
    assert list(joined(spans)) == [Span("A", 0, 7), Span("A", 10, 20), Span("B", 5, 9)]
    assert list(joined([])) == []


@given(
    st.lists(
        st.builds(
            lambda store, since, length: Span(store, since, since + length),
            st.sampled_from("AB"),
            st.integers(0, 30),
            st.integers(1, 9),
        )
    )
)
def test_joined_spans_hold_the_same_moments_once(spans: list[Span]) -> None:
    moments = [(one.store, at) for one in joined(spans) for at in range(one.since, one.until)]
    assert len(moments) == len(set(moments))
    assert set(moments) == {(one.store, at) for one in spans for at in range(one.since, one.until)}
