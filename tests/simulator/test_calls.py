"""What must hold for every simulated call, and what makes a simulated month look like a store's."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compose.simulator import COLUMNS, SimulatedCall, StoreProfile, chain, simulate
from compose.simulator.writer import width

START = date(2026, 9, 1)  # a Tuesday
CHAIN = chain(140, 1)


@pytest.fixture(scope="module")
def months() -> dict[str, list[SimulatedCall]]:
    return {store.id: list(simulate(store, START, 28, 5)) for store in CHAIN[:8]}


def trunks_of(store: StoreProfile) -> tuple[str, ...]:
    return tuple(f"PJSIP/{trunk.name}-" for trunk in store.trunks)


def check(store: StoreProfile, call: SimulatedCall) -> None:
    truth, rows = call.truth, call.rows
    assert rows
    assert truth.rows == len(rows)
    assert truth.store_id == store.id
    assert {row.linkedid for row in rows} == set(truth.linked_ids)
    assert [row.inserted_ms for row in rows] == sorted(row.inserted_ms for row in rows)
    for row in rows:
        assert row.inserted_at >= row.calldate + timedelta(seconds=row.duration)
        assert row.inserted_ms >= call.start_ms
        assert 0 <= row.billsec <= row.duration
        assert row.calldate.microsecond == 0
        for column in COLUMNS:
            value = getattr(row, column)
            if isinstance(value, str):
                assert len(value) <= width(column), (column, value)
        if row.channel.startswith("Local/"):
            assert row.channel.endswith(";2")
        if row.dstchannel.startswith("Local/"):
            assert row.dstchannel.endswith(";1")
    by_channel: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_channel[row.channel].append(row.inserted_ms)
    for name, moments in by_channel.items():
        together = max(moments) - min(moments)
        assert together < 1000, f"{name}: all rows of a channel come at its hang-up"
    first = min(rows, key=lambda row: row.sequence if row.linkedid == truth.linked_ids[0] else 2**31)
    caller_is_trunk = first.channel.startswith(trunks_of(store))
    assert caller_is_trunk == (truth.direction == "inbound")
    if truth.direction == "outbound":
        assert first.dstchannel.startswith(trunks_of(store))
        assert first.src == first.outbound_cnum != first.cnum
        assert first.channel.startswith(f"PJSIP/{first.cnum}-")
        assert truth.billable_seconds == truth.talk_seconds
    assert (truth.outcome == "answered") == bool(truth.answered_by)
    assert truth.missed == (truth.direction == "inbound" and truth.outcome not in {"answered", "blocked"})
    if truth.outcome != "answered":
        assert truth.talk_seconds == truth.billable_seconds == 0
    assert truth.talk_seconds + truth.ring_seconds <= truth.duration_seconds + 1
    assert truth.talk_seconds + truth.wait_seconds <= truth.duration_seconds + 1
    assert (truth.wait_seconds > 0) <= (truth.direction == "inbound")
    assert {row.did for row in rows if row.channel == first.channel} == {truth.did}


def check_seconds(call: SimulatedCall) -> None:
    """Where the rows tell: what the truth says is what a reader would add up, a second per row aside."""
    truth = call.truth
    if "talk" in truth.unrecoverable or truth.outcome != "answered":
        return
    behind = [row for row in call.rows if row.channel.startswith("Local/")]
    if truth.queue or truth.scenario == "inbound_group_outside":
        talk = sum(row.billsec for row in behind)
    else:
        own = [row for row in call.rows if row.lastapp == "Dial" and row.linkedid == truth.linked_ids[0]]
        talk = sum(row.billsec for row in own if row not in behind)
    if sum(row.lastapp == "Queue" for row in call.rows) == 1:
        entered = next(row for row in call.rows if row.lastapp == "Queue")
        assert abs(entered.billsec - truth.wait_seconds - talk) <= 2
    assert abs(talk - truth.talk_seconds) <= truth.rows


def test_every_call_of_a_month_is_consistent(months: dict[str, list[SimulatedCall]]) -> None:
    for store in CHAIN[:8]:
        for call in months[store.id]:
            check(store, call)
            check_seconds(call)


@settings(max_examples=25, deadline=None)
@given(
    index=st.integers(0, 139),
    seed=st.integers(0, 2**63),
    day=st.dates(date(2019, 1, 1), date(2030, 1, 1)),
    logs=st.booleans(),
    size=st.integers(1, 600),
)
def test_any_store_and_day_is_consistent(index: int, seed: int, day: date, logs: bool, size: int) -> None:
    store = replace(CHAIN[index], log_unanswered=logs, calls_per_day=size, silent_last_days=0)
    keys = set()
    for call in simulate(store, day, 2, seed):
        check(store, call)
        check_seconds(call)
        for row in call.rows:
            key = row.uniqueid, row.sequence
            assert key not in keys
            keys.add(key)


def test_keys_are_unique_and_counters_restart(months: dict[str, list[SimulatedCall]]) -> None:
    for calls in months.values():
        rows = [row for call in calls for row in call.rows]
        assert len({(row.uniqueid, row.sequence) for row in rows}) == len(rows)
    sequences = [call.rows[0].sequence for call in months["Loja001"]]
    assert sum(later < earlier - 500 for earlier, later in pairwise(sequences)) >= 1
    names = Counter(row.channel for call in months["Loja001"] for row in call.rows)
    assert names["PJSIP/" + CHAIN[0].trunks[0].name + "-00000000"] <= 8


def test_same_seed_same_calls_in_any_order(months: dict[str, list[SimulatedCall]]) -> None:
    for store in reversed(CHAIN[:8]):
        if store.calls_per_day < 120:
            assert list(simulate(store, START, 28, 5)) == months[store.id]
    assert list(simulate(CHAIN[7], START, 28, 6)) != months[CHAIN[7].id]


def test_two_stores_interleaved_do_not_disturb_each_other(months: dict[str, list[SimulatedCall]]) -> None:
    pairs = zip(simulate(CHAIN[4], START, 28, 5), simulate(CHAIN[7], START, 28, 5), strict=False)
    ours, theirs = zip(*pairs, strict=True)
    assert list(ours) == months[CHAIN[4].id][: len(ours)]
    assert list(theirs) == months[CHAIN[7].id][: len(theirs)]


def test_a_chain_does_not_depend_on_its_length() -> None:
    assert chain(12, 1) == CHAIN[:12]
    assert chain(12, 2) != CHAIN[:12]
    assert len({store.id for store in CHAIN}) == 140
    assert {store.timezone for store in CHAIN[:12]} == {
        "America/Sao_Paulo",
        "America/Manaus",
        "America/Rio_Branco",
        "America/Noronha",
    }
    assert len({store.region for store in CHAIN[:12]}) == 5
    sizes = [store.calls_per_day for store in CHAIN]
    assert (min(sizes), max(sizes)) == (30, 400)
    for store in CHAIN:
        inside = {extension.number for extension in store.extensions}
        assert len(inside) == len(store.extensions)
        assert inside.isdisjoint({trunk.name for trunk in store.trunks})
        assert all(did.number.startswith(store.area_code) for did in store.dids)
        assert all(set(group.members) <= inside for group in store.groups)
        assert all(set(queue.members) <= inside for queue in store.queues)
        assert {did.target for did in store.dids} <= inside | {"ivr", "group", "queue"}


def test_calls_keep_to_the_opening_hours_and_the_rhythm_of_retail(
    months: dict[str, list[SimulatedCall]],
) -> None:
    store = CHAIN[0]
    hours: Counter[int] = Counter()
    weekdays: Counter[int] = Counter()
    outside = 0
    for call in months[store.id]:
        at = call.truth.start
        opening = store.hours[at.weekday()]
        minute = at.hour * 60 + at.minute
        outside += not (opening and opening[0] <= minute < opening[1])
        hours[at.hour] += 1
        weekdays[at.weekday()] += 1
    total = sum(hours.values())
    assert 0.005 < outside / total < 0.08
    assert hours[11] > hours[13]
    assert hours[17] > hours[13]
    assert hours[3] < total / 200
    assert weekdays[5] > weekdays[1] > weekdays[6]


def test_every_scenario_happens_and_a_few_calls_last_hours(months: dict[str, list[SimulatedCall]]) -> None:
    calls = [call for each in months.values() for call in each]
    scenarios = Counter(call.truth.scenario for call in calls)
    assert len(scenarios) == 34, sorted(scenarios)
    assert {call.truth.outcome for call in calls} == {
        "answered",
        "voicemail",
        "abandoned",
        "no_answer",
        "busy",
        "failed",
        "blocked",
        "system",
    }
    longest = sorted(call.truth.duration_seconds for call in calls)
    assert longest[-5] > 3600
    assert longest[len(longest) // 2] < 180
    categories = {call.truth.category for call in calls if call.truth.direction == "outbound"}
    assert categories >= {
        "local_mobile",
        "local_fixed",
        "long_distance_mobile",
        "long_distance_fixed",
        "toll_free",
        "international",
    }
    names = {row.cnam for call in calls for row in call.rows}
    assert any('"' in name for name in names)
    assert any("'" in name for name in names)
    assert any("ç" in name for name in names)
    assert "Anonymous" in names


def test_what_the_rows_cannot_tell_is_named_for_each_kind_of_call(
    months: dict[str, list[SimulatedCall]],
) -> None:
    found: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for calls in months.values():
        for call in calls:
            found[call.truth.unrecoverable].add(call.truth.scenario)
    del found[()]
    after_menu = {"inbound_group_abandoned", "inbound_group_outside", "inbound_group_voicemail"}
    transferred = {"inbound_attended_transfer", "inbound_blind_transfer", "inbound_parked"}
    assert found == {
        ("ring", "wait", "talk"): {"inbound_answered", "inbound_group_answered"} | transferred,
        ("ring", "wait"): after_menu | {"inbound_abandoned_ringing", "inbound_voicemail"},
        ("wait",): after_menu | {"inbound_busy", "inbound_voicemail"},
        ("talk",): {"inbound_blind_transfer"},
        ("wait", "duration"): {"inbound_queue_abandoned"},
        ("ring",): {"outbound_unknown_number"},
        ("ring", "duration"): {"outbound_unknown_number"},
        ("duration",): {"outbound_congestion", "outbound_failed"},
    }


def test_numbers_from_abroad_are_possible_and_none_of_brazil(months: dict[str, list[SimulatedCall]]) -> None:
    callers = {
        call.truth.source
        for calls in months.values()
        for call in calls
        if call.truth.category == "international" and call.truth.direction == "inbound"
    }
    begun = {number[:2] for number in callers}
    assert begun == {"13", "35", "54", "59", "34", "49", "39"}
    for number in callers:
        assert phonenumbers.is_valid_number(phonenumbers.parse(f"+{number}")), number
        # Eleven digits with a 9 after an area code would be a mobile phone in Brazil.
        assert len(number) != 11 or number[2] != "9", number


def test_silent_stores_are_silent() -> None:
    silent = CHAIN[6]
    assert silent.silent_last_days == 3
    days = {call.truth.start.date() for call in simulate(silent, START, 14, 1)}
    assert max(days) == START + timedelta(days=10)
    dated = replace(CHAIN[7], silent=((START + timedelta(days=2), START + timedelta(days=3)),))
    heard = {call.truth.start.date() for call in simulate(dated, START, 6, 1)}
    assert heard.isdisjoint({START + timedelta(days=2), START + timedelta(days=3)})
    assert START + timedelta(days=4) in heard


def test_the_clock_is_the_stores_own() -> None:
    for store in CHAIN[:12]:
        call = next(iter(simulate(replace(store, silent_last_days=0), START, 1, 3)))
        hours_behind = {
            "America/Noronha": 2,
            "America/Sao_Paulo": 3,
            "America/Manaus": 4,
            "America/Rio_Branco": 5,
        }
        epoch = int(call.truth.linked_ids[0].partition(".")[0])
        utc = datetime.fromtimestamp(epoch, UTC).replace(tzinfo=None)
        assert call.truth.start == utc - timedelta(hours=hours_behind[store.timezone])


def test_clocks_going_back_keep_the_order_of_insertion() -> None:
    abroad = replace(
        CHAIN[0],
        timezone="America/New_York",
        hours=((0, 24 * 60),) * 7,
        silent_last_days=0,
        calls_per_day=8000,
    )
    calls = list(simulate(abroad, date(2026, 11, 1), 1, 1))  # 02:00 becomes 01:00
    starts = [call.start_ms for call in calls]
    assert starts == sorted(starts)
    local = [call.truth.start for call in calls]
    assert local != sorted(local), "the hour from 1 to 2 happens twice"
