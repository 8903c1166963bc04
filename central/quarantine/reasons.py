"""What a reason of the quarantine means, and what mends it: in words."""

import re
from typing import Final, NamedTuple

from central.generate.pipeline import WHOLE
from central.quarantine.kept import GATE, ROW, Kept


class Words(NamedTuple):
    """Of a reason: what it means, and what mends it."""

    means: str
    mends: str


_RELEASE: Final = "then run central quarantine release"
_CLAIMED: Final = "where it is really that store's, release it with --as-store STORE"
_GATE: Final = {
    "gate.proof": Words(
        "the record is not proved with the credential of the store that it names: an agent with an old "
        "token, or somebody who writes under its name",
        f"give the store its credential anew (central stores enrol STORE --renew); {_CLAIMED}",
    ),
    "gate.unknown_store": Words(
        "the store that it names has no credential, or it was revoked",
        f"enrol it (central stores enrol STORE); {_CLAIMED}",
    ),
    "gate.mark": Words(
        "its _id does not begin with the mark of the store that it names: it could overwrite another store's",
        "correct store.id in that agent, and let it send anew (shipper backfill); it cannot be released",
    ),
    "gate.tag": Words(
        "it was sent under a tag that no index takes: an agent newer than the gate, or something else",
        f"bring the gate up to date (central gate init); {_CLAIMED}",
    ),
    "gate.dataset": Words("it is another kind of document than its tag is for", _CLAIMED),
    "gate.event_id": Words(
        "it has no event.id, or one that is no text or longer than 160 bytes", "it cannot be released"
    ),
    "gate.name": Words(
        "a field at its top has a name that begins with _: the cluster may take it for a part of the request",
        "it cannot be released",
    ),
    "gate.store_id": Words("it names no store, or not by a text", "it cannot be released"),
    "gate.sequence": Words("its event.sequence is no whole number", "it cannot be released"),
    "gate.value": Words(
        "it holds a number that is none in JSON, or a whole one beyond 2^53, which is kept as a text; or a "
        "field's name longer than 1024 bytes, of which the rest is not kept",
        _CLAIMED,
    ),
    "gate.time": Words(
        "its time is before the year 2000 (of an event: over 100 days ago) or 40 days ahead: a wrong clock",
        f"set the clock of the PBX; {_CLAIMED}",
    ),
    "gate.register": Words("a heartbeat says what only head office says of a store", "it cannot be released"),
    "gate.failed": Words("the gate could not judge it", _CLAIMED),
}
_CHECK: Final = (
    (
        r": a name must not be empty or hold a dot$",
        "the name of a column is empty, or holds a dot",
        "rename it",
    ),
    (r": an object where a single value belongs$", "an object stands where a single value belongs", ""),
    (r": a single value where an object belongs$", "a single value stands where an object belongs", ""),
    (r": a list of objects or lists$", "a list holds objects or lists, which no field can", ""),
    (r": missing, or not a text$", "a field without which no document is taken is missing, or no text", ""),
    (r": not a time in UTC", "the time is none, or not in UTC", ""),
    (
        r": a name by which requests steer",
        "a field has a name that the cluster takes for a part of the request",
        "",
    ),
    (r": not in the \w+ of the index", "it was sent to the index of another time than its own", ""),
    (r": not the same as the _id", "it was sent under another _id than its event.id", ""),
)
_AGENT: Final = "bring that store's agent up to date: none makes such documents"
_RULES: Final = {
    "integer": Words("a whole number is larger than 64 bits, which no index can hold", _AGENT),
    "http.max_content_length": Words(
        "the document is larger than the cluster takes in one request",
        f"raise http.max_content_length of the cluster, {_RELEASE}",
    ),
    "forward.largest_document": Words(
        "the document is larger than Fluent Bit takes",
        "run central quarantine release: it needs no Fluent Bit",
    ),
    "forward.time": Words(
        "the Forward protocol knows the years from 1970 to 2106 only",
        "set the clock of the PBX; where the time is right, run central quarantine release",
    ),
}

# What the index says where it refuses one field; the name of the field, then the object around it.
_FIELD: Final = (
    re.compile(r"failed to parse field \[(.+?)\] of type"),
    re.compile(r"object mapping for \[(.+?)\] tried to parse"),
    re.compile(r"dynamic introduction of \[(.+?)\] within \[(.+?)\] is not allowed"),
)


def path_in(reason: str) -> str:
    """The path of the field that the index names in its reason; `document` where it names none."""
    for pattern in _FIELD:
        if found := pattern.search(reason):
            within = [name for name in found.groups()[1:] if name != "_doc"]
            return ".".join([*within, found[1]])
    return WHOLE


def explain(kept: Kept) -> Words:
    """Say what the reason of a document means, and what mends it."""
    if kept.erased:
        return Words("central erase took a person out of it", "nothing: it cannot be released any more")
    if kept.stage == GATE:
        return _GATE.get(kept.rule, Words("the gate refused it", _CLAIMED))
    if kept.stage == ROW:
        return Words(
            f"the agent could make no valid document of it (rule {kept.rule or '-'} of its schema)",
            "mend the row, or bring the agent up to date; then shipper backfill at that store, "
            "then central quarantine release",
        )
    if kept.rule in _RULES:
        return _RULES[kept.rule]
    for pattern, means, mends in _CHECK if kept.stage == "ingest" else ():
        if re.search(pattern, kept.message):
            return Words(means, f"{mends or _AGENT}; where the pipeline was changed instead, {_RELEASE}")
    return Words(
        f"the cluster refused it ({kept.rule or 'no rule is known'}): see the message",
        f"mend what it names (often central install, after an upgrade), {_RELEASE}",
    )
