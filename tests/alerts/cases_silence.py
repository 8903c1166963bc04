"""Cases of silence: all stores, a region, one agent, one PBX, no calls, never heard."""

from typing import Any

from tests.alerts.bodies import never_heard, store
from tests.alerts.build import HEARD_LONG_AGO, KEYS, LIMITS, SILENT, alone, of_store, scene
from tests.alerts.scene import Ago, Case, Document, Scene

# What `store.watch` says counts so long; older than the store's own word by as much it is not heeded at all.
FRESH = 300
PBX = int(LIMITS["pbx_silent"]["seconds"])
READ = int(LIMITS["idle"]["read_seconds"])
NEVER = LIMITS["never_seen"]["hours"] * 3600
TROUBLES = (
    "reading_wrong_seconds",
    "ami_wrong_seconds",
    "trunks_down_seconds",
    "extensions_gone_seconds",
)


def _silent_agent() -> tuple[Case, ...]:
    grouped = {"group": "region", "group_until": Ago(0)}
    unwatched: dict[str, Any] = {"silent_open_seconds": 0, "at": Ago(SILENT + 1 + FRESH + 1)}
    return (
        of_store(
            "agent_silent",
            "while open",
            HEARD_LONG_AGO,
            {
                "heard just so long ago": {"last_seen": Ago(SILENT)},
                "open for one second less": {"watch": {"silent_open_seconds": SILENT - 1}},
                "with its region": {"watch": grouped},
                "with all stores": {"watch": {**grouped, "group": "chain"}},
            },
            heard=False,
        ),
        of_store(
            "agent_silent",
            "no longer grouped",
            {
                **HEARD_LONG_AGO,
                "watch": {"silent_open_seconds": SILENT, "group": "region", "group_until": Ago(1)},
            },
            {},
            heard=False,
        ),
        of_store(
            "agent_silent",
            "the watch had stopped before",
            {"last_seen": Ago(SILENT + 1), "watch": unwatched},
            {"it had not": {"watch": {"at": Ago(SILENT + 1 + FRESH)}}},
            closes={
                "heard again": {"watch": unwatched},
                "the watch runs, and the store is closed": {
                    "last_seen": Ago(SILENT + 1),
                    "watch": {"open": False},
                },
            },
            heard=False,
        ),
        Case(
            "agent_silent",
            "never watched",
            scene(store(last_seen=Ago(SILENT + 1), watch=None), agent_silent=(KEYS,)),
            {"heard just so long ago": scene(store(last_seen=Ago(SILENT), watch=None))},
            {"heard again": scene(store(watch=None))},
        ),
    )


def _silent_pbx() -> tuple[Case, ...]:
    night = {"watch": {"open": False}}
    cases = [
        of_store("pbx_silent", name, {name: PBX}, {"one second less": {name: PBX - 1}})
        for name in TROUBLES[:3]
    ]
    gone = TROUBLES[3]
    cases += [
        of_store("pbx_silent", gone, {gone: PBX}, {"one second less": {gone: PBX - 1}, "at night": night}),
        of_store(
            "pbx_silent",
            f"{gone}, and nobody knows whether it is open",
            {gone: PBX, "watch": {"open": False, "at": Ago(FRESH + 1)}},
            {"known to be closed": {"watch": {"at": Ago(FRESH)}}},
        ),
        of_store(
            "pbx_silent",
            "all of it, at night",
            {**dict.fromkeys(TROUBLES, PBX), **night, "trunks_down": ["vivo"], "trunks_up": None},
            {},
        ),
    ]
    return tuple(cases)


def _idle() -> tuple[Case, ...]:
    fires: dict[str, Any] = {
        "read_seconds": READ,
        "usual": {"limit": 11.2},
        "watch": {"expected_calls": 11.2, "at": Ago(FRESH)},
    }
    case = of_store(
        "idle",
        "as many calls as chance explains",
        fires,
        {
            "a hundredth of a call less": {"watch": {"expected_calls": 11.19}},
            "no limit was learned": {"usual": {"limit": None}},
            "its limit is nought": {"usual": {"limit": 0}},
            "the table was read a second earlier": {"read_seconds": READ + 1},
            "the table was never read": {"read_seconds": None},
            "somebody is on the phone": {"calls_now": 1},
            "it was measured a second earlier": {"watch": {"at": Ago(FRESH + 1)}},
            "nothing was measured": {"watch": {"expected_calls": None}},
        },
        closes={
            "a call": {**fires, "watch": {"expected_calls": 0.0}},
            "somebody calls": {**fires, "calls_now": 1},
            "all is well": {},
        },
    )
    troubled = {
        f"the PBX is silent, {name}": scene(
            store(**{**fires, name: PBX}),
            pbx_silent=(KEYS,),
        )
        for name in TROUBLES
    }
    asleep = {**fires, TROUBLES[3]: PBX, "watch": {**fires["watch"], "open": False}}
    return (
        Case("idle", case.name, case.fires, {**case.misses, **troubled}, case.closes),
        of_store("idle", "telephones off after closing time", asleep, {}),
    )


def _never_seen() -> tuple[Case, ...]:
    late = never_heard(registered_at=Ago(NEVER + 1))
    return (
        Case(
            "never_seen",
            "a day and a second",
            scene(late, never_seen=(KEYS,)),
            {
                "a day": scene(never_heard(registered_at=Ago(NEVER))),
                "heard once": scene(store(registered_at=Ago(NEVER + 1))),
                "closed for good": scene(never_heard(registered_at=Ago(NEVER + 1), watch={"closed": True})),
                "shut out": scene(never_heard(registered_at=Ago(NEVER + 1), revoked_at=Ago(60))),
            },
            {"heard": scene(store(registered_at=Ago(NEVER + 1)))},
        ),
    )


def _names(first: int, count: int) -> list[str]:
    return [f"Loja{first + number:03}" for number in range(count)]


def _keys(names: list[str]) -> tuple[str, ...]:
    return tuple(f"{name},Loja {name[4:]}" for name in names)


def _group(names: list[str], **changes: Any) -> tuple[Document, ...]:
    return tuple(store(name, **changes) for name in names)


def _together(finding: str, kind: str, key: str, region: dict[str, str]) -> tuple[Case, ...]:
    """Most of a region, or of all stores."""
    limit = LIMITS["region_silent"]  # for both
    seconds, least, share = int(limit["seconds"]), int(limit["stores"]), limit["share"]
    most_heard = int(least * (1 - share) / share + 1e-9)
    # Long enough for an alert of its own, which the group takes.
    silence: dict[str, Any] = {**region, "last_seen": Ago(max(SILENT, seconds) + 1)}
    grouped: dict[str, Any] = {"group": kind, "group_until": Ago(0), "silent_open_seconds": SILENT}
    single = {"silent_open_seconds": SILENT}
    silent, heard = _names(101, least), _group(_names(201, most_heard), **region)
    # Of a region: so many are heard elsewhere that it is not all of them.
    elsewhere = _group(_names(301, 3 * least)) if region else ()
    few = _names(101, least - 1)
    half = int(seconds / 2)
    brief = {**region, "last_seen": Ago(seconds + 1)}
    stopped = seconds + 1 + FRESH

    def with_(*documents: Document, **raised: tuple[str, ...]) -> Scene:
        return alone(*documents, *elsewhere, **raised)

    fires = with_(*_group(silent, **silence, watch=grouped), *heard, **{finding: (key,)})
    return (
        Case(
            finding,
            "most of them",
            fires,
            {
                "one store too few": with_(*_group(few, **silence, watch=single), agent_silent=_keys(few)),
                "one more is heard": with_(
                    *_group(silent, **silence, watch=single),
                    *heard,
                    *_group(_names(251, 1), **region),
                    agent_silent=_keys(silent),
                ),
                "heard just so long ago": with_(
                    *_group(silent, **region, last_seen=Ago(seconds), watch={"silent_open_seconds": half}),
                    *heard,
                ),
                "most of them are closed": with_(
                    *_group(silent, **brief, watch={"silent_open_seconds": half - 1}), *heard
                ),
                "never heard": with_(
                    *(never_heard(name, registered_at=Ago(3600), **region) for name in silent), *heard
                ),
                "shut out": with_(*_group(silent, **silence, watch=grouped, revoked_at=Ago(60)), *heard),
                "closed for good": with_(
                    *_group(silent, **silence, watch={**grouped, "closed": True}), *heard
                ),
                "the watch had not stopped": with_(
                    *_group(silent, **brief, watch={"silent_open_seconds": 0, "at": Ago(stopped)}),
                    *heard,
                ),
            },
            {
                "all are heard": with_(*_group(silent, **region), *heard),
                "all but two are heard": with_(
                    *_group(silent[:2], **silence, watch=single),
                    *_group(silent[2:], **region),
                    *heard,
                    agent_silent=_keys(silent[:2]),
                ),
            },
        ),
        Case(
            finding,
            "before they have alerts of their own",
            with_(*_group(silent, **brief, watch={"silent_open_seconds": half}), *heard, **{finding: (key,)}),
            {},
            {"all are heard": with_(*_group(silent, **region), *heard)},
        ),
        Case(
            finding,
            "the watch had stopped before",
            with_(
                *_group(silent, **brief, watch={"silent_open_seconds": 0, "at": Ago(stopped + 1)}),
                *heard,
                **{finding: (key,)},
            ),
            {},
            {"all are heard": with_(*_group(silent, **region), *heard)},
        ),
    )


def _region() -> tuple[Case, ...]:
    cases = _together("region_silent", "region", "Sul", {"region": "Sul"})
    limit = LIMITS["region_silent"]
    names = _names(101, int(limit["stores"]))
    silence: dict[str, Any] = {"last_seen": Ago(SILENT + 1)}
    of_all = {"silent_open_seconds": SILENT, "group": "chain", "group_until": Ago(0)}
    whole = {
        "part of all stores' silence": alone(
            *_group(names, region="Sul", **silence, watch=of_all), chain_silent=("pabx.store",)
        ),
        "stores without a region": alone(
            *_group(names, region=None, **silence, watch={**of_all, "group": "region"}),
            *_group(_names(301, 3 * len(names))),
        ),
    }
    first = cases[0]
    return (
        Case(first.finding, first.name, first.fires, {**first.misses, **whole}, first.closes),
        *cases[1:],
    )


CASES: tuple[Case, ...] = (
    *_together("chain_silent", "chain", "pabx.store", {}),
    *_region(),
    *_silent_agent(),
    *_silent_pbx(),
    *_idle(),
    *_never_seen(),
)
