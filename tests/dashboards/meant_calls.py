"""Every example of the guide that finds calls, with what it means; beside them what does not work."""

from typing import Final

from tests.dashboards.meant import (
    DID,
    FROM_NUMBER,
    INBOUND,
    MANAUS,
    MISSED,
    OF_NUMBER,
    OPEN,
    OUTBOUND,
    TO_NUMBER,
    Call,
    Means,
    answered_by,
    callback,
    cost,
    day,
    distance,
    either,
    ends,
    every,
    holds,
    hour,
    made_by,
    named,
    none_of,
    nothing,
    outcome,
    phrase,
    store,
    talked,
    truth,
    weekday,
    within,
    word,
    words,
)


def long_until_called_back(call: Call) -> bool:
    return call.callback is not None and (call.callback.seconds or 0) > 3600


def called_back_by_2007(call: Call) -> bool:
    return call.callback is not None and call.callback.by == "2007"


def waited(call: Call) -> bool:
    return call.made.seconds.wait is not None and 60 <= call.made.seconds.wait <= 120


def without_a_plan(call: Call) -> bool:
    # The only trunk of the chain that no plan of the tariffs' file knows.
    return call.unrated and call.made.owed is not None and call.made.owed.trunk == "3132084370"


def from_rio(call: Call) -> bool:
    return call.made.truth.source.startswith("21")


UNRATED: Final[Means] = lambda call: call.unrated  # noqa: E731

NAMES: Final[dict[str, Means]] = {
    '"transportes acao rapida"': phrase("transportes", "acao", "rapida"),
    "rapida AND transportes": every(word("rapida"), word("transportes")),
    '"antonio dangelo"': phrase("antonio", "dangelo"),
    '"davila & filhos"': phrase("davila", "filhos"),
    "guimaraes": word("guimaraes"),
    "guimar*": lambda call: any(one.startswith("guimar") for text in call.texts for one in words(text)),
    "source.name.text:*maraes": named(lambda one: one.endswith("maraes")),
    "source.name.text:guimaraez~": named(lambda one: distance(one, "guimaraez") <= 2),
    "source.name.text:paulo": named(lambda one: one == "paulo"),
    'source.name:"Ana Cardoso"': lambda call: call.name == "Ana Cardoso",
    "NOT _exists_:source.name": lambda call: not call.name,
    "source.number:anonymous": truth(source="anonymous"),
}
NUMBERS: Final[dict[str, Means]] = {
    '"(11) 99026-2837"': OF_NUMBER,
    "99026-2837": OF_NUMBER,
    "011990262837": OF_NUMBER,
    "01511990262837": OF_NUMBER,
    '"+55 11 99026-2837"': OF_NUMBER,
    "2837": ends("2837"),
    "9902*": holds("9902"),
    'source.e164.digits:"(11) 99026-2837"': FROM_NUMBER,
    'destination.e164.digits:"(11) 99026-2837"': TO_NUMBER,
    'call.did.digits:"(11) 2830-0778"': DID,
    "call.did:1128300778": DID,
    r"call.direction:inbound AND source.e164:\+5521*": every(INBOUND, from_rio),
}
INSIDE: Final[dict[str, Means]] = {
    "call.queue:400": truth(queue="400"),
    "call.group:600": truth(group="600"),
    "source.extension:2007": made_by("2007"),
    "call.answered_by:2007": answered_by("2007"),
    "source.extension:2007 OR call.answered_by:2007": either(made_by("2007"), answered_by("2007")),
    "destination.extension:2007 AND call.direction:internal": truth(direction="internal", destination="2007"),
    "call.answered_by:101 AND store.name.text:manaus": every(answered_by("101"), MANAUS),
    "call.trunk:oi-sip": truth(trunk="oi-sip"),
}
STORES: Final[dict[str, Means]] = {
    '"porto alegre"': phrase("porto", "alegre"),
    'store.name.text:"sao paulo"': lambda call: within(words(call.made.store.name), ["sao", "paulo"]),
    "store.city.text:cuiaba": store(city="Cuiabá"),
    'store.region.text:"centro oeste"': store(region="Centro-Oeste"),
    "store.region:(Sul OR Norte)": lambda call: call.made.store.region in {"Sul", "Norte"},
    "store.state:SP": store(state="SP"),
    "store.id:Loja001": store(id="Loja001"),
}
BECAME: Final[dict[str, Means]] = {
    "call.missed:true": MISSED,
    "call.outcome:abandoned": outcome("abandoned"),
    "call.outcome:(busy OR failed)": outcome("busy", "failed"),
    "call.direction:outbound": OUTBOUND,
    "call.direction:inbound AND NOT call.answered:true": every(INBOUND, none_of(outcome("answered"))),
    "call.transferred:true": truth(transferred=True),
    "call.category:international": truth(category="international"),
}
AMOUNTS: Final[dict[str, Means]] = {
    "call.talk_seconds:>1800": talked(1801),
    "call.wait_seconds:[60 TO 120]": waited,
    "call.cost.amount:>2.5": cost(lambda amount: amount * 10 > 25),
    "call.cost.amount:[1 TO 5]": cost(lambda amount: 1 <= amount <= 5),
    "call.billable_seconds:>0 AND NOT _exists_:call.cost.amount": UNRATED,
    r"call.unrated:no\ plan*": without_a_plan,
}
WHEN: Final[dict[str, Means]] = {
    "local.weekday:6": weekday(6),
    "local.weekday:(6 OR 7)": weekday(6, 7),
    "local.hour:[12 TO 13]": hour(12, 13),
    "local.weekday:5 AND local.hour:>=18": every(weekday(5), hour(18)),
    "local.date:2026-09-01": day("2026-09-01", "2026-09-01"),
    "local.date:[2026-09-01 TO 2026-09-03]": day("2026-09-01", "2026-09-03"),
}
CALLBACKS: Final[dict[str, Means]] = {
    "call.callback.state:never": callback("never"),
    "call.callback.state:(never OR waiting OR tried)": OPEN,
    "call.callback.state:called_back AND call.callback.seconds:>3600": every(
        callback("called_back"), long_until_called_back
    ),
    "call.callback.by:2007": called_back_by_2007,
}
TOGETHER: Final[dict[str, Means]] = {
    'call.missed:true AND "99026-2837"': every(MISSED, OF_NUMBER),
    "moveis AND manaus": every(word("moveis"), word("manaus")),
    "call.queue:400 AND call.missed:true AND store.city.text:manaus": every(
        truth(queue="400"), MISSED, MANAUS
    ),
    "(store.city.text:manaus OR store.city.text:cuiaba) AND call.missed:true": every(
        either(MANAUS, store(city="Cuiabá")), MISSED
    ),
    "NOT _exists_:call.merged_into AND (source.extension:2007 OR call.answered_by:2007)": either(
        made_by("2007"), answered_by("2007")
    ),
}
SPECIAL: Final[dict[str, Means]] = {
    'destination.number:"*43"': truth(destination="*43"),
    r"destination.number:\*43": truth(destination="*43"),
    'source.e164:"+5511990262837"': FROM_NUMBER,
    r"source.e164:\+5511990262837": FROM_NUMBER,
    r'source.name:"Auto Peças \"Zé\""': lambda call: call.name == 'Auto Peças "Zé"',
}
MEANT: Final = {
    **NAMES,
    **NUMBERS,
    **INSIDE,
    **STORES,
    **BECAME,
    **AMOUNTS,
    **WHEN,
    **CALLBACKS,
    **TOGETHER,
    **SPECIAL,
}
"""By the example's text."""

REFUSED: Final = None
"""The cluster does not take it, and says so."""

FAULTY: Final[dict[str, Means | None]] = {
    "moveis guimaraes ltda": word("moveis", "guimaraes", "ltda"),
    "call.missed:true and call.queue:400": either(MISSED, truth(queue="400")),
    "+55 11 99026-2837": nothing,
    "*maraes": lambda _: True,
    "gui*es": lambda _: True,
    "99026": nothing,
    "37": nothing,
    "source.name:ana": nothing,
    'store.name:"Sao Paulo Centro"': nothing,
    'call.did:"(11) 2830-0778"': nothing,
    'destination.number.digits:"(11) 99026-2837"': nothing,
    "loja001": nothing,
    "call.outcome:Abandoned": nothing,
    "outcome:abandoned": nothing,
    "destination.name.text:cardoso": nothing,
    "call.missed:sim": REFUSED,
    "call.cost.amount:>2,5": REFUSED,
    "call.talk_seconds > 1800": ends("1800"),
    '"moveis guimaraes': REFUSED,
    "2026-09-01": nothing,
}
"""What the guide says not to type: what it finds instead of what is meant."""

INSTEAD: Final[dict[str, Means]] = {
    '"moveis guimaraes ltda"': phrase("moveis", "guimaraes", "ltda"),
    "call.missed:true AND call.queue:400": every(MISSED, truth(queue="400")),
    '"+55 11 99026-2837"': OF_NUMBER,
    "source.name.text:*maraes": MEANT["source.name.text:*maraes"],
    "source.name.text:gui*es": named(lambda one: one.startswith("gui") and one.endswith("es")),
    "99026*": holds("99026"),
    "837": ends("837"),
    "source.name.text:ana": named(lambda one: one == "ana"),
    'store.name.text:"sao paulo centro"': store(name="São Paulo Centro"),
    'call.did.digits:"(11) 2830-0778"': DID,
    'destination.e164.digits:"(11) 99026-2837"': TO_NUMBER,
    "Loja001": store(id="Loja001"),
    "call.outcome:abandoned": outcome("abandoned"),
    "call.answered_by:2007 AND store.id:Loja001": every(answered_by("2007"), store(id="Loja001")),
    "call.missed:true": MISSED,
    "call.cost.amount:>2.5": MEANT["call.cost.amount:>2.5"],
    "call.talk_seconds:>1800": talked(1801),
    '"moveis guimaraes"': phrase("moveis", "guimaraes"),
    "local.date:2026-09-01": MEANT["local.date:2026-09-01"],
}
"""What it says to type then."""
