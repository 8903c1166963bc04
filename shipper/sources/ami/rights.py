"""What an AMI user may do, and what the agent needs: asked for without changing anything.

Asterisk tells no client its own rights (measured on 22.10: the log-in is answered alike for all users).
`ListCommands` names the actions that ``write=`` allows; of ``read=`` only the function AST_CONFIG tells,
which reads ``manager.conf``.
"""

import asyncio
from typing import Final, NamedTuple

from shipper.config import AmiSettings
from shipper.errors import AmiError
from shipper.sources.ami.link import Link
from shipper.sources.ami.message import Event

READ: Final = ("call", "cdr", "system", "agent", "security")
WRITE: Final = "reporting"
NEEDED: Final = {
    "call": "calls in progress",
    "cdr": "calls that leave no row, told exactly",
}
USEFUL: Final = {
    "system": "trunks and telephones lost and back, reloads and restarts",
    "agent": "who waits in a queue, and who gave up",
    "security": "failed log-ins of telephones and managers",
}
DANGEROUS: Final = (
    "Command",
    "Originate",
    "GetConfig",
    "UpdateConfig",
    "Hangup",
    "Redirect",
    "DBPut",
    "SetVar",
)
"""Actions that nobody needs who only listens."""
FILE: Final = "/etc/asterisk/manager_custom.conf"
"""Where FreePBX leaves users of one's own alone."""


class Rights(NamedTuple):
    """What was found."""

    where: str
    channels: int
    """Channels at this moment."""
    read: frozenset[str] | None
    """Classes of events; None: Asterisk does not tell."""
    actions: frozenset[str]
    """That the user may use."""

    @property
    def missing(self) -> list[str]:
        """Classes without which the agent does not do what it is for."""
        return [] if self.read is None else [name for name in NEEDED if not self.read & {name, "all"}]

    @property
    def wanting(self) -> list[str]:
        """Classes without which it sees less."""
        return [] if self.read is None else [name for name in USEFUL if not self.read & {name, "all"}]

    @property
    def dangerous(self) -> list[str]:
        """Actions that it should not be allowed."""
        return [name for name in DANGEROUS if name in self.actions]

    @property
    def problem(self) -> str:
        """What is most wrong with them; empty: nothing."""
        if self.missing:
            lost = "; ".join(f"{name}: {NEEDED[name]}" for name in self.missing)
            return f"{self.where}: read = lacks {lost}"
        if self.dangerous:
            allowed = ", ".join(self.dangerous)
            return f"{self.where}: this user may do more than listen ({allowed}); write = {WRITE} is enough"
        if self.wanting:
            lost = "; ".join(f"{name}: {USEFUL[name]}" for name in self.wanting)
            return f"{self.where}: not seen without read = {lost}"
        return ""


def stanza(settings: AmiSettings) -> str:
    """What to paste into `FILE`, for these settings; the secret is not repeated.

    Args:
        settings: ``[ami]``.
    """
    return "\n".join(
        [
            f"[{settings.username}]",
            "secret = THE-SECRET-OF-shipper.toml",
            "deny = 0.0.0.0/0.0.0.0",
            "permit = 127.0.0.1/255.255.255.255",
            f"read = {','.join(READ)}",
            f"write = {WRITE}",
        ]
    )


def look(settings: AmiSettings) -> Rights:
    """Log in, ask, and log out.

    Raises:
        AmiError: No log-in, or not even what the agent needs may be asked.
    """
    return asyncio.run(_look(settings))


async def _look(settings: AmiSettings) -> Rights:
    link = Link(settings, _nobody, _nobody)
    try:
        await link.open()
        return await ask(link, settings.username)
    finally:
        link.close()


async def ask(link: Link, username: str) -> Rights:
    """The rights of whoever is logged in.

    Args:
        link: An open session.
        username: Whose it is.

    Raises:
        AmiError: Not even what the agent needs may be asked, or the session has ended.
    """
    channels = await link.ask("CoreShowChannels")
    commands = await link.ask_one("ListCommands")
    return Rights(link.where, len(channels), await _read(link, username), frozenset(commands))


async def _read(link: Link, username: str) -> frozenset[str] | None:
    if not username.replace("-", "").replace("_", "").isalnum():
        return None  # it would be a part of the function's arguments
    try:
        told = await link.ask_one("Getvar", Variable=f"AST_CONFIG(manager.conf,{username},read)")
    except AmiError:
        return None
    found = [name.strip() for name in told.get("Value", "").split(",")]
    return frozenset(found) if any(found) else None


def _nobody(_told: Event | str) -> None:
    """Events that come meanwhile are of no use here."""
