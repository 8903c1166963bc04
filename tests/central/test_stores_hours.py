"""Opening hours as people write them, in two languages, and the one form that they are brought into."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.stores.exceptions import exceptions_of, opening_exceptions
from central.stores.hours import DAYS, HoursError, opening_hours, week_of

HOURS = {
    "": [],
    "Mon-Fri 09:00-18:00; Sat 09:00-13:00": ["Mon-Fri 09:00-18:00", "Sat 09:00-13:00"],
    "seg-sex 09:00-18:00; sáb 09:00-13:00": ["Mon-Fri 09:00-18:00", "Sat 09:00-13:00"],
    "SAB 9:00-13:00;seg - sex  09:00 - 18:00;": ["Mon-Fri 09:00-18:00", "Sat 09:00-13:00"],
    "segunda-feira a sexta-feira 9h às 18h30; domingo: fechado": ["Mon-Fri 09:00-18:30"],
    "Terça, qua e Thu 10:00\u201311:00": ["Tue-Thu 10:00-11:00"],
    "Mon,Wed,Fri 08:00-12:00": ["Mon 08:00-12:00", "Wed 08:00-12:00", "Fri 08:00-12:00"],
    "Mon-Fri 14:00-18:00, 09:00-12:00": ["Mon-Fri 09:00-12:00, 14:00-18:00"],
    "Mon-Fri 09:00-12:00; Mon-Fri 14:00-18:00": ["Mon-Fri 09:00-12:00, 14:00-18:00"],
    "Mon-Fri 09:00-12:00; Mon 12:00-18:00": ["Mon 09:00-18:00", "Tue-Fri 09:00-12:00"],
    "Sat-Mon 10:00-22:00": ["Mon 10:00-22:00", "Sat-Sun 10:00-22:00"],
    "Fri-Sat 18:00-02:00": ["Fri-Sat 18:00-02:00"],
    "Fri 18:00-02:00; Sat 02:00-03:00": ["Fri 18:00-02:00", "Sat 02:00-03:00"],
    "Sun 22:00-00:00": ["Sun 22:00-24:00"],
    "24h": ["Mon-Sun 00:00-24:00"],
    "24/7": ["Mon-Sun 00:00-24:00"],
    "Mon-Fri 24h; Sat 00:00-24:00": ["Mon-Sat 00:00-24:00"],
    "Mon 08:00-20:00, 20:00-08:00": ["Mon 08:00-20:00, 20:00-08:00"],
}


@pytest.mark.parametrize("text", HOURS)
def test_hours_come_into_one_form(text: str) -> None:
    assert list(opening_hours(text)) == HOURS[text]


WRONG = {
    "Mon-Fri": ["'Mon-Fri': days and hours cannot be told"],
    "09:00-18:00": ["'09:00-18:00': its days are missing"],
    "Mon-Fri 9-18": ["'Mon-Fri 9-18': '9' is no time of a day"],
    "Mon 09:60-18:00": ["'Mon 09:60-18:00': '09:60' is no time of a day"],
    "Mon 09:00-24:01": ["'Mon 09:00-24:01': '24:01' is no time of a day"],
    "Mon 24:00-02:00": ["'Mon 24:00-02:00': '24:00-02:00' begins at 24:00: write 00:00 on the next day"],
    "Mon 09:00-09:00": ["'Mon 09:00-09:00': '09:00-09:00' has no length: write 00:00-24:00"],
    "Mon 09:00": ["'Mon 09:00': '' is no time of a day"],
    "Mxn 09:00-18:00; Tue 25:00-26:00": [
        "'Mxn 09:00-18:00': 'mxn' is no day: write Mon Tue Wed Thu Fri Sat Sun, or seg ter qua qui sex",
        "'Tue 25:00-26:00': '25:00' is no time of a day",
    ],
    "Mon-Fri 09:00-18:00; Fri 17:00-19:00": ["Fri 09:00-18:00 and 17:00-19:00 overlap: correct one of them"],
    "Mon-Sat 09:00-18:00; Sat closed": ["Sat is both closed and open: keep one of them"],
    "Fri 22:00-03:00; Sat 02:00-04:00": ["Fri 22:00-03:00 ends after Sat 02:00-04:00 has begun: correct one"],
    "Sun 22:00-03:00; Mon 02:00-04:00": ["Sun 22:00-03:00 ends after Mon 02:00-04:00 has begun: correct one"],
    "Mon-Sun closed": ["no day is open: write it like Mon-Fri 09:00-18:00"],
    "Mon " + ", ".join(f"{hour:02}:00-{hour:02}:30" for hour in range(9)): [
        "Mon opens 9 times: write 8 at most"
    ],
}


@pytest.mark.parametrize("text", WRONG)
def test_everything_wrong_with_hours_is_told(text: str) -> None:
    with pytest.raises(HoursError) as error:
        opening_hours(text)
    assert len(error.value.problems) == len(WRONG[text])
    for problem, beginning in zip(error.value.problems, WRONG[text], strict=True):
        assert problem.startswith(beginning)


def test_exceptions_come_into_one_form_by_date() -> None:
    text = "25/12/2026 fechado; 2026-12-24 9h às 13h; 2026-12-31: 18:00-02:00;2026-12-24 15:00-16:00"
    assert opening_exceptions(text) == (
        "2026-12-24 09:00-13:00, 15:00-16:00",
        "2026-12-25 closed",
        "2026-12-31 18:00-02:00",
    )
    assert opening_exceptions(" ") == ()


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-20..2027-01-05 closed",
        "20/12/2026 a 05/01/2027 fechado",
        "de 20/12/2026 até 05/01/2027: fechada",
        "from 2026-12-20 to 2027-01-05 closed",
        "2026-12-20-2027-01-05 closed",
        "2026-12-20 \u2013 2027-01-05 CLOSED",
    ],
)
def test_a_span_of_days_comes_into_one_form(text: str) -> None:
    assert opening_exceptions(text) == ("2026-12-20..2027-01-05 closed",)


def test_days_within_a_span_stay_and_go_before_it() -> None:
    text = "2026-12-20..2026-12-30 fechado; 2026-12-24 9h-13h; 2026-12-20 a 2026-12-20 10h-11h"
    lines = opening_exceptions(text)
    assert lines == (
        "2026-12-20 10:00-11:00",
        "2026-12-20..2026-12-30 closed",
        "2026-12-24 09:00-13:00",
    )
    assert [str(one.first) for one in exceptions_of(lines)] == ["2026-12-20", "2026-12-24", "2026-12-20"]
    assert exceptions_of(lines)[1].ranges == ((540, 780),)


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("2026-02-30 closed", "'2026-02-30 closed': there is no day 2026-02-30"),
        ("24/13/2026 closed", "'24/13/2026 closed': there is no day 24/13/2026"),
        ("12-24 closed", "'12-24 closed': day and hours cannot be told"),
        ("2026-12-24 closed; 2026-12-24 09:00-10:00", "2026-12-24 is both closed and open"),
        ("2026-12-24 09:00-10:00; 2026-12-24 09:30-11:00", "2026-12-24 09:00-10:00 and 09:30-11:00 overlap"),
        ("2027-01-05..2026-12-20 closed", "'2027-01-05..2026-12-20 closed': 2027-01-05 is after 2026-12-20"),
        (
            "2026-12-20..2027-01-05 closed; 2027-01-05 a 2027-01-06 closed",
            "2026-12-20..2027-01-05 and 2027-01-05..2027-01-06 overlap",
        ),
        (
            "2026-01-01..2027-01-02 closed",
            "'2026-01-01..2027-01-02 closed': it is longer than 366 days: a store that is closed for good",
        ),
    ],
)
def test_wrong_exceptions_are_told(text: str, beginning: str) -> None:
    with pytest.raises(HoursError) as error:
        opening_exceptions(text)
    assert [problem.startswith(beginning) for problem in error.value.problems] == [True]


NAMES = [*DAYS, "seg", "TER", "qua", "quinta-feira", "sex", "sáb", "sabado", "domingo", "Monday"]
TIMES = st.builds(
    lambda hour, minute, form: form.format(hour, minute),
    st.integers(0, 24),
    st.sampled_from([0, 15, 30]),
    st.sampled_from(["{:02}:{:02}", "{}:{:02}", "{}h{:02}"]),
)
RANGES = st.one_of(
    st.sampled_from(["24h", "closed", "fechado"]),
    st.lists(st.builds("{}-{}".format, TIMES, TIMES), min_size=1, max_size=3).map(", ".join),
)
SPANS = st.one_of(
    st.builds("{} {}".format, st.sampled_from(NAMES), RANGES),
    st.builds("{}-{} {}".format, st.sampled_from(NAMES), st.sampled_from(NAMES), RANGES),
)
DATES = st.dates().map(str)


@given(st.lists(SPANS, max_size=4).map("; ".join))
def test_the_form_is_its_own_form(text: str) -> None:
    try:
        once = opening_hours(text)
    except HoursError:
        return
    assert opening_hours("; ".join(once)) == once
    assert all(len(line) <= 256 for line in once)


@given(st.lists(SPANS, max_size=4).map("; ".join))
def test_the_week_is_read_from_the_form(text: str) -> None:
    try:
        once = opening_hours(text)
    except HoursError:
        return
    week = week_of(once)
    assert len(week) == 7
    closed = {name for name, ranges in zip(DAYS, week, strict=True) if not ranges}
    assert closed == {name for name in DAYS if not any(_names(line, name) for line in once)}


def _names(line: str, name: str) -> bool:
    first, _, last = line.split(" ", maxsplit=1)[0].partition("-")
    return DAYS.index(first) <= DAYS.index(name) <= DAYS.index(last or first)


SOME_DATES = st.one_of(DATES, st.builds("{}..{}".format, DATES, DATES))


@given(st.lists(st.builds("{} {}".format, SOME_DATES, RANGES), max_size=4).map("; ".join))
def test_the_form_of_exceptions_is_its_own_form(text: str) -> None:
    try:
        once = opening_exceptions(text)
    except HoursError:
        return
    assert opening_exceptions("; ".join(once)) == once


@given(st.text())
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for read in (opening_hours, opening_exceptions):
        try:
            once = read(text)
        except HoursError:
            continue
        assert read("; ".join(once)) == once
