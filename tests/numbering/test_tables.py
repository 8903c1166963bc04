"""The tables against the metadata of libphonenumber, where that knows them."""

import phonenumbers
import pytest

from shipper.numbering.tables import (
    AREA_CODES,
    CARRIERS,
    COUNTRY_CODES,
    NATIONWIDE,
    NON_GEOGRAPHIC,
    SERVICES,
    country_code,
    is_service,
)

# Carriers' codes that libphonenumber takes off a dialled number.
ITS_CARRIERS = ["12", "14", "15", "21", "22", "23", "25", "31", "41", "43", "55", "65", "99"]
# Services that it does not know: 111 and 147, 188 (the CVV's help in a crisis), 196 (of years ago).
NOT_ITS_SERVICES = {"111", "147", "188", "196"}


def test_area_codes() -> None:
    theirs = {
        f"{code}"
        for code in range(100)
        if phonenumbers.is_valid_number(phonenumbers.parse(f"+55{code:02d}987654321"))
    }
    assert theirs == AREA_CODES
    assert len(AREA_CODES) == 67


def test_country_codes() -> None:
    assert {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE} == COUNTRY_CODES


def test_no_country_code_begins_with_another() -> None:
    assert {country_code(f"{code}999") for code in COUNTRY_CODES} == COUNTRY_CODES
    assert country_code("999") == country_code("0") == country_code("") == ""


def test_nationwide_prefixes() -> None:
    theirs = {
        prefix
        for prefix in map("{:04d}".format, range(10_000))
        if phonenumbers.number_type(phonenumbers.parse(f"+55{prefix}1234"))
        == phonenumbers.PhoneNumberType.SHARED_COST
    }
    assert theirs == NATIONWIDE


def test_non_geographic_prefixes() -> None:
    kinds = {
        phonenumbers.PhoneNumberType.TOLL_FREE: "toll_free",
        phonenumbers.PhoneNumberType.SHARED_COST: "shared_cost",
        phonenumbers.PhoneNumberType.PREMIUM_RATE: "service",
    }
    theirs = {
        str(prefix): kinds[kind]
        for prefix in range(100, 1000)
        if (kind := phonenumbers.number_type(phonenumbers.parse(f"+55{prefix}1234567"))) in kinds
    }
    assert theirs == NON_GEOGRAPHIC


def short(text: str) -> bool:
    return phonenumbers.is_valid_short_number_for_region(phonenumbers.parse(text, "BR"), "BR")


def test_services_of_three_digits() -> None:
    theirs = {str(code) for code in range(100, 200) if short(str(code))} | {"911"}
    assert {code for code in SERVICES if len(code) == 3} == theirs | NOT_ITS_SERVICES


def test_services_of_carriers() -> None:
    """All that it knows are services; ours knows more, since every carrier has its own number."""
    theirs = {str(code) for code in (*range(1000, 1100), *range(10_000, 11_000)) if short(str(code))}
    assert {code for code in theirs if not is_service(code)} == set()
    assert {code[3:] for code in theirs if code.startswith("103")} <= set(CARRIERS)


@pytest.mark.parametrize("code", ITS_CARRIERS)
def test_the_librarys_carriers_are_ours(code: str) -> None:
    judge = phonenumbers.parse(f"0{code}2133334444", "BR", keep_raw_input=True)
    assert judge.preferred_domestic_carrier_code == code
    assert code in CARRIERS


def test_carrier_codes_are_two_digits_and_never_begin_with_0() -> None:
    assert all(len(code) == 2 and 11 < int(code) < 100 for code in CARRIERS)
