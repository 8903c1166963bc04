"""One poisoned document neither blocks the others nor has good ones thrown away, whatever the server does.

The server here is no process but a rule, so that hours pass in a moment: which documents it never
acknowledges, and when it acknowledges nothing at all.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import msgpack
from hypothesis import given
from hypothesis import strategies as st

from shipper.config import ForwardSettings
from shipper.errors import OutputError
from shipper.outputs import ForwardOutput, Outcome
from shipper.outputs.isolation import APART_SECONDS, STRIKES, Isolation
from shipper.outputs.sender import FRESH_SECONDS, NotAcknowledgedError
from shipper.spool import Spooled

PAUSE_SECONDS = 15.0
HOUR = 3600.0


class Ruled:
    """In the place of a connection: acknowledges by a rule, and keeps the time that it takes.

    Args:
        poisoned: Numbers of documents that are never acknowledged.
        ill: Is nothing acknowledged at this time, and what happens instead?
        silent: For a poisoned document nothing is said; else the connection is closed.
    """

    where = "central:24224"
    asks_for_user = False

    def __init__(self, poisoned: Iterable[int], ill: Callable[[float], str], *, silent: bool = False) -> None:
        self.poisoned = set(poisoned)
        self.ill = ill
        self.silent = silent
        self.acknowledged: float | None = None  # when, on the connection that there is
        self.now = 0.0
        self.taken: set[int] = set()
        self.attempts = 0

    def renew(self) -> None:
        if self._stale:
            self.acknowledged = None

    @property
    def _stale(self) -> bool:
        return self.acknowledged is not None and self.now - self.acknowledged > FRESH_SECONDS

    def send_chunk(self, _tag: str, content: bytes, size: int) -> None:
        self.attempts += 1
        self.now += 0.1
        unpacker = msgpack.Unpacker(timestamp=0)
        unpacker.feed(content)
        numbers = {record["n"] for _, record in unpacker}
        assert len(numbers) == size
        state = self.ill(self.now)
        kept, stale = self.acknowledged is not None, self._stale
        self.acknowledged = None
        if state == "unreachable":
            if kept:
                raise NotAcknowledgedError("reset", "wait", closed=True, kept=kept, stale=stale)
            raise OutputError("cannot be reached")
        if state or numbers & self.poisoned:
            timed_out = state == "hangs" or (not state and self.silent)
            self.now += 60 if timed_out else 0
            raise NotAcknowledgedError("none", "wait", closed=not timed_out, kept=kept, stale=stale)
        self.acknowledged = self.now
        self.taken |= numbers


def spooled(number: int, kind: str = "cdr") -> Spooled:
    body = {"@timestamp": "2026-11-23T05:10:07Z", "n": number}
    return Spooled(max(0, number), f"pabx-{kind}-2026.11", str(number), json.dumps(body).encode())


class Agent:
    """What the agent does with an output: rounds through all that waits, and a pause where one failed."""

    def __init__(self, server: Ruled, waiting: list[Spooled], *, most: int = 8, beats: bool = True) -> None:
        self.server = server
        self.waiting = waiting
        self.beats = beats
        self.refused: set[int] = set()
        self.most = most
        self.output = ForwardOutput(ForwardSettings(host="central"), lambda: server.now)
        self.output.max_documents = most
        self.output._isolation = Isolation(most)
        fake: Any = server
        self.output._sender = fake

    def round(self) -> None:
        passed: set[int] = set()
        with suppress(OutputError):
            while batch := [found for found in self.waiting if found.seq not in passed][: self.most]:
                outcome = self.output.send(batch)
                self._settle(outcome)
                # Else the same batch would be sent again without a pause, for ever.
                assert outcome.done or outcome.refused or outcome.retry
                passed |= set(outcome.retry)
        if self.beats:
            with suppress(OutputError):
                self.output.send([spooled(-1, "stores")])
        self.server.now += PAUSE_SECONDS

    def _settle(self, outcome: Outcome) -> None:
        self.refused |= {found.document.seq for found in outcome.refused}
        assert all(found.reason.rule == "forward.never_acknowledged" for found in outcome.refused)
        gone = {*outcome.done, *(found.document.seq for found in outcome.refused)}
        assert set(outcome.done) <= self.server.taken
        self.waiting = [found for found in self.waiting if found.seq not in gone]


def well(_now: float) -> str:
    return ""


kinds = st.lists(st.sampled_from(["cdr", "calls", "quarantine"]), min_size=1, max_size=40)


@given(kinds=kinds, poisoned=st.sets(st.integers(1, 40), max_size=12), silent=st.booleans())
def test_the_poisoned_ones_and_only_they_are_refused(
    kinds: list[str], poisoned: set[int], silent: bool
) -> None:
    documents = [spooled(number, kind) for number, kind in enumerate(kinds, start=1)]
    server = Ruled(poisoned, well, silent=silent)
    agent = Agent(server, documents)
    for _ in range(40 + 20 * STRIKES * len(poisoned)):
        agent.round()
    numbers = set(range(1, len(kinds) + 1))
    assert agent.waiting == []
    assert agent.refused == poisoned & numbers
    assert server.taken - {-1} == numbers - poisoned


spans = st.lists(
    st.tuples(
        st.floats(0, 2 * HOUR), st.floats(0.05, HOUR), st.sampled_from(["closes", "hangs", "unreachable"])
    ),
    max_size=STRIKES - 1,
)


@given(
    kinds=kinds,
    poisoned=st.sets(st.integers(1, 40), max_size=6),
    spans=spans,
    beats=st.booleans(),
    silent=st.booleans(),
)
def test_outages_have_no_good_document_refused(
    kinds: list[str], poisoned: set[int], spans: list[tuple[float, float, str]], beats: bool, silent: bool
) -> None:
    """Fewer outages than strikes prove nothing against a good document, however they fall."""

    def ill(now: float) -> str:
        return next((how for begin, length, how in spans if begin <= now < begin + length), "")

    server = Ruled(poisoned, ill, silent=silent)
    agent = Agent(server, [spooled(n, kind) for n, kind in enumerate(kinds, start=1)], beats=beats)
    while server.now < 8 * HOUR:
        agent.round()
    numbers = set(range(1, len(kinds) + 1))
    assert agent.refused <= poisoned
    assert server.taken - {-1} == numbers - poisoned
    assert {found.seq for found in agent.waiting} == (numbers & poisoned) - agent.refused
    if beats:  # somebody is there to show that the server works
        assert agent.waiting == []


@given(how=st.sampled_from(["closes", "hangs", "unreachable"]), count=st.integers(1, 30))
def test_a_server_that_takes_nothing_for_hours_has_nothing_refused(how: str, count: int) -> None:
    server = Ruled((), lambda _: how)
    agent = Agent(server, [spooled(number) for number in range(1, count + 1)])
    while server.now < 4 * HOUR:
        agent.round()
    assert (agent.refused, len(agent.waiting)) == (set(), count)
    server.ill = well
    attempts = server.attempts
    agent.round()
    agent.round()
    assert (agent.refused, agent.waiting) == (set(), [])
    assert server.attempts - attempts <= count + 2  # and two heartbeats


def test_alone_in_the_spool_it_waits_for_another_one() -> None:
    """Nothing else was acknowledged: it may as well be the server."""
    server = Ruled({1}, well)
    agent = Agent(server, [spooled(1)], beats=False)
    for _ in range(1000):
        agent.round()
    assert (agent.refused, len(agent.waiting)) == (set(), 1)
    agent.beats = True
    for _ in range(100):
        agent.round()
    assert agent.refused == {1}


def test_strikes_are_apart() -> None:
    """A busy store sends a hundred chunks a minute: that is one occasion, not a hundred."""
    isolation = Isolation(8)
    isolation.acknowledged([spooled(9)])
    isolation.failed([spooled(1)], 0.0)
    isolation.acknowledged([spooled(9)])
    assert isolation.sort([spooled(1)], APART_SECONDS - 1).later == [spooled(1)]
    assert isolation.sort([spooled(1)], APART_SECONDS + 1).alone == [spooled(1)]


def test_a_single_acknowledgement_clears_it() -> None:
    isolation = Isolation(8)
    for strike in range(STRIKES - 1):
        isolation.acknowledged([spooled(9)])
        isolation.failed([spooled(1)], strike * APART_SECONDS)
    isolation.acknowledged([spooled(9)])
    isolation.acknowledged([spooled(1)])
    assert isolation.sort([spooled(1)], 0.0).first == [spooled(1)]
    isolation.failed([spooled(1)], 0.0)
    isolation.acknowledged([spooled(9)])
    assert isolation.sort([spooled(1)], HOUR).alone == [spooled(1)]


def test_a_failure_counts_only_between_two_acknowledgements() -> None:
    isolation = Isolation(8)
    for _ in range(10 * STRIKES):
        isolation.acknowledged([spooled(9)])
        isolation.failed([spooled(1)], 0.0)
        isolation.interrupted()  # the server was not to be reached
        isolation.acknowledged([spooled(9)])
        isolation.failed([spooled(2)], 0.0)
        isolation.failed([spooled(3)], 0.0)
    assert isolation.sort([spooled(1), spooled(2), spooled(3)], HOUR).refused == []


def test_heartbeats_do_not_stop_the_halving() -> None:
    """They are acknowledged alone, between two tries; that says nothing of how much the server takes."""
    isolation = Isolation(8)
    for limit in (8, 4, 2, 1):
        assert isolation.limit == limit
        isolation.failed([spooled(n) for n in range(1, limit + 1)], 0.0)
        isolation.acknowledged([spooled(0)])
    assert isolation.limit == 1
    for limit in (2, 4, 8, 8):
        isolation.acknowledged([spooled(n) for n in range(2, 2 + isolation.limit)])
        assert isolation.limit == limit
