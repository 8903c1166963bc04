"""What stands on top of every dashboard: the way to the others, the filters, how complete the data is."""

from typing import Final

from dashboards.build.objects import PATTERNS, Json, Reference, SavedObject, pattern_id, visualization
from dashboards.build.screen import Row
from dashboards.build.vega import BAD, FONT, GOOD, VEGA, panel, quoted
from dashboards.build.words import Say

COMPLETE_MINUTES: Final = 10
"""A store counts as complete while everything of it until at most so long ago has arrived."""
NAMED: Final = 3
"""Incomplete stores that are named; of the others only how many there are."""
_LETTER: Final = 6
"""A letter's usual width, px, at the size of the names."""
_REVOKED: Final = {"exists": {"field": "store.revoked_at"}}


def top(say: Say, here: str) -> list[Row]:
    """The first rows of a dashboard.

    Args:
        say: the language.
        here: the dashboard's key.
    """
    return [
        Row(3, [(29, links(say, here)), (19, completeness(say))], bare=True),
        Row(4, [(48, controls(say))], bare=True),
    ]


def titles(say: Say) -> dict[str, str]:
    """Every dashboard's key and title, in the order of the links."""
    return {
        "overview": say("Visão geral", "Overview"),
        "costs": say("Custos", "Costs"),
        "peaks": say("Picos", "Peaks"),
        "missed": say("Perdidas", "Missed"),
        "live": say("Ao vivo", "Live"),
        "store": say("Loja", "Store"),
        "fleet": say("Agentes", "Fleet"),
    }


def links(say: Say, here: str) -> SavedObject:
    """Links to the other dashboards, and the name of this one."""
    shown = [
        f"**{title}**" if key == here else f"[{title}](#/view/pabx-{key})"
        for key, title in titles(say).items()
    ]
    params = {"markdown": " · ".join(shown), "fontSize": 13, "openLinksInNewTab": False}
    return visualization(f"links-{here}", say("Telas", "Screens"), "markdown", params)


def controls(say: Say) -> SavedObject:
    """The filters by store, region and city; pinned, so that they stay on the way to another dashboard."""
    fields = {
        "store.name": say("Loja", "Store"),
        "store.region": say("Região", "Region"),
        "store.city": say("Cidade", "City"),
    }
    names = [f"control_{number}_index_pattern" for number in range(len(fields))]
    params = {
        "controls": [
            {
                "id": f"{number}",
                "fieldName": name,
                "parent": "",
                "label": label,
                "type": "list",
                "options": {
                    "type": "terms",
                    "multiselect": True,
                    "dynamicOptions": True,
                    "size": 200,
                    "order": "desc",
                },
                "indexPatternRefName": names[number],
            }
            for number, (name, label) in enumerate(fields.items())
        ],
        "updateFiltersOnChange": True,
        "useTimeFilter": False,
        "pinFilters": True,
    }
    references = tuple(Reference(name, "index-pattern", pattern_id("store")) for name in names)
    title = say("Filtros", "Filters")
    return visualization("controls", title, "input_control_vis", params, references=references)


def completeness(say: Say) -> SavedObject:
    """Of how many stores everything has arrived, until when, and which ones lack since when.

    It is of the whole chain, whatever is filtered, and names those that lack: a condition on calls would find
    no store at all.
    """
    store = "datum._source.store"
    lag = f"({store}.lag_seconds || 0) * 1000"
    until = f"{store} && {store}.last_seen ? toDate({store}.last_seen) - {lag} : null"
    reads = f"{store} && {store}.checks && {store}.checks.reading == 'ok'"
    fresh = f"({reads}) && isValid(datum.until) && now() - datum.until < {COMPLETE_MINUTES * 60_000}"
    of = say(" de @ lojas completas até ", " of @ stores complete until ").split("@")
    none = say("0 de @ lojas completas agora", "0 of @ stores complete now").split("@")
    whole, every = "length(data('whole'))", "length(data('stores'))"
    earliest = _moment("extent(pluck(data('whole'), 'until'))[0]")
    first = (
        f"!{every} ? {quoted(say('Nenhuma loja cadastrada ainda', 'No store registered yet'))} : "
        f"!{whole} ? {quoted(none[0])} + {every} + {quoted(none[1])} : "
        f"{whole} + {quoted(of[0])} + {every} + {quoted(of[1])} + "
        f"{earliest}"
    )
    never = quoted(say(" (nunca enviou)", " (never sent any)"))
    since = quoted(say(" (desde ", " (since "))
    named = f"datum.name + (isValid(datum.until) ? {since} + {_moment('datum.until')} + ')' : {never})"
    lacking, incomplete = "length(data('lacking'))", quoted(say("Incompletas: ", "Incomplete: "))
    more = quoted(say(" e mais ", " and more: "))
    # As many names as there is room for: a text that ends in the middle of one says too little.
    named_lines = [
        {
            "name": f"named{number}",
            "update": f"{incomplete} + join(slice(pluck(data('lacking'), 'told'), 0, {number}), ', ')"
            f" + ({lacking} > {number} ? {more} + ({lacking} - {number}) : '')",
        }
        for number in range(1, NAMED + 1)
    ]
    second = f"!{lacking} ? '' : "
    for number in range(NAMED, 0, -1):
        second += f"length(named{number}) * {_LETTER} < width ? named{number} : "
    second += f"{incomplete} + {lacking}"
    hits: Json = {
        "size": 10_000,
        "_source": ["store.id", "store.name", "store.last_seen", "store.lag_seconds", "store.checks.reading"],
        "query": {"bool": {"must_not": [_REVOKED]}},
    }
    spec: Json = {
        "$schema": VEGA,
        "signals": named_lines,
        "data": [
            {
                "name": "stores",
                "url": {"index": PATTERNS["store"], "body": hits},
                "format": {"property": "hits.hits"},
                "transform": [
                    {"type": "formula", "as": "until", "expr": until},
                    {"type": "formula", "as": "whole", "expr": f"{fresh} ? 1 : 0"},
                    {
                        "type": "formula",
                        "as": "name",
                        "expr": f"{store} && ({store}.name || {store}.id) || '?'",
                    },
                    {"type": "formula", "as": "told", "expr": named},
                ],
            },
            {"name": "whole", "source": "stores", "transform": [{"type": "filter", "expr": "datum.whole"}]},
            {
                "name": "lacking",
                "source": "stores",
                "transform": [
                    {"type": "filter", "expr": "!datum.whole"},
                    {"type": "collect", "sort": {"field": ["until", "name"]}},
                ],
            },
        ],
        "marks": [
            _line(first, 0.32, f"{every} && {whole} == {every} ? '{GOOD}' : '{BAD}'", bold=True),
            _line(second, 0.74, f"'{BAD}'", bold=False),
        ],
    }
    title = say("Até quando os dados estão completos", "Until when the data is complete")
    return panel(say, "completeness", title, spec)


def _moment(value: str) -> str:
    """The time of day, and the date before it where it is not today."""
    today = f"timeFormat({value}, '%Y%m%d') == timeFormat(now(), '%Y%m%d')"
    return f"timeFormat({value}, {today} ? '%H:%M' : '%d/%m/%Y %H:%M')"


def _line(text: str, height: float, colour: str, *, bold: bool) -> Json:
    return {
        "type": "text",
        "encode": {
            "update": {
                "x": {"value": 4},
                "y": {"signal": f"height * {height}"},
                "limit": {"signal": "width - 8"},
                "text": {"signal": text},
                "fill": {"signal": colour},
                "font": {"value": FONT},
                "fontSize": {"value": 14 if bold else 12},
                "fontWeight": {"value": "bold" if bold else "normal"},
                "baseline": {"value": "middle"},
                "tooltip": {"signal": text},
            }
        },
    }
