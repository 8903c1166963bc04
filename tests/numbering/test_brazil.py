"""Brazilian numbers as a store in São Paulo (11) dials them or sees them."""

import subprocess
import sys
from random import Random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compose.simulator import numbers
from shipper.numbering import UNKNOWN, Number, reader
from shipper.numbering.tables import AREA_CODES, CARRIERS, NATIONWIDE

read = reader("BR", "11")
nowhere = reader("BR", "")


@pytest.mark.parametrize(
    ("text", "e164", "category"),
    [
        ("1133334444", "+551133334444", "local_fixed"),
        ("1153334444", "+551153334444", "local_fixed"),
        ("11987654321", "+5511987654321", "local_mobile"),
        ("2133334444", "+552133334444", "long_distance_fixed"),
        ("21987654321", "+5521987654321", "long_distance_mobile"),
        ("5533334444", "+555533334444", "long_distance_fixed"),
        ("33334444", "+551133334444", "local_fixed"),
        ("987654321", "+5511987654321", "local_mobile"),
        ("(11) 98765-4321", "+5511987654321", "local_mobile"),
        ("9 8765-4321", "+5511987654321", "local_mobile"),
        ("01133334444", "+551133334444", "local_fixed"),
        ("021987654321", "+5521987654321", "long_distance_mobile"),
        ("+5511987654321", "+5511987654321", "local_mobile"),
        ("+55 (0) 11 98765-4321", "+5511987654321", "local_mobile"),
        ("(+55) 21 3333-4444", "+552133334444", "long_distance_fixed"),
        ("551133334444", "+551133334444", "local_fixed"),
        ("5521987654321", "+5521987654321", "long_distance_mobile"),
        ("55021987654321", "+5521987654321", "long_distance_mobile"),
        ("005521987654321", "+5521987654321", "long_distance_mobile"),
    ],
)
def test_subscribers(text: str, e164: str, category: str) -> None:
    assert read(text) == Number(e164, category, "", collect=False)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("1187654321", "local_mobile"),
        ("2167654321", "long_distance_mobile"),
        ("1178123456", "local_mobile"),  # trunked radio, or a mobile that became 97812-3456
        ("87654321", "local_mobile"),
        ("0152187654321", "long_distance_mobile"),
        ("552187654321", "long_distance_mobile"),
        ("+552187654321", "long_distance_mobile"),
    ],
)
def test_mobile_numbers_without_the_ninth_digit_have_no_e164(text: str, category: str) -> None:
    assert (read(text).e164, read(text).category) == ("", category)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0152133334444", Number("+552133334444", "long_distance_fixed", "15")),
        ("0 41 (21) 98765-4321", Number("+5521987654321", "long_distance_mobile", "41")),
        ("01511987654321", Number("+5511987654321", "local_mobile", "15")),
        ("0991133334444", Number("+551133334444", "local_fixed", "99")),
        ("0021551133334444", Number("+551133334444", "local_fixed", "21")),
        ("0202133334444", UNKNOWN),  # 20 is nobody's code
        ("0162133334444", UNKNOWN),
    ],
)
def test_carrier_codes(text: str, expected: Number) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("909033334444", Number("+551133334444", "local_fixed", "", collect=True)),
        ("9090987654321", Number("+5511987654321", "local_mobile", "", collect=True)),
        ("909087654321", Number("", "local_mobile", "", collect=True)),
        ("90152133334444", Number("+552133334444", "long_distance_fixed", "15", collect=True)),
        ("902121987654321", Number("+5521987654321", "long_distance_mobile", "21", collect=True)),
        ("9011987654321", Number("+5511987654321", "local_mobile", "", collect=True)),
        ("901133334444", Number("+551133334444", "local_fixed", "", collect=True)),
        ("909040041234", UNKNOWN),
        ("90202133334444", UNKNOWN),
        # Without a carrier this is a collect call to Pelotas (53) or a mobile phone of Turkey (+90).
        ("905322345678", UNKNOWN),
    ],
)
def test_collect_calls(text: str, expected: Number) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "e164", "category"),
    [
        ("08001234567", "+558001234567", "toll_free"),
        ("0800 123 456", "+55800123456", "toll_free"),
        ("8001234567", "+558001234567", "toll_free"),
        ("800123456", "+55800123456", "toll_free"),
        ("+558001234567", "+558001234567", "toll_free"),
        ("+55 0800 123 4567", "+558001234567", "toll_free"),
        ("558001234567", "+558001234567", "toll_free"),
        ("55800123456", "+55800123456", "toll_free"),
        ("03001234567", "+553001234567", "shared_cost"),
        ("03031234567", "+553031234567", "shared_cost"),
        ("3001234567", "+553001234567", "shared_cost"),
        ("05001234567", "+555001234567", "service"),
        ("0900123456", "+55900123456", "service"),
        ("09001234567", "+559001234567", "service"),
        ("40041234", "+5540041234", "shared_cost"),
        ("4003-1234", "+5540031234", "shared_cost"),
        ("30031234", "+5530031234", "shared_cost"),
        ("40201234", "+5540201234", "shared_cost"),
        ("+5540041234", "+5540041234", "shared_cost"),
        # With an area code it is that area's line of the nationwide number: an ordinary call there.
        ("1140041234", "+551140041234", "local_fixed"),
        ("2140041234", "+552140041234", "long_distance_fixed"),
    ],
)
def test_numbers_of_no_area(text: str, e164: str, category: str) -> None:
    assert read(text) == nowhere(text)._replace(category=category) == Number(e164, category)


@pytest.mark.parametrize(
    "text",
    [
        "100",
        "102",
        "112",
        "147",
        "156",
        "180",
        "181",
        "185",
        "188",
        "190",
        "191",
        "192",
        "193",
        "194",
        "196",
        "197",
        "198",
        "199",
        "911",
        "1331",
        "10315",
        "10321",
        "1052",
        "1058",
        "1060",
        "10621",
    ],
)
def test_services(text: str) -> None:
    assert read(text) == Number("", "service")


@pytest.mark.parametrize(
    "text", ["10", "101", "195", "200", "300", "1001", "2001", "10320", "1061234", "105", "106"]
)
def test_short_numbers_that_are_no_service(text: str) -> None:
    assert read(text) == UNKNOWN


@pytest.mark.parametrize(
    ("text", "e164", "carrier_code"),
    [
        ("00 15 1 305 555 1234", "+13055551234", "15"),
        ("0021351211234567", "+351211234567", "21"),
        ("0041493012345678", "+493012345678", "41"),
        ("0013055551234", "+13055551234", ""),  # 13 would be a carrier, but no country begins with 0
        ("0015615551234", "+15615551234", ""),  # Florida, and not Vivo (15) to Australia (61)
        ("0041446681800", "+41446681800", ""),  # Zurich, and not TIM (41) to the United Kingdom (44)
        ("00351211234567", "+351211234567", ""),
        ("0012125551234", "+12125551234", ""),
        ("0031201234567", "+31201234567", ""),
        ("+13055551234", "+13055551234", ""),
        ("+39 06 3912 3456", "+390639123456", ""),
        ("13055551234", "+13055551234", ""),
        ("351211234567", "+351211234567", ""),
        ("493012345678", "+493012345678", ""),
        # One digit too many for Spain, which the network ignores: abroad for sure, the number is not known.
        ("0015349131234567", "", ""),
        ("+349131234567", "", ""),
    ],
)
def test_numbers_abroad(text: str, e164: str, carrier_code: str) -> None:
    assert read(text) == Number(e164, "international", carrier_code)


@pytest.mark.parametrize(
    "text",
    [
        "54111234567",  # one digit short for Buenos Aires, and no number of Caxias do Sul (54)
        "349131234567",
        "11887654321",  # mistyped, though it has the length of an American number
        "+11987654321",  # a trunk that puts a + before everything
        "0011987654321",  # 0 for an outside line, then 0 11 98765-4321
        "001511987654321",
        "00349131234567",  # Spain with a digit too many, or 0 for an outside line and 0 34 91 3123-4567
        "0055119876543",
        "+5511987654",
        "+55 3333-4444",
        "999999999999",
        "0000000000",
        "+0",
        "00",
        "0015",
        "0",
        "033334444",
        "2033334444",  # 20 is no area
        "1113334444",
        "901234567",  # begins with the prefix of collect calls
        "90123456",
        "900123456",
        "0800123",
        "08001234567890",
        "1" * 25,
    ],
)
def test_what_does_not_fit_is_unknown(text: str) -> None:
    assert read(text) == UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "i",
        "t",
        "h",
        "anonymous",
        "Anonymous",
        "*97",
        "#",
        "+",
        "++5511987654321",
        "5511987654321+",
        "-",
        "()",
        "Maria 987654321",
        "11987654321@10.0.0.1",
        "99.123.45.67",
        "11987654321;ext=1",
        "१२३४५६७८",
        "³333",
        "\uff11\uff11\uff19\uff18\uff17\uff16\uff15\uff14\uff13\uff12\uff11",
        "\x00",
        "\ud800",
        "11987654321\n",
    ],
)
def test_what_is_no_number_is_unknown(text: str) -> None:
    assert read(text) == UNKNOWN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1133334444", Number("+551133334444", "unknown")),
        ("01521987654321", Number("+5521987654321", "unknown", "15")),
        ("2187654321", UNKNOWN),
        ("33334444", Number("", "local_fixed")),
        ("987654321", Number("", "local_mobile")),
        ("9090987654321", Number("", "local_mobile", "", collect=True)),
        ("40041234", Number("+5540041234", "shared_cost")),
        ("190", Number("", "service")),
        ("+13055551234", Number("+13055551234", "international")),
    ],
)
def test_without_the_stores_area(text: str, expected: Number) -> None:
    assert nowhere(text) == expected


@pytest.mark.parametrize(
    ("area_code", "close"), [("20", "62"), ("1", "71"), ("011", "11"), ("São Paulo", "two digits")]
)
def test_an_area_code_that_is_none(area_code: str, close: str) -> None:
    with pytest.raises(ValueError, match=f"area code '{area_code}' is none of Brazil's 67.*{close}"):
        reader("BR", area_code)


@pytest.mark.parametrize("area_code", sorted(AREA_CODES))
def test_every_area_code(area_code: str) -> None:
    there = reader("BR", area_code)
    assert there("33334444") == Number(f"+55{area_code}33334444", "local_fixed")
    assert there(f"015{area_code}987654321") == Number(f"+55{area_code}987654321", "local_mobile", "15")
    assert phonenumbers.is_valid_number(phonenumbers.parse(f"+55{area_code}987654321"))


@pytest.mark.parametrize("code", sorted(CARRIERS))
def test_every_carrier_code(code: str) -> None:
    assert read(f"0{code}2133334444") == Number("+552133334444", "long_distance_fixed", code)
    assert read(f"90{code}21987654321") == Number(
        "+5521987654321", "long_distance_mobile", code, collect=True
    )
    # Numbers abroad that are told apart from those of 00, country (the "carrier") and number.
    assert read(f"00{code}13055551234") == Number("+13055551234", "international", code)


subscribers = st.builds(
    "{}{}".format,
    st.sampled_from(sorted(AREA_CODES)),
    st.from_regex(r"\A(?:[2-5][0-9]{7}|9[1-9][0-9]{7})\Z"),
).filter(lambda digits: len(digits) == 11 or digits[2:6] not in NATIONWIDE)


@settings(max_examples=max(200, settings().max_examples))
@given(subscribers, st.sampled_from(sorted(CARRIERS)))
def test_every_spelling_is_the_same_number(digits: str, carrier: str) -> None:
    area, local = digits[:2], digits[2:]
    judge = phonenumbers.parse(digits, "BR")
    assert phonenumbers.is_valid_number(judge)
    e164 = phonenumbers.format_number(judge, phonenumbers.PhoneNumberFormat.E164)
    kind = "mobile" if len(local) == 9 else "fixed"
    here = reader("BR", area)
    plain = Number(e164, f"local_{kind}")
    for text in (
        local,
        digits,
        f"0{digits}",
        f"+55{digits}",
        f"55{digits}",
        f"0055{digits}",
        f" ({area}) {local[:-4]}-{local[-4:]}",
        f"+55 {area} {local[:-4]} {local[-4:]}",
        phonenumbers.format_number(judge, phonenumbers.PhoneNumberFormat.INTERNATIONAL),
        phonenumbers.format_number(judge, phonenumbers.PhoneNumberFormat.NATIONAL),
    ):
        assert here(text) == plain, text
    for text in (f"0{carrier}{digits}", f"0 {carrier} {area} {local}", f"00{carrier}55{digits}"):
        assert here(text) == plain._replace(carrier_code=carrier), text
    assert here(f"9090{local}") == plain._replace(collect=True)
    assert here(f"90{carrier}{digits}") == plain._replace(carrier_code=carrier, collect=True)
    away = reader("BR", "11" if area != "11" else "21")
    assert away(f"0{carrier}{digits}") == Number(e164, f"long_distance_{kind}", carrier)


KINDS = {
    phonenumbers.PhoneNumberType.TOLL_FREE: "toll_free",
    phonenumbers.PhoneNumberType.SHARED_COST: "shared_cost",
    phonenumbers.PhoneNumberType.PREMIUM_RATE: "service",
}


@settings(max_examples=max(200, settings().max_examples))
@given(st.from_regex(r"\A(?:800[0-9]{6,7}|30[03][0-9]{7}|[59]00[0-9]{6,7})\Z"))
def test_numbers_of_no_area_in_every_spelling(digits: str) -> None:
    judge = phonenumbers.parse(f"+55{digits}")
    expected = Number(f"+55{digits}", KINDS[phonenumbers.number_type(judge)])
    for text in (f"0{digits}", f"+55{digits}", f"+55 0{digits}", f"0{digits[:3]} {digits[3:6]}-{digits[6:]}"):
        assert read(text) == expected, text


@settings(max_examples=max(200, settings().max_examples))
@given(st.from_regex(r"\A[0-9]{8,11}\Z") | st.from_regex(r"\A0?[1-9][0-9]9?[0-9]{8}\Z"))
def test_brazilian_numbers_with_an_area_agree_with_the_library(digits: str) -> None:
    """Where both know a subscriber's number, it is the same one; ours knows no other."""
    found = read(digits)
    if not found.category.endswith(("_fixed", "_mobile")) or not found.e164:
        return
    judge = phonenumbers.parse(found.e164)
    assert phonenumbers.is_valid_number(judge)
    fixed = phonenumbers.number_type(judge) == phonenumbers.PhoneNumberType.FIXED_LINE
    assert found.category.endswith("_fixed" if fixed else "_mobile")


@given(
    st.randoms(use_true_random=False),
    st.sampled_from(sorted(AREA_CODES)),
    st.sampled_from(["15", "21", "41"]),
)
def test_the_simulators_numbers_are_what_it_meant(rng: Random, area: str, carrier: str) -> None:
    there = reader("BR", area)
    for _ in range(20):
        who = numbers.contact(rng, area)
        meant = numbers.category(who.number, area, abroad=who.abroad)
        assert there(numbers.as_dialled(who, area, carrier)).category == meant
        # Shown without + or 00, a number abroad is told only where it is in use there.
        assert there(who.number).category in ({meant, "unknown"} if who.abroad else {meant})
        number, meant = numbers.service_number(rng)
        assert there(number).category == meant


def test_brazil_does_without_the_library_until_a_number_from_abroad() -> None:
    program = """if True:
        import sys
        from shipper.numbering import reader
        read = reader("BR", "11")
        for text in ("33334444", "987654321", "01521987654321", "08001234567", "40041234", "190", "2001",
                     "909033334444", "90152133334444", "+5511987654321", "5511987654321", "anonymous", "00",
                     "005511987654321", "0021551133334444", "999999999", "1187654321", "000000000000"):
            read(text)
        before = "phonenumbers" in sys.modules
        print(before, read("13055551234").e164, "phonenumbers" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "False +13055551234 True\n"
