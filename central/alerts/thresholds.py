"""The thresholds of all alerts, from the one file that holds them: monitors are built with them."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("thresholds.toml")

Thresholds = Mapping[str, Mapping[str, float]]


@cache
def thresholds(file: Path = FILE) -> Thresholds:
    """Give each finding's thresholds, by the name of the finding.

    Raises:
        OSError: the file cannot be read.
        tomllib.TOMLDecodeError: it is no TOML.
    """
    found: Thresholds = tomllib.loads(file.read_text(encoding="utf-8"))
    return found
