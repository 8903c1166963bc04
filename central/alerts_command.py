"""`central alerts`: its options, what it does, and what it tells."""

import argparse
import json
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final

from central.alerts import channels, plugin
from central.alerts.evaluate import Result
from central.alerts.files import LANGUAGES, Monitor, load
from central.alerts.measures import stamp
from central.alerts.memory import Memory
from central.alerts.send import post
from central.alerts.service import Service, changes, problem
from central.alerts.watch import Told, Watch
from central.client import Connection, connect
from central.errors import CentralError, UsageError

DESCRIPTION: Final = (
    "Says which alerts the shipped monitors raise now. `watch` does so for ever, keeps each store's state, "
    "and where the cluster has no Alerting plugin tells the channels; `test` sends a test message."
)
_EVERY: Final = 30
_MOST_SECONDS: Final = 300

Key = tuple[str, str]
"""A finding, and what it is of."""


def options(parser: argparse.ArgumentParser, cluster: argparse.ArgumentParser) -> None:
    """Add the options of `central alerts` and of what stands below it."""
    _message_options(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(lines=lines)
    commands = parser.add_subparsers(dest="alerts_command", metavar="COMMAND")
    watch = commands.add_parser(
        "watch",
        parents=[cluster],
        allow_abbrev=False,
        help="do so for ever; where there is no Alerting plugin, tell the channels",
        description="Keeps each store's state and remembers alerts, for ever. Run it as a service.",
    )
    _message_options(watch)
    watch.add_argument(
        "--every", type=_seconds, default=_EVERY, metavar="SECONDS", help=f"pause (default: {_EVERY})"
    )
    watch.add_argument("--once", action="store_true", help="one round only: for a timer")
    watch.add_argument(
        "--channels", type=Path, metavar="FILE", help="where to tell (TOML; see docs/alerts.md)"
    )
    watch.add_argument(
        "--tell", action="store_true", help="tell the channels even where the Alerting plugin does so too"
    )
    watch.set_defaults(lines=watch_lines)
    test = commands.add_parser(
        "test",
        parents=[cluster],
        allow_abbrev=False,
        help="send a test message",
        description="Sends a test message to each channel that is in use, or to the one that is named.",
    )
    test.add_argument("channel", nargs="?", metavar="CHANNEL", help="its id; without: all that are enabled")
    test.add_argument(
        "--channels", type=Path, metavar="FILE", help="where to tell (TOML; see docs/alerts.md)"
    )
    test.set_defaults(lines=test_lines)


def _message_options(parser: argparse.ArgumentParser) -> None:
    # Also before the name of what stands below: no default, which would overwrite what stood there.
    absent = argparse.SUPPRESS
    parser.add_argument(
        "--language", choices=LANGUAGES, default=absent, help=f"of messages (default: {LANGUAGES[0]})"
    )
    parser.add_argument(
        "--dashboards-url", metavar="URL", default=absent, help="messages lead to it (env: DASHBOARDS_URL)"
    )
    parser.add_argument(
        "--runbook-url", metavar="URL", default=absent, help="page that messages lead to (env: RUNBOOK_URL)"
    )


def monitors(given: argparse.Namespace) -> list[Monitor]:
    """The shipped monitors, in the language and with the addresses that were asked for.

    Raises:
        CentralError: the installation lacks them.
    """
    dashboards = getattr(given, "dashboards_url", None) or os.environ.get("DASHBOARDS_URL")
    runbook = getattr(given, "runbook_url", None) or os.environ.get("RUNBOOK_URL")
    return load(getattr(given, "language", None) or LANGUAGES[0], dashboards, runbook)


def lines(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """Evaluate once, and tell it as asked for.

    Raises:
        CentralError: the cluster fails, or a monitor could not be run.
    """
    shipped = monitors(given)
    client = connect(connection)
    watch = Watch(client, connection, shipped, only_looks=True)
    told = watch.round()
    texts = watch.messages(told.results)
    since = {key: stamp(one.since) for key, one in Memory(client, connection).active().items()}
    if given.json:
        yield json.dumps(_as_dict(told, since, texts), ensure_ascii=False, indent=2)
    else:
        yield from _listed(told, since, texts)
    _raise_failures(told.results)


def watch_lines(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """Evaluate for ever; each alert that begins or ends is a line.

    Raises:
        CentralError: with `--once`, as above.
    """
    shipped = monitors(given)
    wanted, left_out = _posted(given.channels)
    yield from left_out
    client = connect(connection)
    if wanted and not given.tell and plugin.ALERTING in plugin.plugins(client, connection):
        yield "the Alerting plugin tells the channels (central install --channels): this only watches"
        wanted = []
    watch = Watch(client, connection, shipped, wanted)
    if given.once:
        told = watch.round()
        yield from changes(told)
        _raise_failures(told.results)
        if told.failed:
            raise CentralError("\n".join(dict.fromkeys(told.failed)))
        return
    stop = _stopper()
    service = Service(watch, getattr(given, "language", None) or LANGUAGES[0])
    while not stop.is_set():
        yield from service.step()
        stop.wait(given.every)


def _posted(file: Path | None) -> tuple[list[channels.Channel], list[str]]:
    """The channels of a file that can be told without the Notifications plugin, and a line for each other."""
    enabled = [one for one in channels.load(file) if one.enabled] if file else []
    left_out = [
        f"channel {one.id} is left out: only the Notifications plugin sends e-mail"
        for one in enabled
        if one.kind == "email"
    ]
    return [one for one in enabled if one.kind != "email"], left_out


def test_lines(given: argparse.Namespace, connection: Connection) -> Iterator[str]:
    """Send a test message by the plugin where there is one, else by ourselves.

    Raises:
        UsageError: there is no such channel.
        CentralError: one did not take it.
    """
    if given.channels is None:
        client = connect(connection)
        if plugin.NOTIFICATIONS not in plugin.plugins(client, connection):
            raise UsageError(
                "the cluster has no Notifications plugin: name a file of channels with --channels"
            )
        there = plugin.channels_in_use(client, connection)
        names = _chosen(given.channel, there, "the cluster")
        yield from _each(names, lambda name: plugin.send_test(client, connection, name))
        return
    posted, left_out = _posted(given.channels)
    yield from left_out
    by_name = {one.id: one for one in posted}
    body = {
        "finding": "test",
        "severity": 5,
        "state": "active",
        "action": "test",
        "of": "-",
        "subject": "Teste · Test",
        "text": "central alerts test: se isto chegou, os alertas chegam. If this came, alerts come.",
    }

    def send(name: str) -> str:
        post(by_name[name], body)
        return "sent"

    yield from _each(_chosen(given.channel, by_name, str(given.channels)), send)


def _each(names: Sequence[str], send: Callable[[str], str]) -> Iterator[str]:
    """Try all of them, and fail at the end where one failed."""
    failed = []
    for name in names:
        try:
            yield f"{name}: {send(name)}"
        except CentralError as error:
            failed.append(str(error))
    if failed:
        raise CentralError("\n".join(failed))


def _chosen(wanted: str | None, there: Collection[str], where: str) -> list[str]:
    if not there:
        raise UsageError(f"{where} has no enabled channel: see docs/alerts.md, Channels")
    if wanted is None:
        return sorted(there)
    if wanted not in there:
        raise UsageError(f"{where} has no enabled channel {wanted!r}: it has {', '.join(sorted(there))}")
    return [wanted]


def _as_dict(told: Told, since: Mapping[Key, str], texts: Mapping[Key, str]) -> dict[str, Any]:
    alerts = [
        {
            "finding": one.finding,
            "severity": one.severity,
            "key": one.key,
            "name": one.keys.partition(",")[2] or None,
            "monitor": result.monitor.name,
            "since": since.get((one.finding, one.keys)),
            "message": texts.get((one.finding, one.keys)),
        }
        for result in told.results
        for one in result.raised
    ]
    failed = [
        {"monitor": result.monitor.name, "error": result.error} for result in told.results if result.error
    ]
    return {"alerts": alerts, "failed": failed, "monitors": len(told.results)}


def _listed(told: Told, since: Mapping[Key, str], texts: Mapping[Key, str]) -> Iterator[str]:
    count = 0
    for result in told.results:
        for one in result.raised:
            count += 1
            at = since.get((one.finding, one.keys))
            yield f"{one.severity} {one.finding}  {one.keys}" + (f"  since {at}" if at else "")
            yield from (
                f"    {line}" for line in str(texts.get((one.finding, one.keys), "")).splitlines()[1:]
            )
    ran = sum(not result.error for result in told.results)
    yield f"{count} alert{'' if count == 1 else 's'}; {ran} of {len(told.results)} monitors ran"


def _raise_failures(results: Sequence[Result]) -> None:
    if failed := [problem(result) for result in results if result.error]:
        raise CentralError("\n".join(failed))


def _stopper() -> threading.Event:
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)
    return stop


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= _MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 1 to {_MOST_SECONDS}")
    return int(text)
