"""What is in the quarantine, grouped by reason; and one document of it, whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from central.quarantine.cluster import Cluster
from central.quarantine.kept import Kept
from central.quarantine.printed import as_json
from central.quarantine.reasons import explain

_FIELDS = ("stage", "rule", "path", "dataset")


@dataclass(frozen=True)
class Group:
    """Documents that were refused alike.

    Attributes:
        stage: where.
        rule: by which rule.
        path: of what is wrong.
        dataset: what they would have been.
        documents: how many.
        erased: of these, from how many a person was taken out.
        stores: store -> how many; of what the gate refused no store is known.
        first: when the first one was refused, UTC.
        last: the last one.
        message: of the last one.
    """

    stage: str
    rule: str
    path: str
    dataset: str
    documents: int
    erased: int
    stores: dict[str, int]
    first: str
    last: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        """The group as JSON: the names are part of the outside of the program."""
        return dict(vars(self))

    def lines(self) -> Iterator[str]:
        """The group in words."""
        what = " ".join(part for part in (self.stage, self.rule, self.path) if part)
        yield f"{self.documents}  {what}  ({self.dataset or 'kind not known'})"
        yield f"    {self.message or 'no message'}"
        stores = ", ".join(f"{store} ({count})" for store, count in self.stores.items())
        yield f"    stores: {stores or 'not known'}"
        yield f"    first {self.first}, last {self.last}"
        if self.erased:
            yield f"    {self.erased} erased by central erase: they cannot be released"


def groups(cluster: Cluster, query: dict[str, Any]) -> list[Group]:
    """What a query finds in the quarantine, the most frequent reason first.

    Raises:
        CentralError: the cluster cannot be read.
    """
    found = [_group(bucket) for bucket in cluster.groups(query)]
    return sorted(found, key=lambda group: (-group.documents, group.stage, group.rule, group.path))


def _group(bucket: dict[str, Any]) -> Group:
    stage, rule, path, dataset = (bucket["key"][name] or "" for name in _FIELDS)
    hits = bucket["example"]["hits"]["hits"]
    source = hits[0]["_source"] if hits else {}
    return Group(
        stage,
        rule,
        path,
        dataset,
        bucket["doc_count"],
        bucket["erased"]["doc_count"],
        {store["key"]: store["doc_count"] for store in bucket["stores"]["buckets"]},
        bucket["first"].get("value_as_string", ""),
        bucket["last"].get("value_as_string", ""),
        str(source.get("error", {}).get("message", "")),
    )


def described(kept: Kept) -> dict[str, Any]:
    """One document as JSON: the names are part of the outside of the program."""
    words = explain(kept)
    return {
        "id": kept.id,
        "kept_in": kept.index,
        "refused_at": kept.source.get("@timestamp", ""),
        "store": kept.store,
        "names_store": kept.named_store,
        "stage": kept.stage,
        "rule": kept.rule,
        "path": str(kept.details.get("path", "")),
        "dataset": kept.dataset,
        "index": str(kept.details.get("index", "")),
        "message": kept.message,
        "erased": kept.erased,
        "means": words.means,
        "mends": words.mends,
        "document": kept.document,
    }


def described_lines(kept: Kept) -> Iterator[str]:
    """The same in words."""
    told = described(kept)
    document = told.pop("document")
    erased = told.pop("erased")
    for name, value in told.items():
        yield f"{name.replace('_', ' ') + ':':<12} {value or '-'}"
    if erased:
        yield "erased:      by central erase; it cannot be released"
    yield "document:"
    yield from as_json(document).split("\n")
