"""Can a call be found by a name without its accents, by a number as somebody would write it down?"""

from collections.abc import Mapping
from typing import Any

from compose.demo.documents import Documents

ACCENTS = str.maketrans("áàâãéêíóôõúüçÁÀÂÃÉÊÍÓÔÕÚÜÇ", "aaaaeeiooouucAAAAEEIOOOUUC")
FROM_OUTSIDE = {"term": {"call.direction": "inbound"}}


def show(documents: Documents) -> None:
    """Print the answer."""
    print("\nSearch over names and numbers\n")
    print(f"{'typed':<27}{'calls':>7}  the latest of them")
    for text in _examples(documents):
        calls, latest = documents.latest({"simple_query_string": {"query": text, "default_operator": "and"}})
        print(f"{text:<27}{calls:>7,}  {_in_words(latest) if latest else ''}".rstrip())


def _in_words(source: Mapping[str, Any]) -> str:
    call, caller = source["call"], source.get("source", {})
    if call["direction"] == "inbound":
        by = f" by {', '.join(call['answered_by'])}" if "answered_by" in call else ""
        people = f"{_named(caller)}, {call['outcome']}{by}"
    else:
        dialled = source.get("destination", {}).get("number", "nobody")
        people = f"{caller.get('extension', 'somebody')} -> {dialled}, {call['outcome']}"
    return f"{source['store']['id']} {people}"


def _named(party: Mapping[str, Any]) -> str:
    number = str(party.get("number", "withheld"))
    name = party.get("name", number)
    return number if name == number else f"{name} {number}"


def _examples(documents: Documents) -> list[str]:
    """Texts that somebody would look for, taken from what is there."""
    found = documents.totals({"names": {"terms": {"field": "source.name", "size": 500}}}, FROM_OUTSIDE)
    accented = [
        bucket["key"]
        for bucket in found["names"]["buckets"]
        if not bucket["key"].isascii() and bucket["key"].replace(" ", "").isalpha()
    ]
    numbers = documents.totals(
        {"numbers": {"terms": {"field": "source.number", "size": 1}}},
        FROM_OUTSIDE,
        {"regexp": {"source.number": "[1-9][1-9]9[0-9]{8}"}},
    )
    texts = [name.translate(ACCENTS).lower() for name in accented[:2]]
    for bucket in numbers["numbers"]["buckets"]:
        number = bucket["key"]
        texts += [f'"({number[:2]}) {number[2:7]}-{number[7:]}"', number[-8:]]
    return texts
