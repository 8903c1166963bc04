"""Runs the real commands: ``central install``, then one ``shipper run --once`` for each store."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from compose.stack.progress import Progress

AT_ONCE = 3
LOOK_SECONDS = 0.5


class ShippingError(Exception):
    """A command failed; its own line says why."""


def install(url: str) -> None:
    """``central install``.

    Raises:
        ShippingError: The cluster did not take everything.
    """
    environment = {**os.environ, "OPENSEARCH_URL": url}
    done = subprocess.run(
        [sys.executable, "-m", "central", "install"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ShippingError(f"central install: {(done.stderr or done.stdout).strip()}")


def ship(configs: Sequence[Path], delivered: Callable[[], int], expected: int, progress: Progress) -> None:
    """Let every store's agent deliver all it has, a few at a time.

    Args:
        configs: One ``shipper.toml`` a store.
        delivered: Counts the documents that have arrived.
        expected: How many there will be, for the display.
        progress: Told how far it is.

    Raises:
        ShippingError: An agent failed.
    """
    waiting, running = list(configs), dict[Path, subprocess.Popen[str]]()
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            config = waiting.pop(0)
            running[config] = _start(config)
        time.sleep(LOOK_SECONDS)
        for config, process in list(running.items()):
            if process.poll() is not None:
                del running[config]
                if process.returncode:
                    raise ShippingError(f"{config.parent.name}: {process.communicate()[1].strip()}")
        finished = len(configs) - len(waiting) - len(running)
        progress(f"shipping, {finished} of {len(configs)} stores and {delivered()} of {expected} documents")


def _start(config: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "shipper", "run", "--once", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
