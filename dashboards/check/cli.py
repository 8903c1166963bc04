"""Command line of the checker; the only place of it that reads and prints."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from central.assets import load_assets
from dashboards.check.languages import differences
from dashboards.check.patterns import mapped_fields
from dashboards.check.rules import Finding, check

_FOLDER: Final = Path(__file__).resolve().parents[1] / "saved_objects"


def main(arguments: Sequence[str] | None = None) -> None:
    """Check the files and print one line for each finding.

    Raises:
        SystemExit: 1 when there is a finding or a file cannot be read, 2 on wrong usage.
    """
    parser = argparse.ArgumentParser(prog="python -m dashboards.check", allow_abbrev=False)
    parser.add_argument("files", nargs="*", metavar="FILE", help="without: the shipped ones")
    options = parser.parse_args(arguments)
    paths = [Path(name) for name in options.files] or sorted(_FOLDER.glob("*.ndjson"))
    if not paths:
        sys.exit(f"{_FOLDER} holds no *.ndjson; run: make generate")
    findings = findings_of([(path.name, _text(path)) for path in paths])
    for finding in findings:
        print(finding)
    if findings:
        sys.exit(1)


def findings_of(files: Sequence[tuple[str, str]]) -> list[Finding]:
    """Check files by themselves, and each against the first, whose screens in another language they are.

    Args:
        files: name and content of each.
    """
    mapped = mapped_fields(load_assets())
    found = [finding for name, text in files for finding in check(name, text, mapped)]
    for other in files[1:]:
        found += differences(files[0], other)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        sys.exit(f"{path} cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        sys.exit(f"{path} is not UTF-8: write it in UTF-8")
