"""Finds every document that holds a person's number and writes it again without that person.

The documents stay, so that counts, minutes and costs stay right. They are written with a version above all
that a store ever sends (`event.sequence` below 2**62), so a resend or backfill does not bring anything back.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from opensearchpy import OpenSearch
from opensearchpy.helpers import scan
from opensearchpy.helpers.errors import ScanError

from central.client import Connection, translated
from central.erasing import PROTECTED, Erased, Person
from central.errors import CentralError

VERSION: Final = 2**62
"""External version, and `event.sequence`, of an erased document."""

_PASSES: Final = 5
_BATCH: Final = 200
_SCROLL: Final = 500
_CALLS: Final = "pabx-calls-*"

Hit = dict[str, Any]


@dataclass
class IndexReport:
    """What happened in one index.

    Attributes:
        index: its name.
        documents: written again, or in a dry run: to be written.
        fields: dotted name of a field -> documents in which it was removed or changed.
        not_written: `_id` -> why.
        undecided: `_id`s of documents with a number without area code in a store whose area is not known.
    """

    index: str
    documents: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    not_written: dict[str, str] = field(default_factory=dict)
    undecided: set[str] = field(default_factory=set)


@dataclass
class Report:
    """What happened in all indices.

    Attributes:
        ending: last four digits of the number.
        hash: what stands in its place where stores send hashes; empty without their key.
        dry_run: nothing was written.
        indices: those in which something was found, by name.
        closed: indices that could not be read.
        masked_alike: documents with a masked number that ends in the same four digits.
    """

    ending: str
    hash: str
    dry_run: bool
    indices: list[IndexReport]
    closed: list[str]
    masked_alike: int

    @property
    def complete(self) -> bool:
        """Whether nothing is left that could have been found."""
        return not self.closed and not any(part.not_written or part.undecided for part in self.indices)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON: the names are part of the outside of the program."""
        return {
            "number_ends_in": self.ending,
            "hash": self.hash,
            "dry_run": self.dry_run,
            "complete": self.complete,
            "documents": sum(part.documents for part in self.indices),
            "not_written": sum(len(part.not_written) for part in self.indices),
            "undecided": sum(len(part.undecided) for part in self.indices),
            "masked_alike": self.masked_alike,
            "closed_indices": self.closed,
            "indices": [
                {
                    "index": part.index,
                    "documents": part.documents,
                    "fields": dict(sorted(part.fields.items())),
                    "not_written": [{"id": key, "reason": why} for key, why in part.not_written.items()],
                    "undecided": sorted(part.undecided),
                }
                for part in self.indices
            ],
        }


def erase(client: OpenSearch, connection: Connection, person: Person, *, dry_run: bool) -> Report:
    """Take a person out of all `pabx-*` indices.

    Raises:
        CentralError: the cluster cannot be read.
    """
    with translated(connection, "indices pabx-*"):
        found = client.indices.get(index="pabx-*", params={"expand_wildcards": "open,hidden"})
        closed = client.indices.get(index="pabx-*", params={"expand_wildcards": "closed"})
        eraser = _Eraser(client, person)
        reports = []
        masked = 0
        for name in sorted(found):
            properties = found[name].get("mappings", {}).get("properties", {})
            try:
                part = eraser.index(name, properties, dry_run=dry_run)
                masked += eraser.masked_alike(name, properties)
            except ScanError as error:
                raise CentralError(f"index {name}: {error}: look at its health, then try again") from error
            if part.documents or part.not_written or part.undecided:
                reports.append(part)
    return Report(person.ending[-4:], person.hash, dry_run, reports, sorted(closed), masked)


class _Eraser:
    def __init__(self, client: OpenSearch, person: Person) -> None:
        self._client = client
        self._person = person
        self._prefixes: dict[str, str] = {}

    def index(self, name: str, properties: dict[str, Any], *, dry_run: bool) -> IndexReport:
        """One index, until nothing of the person is found in it.

        A document may change between being read and being written, and `if_seq_no` cannot be combined with
        an external version. So it is compared once more right before; one that changed is left to the next
        pass, as are those that came meanwhile. What remains are the milliseconds of the request itself: a
        newer state of the same call that falls into them is lost, its older figures stay.
        """
        report = IndexReport(name)
        for _ in range(1 if dry_run else _PASSES):
            self._client.indices.refresh(index=name)
            report.not_written.clear()
            report.undecided.clear()
            written = report.documents
            for batch in _batches(self._found(name, properties, report)):
                if dry_run:
                    for _, erased in batch:
                        _count(report, erased)
                else:
                    self._write(name, batch, report)
            if dry_run or report.documents == written:
                break
        return report

    def masked_alike(self, name: str, properties: dict[str, Any]) -> int:
        """Documents with a masked number that ends alike: whose it is nobody can tell."""
        last = self._person.ending[-4:]
        numbers = [field for field, mapping in _leaves(properties) if "digits" in mapping.get("fields", {})]
        patterns = [f"*\\*\\*\\*{dash}{last}*" for dash in ("", "-")]
        clauses = [{"wildcard": {field: pattern}} for field in numbers for pattern in patterns]
        if not clauses:
            return 0
        body = {"query": {"bool": {"should": clauses}}}
        return int(self._client.count(index=name, body=body)["count"])

    def _found(
        self, name: str, properties: dict[str, Any], report: IndexReport
    ) -> Iterator[tuple[Hit, Erased]]:
        body = {
            "query": candidates(self._person, properties),
            "version": True,
            "seq_no_primary_term": True,
        }
        for hit in scan(self._client, query=body, index=name, size=_SCROLL):
            erased = self._person.out_of(hit["_source"], self._prefix_of(hit["_source"]))
            if erased.undecided:
                report.undecided.add(hit["_id"])
            if erased.fields:
                yield hit, erased

    def _write(self, name: str, batch: list[tuple[Hit, Erased]], report: IndexReport) -> None:
        ids = [hit["_id"] for hit, _ in batch]
        answer = self._client.mget(index=name, body={"ids": ids}, params={"_source": "false"})
        now = {entry["_id"]: entry.get("_seq_no") for entry in answer["docs"]}
        lines = []
        sent = []
        for hit, erased in batch:
            if now.get(hit["_id"]) != hit["_seq_no"]:
                report.not_written[hit["_id"]] = "it changed meanwhile: run it again"
                continue
            version = max(VERSION, hit["_version"] + 1)
            event = erased.source.get("event")
            erased.source["event"] = {**(event if isinstance(event, dict) else {}), "sequence": version}
            action = {"_id": hit["_id"], "version": version, "version_type": "external"}
            lines += [json.dumps({"index": action}), json.dumps(erased.source)]
            sent.append(erased)
        if not sent:
            return
        # Past the ingest pipeline: it would judge, stamp and count the document as a new one.
        answer = self._client.bulk(index=name, body="\n".join([*lines, ""]), params={"pipeline": "_none"})
        for erased, item in zip(sent, answer["items"], strict=True):
            result = item["index"]
            if result["status"] < HTTPStatus.BAD_REQUEST:
                _count(report, erased)
            else:
                report.not_written[result["_id"]] = str(result["error"]["reason"])

    def _prefix_of(self, source: dict[str, Any]) -> str:
        """What stands before a number without area code in the document's store: learned from its calls."""
        store = source.get("store")
        key = store.get("id") if isinstance(store, dict) else None
        if not isinstance(key, str) or not self._person.e164:
            return ""
        if key not in self._prefixes:
            self._prefixes[key] = self._learn(key)
        return self._prefixes[key]

    def _learn(self, store: str) -> str:
        prefixes = set()
        for side in ("source", "destination"):
            local = {"regexp": {f"{side}.number": "[2-9][0-9]{6,8}"}}
            known = [{"term": {"store.id": store}}, local, {"prefix": {f"{side}.e164": "+"}}]
            body = {"query": {"bool": {"filter": known}}, "size": 20, "_source": [side]}
            for hit in self._client.search(index=_CALLS, body=body)["hits"]["hits"]:
                number, e164 = (str(hit["_source"][side][key]) for key in ("number", "e164"))
                # A number of the whole country (4004) has no area code either.
                if e164.endswith(number) and len(e164) - len(number) > len("+55"):
                    prefixes.add(e164.removesuffix(number))
        return prefixes.pop() if len(prefixes) == 1 else ""


def candidates(person: Person, properties: dict[str, Any]) -> dict[str, Any]:
    """The query for the documents of an index that may hold the number; more is found than is meant.

    An index with content that is kept without being indexed (the quarantine) can only be read as a whole.

    Args:
        person: whose number it is.
        properties: of the index's mapping.
    """
    if '"enabled": false' in json.dumps(properties):
        return {"match_all": {}}
    # With anything between the two halves: 98765-4321 is found too.
    ending = person.ending
    patterns = [f"*{ending[:-4]}*{ending[-4:]}*", *([f"*{person.hash}*"] if person.hash else [])]
    clauses: list[dict[str, Any]] = []
    for name, mapping in _leaves(properties):
        clauses += [{"wildcard": {name: pattern}} for pattern in patterns]
        if "digits" in mapping.get("fields", {}):
            clauses.append({"match": {f"{name}.digits": ending}})
    return {"bool": {"should": clauses}} if clauses else {"match_all": {}}


def _leaves(properties: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The keyword fields that may hold a number, and their mappings."""
    for key, mapping in properties.items():
        if key in PROTECTED:
            continue
        if "properties" in mapping:
            yield from _leaves(mapping["properties"], f"{path}{key}.")
        elif mapping.get("type") == "keyword":
            yield f"{path}{key}", mapping
        else:
            # What OpenSearch makes of a text where no template says otherwise.
            inner = mapping.get("fields", {})
            yield from ((f"{path}{key}.{name}", part) for name, part in inner.items() if _is_keyword(part))


def _is_keyword(mapping: dict[str, Any]) -> bool:
    return mapping.get("type") == "keyword"


def _batches(found: Iterator[tuple[Hit, Erased]]) -> Iterator[list[tuple[Hit, Erased]]]:
    batch = []
    for one in found:
        batch.append(one)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _count(report: IndexReport, erased: Erased) -> None:
    report.documents += 1
    report.fields.update(erased.fields)
