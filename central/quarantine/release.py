"""Sends documents of the quarantine where they should have gone; what is taken leaves the quarantine.

A document is taken out only after the cluster has acknowledged it at its place. Killed in between, it is in
both; the next run is told that it is there already, and takes it out.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from central.quarantine.cluster import Cluster, Item
from central.quarantine.kept import Await, Kept, Send, Stay, decide
from central.quarantine.reasons import path_in
from shipper.document.quarantine import INDEX as QUARANTINE

_BATCH: Final = 200
_SHOWN: Final = 3
# A refusal for which the document can do nothing: the limit of shards, a closed index.
_CLUSTER_ERRORS: Final = {"validation_exception", "index_closed_exception"}


@dataclass
class Report:
    """What became of the documents.

    Attributes:
        dry_run: nothing was sent.
        released: `_id`s that are at their place now; in a dry run: that would be sent.
        there: `_id`s that were there already, and have left the quarantine.
        refused: `_id` -> why it was refused again.
        stays: `_id` -> why it was not sent.
        missing: `_id`s asked for that are not in the quarantine.
    """

    dry_run: bool
    released: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    stays: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all that was asked for has left the quarantine."""
        return not (self.refused or self.stays or self.missing)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON: the names are part of the outside of the program."""
        return {
            "dry_run": self.dry_run,
            "released": self.released,
            "there": self.there,
            "refused": [{"id": key, "reason": why} for key, why in self.refused.items()],
            "stays": [{"id": key, "reason": why} for key, why in self.stays.items()],
            "missing": self.missing,
        }

    def lines(self) -> list[str]:
        """The report in words."""
        would = "would be " if self.dry_run else ""
        told = [f"{len(self.released)} documents {would}{'sent again' if self.dry_run else 'released'}"]
        if self.there:
            told.append(f"{len(self.there)} were there already, and {would}taken out of the quarantine")
        for words, of in (("refused again", self.refused), ("stays", self.stays)):
            alike: dict[str, list[str]] = defaultdict(list)
            for key, why in of.items():
                alike[why].append(key)
            told += [f"{len(keys)} {words}: {_some(keys)}: {why}" for why, keys in alike.items()]
        told += [f"not in the quarantine: {key}" for key in self.missing]
        return told


def release(
    cluster: Cluster, query: dict[str, Any], keys: Sequence[str], *, as_store: str | None, dry_run: bool
) -> Report:
    """Release what a query finds.

    Args:
        cluster: with the quarantine.
        query: which documents.
        keys: `_id`s that were asked for by name; those that are not there are told.
        as_store: the store for whose authorship an operator vouches.
        dry_run: nothing is sent.

    Raises:
        CentralError: the cluster fails; what was released is released, run it again.
    """
    run = _Run(cluster, as_store, Report(dry_run))
    seen: set[str] = set()
    for places in cluster.places(query, _BATCH):
        kept = cluster.read(places)
        seen.update(one.id for one in kept)
        run.batch(kept)
    run.report.missing = [key for key in dict.fromkeys(keys) if key not in seen]
    return run.report


class _Run:
    def __init__(self, cluster: Cluster, as_store: str | None, report: Report) -> None:
        self._cluster = cluster
        self._as_store = as_store
        self._now = datetime.now(UTC)
        self.report = report

    def batch(self, documents: Sequence[Kept]) -> None:
        awaited: dict[str, list[tuple[Kept, Await]]] = defaultdict(list)
        wanted: list[tuple[Kept, Send]] = []
        own: list[tuple[Send, Kept]] = []
        for kept in documents:
            decision = decide(kept, self._as_store, self._now)
            if isinstance(decision, Stay):
                self.report.stays[kept.id] = decision.why
            elif isinstance(decision, Await):
                awaited[decision.indices].append((kept, decision))
            elif kept.dataset == "pabx.call" and self._cluster.became_another(decision.document):
                self.report.stays[kept.id] = (
                    "the rows of this call belong to another call by now: it would count twice; where it is "
                    f"missing, run at {kept.named_store}: shipper backfill --since {kept.day or 'DAY'} "
                    f"--until {kept.day or 'DAY'}"
                )
            elif (decision.index, decision.id) == (kept.index, kept.id):
                own.append((decision, kept))
            else:
                wanted.append((kept, decision))
        for indices, some in awaited.items():
            self._look(indices, some)
        if self.report.dry_run:
            self.report.released += [kept.id for kept in (*(k for k, _ in wanted), *(k for _, k in own))]
        else:
            self._send(wanted)
            self._send_own(own)

    def _look(self, indices: str, awaited: Sequence[tuple[Kept, Await]]) -> None:
        """Take out what has come by another way."""
        states = self._cluster.states(indices, [kept.id for kept, _ in awaited])
        come = []
        for kept, decision in awaited:
            state = states.get(kept.id)
            if kept.id in states and (decision.sequence is None or (state or 0) >= decision.sequence):
                come.append(kept)
            else:
                self.report.stays[kept.id] = decision.why
        self._remove(come, self.report.there)

    def _send(self, wanted: Sequence[tuple[Kept, Send]]) -> None:
        taken: list[Kept] = []
        there: list[Kept] = []
        elsewhere: list[tuple[Kept, str, str]] = []
        again: list[tuple[Send, Kept]] = []
        unfit: list[tuple[Kept, dict[str, Any]]] = []
        for (kept, send), item in zip(wanted, self._cluster.send([s for _, s in wanted]), strict=True):
            status, at = item["status"], (str(item["_index"]), str(item["_id"]))
            put_aside = at != (send.index, send.id) and at[0].startswith(QUARANTINE)
            if put_aside and status < HTTPStatus.BAD_REQUEST:
                elsewhere.append((kept, *at))
            elif put_aside and status == HTTPStatus.CONFLICT and at == (kept.index, kept.id):
                again.append((send, kept))
            elif put_aside and status == HTTPStatus.CONFLICT:
                self.report.refused[kept.id] = (
                    f"and {at[0]} has another document of this _id: look at that one"
                )
            elif status < HTTPStatus.BAD_REQUEST:
                taken.append(kept)
            elif status == HTTPStatus.CONFLICT:
                there.append(kept)
            elif status == HTTPStatus.BAD_REQUEST and not _of_the_cluster(item):
                unfit.append((kept, _by_the_index(kept, item)))
            else:
                self.report.stays[kept.id] = f"the cluster does not take it now: {_reason(item)}"
        self._cluster.send_over(again)
        elsewhere += [(kept, kept.index, kept.id) for _, kept in again]
        self._refused_again(elsewhere)
        self._cluster.replace(unfit)
        for kept, source in unfit:
            self.report.refused[kept.id] = source["error"]["message"]
        self._remove(taken, self.report.released)
        self._remove(there, self.report.there)

    def _send_own(self, wanted: Sequence[tuple[Send, Kept]]) -> None:
        """Documents that were meant for the quarantine, and are kept at the very place where they belong."""
        self._cluster.send_over(wanted)
        now = {(new.index, new.id): new for new in self._cluster.read([(k.index, k.id) for _, k in wanted])}
        for _, kept in wanted:
            new = now.get((kept.index, kept.id))
            if new and new.document == kept.document:
                self.report.refused[kept.id] = new.message
            else:
                self.report.released.append(kept.id)

    def _refused_again(self, refused: Sequence[tuple[Kept, str, str]]) -> None:
        """Tell why; where the refusal made another document of the quarantine, that one stays for both."""
        now = {
            (new.index, new.id): new
            for new in self._cluster.read([(index, key) for _, index, key in refused])
        }
        double = []
        for kept, index, key in refused:
            new = now.get((index, key))
            self.report.refused[kept.id] = new.message if new else "it has gone meanwhile"
            if new and (index, key) != (kept.index, kept.id):
                self.report.refused[kept.id] += f" (now kept as {key})"
                double.append(kept)
        self._cluster.remove(double)

    def _remove(self, documents: Sequence[Kept], into: list[str]) -> None:
        if self.report.dry_run:
            into += [kept.id for kept in documents]
            return
        for kept, gone in zip(documents, self._cluster.remove(documents), strict=True):
            if gone:
                into.append(kept.id)
            else:
                self.report.stays[kept.id] = "it changed meanwhile: run it again"


def _by_the_index(kept: Kept, item: Item) -> dict[str, Any]:
    """The document of the quarantine with the index's own reason."""
    error = item.get("error", {})
    kind = str(error.get("type", item["status"]))
    details = {**kept.details, "stage": "index", "rule": kind, "path": path_in(str(error.get("reason")))}
    return {**kept.source, "error": {"type": kind, "message": _reason(item)}, "quarantine": details}


def _reason(item: Item) -> str:
    error = item.get("error", {})
    cause = error.get("caused_by") or {}
    words = f"{error.get('type', item['status'])}: {error.get('reason', '')}"
    return " ".join((words + (f" ({cause['reason']})" if cause.get("reason") else "")).split())[:2000]


def _of_the_cluster(item: Item) -> bool:
    error = item.get("error", {})
    return error.get("type") in _CLUSTER_ERRORS or "pipeline with id" in str(error.get("reason"))


def _some(keys: Sequence[str]) -> str:
    more = len(keys) - _SHOWN
    return ", ".join(keys[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
