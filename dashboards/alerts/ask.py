"""Parts of the searches: a moment so long before the run, a store that is to be watched, one that is heard.

`{{period_end}}` is what a monitor's search is given: the moment of its run, milliseconds since 1970.
"""

from typing import Any, Final

Json = dict[str, Any]

STORES: Final = "pabx-stores"
CALLS: Final = "pabx-calls-*"
END: Final = "{{period_end}}"


def ago(seconds: float) -> str:
    """The moment so many seconds before the run."""
    return f"{END}||-{seconds:.0f}s"


def since(field: str, seconds: float) -> Json:
    """A date that is no longer ago than so many seconds."""
    return {"range": {field: {"gte": ago(seconds), "format": "epoch_millis"}}}


def within(field: str, seconds: float) -> Json:
    """A date that is no longer ago than so many seconds, and not to come: a wrong clock dates calls ahead."""
    span = {"gte": ago(seconds), "lte": END, "format": "epoch_millis"}
    return {"range": {field: span}}


def before(field: str, seconds: float) -> Json:
    """A date that is longer ago than so many seconds."""
    return {"range": {field: {"lt": ago(seconds), "format": "epoch_millis"}}}


def there(field: str) -> Json:
    """A field that has a value."""
    return {"exists": {"field": field}}


def is_(field: str, value: object) -> Json:
    """A field that has this value."""
    return {"term": {field: value}}


def least(field: str, value: float) -> Json:
    """A number of at least this."""
    return {"range": {field: {"gte": value}}}


def every(*filters: Json, none: tuple[Json, ...] = ()) -> Json:
    """All of these, and none of those."""
    return {"bool": {"filter": list(filters), **({"must_not": list(none)} if none else {})}}


def some(*filters: Json, least_: int = 1) -> Json:
    """At least so many of these."""
    return {"bool": {"should": list(filters), "minimum_should_match": least_}}


REGISTERED: Final = there("store.registered_at")
ENDED: Final = (there("store.revoked_at"), is_("store.watch.closed", value=True))
"""A store that is closed for good, or whose credential was ended, is not waited for."""


def watched(*filters: Json, none: tuple[Json, ...] = ()) -> Json:
    """A registered store that goes on, and all of these."""
    return every(REGISTERED, *filters, none=(*ENDED, *none))


def heard(seconds: float) -> Json:
    """Its agent was heard within so many seconds."""
    return since("store.last_seen", seconds)


def measured(seconds: float = 300) -> Json:
    """What the watch works out is no older than this."""
    return since("store.watch.at", seconds)
