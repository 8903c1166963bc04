"""Brings the register into the cluster: its lines into a pipeline, what holds now into `pabx-stores`."""

from datetime import datetime
from typing import Any, Final

from opensearchpy import OpenSearch, exceptions

from central import bulk
from central.client import Connection, translated
from central.errors import UsageError
from central.generate.pipeline import REGISTER_PIPELINE
from central.plan import Action, Resource, compare
from central.stores.changes import Change, change_of, other_zone, update
from central.stores.pipeline import DOCUMENTS_PIPELINE, body, calls_register, register_of
from central.stores.reading import File
from central.stores.register import Line, Register, in_force
from central.stores.report import Report

INDEX: Final = "pabx-stores"

_BATCH: Final = 500
_MEND: Final = "mend that and apply the file again, what was written stays"


class Cluster:
    """The register in one cluster.

    Args:
        client: connected.
        connection: for what a failure says.
    """

    def __init__(self, client: OpenSearch, connection: Connection) -> None:
        self._client = client
        self._connection = connection

    def register(self) -> dict[str, tuple[Line, ...]]:
        """Give all stores that were ever applied, with all of their lines; none: there is no register yet.

        Raises:
            CentralError: the cluster fails or refuses it, as with the methods below.
        """
        return register_of(self._pipeline(REGISTER_PIPELINE))

    def require_install(self) -> None:
        """Raise `UsageError` where documents do not ask the register for their names."""
        if not calls_register(self._pipeline(DOCUMENTS_PIPELINE)):
            raise UsageError(
                f"{self._connection.url}: ingest pipeline {DOCUMENTS_PIPELINE} is missing, or an older one: "
                "run central install first"
            )

    def put(self, register: Register, *, dry_run: bool) -> Action:
        """Write the pipeline, if it differs, and say what was done or would be."""
        wanted = body(register)
        step = compare(
            Resource("ingest pipeline", REGISTER_PIPELINE), self._pipeline(REGISTER_PIPELINE), wanted
        )
        if step.action is not Action.UNCHANGED and not dry_run:
            with translated(self._connection, str(step.resource)):
                self._client.ingest.put_pipeline(id=REGISTER_PIPELINE, body=wanted)
        return step.action

    def documents(self, names: list[str]) -> dict[str, dict[str, Any]]:
        """Give the documents of stores by their ids; one that has none is left out."""
        found: dict[str, dict[str, Any]] = {}
        with translated(self._connection, f"reading {INDEX}"):
            for start in range(0, len(names), _BATCH):
                ids = names[start : start + _BATCH]
                answer = self._client.mget(body={"ids": ids}, index=INDEX)
                found |= {one["_id"]: one["_source"] for one in answer["docs"] if one.get("found")}
        return found

    def write(self, changes: list[Change], now: str) -> None:
        """Write what differs; what the heartbeats wrote into the same documents stays."""
        pairs = [update(change, now) for change in changes]
        bulk.write(self._client, self._connection, INDEX, pairs, mend=_MEND)

    def _pipeline(self, name: str) -> dict[str, Any] | None:
        with translated(self._connection, f"ingest pipeline {name}"):
            try:
                found: dict[str, Any] = self._client.ingest.get_pipeline(id=name)
            except exceptions.NotFoundError:
                return None
        return found.get(name)


def apply(cluster: Cluster, url: str, file: File, now: datetime, *, dry_run: bool) -> Report:
    """Apply a file.

    Args:
        cluster: where to.
        url: of the cluster, for the report.
        file: judged already.
        now: aware; decides which line of a store is in force.
        dry_run: only say what would be done.

    Raises:
        UsageError: the cluster has not been installed.
        CentralError: the cluster fails or refuses it; what was written stays, and applying it again goes on.
    """
    cluster.require_install()
    before = cluster.register()
    # A store that closed keeps its lines: documents of its time may still come.
    pipeline = cluster.put({**before, **file.register}, dry_run=dry_run)
    there = cluster.documents(sorted(file.register))
    now_in_force = {name: in_force(lines, now) for name, lines in sorted(file.register.items())}
    wanted = [change_of(name, line, there.get(name)) for name, line in now_in_force.items()]
    changes = [change for change in wanted if change is not None]
    if not dry_run:
        cluster.write(changes, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    zones = {name: other_zone(line, there.get(name)) for name, line in now_in_force.items()}
    coming = {
        name: [line.valid_from for line in lines if not line.begun(now)]
        for name, lines in sorted(file.register.items())
    }
    return Report(
        url=url,
        encoding=file.encoding,
        dry_run=dry_run,
        pipeline=pipeline,
        changes=changes,
        unchanged=len(wanted) - len(changes),
        not_in_file=sorted(before.keys() - file.register.keys()),
        zones={name: zone for name, zone in zones.items() if zone is not None},
        later={name: min(days) for name, days in coming.items() if days},
    )
