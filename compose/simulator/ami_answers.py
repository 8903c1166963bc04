"""What a fake Asterisk answers to AMI actions, in the form of Asterisk 22's recorded answers. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

Fields = Mapping[str, str]
State = Callable[[str], Iterable[Fields]]
"""Gets an action's name; gives the items of its answer, each with its ``Event``."""


class Listing(NamedTuple):
    """How Asterisk answers an action with a list.

    Attributes:
        name: The action.
        says: ``Message`` of the response.
        rights: Any one of these is needed in ``write``.
        synopsis: What ListCommands says of it.
        id_last: The items' ActionID comes last, not second.
        counted: Another header for the number of items.
    """

    name: str
    says: str
    rights: str
    synopsis: str
    id_last: bool = False
    counted: str = ""


_CHANNELS: Final = Listing(
    "CoreShowChannels", "Channels will follow", "system,reporting", "List currently active channels."
)
_DEVICES: Final = Listing(
    "DeviceStateList",
    "Device State Changes will follow",
    "call,reporting",
    "List the current known device states.",
)
_EXTENSIONS: Final = Listing(
    "ExtensionStateList",
    "Extension Statuses will follow",
    "call,reporting",
    "List the current known extension states.",
)
_STATUS: Final = Listing(
    "Status",
    "Channel status will follow",
    "system,call,reporting",
    "List channel status.",
    id_last=True,
    counted="Items",
)
LISTINGS: Final = {found.name.lower(): found for found in (_CHANNELS, _DEVICES, _EXTENSIONS, _STATUS)}
FULLY_BOOTED: Final[Fields] = {
    "Event": "FullyBooted",
    "Privilege": "system,all",
    "Uptime": "520",
    "LastReload": "520",
    "Status": "Fully Booted",
}


def written(fields: Fields) -> bytes:
    """A message's bytes; ``surrogateescape`` carries bytes that are no UTF-8."""
    lines = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
    return (lines + "\r\n").encode("utf-8", "surrogateescape")


def read(raw: bytes) -> dict[str, str]:
    """An action's fields, the keys in small letters, as Asterisk does not tell them apart."""
    lines = (line.partition(": ") for line in raw.decode("utf-8", "replace").split("\r\n"))
    return {key.lower(): value for key, colon, value in lines if colon}


def answer(asked: Fields, write: frozenset[str], state: State) -> list[Fields]:
    """The messages that answer an action of somebody who is logged in.

    Args:
        asked: The action, as `read` gives it.
        write: Classes of actions that are allowed.
        state: What is told in lists.
    """
    action = asked.get("action", "")
    known = {"ActionID": asked["actionid"]} if "actionid" in asked else {}
    allowed = [
        found for found in LISTINGS.values() if not write.isdisjoint((*found.rights.split(","), "all"))
    ]
    found = LISTINGS.get(action.lower())
    if found in allowed:
        return _listing(found, known, state)
    if found is not None:
        return [{"Response": "Error", **known, "Message": "Permission denied"}]
    if action.lower() == "logoff":
        return [{"Response": "Goodbye", **known, "Message": "Thanks for all the fish."}]
    if action.lower() == "listcommands":
        rights = {found.name: f"{found.synopsis} (Priv: {found.rights},all)" for found in allowed}
        return [{"Response": "Success", **known, **rights, "Ping": "Keepalive command. (Priv: <none>)"}]
    text = f"Invalid/unknown command: {action}. Use Action: ListCommands to show available commands."
    return [{"Response": "Error", **known, "Message": text}]


def _listing(found: Listing, known: Fields, state: State) -> list[Fields]:
    items: list[Fields] = []
    for item in state(found.name):
        first = {"Event": item["Event"]}
        items.append({**first, **item, **known} if found.id_last else {**first, **known, **item})
    start = {"Response": "Success", **known, "EventList": "start", "Message": found.says}
    end = {"Event": f"{found.name}Complete", **known, "EventList": "Complete", "ListItems": str(len(items))}
    return [start, *items, {**end, found.counted: str(len(items))} if found.counted else end]
