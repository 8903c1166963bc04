"""Keeps the agent down until a check has allowed the settings that lie there.

A file on the disk says so, written before the first change and removed after the check: so neither cron, nor
systemd, nor the Windows task starts what nobody has checked, after a power cut in between either.
"""

from typing import Final

from deploy.linux.layout import Layout
from deploy.linux.machine import make_folder, text_of, write_file, writing
from deploy.linux.text import InstallError, Text

UNFINISHED: Final = "installation"
"""It has begun, and the check has not been made."""
ZONE: Final = "time zone"
"""The check forbade it."""


def why(layout: Layout) -> str:
    """`UNFINISHED` or `ZONE`; empty: the agent may be started.

    Raises:
        InstallError: nobody can tell.
    """
    found = text_of(layout.held)
    if found is None:
        return ""
    return ZONE if found.strip() == ZONE else UNFINISHED  # empty after a power cut, too


def hold(layout: Layout, reason: str) -> None:
    """Keep it down.

    Args:
        layout: of the machine.
        reason: `UNFINISHED` or `ZONE`.

    Raises:
        InstallError: it cannot be written.
    """
    make_folder(layout.home, 0o755)
    write_file(layout.held, f"{reason}\n".encode(), 0o644)


def release(layout: Layout) -> None:
    """Allow it.

    Raises:
        InstallError: it cannot be written.
    """
    with writing(layout.held):
        layout.held.unlink(missing_ok=True)


def remedy(layout: Layout) -> Text:
    """What ends it."""
    if why(layout) == ZONE:
        return Text(
            "peça à central o arquivo com o fuso certo e instale-o",
            "ask head office for a file with the right time zone, and install it",
        )
    return Text(
        "rode de novo a instalação com o arquivo da loja", "run the installation with the store's file again"
    )


def require_free(layout: Layout) -> None:
    """Make sure that the agent may be started.

    Raises:
        InstallError: it may not.
    """
    found = why(layout)
    if not found:
        return
    if found == ZONE:
        problem = Text(
            "o agente fica desligado de propósito: o fuso horário está errado",
            "the agent is kept down: the time zone is wrong",
        )
    else:
        problem = Text(
            "o agente não é ligado: a instalação não terminou",
            "the agent is not started: the installation did not end",
        )
    raise InstallError(problem, remedy(layout))
