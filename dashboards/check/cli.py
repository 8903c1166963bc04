"""Command line of the checker; the only place of it that reads and prints."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from central.alerts.files import LANGUAGES, RUNBOOKS
from central.assets import load_assets
from dashboards.check import monitors
from dashboards.check.languages import differences
from dashboards.check.patterns import mapped_fields
from dashboards.check.rules import Finding, check

_FOLDER: Final = Path(__file__).resolve().parents[1] / "saved_objects"
_MONITORS: Final = Path(__file__).resolve().parents[1] / "monitors"
_ROOT: Final = Path(__file__).resolve().parents[2]


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
    if not options.files:
        findings += _monitor_findings()
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


def _monitor_findings() -> list[Finding]:
    files = [
        (f"{language}/{path.name}", _text(path))
        for language in LANGUAGES
        for path in sorted((_MONITORS / language).glob("*.json"))
    ]
    if not files:
        sys.exit(f"{_MONITORS} holds no monitor; run: make generate")
    runbooks = {language: (page, _text(_ROOT / page)) for language, page in RUNBOOKS.items()}
    return monitors.check(files, mapped_fields(load_assets()), runbooks)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        sys.exit(f"{path} cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        sys.exit(f"{path} is not UTF-8: write it in UTF-8")
