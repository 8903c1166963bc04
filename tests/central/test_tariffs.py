"""The tariffs' file: what is right is read exactly, what is wrong is named with its mend; the page."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from central import cli
from central.errors import UsageError
from central.rating.rate import Bundles, Call, Cost, Match, Unrated, charge, match
from central.rating.report import Report
from central.rating.tariffs import Tariffs, categories, load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tariffs.md").read_text(encoding="utf-8")
Read = Callable[[str], Tariffs]

PLAN = """
currency = "BRL"
[[plan]]
name = "vivo"
trunks = ["vivo"]
valid_from = 2026-01-01
minimum_seconds = 30
increment_seconds = 6
[[plan.rate]]
category = "local_mobile"
per_minute = 0.35
"""
SECOND = PLAN.partition("[[plan]]")[2]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Load a file with this text."""

    def write_and_load(text: str) -> Tariffs:
        path = tmp_path / "t.toml"
        path.write_text(text, encoding="utf-8")
        return load(path)

    return write_and_load


def second(**changes: str) -> str:
    """Another plan behind the first one, with other values."""
    text = "[[plan]]" + SECOND
    for key, value in changes.items():
        text = re.sub(rf"^{key} = .*$", value, text, flags=re.MULTILINE)
    return text


def test_the_example_of_a_chain_is_read_exactly() -> None:
    tariffs = load(ROOT / "tests" / "data" / "tariffs.toml")
    assert (tariffs.currency, tariffs.decimals) == ("BRL", 4)
    assert [plan.label for plan in tariffs.plans] == [
        "vivo 2026-01-01",
        "vivo 2027-01-01",
        "claro 2026-01-01",
        "claro Loja001 2026-06-01",
        "oi 2026-01-01",
        "tim 2026-01-01",
        "algar 2026-01-01",
        "other trunks 2026-01-01",
    ]
    vivo, _, claro = tariffs.plans[:3]
    assert vivo.rates["local_mobile"].per_minute == Decimal("0.35")
    assert (vivo.rates["+1"].minimum_seconds, vivo.rates["local_fixed"].minimum_seconds) == (60, 30)
    assert vivo.rates["+1"].free_seconds == 3
    assert vivo.bundle is not None
    assert (vivo.bundle.seconds, vivo.bundle.of_chain) == (60_000, False)
    assert claro.bundle is not None
    assert claro.bundle.of_chain
    assert claro.rates["local_fixed"].per_minute == Decimal("0.0790")


def test_what_is_left_out_has_its_default(read: Read) -> None:
    tariffs = read(PLAN)
    plan = tariffs.plans[0]
    assert (tariffs.decimals, plan.stores, plan.valid_until, plan.bundle) == (4, frozenset(), None, None)
    rate = plan.rates["local_mobile"]
    assert (rate.connection, rate.free_seconds, rate.increment_seconds) == (Decimal(0), 0, 6)


VIVO = "plan vivo (number 1)"
BUNDLE = 'bundle = { minutes = 5, categories = ["local_mobile"], scope = "store" }\n[[plan.rate]]'
WRONG: dict[str, tuple[str, str, str]] = {
    "no currency": (
        'currency = "BRL"',
        "",
        'currency is missing: write the currency\'s three letters, such as "BRL"',
    ),
    "small currency": ('"BRL"', '"brl"', "currency is 'brl': write its three capital letters"),
    "decimals": (
        'currency = "BRL"',
        'currency = "BRL"\ndecimals = 5',
        "decimals is 5: write a whole number, 2 to 4",
    ),
    "unknown at the top": ("currency", "curency", "curency is no key: did you mean currency?"),
    "unknown in a plan": (
        "minimum_seconds",
        "minimum_second",
        f"{VIVO}: minimum_second is no key: did you mean minimum_s",
    ),
    "unknown in a rate": (
        "per_minute",
        "per_minut",
        f"{VIVO}, rate 1: per_minut is no key: did you mean per_minute?",
    ),
    "no name": ('name = "vivo"', "", "plan without a name (number 1): name is missing"),
    "no trunks": ('trunks = ["vivo"]', "", f'{VIVO}: trunks is missing: write trunks = ["vivo"]'),
    "empty trunks": ('["vivo"]', "[]", f"{VIVO}: trunks is [], not a list of names"),
    "a trunk twice": ('["vivo"]', '["a", "a"]', f"{VIVO}: trunks names a twice: keep one"),
    "a star within a name": (
        '["vivo"]',
        '["*-sip"]',
        f"{VIVO}: trunks holds '*-sip': write every trunk's whole name",
    ),
    "a star among names": ('["vivo"]', '["a", "*"]', f"{VIVO}: trunks holds '*'"),
    "stores a text": (
        "valid_from",
        'stores = "Loja001"\nvalid_from',
        f"{VIVO}: stores is 'Loja001', not a list",
    ),
    "no stores": ("valid_from", "stores = []\nvalid_from", f"{VIVO}: stores is [], not a list of names"),
    "no first day": (
        "valid_from = 2026-01-01",
        "",
        f"{VIVO}: valid_from is missing: write valid_from = 2026-01-01",
    ),
    "a day as text": ("2026-01-01", '"2026-01-01"', f"{VIVO}: valid_from is '2026-01-01', not a date: write"),
    "a day with a time": (
        "2026-01-01",
        "2026-01-01T00:00:00",
        f"{VIVO}: valid_from is 2026-01-01 00:00:00, not a date",
    ),
    "ends before it begins": (
        "2026-01-01",
        "2026-01-01\nvalid_until = 2025-12-31",
        f"{VIVO}: valid_until is 2025-12-31, before valid_from 2026-01-01: correct",
    ),
    "no minimum": (
        "minimum_seconds = 30",
        "",
        f"{VIVO}: minimum_seconds is missing: write a whole number, 0 to 86400",
    ),
    "no step": (
        "increment_seconds = 6",
        "increment_seconds = 0",
        f"{VIVO}: increment_seconds is 0: write a whole number",
    ),
    "half a step": (
        "increment_seconds = 6",
        "increment_seconds = 6.5",
        f"{VIVO}: increment_seconds is 6.5: write a",
    ),
    "truth for a number": (
        "minimum_seconds = 30",
        "minimum_seconds = true",
        f"{VIVO}: minimum_seconds is True: write",
    ),
    "no rate": (
        '[[plan.rate]]\ncategory = "local_mobile"\nper_minute = 0.35',
        "",
        f"{VIVO}: rate is not there: write at",
    ),
    "unknown category": (
        "local_mobile",
        "local_mobil",
        f"{VIVO}, rate 1: category is 'local_mobil': did you mean local",
    ),
    "category and prefix": (
        "per_minute",
        'prefix = "+1"\nper_minute',
        f"{VIVO}, rate 1: it has both category and pref",
    ),
    "neither": (
        'category = "local_mobile"',
        "",
        f"{VIVO}, rate 1: it has neither category nor prefix: write one",
    ),
    "prefix without plus": (
        'category = "local_mobile"',
        'prefix = "1"',
        f"{VIVO}, rate 1: prefix is '1': write +",
    ),
    "prefix too long": (
        'category = "local_mobile"',
        'prefix = "+5511987"',
        "prefix is '+5511987': write + and the numb",
    ),
    "prefix a number": ('category = "local_mobile"', "prefix = 55", f"{VIVO}, rate 1: prefix is 55: write"),
    "no price": (
        "per_minute = 0.35",
        "",
        f"{VIVO}, rate 1: per_minute is missing: write a price with a point",
    ),
    "a comma": (
        "0.35",
        '"0,35"',
        f"{VIVO}, rate 1: per_minute is '0,35', not a price: write a price with a point",
    ),
    "a price below zero": ("0.35", "-0.35", f"{VIVO}, rate 1: per_minute is -0.35: write 0 to 1000000"),
    "a price without end": ("0.35", "inf", f"{VIVO}, rate 1: per_minute is Infinity, not a price"),
    "no number": ("0.35", "nan", f"{VIVO}, rate 1: per_minute is NaN, not a price"),
    "too many decimals": ("0.35", "0.0000000001", "with 9 decimals at most"),
    "truth for a price": ("0.35", "true", f"{VIVO}, rate 1: per_minute is True, not a price"),
    "two prices": (
        "per_minute = 0.35",
        'per_minute = 0.35\n[[plan.rate]]\ncategory = "local_mobile"\nper_minute = 0.40',
        f"{VIVO}, rate 2: local_mobile has a rate already in this plan: keep one",
    ),
    "bundle without a scope": (
        "[[plan.rate]]",
        BUNDLE.replace(', scope = "store"', ""),
        f"{VIVO}, bundle: scope is missing: write one of chain, store",
    ),
    "bundle for nobody": (
        "[[plan.rate]]",
        BUNDLE.replace('"store"', '"shop"'),
        "bundle: scope is 'shop': known: chain, store",
    ),
    "bundle of no minutes": (
        "[[plan.rate]]",
        BUNDLE.replace("5", "0"),
        f"{VIVO}, bundle: minutes is 0: write a whole",
    ),
    "bundle without a price": (
        "[[plan.rate]]",
        BUNDLE.replace("local_mobile", "local_fixed"),
        f"{VIVO}, bundle: categories names local_fixed, for which the plan has no rate: add its",
    ),
    "bundle of an unknown category": (
        "[[plan.rate]]",
        BUNDLE.replace("local_mobile", "mobile"),
        f"{VIVO}, bundle: categories names mobile: did you mean local_mobile?",
    ),
    "bundle a number": (
        "[[plan.rate]]",
        "bundle = 5\n[[plan.rate]]",
        f"{VIVO}: bundle is 5: write bundle = {{",
    ),
    "no TOML": ("[[plan]]", "[[plan]", "mend the line that it names"),
    "no plans": (PLAN, 'currency = "BRL"', "plan is not there: write at least one [[plan]]"),
    "plan a table": (
        PLAN,
        'currency = "BRL"\n[plan]\nname = "vivo"',
        "plan is {'name': 'vivo'}: write at least one",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_with_its_mend(read: Read, tmp_path: Path, name: str) -> None:
    old, new, message = WRONG[name]
    assert old in PLAN
    with pytest.raises(UsageError) as refused:
        read(PLAN.replace(old, new, 1))
    line = str(refused.value)
    assert line.startswith(f"{tmp_path / 't.toml'}: ")
    assert message in line
    assert "\n" not in line
    assert refused.value.exit_code == 2


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: No such file or directory: correct --tariffs"):
        load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'currency = "\xe9"')
    with pytest.raises(UsageError, match=r"latin\.toml: not UTF-8 \(byte 12\): save it as UTF-8"):
        load(tmp_path / "latin.toml")


CLAIMS: dict[str, tuple[str, str | None]] = {
    "the same days": (second(name='name = "b"'), "all stores on 2026-01-01"),
    "from a later day on": (
        second(name='name = "b"', valid_from="valid_from = 2026-05-01"),
        "all stores on 2026-05-01",
    ),
    "before the other": (
        second(name='name = "b"', valid_from="valid_from = 2025-01-01\nvalid_until = 2025-12-31"),
        None,
    ),
    "one day in common": (
        second(name='name = "b"', valid_from="valid_from = 2025-01-01\nvalid_until = 2026-01-01"),
        "all stores on 2026-01-01",
    ),
    "another trunk": (second(name='name = "b"', trunks='trunks = ["claro"]'), None),
    "every other trunk": (second(name='name = "b"', trunks='trunks = ["*"]'), None),
    "one store": (
        second(name='name = "b"', valid_from='stores = ["Loja001"]\nvalid_from = 2026-01-01'),
        None,
    ),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_two_plans_must_not_claim_the_same_calls(read: Read, name: str) -> None:
    other, claimed = CLAIMS[name]
    if claimed is None:
        assert len(read(PLAN + other).plans) == 2
        return
    with pytest.raises(UsageError) as refused:
        read(PLAN + other)
    both = "plan vivo (number 1) and plan b (number 2) both claim trunk vivo of"
    assert f"{both} {claimed}: end one by valid_until" in str(refused.value)


def test_two_lists_of_stores_must_not_share_one(read: Read) -> None:
    def of(name: str, stores: str) -> str:
        return second(name=f'name = "{name}"', valid_from=f"stores = {stores}\nvalid_from = 2026-01-01")

    assert len(read(PLAN + of("b", '["A", "B"]') + of("c", '["C"]')).plans) == 3
    with pytest.raises(UsageError, match=r"plan b \(number 2\) and plan c \(number 3\) .* of store B on"):
        read(PLAN + of("b", '["A", "B"]') + of("c", '["B", "C"]'))


def test_two_plans_must_not_be_written_alike_on_a_call(read: Read) -> None:
    with pytest.raises(UsageError, match="have the same name and valid_from 2026-01-01: give one"):
        read(PLAN + second(trunks='trunks = ["claro"]'))


def test_the_trunk_of_an_expired_plan_is_not_taken_by_the_rest(read: Read) -> None:
    rest = second(name='name = "rest"', trunks='trunks = ["*"]')
    tariffs = read(PLAN.replace("2026-01-01", "2026-01-01\nvalid_until = 2026-06-30") + rest)

    def label(trunk: str, day: date) -> str | None:
        plan = tariffs.plan(trunk, "Loja001", day)
        return plan.name if plan else None

    assert label("vivo", date(2026, 6, 30)) == "vivo"
    assert label("vivo", date(2026, 7, 1)) is None
    assert label("other", date(2026, 7, 1)) == "rest"
    assert label("other", date(2025, 12, 31)) is None


def test_a_plan_for_a_store_leaves_the_others_to_the_rest(read: Read) -> None:
    rest = second(name='name = "rest"', trunks='trunks = ["*"]')
    tariffs = read(PLAN.replace("valid_from", 'stores = ["Loja001"]\nvalid_from') + rest)
    names = [
        getattr(tariffs.plan("vivo", store, date(2026, 5, 1)), "name", None)
        for store in ("Loja001", "Loja002")
    ]
    assert names == ["vivo", "rest"]


# The page.

HEADER = "| call | seconds | billed | amount | tariff or reason |"
USED = "| call | seconds | `call.cost.bundle.account` | `.seconds` | `.used_seconds` | `.total_seconds` |"
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)


def cells(table: str) -> list[list[str]]:
    """The rows of a table that begin with a day."""
    rows = [line for line in table.partition("\n\n")[0].splitlines() if line.startswith("| 2")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def page_examples() -> Iterator[tuple[str, list[list[str]]]]:
    """Each file of the page with the rows of the table below it."""
    for part in PAGE.split("```toml\n")[1:]:
        text, _, rest = part.partition("```")
        for table in rest.split(HEADER)[1:]:
            yield text, cells(table)


EXAMPLES = list(page_examples())


def test_every_file_of_the_page_has_its_examples() -> None:
    assert [text for text, _ in EXAMPLES] == BLOCKS
    used = len(cells(PAGE.partition(USED)[2]))
    assert sum(len(rows) for _, rows in EXAMPLES) == PAGE.count("\n| 20") - used


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_of_the_page_comes_out_as_it_says(read: Read, number: int) -> None:
    text, rows = EXAMPLES[number]
    tariffs, bundles = read(text), Bundles()
    for described, seconds, billed, amount, tariff in rows:
        day, store, *named = described.split()
        trunk, category, prefix = (None if name == "-" else name for name in named[:3])
        collect = named[3:] == ["collect"]
        call = Call(store, date.fromisoformat(day), int(seconds), trunk, category, prefix, collect)
        found = match(tariffs, call)
        if isinstance(found, Unrated):
            assert [billed, amount, tariff] == ["-", "-", found.reason]
            continue
        assert found is not None
        cost = charge(tariffs, found, call.seconds, bundles)
        assert [str(cost.seconds), str(cost.amount), cost.tariff] == [billed, amount, tariff], described


def test_the_bundle_of_the_page_is_used_as_it_says(read: Read) -> None:
    above, _, below = PAGE.partition(USED)
    tariffs, bundles = read(re.findall(r"```toml\n(.*?)```", above, flags=re.DOTALL)[-1]), Bundles()
    rows = cells(below)
    assert len(rows) == 5
    for described, seconds, *expected in rows:
        day, store, trunk, category, _ = described.split()
        found = match(tariffs, Call(store, date.fromisoformat(day), int(seconds), trunk, category))
        assert isinstance(found, Match)
        use = charge(tariffs, found, int(seconds), bundles).bundle
        assert use is not None
        assert [str(value) for value in use] == expected


def test_every_command_of_the_page_is_one() -> None:
    commands = [line.split() for line in PAGE.splitlines() if line.startswith("central ")]
    parsed = [cli._parser().parse_args(words[1:]) for words in commands]
    assert [options.command for options in parsed] == ["rate"] * 4
    for option in ("--tariffs", "--since", "--until", "--dry-run", "--json"):
        assert option in PAGE


def test_the_page_names_every_key_and_category() -> None:
    keys = {"name", "trunks", "stores", "valid_from", "valid_until", "minimum_seconds", "increment_seconds"}
    keys |= {
        "free_seconds",
        "bundle",
        "rate",
        "currency",
        "decimals",
        "category",
        "prefix",
        "per_minute",
        "connection",
    }
    for name in sorted(keys | categories()):
        assert f"`{name}`" in PAGE, name


def test_the_page_names_everything_of_the_json() -> None:
    report = Report("BRL", 4, dry_run=False)
    cost = Cost(Decimal("0.1"), "BRL", "vivo", "vivo", 30, None)
    for decision in (cost, Unrated("why", "why")):
        report._add(Call("Loja001", date(2026, 11, 3), 30), decision)
    found = report.as_dict()
    for name in [*found, *found["plans"][0], *found["reasons"][0]]:
        assert f"`{name}`" in PAGE, name
