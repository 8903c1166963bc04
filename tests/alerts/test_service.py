"""The watch without end, with its clock moved: at the start, after the cluster was away, and while it is."""

import time

import pytest
from opensearchpy import OpenSearch

from central.alerts.channels import Channel
from central.alerts.files import load
from central.alerts.service import Service
from central.alerts.states import Round
from central.alerts.watch import Watch
from central.client import Connection
from central.errors import CentralError
from compose.stack import OpenSearchCluster
from tests.alerts.bodies import store
from tests.alerts.build import HEARD_LONG_AGO
from tests.alerts.receiver import Receiver
from tests.alerts.scene import seed

pytestmark = pytest.mark.servers

BEGINS = "alerts begin in 90 s: the stores have that long to be heard"
SILENT = "begins  1 agent_silent  ALERTA Loja001,Loja Centro: o agente da loja está sem dar sinal"


class Clock:
    """Seconds that go on when they are told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Unsteady(Watch):
    """A real watch whose cluster is away when it is told to be."""

    away = False

    def measure(self, now: float | None = None) -> Round:
        if self.away:
            raise CentralError("http://search.example:9200 cannot be reached (connection refused)")
        return super().measure(now)


@pytest.fixture
def watch(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection, receiver: Receiver
) -> Unsteady:
    seed(node.url, [store(**HEARD_LONG_AGO)], time.time())
    here = Channel("pabx-here", "webhook", enabled=True, values={"url": receiver.url})
    return Unsteady(client, connection, load("pt-BR"), [here])


def test_alerts_begin_once_the_stores_had_time_to_be_heard(watch: Unsteady, receiver: Receiver) -> None:
    clock = Clock()
    service = Service(watch, "pt-BR", clock)
    assert list(service.step()) == [BEGINS]
    for pause in (45, 44):
        clock.now += pause
        assert list(service.step()) == []
    assert receiver.actions() == []
    clock.now += 1
    assert list(service.step()) == [SILENT]
    assert receiver.actions() == ["agent_silent opened"]


def test_after_the_cluster_was_away_it_is_the_same_again(watch: Unsteady, receiver: Receiver) -> None:
    clock = Clock()
    service = Service(watch, "pt-BR", clock)
    list(service.step())
    for pause, away in ((30, True), (31, False)):
        clock.now += pause
        watch.away = away
        told = list(service.step())
    assert told == [BEGINS, "all monitors run, and all channels take messages, again"]
    clock.now += 60
    assert list(service.step()) == []
    assert receiver.actions() == []


def test_a_short_hiccup_of_the_cluster_changes_nothing(watch: Unsteady) -> None:
    clock = Clock()
    service = Service(watch, "pt-BR", clock)
    list(service.step())
    clock.now += 60
    list(service.step())
    clock.now += 30
    watch.away = True
    assert list(service.step()) == [
        "central: http://search.example:9200 cannot be reached (connection refused)"
    ]
    clock.now += 30
    watch.away = False
    assert next(iter(service.step())) == SILENT


@pytest.mark.parametrize(
    ("language", "word"), [("pt-BR", "ALERTA: o cluster não responde há 3"), ("en", "ALERT: ")]
)
def test_a_cluster_that_is_away_is_told_once_and_so_is_its_return(
    watch: Unsteady, receiver: Receiver, language: str, word: str
) -> None:
    clock = Clock()
    service = Service(watch, language, clock)
    watch.away = True
    for _ in range(6):
        list(service.step())
        clock.now += 30
    assert receiver.actions() == []
    for _ in range(3):
        list(service.step())
        clock.now += 30
    assert receiver.got[0]["text"].startswith(word)
    assert receiver.actions() == ["cluster_silent opened"]
    watch.away = False
    list(service.step())
    list(service.step())
    assert receiver.actions() == ["cluster_silent closed"]
