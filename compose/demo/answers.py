"""The first answers, asked of the cluster and printed."""

from collections.abc import Mapping, Sequence
from typing import Any

from opensearchpy import OpenSearch

from compose.simulator import StoreProfile

INDEX = "pabx-cdr-*"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
BARS = " ▁▂▃▄▅▆▇█"
DISPOSITIONS = ("ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION")


def remove(client: OpenSearch, stores: Sequence[str]) -> None:
    """Take away what an earlier demo left; documents of other stores stay."""
    client.delete_by_query(
        index="pabx-*",
        body={"query": {"terms": {"store.id": list(stores)}}},
        params={"conflicts": "proceed", "refresh": "true", "ignore_unavailable": "true"},
    )


def count(client: OpenSearch) -> int:
    """Documents that can be found so far."""
    return int(client.count(index=INDEX, params={"ignore_unavailable": "true"})["count"])


def show(client: OpenSearch, stores: Sequence[StoreProfile], written: Mapping[str, int]) -> bool:
    """Print the answers; False where a store's documents are not as many as its rows."""
    client.indices.refresh(index=INDEX)
    right = _stores(client, stores, written)
    _hours(client, list(written))
    _search(client, list(written))
    return right


def _stores(client: OpenSearch, stores: Sequence[StoreProfile], written: Mapping[str, int]) -> bool:
    found = client.search(
        index=INDEX,
        body={
            "size": 0,
            "query": {"terms": {"store.id": list(written)}},
            "aggs": {
                "stores": {
                    "terms": {"field": "store.id", "size": len(written)},
                    "aggs": {
                        "seconds": {"sum": {"field": "cdr.billsec"}},
                        "dispositions": {"terms": {"field": "cdr.disposition", "size": 20}},
                    },
                }
            },
        },
    )
    buckets = {bucket["key"]: bucket for bucket in found["aggregations"]["stores"]["buckets"]}
    print("\nRows and minutes by store (a call is one or several rows, so these are not calls yet)\n")
    head = "".join(f"{name.lower():>11}" for name in DISPOSITIONS)
    print(f"{'store':<10}{'city':<20}{'database':>10}{'index':>9}  {'minutes':>9}{head}{'other':>7}")
    right = True
    for store in sorted(stores, key=lambda store: -written[store.id]):
        bucket = buckets.get(store.id, {"doc_count": 0})
        right &= bucket["doc_count"] == written[store.id]
        print(_line(store, written[store.id], bucket))
    total = sum(written.values())
    print(f"{'all':<30}{total:>10,}{sum(b['doc_count'] for b in buckets.values()):>9,}", end="  ")
    print("every row is in the index, once" if right else "ROWS AND DOCUMENTS DIFFER")
    return right


def _line(store: StoreProfile, rows: int, bucket: Mapping[str, Any]) -> str:
    counts = {b["key"]: b["doc_count"] for b in bucket.get("dispositions", {}).get("buckets", ())}
    known = "".join(f"{counts.pop(name, 0):>11,}" for name in DISPOSITIONS)
    mark = "=" if bucket["doc_count"] == rows else "!"
    minutes = bucket.get("seconds", {}).get("value", 0) / 60
    return (
        f"{store.id:<10}{store.city:<20}{rows:>10,}{mark:>2}{bucket['doc_count']:>7,}  {minutes:>9,.0f}"
        f"{known}{sum(counts.values()):>7,}"
    )


def _hours(client: OpenSearch, stores: Sequence[str]) -> None:
    found = client.search(
        index=INDEX,
        body={
            "size": 0,
            "query": {"terms": {"store.id": list(stores)}},
            "aggs": {
                "days": {
                    "terms": {"field": "local.weekday", "size": 7, "order": {"_key": "asc"}},
                    "aggs": {"hours": {"terms": {"field": "local.hour", "size": 24}}},
                }
            },
        },
    )
    cells = {
        (day["key"], hour["key"]): hour["doc_count"]
        for day in found["aggregations"]["days"]["buckets"]
        for hour in day["hours"]["buckets"]
    }
    most = max(cells.values(), default=1)
    print("\nBusiest hours, by each store's own clock\n")
    print("     " + "".join(f"{hour:>3}" for hour in range(24)))
    for day, name in enumerate(WEEKDAYS, start=1):
        bars = [BARS[-(-cells.get((day, hour), 0) * (len(BARS) - 1) // most)] for hour in range(24)]
        print(f"{name:<5}" + "".join(f"  {bar}" for bar in bars))
    for (day, hour), rows in sorted(cells.items(), key=lambda cell: -cell[1])[:3]:
        print(f"  {WEEKDAYS[day - 1]} {hour:02d}:00  {rows:,} rows")


def _search(client: OpenSearch, stores: Sequence[str]) -> None:
    """Look for a name without its accents, and for a number as somebody would write it down."""
    print("\nSearch over names and numbers, as typed\n")
    for text in _examples(client, stores):
        found = client.search(
            index=INDEX,
            body={
                "size": 1,
                "track_total_hits": True,
                "query": {
                    "bool": {
                        "must": {"simple_query_string": {"query": text, "default_operator": "and"}},
                        "filter": {"terms": {"store.id": list(stores)}},
                    }
                },
                "sort": [{"@timestamp": "desc"}],
            },
        )
        hits = found["hits"]["hits"]
        print(f"  {text:<24}{found['hits']['total']['value']:>6,} rows", end="")
        if hits:
            row = hits[0]["_source"]
            cdr = row["cdr"]
            print(f", the latest at {row['store']['id']} {row['@timestamp']}", end="")
            print(f": {cdr.get('clid', '')} -> {cdr.get('dst', '')}", end="")
        print()


def _examples(client: OpenSearch, stores: Sequence[str]) -> list[str]:
    """Texts that somebody would look for, taken from what is there."""
    query = {"terms": {"store.id": list(stores)}}
    names = client.search(
        index=INDEX,
        body={"size": 0, "query": query, "aggs": {"names": {"terms": {"field": "cdr.cnam", "size": 500}}}},
    )
    accented = [
        bucket["key"]
        for bucket in names["aggregations"]["names"]["buckets"]
        if not bucket["key"].isascii() and bucket["key"].replace(" ", "").isalpha()
    ]
    numbers = client.search(
        index=INDEX,
        body={
            "size": 0,
            "query": {"bool": {"filter": [query, {"regexp": {"cdr.src": "[1-9][1-9]9[0-9]{8}"}}]}},
            "aggs": {"numbers": {"terms": {"field": "cdr.src", "size": 1}}},
        },
    )
    found = [_plain(name) for name in accented[:2]]
    for bucket in numbers["aggregations"]["numbers"]["buckets"]:
        number = bucket["key"]
        found += [f'"({number[:2]}) {number[2:7]}-{number[7:]}"', number[-8:]]
    return found


def _plain(name: str) -> str:
    """A name as typed in haste: lower case, no accents."""
    table = str.maketrans("áàâãéêíóôõúüçÁÀÂÃÉÊÍÓÔÕÚÜÇ", "aaaaeeiooouucAAAAEEIOOOUUC")
    return name.translate(table).lower()
