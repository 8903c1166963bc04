"""Where alerts are sent: a file of channels, and each of them as the Notifications plugin takes it."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from central.alerts.files import Json
from central.errors import UsageError

SHIPPED: Final = Path(__file__).with_name("channels.toml")
PREFIX: Final = "pabx-"
"""Of every channel of ours: others are left alone."""
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "webhook": ("url", "url_file", "headers"),
    "slack": ("url", "url_file"),
    "teams": ("url", "url_file"),
    "email": ("host", "port", "method", "from", "to"),
}
_COMMON: Final = ("id", "kind", "enabled")
_TYPES: Final = {"webhook": "webhook", "slack": "slack", "teams": "microsoft_teams", "email": "email"}
_METHODS: Final = ("none", "ssl", "start_tls")
_ID: Final = re.compile(r"pabx-[a-z0-9-]{1,50}")
# What the Notifications plugin (3.4) takes for these two, any other address it refuses.
_HOSTS: Final = {
    "slack": re.compile(r"https://hooks\.(gov-)?slack\.com/services/.+"),
    "teams": re.compile(r"https://[^/]+\.webhook\.office\.com/.+"),
}
_MEND: Final = {
    "slack": "an incoming webhook, https://hooks.slack.com/services/…",
    "teams": "an incoming webhook, https://….webhook.office.com/…; for a workflow's address use kind webhook",
}
_DEFAULT_HEADERS: Final = {"Content-Type": "application/json"}
_MOST_PORT: Final = 65_535


@dataclass(frozen=True)
class Channel:
    """One channel.

    Attributes:
        id: its `config_id`.
        kind: `webhook`, `slack`, `teams` or `email`.
        enabled: it is to be used.
        values: what its kind asks for.
    """

    id: str
    kind: str
    enabled: bool
    values: Mapping[str, Any]

    @property
    def takes_json(self) -> bool:
        """The message is the whole body of a request."""
        return self.kind == "webhook"

    @property
    def headers(self) -> dict[str, str]:
        """Of a webhook's request."""
        return {
            **_DEFAULT_HEADERS,
            **{str(key): str(text) for key, text in self.values.get("headers", {}).items()},
        }

    def configs(self) -> Iterator[tuple[str, Json]]:
        """Give the configurations that it is made of: id and body, what another needs first."""
        if self.kind == "email":
            account = {name: self.values[name] for name in ("host", "port", "method")}
            account["from_address"] = self.values["from"]
            # The plugin finds user and password in the keystore by the account's name.
            yield f"{self.id}-account", _config(_account_name(self.id), "smtp_account", account)
            recipients = [{"recipient": one} for one in self.values["to"]]
            email = {
                "email_account_id": f"{self.id}-account",
                "recipient_list": recipients,
                "email_group_id_list": [],
            }
            yield self.id, _config(self.id, "email", email)
        elif self.kind == "webhook":
            webhook = {"url": self.values["url"], "header_params": self.headers, "method": "POST"}
            yield self.id, _config(self.id, "webhook", webhook)
        else:
            yield self.id, _config(self.id, _TYPES[self.kind], {"url": self.values["url"]})


def kind_of(config_type: str) -> str:
    """The kind of a channel that the cluster has; empty: it is none."""
    return next((kind for kind, name in _TYPES.items() if name == config_type), "")


def load(path: Path) -> list[Channel]:
    """Read the file.

    Raises:
        UsageError: it cannot be read, or something in it is wrong: all of it, a line each.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}: correct --channels") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from error
    problems = [f"{path}: {name!r} is unknown: write [[channel]]" for name in content if name != "channel"]
    entries = content.get("channel", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"{path}: channel is no list of tables: begin each with [[channel]]")
    channels = []
    for number, entry in enumerate(entries, start=1):
        where = f"{path} channel {number} ({entry.get('id', 'without id')})"
        found = list(_problems(entry))
        problems += [f"{where}: {problem}" for problem in found]
        if not found:
            try:
                channels.append(_channel(entry, path))
            except UsageError as error:
                problems.append(f"{where}: {error}")
    names = [channel.id for channel in channels]
    problems += [
        f"{path}: id {name!r} is there twice" for name in dict.fromkeys(names) if names.count(name) > 1
    ]
    if problems:
        raise UsageError("\n".join(problems))
    return channels


def _problems(entry: Mapping[str, Any]) -> Iterator[str]:
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        yield f"kind {kind!r} is not one of {', '.join(_KINDS)}"
        return
    known = (*_COMMON, *_KINDS[kind])
    for name in entry.keys() - set(known):
        close = difflib.get_close_matches(name, known, 1)
        yield f"key {name!r} is unknown" + (f": did you mean {close[0]}?" if close else f" for kind {kind}")
    if not isinstance(entry.get("id"), str) or not _ID.fullmatch(entry["id"]):
        yield f"id {entry.get('id')!r}: write it as {PREFIX} and small letters, digits or hyphens"
    if not isinstance(entry.get("enabled", False), bool):
        yield f"enabled {entry['enabled']!r}: write true or false"
    if kind == "email":
        yield from _mail_problems(entry)
    elif ("url" in entry) == ("url_file" in entry):
        yield "give either url or url_file"
    if not isinstance(entry.get("headers", {}), dict):
        yield "headers: write a table of texts"


def _mail_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    for name in ("host", "from"):
        if not isinstance(entry.get(name), str) or not entry[name]:
            yield f"{name} is missing"
    port = entry.get("port")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port <= _MOST_PORT:
        yield f"port {port!r}: write a number from 1 to {_MOST_PORT}"
    if entry.get("method") not in _METHODS:
        yield f"method {entry.get('method')!r} is not one of {', '.join(_METHODS)}"
    to = entry.get("to")
    if not isinstance(to, list) or not to or not all(isinstance(one, str) and "@" in one for one in to):
        yield 'to: write a list of addresses, ["operations@example.com"]'


def _channel(entry: Mapping[str, Any], path: Path) -> Channel:
    values = {key: value for key, value in entry.items() if key not in _COMMON}
    enabled = bool(entry.get("enabled", False))
    if enabled and entry["kind"] != "email":
        values["url"] = _url(entry, path)
    return Channel(entry["id"], entry["kind"], enabled, values)


def _url(entry: Mapping[str, Any], path: Path) -> str:
    url = entry.get("url")
    if url is None:
        file = path.parent / str(entry["url_file"])
        try:
            url = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"url_file {file}: {getattr(error, 'strerror', None) or 'is not text'}"
            ) from error
    try:
        parts = urlsplit(str(url))
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"url {url!r} is not of the form https://host/path")
    pattern = _HOSTS.get(entry["kind"])
    if pattern and not pattern.fullmatch(str(url)):
        raise UsageError(f"url: kind {entry['kind']} takes {_MEND[entry['kind']]}")
    return str(url)


def _config(name: str, kind: str, content: Json) -> Json:
    description = "Alerts of pabx-shipper; written by central install --channels."
    return {"name": name, "description": description, "config_type": kind, "is_enabled": True, kind: content}


def _account_name(name: str) -> str:
    """As the keystore's settings take it: no hyphen at its end."""
    return name.replace("-", "_")
