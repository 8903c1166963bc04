"""Brazilian telephone numbers and the names that come with them.

Fixed numbers have 10 digits (area code, then 2 to 5), mobile ones 11 (area code, then 9). Within the area
people dial 8 or 9 digits; long distance is 0, the carrier's code (CSP), area code and number; abroad is 00,
CSP, country and number.
"""

import random
from typing import NamedTuple

# fmt: off
AREA_CODES = (
    "11", "12", "13", "14", "15", "16", "17", "18", "19", "21", "22", "24", "27", "28", "31", "32",
    "33", "34", "35", "37", "38", "41", "42", "43", "44", "45", "46", "47", "48", "49", "51", "53",
    "54", "55", "61", "62", "63", "64", "65", "66", "67", "68", "69", "71", "73", "74", "75", "77",
    "79", "81", "82", "83", "84", "85", "86", "87", "88", "89", "91", "92", "93", "94", "95", "96",
    "97", "98", "99",
)
# fmt: on
CARRIER_CODES = ("15", "21", "31", "41")
_NATIONWIDE = {*range(3000, 3010), *range(4000, 4010), 4020, 4370, 4864}  # the same number in every area
_EXCHANGES = tuple(prefix for prefix in range(2000, 6000) if prefix not in _NATIONWIDE)
# How a number begins, and how many digits follow: none that could be a Brazilian one without its +.
ABROAD = (("13055", 6), ("35121", 7), ("54114", 7), ("59521", 7), ("34612", 6), ("4930", 7), ("39063", 7))

# fmt: off
_FIRST = (
    "Ana", "Antônio", "Beatriz", "Caio", "Cláudia", "Conceição", "Daniel", "Débora", "Eduardo",
    "Fábio", "Fátima", "Fernanda", "Flávio", "Gabriela", "Gustavo", "Helena", "Inês", "Isabela",
    "João", "Jorge", "José", "Joyce", "Juliana", "Júlio", "Lúcia", "Luís", "Márcia", "Marcos",
    "Mônica", "Natália", "Otávio", "Patrícia", "Paulo", "Rafael", "Renata", "Rogério", "Sérgio",
    "Simone", "Thaís", "Valéria", "Vítor", "Zélia",
)
# fmt: on
# fmt: off
_LAST = (
    "Almeida", "Alves", "Araújo", "Assunção", "Barbosa", "Brandão", "Cardoso", "Carvalho",
    "Conceição", "Corrêa", "Costa", "D'Ávila", "D'Angelo", "Dias", "Ferreira", "Fonseca",
    "Gonçalves", "Guimarães", "Leão", "Lima", "Magalhães", "Melo", "Mendonça", "Moraes", "Nóbrega",
    "Oliveira", "O'Neil", "Pacheco", "Peçanha", "Pereira", "Queirós", "Ribeiro", "Santana",
    "Sant'Anna", "Santos", "Silva", "Simões", "Souza", "Teixeira", "Vasconcelos",
)
# fmt: on
_FIRMS = (
    'Auto Peças "Zé"',
    "Construções Irmãos Araújo",
    "Distribuidora São João",
    "Escritório D'Ávila & Filhos",
    "Farmácia Coração de Jesus",
    "Móveis Guimarães Ltda",
    'Padaria "A Pão & Cia"',
    "Transportes Ação Rápida",
)


class Contact(NamedTuple):
    """Someone outside: number (10 or 11 digits; from abroad with its country code), name or empty."""

    number: str
    name: str
    abroad: bool


def mobile(rng: random.Random, area_code: str) -> str:
    """Return a mobile number: area code, 9 and eight digits."""
    return f"{area_code}9{rng.randrange(60_000_000, 100_000_000)}"


def fixed(rng: random.Random, area_code: str) -> str:
    """Return a fixed number: area code and eight digits from 2 to 5 on, none that is nationwide."""
    exchange, line = divmod(rng.randrange(len(_EXCHANGES) * 10_000), 10_000)
    return f"{area_code}{_EXCHANGES[exchange]}{line:04d}"


def person(rng: random.Random) -> str:
    """Return a Brazilian name."""
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def contact(rng: random.Random, area_code: str) -> Contact:
    """Return someone who may call the store or be called: mostly mobile phones of the same area.

    Args:
        rng: The source of chance.
        area_code: The store's area code, two digits.
    """
    kind = rng.choices("mfMFa", (62, 16, 14, 7, 1))[0]
    area = area_code if kind in "mf" else rng.choice(AREA_CODES)
    if kind == "a":
        begin, further = rng.choice(ABROAD)
        number = f"{begin}{rng.randrange(10 ** (further - 1), 10**further)}"
    else:
        number = fixed(rng, area) if kind in "fF" else mobile(rng, area)
    name = rng.choices(("", person(rng), rng.choice(_FIRMS)), (80, 16, 4))[0]
    return Contact(number, name, abroad=kind == "a")


def category(number: str, area_code: str, *, abroad: bool = False) -> str:
    """Return the tariff category of a national number, seen from an area.

    Args:
        number: 10 digits (fixed) or 11 (mobile) with area code; digits with country code if `abroad`.
        area_code: The store's area code.
        abroad: The number belongs to another country.
    """
    if abroad:
        return "international"
    distance = "local" if number.startswith(area_code) else "long_distance"
    return f"{distance}_mobile" if len(number) == len("11987654321") else f"{distance}_fixed"


def as_dialled(who: Contact, area_code: str, carrier_code: str) -> str:
    """Return what an employee dials to reach someone from a store in that area."""
    if who.abroad:
        return f"00{carrier_code}{who.number}"
    if who.number.startswith(area_code):
        return who.number[2:]
    return f"0{carrier_code}{who.number}"


def service_number(rng: random.Random) -> tuple[str, str]:
    """Return a number that is no subscriber's, and its category: 0800, 0300, 400x or three digits."""
    kind = rng.choices(("toll_free", "shared_cost", "capital", "service"), (60, 8, 24, 8))[0]
    if kind == "toll_free":
        return f"0800{rng.randrange(100_0000, 1000_0000)}", kind
    if kind == "shared_cost":
        return f"0300{rng.randrange(100_0000, 1000_0000)}", kind
    if kind == "capital":
        return f"{rng.choice(('4004', '4003', '3003'))}{rng.randrange(10_000):04d}", "shared_cost"
    return rng.choice(("190", "192", "193", "156")), kind
