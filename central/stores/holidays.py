"""Public holidays of a store: the nation's and the state's, and of some cities their own; pure.

Sources: `holidays` for nation and state, `workalendar` for cities. Carnival Tuesday and Corpus Christi count
beside what the law calls a public holiday: most cities have made them one, and shops are closed or quiet.
"""

from datetime import date, timedelta
from functools import cache
from typing import Final

from holidays import country_holidays
from workalendar.america import brazil

from central.stores.hours import folded

NONE: Final = "none"

_NONE_WORDS: Final = frozenset({NONE, "nenhum", "nenhuma"})
_NATION: Final = "BR"
_CITIES: Final = {
    "AC": {"Rio Branco": brazil.BrazilRioBrancoCity},
    "AL": {"Maceió": brazil.BrazilMaceioCity},
    "AM": {"Manaus": brazil.BrazilManausCity},
    "AP": {"Macapá": brazil.BrazilMacapaCity},
    "BA": {"Salvador": brazil.BrazilSalvadorCity},
    "CE": {"Fortaleza": brazil.BrazilFortalezaCity},
    "ES": {
        "Cariacica": brazil.BrazilCariacicaCity,
        "Guarapari": brazil.BrazilGuarapariCity,
        "Serra": brazil.BrazilSerraCity,
        "Vila Velha": brazil.BrazilVilaVelhaCity,
        "Vitória": brazil.BrazilVitoriaCity,
    },
    "GO": {"Goiânia": brazil.BrazilGoianiaCity},
    "MG": {"Belo Horizonte": brazil.BrazilBeloHorizonteCity},
    "MS": {"Campo Grande": brazil.BrazilCampoGrandeCity},
    "MT": {"Cuiabá": brazil.BrazilCuiabaCity},
    "PA": {"Belém": brazil.BrazilBelemCity},
    "PB": {"João Pessoa": brazil.BrazilJoaoPessoaCity},
    "PE": {"Recife": brazil.BrazilRecifeCity},
    "PI": {"Teresina": brazil.BrazilTeresinaCity},
    "PR": {"Curitiba": brazil.BrazilCuritibaCity},
    "RN": {"Natal": brazil.BrazilNatalCity},
    "RO": {"Porto Velho": brazil.BrazilPortoVelhoCity},
    "RR": {"Boa Vista": brazil.BrazilBoaVistaCity},
    "RS": {"Porto Alegre": brazil.BrazilPortoAlegreCity},
    "SC": {
        "Chapecó": brazil.BrazilChapecoCity,
        "Florianópolis": brazil.BrazilFlorianopolisCity,
        "Joinville": brazil.BrazilJoinvilleCity,
    },
    "SE": {"Aracaju": brazil.BrazilAracajuCity},
    "SP": {"São Paulo": brazil.BrazilSaoPauloCity, "Sorocaba": brazil.BrazilSorocabaCity},
    "TO": {"Palmas": brazil.BrazilPalmasCity},
}
# Source: IBGE; those without a city that is known are here too.
_STATES: Final = frozenset({*_CITIES, "DF", "MA", "RJ"})
_EASTER_TO_CARNIVAL: Final = timedelta(days=-47)
_EASTER_TO_CORPUS: Final = timedelta(days=60)
_GOOD_FRIDAY_TO_EASTER: Final = timedelta(days=2)


def calendar_code(text: str) -> str | None:
    """Bring the name of a calendar into its one form; None: there is no such calendar.

    Args:
        text: `none` or `nenhum`, `BR`, a state's such as `BR-SP`, or a city's such as `BR-SP-Sorocaba`.
    """
    if folded(text) in _NONE_WORDS:
        return NONE
    nation, _, place = text.partition("-")
    state, _, city = (part.strip() for part in place.partition("-"))
    if nation.strip().upper() != _NATION or (state and state.upper() not in _STATES):
        return None
    code = code_of(state.upper(), city)
    return code if not city or code.count("-") > 1 else None


def code_of(state: str, city: str) -> str:
    """Give the calendar of a place: its city's where that is known, else its state's, else the nation's.

    Args:
        state: two letters, or empty.
        city: its name; accents and capital letters do not matter.
    """
    if state not in _STATES:
        return _NATION
    known = {folded(name): name for name in _CITIES.get(state, ())}
    name = known.get(folded(city))
    return f"{_NATION}-{state}-{name}" if name else f"{_NATION}-{state}"


@cache
def holidays_of(code: str, year: int) -> frozenset[date]:
    """Give the public holidays of a year.

    Args:
        code: as `calendar_code` or `code_of` gives it.
        year: of the calendar.
    """
    if code == NONE:
        return frozenset()
    _, _, place = code.partition("-")
    state, _, city = place.partition("-")
    found = set(country_holidays(_NATION, subdiv=state or None, years=year))
    # Both are told from Easter, and Easter from Good Friday, which is a holiday of the nation.
    easter = _easter(year)
    found |= {easter + _EASTER_TO_CARNIVAL, easter + _EASTER_TO_CORPUS}
    if city:
        kind = _CITIES[state][city]
        of_state = {day for day, _ in kind.__mro__[1]().holidays(year)}
        found |= {day for day, _ in kind().holidays(year)} - of_state
    return frozenset(found)


def _easter(year: int) -> date:
    by_name = country_holidays(_NATION, years=year, language="pt_BR")
    return by_name.get_named("Sexta-feira Santa")[0] + _GOOD_FRIDAY_TO_EASTER
