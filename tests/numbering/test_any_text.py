"""Whatever stands in a column of numbers: an answer, never an error, and never a malformed one."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shipper.numbering import CATEGORIES, Number, reader
from shipper.numbering.tables import CARRIERS

READERS = [reader("BR", "11"), reader("BR", "55"), reader("BR", ""), reader("US", "305"), reader("DE", "30")]
E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
PREFIXES = (
    "",
    "0",
    "00",
    "015",
    "0015",
    "90",
    "9015",
    "9090",
    "+",
    "+55",
    "55",
    "0800",
    "011",
    "+1",
    "1",
    "049",
)

texts = (
    st.text()
    | st.text("0123456789+-() ", max_size=30)
    | st.builds("{}{}".format, st.sampled_from(PREFIXES), st.text("0123456789", max_size=16))
)


@settings(max_examples=max(500, settings().max_examples))
@given(texts)
@example("\ud800")
@example("٠١٢٣٤٥٦٧٨٩")
def test_any_text(text: str) -> None:
    for read in READERS:
        found = read(text)
        assert type(found) is Number
        assert found.category in CATEGORIES
        assert found.e164 == "" or E164.fullmatch(found.e164)
        assert found.carrier_code == "" or found.carrier_code.isdigit()
        assert read(text) is found  # remembered
    assert READERS[0](text).carrier_code in {"", *CARRIERS}


@settings(max_examples=max(300, settings().max_examples))
@given(st.text("0123456789", min_size=1, max_size=16))
def test_separators_change_nothing(digits: str) -> None:
    for read in READERS:
        assert read(f" ({digits[:2]}) {digits[2:5]}-{digits[5:]}\t") == read(digits)


@settings(max_examples=max(500, settings().max_examples))
@given(texts)
def test_the_e164_form_is_a_number_that_is_read_as_itself(text: str) -> None:
    for read in READERS:
        found = read(text)
        if found.e164:
            assert read(found.e164) == Number(found.e164, found.category)
