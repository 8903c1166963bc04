"""A PBX of the benchmarks: recorded calls over and over, each under names of its own, by the fake AMI server.

What is in an index and what the PBX knows are both given as `Look`.
"""

import itertools
import json
import re
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.error import HTTPError

from compose.simulator.ami import FakeAmi, written
from compose.stack import OpenSearchCluster
from shipper.assembly.builder import identify_call
from shipper.live.calls import live_call
from shipper.live.channel import Event
from shipper.live.channels import Channels
from shipper.live.writing import ENDED, INDEX
from tests.live.recorded import ENDPOINTS, events, listing, snapshots
from tests.servers import CdrDatabase
from tests.shipper.running import write_config

Look = tuple[str, tuple[str, ...]]
"""A call's state, and the extensions that take part; none of what has ended."""
OVER: Final[Look] = (ENDED, ())

RECORDED: Final = {
    "internal": "1795410607.7",
    "inbound": "1795410651.28",
    "outbound": "1795410793.86",
    "group": "1795410715.49",
    "queue": "1795410747.62",
}
"""Answered calls of the recording, by their linkedid; all but the last ring, talk, end."""
RINGING: Final = ("internal", "inbound", "outbound", "group")
PAUSE_SECONDS: Final = 0.4
"""Where nothing came for so long, something that a caller notices came next."""

_names = itertools.count(1)
_NAME: Final = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # a bridge
    r"|\b17954\d{5}\.\d+"  # a channel's uniqueid
    r"|-[0-9a-f]{8}(?![0-9a-f])"  # the end of a channel's name
)


@cache
def stages(name: str) -> tuple[tuple[Event, ...], ...]:
    """The events of a recorded call and of the devices that took part, cut where it paused."""
    linked = RECORDED[name]
    times = [at for at, event in events() if linked in (event.get("Linkedid"), event.get("DestLinkedid"))]
    found: list[list[Event]] = []
    last = 0.0
    for at, event in events():
        if times[0] <= at <= times[-1] + 0.005:
            if at - last > PAUSE_SECONDS:
                found.append([])
            found[-1].append(event)
            last = at
    return tuple(map(tuple, found))


class Call:
    """A recorded call under names of its own.

    Attributes:
        linked: Its linkedid.
        stages: What is still to come of it.
    """

    def __init__(self, name: str) -> None:
        names: dict[str, str] = {}

        def renamed(found: re.Match[str]) -> str:
            return names.setdefault(found[0], _new(found[0]))

        self.stages = [
            [{key: _NAME.sub(renamed, value) for key, value in event.items()} for event in stage]
            for stage in stages(name)
        ]
        self.linked = names[RECORDED[name]]


def _new(name: str) -> str:
    number = next(_names)
    if name.startswith("-"):
        return f"-{number:08x}"
    return f"{int(time.time())}.{number}" if "." in name else str(uuid.UUID(int=number))


class Pbx:
    """One store's PBX, from ``with`` to the end of it.

    Args:
        store: The store's id.

    Attributes:
        ami: The server that the agent listens to.
    """

    def __init__(self, store: str) -> None:
        self.store = store
        self.ami = FakeAmi()
        self.ami.state = self._answer
        self.identity = identify_call(store)
        self._channels = Channels()
        self._lock = threading.Lock()
        snapshot = next(one for one in snapshots() if one.name == "inbound")
        self._lists = {"DeviceStateList": snapshot.devices, "ExtensionStateList": snapshot.extensions}

    def __enter__(self) -> Self:
        self.ami.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ami.__exit__(kind, error, trace)

    def play(self, told: Iterable[Event]) -> float:
        """Send events at once; gives the moment before the first byte went out."""
        raw = bytearray()
        with self._lock:
            for event in told:
                self._channels.apply(event)
                raw += written(event)
            at = time.monotonic()
            sent = self.ami.send(bytes(raw))
        sent.result()  # only now: the server's thread may be waiting for the lock, to answer a question
        return at

    def look(self, linked: str) -> Look:
        """What a panel has to show of a call."""
        with self._lock:
            channels = self._channels.of(linked)
            call = live_call(channels, ENDPOINTS) if channels else None
        return OVER if call is None else (call.state, call.extensions)

    def looks(self) -> dict[str, Look]:
        """What a panel has to show, by the documents' ids."""
        with self._lock:
            linkedids = set(self._channels.linkedids())
        looks = {self.identity(linked): self.look(linked) for linked in linkedids}
        return {key: look for key, look in looks.items() if look != OVER}

    def _answer(self, action: str) -> list[Event]:
        if action == "CoreShowChannels":
            with self._lock:
                return listing(self._channels)
        return [
            {key: value for key, value in item.items() if key != "ActionID"}
            for item in self._lists.get(action, ())
        ]


def config(
    folder: Path,
    database: CdrDatabase,
    cluster: OpenSearchCluster,
    pbx: Pbx,
    *,
    section: Mapping[str, Any] | None = None,
    listens: bool = True,
) -> Path:
    """An agent's configuration with a store's usual pauses.

    Args:
        folder: Where it and the spool lie.
        section: ``output.forward``, where it does not send to the cluster itself.
        listens: Whether it listens to the PBX.
    """
    file = write_config(folder, database, cluster, store=pbx.store, poll_seconds=5, trunks=["acme"])
    lines = file.read_text(encoding="utf-8").splitlines()
    if section is not None:
        lines = [line for line in lines if not line.startswith("output.")]
        lines += ['output.kind = "forward"']
        lines += [f"output.forward.{name} = {json.dumps(value)}" for name, value in section.items()]
    lines += [f"ami.{name} = {json.dumps(value)}" for name, value in _ami(pbx, listens=listens).items()]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _ami(pbx: Pbx, *, listens: bool) -> dict[str, Any]:
    return {"enabled": listens, "port": pbx.ami.port, "secret": pbx.ami.secret if listens else ""}


def searched(cluster: OpenSearchCluster, condition: Mapping[str, Any]) -> dict[str, Look]:
    """What one search finds on the panel, by the documents' ids; up to 1,000 calls."""
    query = {"query": condition, "_source": ["live.state", "live.extensions"], "size": 1000}
    try:
        hits = cluster.request("POST", f"/{INDEX}/_search", query)["hits"]["hits"]
    except HTTPError:  # the index is being made
        return {}
    return {hit["_id"]: _look(hit["_source"]["live"]) for hit in hits}


def held(cluster: OpenSearchCluster, key: str) -> Look | None:
    """What the index holds of a call, searchable or not."""
    try:
        return _look(cluster.request("GET", f"/{INDEX}/_doc/{key}")["_source"]["live"])
    except HTTPError:
        return None


def _look(live: Mapping[str, Any]) -> Look:
    return OVER if live["state"] == ENDED else (live["state"], tuple(live.get("extensions", ())))
