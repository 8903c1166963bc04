"""A handmade file of saved objects, and calls of which all figures can be counted by hand."""

import json
from typing import Any

SPEC: dict[str, Any] = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "config": {
        "locale": {"number": {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["R$ ", ""]}}
    },
    "data": {
        "url": {
            "index": "pabx-calls-*",
            "body": {
                "size": 0,
                "query": {
                    "bool": {
                        "must": ["%dashboard_context-must_clause%"],
                        "filter": [
                            "%dashboard_context-filter_clause%",
                            {"range": {"@timestamp": {"%timefilter%": True}}},
                        ],
                        "must_not": [
                            "%dashboard_context-must_not_clause%",
                            {"exists": {"field": "call.merged_into"}},
                        ],
                    }
                },
                "aggs": {"stores": {"terms": {"field": "store.id", "order": {"_key": "asc"}}}},
            },
        },
        "format": {"property": "aggregations.stores.buckets"},
    },
    "mark": "bar",
    "encoding": {"x": {"field": "key"}, "y": {"field": "doc_count", "type": "quantitative"}},
}
PATTERN_REF = {
    "name": "kibanaSavedObjectMeta.searchSourceJSON.index",
    "type": "index-pattern",
    "id": "pabx-calls",
}
_TYPES = {
    "@timestamp": "date",
    "store.id": "string",
    "store.name": "string",
    "call.id": "string",
    "call.missed": "boolean",
    "call.queue": "string",
    "call.talk_seconds": "number",
    "call.merged_into": "string",
}
FORMATS = {"call.talk_seconds": {"id": "number", "params": {"pattern": "00:00:00"}}}


def aggregation(number: str, kind: str, schema: str, **params: Any) -> dict[str, Any]:
    return {"id": number, "enabled": True, "type": kind, "schema": schema, "params": params}


TABLE: dict[str, Any] = {
    "title": "Por loja",
    "type": "table",
    "params": {"perPage": 5, "showTotal": True, "totalFunc": "sum"},
    "aggs": [
        aggregation("1", "count", "metric", customLabel="Chamadas"),
        aggregation("2", "sum", "metric", field="call.talk_seconds", customLabel="Falado"),
        aggregation("3", "avg", "metric", field="call.talk_seconds"),
        aggregation("4", "terms", "bucket", field="store.id", orderBy="2", order="desc", size=10),
        aggregation(
            "5", "terms", "bucket", field="call.queue", orderBy="1", order="desc", size=10,
            missingBucket=True, missingBucketLabel="sem fila",
        ),
    ],
}  # fmt: skip
CONTROLS: dict[str, Any] = {
    "title": "Filtros",
    "type": "input_control_vis",
    "params": {
        "pinFilters": True,
        "useTimeFilter": False,
        "controls": [
            {
                "id": "0",
                "fieldName": "store.id",
                "label": "Loja",
                "type": "list",
                "options": {"type": "terms", "multiselect": True},
                "indexPatternRefName": "control_0_index_pattern",
            }
        ],
    },
}


def line(kind: str, key: str, references: list[dict[str, str]] | None = None, **attributes: Any) -> str:
    body = {
        "type": kind,
        "id": key,
        "attributes": attributes,
        "references": references or [],
        "migrationVersion": {},
    }
    return json.dumps(body, ensure_ascii=False)


def source(query: str = "", **more: Any) -> dict[str, str]:
    return {
        "searchSourceJSON": json.dumps(
            {"query": {"query": query, "language": "lucene"}, "filter": [], **more}
        )
    }


def visualization(
    key: str, state: dict[str, Any], references: list[dict[str, str]] | None = None, **more: Any
) -> str:
    indexed = {"indexRefName": PATTERN_REF["name"]} if state["type"] == "table" else {}
    return line(
        "visualization",
        key,
        references or ([PATTERN_REF] if indexed else []),
        title=state["title"],
        visState=json.dumps(state),
        kibanaSavedObjectMeta=source(more.pop("query", ""), **indexed),
        **more,
    )


def pattern(key: str, title: str, time_field: str | None = "@timestamp") -> str:
    fields = [{"name": name, "type": kind} for name, kind in _TYPES.items()]
    timed = {"timeFieldName": time_field} if time_field else {}
    return line(
        "index-pattern",
        key,
        title=title,
        fields=json.dumps(fields),
        fieldFormatMap=json.dumps(FORMATS),
        **timed,
    )


def panel(number: int, x: int, y: int, width: int, height: int, **own: Any) -> dict[str, Any]:
    return {
        "panelIndex": str(number),
        "gridData": {"x": x, "y": y, "w": width, "h": height, "i": str(number)},
        "embeddableConfig": own,
        "panelRefName": f"panel_{number}",
    }


def dashboard() -> str:
    shown = [
        ("visualization", "pabx-bars"), ("visualization", "pabx-table"), ("search", "pabx-search-calls"),
        ("visualization", "pabx-words"), ("visualization", "pabx-controls"),
    ]  # fmt: skip
    panels = [panel(number, 0, number * 4, 48, 4) for number in range(len(shown))]
    panels[0]["embeddableConfig"] = {"title": "Barras", "hidePanelTitles": True}
    return line(
        "dashboard",
        "pabx-overview",
        [{"name": f"panel_{number}", "type": one[0], "id": one[1]} for number, one in enumerate(shown)],
        title="Visão geral",
        panelsJSON=json.dumps(panels),
        optionsJSON=json.dumps({"hidePanelTitles": False, "useMargins": True}),
        timeRestore=True,
        timeFrom="now-7d",
        timeTo="now",
        refreshInterval={"pause": False, "value": 30_000},
        kibanaSavedObjectMeta=source(),
    )


def text(spec: dict[str, Any] | None = None) -> str:
    """The file."""
    chart = {"title": "Por loja", "type": "vega", "params": {"spec": json.dumps(spec or SPEC)}, "aggs": []}
    words = {"title": "Ajuda", "type": "markdown", "params": {"markdown": "[Custos](#/view/pabx-costs) <b>"}}
    saved = source("NOT _exists_:call.merged_into", indexRefName=PATTERN_REF["name"])
    return "\n".join(
        [
            pattern("pabx-calls", "pabx-calls-*"),
            pattern("pabx-stores", "pabx-stores", None),
            visualization("pabx-bars", chart),
            visualization("pabx-table", TABLE, query="NOT _exists_:call.merged_into"),
            line(
                "search", "pabx-search-calls", [PATTERN_REF], title="Ligações",
                columns=["store.id", "call.queue"], sort=[["@timestamp", "desc"]],
                kibanaSavedObjectMeta=saved,
            ),
            visualization("pabx-words", words),
            visualization(
                "pabx-controls", CONTROLS,
                [{"name": "control_0_index_pattern", "type": "index-pattern", "id": "pabx-calls"}],
            ),
            line(
                "query", "pabx-query-missed", title="Perdidas",
                query={"query": "call.missed:true", "language": "lucene"},
            ),
            dashboard(),
            "",
        ]
    )  # fmt: skip


def call(
    number: int,
    store: str,
    at: str,
    talk: int | None,
    queue: str | None = None,
    missed: bool = False,
    **more: Any,
) -> dict[str, Any]:
    about = {"id": f"c{number}", "missed": missed, "talk_seconds": talk, "queue": queue, **more}
    return {
        "@timestamp": at,
        "store": {"id": store, "name": store},
        "call": {key: value for key, value in about.items() if value is not None},
    }


CALLS = [
    call(1, "Loja001", "2026-11-23T12:00:00Z", 60, "500"),
    call(2, "Loja001", "2026-11-24T12:00:00Z", 30),
    call(3, "Loja002", "2026-11-24T13:00:00Z", 200, "600"),
    call(4, "Loja003", "2026-11-25T12:00:00Z", None, "600", missed=True),
    call(5, "Loja001", "2026-11-24T12:00:00Z", 999, merged_into="c2"),
    call(6, "Loja002", "2026-11-16T12:00:00Z", 40),
]
"""Five calls, of which one a week before, and one that has been merged into another."""
