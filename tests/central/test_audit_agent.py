"""`central audit` and a real agent: what is taken from the index is named, and its next run heals it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compose.stack import OpenSearchCluster
from tests.central.outcome import Outcome
from tests.servers import CdrDatabase
from tests.shipper.running import write_config
from tests.shipper.store import fill, run

pytestmark = pytest.mark.servers
Central = Callable[..., Outcome]
ROWS = 12


def agent(*arguments: str, config: Path) -> None:
    done = run(*arguments, "--config", str(config))
    assert done.code == 0, done.err


def test_what_is_lost_is_named_and_heals(
    central: Central, cluster: OpenSearchCluster, cdr_database: CdrDatabase, tmp_path: Path
) -> None:
    days = [f"{datetime.now(UTC) - timedelta(days=back):%Y-%m-%d}" for back in (4, 3)]
    for number, day in enumerate(days):
        fill(cdr_database, ROWS, start=f"{day} 12:00:00", first=number * ROWS)
    config = write_config(tmp_path / "store", cdr_database, cluster)
    agent("run", "--once", config=config)

    def audited() -> tuple[int | str | None, dict[str, Any]]:
        outcome = central("audit", "--json", "--url", cluster.url)
        assert outcome.err == ""
        return outcome.code, json.loads(outcome.out)

    code, found = audited()
    assert (code, found["equal"], found["days"]) == (0, 7, [])

    whole_day = {"query": {"term": {"local.date": days[0]}}}
    gone = cluster.request("POST", "/pabx-cdr-*,pabx-calls-*/_delete_by_query?refresh=true", whole_day)
    assert gone["deleted"] == 2 * ROWS
    code, found = audited()
    assert [(code, day["store"], day["day"], day["difference"]) for day in found["days"]] == [
        (1, "Loja001", days[0], f"{ROWS} rows missing; {ROWS} calls missing")
    ]

    agent("backfill", "--since", days[0], "--until", days[0], config=config)
    code, found = audited()
    assert (code, found["equal"], found["healed"]) == (0, 7, [{"store": "Loja001", "day": days[0]}])
    search = {"query": {"term": {"audit.kind": "finding"}}}
    (finding,) = cluster.request("POST", "/pabx-audit-*/_search", search)["hits"]["hits"]
    assert (finding["_source"]["audit"]["day"], finding["_source"]["audit"]["state"]) == (days[0], "healed")
