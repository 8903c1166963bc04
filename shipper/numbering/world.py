"""Numbers of all countries but Brazil, through the `phonenumbers` library.

The library takes 2.7 MiB, so it is loaded only where a number needs it: a store in Brazil does without it
until it meets a number from abroad.
"""

import difflib
from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from shipper.numbering.model import CACHED, LONGEST_E164, UNKNOWN, Number, digits_of, geographic
from shipper.numbering.tables import country_code

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_SHORTEST_E164 = 7
_SHORT = 6  # a number of up to so many digits is a service or an extension
_SERVICE = 3
_USUAL_MISTAKES = {"UK": "GB"}


class Fit(IntEnum):
    """How well digits fit another country's plan."""

    NONE = 0
    CODE = 1
    """They begin with a country's calling code; the length is wrong there."""
    POSSIBLE = 2
    """The length is right there."""
    VALID = 3
    """They lie in a range that is in use there."""


def abroad(digits: str) -> tuple[Fit, str]:
    """How well digits that begin with a country calling code fit there, and their E.164 form.

    Args:
        digits: ASCII digits without ``+``.

    Returns:
        The form is empty where the length is wrong.
    """
    if not (_SHORTEST_E164 <= len(digits) <= LONGEST_E164 and country_code(digits)):
        return Fit.NONE, ""
    import phonenumbers  # noqa: PLC0415 - see the module's docstring

    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return Fit.CODE, ""
    if phonenumbers.is_valid_number(number):
        return Fit.VALID, _e164(number)
    reason, e164 = phonenumbers.is_possible_number_with_reason(number), _e164(number)
    # Where the library took something away from a number that is in no range, it guessed.
    possible = reason == phonenumbers.ValidationResult.IS_POSSIBLE and e164 == f"+{digits}"
    return (Fit.POSSIBLE, e164) if possible else (Fit.CODE, "")


def reader(country: str, area_code: str) -> Callable[[str], Number]:
    """Return the function that reads numbers as a store in that country sees them.

    Args:
        country: ISO 3166 code, two capitals, such as ``PT``.
        area_code: What the numbers of the store's area begin with, without the national prefix; may be empty.

    Raises:
        ValueError: The library does not know the country, or the area code is not made of digits.
    """
    plan = _Plan(country, area_code)
    return lru_cache(CACHED)(plan.read)


class _Plan:
    """One country's numbering plan, seen from one area."""

    def __init__(self, country: str, area_code: str) -> None:
        import phonenumbers  # noqa: PLC0415 - see the module's docstring

        if country not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(_unknown_country(country, sorted(phonenumbers.SUPPORTED_REGIONS)))
        if area_code and not (area_code.isascii() and area_code.isdigit()):
            raise ValueError(
                f"area code {area_code!r} has other characters than digits; give digits or nothing"
            )
        self._library = phonenumbers
        self._country = country
        self._area = area_code
        kinds = phonenumbers.PhoneNumberType
        self._mobile = {kinds.MOBILE, kinds.PAGER}
        self._subscribers = self._mobile | {kinds.FIXED_LINE, kinds.FIXED_LINE_OR_MOBILE}
        self._others = {
            kinds.TOLL_FREE: "toll_free",
            kinds.SHARED_COST: "shared_cost",
            kinds.UAN: "shared_cost",
            kinds.PREMIUM_RATE: "service",
            kinds.VOICEMAIL: "service",
        }

    def read(self, text: str) -> Number:
        """Read a number."""
        plus, digits = digits_of(text)
        if not plus and len(digits) <= _SHORT:
            return Number("", "service") if self._is_service(digits) else UNKNOWN
        alone = self._parse(f"+{digits}" if plus else digits)
        found = self._judge(alone)
        if plus or not self._area or (alone and self._national(alone) != digits):
            return found
        completed = self._parse(self._area + digits)
        # A prefix that was stripped from the completed number was no prefix but part of the number.
        if not completed or self._national(completed) != self._area + digits:
            return found
        local = self._judge(completed)
        if UNKNOWN in {found, local}:
            return found if local is UNKNOWN else local
        # In countries with numbers of all lengths both may be right: what they share is all that is known.
        return Number("", found.category if found.category == local.category else "unknown")

    def _parse(self, text: str) -> "PhoneNumber | None":
        try:
            return self._library.parse(text, self._country, keep_raw_input=True)
        except self._library.NumberParseException:
            return None

    def _judge(self, number: "PhoneNumber | None") -> Number:
        library = self._library
        if not number or not (e164 := _e164(number)):
            return UNKNOWN
        if not library.is_valid_number_for_region(number, self._country):
            return Number(e164, "international") if library.is_valid_number(number) else UNKNOWN
        kind = library.number_type(number)
        if kind not in self._subscribers:
            category = self._others.get(kind, "unknown")
        else:
            # Argentina's mobile numbers have a 9 before the area code.
            token = library.country_mobile_token(number.country_code or 0)
            local = self._national(number).removeprefix(token).startswith(self._area)
            category = geographic(self._area, local=local, mobile=kind in self._mobile)
        return Number(e164, category, number.preferred_domestic_carrier_code or "")

    def _national(self, number: "PhoneNumber") -> str:
        return self._library.national_significant_number(number)

    def _is_service(self, digits: str) -> bool:
        # Longer ones (text messages) cannot be told from extensions.
        if len(digits) != _SERVICE:
            return False
        number = self._parse(digits)
        return number is not None and self._library.is_valid_short_number_for_region(number, self._country)


def _e164(number: "PhoneNumber") -> str:
    """Return the E.164 form, or nothing where it would be no such form."""
    import phonenumbers  # noqa: PLC0415 - see the module's docstring

    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return text if _SHORTEST_E164 < len(text) <= LONGEST_E164 + 1 else ""


def _unknown_country(country: str, known: list[str]) -> str:
    close = _USUAL_MISTAKES.get(country.upper())
    matches = [close] if close else difflib.get_close_matches(country.strip().upper(), known, n=3, cutoff=0.5)
    hint = f" (perhaps {' or '.join(matches)})" if matches else ""
    return f"country {country!r} is not known{hint}; give the ISO 3166 code in two capitals, such as BR"
