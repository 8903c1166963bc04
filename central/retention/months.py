"""Which monthly indices hold nothing but what is older than so many months; pure.

The month in an index's name is that of the calls themselves, whenever they came in: so it, and not the
index's own age, says how old its documents are.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

PATTERNS: Final = ("pabx-audit-*", "pabx-calls-*", "pabx-cdr-*", "pabx-quarantine-*")
"""Of the kinds that have an index for each month."""
MOST_MONTHS: Final = 1200
_MONTH: Final = re.compile(r"pabx-(?:audit|calls|cdr|quarantine)-(\d{4})\.(\d{2})")
_OF_A_YEAR: Final = 12


def number_of(index: str) -> int | None:
    """Count the month of an index from the year 0; None where its name is not of one."""
    parts = _MONTH.fullmatch(index)
    if parts is None:
        return None
    year, month = int(parts[1]), int(parts[2])
    return year * _OF_A_YEAR + month - 1 if 1 <= month <= _OF_A_YEAR else None


def over(indices: Iterable[str], today: date, months: int) -> list[str]:
    """Name the indices, sorted, whose month ended more than so many months ago.

    With 12 in November 2026 that is all up to October 2025: twelve whole months and the present one stay.

    Args:
        indices: any names.
        today: by head office's clock, UTC.
        months: how many whole months stay.
    """
    first = today.year * _OF_A_YEAR + today.month - 1 - months
    return [name for name in sorted(indices) if (number := number_of(name)) is not None and number < first]
