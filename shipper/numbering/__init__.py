"""What a telephone number is: its E.164 form and its tariff category, from what was dialled or shown.

Pure functions; Brazil by its own plan (`brazil`), every other country through the `phonenumbers` library
(`world`), which is loaded only when a number needs it. Explained in ``docs/numbers.md``.
"""

from collections.abc import Callable

from shipper.numbering import brazil, world
from shipper.numbering.model import CATEGORIES, UNKNOWN, Number

__all__ = ["CATEGORIES", "UNKNOWN", "Number", "reader"]


def reader(country: str, area_code: str) -> Callable[[str], Number]:
    """Return the function that reads numbers as a store sees them; it remembers the last 1,024.

    The function takes any text and never raises: what it cannot tell is ``UNKNOWN``.

    Args:
        country: ISO 3166 code of the store's country, two capitals, such as ``BR``.
        area_code: The store's area code without the national prefix, such as ``11``; empty where it is not
            known: then local and long distance cannot be told apart.

    Raises:
        ValueError: The country is not known, or the area code is none of that country.
    """
    if country == brazil.COUNTRY:
        return brazil.reader(area_code)
    return world.reader(country, area_code)
