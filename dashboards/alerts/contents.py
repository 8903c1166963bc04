"""The alerts' table of contents, and the files that they become."""

from typing import Final

from central.alerts.thresholds import thresholds
from dashboards.alerts import calling, centre, health, silence
from dashboards.alerts.finding import Finding, Maker
from dashboards.alerts.monitor import monitor, text
from dashboards.build.words import Language, Say

MAKERS: Final[tuple[Maker, ...]] = (
    silence.chain_silent,
    silence.region_silent,
    silence.agent_silent,
    silence.pbx_silent,
    silence.idle,
    silence.never_seen,
    calling.abroad,
    calling.cost_jump,
    calling.missed_rate,
    calling.decline,
    health.two_agents,
    health.clock_wrong,
    health.falling_behind,
    health.spool_filling,
    health.disk_filling,
    health.trunk_down,
    health.trunk_saturated,
    health.refused,
    centre.gate_trouble,
    centre.audit_difference,
    centre.quarantine,
    centre.unregistered,
    centre.watch_silent,
    centre.usual_old,
)


def findings(say: Say) -> list[Finding]:
    """Give every alert in one language, the worst first."""
    limits = thresholds()
    return [make(say, limits) for make in MAKERS]


def monitor_files() -> dict[str, str]:
    """Give each monitor's file in each language: path below the checkout -> content."""
    limits = thresholds()
    files = {}
    for language in Language:
        say = Say(language)
        for number, finding in enumerate(findings(say), start=1):
            name = f"dashboards/monitors/{language.value}/{number:02}-{finding.id}.json"
            files[name] = text(monitor(finding, say, limits))
    return files
