"""Numbers as stores outside Brazil dial them or see them."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.numbering import UNKNOWN, Number, reader


@pytest.mark.parametrize(
    ("country", "area", "text", "e164", "category"),
    [
        ("US", "305", "5551234", "+13055551234", "local_fixed"),
        ("US", "305", "(305) 555-1234", "+13055551234", "local_fixed"),
        ("US", "305", "1 212 555 1234", "+12125551234", "long_distance_fixed"),
        ("US", "305", "18005551234", "+18005551234", "toll_free"),
        ("US", "305", "9005551234", "+19005551234", "service"),
        ("US", "305", "911", "", "service"),
        ("US", "305", "+55 11 98765-4321", "+5511987654321", "international"),
        ("US", "305", "011 55 11 98765-4321", "+5511987654321", "international"),
        ("US", "305", "4165551234", "+14165551234", "international"),  # Toronto
        ("CA", "416", "18005551234", "+18005551234", "toll_free"),
        ("CA", "416", "13055551234", "+13055551234", "international"),
        ("PT", "21", "211234567", "+351211234567", "local_fixed"),
        ("PT", "21", "221234567", "+351221234567", "long_distance_fixed"),
        ("PT", "21", "912345678", "+351912345678", "long_distance_mobile"),
        ("PT", "21", "808 123 456", "+351808123456", "shared_cost"),
        ("PT", "21", "707123456", "+351707123456", "shared_cost"),
        ("PT", "21", "760123456", "+351760123456", "service"),
        ("PT", "21", "301234567", "+351301234567", "unknown"),  # over the internet: no tariff of its own
        ("PT", "21", "112", "", "service"),
        ("PT", "21", "005511987654321", "+5511987654321", "international"),
        ("PT", "21", "+80012345678", "+80012345678", "international"),
        ("GB", "20", "7946 0123", "+442079460123", "local_fixed"),
        ("GB", "20", "+442079460123", "+442079460123", "local_fixed"),
        ("GB", "20", "01612345678", "+441612345678", "long_distance_fixed"),
        ("GB", "20", "07400123456", "+447400123456", "long_distance_mobile"),
        ("IT", "06", "0639123456", "+390639123456", "local_fixed"),
        ("IT", "06", "3331234567", "+393331234567", "long_distance_mobile"),
        ("AR", "11", "41234567", "+541141234567", "local_fixed"),
        ("AR", "11", "+54 9 11 4123 4567", "+5491141234567", "local_mobile"),
        ("AR", "11", "+54 9 351 412 3456", "+5493514123456", "long_distance_mobile"),
        ("DE", "30", "03012345678", "+493012345678", "local_fixed"),
        ("DE", "30", "12345678", "+493012345678", "local_fixed"),
        # 30 123456 without its 0, or the Berlin number 30123456: local, but which one?
        ("DE", "30", "30123456", "", "local_fixed"),
        ("PT", "", "211234567", "+351211234567", "unknown"),
        ("US", "", "18005551234", "+18005551234", "toll_free"),
        ("US", "", "5551234", "", "unknown"),
    ],
)
def test_numbers(country: str, area: str, text: str, e164: str, category: str) -> None:
    assert reader(country, area)(text) == Number(e164, category, "", collect=False)


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("US", "1001"),
        ("US", "200"),
        ("US", "40404"),
        ("US", "123456"),
        ("US", "1" * 20),
        ("US", "+1999"),
        ("US", "1-800-FLOWERS"),
        ("US", "anonymous"),
        ("US", ""),
        ("US", "*97"),
        ("US", "+999123456789"),
        ("DE", "20"),
    ],
)
def test_what_cannot_be_told(country: str, text: str) -> None:
    assert reader(country, "305")(text) == UNKNOWN


def test_a_carrier_that_was_dialled() -> None:
    assert reader("CO", "601")("0 3 6012345678") == Number("+576012345678", "local_fixed", "3")


@pytest.mark.parametrize(
    ("country", "close"),
    [
        ("UK", "perhaps GB"),
        ("br", "perhaps BR"),
        ("BRA", "BR"),
        ("ptt", "PT"),
        ("Portugal", "two capitals"),
        ("", ""),
    ],
)
def test_a_country_that_is_none(country: str, close: str) -> None:
    with pytest.raises(ValueError, match=f"country '{country}' is not known.*{close}"):
        reader(country, "")


def test_an_area_code_that_is_no_digits() -> None:
    with pytest.raises(ValueError, match="area code '3o5' has other characters than digits"):
        reader("US", "3o5")


EXAMPLES = [
    (region, str(number.country_code), phonenumbers.national_significant_number(number))
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
    if (number := phonenumbers.example_number_for_type(region, kind)) and region != "BR"
]


@settings(max_examples=max(300, settings().max_examples))
@given(st.sampled_from(EXAMPLES))
def test_numbers_of_all_countries(example: tuple[str, str, str]) -> None:
    """The library's own examples are international for Brazil, domestic at home."""
    region, code, national = example
    e164 = f"+{code}{national}"
    abroad = Number(e164, "international")
    assert reader("BR", "11")(e164) == abroad
    assert reader("BR", "11")(f"0021{code}{national}") == abroad._replace(carrier_code="21")
    home = reader(region, national[:2])(e164)
    assert home.e164 == e164
    assert home.category in {"local_fixed", "local_mobile", "long_distance_mobile"}
