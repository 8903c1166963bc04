"""What stores are like now, and what went wrong: heartbeats, calls in progress, events, refusals, findings.

All are made by the agent's own functions, or the audit's, and go through the real pipelines; only the time at
which a heartbeat came is set afterwards, as no test can wait for two hours. What is meant stands beside it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from opensearchpy import OpenSearch

from central.alerts.evaluate import Raised
from central.alerts.memory import Memory
from central.audit.compare import Day, Held, Verdict
from central.audit.run import _finding
from central.client import Connection
from compose.demo.ship import central
from compose.simulator import StoreProfile
from compose.stack import OpenSearchCluster
from shipper.assembly.builder import identify_call
from shipper.document.clock import StoreClock, stamp
from shipper.document.heartbeat import OFF, State, heartbeat
from shipper.document.model import Document, Origin, encode
from shipper.document.quarantine import Quarantine
from shipper.document.validate import Invalid
from shipper.live.calls import Direction, LiveCall, LiveParty
from shipper.live.events import EventWriter
from shipper.live.judge import Kept
from shipper.live.writing import LiveWriter, Shown
from shipper.numbering import reader
from tests.dashboards.documents import VERSION, origin_of, privacy_of, send

MIB: Final = 1024 * 1024


class Kind(NamedTuple):
    """A state that a store may be in; see `heartbeat.State` for what is not explained.

    Attributes:
        seen_seconds: How long ago head office heard of it; None: never.
        lag_seconds: How long the oldest document has waited; 0: none waits.
        documents: How many wait.
        revoked: Head office has let it go.
        is_complete: Everything of it until less than ten minutes ago has arrived.
    """

    seen_seconds: int | None
    lag_seconds: int = 0
    documents: int = 0
    reading: str = ""
    sending: str = ""
    ami: str = ""
    refused: int = 0
    full: bool = False
    version: str = VERSION
    revoked: bool = False
    is_complete: bool = False


KINDS: Final = {
    "fresh": Kind(20, is_complete=True),
    "fresh, a little late": Kind(15, lag_seconds=240, documents=40, is_complete=True),
    "deaf to its PBX": Kind(25, ami=OFF, is_complete=True),
    "lagging": Kind(30, lag_seconds=2_700, documents=1_234, sending="head office does not answer"),
    "full": Kind(10, lag_seconds=86_400, documents=900_000, full=True),
    "reading not": Kind(12, reading="the table cannot be read: access denied"),
    "refusing": Kind(18, refused=3, is_complete=True),
    "silent": Kind(7_200),
    "silent for a while": Kind(400, is_complete=True),
    "never seen": Kind(None),
    "revoked": Kind(86_400 * 9, revoked=True),
    "old agent": Kind(22, version="0.0.9", is_complete=True),
}


@dataclass(frozen=True)
class StoreState:
    """One store now.

    Attributes:
        store: Which.
        name: Of its kind.
        kind: Its kind.
        last_seen: When head office heard of it.
    """

    store: StoreProfile
    name: str
    kind: Kind
    last_seen: datetime | None

    @property
    def until(self) -> datetime | None:
        """Until when everything of it has arrived, as far as it can be told."""
        return self.last_seen and self.last_seen - timedelta(seconds=self.kind.lag_seconds)


def forget(cluster: OpenSearchCluster) -> None:
    """Take away what the functions below have put there, but for what the heartbeats said."""
    cluster.request("DELETE", "/pabx-events-*,pabx-quarantine-*,pabx-audit-*?ignore_unavailable=true")
    now = "/pabx-live,pabx-alerts/_delete_by_query?refresh=true&ignore_unavailable=true&conflicts=proceed"
    cluster.request("POST", now, {"query": {"match_all": {}}})
    central(cluster.url, "install")


def beat(cluster: OpenSearchCluster, stores: Sequence[StoreProfile], now: datetime) -> list[StoreState]:
    """Let stores' agents tell of themselves, each kind in turn; to be done shortly before it is looked at.

    Args:
        cluster: Where the stores are registered.
        stores: Which.
        now: What all times are counted from: the machine's clock, by which panels look.
    """
    names = list(KINDS)
    states = []
    for number, store in enumerate(stores):
        name = names[number % len(names)]
        ago = KINDS[name].seen_seconds
        seen = None if ago is None else (now - timedelta(seconds=ago)).replace(microsecond=0)
        states.append(StoreState(store, name, KINDS[name], seen))
    sent = [_heartbeat(state) for state in states if state.last_seen is not None]
    assert set(send(cluster, sent)) <= {"pabx-stores"}
    lines: list[dict[str, Any]] = []
    for state in states:
        if state.last_seen is not None:
            said: dict[str, Any] = {"last_seen": stamp(state.last_seen)}
            if state.kind.revoked:
                said["revoked_at"] = stamp(state.last_seen)
            lines += [{"update": {"_id": state.store.id}}, {"doc": {"store": said}}]
    if lines:
        body = "".join(json.dumps(line) + "\n" for line in lines)
        path = "/pabx-stores/_bulk?pipeline=_none&refresh=true"
        assert not cluster.request("POST", path, body)["errors"]
    return states


def _heartbeat(state: StoreState) -> Document:
    assert state.last_seen is not None
    kind, now = state.kind, state.last_seen
    told = State(
        documents=kind.documents,
        used_bytes=kind.documents * 1_000,
        limit_bytes=512 * MIB,
        full=kind.full,
        oldest=now.timestamp() - kind.lag_seconds if kind.documents else None,
        refused=kind.refused,
        acknowledged=now.timestamp() - kind.lag_seconds,
        reading=kind.reading,
        sending=kind.sending,
        spool="full" if kind.full else "",
        ami=kind.ami,
        pbx={} if kind.ami else {"calls_now": 2, "extensions_registered": 5, "extensions_unregistered": 1},
    )
    origin = Origin(state.store.id, state.store.timezone, kind.version)
    return heartbeat(origin, told, now)


CallState = Literal["ringing", "talking", "queued", "on_hold", "ended"]


class Now(NamedTuple):
    """A call in progress as it is meant; `heard_seconds` ago head office heard of it."""

    store: StoreProfile
    state: str
    direction: str
    heard_seconds: int
    key: str

    @property
    def on_panel(self) -> bool:
        """It goes on, as far as head office knows: heard of within 90 seconds."""
        return self.state != "ended" and self.heard_seconds < 90


LIVE: Final[tuple[tuple[CallState, Direction, int], ...]] = (
    ("ringing", "inbound", 0),
    ("queued", "inbound", 0),
    ("talking", "outbound", 0),
    ("on_hold", "inbound", 0),
    ("talking", "internal", 0),
    ("ended", "inbound", 0),
    ("talking", "inbound", 300),
)


def calls_now(
    cluster: OpenSearchCluster, stores: Sequence[StoreProfile], now: datetime, *, most: int = 3
) -> list[Now]:
    """Let the first stores have calls of every state, among them one that is over and one not heard of again.

    Args:
        cluster: Where.
        stores: The chain's.
        now: The machine's clock; the documents' own times are the pipeline's.
        most: How many stores telephone; the first has one call of each kind, the others the first kinds only.
    """
    found, documents = [], []
    for number, store in enumerate(stores[:most]):
        read, identity = reader("BR", store.area_code), identify_call(store.id)
        writer = LiveWriter(origin_of(store), identity, read, privacy_of(store))
        for place, (state, direction, ago) in enumerate(LIVE[: len(LIVE) - 2 * number]):
            begin = now.timestamp() - ago - 45
            linked = f"{int(begin)}.{place}"
            inside, outside = LiveParty("101", "Caixa 1", "101"), LiveParty(f"{store.area_code}987654321")
            incoming = direction == "inbound"
            source = outside if incoming else inside
            destination = (
                inside if incoming else LiveParty("102", "", "102") if direction == "internal" else outside
            )
            rings, talks = state in {"ringing", "queued"}, state == "talking"
            call = LiveCall(
                linked_ids=(linked,),
                state="talking" if state == "ended" else state,
                machine=False,
                direction=direction,
                trunk="" if direction == "internal" else store.trunks[0].name,
                queue="400" if state == "queued" else "",
                did=store.dids[0].number if incoming else "",
                group="",
                source=source,
                destination=destination,
                extensions=("101",),
                ringing=("101",) if rings else (),
                talking=("101",) if talks else (),
                trunks=() if direction == "internal" else (store.trunks[0].name,),
                begin=begin,
            )
            shown = Shown(linked, call, state, begin + 5, now.timestamp() - ago, int(now.timestamp() * 1000))
            document = writer.write(shown)
            assert document is not None
            # The gate's stamp: when it passed there; the pipeline believes no later one than its own.
            body = json.loads(document.body) | {"arrived": stamp(now - timedelta(seconds=ago))}
            documents.append(document._replace(body=encode(body).encode()))
            found.append(Now(store, state, direction, ago, document.id))
    assert set(send(cluster, documents)) <= {"pabx-live"}
    cluster.request("POST", "/pabx-live/_refresh")
    return found


EVENTS: Final = (
    ("ContactStatus", Kept("contact-lost", "warning", "Extension 101 is gone.", "101", "extension")),
    ("Registry", Kept("registration-lost", "error", "Trunk oi is refused.", "oi", "trunk", "Rejected")),
    ("InvalidPassword", Kept("login-failed", "warning", "Wrong password.", "900", "account")),
    ("TrunkPeak", Kept("trunk-peak", "info", "Trunk vivo: 7 calls at once.", "vivo", "trunk", calls=7)),
)


def events(cluster: OpenSearchCluster, stores: Sequence[StoreProfile], at: datetime) -> dict[str, list[str]]:
    """Let each store's PBX say everything of `EVENTS` once; gives the actions by the store's id."""
    found, documents = {}, []
    for store in stores:
        writer = EventWriter(origin_of(store), identify_call(store.id), privacy_of(store))
        documents += [document for name, kept in EVENTS for document in writer.write(name, kept, at)]
        found[store.id] = [kept.action for _, kept in EVENTS]
    assert all(index.startswith("pabx-events-") for index in send(cluster, documents))
    cluster.request("POST", "/pabx-events-*/_refresh")
    return found


class Refused(NamedTuple):
    """A document that was refused, as it is meant."""

    store: StoreProfile
    stage: str
    path: str
    rule: str


def quarantine(cluster: OpenSearchCluster, stores: Sequence[StoreProfile], at: datetime) -> list[Refused]:
    """Let each store's agent refuse a row, and the pipeline a document of each second store.

    Args:
        cluster: Where.
        stores: Which.
        at: When the agents refuse; what the pipeline refuses is of now.
    """
    found, documents = [], []
    month = f"{at:%Y.%m}"
    for number, store in enumerate(stores):
        origin = origin_of(store)
        refused = Quarantine(origin).document(
            identify_call(store.id)("refused"),
            stage="document",
            dataset="pabx.cdr",
            index=f"pabx-cdr-{month}",
            document={"cdr": {"duration": -5}},
            reason=Invalid("cdr.duration", "minimum", "cdr.duration: must be 0 or more"),
            created=stamp(at),
        )
        documents.append(refused)
        found.append(Refused(store, "document", "cdr.duration", "minimum"))
        if number % 2 == 0:
            key = identify_call(store.id)("broken")
            body = {
                "@timestamp": stamp(at),
                "event": {"id": key, "kind": "event", "dataset": "pabx.cdr", "created": stamp(at)},
                "store": {"id": store.id},
                "agent": {"version": VERSION},
                "cdr": {"src": {"no": "text"}},
            }
            documents.append(Document(f"pabx-cdr-{month}", key, encode(body).encode()))
            found.append(Refused(store, "ingest", "cdr.src", "check"))
    assert all(index.startswith("pabx-quarantine-") for index in send(cluster, documents))
    cluster.request("POST", "/pabx-quarantine-*/_refresh")
    return found


class Alert(NamedTuple):
    """An alert as it is meant; `since` whole seconds, `over`: it has ended."""

    store: StoreProfile
    finding: str
    severity: int
    since: datetime
    over: bool


def alerts(cluster: OpenSearchCluster, stores: Sequence[StoreProfile], now: datetime) -> list[Alert]:
    """Let the watch have found something at each second store, which is over at each fourth.

    Args:
        cluster: Where.
        stores: Which.
        now: What their times are counted from.
    """
    found, lines = [], []
    for number, store in enumerate(stores[::2]):
        since = (now - timedelta(minutes=7 * number + 1)).replace(microsecond=0)
        finding, severity = (("agent_silent", 1), ("clock_wrong", 3), ("quarantine", 3))[number % 3]
        one = Alert(store, finding, severity, since, over=number % 2 == 1)
        raised = Raised(finding, severity, store.id, f"{store.id},{store.name}")
        about = {"id": store.id, "name": store.name, "region": store.region, "city": store.city}
        memory = Memory(OpenSearch(cluster.url), Connection(cluster.url))
        key, body = memory.begun(raised, since.timestamp(), about, "ALERTA")
        if one.over:
            body["alert"] |= {"state": "completed", "until": stamp(now)}
        lines += [{"index": {"_id": key}}, body]
        found.append(one)
    if lines:
        text = "".join(json.dumps(line) + "\n" for line in lines)
        answer = cluster.request("POST", "/pabx-alerts/_bulk?pipeline=_none&refresh=true", text)
        assert not answer["errors"], answer
    return found


class Found(NamedTuple):
    """A finding of the audit, as it is meant."""

    store: StoreProfile
    day: str
    state: str
    rows: int
    index_rows: int


def findings(cluster: OpenSearchCluster, stores: Sequence[StoreProfile], day: str) -> list[Found]:
    """Let the audit have found one row missing in each third store, healed in each sixth.

    Args:
        cluster: Where.
        stores: Which.
        day: `2026-09-01`, of the stores' calendars.
    """
    found, lines = [], []
    for number, store in enumerate(stores):
        if number % 3:
            continue
        clock = StoreClock(store.timezone)
        begin = datetime.fromisoformat(day).replace(tzinfo=clock.zone).astimezone(UTC)
        rows = 100 + number
        report = {"@timestamp": stamp(begin, "seconds"), "rows": rows, "calls": 40, "as_of": stamp(begin)}
        held = Held()
        held.account.rows, held.account.calls = rows - 1, 40
        differs = Day(store.id, day, Verdict.DIFFERS, "1 row missing", report, held)
        document = _finding(differs, "differs", None, begin + timedelta(days=1))
        if number % 6 == 3:
            held = Held()
            held.account.rows, held.account.calls = rows, 40
            healed = Day(store.id, day, Verdict.EQUAL, "", report, held)
            document = _finding(healed, "healed", document["audit"], begin + timedelta(days=2))
        key = document["event"]["id"]
        index = f"pabx-audit-{document['@timestamp'][:4]}.{document['@timestamp'][5:7]}"
        lines.append(Document(index, key, encode(document).encode(), "index"))
        audit = document["audit"]
        found.append(Found(store, day, audit["state"], audit["rows"], audit["index_rows"]))
    assert all(index.startswith("pabx-audit-") for index in send(cluster, lines))
    cluster.request("POST", "/pabx-audit-*/_refresh")
    return found
