"""The rules of `gate.lua`, in the same LuaJIT that Fluent Bit has; no server needed."""

import datetime as dt
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lupa import luajit21

from central.assets import assets_root
from central.gate.folder import Credential
from central.gate.render import keys
from shipper.document.identity import mark

SOURCE = assets_root() / "pipelines" / "fluent-bit" / "gate.lua"
TOKENS = {"Loja001": "token of one", "Loja002": "token of two", "Loja-São": "accents"}
NOW = int(time.time())
Verdict = tuple[int, int, Any]


class Lua:
    """The filter, called as Fluent Bit calls it."""

    def __init__(self, folder: Path) -> None:
        self.keys = folder / "keys"
        self.write_keys(TOKENS)
        script = folder / "gate.lua"
        script.write_text(SOURCE.read_text())
        self.runtime = luajit21.LuaRuntime(encoding=None, unpack_returned_tuples=True)
        self.runtime.globals()[b"dofile"](str(script).encode())

    def write_keys(self, tokens: dict[str, str], former: tuple[str, ...] = ()) -> None:
        self.keys.write_text(keys({store: Credential(token, "", former) for store, token in tokens.items()}))

    def gate(self, tag: str, record: dict[Any, Any], at: int = NOW) -> Verdict:
        """Code, seconds, record."""
        code, when, out = self.runtime.globals()[b"gate"](
            tag.encode(), self.table({"sec": at, "nsec": 5}), self.table(record)
        )
        return code, when[b"sec"], python(out)

    def table(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.runtime.table_from(
                {self.table(key): self.table(inner) for key, inner in value.items()}
            )
        if isinstance(value, list):
            return self.runtime.table_from([self.table(inner) for inner in value])
        return value.encode() if isinstance(value, str) else value

    def rule(self, tag: str, record: dict[Any, Any], at: int = NOW) -> str | None:
        """The rule that a record breaks."""
        code, _, out = self.gate(tag, record, at)
        assert code in {1, 2}
        return str(out["gate"]["rule"]) if code == 1 else None


def python(value: Any) -> Any:
    if luajit21.lua_type(value) == "table":
        pairs = {python(key): python(inner) for key, inner in value.items()}
        return list(pairs.values()) if list(pairs) == list(range(1, len(pairs) + 1)) else pairs
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else value


@pytest.fixture(scope="module")
def lua(tmp_path_factory: pytest.TempPathFactory) -> Lua:
    return Lua(tmp_path_factory.mktemp("gate"))


def proof(store: str, event: str, sequence: int | None, tag: str, token: str | None = None) -> str:
    key = hashlib.sha256(b"pabx-proof:" + (token or TOKENS[store]).encode()).digest()
    number = "" if sequence is None else f"{float(sequence):.0f}"
    message = f"{store}\n{event}\n{number}\n{tag}".encode()
    return hmac.digest(key, message, "sha256").hex()[:32]


DATASETS = {
    "pabx.cdr": "pabx.cdr",
    "pabx.cdr.state": "pabx.cdr",
    "pabx.calls": "pabx.call",
    "pabx.audit": "pabx.audit",
    "pabx.quarantine": "pabx.quarantine",
    "pabx.stores": "pabx.store",
    "pabx.live": "pabx.live",
    "pabx.events": "pabx.event",
}


OF_NOW = {"pabx.live", "pabx.stores"}


def record(
    store: str = "Loja001", tag: str = "pabx.cdr", sequence: int | None = None, **more: Any
) -> dict[str, Any]:
    """A good one."""
    event_id = store if tag == "pabx.stores" else mark(store) + "0" * 24
    event: dict[str, Any] = {"id": event_id, "dataset": DATASETS[tag]}
    if sequence is not None:
        event["sequence"] = sequence
    return {
        "event": event,
        "store": {"id": store},
        "proof": proof(store, event_id, sequence, tag),
        **more,
    }


@pytest.mark.parametrize("tag", DATASETS)
@pytest.mark.parametrize("store", TOKENS)
def test_a_good_record_goes_on_without_its_proof(lua: Lua, tag: str, store: str) -> None:
    sent = record(store, tag, cdr={"src": "1", "list": ["a", "b"], "yes": True, "n": -(2**53) + 1})
    code, at, out = lua.gate(tag, sent)
    del sent["proof"]
    if tag in OF_NOW:
        out.pop("arrived")
    assert (code, at, out) == (2, NOW, sent)


@pytest.mark.parametrize("of_now", sorted(OF_NOW))
def test_what_is_of_now_bears_the_moment_of_its_arrival(lua: Lua, of_now: str) -> None:
    """A call in progress or a heartbeat, whatever the store says of it."""
    for said in ({}, {"arrived": "2099-01-01T00:00:00Z"}, {"arrived": {"a": "b"}}):
        arrived = lua.gate(of_now, record(tag=of_now, **said))[2]["arrived"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", arrived)
        assert abs(dt.datetime.fromisoformat(arrived).timestamp() - time.time()) < 60
    for tag in DATASETS.keys() - OF_NOW:
        assert "arrived" not in lua.gate(tag, record(tag=tag, arrived="2099-01-01T00:00:00Z"))[2]


@pytest.mark.parametrize("rows", [1, 3, 2047, 2048, 100_000, 2**20])
def test_a_sequence_stays_exact(lua: Lua, rows: int) -> None:
    sequence = (rows << 42) + (1_795_410_607 << 10)
    code, _, out = lua.gate("pabx.calls", record(tag="pabx.calls", sequence=sequence))
    assert (code, int(out["event"]["sequence"])) == (2, sequence)


def broken(change: Callable[[dict[str, Any]], None], tag: str = "pabx.cdr") -> dict[str, Any]:
    made = record(tag=tag)
    change(made)
    return made


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("gate.proof", lambda r: r.update(proof="0" * 32)),
        ("gate.proof", lambda r: r.update(proof="")),
        ("gate.proof", lambda r: r.update(proof=r["proof"][:-1])),
        ("gate.proof", lambda r: r.update(proof=5)),
        ("gate.proof", lambda r: r.pop("proof")),
        ("gate.proof", lambda r: r["store"].update(id="Loja002")),
        ("gate.unknown_store", lambda r: r["store"].update(id="Loja003")),
        ("gate.store_id", lambda r: r["store"].update(id=7)),
        ("gate.store_id", lambda r: r["store"].update(id="x" * 1000)),
        ("gate.store_id", lambda r: r.pop("store")),
        ("gate.store_id", lambda r: r.update(store="Loja001")),
        ("gate.event_id", lambda r: r.update(event="x")),
        ("gate.event_id", lambda r: r.pop("event")),
        ("gate.event_id", lambda r: r["event"].update(id="")),
        ("gate.event_id", lambda r: r["event"].update(id=3)),
        ("gate.proof", lambda r: r["event"].update(id=r["event"]["id"][:-1] + "1")),
        ("gate.sequence", lambda r: r["event"].update(sequence="1")),
        ("gate.sequence", lambda r: r["event"].update(sequence=-1)),
        ("gate.proof", lambda r: r["event"].update(sequence=1)),
        ("gate.dataset", lambda r: r["event"].update(dataset="pabx.call")),
        ("gate.dataset", lambda r: r["event"].update(dataset="pabx.gate")),
        ("gate.value", lambda r: r.update(x=float("nan"))),
        ("gate.value", lambda r: r.update(x=float("inf"))),
        ("gate.value", lambda r: r.update(x={"y": [1, -float("inf")]})),
        ("gate.value", lambda r: r.update(x=2**53)),
        ("gate.value", lambda r: r.update(x={5: "a"})),
        ("gate.value", lambda r: r.update(x={1: "a", "b": "c"})),
        ("gate.event_id", lambda r: r.update(event=["x"])),
        ("gate.event_id", lambda r: r["event"].update(id="0" * 161)),
        ("gate.value", lambda r: r.update({"é" * 513: 1})),
        ("gate.value", lambda r: r.update(x={"y": [{"z" * 1025: 1}]})),
        ("gate.name", lambda r: r.update(_routing="x")),
        ("gate.name", lambda r: r.update(_=1)),
    ],
)
def test_what_is_refused(lua: Lua, rule: str, change: Callable[[dict[str, Any]], None]) -> None:
    sent = broken(change)
    code, at, out = lua.gate("pabx.cdr", sent, 1_700_000_000)
    assert (code, out["gate"]["rule"], out["gate"]["tag"]) == (1, rule, "pabx.cdr")
    assert abs(at - time.time()) < 60  # no index of a month of the sender's choice
    assert "proof" not in out
    assert out["event"]["id"]


MARK = mark("Loja001")


@pytest.mark.parametrize(
    "value", ["", 3, ["a"], {"a": "b"}, True, "é", "a b", "a\n", 'a"', "a\0", MARK + "0" * 153]
)
def test_an_id_that_must_not_be_in_a_request_is_beside_it(lua: Lua, value: Any) -> None:
    sent = broken(lambda r: r["event"].update(id=value))
    event = lua.gate("pabx.cdr", sent)[2]["event"]
    assert re.fullmatch(r"gate-\d+-\d+", event["id"])
    assert event["given_id"] == value


@pytest.mark.parametrize("value", ["x", MARK + "0" * 152, "A.b_c-9", "0" * 160])
def test_any_other_id_stays(lua: Lua, value: str) -> None:
    sent = broken(lambda r: r["event"].update(id=value))
    sent["event"]["dataset"] = "x"
    assert lua.gate("pabx.cdr", sent)[2]["event"] == {"id": value, "dataset": "x"}


@pytest.mark.parametrize(
    ("more", "rule"), [("0" * 152, None), ("0" * 153, "gate.event_id"), ('"', "gate.mark")]
)
def test_the_id_of_a_proved_record(lua: Lua, more: str, rule: str | None) -> None:
    sent = record()
    sent["event"]["id"] = MARK + more
    sent["proof"] = proof("Loja001", MARK + more, None, "pabx.cdr")
    assert lua.rule("pabx.cdr", sent) == rule


def test_a_long_name_is_cut(lua: Lua) -> None:
    sent = broken(lambda r: r.update({"a" * 2000: {"b" * 1024: 1, "c" * 1025: [2]}}))
    assert lua.gate("pabx.cdr", sent)[2]["a" * 1024] == {"b" * 1024: 1, "c" * 1024: [2]}
    assert lua.rule("pabx.cdr", record(x={"b" * 1024: 1})) is None


def test_an_event_that_is_a_list(lua: Lua) -> None:
    """Beside its items an id would be no text's key."""
    event = lua.gate("pabx.cdr", broken(lambda r: r.update(event=["x", 1])))[2]["event"]
    assert event.pop("id")[:5] == "gate-"
    assert event == {"value": ["x", 1]}


@pytest.mark.parametrize("value", [None, b"text", 5, True, 1.5])
def test_what_is_no_map_becomes_one(lua: Lua, value: object) -> None:
    """Else Fluent Bit's output stops there, and what others have behind it in the same file is lost."""
    code, _, out = lua.runtime.globals()[b"gate"](b"pabx.cdr", lua.table({"sec": NOW, "nsec": 0}), value)
    assert code == 1
    assert python(out)["gate"]["rule"] == "gate.event_id"


def test_a_proof_is_for_one_tag(lua: Lua) -> None:
    assert lua.rule("pabx.cdr.state", record()) == "gate.proof"
    assert lua.rule("pabx.secrets", record()) == "gate.tag"
    assert lua.rule("pabx.gate", record()) == "gate.tag"
    assert lua.rule("pabx.cdr.", record()) == "gate.tag"


def test_an_id_of_another_store(lua: Lua) -> None:
    event_id = mark("Loja002") + "0" * 24
    sent = record()
    sent["event"]["id"] = event_id
    sent["proof"] = proof("Loja001", event_id, None, "pabx.cdr")
    assert lua.rule("pabx.cdr", sent) == "gate.mark"


def test_times(lua: Lua) -> None:
    assert lua.rule("pabx.cdr", record(), 946_684_800) is None
    assert lua.rule("pabx.cdr", record(), 946_684_799) == "gate.time"
    assert lua.rule("pabx.cdr", record(), 1) is None  # a clock that was never set
    assert lua.rule("pabx.cdr", record(), NOW + 39 * 86400) is None
    assert lua.rule("pabx.cdr", record(), NOW + 41 * 86400) == "gate.time"


def test_times_of_what_has_an_index_a_day_or_one_for_all(lua: Lua) -> None:
    def rule(tag: str, at: int) -> str | None:
        return lua.rule(tag, record(tag=tag), at)

    assert rule("pabx.events", NOW - 99 * 86400) is None
    assert rule("pabx.events", NOW - 101 * 86400) == "gate.time"
    assert rule("pabx.events", 1) is None
    assert rule("pabx.events", NOW + 41 * 86400) == "gate.time"
    assert [rule("pabx.live", at) for at in (1, 900_000_000, NOW + 900 * 86400)] == [None] * 3


def test_a_heartbeat_that_is_refused_is_dropped(lua: Lua) -> None:
    """An upsert reaches the document that it names, whatever the pipeline makes of it."""
    forged = record(tag="pabx.stores")
    forged["event"]["id"] = "Loja002"
    assert lua.gate("pabx.stores", forged)[0] == -1
    forged["proof"] = proof("Loja001", "Loja002", None, "pabx.stores")
    assert lua.gate("pabx.stores", forged)[0] == -1


@pytest.mark.parametrize(
    "said",
    [
        {"name": "another name"},
        {"trunk_channels": ["vivo=900"]},
        {"holidays": "none"},
        {"closed_from": "2026-01-01"},
        {"status": "ok"},
        {"status_since": "2026-11-23T05:10:07Z"},
        {"last_seen": "2099-01-01T00:00:00Z"},
        {"clock_offset_seconds": 0},
        {"usual": {"limit": 1000.0}},
        {"watch": {"open": False}},
    ],
)
def test_a_heartbeat_must_not_say_what_head_office_says(lua: Lua, said: dict[str, Any]) -> None:
    sent = record(tag="pabx.stores")
    sent["store"] |= said
    assert lua.gate("pabx.stores", sent)[0] == -1


def test_a_heartbeat_may_say_all_that_an_agent_knows(lua: Lua) -> None:
    sent = record(tag="pabx.stores")
    sent["store"] |= {"last_call": "2026-11-23T05:10:07Z", "last_row": "2026-11-23T05:10:07Z"}
    sent["store"] |= {"upgrade": {"at": "2026-11-26T12:00:00Z", "state": "done", "message": ""}}
    sent["store"] |= {"beats": {"s3": "2026-11-23T05:10:07.000Z"}, "beats_settled": False, "read_seconds": 0}
    code, _, out = lua.gate("pabx.stores", sent)
    assert (code, out["store"]) == (2, sent["store"])


def test_keys_are_read_again(tmp_path: Path) -> None:
    lua = Lua(tmp_path)
    new = record()
    new["store"]["id"] = "Loja009"
    new["event"]["id"] = mark("Loja009") + "0" * 24
    new["proof"] = proof("Loja009", new["event"]["id"], None, "pabx.cdr", "new")
    assert lua.rule("pabx.cdr", new) == "gate.unknown_store"
    lua.write_keys({**TOKENS, "Loja009": "new"})
    assert lua.rule("pabx.cdr", new) is None  # at once: who is not known is looked up
    renewed = {**TOKENS, "Loja009": "newer"}
    lua.write_keys(renewed, former=("new",))
    assert lua.rule("pabx.cdr", new) is None
    newer = {**new, "proof": proof("Loja009", new["event"]["id"], None, "pabx.cdr", "newer")}
    assert lua.rule("pabx.cdr", newer) is None
    lua.write_keys(TOKENS)
    time.sleep(3.1)
    assert lua.rule("pabx.cdr", newer) == "gate.unknown_store"
    lua.keys.unlink()  # what was read before holds
    time.sleep(3.1)
    assert lua.rule("pabx.cdr", record()) is None


def test_without_keys_it_does_not_start(tmp_path: Path) -> None:
    lua = Lua(tmp_path)
    lua.keys.unlink()
    with pytest.raises(luajit21.LuaError, match="central gate init"):
        lua.runtime.globals()[b"dofile"](str(tmp_path / "gate.lua").encode())


@given(store=st.sampled_from(sorted(TOKENS)), event=st.text("0123456789abcdef", max_size=152), data=st.data())
def test_the_proof_is_the_hmac_of_the_standard_library(lua: Lua, store: str, event: str, data: Any) -> None:
    event_id = mark(store) + event
    sequence = data.draw(st.none() | st.integers(0, 2**53).map(lambda n: n << 10).filter(lambda n: n < 2**63))
    sent = {
        "event": {"id": event_id, "dataset": "pabx.cdr"},
        "store": {"id": store},
        "proof": proof(store, event_id, sequence, "pabx.cdr"),
    }
    if sequence is not None:
        sent["event"]["sequence"] = float(sequence)
    assert lua.rule("pabx.cdr", sent) is None


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.binary(max_size=40)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(
    sent=st.dictionaries(
        st.sampled_from(["event", "store", "proof", "gate", "@timestamp", "x"]) | st.text(max_size=5), VALUES
    ),
    tag=st.sampled_from([*DATASETS, "", "x"]),
    at=st.integers(0, 2**32 - 1),
)
def test_any_record_is_judged(lua: Lua, sent: dict[str, Any], tag: str, at: int) -> None:
    """Nobody without a key comes through, nothing makes the filter fail, and what it gives is JSON."""
    code, _, out = lua.gate(tag, without_none(sent), at)
    assert code == (-1 if tag == "pabx.stores" else 1)
    if code == 1:
        assert out["gate"]["rule"] != "gate.failed"
        assert finite(out)


def without_none(value: Any) -> Any:
    """A table has no place for nil."""
    if isinstance(value, dict):
        return {key: without_none(inner) for key, inner in value.items() if inner is not None}
    return [without_none(inner) for inner in value if inner is not None] if isinstance(value, list) else value


def finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(finite(inner) for inner in value.values())
    if isinstance(value, list):
        return all(finite(inner) for inner in value)
    return not isinstance(value, float) or abs(value) <= 2**53
