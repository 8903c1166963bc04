"""Puts channels and monitors into a cluster that has the plugins for them, and says what it lacks."""

from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from opensearchpy import OpenSearch

from central.alerts import channels, plugin
from central.alerts.channels import Channel
from central.alerts.files import Monitor, load
from central.client import Connection
from central.errors import CentralError
from central.plan import Action, Step


@dataclass(frozen=True)
class Wanted:
    """What is to be put there.

    Attributes:
        monitors: as they are shipped.
        channels: of the file that was given; None: none was, and what is there stays.
    """

    monitors: Sequence[Monitor]
    channels: Sequence[Channel] | None


def wanted(language: str, file: Path | None, dashboards_url: str | None, runbook_url: str | None) -> Wanted:
    """Read monitors and channels, before anything is changed.

    Raises:
        CentralError: the installation lacks them.
        UsageError: something in the file of channels is wrong.
    """
    return Wanted(load(language, dashboards_url, runbook_url), None if file is None else channels.load(file))


def run(client: OpenSearch, connection: Connection, alerts: Wanted, *, dry_run: bool) -> Iterator[Step | str]:
    """Put it there; gives each step once it is done, or a line about what was left out.

    Raises:
        CentralError: the cluster fails or refuses it; what was given until then is done.
    """
    there = plugin.plugins(client, connection)
    if plugin.ALERTING not in there:
        yield (
            f"{connection.url}: without the Alerting plugin monitors are left out: "
            "central alerts watch runs the very same ones"
        )
        return
    try:
        for setting in plugin.plan_settings(client, connection):
            if not dry_run:
                plugin.apply(client, connection, setting)
            yield setting
    except CentralError as error:  # the administrator's alone; without it many alerts come in one message
        yield f"{error}: let an administrator do it"
    used = yield from _channels(client, connection, alerts, there, dry_run=dry_run)
    bodies = [plugin.with_actions(monitor, used) for monitor in alerts.monitors]
    for step in plugin.plan(client, connection, bodies):
        if not dry_run:
            plugin.apply(client, connection, step)
        yield step
        if step.action is not Action.CREATE and not step.body["enabled"]:
            yield f"monitor {step.resource.name}: somebody has disabled it: it stays so"
    for name in plugin.strangers(client, connection, bodies):
        yield f"monitor {name}: an earlier version's, no longer shipped: delete it"


def _channels(
    client: OpenSearch, connection: Connection, alerts: Wanted, there: Collection[str], *, dry_run: bool
) -> Generator[Step | str, None, dict[str, str]]:
    """Put the channels there; gives those that alerts go to, id -> kind."""
    if plugin.NOTIFICATIONS not in there:
        yield f"{connection.url}: without the Notifications plugin nobody is told of alerts"
        return {}
    for step in plugin.plan_channels(client, connection, _enabled(alerts.channels)):
        if not dry_run:
            plugin.apply(client, connection, step)
        yield step
    used = _used(client, connection, alerts.channels)
    if not used:
        yield f"{connection.url}: no channel is in use: alerts are kept, and nobody is told (--channels FILE)"
    return used


def _enabled(file: Sequence[Channel] | None) -> list[Channel]:
    return [channel for channel in file or () if channel.enabled]


def _used(client: OpenSearch, connection: Connection, file: Sequence[Channel] | None) -> dict[str, str]:
    """The channels that alerts go to: the file's, where one was given, else those that are there."""
    if file is None:
        return plugin.channels_in_use(client, connection)
    return {channel.id: channel.kind for channel in _enabled(file)}
