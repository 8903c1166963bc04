"""The register of stores: what is known of each from which day on, and what holds on a day; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

NAMES: Final = ("name", "region", "city", "state")
"""What every document of a store gets from the register."""


@dataclass(frozen=True)
class Line:
    """What is known of a store from one day on.

    Attributes:
        valid_from: first day, `2026-11-01`, by the store's own clock; empty: from the beginning.
        name: for people.
        region: as head office divides the country; may be empty, like all that follows but the zone.
        city: the store's.
        state: two letters.
        timezone: IANA name.
        area_code: DDD.
        opening_hours: see `hours.opening_hours`.
        opening_exceptions: see `hours.opening_exceptions`.
        trunks: their names.
        trunk_channels: how many calls a trunk can carry at once, such as `vivo=10`, where that is known.
        holidays: whose public holidays it keeps, see `holidays.calendar_code`; empty: by its state and city.
        closed_from: first day from which it is closed for good, by the store's own clock.
    """

    valid_from: str
    name: str
    region: str
    city: str
    state: str
    timezone: str
    area_code: str
    opening_hours: tuple[str, ...]
    opening_exceptions: tuple[str, ...]
    trunks: tuple[str, ...]
    trunk_channels: tuple[str, ...] = ()
    holidays: str = ""
    closed_from: str = ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Make it from what `said` gave."""
        lists = ("opening_hours", "opening_exceptions", "trunks", "trunk_channels")
        given: dict[str, Any] = {
            one.name: tuple(values.get(one.name, ())) if one.name in lists else values.get(one.name, "")
            for one in fields(cls)
        }
        return cls(**given)

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON; empty values too."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    def said(self) -> dict[str, Any]:
        """Give what it says, as fields of a document's `store`; empty values are left out."""
        return {key: value for key, value in self.as_dict().items() if value}

    def begun(self, moment: datetime) -> bool:
        """Tell whether its first day has begun on the store's clock."""
        return self.valid_from <= str(moment.astimezone(ZoneInfo(self.timezone)).date())

    def closed(self, moment: datetime) -> bool:
        """Tell whether it is closed for good, by the store's clock."""
        today = str(moment.astimezone(ZoneInfo(self.timezone)).date())
        return bool(self.closed_from) and self.closed_from <= today


Register = Mapping[str, tuple[Line, ...]]
"""Store's id -> its lines, the newest first."""


def in_force(lines: tuple[Line, ...], moment: datetime) -> Line:
    """Give the line of a store that holds at a moment; before the first one's day, the first one.

    Args:
        lines: the newest first.
        moment: aware.
    """
    return next((line for line in lines if line.begun(moment)), lines[-1])


def newest_first(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Bring a store's lines into the order of `Register`."""
    return tuple(sorted(lines, key=lambda line: line.valid_from, reverse=True))
