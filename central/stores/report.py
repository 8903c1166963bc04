"""What a run of `central stores apply` found and did: as lines or as JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from central.plan import Action
from central.stores.changes import Change
from central.stores.past import Past


@dataclass
class Report:
    """What was found and done.

    Attributes:
        url: of the cluster.
        encoding: that the file was read by.
        dry_run: nothing was written.
        pipeline: what became of the pipeline.
        changes: by store.
        unchanged: stores whose document says it all already.
        not_in_file: registered stores that the file does not name.
        zones: store -> zone of its agent's clock, where the register says another one.
        later: store -> first day of its next line that is not in force yet.
        past: what became of the documents that were there before; None: it was not asked for.
    """

    url: str
    encoding: str
    dry_run: bool
    pipeline: Action
    changes: list[Change]
    unchanged: int
    not_in_file: list[str]
    zones: dict[str, str]
    later: dict[str, str]
    past: Past | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON. Names: docs/stores.md."""
        return {
            "dry_run": self.dry_run,
            "encoding": self.encoding,
            "created": [change.name for change in self.changes if change.new],
            "changed": {change.name: list(change.fields) for change in self.changes if not change.new},
            "unchanged": self.unchanged,
            "not_in_file": self.not_in_file,
            "zones": self.zones,
            "later": self.later,
            "names": self.pipeline.value,
            "past": self.past.as_dict() if self.past else None,
        }

    def lines(self) -> Iterator[str]:
        """Give it for a person."""
        for change in self.changes:
            what = "create" if change.new else "change"
            yield f"{what:<10} {change.name}" + ("" if change.new else f": {', '.join(change.fields)}")
        for name in self.not_in_file:
            yield (
                f"not in the file: {name}; it stays registered; "
                f"central stores revoke {name} ends its credential"
            )
        for name, zone in self.zones.items():
            yield f"{name}: its agent's clock is in {zone}, the register says otherwise: correct one of them"
        if self.later:
            first = min(self.later, key=lambda name: (self.later[name], name))
            yield (
                f"not in force yet: a line of {', '.join(self.later)}; "
                f"the first on {self.later[first]} ({first}): run it again on that day"
            )
        if self.encoding != "UTF-8":
            yield f"the file is no UTF-8 and was read as {self.encoding}: look at a name with an accent"
        if self.past:
            yield from self.past.lines(dry_run=self.dry_run)
        created = sum(change.new for change in self.changes)
        changed = len(self.changes) - created
        to = "to " if self.dry_run else ""
        done = ("create", "change") if self.dry_run else ("created", "changed")
        names = {Action.UNCHANGED: "unchanged"}.get(self.pipeline, f"{to}{done[1]}")
        yield (
            f"{self.url}: stores: {created} {to}{done[0]}, {changed} {to}{done[1]}, "
            f"{self.unchanged} unchanged; names for documents: {names}"
            + ("; nothing was changed (--dry-run)" if self.dry_run else "")
        )
