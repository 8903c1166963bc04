"""Every number that calls have from each other or from their bundle: against the truth, reckoned naively."""

from collections import Counter
from fractions import Fraction

from tests.dashboards import reckon
from tests.dashboards.cases import WEEK, Case
from tests.dashboards.reckon import grouped
from tests.dashboards.relations import Callback
from tests.dashboards.test_panels_missed import missed
from tests.dashboards.test_panels_peaks import WEEKDAYS
from tests.dashboards.world import Made
from tests.dashboards.written import change, count, minutes, points, share

STATES = {
    "called_back": "Retornadas",
    "came_again": "Ligou de novo e foi atendido",
    "tried": "Retorno sem resposta",
    "waiting": "No prazo",
    "never": "Nunca retornadas",
    "no_number": "Sem número",
}
REACHED = ("called_back", "came_again")
DUE = (*REACHED, "tried", "never")
SPANS = {
    "até 15 min": 900,
    "15 a 60 min": 3_600,
    "1 a 4 h": 14_400,
    "4 a 12 h": 43_200,
    "12 a 24 h": 86_401,
}
STORES = 12
BUNDLES = 15


def became(case: Case, calls: list[Made]) -> list[Callback]:
    return [case.callbacks[call.key] for call in missed(calls)]


def settled(found: list[Callback]) -> Fraction | None:
    due = sum(one.state in DUE for one in found)
    return Fraction(sum(one.state in REACHED for one in found), due) if due else None


def test_the_figures_of_calling_back(case: Case) -> None:
    now, before = became(case, case.calls), became(case, case.before(WEEK))
    states, earlier = (Counter(one.state for one in some) for some in (now, before))
    found = case.screens.figures("missed-figures", case.selection)[2:]
    never, waiting = (states[name] if now else None for name in ("never", "waiting"))
    assert found[0] == ("Nunca retornadas", count(never), "")
    waited = earlier["waiting"] if before else None
    assert found[1] == ("Ainda no prazo", count(waiting), change(waiting, waited, WEEK))
    assert found[2] == (
        "Resolvidas em 24 h",
        share(settled(now)),
        points(settled(now), settled(before), WEEK),
    )
    seconds = sorted(one.seconds or 0 for one in now if one.state == "called_back")
    if not seconds:
        assert found[3][:2] == ("Tempo até o retorno", "—")
        return
    # The cluster's median is an estimate: it lies among the middle tenth.
    hours, minute, second = map(int, found[3][1].split(":"))
    low, high = (seconds[round((len(seconds) - 1) * part)] for part in (0.45, 0.55))
    assert low - 1 <= hours * 3_600 + minute * 60 + second <= high + 1


def test_what_became_of_missed_calls_by_day(case: Case) -> None:
    wanted: dict[tuple[str, str], str] = {}
    for day, calls in grouped(missed(case.calls), reckon.day).items():
        states = Counter(one.state for one in became(case, calls))
        wanted |= {(day, label): count(states[state]) for state, label in STATES.items()}
        wanted[day, "Ainda não calculado"] = "0"
    found = case.screens.parts("missed-days", case.selection)
    assert {(one["Dia"], one["O quê"]): one["perdidas"] for one in found} == wanted


def test_how_soon_callers_were_spoken_to(case: Case) -> None:
    numbers: Counter[tuple[str, str]] = Counter()
    for one in became(case, case.calls):
        if one.state in REACHED:
            assert one.seconds is not None
            column = next(name for name, end in SPANS.items() if one.seconds < end)
            numbers[column, "A loja retornou" if one.state == "called_back" else "Ligou de novo"] += 1
    found = case.screens.parts("missed-times", case.selection)
    shown = Counter(
        {
            (one["desde a chamada perdida"], one["O quê"]): int(one["perdidas"].replace(".", ""))
            for one in found
        }
    )
    assert +shown == numbers


def test_the_stores_with_most_missed_calls(case: Case) -> None:
    stores = grouped(missed(case.calls), lambda call: call.store.name)
    never = {name: sum(one.state == "never" for one in became(case, calls)) for name, calls in stores.items()}
    names = sorted(stores, key=lambda name: (-len(stores[name]), -never[name], name))[:STORES]
    assert case.screens.ranking("missed-stores", case.selection) == [
        (name, f"{count(len(stores[name]))}  ({count(never[name])} nunca retornadas)") for name in names
    ]


def test_whom_to_call_back(case: Case) -> None:
    found = case.screens.answer("search-never-called-back", case.selection)
    wanted = [one for one in became(case, case.calls) if one.state in {"never", "waiting", "tried"}]
    assert found["found"] == len(wanted)


def test_missed_calls_say_what_became_of_them(case: Case) -> None:
    names = ("state", "seconds", "by", "call_id")
    ask = {"term": {"call.missed": True}}
    body = {"size": 10_000, "query": {"bool": {"filter": [ask]}}, "_source": ["event.id", "call.callback"]}
    hits = case.world.cluster.request("POST", "/pabx-calls-*/_search", body)["hits"]["hits"]
    for hit in hits:
        said = hit["_source"]["call"]["callback"]
        meant = case.callbacks[hit["_source"]["event"]["id"]]
        assert [said.get(name) for name in names] == [getattr(meant, name) for name in names]
    assert len(hits) == min(10_000, len(case.callbacks))


def test_most_at_once_by_hour_of_the_week(case: Case) -> None:
    on_trunks = [call for call in case.calls if call.key in case.at_once]
    wanted = {
        (WEEKDAYS[day - 1], str(hour)): count(max(case.at_once[call.key] for call in calls))
        for (day, hour), calls in grouped(on_trunks, reckon.weekday_hour).items()
    }
    found = case.screens.parts("peaks-simultaneous", case.selection)
    assert {(one["Dia"], one["Hora"]): one["ao mesmo tempo"] for one in found} == wanted


def peak(case: Case, calls: list[Made]) -> int:
    return max(case.at_once[call.key] for call in calls)


def test_the_stores_with_most_lines_in_use(case: Case) -> None:
    on_trunks = [call for call in case.calls if call.key in case.at_once]
    stores = grouped(on_trunks, lambda call: call.store.name)
    names = sorted(stores, key=lambda name: (-peak(case, stores[name]), -len(stores[name]), name))[:STORES]
    wanted = []
    for name in names:
        trunks = grouped(stores[name], reckon.trunk)
        busiest = min(trunks, key=lambda trunk: (-peak(case, trunks[trunk]), trunk))
        wanted.append((name, f"{count(peak(case, stores[name]))}  {busiest}"))
    assert case.screens.ranking("peaks-trunks", case.selection) == wanted


def test_most_at_once_on_each_trunk(case: Case) -> None:
    found = case.screens.table("store-trunks", case.selection)
    trunks = grouped(case.calls, reckon.trunk)
    assert {row[0]: row[2] for row in found} == {row[0]: peak(case, trunks[row[0]]) for row in found}


def test_how_far_bundles_are_used(case: Case) -> None:
    """By the end of the period, whatever was used of the month before it."""
    used: dict[tuple[str, str, str], tuple[int, int]] = {}
    for call in sorted(case.calls, key=lambda call: (call.begin, call.key)):
        if use := case.uses.get(call.key):
            used[use.plan, use.store, use.month] = (use.used, use.total)
    shares = {account: Fraction(taken, total) for account, (taken, total) in used.items()}
    found = case.screens.ranking("costs-bundles", case.selection)
    texts = [
        f"{share(shares[account])}  ({minutes(used[account][0])} de {minutes(used[account][1])} min)"
        for account in sorted(shares, key=lambda account: -shares[account])
    ]
    assert [text for _, text in found] == texts[:BUNDLES]
    for name, text in found:
        assert any(
            name == f"{plan} · {store} · {month}" and text.startswith(share(shares[plan, store, month]))
            for plan, store, month in shares
        ), name
