"""What a run of `central` gave, and where its resources are."""

from dataclasses import dataclass

KINDS = ("_index_template", "_component_template", "_ingest/pipeline")


@dataclass(frozen=True)
class Outcome:
    """What a run of `central` gave."""

    code: int | str | None
    out: str
    err: str
