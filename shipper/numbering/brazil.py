"""Brazil's numbering plan, seen from a store there.

Source of the rules: Anatel's numbering regulations (STFC and SMP); ``docs/numbers.md`` lists them with
examples. Whatever does not fit one of them is unknown: nothing is guessed.
"""

import difflib
from collections.abc import Callable
from functools import lru_cache

from shipper.numbering.model import CACHED, UNKNOWN, Number, digits_of, geographic
from shipper.numbering.tables import AREA_CODES, CARRIERS, NATIONWIDE, NON_GEOGRAPHIC, is_service
from shipper.numbering.world import Fit, abroad

COUNTRY = "BR"
_CALLING_CODE = "55"
_FIXED = frozenset("2345")
_OLD_MOBILE = frozenset("6789")  # before the ninth digit (2012 to 2016), and trunked radio (7)
# Lengths: the number within its area, with the area code, and the longest short service.
_OLD, _NEW = 8, 9
_WITH_AREA = (10, 11)
_LONGEST_SERVICE = 5
_SHORTEST_ABROAD = 11  # without a prefix that says so


def reader(area_code: str) -> Callable[[str], Number]:
    """Return the function that reads numbers as a store in that area sees them.

    Args:
        area_code: One of the 67 area codes (DDD), or nothing where it is not known.

    Raises:
        ValueError: It is none of them.
    """
    if area_code and area_code not in AREA_CODES:
        close = ", ".join(difflib.get_close_matches(area_code, sorted(AREA_CODES), cutoff=0.4))
        raise ValueError(
            f"area code {area_code!r} is none of Brazil's 67"
            + (f" (close ones: {close})" if close else "")
            + "; give two digits, such as 11"
        )

    @lru_cache(CACHED)
    def read(text: str) -> Number:
        plus, digits = digits_of(text)
        if plus:
            return _from_abroad((("", digits),), area_code)
        return _dialled(digits, area_code) if digits else UNKNOWN

    return read


def _dialled(digits: str, area: str) -> Number:
    """Digits without a ``+``: what is dialled within Brazil, or shown by a trunk."""
    if digits[0] == "0":
        if digits[1:2] == "0":
            rest = digits[2:]
            # A carrier has to be dialled for a call abroad, so the reading with one comes first.
            readings = ((rest[:2], rest[2:]), ("", rest)) if rest[:2] in CARRIERS else (("", rest),)
            return _from_abroad(readings, area)
        return _behind_zero(digits[1:], area)
    if len(digits) <= _LONGEST_SERVICE:
        return Number("", "service") if is_service(digits) else UNKNOWN
    if digits[:4] in NATIONWIDE and len(digits) == _OLD:
        return Number(f"+55{digits}", "shared_cost")
    found = _within_area(digits, area) or _with_area_code(digits, area) or _non_geographic(digits)
    if found or len(digits) < _SHORTEST_ABROAD:
        return found or UNKNOWN
    return _collect(digits, area) or _bare(digits, area)


def _behind_zero(rest: str, area: str) -> Number:
    """Behind the national prefix 0: the area code, or a carrier and the area code, or 800 and the like."""
    found = _with_area_code(rest, area) or _non_geographic(rest, prefixed=True)
    if not found and rest[:2] in CARRIERS:
        found = _with_area_code(rest[2:], area, rest[:2])
    return found or UNKNOWN


def _with_area_code(digits: str, area: str, carrier: str = "", *, collect: bool = False) -> Number | None:
    """Area code and 8 or 9 digits; None where they are no such number."""
    length = len(digits)
    if length not in _WITH_AREA or digits[:2] not in AREA_CODES:
        return None
    first, new = digits[2], length == _WITH_AREA[1]
    if new and first != "9":
        return None
    mobile = new or first in _OLD_MOBILE
    if not mobile and first not in _FIXED:
        return None
    # An old mobile number got a ninth digit, a trunked radio's did not: which one it was cannot be told.
    e164 = f"+55{digits}" if new or not mobile else ""
    return Number(e164, geographic(area, local=digits[:2] == area, mobile=mobile), carrier, collect)


def _within_area(digits: str, area: str, *, collect: bool = False) -> Number | None:
    """8 or 9 digits without an area code: local by definition; None where they are no such number."""
    first, length = digits[0], len(digits)
    # No subscriber's number begins with 90: that is the prefix of collect calls.
    mobile = digits[:2] != "90" and (
        (length == _NEW and first == "9") or (length == _OLD and first in _OLD_MOBILE)
    )
    if not mobile and not (length == _OLD and first in _FIXED):
        return None
    known = area and (length == _NEW or not mobile)
    return Number(
        f"+55{area}{digits}" if known else "", f"local_{'mobile' if mobile else 'fixed'}", "", collect
    )


def _non_geographic(digits: str, *, prefixed: bool = False) -> Number | None:
    """800 and the like with 7 digits, and with 6 where such numbers were given; None for others.

    Args:
        digits: Without the 0 in front.
        prefixed: That 0, or the country's code, was there: 6 digits behind 500 and 900 are told by it.
    """
    category = NON_GEOGRAPHIC.get(digits[:3])
    length = len(digits)
    shorter = digits[:3] == "800" or (prefixed and category == "service")
    if category and (length == 10 or (length == 9 and shorter)):  # noqa: PLR2004
        return Number(f"+55{digits}", category)
    return None


def _collect(digits: str, area: str) -> Number | None:
    """9090 and a local number, or 90, the carrier and a number with its area code; None for others."""
    if digits[:2] != "90":
        return None
    if digits[:4] == "9090" and digits[4:8] not in NATIONWIDE:
        return _within_area(digits[4:], area, collect=True)
    if digits[2:4] in CARRIERS and (found := _with_area_code(digits[4:], area, digits[2:4], collect=True)):
        return found
    found = _with_area_code(digits[2:], area, collect=True)
    # Without a carrier it may as well be a number of Turkey (90): then neither can be told.
    return UNKNOWN if found and abroad(digits)[0] is Fit.VALID else found


def _bare(digits: str, area: str) -> Number:
    """55 and a number, or another country's code and a number, with nothing that says so."""
    if digits[:2] == _CALLING_CODE:
        return _with_country_code(digits[2:], area) or UNKNOWN
    # The length alone would make an American number of every mistyped one that begins with 1.
    fit, e164 = abroad(digits)
    return Number(e164, "international") if fit is Fit.VALID else UNKNOWN


def _with_country_code(rest: str, area: str, carrier: str = "") -> Number | None:
    """Behind 55; a 0 that many write before the area code or 800 is dropped."""
    rest = rest.removeprefix("0")
    if len(rest) == _OLD and rest[:4] in NATIONWIDE:
        return Number(f"+55{rest}", "shared_cost", carrier)
    found = _with_area_code(rest, area, carrier) or _non_geographic(rest, prefixed=True)
    return found._replace(carrier_code=carrier) if found else None


def _from_abroad(readings: tuple[tuple[str, str], ...], area: str) -> Number:
    """Behind ``+`` or 00: country code and number.

    Args:
        readings: (carrier or nothing, digits from the country code on), the likelier one first.
        area: The store's area code.
    """
    for carrier, digits in readings:
        if digits[:2] == _CALLING_CODE and (found := _with_country_code(digits[2:], area, carrier)):
            return found
    fits = [(*abroad(digits), carrier) for carrier, digits in readings]
    for fit, e164, carrier in fits:
        if fit is Fit.VALID:
            return Number(e164, "international", carrier)
    # Not in use abroad: perhaps a mistyped number of Brazil, or one behind a trunk's prefix of its own.
    if any(digits[:2] == _CALLING_CODE or _with_area_code(digits, area) for _, digits in readings):
        return UNKNOWN
    for fit, e164, carrier in fits:
        if fit is Fit.POSSIBLE:
            return Number(e164, "international", carrier)
    carriers = [carrier for fit, _, carrier in fits if fit is Fit.CODE]
    # Too long or too short in either reading: abroad for sure, but not through which carrier.
    return Number("", "international", carriers[0] if len(carriers) == 1 else "") if carriers else UNKNOWN
