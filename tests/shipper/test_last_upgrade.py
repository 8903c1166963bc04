"""What the heartbeat says of the agent's last upgrade: written by the installer, read by the agent."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose.stack import OpenSearchCluster
from deploy.linux.remembered import Result, write_result
from shipper.agent.progress import Progress
from shipper.agent.pulse import Pulse
from shipper.agent.upgrade import FILE, LastUpgrade, read
from shipper.document.heartbeat import State, heartbeat
from shipper.document.model import Origin
from shipper.document.validate import validator
from shipper.spool import Spool
from tests.shipper.store import Store, eventually

GOOD = {"at": "2026-11-26T12:00:00Z", "from": "0.1.0", "to": "0.2.0", "state": "done", "message": ""}
ROLLED_BACK = Result(
    "2026-11-26T13:00:00Z", "0.2.0", "0.3.0", "rolled_back", "shipper check: a leitura falhou"
)


def told(folder: Path) -> dict[str, Any]:
    return LastUpgrade().fields(folder)


class TestFile:
    def test_as_the_installer_writes_it(self, tmp_path: Path) -> None:
        assert told(tmp_path) == {}
        write_result(tmp_path, ROLLED_BACK)
        assert told(tmp_path) == {
            "upgrade": {
                "at": "2026-11-26T13:00:00Z",
                "from": "0.2.0",
                "to": "0.3.0",
                "state": "rolled_back",
                "message": "shipper check: a leitura falhou",
            }
        }

    def test_the_moment_is_told_in_utc_and_long_texts_are_cut(self, tmp_path: Path) -> None:
        long = {"at": "2026-11-26T09:00:00.5-03:00", "to": "9" * 100, "message": "x" * 5000}
        (tmp_path / FILE).write_text(json.dumps(GOOD | long | {"more": 1}))
        found = told(tmp_path)["upgrade"]
        assert found == {
            "at": "2026-11-26T12:00:00Z",
            "from": "0.1.0",
            "to": "9" * 63 + "…",
            "state": "done",
            "message": "x" * 1023 + "…",
        }
        state = State(0, 0, 1, full=False, oldest=None, refused=0, acknowledged=None, reading="", sending="",
                      spool="", ami="", pbx={}, more={"upgrade": found})  # fmt: skip
        body = heartbeat(
            Origin("Loja001", "America/Sao_Paulo", "1.0"), state, datetime(2026, 11, 26, tzinfo=UTC)
        )
        assert validator("store")(json.loads(body.body)) is None

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "Expecting value"),
            (b"\xff\xfe\x00", "codec"),
            (b"[]", "no JSON object"),
            (b"{}", "at is None"),
            (b"[" * 60_000, "recursion"),
            (b" " * 65_537, "more than 65536 bytes"),
            (GOOD | {"state": "perhaps"}, "state is 'perhaps'"),
            (GOOD | {"at": "2026-11-26T12:00:00"}, "of no time zone"),
            (GOOD | {"at": "yesterday"}, "yesterday"),
            (GOOD | {"at": "9999-12-31T23:59:59-23:59"}, "out of range"),
            (GOOD | {"from": 1}, "from is 1"),
            (GOOD | {"message": "\ud800"}, "surrogates"),
        ],
    )
    def test_an_odd_one_is_left_out_and_logged_once(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes | dict[str, Any], why: str
    ) -> None:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        (tmp_path / FILE).write_bytes(raw)
        last = LastUpgrade()
        with caplog.at_level(logging.WARNING):
            assert [last.fields(tmp_path) for _ in range(3)] == [{}, {}, {}]
            (message,) = caplog.messages
            assert message.startswith(f"{tmp_path / FILE} tells of no upgrade (")
            assert why in message
            (tmp_path / FILE).write_text(json.dumps(GOOD))
            assert last.fields(tmp_path) == {"upgrade": GOOD}
            (tmp_path / FILE).write_bytes(raw)
            assert last.fields(tmp_path) == {}
        assert len(caplog.messages) == 2

    def test_one_that_cannot_be_read(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        (tmp_path / FILE).mkdir()
        with caplog.at_level(logging.WARNING):
            assert told(tmp_path) == {}
        assert caplog.messages == [
            f"{tmp_path / FILE} cannot be read (Is a directory): let the agent's user read it"
        ]

    @given(
        st.binary(max_size=200)
        | st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*GOOD, "x"]), inner),
            max_leaves=12,
        )
        | st.fixed_dictionaries(dict.fromkeys(GOOD, st.text() | st.sampled_from([*GOOD.values(), "failed"])))
    )
    def test_whatever_it_holds_the_heartbeat_comes_and_fits_its_schema(
        self, tmp_path_factory: pytest.TempPathFactory, content: Any
    ) -> None:
        folder = tmp_path_factory.mktemp("spool")
        (folder / FILE).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        pulse = Pulse(Origin("Loja001", "America/Sao_Paulo", "1.0"), 30, Progress)
        spool = Spool(folder / "spool.db", 64)
        try:
            body = json.loads(pulse.document(spool, None).body)
        finally:
            spool.close()
        assert validator("store")(body) is None
        try:
            expected = {"upgrade": read(folder / FILE)}
        except (ValueError, OverflowError):
            expected = {}
        assert {name: value for name, value in body["store"].items() if name == "upgrade"} == expected


@pytest.mark.servers
def test_head_office_sees_it_and_sees_when_it_is_gone(ready_store: Store, cluster: OpenSearchCluster) -> None:
    """A new result takes the place of the one before; of a file that was removed nothing stays."""

    def shown() -> Callable[[], Any]:
        try:
            found = cluster.request("GET", "/pabx-stores/_doc/Loja001")["_source"]["store"]
        except HTTPError:
            return lambda: ...
        return lambda: found.get("upgrade")

    ready_store.set("agent", heartbeat_seconds=0.3)
    ready_store.spool.parent.mkdir()
    file = ready_store.spool.parent / FILE
    with ready_store.agent():
        eventually(lambda: shown()() is None, "a heartbeat")
        file.write_text(json.dumps(GOOD))
        eventually(lambda: shown()() == GOOD, "the upgrade")
        write_result(file.parent, ROLLED_BACK)
        eventually(lambda: (shown()() or {}).get("state") == "rolled_back", "the next one")
        cluster.request("POST", "/pabx-stores/_refresh")
        query = {"query": {"bool": {"filter": [
            {"term": {"store.upgrade.state": "rolled_back"}},
            {"range": {"store.upgrade.at": {"gte": "2026-11-26T13:00:00Z", "lte": "2026-11-26T13:00:00Z"}}},
        ]}}}  # fmt: skip
        assert cluster.request("POST", "/pabx-stores/_count", query)["count"] == 1
        file.unlink()
        eventually(lambda: shown()() is None, "nothing any more")
