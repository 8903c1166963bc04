"""What became of the calls: by direction and outcome, and how many of those from outside were missed."""

from compose.demo.documents import Documents

DIRECTIONS = ("inbound", "outbound", "internal", "unknown")
OUTCOMES = ("answered", "voicemail", "abandoned", "no_answer", "busy", "failed", "blocked", "system")


def show(documents: Documents) -> None:
    """Print the answer."""
    found = documents.totals(
        {
            "directions": {
                "terms": {"field": "call.direction", "size": len(DIRECTIONS)},
                "aggs": {
                    "outcomes": {"terms": {"field": "call.outcome", "size": len(OUTCOMES)}},
                    "missed": {"filter": {"term": {"call.missed": True}}},
                },
            }
        }
    )
    buckets = {bucket["key"]: bucket for bucket in found["directions"]["buckets"]}
    cells = {
        (direction, outcome["key"]): outcome["doc_count"]
        for direction, bucket in buckets.items()
        for outcome in bucket["outcomes"]["buckets"]
    }
    shown = [direction for direction in DIRECTIONS if direction in buckets]
    print("\nWhat became of the calls (answered: a person spoke; a machine that picks up is no person)\n")
    print(f"{'':<12}{''.join(f'{direction:>11}' for direction in shown)}{'all':>11}")
    for outcome in OUTCOMES:
        counts = [cells.get((direction, outcome), 0) for direction in shown]
        if any(counts):
            print(_line(outcome, [*counts, sum(counts)]))
    sums = [buckets[direction]["doc_count"] for direction in shown]
    print(_line("all", [*sums, sum(sums)]))
    inbound = buckets.get("inbound")
    if inbound:
        missed, calls = inbound["missed"]["doc_count"], inbound["doc_count"]
        print(f"missed: {missed:,} of {calls:,} inbound calls, {missed / calls:.1%}", end="")
        print(" (no person answered; blocked ones do not count)")


def _line(name: str, counts: list[int]) -> str:
    return f"{name:<12}" + "".join(f"{count or '-':>11,}" if count else f"{'-':>11}" for count in counts)
