"""What a real Asterisk 22 sent, with the time of each event, and what it answered in the middle of calls."""

import csv
import gzip
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from shipper.assembly.endpoints import Endpoints
from shipper.live.channel import Channel, Event
from shipper.live.channels import Channels
from shipper.sources.ami.message import parsed
from shipper.sources.ami.protocol import WANTED

HERE = Path(__file__).parents[1]
RECORDINGS = HERE / "ami" / "recordings"
ENDPOINTS = Endpoints(["acme"])
RIGHTS = ("call,cdr,system,agent", "call,cdr,agent", "call,cdr,system", "call,cdr")
"""What ``read=`` may be in manager.conf."""


class Snapshot(NamedTuple):
    name: str
    at: float
    channels: list[Event]
    devices: list[Event]
    extensions: list[Event]


@cache
def all_events() -> tuple[tuple[float, Event], ...]:
    """Every event of all classes, with its arrival."""
    raw = gzip.decompress((RECORDINGS / "ami.log.gz").read_bytes())
    lines = gzip.decompress((RECORDINGS / "ami.idx.jsonl.gz").read_bytes()).splitlines()
    places = [json.loads(line) for line in lines]
    return tuple((at["t"], parsed(raw[at["off"] : at["off"] + at["len"]])) for at in places)


@cache
def events(rights: str = RIGHTS[0]) -> tuple[tuple[float, Event], ...]:
    """The events that the agent takes, of those that a user with these rights gets."""
    classes = set(rights.split(","))
    return tuple(
        (at, event)
        for at, event in all_events()
        if event.get("Event", "").encode() in WANTED and event["Privilege"].split(",")[0] in classes
    )


@cache
def second_run() -> tuple[Event, ...]:
    """The other recording, with an attended transfer that succeeded."""
    raw = gzip.decompress((RECORDINGS / "ami-attended-transfer.log.gz").read_bytes())
    found = [parsed(message) for message in raw.split(b"\r\n\r\n")]
    return tuple(event for event in found if event.get("Event", "").encode() in WANTED)


@cache
def snapshots() -> tuple[Snapshot, ...]:
    """In the order in which they were taken."""
    return tuple(sorted(map(_snapshot, (RECORDINGS / "snapshots").glob("*.txt")), key=lambda found: found.at))


def _snapshot(path: Path) -> Snapshot:
    answers = {}
    at = 0.0
    for part in path.read_bytes().decode().split("##### Action: ")[1:]:
        head, _, answer = part.partition("\r\n")
        action, _, time = head.partition("  at ")
        at = at or float(time)
        found = [parsed(message.encode()) for message in answer.split("\r\n\r\n")]
        answers[action] = [event for event in found if "Event" in event and "EventList" not in event]
    name = path.stem.removeprefix("snap-")
    return Snapshot(
        name, at, answers["CoreShowChannels"], answers["DeviceStateList"], answers["ExtensionStateList"]
    )


@cache
def truths() -> dict[str, dict[str, str]]:
    """What each recorded call was, by its linkedid."""
    with (HERE / "data" / "asterisk-22" / "truth.csv").open(encoding="utf-8", newline="") as file:
        return {truth["linkedid"]: truth for truth in csv.DictReader(file) if truth["linkedid"]}


def folded(told: Iterable[Event]) -> Channels:
    """The channels after these events."""
    channels = Channels()
    for event in told:
        channels.apply(event)
    return channels


def until(at: float, rights: str = RIGHTS[0]) -> Channels:
    """The channels at a moment of the first recording."""
    return folded(event for arrival, event in events(rights) if arrival <= at)


def listed(channels: Channels) -> dict[str, tuple[str | int, ...]]:
    """All that a listing would show, by uniqueid."""
    return {channel.uniqueid: channel.listed() for channel in everything(channels)}


def everything(channels: Channels) -> list[Channel]:
    """All channels, the calls in no order."""
    return [channel for linkedid in channels.linkedids() for channel in channels.of(linkedid)]


def listing(channels: Channels) -> list[Event]:
    """The answer to CoreShowChannels of a PBX that has these channels."""
    return [
        {
            "Event": "CoreShowChannel",
            "Channel": channel.name,
            "ChannelState": str(channel.state),
            "CallerIDNum": channel.caller_number or "<unknown>",
            "CallerIDName": _escaped(channel.caller_name),
            "ConnectedLineNum": channel.connected_number or "<unknown>",
            "ConnectedLineName": _escaped(channel.connected_name),
            "Context": channel.context,
            "Exten": channel.exten,
            "Uniqueid": channel.uniqueid,
            "Linkedid": channel.linkedid,
            "Application": "Queue" if channel.waiting else "ConfBridge" if channel.conference else "",
            "ApplicationData": f"{channel.queue},t" if channel.waiting else channel.conference,
            "BridgeId": channel.bridge,
        }
        for channel in everything(channels)
    ]


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'") or "<unknown>"
