"""Saved searches: documents as lines, with the columns that a person wants to see; and saved queries."""

from dashboards.build.objects import INDEX_REF, Json, Reference, SavedObject, as_text, pattern_id, source_of


def search(
    key: str,
    title: str,
    kind: str,
    query: str,
    columns: list[str],
    *,
    sort: tuple[str, str] = ("@timestamp", "desc"),
    description: str = "",
) -> SavedObject:
    """A saved search.

    Args:
        key: its id without `pabx-search-`.
        title: above it.
        kind: of the documents.
        query: Lucene.
        columns: names of fields.
        sort: field and direction.
        description: one sentence on what it finds.
    """
    source: Json = {**source_of(query, INDEX_REF), "highlightAll": True, "version": True}
    return SavedObject(
        "search",
        f"pabx-search-{key}",
        {
            "title": title,
            "description": description,
            "hits": 0,
            "columns": columns,
            "sort": [list(sort)],
            "version": 1,
            "kibanaSavedObjectMeta": {"searchSourceJSON": as_text(source)},
        },
        (Reference(INDEX_REF, "index-pattern", pattern_id(kind)),),
    )


def query(key: str, title: str, text: str, description: str) -> SavedObject:
    """A saved query: a condition to put into the search bar.

    Args:
        key: its id without `pabx-query-`.
        title: in the list.
        text: Lucene.
        description: one sentence on what it finds.
    """
    return SavedObject(
        "query",
        f"pabx-query-{key}",
        {
            "title": title,
            "description": description,
            "query": {"query": text, "language": "lucene"},
            "filters": [],
        },
    )
