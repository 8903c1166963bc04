"""A dashboard: its panels in rows, the period that it opens with, how often it refreshes."""

from dataclasses import dataclass, field
from typing import Final

from dashboards.build.objects import Json, Reference, SavedObject, as_text, source_of

WIDTH: Final = 48
"""Columns of the grid."""
VERSION: Final = "2.8.0"


@dataclass(frozen=True)
class Row:
    """Panels side by side.

    Attributes:
        height: in the grid's units of 20 px and 8 px between.
        panels: width and object of each, from the left.
        bare: without their titles.
    """

    height: int
    panels: list[tuple[int, SavedObject]]
    bare: bool = False


@dataclass(frozen=True)
class Screen:
    """One dashboard.

    Attributes:
        key: its id without `pabx-`.
        title: of it.
        description: the question that it answers.
        since: begin of the period that it opens with, relative.
        rows: from the top.
        refresh_seconds: 0: it does not refresh by itself.
        until: end of that period.
    """

    key: str
    title: str
    description: str
    since: str
    rows: list[Row]
    refresh_seconds: int = 0
    until: str = field(default="now")

    def objects(self) -> list[SavedObject]:
        """Give the panels' objects, and the dashboard after them."""
        return [*(shown for row in self.rows for _, shown in row.panels), self._dashboard()]

    def _dashboard(self) -> SavedObject:
        panels: list[Json] = []
        references: list[Reference] = []
        top = 0
        for row in self.rows:
            left = 0
            for width, shown in row.panels:
                number = len(panels)
                name = f"panel_{number}"
                panels.append(
                    {
                        "version": VERSION,
                        "gridData": {"x": left, "y": top, "w": width, "h": row.height, "i": str(number + 1)},
                        "panelIndex": str(number + 1),
                        "embeddableConfig": {"hidePanelTitles": True} if row.bare else {},
                        "panelRefName": name,
                    }
                )
                references.append(Reference(name, shown.type, shown.id))
                left += width
            if left != WIDTH:
                raise ValueError(f"dashboard {self.key}: the row at {top} is {left} wide, not {WIDTH}")
            top += row.height
        attributes: Json = {
            "title": self.title,
            "description": self.description,
            "hits": 0,
            "panelsJSON": as_text(panels),
            "optionsJSON": as_text({"hidePanelTitles": False, "useMargins": True}),
            "version": 1,
            "timeRestore": True,
            "timeFrom": self.since,
            "timeTo": self.until,
            "refreshInterval": {"pause": not self.refresh_seconds, "value": self.refresh_seconds * 1_000},
            "kibanaSavedObjectMeta": {"searchSourceJSON": as_text(source_of(""))},
        }
        return SavedObject("dashboard", f"pabx-{self.key}", attributes, tuple(references))
