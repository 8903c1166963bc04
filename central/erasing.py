"""Takes one person's number, and the names beside it, out of a document: pure, by the number itself.

Candidates are found by the last digits; here a number counts only where its international form is the
person's, so that another one that ends alike is never touched.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from shipper.document.privacy import CLID, FILLING, PLAIN, SHORTEST, WRITTEN, Privacy, unescaped
from shipper.numbering import reader

ERASED: Final = "erased"
"""The tag of a document that something was taken out of, and what stands in its place inside a text."""

PROTECTED: Final = frozenset(
    {"@timestamp", "event", "store", "agent", "local", "tags", "id", "call_id", "calldate", "uniqueid"}
    | {"linkedid", "linked_ids", "sequence", "index", "stage", "dataset", "path", "rule", "ip"}
)
"""Keys whose values join, count and date documents: never a number, whatever they look like."""

_HASH: Final = r"\bh[0-9a-f]{32}\b"
# Date, time and uniqueid of a recording look like numbers: they are read first, and stay.
_STAYS: Final = r"-20\d{6}-\d{6}-(?:[A-Za-z]\w*-)?\d{9,10}\.\d+|\b\d{9,10}\.\d+\b"
_PARTS: Final = re.compile(rf"(?P<stays>{_STAYS})|{_HASH}|{WRITTEN}|{PLAIN}")
_BESIDE: Final = {"src": "cnam", "cnum": "cnam", "dst": "dst_cnam", "outbound_cnum": "outbound_cnam"}
_PARTY: Final = ("number", "e164")
# Where a person's name may be repeated within a text.
_FREE: Final = frozenset(
    {"clid", "lastdata", "userfield", "accountcode", "peeraccount", "recordingfile", "message", "text"}
)
_NAMES: Final = frozenset({"cnam", "dst_cnam", "outbound_cnam", "name"})
_SHORTEST_WORD: Final = 3
_GONE: Final = object()


class Erased(NamedTuple):
    """What became of a document.

    Attributes:
        source: the document without the person's data.
        fields: dotted names of what was removed or changed, sorted; none: the number is not in it.
        undecided: it holds a number without an area code that would be the person's in their area, and the
            store's area is not known.
    """

    source: dict[str, Any]
    fields: tuple[str, ...]
    undecided: bool


class Person:
    """Whose data is taken out.

    Args:
        number: the person's number, in any spelling.
        country: ISO 3166 code of the stores' country.
        area_code: for a `number` without one, and for stores whose area is not known; may be empty.
        key: secret of the hashes; empty: none is looked for.

    Raises:
        ValueError: the number is too short, has no area code, or country or area code do not exist.
    """

    def __init__(self, number: str, country: str, area_code: str, key: str) -> None:
        # Nothing but the digits counts where the number cannot be told.
        self._digits = re.sub(r"\D", "", number)
        if len(self._digits) < SHORTEST:
            raise ValueError(f"a number has {SHORTEST} digits or more, this one {len(self._digits)}")
        self._with_area = reader(country, area_code) if area_code else None
        self._read = reader(country, "")
        told = (self._with_area or self._read)(number)
        if not told.e164 and told.category.startswith("local_"):
            raise ValueError("the number has no area code: give it, or --area-code")
        self.e164 = told.e164
        privacy = Privacy("hashed", key, self._with_area or self._read) if key else None
        self.hash = privacy.number(number) if privacy else ""

    @property
    def ending(self) -> str:
        """The last digits, by which candidates are found: no spelling has fewer."""
        return (self.e164 or self._digits)[-SHORTEST:]

    def out_of(self, source: dict[str, Any], prefix: str) -> Erased:
        """Take the person out of a document.

        Args:
            source: the document; it stays as it is.
            prefix: what stands before a number without an area code in the document's store, such as
                `+5511`; empty where it is not known.
        """
        search = _Search(self, prefix)
        result = search.mapping(source, "")
        if search.fields:
            result = search.without_names(result, "")
            tags = result.get("tags")
            result["tags"] = sorted({*(tags if isinstance(tags, list) else []), ERASED})
        return Erased(result, tuple(sorted(search.fields)), search.undecided)

    def is_it(self, text: str, prefix: str) -> bool | None:
        """Whether a text is the number; None where that depends on an area code that is not known."""
        if text == self.hash:
            return bool(text)
        digits = text.translate(FILLING)
        if len(digits) < SHORTEST or not digits.isdecimal():
            return False
        if not self.e164:
            return digits == self._digits
        e164 = self._read(text).e164
        return e164 == self.e164 if e164 or "+" in text else self._is_it_locally(digits, prefix)

    def _is_it_locally(self, digits: str, prefix: str) -> bool | None:
        """The same for digits that no area code or country code tells."""
        if prefix:
            return prefix + digits == self.e164
        if self._with_area:
            return self._with_area(digits).e164 == self.e164
        return None if self.e164.endswith(digits) else False


class _Search:
    """One document: what was taken out of it so far."""

    def __init__(self, person: Person, prefix: str) -> None:
        self._person = person
        self._prefix = prefix
        self.fields: set[str] = set()
        self.undecided = False
        self._names: set[str] = set()

    def mapping(self, node: dict[str, Any], path: str) -> dict[str, Any]:
        gone = {key for key, value in node.items() if key not in PROTECTED and self._is_number(value)}
        if gone & set(_PARTY):
            gone |= set(_PARTY)
        if "clid" not in gone and self._clid_is_theirs(node.get("clid")):
            gone.add("clid")
        gone |= {name for key in gone for name in _names_beside(key, node)}
        result = {}
        for key, value in node.items():
            name = f"{path}{key}"
            if key in gone:
                self.fields.add(name)
                self._remember(key, value)
                if key == "clid":
                    result[key] = f'"{ERASED}" <{ERASED}>'
            elif key in PROTECTED:
                result[key] = value
            else:
                kept = self._value(value, name, key)
                if kept is not _GONE:
                    result[key] = kept
        return result

    def _value(self, value: Any, name: str, key: str) -> Any:
        if isinstance(value, dict):
            return self.mapping(value, f"{name}.")
        if isinstance(value, list):
            kept = [self._value(item, name, key) for item in value if not self._is_number(item)]
            if len(kept) < len(value):
                self.fields.add(name)
            return kept if kept or not value else _GONE
        if isinstance(value, str):
            text = _PARTS.sub(self._part, value)
            if text != value:
                self.fields.add(name)
                # A document kept as one text has names in it that no key tells.
                return ERASED if key == "text" else text
        return value

    def without_names(self, node: Any, path: str) -> Any:
        """Take out the names that stood beside the number where the document repeats them."""
        if isinstance(node, list):
            return [self.without_names(item, path) for item in node]
        if not self._names or not isinstance(node, dict):
            return node
        words = sorted((re.escape(name) for name in self._names), key=len, reverse=True)
        repeated = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)")
        result = {}
        for key, value in node.items():
            name = f"{path}{key}"
            if key in PROTECTED:
                result[key] = value
            elif key in _NAMES and value in self._names:
                self.fields.add(name)
            elif key in _FREE and isinstance(value, str) and (text := repeated.sub(ERASED, value)) != value:
                self.fields.add(name)
                result[key] = text
            else:
                result[key] = self.without_names(value, f"{name}.")
        return result

    def _part(self, found: re.Match[str]) -> str:
        return found[0] if found["stays"] or not self._is_number(found[0]) else ERASED

    def _is_number(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            return False
        answer = self._person.is_it(str(value), self._prefix)
        self.undecided |= answer is None
        return bool(answer)

    def _clid_is_theirs(self, clid: Any) -> bool:
        parts = CLID.fullmatch(clid) if isinstance(clid, str) else None
        return parts is not None and self._is_number(parts[2])

    def _remember(self, key: str, value: Any) -> None:
        quoted = CLID.fullmatch(value) if key == "clid" and isinstance(value, str) else None
        name = unescaped(quoted[1]) if quoted else value
        is_name = quoted or key in _NAMES or key.lower().endswith("name")
        if is_name and isinstance(name, str) and len(name) >= _SHORTEST_WORD and not name.isdecimal():
            self._names.add(name)


def _names_beside(key: str, node: dict[str, Any]) -> Iterator[str]:
    """The keys of the names that belong to a number's key: cnam to cnum, callerIDName to callerIDNum."""
    if key in _BESIDE:
        yield _BESIDE[key]
    if key in _PARTY:
        yield "name"
    stem = re.sub(r"(number|num)$", "", key.lower())
    if stem != key.lower():
        yield from (other for other in node if other.lower() == f"{stem}name")
