"""A CSV file as spreadsheets write it: its lines as texts by column, and everything that is wrong with it."""

import csv
import difflib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Final

from central.errors import UsageError

# What a spreadsheet in Portuguese may call a column; none of these is close enough to be guessed.
_OTHER_NAMES: Final = {
    other: column
    for column, others in {
        "id": "loja codigo",
        "name": "nome",
        "region": "regiao",
        "city": "cidade municipio",
        "state": "uf estado",
        "timezone": "zone tz fuso",
        "area_code": "ddd",
        "opening_hours": "horario horarios hours",
        "opening_exceptions": "excecoes exceptions",
        "holidays": "feriados feriado",
        "trunks": "troncos",
        "valid_from": "valido_desde since",
        "closed_from": "fechada_desde fechado_desde encerrada_em encerramento",
    }.items()
    for other in others.split()
}
# The letters of Portuguese beyond ASCII: in Windows-1252 other encodings show as other signs than these.
_LETTERS: Final = frozenset("áàâãéêíóôõúüçÁÀÂÃÉÊÍÓÔÕÚÜÇºª°")
_TWICE_ENCODED: Final = re.compile("[ÂÃ][ºª°]")
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_SAVE: Final = 'save it as "CSV UTF-8"'


@dataclass
class Problems:
    """All that is wrong with a file, in the order of its lines.

    Args:
        file: its name, as the user gave it.
    """

    file: str
    _found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, text: str) -> None:
        """Note what is wrong with a line as a whole."""
        self._found.append((line, f"{self.file} line {line}: {text}"))

    def value(self, line: int, column: str, value: str, text: str) -> None:
        """Note what is wrong with a value."""
        shown = f" {value!r}" if value else ""
        self._found.append((line, f"{self.file} line {line}, {column}{shown}: {text}"))

    def settle(self) -> None:
        """Raise `UsageError` with all of it, a line each, if there is anything."""
        if self._found:
            lines = [text for _, text in sorted(self._found, key=lambda entry: entry[0])]
            count = f"{len(lines)} errors" if len(lines) > 1 else "1 error"
            raise UsageError("\n".join([f"{self.file}: {count}, nothing was applied", *lines]))


@dataclass(frozen=True)
class Row:
    """One line of the file.

    Attributes:
        number: of its first line in the file, from 1.
        values: column -> text without blanks around it; every known column is there.
    """

    number: int
    values: dict[str, str]


@dataclass(frozen=True)
class Sheet:
    """What was read.

    Attributes:
        rows: the lines below the header that hold anything.
        encoding: `UTF-8` or `Windows-1252`.
    """

    rows: tuple[Row, ...]
    encoding: str


def read(path: Path, columns: Sequence[str], needed: Sequence[str], problems: Problems) -> Sheet:
    """Read a file; what is wrong with single lines goes into `problems`, and those lines are left out.

    Args:
        path: the file: UTF-8, or Windows-1252 as Excel saves plain "CSV"; with commas or semicolons.
        columns: the names that its header may have, in any order.
        needed: those that it must have.
        problems: takes what is found.

    Raises:
        UsageError: no line of it can be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}: correct the file's name") from error
    text, encoding = _decoded(path, content)
    lines = unicodedata.normalize("NFC", text).splitlines(keepends=True)
    # Excel's own first line, which tells it the separator.
    skipped = 1 if lines and re.fullmatch(r"sep=.\s*", lines[0]) else 0
    if not "".join(lines[skipped:]).strip():
        raise UsageError(f"{path} is empty: write a header and a line for each store")
    separator = ";" if lines[skipped].count(";") > lines[skipped].count(",") else ","
    cells = _cells("".join(lines[skipped:]), separator, skipped, problems)
    number, header = next(cells, (skipped + 1, []))
    names = _header(number, header, columns, needed, problems)
    rows = []
    for number, values in cells:
        stripped = [value.strip() for value in values]
        if not any(stripped):
            continue
        if len(stripped) < len(names) or any(stripped[len(names) :]):
            few = len(stripped) < len(names)
            mend = "keep empty ones too" if few else f'put quotes around a value that holds "{separator}"'
            problems.add(number, f"it has {len(stripped)} values, the header {len(names)}: {mend}")
            continue
        found = dict(zip(names, stripped, strict=False))
        rows.append(Row(number, {column: found.get(column, "") for column in columns}))
    return Sheet(tuple(rows), encoding)


def near(value: str, known: Sequence[str], otherwise: str) -> str:
    """Give `did you mean …?` where something known is close to it, else another hint."""
    folded = {_folded(name): name for name in sorted(known, reverse=True)}
    found = difflib.get_close_matches(_folded(value), list(folded), n=1)
    return f"did you mean {folded[found[0]]}?" if found else otherwise


def _decoded(path: Path, content: bytes) -> tuple[str, str]:
    if content.startswith(_UTF16):
        raise UsageError(f"{path} is UTF-16 text: {_SAVE}")
    if b"\0" in content:
        raise UsageError(f"{path} is no text (a byte 0 is in it): {_SAVE}")
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = content.decode("cp1252", errors="replace")
        strange = {letter for letter in text if not letter.isascii()} - _LETTERS
        # Read wrongly, a name would be wrong on every screen: only what can be nothing else is accepted.
        if strange or _TWICE_ENCODED.search(text):
            raise UsageError(
                f"{path} line {line}: neither UTF-8 nor Portuguese in Windows-1252: {_SAVE}"
            ) from error
        return text, "Windows-1252"


def _cells(text: str, separator: str, skipped: int, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        number = skipped + reader.line_num + 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.add(number, f"{error}: correct the quotes from here on")
            return


def _header(
    line: int, header: list[str], columns: Sequence[str], needed: Sequence[str], problems: Problems
) -> list[str]:
    names = [name.strip().lower() for name in header]
    while names and not names[-1]:
        names.pop()
    for name in dict.fromkeys(names):
        if name not in columns:
            other = _OTHER_NAMES.get(_folded(name))
            mend = f"did you mean {other}?" if other else near(name, columns, f"known: {', '.join(columns)}")
            problems.value(line, "column", name or " ", f"there is no such column: {mend}")
        elif names.count(name) > 1:
            problems.value(line, "column", name, "it is there twice: keep one of them")
    for name in needed:
        if name not in names:
            problems.value(line, "column", name, "it is missing: add it")
    problems.settle()
    return names


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
