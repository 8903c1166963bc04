"""Anything at all from a store that is well logged in: the gate lives on, and others' documents arrive."""

import time
from contextlib import suppress
from typing import Any

import msgpack
import pytest
from fluent.sender import EventTime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compose.stack import OpenSearchCluster
from shipper.document.identity import mark
from tests.gate.client import WHEN, Client, LoginError
from tests.gate.running import ABSENT, BINARY, Gate, documents, wait_idle
from tests.gate.test_gate import section

pytestmark = [pytest.mark.servers, pytest.mark.skipif(BINARY is None, reason=ABSENT)]

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.binary(max_size=60)
    | st.text(max_size=30)
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=20)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.integers(-5, 5), inner, max_size=4)
    ),
    max_leaves=25,
)
TIMES = (
    st.just(EventTime(WHEN))
    | st.builds(EventTime, st.integers(0, 2**32 - 1))
    # Fluent Bit's own marks of the beginning and the end of a group.
    | st.sampled_from([EventTime(2**32 - 1), EventTime(2**32 - 2), -1, -2])
    | st.integers(0, 2**33)
)
TAGS = st.sampled_from(["pabx.cdr", "pabx.calls", "pabx.stores", "pabx.quarantine", "x", "\n", "päbx"])
ENTRIES = st.lists(st.tuples(TIMES, VALUES), max_size=5)


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@given(
    data=st.data(),
    frames=st.lists(st.tuples(TAGS, ENTRIES), max_size=4),
    junk=st.binary(max_size=300),
    levels=st.sampled_from([1, 20, 31, 40, 200]),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes(
    gate: Gate,
    cluster: OpenSearchCluster,
    data: st.DataObject,
    frames: list[tuple[str, list[tuple[Any, Any]]]],
    junk: bytes,
    levels: int,
) -> None:
    number = len(documents(cluster, "pabx-cdr-*"))
    with Client(gate, section(gate, "Loja002")) as bad:
        bad.socket.settimeout(1)
        # What it makes of it, and whether it answers, is its own affair.
        with suppress(OSError, LoginError, AssertionError, ValueError):
            bad.send("pabx.cdr", {**bad.document(1), "x": deep(levels)})
            for tag, entries in frames:
                packed = b"".join(msgpack.packb(entry) for entry in entries)
                if data.draw(st.booleans()):
                    packed = packed[: data.draw(st.integers(0, len(packed)))]
                bad.send_raw(tag, packed)
            bad.socket.sendall(junk)
            time.sleep(0.05)
    with Client(gate, section(gate)) as good:
        good.send("pabx.cdr", good.document(number))
    assert gate.process is not None
    assert gate.process.poll() is None
    wait_idle(gate)
    rows = documents(cluster, "pabx-cdr-*,pabx-calls-*")
    own = [hit for hit in rows if hit["_source"]["store"]["id"] == "Loja001"]
    assert len(own) == len({hit["_id"] for hit in own})
    assert {hit["_id"][:8] for hit in own} == {mark("Loja001")}
    assert good.document(number)["event"]["id"] in {hit["_id"] for hit in own}
