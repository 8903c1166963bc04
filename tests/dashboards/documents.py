"""A store's simulated calls as its agent's documents: made by the functions that its reader uses."""

from collections.abc import Iterable, Iterator
from itertools import islice

from compose.simulator import COLUMNS, SimulatedCall, StoreProfile
from compose.stack import OpenSearchCluster
from shipper.assembly import CallBuilder, join, leg_of
from shipper.document.cdr import CdrBuilder
from shipper.document.model import Document, Origin
from shipper.document.privacy import Privacy
from shipper.numbering import reader
from shipper.outputs.opensearch import bulk_body
from shipper.spool import Spooled

CREATED = "2026-11-23T05:10:15.123Z"
VERSION = "0.1.0"
TAKEN = (200, 201)
AT_ONCE = 2_000


def origin_of(store: StoreProfile) -> Origin:
    return Origin(store.id, store.timezone, VERSION)


def privacy_of(store: StoreProfile) -> Privacy:
    return Privacy("clear", "", reader("BR", store.area_code))


def documents_of(store: StoreProfile, calls: Iterable[SimulatedCall], *, rows: bool) -> Iterator[Document]:
    """The documents of rows, if wanted, and of the calls that they make.

    What became a part of another call comes as through the gate: as a state of its own document, which every
    panel has to pass over.
    """
    read, origin, privacy = reader("BR", store.area_code), origin_of(store), privacy_of(store)
    cdr = CdrBuilder(origin, COLUMNS, privacy)
    builder = CallBuilder(origin, [trunk.name for trunk in store.trunks], read, privacy)
    legs = []
    for call in calls:
        for row in call.rows:
            sent = [None if value == "" else str(value).encode() for value in row[: len(COLUMNS)]]
            understood, key = cdr.read(sent), cdr.identity(sent)
            assert understood.moment is not None
            leg = leg_of(understood.cdr, understood.moment.epoch, key)
            assert leg is not None
            legs.append(leg)
            if rows:
                yield cdr.build(understood, CREATED, key, builder.identity(leg.linked))
    for together in join(legs):
        for document in builder.build(together, CREATED):
            yield document._replace(operation="index")


def send(cluster: OpenSearchCluster, documents: Iterable[Document], *, at_once: int = AT_ONCE) -> list[str]:
    """Send documents by the request that the agent makes; gives the index that each has gone to."""
    found: list[str] = []
    left = iter(documents)
    while some := list(islice(left, at_once)):
        lines = bulk_body([Spooled(number, *document) for number, document in enumerate(some)]).decode()
        answer = cluster.request("POST", "/_bulk?filter_path=items", lines, timeout_seconds=120)
        for item in answer["items"]:
            (done,) = item.values()
            assert done["status"] in TAKEN, done
            found.append(done["_index"])
    return found
