"""When are calls made? By the hour of the week, on each store's own clock."""

from compose.demo.documents import Documents

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
BARS = " ▁▂▃▄▅▆▇█"


def show(documents: Documents) -> None:
    """Print the answer."""
    hours = {"hours": {"terms": {"field": "local.hour", "size": 24}}}
    days = {"terms": {"field": "local.weekday", "size": 7}, "aggs": hours}
    cells = {
        (day["key"], hour["key"]): hour["doc_count"]
        for day in documents.totals({"days": days})["days"]["buckets"]
        for hour in day["hours"]["buckets"]
    }
    most = max(cells.values(), default=1)
    print("\nBusiest hours, by each store's own clock\n")
    print("     " + "".join(f"{hour:>3}" for hour in range(24)))
    for day, name in enumerate(WEEKDAYS, start=1):
        bars = [BARS[-(-cells.get((day, hour), 0) * (len(BARS) - 1) // most)] for hour in range(24)]
        print((f"{name:<5}" + "".join(f"  {bar}" for bar in bars)).rstrip())
    for (day, hour), calls in sorted(cells.items(), key=lambda cell: (-cell[1], cell[0]))[:3]:
        print(f"  {WEEKDAYS[day - 1]} {hour:02d}:00  {calls:,} calls")
