"""Every finding's cases: what makes its monitor fire, what just does not, and what closes it.

The limits come from the one file that holds them; a case follows a change of it.
"""

from tests.alerts import cases_calling, cases_centre, cases_health, cases_silence
from tests.alerts.scene import Case, Scene

CASES: tuple[Case, ...] = (
    *cases_silence.CASES,
    *cases_calling.CASES,
    *cases_health.CASES,
    *cases_centre.CASES,
)


def scenes() -> dict[str, tuple[str, Scene]]:
    """Every scene of every case: its name -> the finding and the scene."""
    found: dict[str, tuple[str, Scene]] = {}
    for case in CASES:
        base = f"{case.finding}/{case.name}"
        found[f"{base}: fires"] = (case.finding, case.fires)
        found |= {f"{base}: misses, {name}": (case.finding, one) for name, one in case.misses.items()}
        found |= {f"{base}: closes, {name}": (case.finding, one) for name, one in case.closes.items()}
    return found
