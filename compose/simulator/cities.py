"""Cities in which a Brazilian chain has stores: name, state, region, time zone, area code (DDD)."""

from typing import NamedTuple

SAO_PAULO = "America/Sao_Paulo"
MANAUS = "America/Manaus"
RIO_BRANCO = "America/Rio_Branco"
NORONHA = "America/Noronha"


class City(NamedTuple):
    """A city; `timezone` is one of Brazil's four by its offset, `weight` how large its stores are."""

    name: str
    state: str
    region: str
    timezone: str
    area_code: str
    weight: float


# The first twelve show all four zones and all five regions.
CITIES = (
    City("São Paulo", "SP", "Sudeste", SAO_PAULO, "11", 1.6),
    City("Rio de Janeiro", "RJ", "Sudeste", SAO_PAULO, "21", 1.3),
    City("Manaus", "AM", "Norte", MANAUS, "92", 0.9),
    City("Belo Horizonte", "MG", "Sudeste", SAO_PAULO, "31", 1.2),
    City("Recife", "PE", "Nordeste", SAO_PAULO, "81", 1.0),
    City("Rio Branco", "AC", "Norte", RIO_BRANCO, "68", 0.6),
    City("Porto Alegre", "RS", "Sul", SAO_PAULO, "51", 1.1),
    City("Fernando de Noronha", "PE", "Nordeste", NORONHA, "81", 0.25),
    City("Curitiba", "PR", "Sul", SAO_PAULO, "41", 1.1),
    City("Salvador", "BA", "Nordeste", SAO_PAULO, "71", 1.0),
    City("Brasília", "DF", "Centro-Oeste", SAO_PAULO, "61", 1.2),
    City("Cuiabá", "MT", "Centro-Oeste", MANAUS, "65", 0.7),
    City("Fortaleza", "CE", "Nordeste", SAO_PAULO, "85", 1.0),
    City("Goiânia", "GO", "Centro-Oeste", SAO_PAULO, "62", 0.9),
    City("Belém", "PA", "Norte", SAO_PAULO, "91", 0.8),
    City("Florianópolis", "SC", "Sul", SAO_PAULO, "48", 0.8),
    City("Campinas", "SP", "Sudeste", SAO_PAULO, "19", 1.0),
    City("Santos", "SP", "Sudeste", SAO_PAULO, "13", 0.7),
    City("São José dos Campos", "SP", "Sudeste", SAO_PAULO, "12", 0.8),
    City("Ribeirão Preto", "SP", "Sudeste", SAO_PAULO, "16", 0.8),
    City("Sorocaba", "SP", "Sudeste", SAO_PAULO, "15", 0.7),
    City("Bauru", "SP", "Sudeste", SAO_PAULO, "14", 0.5),
    City("São José do Rio Preto", "SP", "Sudeste", SAO_PAULO, "17", 0.6),
    City("Presidente Prudente", "SP", "Sudeste", SAO_PAULO, "18", 0.4),
    City("Niterói", "RJ", "Sudeste", SAO_PAULO, "21", 0.7),
    City("Campos dos Goytacazes", "RJ", "Sudeste", SAO_PAULO, "22", 0.4),
    City("Petrópolis", "RJ", "Sudeste", SAO_PAULO, "24", 0.4),
    City("Vitória", "ES", "Sudeste", SAO_PAULO, "27", 0.7),
    City("Juiz de Fora", "MG", "Sudeste", SAO_PAULO, "32", 0.6),
    City("Uberlândia", "MG", "Sudeste", SAO_PAULO, "34", 0.7),
    City("Montes Claros", "MG", "Sudeste", SAO_PAULO, "38", 0.4),
    City("Londrina", "PR", "Sul", SAO_PAULO, "43", 0.7),
    City("Maringá", "PR", "Sul", SAO_PAULO, "44", 0.6),
    City("Cascavel", "PR", "Sul", SAO_PAULO, "45", 0.5),
    City("Joinville", "SC", "Sul", SAO_PAULO, "47", 0.7),
    City("Chapecó", "SC", "Sul", SAO_PAULO, "49", 0.4),
    City("Pelotas", "RS", "Sul", SAO_PAULO, "53", 0.5),
    City("Caxias do Sul", "RS", "Sul", SAO_PAULO, "54", 0.6),
    City("Santa Maria", "RS", "Sul", SAO_PAULO, "55", 0.4),
    City("Palmas", "TO", "Norte", SAO_PAULO, "63", 0.5),
    City("Campo Grande", "MS", "Centro-Oeste", MANAUS, "67", 0.7),
    City("Porto Velho", "RO", "Norte", MANAUS, "69", 0.5),
    City("Boa Vista", "RR", "Norte", MANAUS, "95", 0.4),
    City("Macapá", "AP", "Norte", SAO_PAULO, "96", 0.4),
    City("São Luís", "MA", "Nordeste", SAO_PAULO, "98", 0.7),
    City("Teresina", "PI", "Nordeste", SAO_PAULO, "86", 0.6),
    City("Natal", "RN", "Nordeste", SAO_PAULO, "84", 0.7),
    City("João Pessoa", "PB", "Nordeste", SAO_PAULO, "83", 0.6),
    City("Maceió", "AL", "Nordeste", SAO_PAULO, "82", 0.6),
    City("Aracaju", "SE", "Nordeste", SAO_PAULO, "79", 0.5),
    City("Feira de Santana", "BA", "Nordeste", SAO_PAULO, "75", 0.5),
    City("Vitória da Conquista", "BA", "Nordeste", SAO_PAULO, "77", 0.4),
)

DISTRICTS = ("Centro", "Shopping", "Norte", "Jardins", "Avenida", "Rodoviária")
