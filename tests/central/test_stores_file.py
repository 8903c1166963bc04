"""The register's file: read as spreadsheets write it, and everything that is wrong with it told at once."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.errors import UsageError
from central.stores.pipeline import body, register_of
from central.stores.reading import load
from central.stores.register import Line, in_force, newest_first

HEAD = "id,name,timezone"
WHOLE = (
    "id,name,region,city,state,timezone,area_code,opening_hours,opening_exceptions,trunks,valid_from\n"
    "Loja001,Loja Centro,Sudeste,São Paulo,SP,America/Sao_Paulo,11,"
    "Mon-Fri 09:00-18:00; Sat 09:00-13:00,2026-12-25 closed,vivo;claro,\n"
)
LINE = Line(
    valid_from="",
    name="Loja Centro",
    region="Sudeste",
    city="São Paulo",
    state="SP",
    timezone="America/Sao_Paulo",
    area_code="11",
    opening_hours=("Mon-Fri 09:00-18:00", "Sat 09:00-13:00"),
    opening_exceptions=("2026-12-25 closed",),
    trunks=("vivo", "claro"),
)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def put(content: str | bytes) -> Path:
        path = tmp_path / "stores.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


Write = Callable[[str | bytes], Path]


def wrong(path: Path) -> list[str]:
    """What is wrong with a file, without the file's name."""
    with pytest.raises(UsageError) as error:
        load(path)
    assert error.value.exit_code == 2
    return [line.removeprefix(f"{path}").strip() for line in str(error.value).splitlines()]


def semicolons(text: str) -> str:
    """As Excel in Portuguese writes it: semicolons, and quotes around what holds one."""
    cells = [[f'"{cell}"' if ";" in cell else cell for cell in line.split(",")] for line in text.splitlines()]
    return "".join(";".join(line) + "\r\n" for line in cells)


@pytest.mark.parametrize(
    "content",
    [
        WHOLE,
        "\ufeff" + WHOLE,
        semicolons(WHOLE),
        "sep=;\r\n" + semicolons(WHOLE),
        "\ufeff" + semicolons(WHOLE) + ";;;;;;;;;;\r\n",
        WHOLE.replace("São", "Sa\u0303o"),
        WHOLE.replace("id,name", "ID , Name").replace("SP", "sp"),
    ],
    ids=["plain", "BOM", "semicolons", "sep", "blank lines", "decomposed", "capitals"],
)
def test_a_file_as_programs_write_it(write: Write, content: str) -> None:
    assert load(write(content)).register == {"Loja001": (LINE,)}


def test_a_file_in_windows_1252_is_read_and_named(write: Write) -> None:
    read = load(write(semicolons(WHOLE).encode("cp1252")))
    assert (read.register, read.encoding) == ({"Loja001": (LINE,)}, "Windows-1252")
    assert load(write(WHOLE)).encoding == "UTF-8"


@pytest.mark.parametrize("encoding", ["mac-roman", "cp850", "both"])
def test_a_file_in_another_encoding_is_not_guessed(write: Write, encoding: str) -> None:
    text = f"{HEAD}\nA,Três Corações,America/Sao_Paulo\n"
    content = text.encode("cp1252") + "B,Trê,America/Sao_Paulo\n".encode()
    path = write(content if encoding == "both" else text.encode(encoding))
    assert wrong(path) == ['line 2: neither UTF-8 nor Portuguese in Windows-1252: save it as "CSV UTF-8"']


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE.encode("utf-16"), 'is UTF-16 text: save it as "CSV UTF-8"'),
        (b"PK\x03\x04\0\0", 'is no text (a byte 0 is in it): save it as "CSV UTF-8"'),
        ("", "is empty: write a header and a line for each store"),
        (f"{HEAD}\n,,\n", "holds no store: write a line for each"),
    ],
)
def test_a_file_that_is_none(write: Write, content: str | bytes, message: str) -> None:
    assert wrong(write(content)) == [message]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert wrong(tmp_path / "x.csv") == [": No such file or directory: correct the file's name"]


def test_wrong_columns_are_told_with_what_was_meant(write: Write) -> None:
    known = (
        "id, name, region, city, state, timezone, area_code, opening_hours, opening_exceptions, holidays, "
        "trunks, valid_from, closed_from"
    )
    assert wrong(write("id;nome;timezon;fuso;xyzzy;id\n")) == [
        ": 7 errors, nothing was applied",
        "line 1, column 'id': it is there twice: keep one of them",
        "line 1, column 'nome': there is no such column: did you mean name?",
        "line 1, column 'timezon': there is no such column: did you mean timezone?",
        "line 1, column 'fuso': there is no such column: did you mean timezone?",
        f"line 1, column 'xyzzy': there is no such column: known: {known}",
        "line 1, column 'name': it is missing: add it",
        "line 1, column 'timezone': it is missing: add it",
    ]


def test_all_errors_are_told_at_once(write: Write) -> None:
    path = write(
        "id,name,state,timezone,area_code,opening_hours,opening_exceptions,valid_from,trunks\n"
        'Loja001,Centro,SP,America/Sao_Paolo,011,Mon 9:00-25:00,2026-02-30 closed,,"vivo, vivo"\n'
        "loja001,,XX,America/Manaus,10,,,30/02/2026,\n"
        "Loja 2,A,,Nowhere,,,,,\n"
        '"Loja003","A\nB",,America/Manaus,,,,,\n'
        "Loja004,A,,America/Manaus,,,,\n"
        "Loja005,A,,America/Manaus,,,,,,more\n"
        f"Loja006,{'x' * 1025},,America/Manaus,,,,,\n"
    )
    mend = "write it like 09:00-18:00, with 00:00 to 24:00"
    day = "write it like 2026-12-24 09:00-13:00; 2026-12-25 closed; 2026-12-28..2027-01-05 closed"
    states = "AC AL AM AP BA CE DF ES GO MA MG MS MT PA PB PE PI PR RJ RN RO RR RS SC SE SP TO"
    assert wrong(path) == [
        ": 16 errors, nothing was applied",
        "line 2, timezone 'America/Sao_Paolo': no known zone: did you mean America/Sao_Paulo?",
        "line 2, area_code '011': no area code (DDD): did you mean 11?",
        f"line 2, opening_hours: 'Mon 9:00-25:00': '25:00' is no time of a day: {mend}",
        f"line 2, opening_exceptions: '2026-02-30 closed': there is no day 2026-02-30: {day}",
        "line 2, trunks 'vivo, vivo': it names vivo twice: keep one of them",
        "line 3, name: it is empty: write it",
        f"line 3, state 'XX': no state of Brazil: write one of {states}",
        "line 3, area_code '10': no area code (DDD): write its two digits, such as 11",
        "line 3, valid_from '30/02/2026': no such day: write it like 2026-11-01",
        "line 3, id 'loja001': line 2 writes it Loja001: write it alike in both",
        "line 4, id 'Loja 2': use letters, digits, dot, dash and underscore, 64 at most",
        "line 4, timezone 'Nowhere': no known zone: write it like America/Sao_Paulo",
        "line 5, name 'A\\nB': a line break or another sign that cannot be seen: take it out",
        "line 7: it has 8 values, the header 9: keep empty ones too",
        'line 8: it has 10 values, the header 9: put quotes around a value that holds ","',
        f"line 9, name {'x' * 1025!r}: 1025 signs: write 1024 at most",
    ]


def test_quotes_that_do_not_close_are_told(write: Write) -> None:
    told = wrong(write(f'{HEAD}\nA,"Centro,America/Sao_Paulo\n'))
    assert told == [
        ": 1 error, nothing was applied",
        "line 2: unexpected end of data: correct the quotes from here on",
    ]


def test_lines_that_repeat_or_contradict_each_other(write: Write) -> None:
    path = write(
        f"{HEAD},valid_from\n"
        "A,one,America/Manaus,\n"
        "A,one,America/Manaus,\n"
        "A,two,America/Manaus,\n"
        "A,three,America/Manaus,2026-11-01\n"
        "A,three,America/Belem,01/11/2026\n"
    )
    mend = "take one of them out, or give the later one its day in valid_from"
    assert wrong(path) == [
        ": 3 errors, nothing was applied",
        "line 3, id 'A': the same as line 2: take one of them out",
        f"line 4, id 'A': line 2 says otherwise from the beginning (valid_from is empty) (name): {mend}",
        f"line 6, id 'A': line 5 says otherwise from 2026-11-01 on (timezone): {mend}",
    ]


def test_the_line_in_force_is_told_by_the_stores_own_clock(write: Write) -> None:
    path = write(
        f"{HEAD},valid_from\n"
        "A,old,America/Rio_Branco,\nA,new,America/Rio_Branco,2026-11-02\nA,newest,America/Rio_Branco,2027-01-01\n"
        "B,first,America/Noronha,2026-11-02\n"
    )
    register = load(path).register
    # In Rio Branco it is still the day before, on Fernando de Noronha it is not.
    moment = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
    assert [in_force(register[name], moment).name for name in "AB"] == ["old", "first"]
    assert register["B"][0].begun(moment)
    assert in_force(register["A"], datetime(2026, 11, 2, 5, 0, tzinfo=UTC)).name == "new"
    assert not register["B"][0].begun(datetime(2026, 11, 2, 1, 59, tzinfo=UTC))
    assert in_force(register["B"], datetime(2026, 11, 1, tzinfo=UTC)).name == "first", "nothing else is known"


def test_what_alerts_ask_of_a_store(write: Write) -> None:
    path = write(
        "id;name;timezone;holidays;closed_from;trunks\n"
        "A;one;America/Manaus;br-am-manaus;31/01/2027;vivo : 10, oi\n"
        "B;two;America/Manaus;Nenhum;;\n"
    )
    first, second = (lines[0] for lines in load(path).register.values())
    assert (first.holidays, first.closed_from) == ("BR-AM-Manaus", "2027-01-31")
    assert (first.trunks, first.trunk_channels) == (("vivo", "oi"), ("vivo=10",))
    assert (second.holidays, second.closed_from, second.trunks, second.trunk_channels) == ("none", "", (), ())


def test_wrong_holidays_channels_and_last_days_are_told(write: Write) -> None:
    path = write(
        f"{HEAD},holidays,closed_from,trunks\n"
        "A,one,America/Manaus,Manaus,2027-02-30,vivo:x\n"
        "B,one,America/Manaus,BR-SP-Manaus,,vivo:0;:3\n"
        "C,one,America/Manaus,BR-XX,,vivo:10;vivo:20\n"
    )
    calendars = "write none, BR, a state's such as BR-SP, or a city's such as BR-SP-Sorocaba (docs/stores.md)"
    number = "has no number of calls it can carry: write it like vivo:10"
    assert wrong(path) == [
        ": 8 errors, nothing was applied",
        f"line 2, trunks 'vivo:x': 'vivo:x' {number}",
        f"line 2, holidays 'Manaus': no known calendar: {calendars}",
        "line 2, closed_from '2027-02-30': no such day: write it like 2026-11-01",
        f"line 3, trunks 'vivo:0;:3': 'vivo:0' {number}",
        f"line 3, trunks 'vivo:0;:3': ':3' {number}",
        f"line 3, holidays 'BR-SP-Manaus': no known calendar: {calendars}",
        "line 4, trunks 'vivo:10;vivo:20': it names vivo twice: keep one of them",
        f"line 4, holidays 'BR-XX': no known calendar: {calendars}",
    ]


def test_a_register_of_before_can_still_be_read() -> None:
    more = {"area_code": "11", "opening_hours": ["Mon-Fri 09:00-18:00"], "trunks": ["vivo"]}
    entry = {"from": "", "timezone": "America/Manaus", "names": {"name": "Centro"}, "more": more}
    script = {"params": {"stores": {"A": [entry]}}}
    assert register_of({"processors": [{"script": script}]})["A"] == (
        Line("", "Centro", *("",) * 3, "America/Manaus", "11", ("Mon-Fri 09:00-18:00",), (), ("vivo",)),
    )


TEXT = st.text(max_size=20)


@given(
    st.dictionaries(
        TEXT,
        st.lists(
            st.builds(
                Line,
                *(TEXT,) * 7,
                *(st.lists(TEXT, max_size=2).map(tuple),) * 4,
                TEXT,
                TEXT,
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda line: line.valid_from,
        ).map(newest_first),
        max_size=3,
    )
)
def test_the_register_can_be_read_back_from_the_pipeline(register: dict[str, tuple[Line, ...]]) -> None:
    assert register_of(body(register)) == register


@given(st.binary(max_size=200))
def test_no_file_does_more_than_be_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(HEAD.encode() + b"\n" + content)
    told = str(path)
    try:
        stores = len(load(path).register)
    except UsageError as error:
        stores, told = 1, str(error)
    assert stores > 0
    assert re.match(rf"{re.escape(str(path))}\b", told)


def test_two_braces_are_refused_in_a_name(tmp_path: Path) -> None:
    """Alerts are told by templates, and the Alerting plugin would fill this in."""
    file = tmp_path / "stores.csv"
    file.write_text("id,name,timezone\nLoja001,Loja {{x}},America/Sao_Paulo\n", encoding="utf-8")
    with pytest.raises(UsageError) as error:
        load(file)
    (line,) = str(error.value).splitlines()[1:]
    mend = "two braces: take them out: alerts would take them for a template"
    assert line == f"{file} line 2, name 'Loja {{{{x}}}}': {mend}"
