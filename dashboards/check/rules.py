"""The rules' table of contents, and the check that goes through it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from dashboards.check import dashboards, file, panels, patterns, references, searches, vega
from dashboards.check.reading import Mapped, Problem, Shipment, read


@dataclass(frozen=True)
class Finding:
    """One breach of a rule.

    Attributes:
        file: name of the file.
        rule: the rule's id.
        object: type and id of the object, or the line.
        text: what is wrong and what mends it.
    """

    file: str
    rule: str
    object: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.object}: {self.rule}: {self.text}"


Subject = TypeVar("Subject")
Breach = TypeVar("Breach")


@dataclass(frozen=True)
class Rule(Generic[Subject, Breach]):
    """One rule: R by OpenSearch Dashboards or the Alerting plugin, H by ourselves.

    Attributes:
        id: of it.
        check: gives its breaches.
    """

    id: str
    check: Callable[[Subject], Iterable[Breach]]


RULES: Final[tuple[Rule[Shipment, Problem], ...]] = (
    # What OpenSearch Dashboards 2.8 to 3.x refuses, or takes and does not show.
    Rule("R-1", file.one_object_a_line),
    Rule("R-2", file.name),
    Rule("R-3", file.keys),
    Rule("R-4", file.identity),
    Rule("R-5", file.types),
    Rule("R-6", file.attributes),
    Rule("R-7", file.migrations),
    Rule("R-8", file.no_count),
    Rule("R-9", references.resolve),
    Rule("R-10", references.json_inside),
    Rule("R-11", patterns.fields_shipped),
    Rule("R-12", patterns.fields_agree),
    Rule("R-13", panels.titles),
    Rule("R-14", panels.agg_ids),
    Rule("R-15", panels.fields),
    Rule("R-16", panels.registered),
    Rule("R-17", panels.schemas),
    Rule("R-18", panels.series),
    Rule("R-19", panels.controls),
    Rule("R-20", panels.intervals),
    Rule("R-21", vega.specification),
    Rule("R-22", vega.context),
    Rule("R-23", vega.no_outside),
    Rule("R-24", vega.indices),
    Rule("R-25", searches.columns),
    Rule("R-26", dashboards.grid),
    Rule("R-27", dashboards.period),
    # What our own numbers and screens need.
    Rule("H-1", vega.fields),
    Rule("H-2", vega.clauses),
    Rule("H-3", vega.period),
    Rule("H-4", vega.calls_once),
    Rule("H-5", vega.clicks),
    Rule("H-6", patterns.periods),
    Rule("H-7", panels.subset),
    Rule("H-8", panels.pinned),
    Rule("H-9", searches.lucene),
    Rule("H-10", searches.named_fields),
    Rule("H-11", searches.calls_once),
    Rule("H-12", dashboards.refresh),
    Rule("H-13", dashboards.filled),
    Rule("H-14", dashboards.top),
    Rule("H-15", dashboards.links),
    Rule("H-16", dashboards.named),
    Rule("H-17", dashboards.used),
)
SAME: Final = "H-18"
"""Every language ships the same, of `languages.differences`."""


def check(file_name: str, text: str, mapped: Mapped) -> list[Finding]:
    """Check one file.

    Args:
        file_name: its name.
        text: its content.
        mapped: what the index templates map, of `patterns.mapped_fields`.

    Returns:
        The breaches, in the order of the rules; empty: there is none.
    """
    shipment = read(file_name, text, mapped)
    return [Finding(file_name, rule.id, *problem) for rule in RULES for problem in rule.check(shipment)]
