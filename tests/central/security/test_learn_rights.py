"""`central learn` needs no more than the role `pabx_maintainer`, and no less."""

from collections.abc import Callable

import pytest

from tests.central.outcome import Outcome
from tests.central.security.secured import Secured

pytestmark = pytest.mark.servers


def test_learn(clean: Secured, central: Callable[..., Outcome]) -> None:
    at = "2026-11-23T15:00:00Z"
    event = {"id": "Loja001", "kind": "state", "dataset": "pabx.store", "created": at}
    store = {"id": "Loja001", "timezone": "America/Sao_Paulo", "registered_at": at}
    document = {"@timestamp": at, "event": event, "store": store}
    clean.node.request("PUT", "/pabx-stores/_doc/Loja001?refresh=true&pipeline=_none", document)
    outcome = central("learn", *clean.access("pabx_maintainer"))
    assert (outcome.code, outcome.err) == (0, "")
    found = clean.node.request("GET", "/pabx-stores/_doc/Loja001")["_source"]["store"]
    assert found["usual"]["days"] == 0
    outcome = central("learn", *clean.access("pabx_operator"))
    assert outcome.code == 1
    assert "user 'pabx_operator' lacks the right for it" in outcome.err
