"""Runs the real commands: ``central``, and ``shipper run --once`` for each store."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from compose.stack.progress import Progress

AT_ONCE = 3
RELATED = ("called_back", "came_again", "never")
LOOK_SECONDS = 0.5


class ShippingError(Exception):
    """A command failed; its own line says why."""


def rate(url: str, tariffs: Path) -> tuple[int, int]:
    """``central rate``.

    Args:
        url: Of the cluster.
        tariffs: The file of prices.

    Returns:
        How many calls have a cost now, and how many have none, for which the tariffs lack something.

    Raises:
        ShippingError: The file is wrong, or the cluster failed.
    """
    told = json.loads(central(url, "rate", "--tariffs", tariffs, "--json"))
    return told["rated"], told["unrated"]


def relate(url: str, since: date) -> tuple[str, str]:
    """``central relate``.

    Args:
        url: Of the cluster.
        since: The first day whose calls are looked at.

    Returns:
        What became of the missed calls, and the most calls at once on one trunk.

    Raises:
        ShippingError: The cluster failed.
    """
    told = json.loads(central(url, "relate", "--since", str(since), "--json"))
    missed, peak = told["missed"], told["peak"]
    number = sum(missed.values())
    found = [f"{missed[state]:,} {state.replace('_', ' ')}" for state in RELATED]
    found.append(f"{number - sum(missed[state] for state in RELATED):,} other")
    most = f"{peak['calls']} ({peak['store']} {peak['trunk']})" if peak else "none"
    return f"{number:,} missed calls: {', '.join(found)}", most


def central(url: str, *arguments: str | Path) -> str:
    """Run ``central``, and give what it says.

    Raises:
        ShippingError: It failed; its own line says why.
    """
    done = subprocess.run(
        [sys.executable, "-m", "central", *map(str, arguments)],
        env={**os.environ, "OPENSEARCH_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        command = " ".join(part for part in map(str, arguments[:2]) if not part.startswith("-"))
        raise ShippingError(f"central {command}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def ship(configs: Sequence[Path], delivered: Callable[[], int], expected: int, progress: Progress) -> None:
    """Let every store's agent deliver all it has, a few at a time.

    Args:
        configs: One ``shipper.toml`` a store.
        delivered: Counts the rows that have arrived.
        expected: How many there will be, for the display.
        progress: Told how far it is.

    Raises:
        ShippingError: An agent failed.
    """
    waiting, running = list(configs), dict[Path, subprocess.Popen[str]]()
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                config = waiting.pop(0)
                running[config] = _start(config)
            time.sleep(LOOK_SECONDS)
            for config in [config for config, process in running.items() if process.poll() is not None]:
                _finish(config, running.pop(config))
            finished = len(configs) - len(waiting) - len(running)
            progress(f"shipping, {finished} of {len(configs)} stores and {delivered()} of {expected} rows")
    finally:
        for process in running.values():
            process.kill()
            process.communicate()


def _finish(config: Path, process: "subprocess.Popen[str]") -> None:
    _, errors = process.communicate()
    if process.returncode:
        raise ShippingError(f"{config.parent.name}: {errors.strip()}")


def _start(config: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "shipper", "run", "--once", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
