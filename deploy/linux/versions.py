"""The versions that lie on the machine, and which of them is current."""

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from deploy.linux.bundle import Artefact
from deploy.linux.layout import AGENT, Layout
from deploy.linux.machine import is_file, last_line, make_folder, point, run, write_file, writing
from deploy.linux.text import InstallError, Text

_MODE = 0o755
_SECONDS = 60.0


class Unfinished(NamedTuple):
    """An upgrade that was going on when the machine stopped."""

    old: str
    new: str


def current(layout: Layout) -> str:
    """The version that runs; empty: none is installed."""
    return _named(layout.current)


def previous(layout: Layout) -> str:
    """The version before; empty: there is none."""
    return _named(layout.previous)


def path_of(layout: Layout, version: str) -> Path:
    """Where a version's agent lies."""
    return layout.versions / version / AGENT


def is_there(layout: Layout, artefact: Artefact) -> bool:
    """Whether it lies there, byte by byte."""
    return is_file(path_of(layout, artefact.version), artefact.content, _MODE)


def put(layout: Layout, artefact: Artefact) -> None:
    """Lay it beside the others, and see that this machine can run it.

    Raises:
        InstallError: it cannot be written, or does not run.
    """
    path = path_of(layout, artefact.version)
    for folder in (layout.home, layout.versions, path.parent):
        make_folder(folder, 0o755)
    write_file(path, artefact.content, _MODE)
    done = run([path, "--version"], seconds=_SECONDS)
    if done.returncode or done.stdout.split()[-1:] != [artefact.version]:
        said = last_line(done.stderr) or last_line(done.stdout) or f"{done.returncode}"
        raise InstallError(
            Text(
                f"o agente {artefact.version} não funciona nesta máquina: {said}",
                f"the agent {artefact.version} does not run on this machine: {said}",
            ),
            Text("precisa de Python 3.11 ou mais novo: python3 --version", "see: python3 --version"),
        )


def switch(layout: Layout, version: str) -> None:
    """Make a version current; what was current is previous from now on.

    Raises:
        InstallError: it cannot be written.
    """
    old = current(layout)
    if old and old != version:
        point(layout.previous, f"versions/{old}")
    point(layout.current, f"versions/{version}")


def back(layout: Layout, version: str, before: str) -> None:
    """Make a version current again; one that did not work is not previous, so that nobody goes back to it.

    Args:
        layout: of the machine.
        version: that becomes current.
        before: that becomes previous; empty, or not there any more: none does.

    Raises:
        InstallError: it cannot be written.
    """
    point(layout.current, f"versions/{version}")
    if before not in ("", version) and path_of(layout, before).is_file():
        point(layout.previous, f"versions/{before}")
    else:
        with writing(layout.previous):
            layout.previous.unlink(missing_ok=True)


def prune(layout: Layout) -> None:
    """Delete all versions but the current and the previous one; what cannot be deleted stays."""
    kept = {current(layout), previous(layout)}
    with suppress(OSError):
        for folder in layout.versions.iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)


def begin(layout: Layout, old: str, new: str) -> None:
    """Remember that an upgrade goes on, for whoever comes after a power cut."""
    body = json.dumps({"from": old, "to": new}) + "\n"
    write_file(layout.unfinished, body.encode(), 0o600)


def finish(layout: Layout) -> None:
    """It goes on no more."""
    with writing(layout.unfinished):
        layout.unfinished.unlink(missing_ok=True)


def unfinished(layout: Layout) -> Unfinished | None:
    """An upgrade that was begun and did not end."""
    try:
        body = json.loads(layout.unfinished.read_text(encoding="utf-8"))
        return Unfinished(str(body["from"]), str(body["to"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _named(link: Path) -> str:
    try:
        return link.readlink().name
    except OSError:
        return ""
