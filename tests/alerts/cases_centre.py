"""Cases of head office's own side: the gate, the audit, the quarantine, strangers, what has to run."""

from collections.abc import Mapping
from typing import Any

from tests.alerts.bodies import DAY, GIB, audit, gate, quarantined, store
from tests.alerts.build import LIMITS, SILENT, alone, scene
from tests.alerts.scene import Ago, Case

HOST = ("entrada-1",)
WATCH = int(LIMITS["watch_silent"]["seconds"])
LEARNED = LIMITS["usual_old"]["days"] * DAY


def _gate_case(name: str, changes: Mapping[str, Any], misses: Mapping[str, Mapping[str, Any]]) -> Case:
    """One thing that is wrong with one of two gates."""
    other = gate("entrada-2")
    near = {what: scene(gate(**{**changes, **more}), other) for what, more in misses.items()}
    near["taken away a month ago"] = scene(gate(**{**changes, "last_seen": Ago(30 * DAY + 1)}), other)
    return Case(
        "gate_trouble",
        name,
        scene(gate(**changes), other, gate_trouble=HOST),
        near,
        {"all is well": scene(gate(), other)},
    )


def _gates() -> tuple[Case, ...]:
    limit = LIMITS["gate_trouble"]
    silent, retries = int(limit["silent_seconds"]), int(limit["retries_per_minute"])
    waiting, free = int(limit["waiting_seconds"]), int(limit["free_gigabytes"] * GIB)
    days = int(limit["certificate_days"])
    return (
        _gate_case("silent", {"last_seen": Ago(silent + 1)}, {"a second less": {"last_seen": Ago(silent)}}),
        _gate_case("silent for a month", {"last_seen": Ago(30 * DAY)}, {}),
        _gate_case("unhealthy", {"state": "unhealthy"}, {"healthy": {"state": "ok"}}),
        _gate_case("down", {"state": "down"}, {}),
        _gate_case("drops", {"dropped_per_minute": 1}, {"nothing": {"dropped_per_minute": 0}}),
        _gate_case(
            "repeats", {"retries_per_minute": retries}, {"one less": {"retries_per_minute": retries - 1}}
        ),
        _gate_case("waits", {"oldest_seconds": waiting}, {"a second less": {"oldest_seconds": waiting - 1}}),
        _gate_case("takes in nothing", {"input_paused": True}, {"takes it in": {"input_paused": False}}),
        _gate_case("its disk is full", {"free_bytes": free - 1}, {"a byte more": {"free_bytes": free}}),
        _gate_case(
            "its certificate ends",
            {"certificate_days": days - 1},
            {"a day later": {"certificate_days": days}},
        ),
    )


def _watch() -> tuple[Case, ...]:
    late = {"at": Ago(WATCH + 1)}
    key = ("pabx.store",)
    first = alone(store(watch=late), store("Loja002", watch=None), watch_silent=key)
    old = {"learned_at": Ago(LEARNED + 1)}
    return (
        Case(
            "watch_silent",
            "no store was measured",
            first,
            {
                "one was, just so long ago": alone(
                    store(watch={"at": Ago(WATCH)}), store("Loja002", watch=None)
                ),
                "all stores are new": alone(store(watch=late, registered_at=Ago(600))),
                "there is no store": alone(),
                "the only one is shut out": alone(store(watch=late, revoked_at=Ago(60))),
            },
            {"it runs": alone(store(), store("Loja002"))},
        ),
        Case(
            "watch_silent",
            "ten minutes after the first store",
            alone(store(watch=None, registered_at=Ago(601)), watch_silent=key),
            {},
            {"it runs": alone(store(registered_at=Ago(601)))},
        ),
        Case(
            "usual_old",
            "no store was learned",
            alone(store(usual=old), store("Loja002", usual=None), usual_old=key),
            {
                "one was, just so long ago": alone(
                    store(usual={"learned_at": Ago(LEARNED)}), store("Loja002", usual=None)
                ),
                "all stores are new": alone(store(usual=None, registered_at=Ago(LEARNED))),
                "the only one is closed for good": alone(store(usual=old, watch={"closed": True})),
                "there is no store": alone(),
            },
            {"it ran": alone(store(), store("Loja002"))},
        ),
    )


CASES: tuple[Case, ...] = (
    *_gates(),
    Case(
        "audit_difference",
        "a day that differs",
        scene(store(), audit(), audit_difference=("Loja001",)),
        {
            "healed": scene(store(), audit(state="healed", healed_at=Ago(60))),
            "what the store counted": scene(store(), audit(kind="report", state=None)),
            "none": scene(store()),
        },
        {"healed": scene(store(), audit(state="healed", healed_at=Ago(60)))},
    ),
    Case(
        "quarantine",
        "a store's document",
        scene(store(), quarantined(), quarantine=("Loja001",)),
        {"none": scene(store())},
        {"released": scene(store())},
    ),
    Case(
        "quarantine",
        "nobody knows whose",
        scene(store(), quarantined(None), quarantine=("-",)),
        {},
        {"released": scene(store())},
    ),
    Case(
        "unregistered",
        "a store that is not in the register",
        scene(store(registered_at=None, last_seen=Ago(SILENT)), unregistered=("Loja001",)),
        {
            "silent by now": scene(store(registered_at=None, last_seen=Ago(SILENT + 1))),
            "registered": scene(store(last_seen=Ago(SILENT))),
        },
        {
            "registered": scene(store()),
            "it sends no more": scene(store(registered_at=None, last_seen=Ago(3600))),
        },
    ),
    *_watch(),
)
