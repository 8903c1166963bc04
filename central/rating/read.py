"""A TOML file's sections: what is missing, unknown or of the wrong kind is named, with its mend."""

import difflib
import tomllib
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, NoReturn

from central.errors import UsageError

_HIGHEST_PRICE: Final = 1_000_000
_PRICE_DECIMALS: Final = 9


def fail(where: str, problem: str, mend: str) -> NoReturn:
    """Raise a `UsageError` of one line: file and place, key and value, what mends it."""
    raise UsageError(f"{where}: {problem}: {mend}")


def read(path: Path) -> dict[str, Any]:
    """Read a TOML file, its numbers with a point as `Decimal`.

    Raises:
        UsageError: it is not there, not readable, or no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        fail(str(path), error.strerror or str(error), "correct --tariffs")
    except UnicodeDecodeError as error:
        fail(str(path), f"not UTF-8 (byte {error.start})", "save it as UTF-8")
    except (tomllib.TOMLDecodeError, InvalidOperation) as error:
        fail(str(path), " ".join(str(error).split()), "mend the line that it names")


@dataclass(frozen=True)
class Section:
    """One table of the file.

    Attributes:
        where: file and place, to begin a message with.
        table: as it was read.
        keys: the names that it may have.

    Raises:
        UsageError: it has another key. All methods raise it too, for a missing or wrong value.
    """

    where: str
    table: dict[str, Any]
    keys: AbstractSet[str]

    def __post_init__(self) -> None:
        """Refuse unknown keys: a typing mistake must not pass for an option left out."""
        for key in self.table:
            if key not in self.keys:
                fail(self.where, f"{key} is no key", _near(key, self.keys))

    def text(self, key: str, what: str) -> str:
        """Give a text that is not empty; `what` says which."""
        value = self._needed(key, f"write {what}, in quotes")
        if not isinstance(value, str) or not value.strip() or value != value.strip():
            fail(self.where, f"{key} is {_shown(value)}", f"write {what}, in quotes")
        return value

    def choice(self, key: str, allowed: AbstractSet[str]) -> str:
        """Give a text out of a list."""
        value = self._needed(key, f"write one of {', '.join(sorted(allowed))}")
        if not isinstance(value, str) or value not in allowed:
            fail(self.where, f"{key} is {_shown(value)}", _near(str(value), allowed))
        return value

    def names(self, key: str, mend: str, allowed: AbstractSet[str] | None = None) -> list[str]:
        """Give a list of different texts, at least one, all out of `allowed` where that is given."""
        value = self._needed(key, f"write {mend}")
        if (
            not isinstance(value, list)
            or not value
            or not all(isinstance(n, str) and n.strip() for n in value)
        ):
            fail(self.where, f"{key} is {_shown(value)}, not a list of names", f"write {mend}")
        for name in value:
            if value.count(name) > 1:
                fail(self.where, f"{key} names {name} twice", "keep one of them")
            if allowed is not None and name not in allowed:
                fail(self.where, f"{key} names {name}", _near(name, allowed))
        return value

    def whole(self, key: str, lowest: int, highest: int, default: int | None = None) -> int:
        """Give a whole number within bounds."""
        if key not in self.table and default is not None:
            return default
        mend = f"write a whole number, {lowest} to {highest}"
        value = self._needed(key, mend)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            fail(self.where, f"{key} is {_shown(value)}", mend)
        return value

    def price(self, key: str, default: Decimal | None = None) -> Decimal:
        """Give an exact price, written as a number or as text."""
        if key not in self.table and default is not None:
            return default
        mend = "write a price with a point and without its currency, such as 0.35"
        value = self._needed(key, mend)
        try:
            price = Decimal(value) if isinstance(value, int | str | Decimal) else None
        except InvalidOperation:
            price = None
        if price is None or isinstance(value, bool) or not price.is_finite():
            fail(self.where, f"{key} is {_shown(value)}, not a price", mend)
        exponent = price.as_tuple().exponent
        if not 0 <= price <= _HIGHEST_PRICE or (isinstance(exponent, int) and exponent < -_PRICE_DECIMALS):
            limits = f"write 0 to {_HIGHEST_PRICE}, with {_PRICE_DECIMALS} decimals at most"
            fail(self.where, f"{key} is {_shown(value)}", limits)
        return price

    def day(self, key: str, *, optional: bool = False) -> date | None:
        """Give a date; None where it is left out and may be."""
        mend = f"write {key} = 2026-01-01, without quotes and without a time"
        value = self.table.get(key) if optional else self._needed(key, mend)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            fail(self.where, f"{key} is {_shown(value)}, not a date", mend)
        return value

    def tables(self, key: str, heading: str) -> list[dict[str, Any]]:
        """Give the tables of one heading, at least one."""
        value = self.table.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(entry, dict) for entry in value):
            problem = "is not there" if value is None else f"is {_shown(value)}"
            fail(self.where, f"{key} {problem}", f"write at least one {heading}")
        return value

    def section(self, key: str, keys: AbstractSet[str]) -> "Section":
        """Give the table below a key."""
        value = self.table[key]
        if not isinstance(value, dict):
            fail(self.where, f"{key} is {_shown(value)}", f"write {key} = {{ {', '.join(sorted(keys))} }}")
        return Section(f"{self.where}, {key}", value, keys)

    def _needed(self, key: str, mend: str) -> Any:
        if key not in self.table:
            fail(self.where, f"{key} is missing", mend)
        return self.table[key]


def _shown(value: Any) -> str:
    """A value as the file has it, near enough to be found there."""
    return str(value) if isinstance(value, Decimal | date) else repr(value)


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
