"""`central erase`: its options, and its report in words."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from central.erase import IndexReport, Report
from central.erasing import Person
from central.errors import UsageError

DESCRIPTION = (
    "Finds every document of all pabx-* indices that holds the number in any spelling and takes the number, "
    "and the names beside it, out of it; the documents stay. Exit code 1 if some of it is left."
)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `central erase`."""
    parser.add_argument("--number", required=True, help="the person's number, in any spelling")
    parser.add_argument(
        "--area-code",
        default="",
        metavar="DDD",
        help="for a number without one, and for stores whose calls do not tell their own",
    )
    parser.add_argument("--country", default="BR", help="ISO 3166 code of the stores' country (default: BR)")
    parser.add_argument(
        "--privacy-key-file",
        type=Path,
        metavar="FILE",
        help="the stores' privacy.key: documents with the number's hash are found too",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be removed, change nothing")
    parser.add_argument("--json", action="store_true", help="as JSON")


def person_from(given: argparse.Namespace) -> Person:
    """Whom the options name.

    Raises:
        UsageError: the number, its area code or country, or the key's file cannot be used.
    """
    key = _secret(given.privacy_key_file) if given.privacy_key_file else ""
    try:
        return Person(given.number, given.country, given.area_code, key)
    except ValueError as error:
        raise UsageError(f"--number, --area-code or --country: {error}") from error


def lines(report: Report) -> Iterator[str]:
    """The report in words; of the number it has the last four digits only."""
    would = "would be " if report.dry_run else ""
    for part in report.indices:
        yield from _index_lines(part, would)
    documents = sum(part.documents for part in report.indices)
    left = sum(len(part.not_written) for part in report.indices)
    yield f"number …{report.ending}: {documents} documents {would}erased" + (f", {left} not" if left else "")
    if report.hash and report.dry_run:
        yield f"its hash, to search for: {report.hash}"
    if undecided := sum(len(part.undecided) for part in report.indices):
        yield (
            f"{undecided} documents hold a number without an area code that ends alike, in stores whose "
            "calls do not tell their area: if all of these are in one area, run it again with --area-code"
        )
    if report.closed:
        yield f"not looked into, because they are closed: {', '.join(report.closed)}: open them, run it again"
    yield (
        f"{report.masked_alike} documents hold a masked number (last four digits only) that ends in "
        f"{report.ending}: whose it is cannot be told, they stay as they are"
    )


def _index_lines(part: IndexReport, would: str) -> Iterator[str]:
    yield f"{part.index}: {part.documents} documents {would}erased"
    for name, count in sorted(part.fields.items()):
        yield f"    {name}: {count}"
    for key, why in sorted(part.not_written.items()):
        yield f"    not written: {key}: {why}"


def _secret(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not text"
        raise UsageError(f"key file {path}: {reason}: correct --privacy-key-file") from error
    if not secret:
        raise UsageError(f"key file {path} is empty: write the stores' privacy.key into it")
    return secret
