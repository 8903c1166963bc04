"""Brings OpenSearch Dashboards to what is shipped: reads what it has, and sends only what differs."""

from collections.abc import Sequence
from typing import Any, Final

from central.errors import CentralError
from central.plan import Action, Resource, Step
from central.saved_objects.compare import steps
from central.saved_objects.files import SavedObject
from central.saved_objects.server import MAY_WRITE, Server

DEFAULT_INDEX: Final = "pabx-calls"
"""Id of the index pattern that Discover begins with where none is chosen."""

# What it is, and why it is not there.
_Refusal = tuple[str, str]
_SETTINGS: Final = {"default index pattern": "defaultIndex", "number format": "format:number:defaultLocale"}
# Measured: without it, `$` in a format is a dollar sign; numeral.js has no name for English with reais.
_NUMBERS: Final = {"pt-BR": "pt-br"}
_SHOWN: Final = 3
_MISSING: Final = ", which is missing"


def plan(server: Server, objects: Sequence[SavedObject], language: str) -> list[Step]:
    """List every object, and the settings at the end, with what has to be done with it.

    Args:
        server: OpenSearch Dashboards.
        objects: what is shipped.
        language: theirs; in Portuguese numbers are written as in Brazil.

    Raises:
        CentralError: OpenSearch Dashboards cannot be read.
    """
    planned = steps(objects, server.read(one.key for one in objects))
    there = ("index-pattern", DEFAULT_INDEX) in {one.key for one in objects}
    wanted = {
        "default index pattern": DEFAULT_INDEX if there else None,
        "number format": _NUMBERS.get(language),
    }
    chosen = server.settings()
    for kind, value in wanted.items():
        mine = chosen.get(_SETTINGS[kind])
        if mine is not None:  # whoever chose it had a reason
            planned.append(Step(Resource(kind, mine), Action.UNCHANGED, {}))
        elif value is not None:
            planned.append(Step(Resource(kind, value), Action.CREATE, {}))
    return planned


def apply(server: Server, objects: Sequence[SavedObject], planned: Sequence[Step]) -> None:
    """Send what differs in one file, and make sure that it is there afterwards.

    An answer of success alone proves nothing: one object that is refused can keep the others, which the
    answer lists as done, from being stored.

    Args:
        server: where.
        objects: what is shipped.
        planned: what `plan` gave for them.

    Raises:
        CentralError: something was refused, or is not there as it was sent.
    """
    late = [
        (step.resource.kind, step.resource.name) for step in planned if step.action is not Action.UNCHANGED
    ]
    sent = [one for one in objects if one.key in late]
    if sent:
        answer = server.import_lines([one.line for one in sent])
        refused = _refusals(answer)
        if refused:
            raise _left_out(server, "refused", refused)
        if answer.get("success") is not True or answer["successCount"] != len(sent):
            count = f"{answer['successCount']} of {len(sent)} saved objects were imported"
            raise CentralError(f"{server.url}: {count}, without a reason: look at its log, then run it again")
        lost = _lost(server, sent)
        if lost:
            raise _left_out(server, "not stored, although the import was answered with success", lost)
    for kind, value in late:
        if kind in _SETTINGS:
            server.set(_SETTINGS[kind], value)


def _lost(server: Server, sent: Sequence[SavedObject]) -> list[_Refusal]:
    found = steps(sent, server.read(one.key for one in sent))
    what = {Action.CREATE: "is not there", Action.CHANGE: "is there, but not as it was sent"}
    return [(str(step.resource), what[step.action]) for step in found if step.action in what]


def _refusals(answer: dict[str, Any]) -> list[_Refusal]:
    return [(f"{one['type']} {one['id']}", _why(one["error"])) for one in answer.get("errors") or []]


def _why(error: dict[str, Any]) -> str:
    if error["type"] == "missing_references":
        missing = ", ".join(f"{one['type']} {one['id']}" for one in error.get("references", []))
        return f"it needs {missing}{_MISSING}"
    return str(error.get("message") or str(error["type"]).replace("_", " "))


def _left_out(server: Server, how: str, what: Sequence[_Refusal]) -> CentralError:
    by_reason: dict[str, list[str]] = {}
    for name, why in what:
        by_reason.setdefault(why, []).append(name)
    told = [
        f"{names[0]}{f' and {len(names) - 1} more' if names[1:] else ''} ({why})"
        for why, names in by_reason.items()
    ]
    more = f", and for {len(told) - _SHOWN} more reasons" if len(told) > _SHOWN else ""
    mends = "OpenSearch Dashboards 2.8 or newer is needed; look at its log, then run it again"
    if any("no permissions for" in why for why in by_reason):
        mends = MAY_WRITE
    elif any(why.endswith(_MISSING) for why in by_reason):
        mends = "the shipped file is damaged: install the package again, or run: make generate"
    return CentralError(f"{server.url}: saved objects were {how}: {', '.join(told[:_SHOWN])}{more}: {mends}")
