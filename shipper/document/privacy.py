"""Personal data on its way out of the store: in clear, masked, or replaced by a keyed hash. Pure.

Brazil's LGPD (Lei 13.709/2018) counts a person's phone number and name as personal data (art. 5, I). What is
replaced here does not leave the store. A hash can be undone by whoever has the key or may try all numbers
with it, so it is a pseudonym (art. 13, § 4) and still personal data; see docs/privacy.md.
"""

import hmac
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

from shipper.schema import load

MODES: Final = ("clear", "masked", "hashed")
SHORTEST: Final = 7
"""Digits of the shortest number that is not an extension, a service or a feature code."""

FILLING: Final = str.maketrans("", "", "+()-. ")
"""What may stand between the digits of a number."""
WRITTEN: Final = (
    r"(?<!\d)(?:\+?\d{1,3}[ -]?)?\(\d{2,3}\) ?\d{4,5}[- ]?\d{4}(?!\d)"
    r"|(?<![\d-])(?:(?:\+?\d{1,3}[ -])?\d{2,3} )?\d{4,5}-\d{4}(?![\d-])"
)
"""Numbers within a text as people write them: (11) 98765-4321, +55 11 98765-4321, 3333-4444."""
PLAIN: Final = r"(?<!\*)(?<!\*\d)\+?\d{7,}"
"""Digits at a stretch; behind a feature code (*72) a number begins after its two digits."""
CLID: Final = re.compile(r'"(.*)" <([^<>]*)>?', re.DOTALL)
"""Asterisk's caller id with name and number, perhaps cut off at its end."""

_ONLY_PLAIN: Final = re.compile(PLAIN)
_NUMBERS: Final = re.compile(f"{WRITTEN}|{PLAIN}")
# Of a PJSIP or SIP channel the name is a trunk or an extension, and the suffix is hexadecimal.
_DIALLED: Final = re.compile(r"Local/[^@]*|DAHDI/.*", re.DOTALL)
# What FreePBX puts after the numbers: date, time and uniqueid.
_RECORDED: Final = re.compile(r"-20\d{6}-\d{6}-(?:[\w-]+-)?\d{9,10}\.\d+(?:\.\w+)?\Z")
_CODE: Final = re.compile(r"[\d+()\-. *#]*")
_NUMBER_COLUMNS: Final = frozenset({"src", "dst", "cnum", "outbound_cnum"})
_NAME_COLUMNS: Final = frozenset({"cnam", "dst_cnam", "outbound_cnam"})
_CHANNELS: Final = frozenset({"channel", "dstchannel"})
_FREE: Final = frozenset({"lastdata", "userfield", "accountcode", "peeraccount", "recordingfile", "clid"})
_TEXTS: Final = _NUMBER_COLUMNS | _NAME_COLUMNS | _CHANNELS | _FREE | {"did"}
_SHORTEST_WORD: Final = 3
_CACHED: Final = 2048


class _Number(Protocol):
    @property
    def e164(self) -> str: ...


class _Row(NamedTuple):
    """What of a row is the store's own, and what of it must not be repeated in its other columns.

    Attributes:
        own: the store's numbers, canonical.
        company: the name that the store shows to the outside, as `_spaced` gives it.
        names: of persons.
        numbers: of both sides, as they stand in the row.
        written: those of them that are more than digits.
    """

    own: frozenset[str]
    company: str
    names: tuple[str, ...]
    numbers: tuple[str, ...]
    written: tuple[str, ...]


class Privacy:
    """Replaces the numbers and names of persons.

    Args:
        mode: ``clear``, ``masked`` (last four digits, initials) or ``hashed`` (HMAC-SHA256, 32 digits of it).
        key: Secret of the hash; the whole chain needs the same one to search and to count over its stores.
        numbers: Reads a number in any spelling; its ``e164`` is empty where it cannot be told.

    Raises:
        ValueError: There is no such mode, or it needs a key and has none.
    """

    def __init__(self, mode: str, key: str, numbers: Callable[[str], _Number]) -> None:
        if mode not in MODES:
            raise ValueError(f"privacy.mode {mode!r} is not one of {', '.join(MODES)}")
        if mode == "hashed" and not key:
            raise ValueError('privacy.key is empty: privacy.mode = "hashed" needs a secret key')
        self.active = mode != "clear"
        self._masked = mode == "masked"
        self._key = key.encode(errors="surrogatepass")
        self._numbers = numbers
        self._known = (
            frozenset(load("cdr")["properties"]["cdr"]["properties"]) if self.active else frozenset()
        )
        self._canonical = lru_cache(_CACHED)(self._read)
        self._hidden = lru_cache(_CACHED)(self._hide)
        self._initials_or_hash = lru_cache(_CACHED)(self._hide_name)

    def number(self, text: str, e164: str = "") -> str:
        """An outside number, replaced; extensions, services and words such as `anonymous` stay.

        Args:
            text: The number as it was dialled or shown.
            e164: The same in international form, where it is known already.
        """
        if not self.active:
            return text
        if _digits(text):
            return self._hidden(text, e164 or self._canonical(text))
        return self._inside(text, _NOBODY, _NUMBERS)

    def name(self, text: str) -> str:
        """A person's name, replaced; a "name" that is only a number is treated as one."""
        if not self.active or not text.strip():
            return text
        return self.number(text) if _only_number(text) else self._initials_or_hash(text)

    def columns(self, cdr: dict[str, Any]) -> dict[str, Any]:
        """The columns of a row without what tells who it was, apart from what joins rows.

        A channel becomes the same text in every row. Columns that FreePBX does not know are left out: nobody
        knows what is in them.

        Args:
            cdr: The columns that hold something, as text and integers, under their names.
        """
        if not self.active:
            return cdr
        result = {name: value for name, value in cdr.items() if name in self._known}
        texts = {name: str(value) for name, value in result.items() if name in _TEXTS}
        row = self._row(texts)
        for name in _TEXTS & texts.keys() - {"did"}:
            result[name] = self._column(name, texts[name], row)
        return result

    def _column(self, name: str, text: str, row: _Row) -> str:
        if name in _NUMBER_COLUMNS:
            return self._outside(text, row)
        if name in _NAME_COLUMNS:
            return self._person(text, row)
        if name in _CHANNELS:
            return self._channel(text)
        if name == "clid":
            return self._clid(text, row)
        if name == "recordingfile":
            tail = _RECORDED.search(text)
            end = tail.start() if tail else len(text)
            return self._inside(text[:end], row, _ONLY_PLAIN) + text[end:]
        return self._inside(text, row, _NUMBERS)

    def _row(self, texts: dict[str, str]) -> _Row:
        shown, company = texts.get("outbound_cnum", ""), texts.get("outbound_cnam", "")
        cnum, cnam = texts.get("cnum", ""), texts.get("cnam", "")
        # A forwarded call may go out with its caller's number, a phone with its user's name.
        own = (
            texts.get("did", ""),
            "" if shown and self._canonical(shown) == self._canonical(cnum) else shown,
        )
        company = "" if _spaced(company) == _spaced(cnam) else _spaced(company)
        quoted = CLID.fullmatch(texts.get("clid", ""))
        names = (cnam, texts.get("dst_cnam", ""), unescaped(quoted[1]) if quoted else "")
        numbers = tuple(texts.get(name, "") for name in ("src", "dst", "cnum"))
        return _Row(
            frozenset(self._canonical(text) for text in own if _digits(text)),
            company,
            tuple(name for name in names if self._is_word(name, company)),
            numbers,
            tuple(text for text in numbers if _digits(text) and not text.isdecimal()),
        )

    @staticmethod
    def _is_word(name: str, company: str) -> bool:
        return len(name) >= _SHORTEST_WORD and not _only_number(name) and _spaced(name) != company

    def _outside(self, text: str, row: _Row) -> str:
        if not _digits(text):
            return self._inside(text, row, _NUMBERS)
        canonical = self._canonical(text)
        return text if canonical in row.own else self._hidden(text, canonical)

    def _person(self, text: str, row: _Row) -> str:
        if _only_number(text):
            return self._outside(text, row)
        return text if not text.strip() or _spaced(text) == row.company else self._initials_or_hash(text)

    def _clid(self, text: str, row: _Row) -> str:
        """`"name" <number>`; where it is cut off or only one of both, what is there is a name or a number."""
        parts = CLID.fullmatch(text)
        if parts is None:
            inner = text.strip('"<> ')
            return text if not inner else self._person(inner, row)
        name, number = unescaped(parts[1]), parts[2]
        is_number = number in row.numbers or _CODE.fullmatch(number)
        number = self._outside(number, row) if is_number else self._person(number, row)
        name = self._person(name, row).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{name}" <{number}>'

    def _channel(self, text: str) -> str:
        dialled = _DIALLED.match(text)
        if dialled is None:
            return text
        return self._inside(dialled[0], _NOBODY, _NUMBERS) + text[dialled.end() :]

    def _inside(self, text: str, row: _Row, numbers: re.Pattern[str]) -> str:
        """A text that may hold numbers and the row's names among other things, in one go over it."""
        words = [re.escape(word) for word in row.written if word in text]
        words += [rf"(?<!\w){re.escape(name)}(?!\w)" for name in row.names if name in text]
        if words:
            words.sort(key=len, reverse=True)
            numbers = re.compile("|".join([*words, numbers.pattern]))
        return numbers.sub(lambda found: self._found(found[0], row), text)

    def _found(self, text: str, row: _Row) -> str:
        return self._initials_or_hash(text) if text in row.names else self._outside(text, row)

    def _read(self, text: str) -> str:
        """The number in international form, or its digits."""
        return self._numbers(text).e164 or _ascii_digits(text)

    def _hide(self, text: str, canonical: str) -> str:
        if self._masked:
            digits = len(_ascii_digits(text))
            return re.sub(r"\d", "*", text, count=max(digits - 4, 0))
        return "h" + self._hash(canonical)

    def _hide_name(self, text: str) -> str:
        if self._masked:
            initials = (next((char for char in word if char.isalnum()), "") for word in text.split())
            return " ".join(f"{initial.upper()}." for initial in initials if initial) or "*"
        return "n" + self._hash(_spaced(text))

    def _hash(self, canonical: str) -> str:
        return hmac.digest(self._key, canonical.encode(errors="surrogatepass"), "sha256").hex()[:32]


_NOBODY: Final = _Row(frozenset(), "", (), (), ())


@lru_cache(_CACHED)
def _only_number(text: str) -> bool:
    return text.translate(FILLING).isdecimal()


def _digits(text: str) -> bool:
    """Whether the whole text is a number that is not short."""
    if len(text) < SHORTEST:
        return False
    return text.isdecimal() or (len(digits := text.translate(FILLING)) >= SHORTEST and digits.isdecimal())


def _ascii_digits(text: str) -> str:
    digits = "".join(char for char in text if char.isdecimal())
    return digits if digits.isascii() else "".join(str(int(char)) for char in digits)


@lru_cache(_CACHED)
def _spaced(name: str) -> str:
    return " ".join(name.casefold().split())


def unescaped(text: str) -> str:
    """A name without the backslashes that stand in a caller id before quotes and backslashes."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) if "\\" in text else text
