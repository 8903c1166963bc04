"""The ``_id``: one row, however often it is read or written, has one; two rows never share one."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shipper.document.identity import ALWAYS, WITHOUT_SEQUENCE, identify

COLUMNS = (*ALWAYS, *WITHOUT_SEQUENCE, "clid", "userfield")
ROW = {name: f"{name} of it".encode() for name in COLUMNS} | {"sequence": b"7", "uniqueid": b"1795421407.7"}


def identity(values: dict[str, Any], store: str = "Loja001", columns: tuple[str, ...] = COLUMNS) -> str:
    return identify(store, columns)([values.get(name) for name in columns])


def test_it_is_fixed() -> None:
    """An ``_id`` that changed with a new version would double every document that is read again."""
    assert identity(ROW) == identity(dict(ROW))
    assert len(identity(ROW)) == 32
    assert identity({**ROW, "clid": b"another", "userfield": b"changed by hand"}) == identity(ROW)


@pytest.mark.parametrize("name", ALWAYS)
def test_rows_that_differ_in_what_identifies_them(name: str) -> None:
    assert identity({**ROW, name: b"9"}) != identity(ROW)
    assert identity({**ROW, name: None}) != identity(ROW)


@pytest.mark.parametrize("sequence", [b"0", b"", None])
@pytest.mark.parametrize("name", WITHOUT_SEQUENCE)
def test_without_a_sequence_everything_that_asterisk_wrote_counts(name: str, sequence: bytes | None) -> None:
    row = {**ROW, "sequence": sequence}
    assert identity({**row, name: b"9"}) != identity(row)
    assert identity(dict(row)) == identity(row)  # written twice, it is one


@pytest.mark.parametrize("missing", ["sequence", "uniqueid"])
@pytest.mark.parametrize("name", WITHOUT_SEQUENCE)
def test_a_table_without_the_column(name: str, missing: str) -> None:
    columns = tuple(column for column in COLUMNS if column != missing)
    assert identity({**ROW, name: b"9"}, columns=columns) != identity(ROW, columns=columns)


def test_two_stores_share_nothing() -> None:
    assert identity(ROW, "Loja001") != identity(ROW, "Loja002")


def test_the_order_of_the_columns_does_not_matter() -> None:
    assert identity(ROW, columns=COLUMNS[::-1]) == identity(ROW)


cell = st.one_of(st.none(), st.binary(max_size=4), st.sampled_from([b"", b"0", b"1", b"\0", b"a\0b"]))
rows = st.fixed_dictionaries(dict.fromkeys(ALWAYS, cell))


@given(rows, rows)
def test_no_two_rows_share_one(one: dict[str, bytes | None], other: dict[str, bytes | None]) -> None:
    """NULL and empty are the same to Asterisk; anything else that differs makes another row."""
    assume({name: one[name] or b"" for name in ALWAYS} != {name: other[name] or b"" for name in ALWAYS})
    assert identity({**ROW, **one}) != identity({**ROW, **other})


@pytest.mark.parametrize("name", ["linkedid", "uniqueid", "channel"])
def test_bytes_do_not_move_from_one_column_to_the_next(name: str) -> None:
    """A NUL in a text must not look like the border between two columns."""
    place = ALWAYS.index(name)
    following = ALWAYS[place + 1]
    one = {**ROW, name: b"a\0b", following: b"c"}
    other = {**ROW, name: b"a", following: b"b\0c"}
    assert identity(one) != identity(other)
