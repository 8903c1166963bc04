"""What is told: in both languages, of every finding, of stores with awkward names and with little known."""

import json
import re
from typing import Any

import pytest
from opensearchpy import OpenSearch

from central.alerts import messages
from central.alerts.evaluate import Raised, documents, evaluate
from central.alerts.files import Monitor, addressed, load
from central.alerts.plugin import as_body
from central.alerts.watch import Watch
from central.client import Connection
from compose.stack import OpenSearchCluster
from tests.alerts.bodies import never_heard, quarantined, store
from tests.alerts.build import HEARD_LONG_AGO, alone
from tests.alerts.cases import CASES
from tests.alerts.scene import Ago, Case, Json, stage

NOW = 1_795_444_200
DASHBOARDS = "https://paineis.example"
RUNBOOK = "https://wiki.example/alertas"
MONITORS = {language: load(language, DASHBOARDS + "/", RUNBOOK) for language in ("pt-BR", "en")}
WORDS = {
    "pt-BR": ("ALERTA", "Verifique primeiro:", "Painel", "Como resolver"),
    "en": ("ALERT", "Check first:", "Dashboard", "Runbook"),
}
"""How a message begins, what stands before the checks, before the link, and before the runbook's address."""
AWKWARD = "Loja \"Praça\", {x} {#z} }} 'Sul' \\ <b>&amp; 🏪"
USUAL = {
    "pt-BR": "De costume nesta hora (14 h): 6.0 ligações",
    "en": "Usual in this hour (14:00): 6.0 calls",
}
AGENT_SILENT = {
    "pt-BR": """\
ALERTA Loja001,Loja Centro: o agente da loja está sem dar sinal
Cidade: São Paulo
Sem sinal desde (hora da loja): 2026-11-23 13:58
Último sinal (UTC): 2026-11-23T14:28:29.000Z
De costume nesta hora (14 h): 6.0 ligações
Painel: https://paineis.example/app/dashboards#/view/pabx-store?_a=(query:(language:kuery,query:'store.id:%22Loja001%22'))
Verifique primeiro:
1. O computador da loja está ligado e com internet?
2. O WSL e o agente estão rodando? (shipper status, no computador da loja)
3. As ligações não se perdem: chegam quando o agente voltar.
Como resolver: https://wiki.example/alertas#agent_silent""",
    "en": """\
ALERT Loja001,Loja Centro: the store's agent is silent
City: São Paulo
Silent since (store's time): 2026-11-23 13:58
Last heard (UTC): 2026-11-23T14:28:29.000Z
Usual in this hour (14:00): 6.0 calls
Dashboard: https://paineis.example/app/dashboards#/view/pabx-store?_a=(query:(language:kuery,query:'store.id:%22Loja001%22'))
Check first:
1. Is the store's PC on and online?
2. Do WSL and the agent run? (shipper status, on the store's PC)
3. No call is lost: they arrive when the agent is back.
Runbook: https://wiki.example/alertas#agent_silent""",
}


def of(finding: str, language: str = "pt-BR") -> Monitor:
    return next(one for one in MONITORS[language] if one.finding == finding)


def told(client: OpenSearch, connection: Connection, monitors: list[Monitor]) -> dict[str, str]:
    watch = Watch(client, connection, monitors)
    results = evaluate(client, connection, monitors, NOW * 1000)
    return {finding: text for (finding, _), text in watch.messages(results).items()}


@pytest.mark.servers
@pytest.mark.parametrize("language", ["pt-BR", "en"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.finding}/{case.name}")
def test_a_message_says_of_what_first_checks_link_and_runbook(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection, case: Case, language: str
) -> None:
    stage(node.url, case.fires, NOW)
    text = told(client, connection, MONITORS[language])[case.finding]
    (begin, first, link, runbook), lines = WORDS[language], text.splitlines()
    # What is of all stores has no name.
    of = "" if case.keys[0].startswith("pabx.") else f" {case.keys[0]}"
    assert lines[0].startswith(f"{begin}{of}: ")
    assert lines[lines.index(first) + 1].startswith("1. ")
    assert lines[-1] == f"{runbook}: {RUNBOOK}#{case.finding}"
    (line,) = (line for line in lines if line.startswith(f"{link}: "))
    assert line.startswith(f"{link}: {DASHBOARDS}/app/dashboards#/view/pabx-")
    if case.keys[0].startswith("Loja"):
        assert line.endswith("query:'store.id:%22Loja001%22'))")
    if case.finding in {"agent_silent", "pbx_silent", "idle"} and case.name != "never watched":
        assert USUAL[language] in lines
    is_whole(text)


def is_whole(text: str) -> None:
    # Of a document of which nobody knows whose it is, the plugin tells this key.
    assert not re.search(r"__|\{\{|\}\}|@|\bnull\b|None", re.sub("^ALERTA? null:|%22null%22", "", text))
    for line in text.splitlines():
        assert line == line.strip()
        assert line
        assert not line.endswith(":") or line in {words[1] for words in WORDS.values()}


@pytest.mark.servers
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_the_whole_message_of_a_silent_agent(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection, language: str
) -> None:
    stage(node.url, alone(store(**HEARD_LONG_AGO)), NOW)
    assert told(client, connection, MONITORS[language]) == {"agent_silent": AGENT_SILENT[language]}


@pytest.mark.servers
def test_what_is_not_known_of_a_store_has_no_line(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection
) -> None:
    bare = never_heard(last_seen=Ago(121), watch=None, city=None, timezone=None)
    stage(node.url, alone(bare), NOW)
    lines = told(client, connection, MONITORS["en"])["agent_silent"].splitlines()
    assert lines[:2] == [
        "ALERT Loja001,Loja Centro: the store's agent is silent",
        "Last heard (UTC): 2026-11-23T14:27:59.000Z",
    ]
    assert lines[2].startswith("Dashboard: ")
    assert lines[3] == "Check first:"


@pytest.mark.servers
def test_without_an_address_of_the_dashboards_the_line_goes(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection
) -> None:
    for case in CASES:
        stage(node.url, case.fires, NOW)
        text = told(client, connection, load("pt-BR"))[case.finding]
        assert "Painel" not in text
        assert text.splitlines()[-1] == f"Como resolver: docs/alertas.md#{case.finding}"
        is_whole(text)


@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_every_template_has_its_addresses_or_none_of_their_places(language: str) -> None:
    for url in (None, DASHBOARDS):
        for monitor in load(language, url, RUNBOOK):
            for action in monitor.trigger["actions"]:
                source = action["message_template"]["source"]
                assert "__" not in source, (monitor.finding, action["name"])
                assert source.count("{{#") == source.count("{{/")


def test_an_address_ends_without_a_slash() -> None:
    template = "{{#ctx.newAlerts}}a\nPainel: __DASHBOARDS_URL__/app\nb: __RUNBOOK_URL__#x\n{{/ctx.newAlerts}}"
    assert addressed(template, "https://d.example/", "r.md") == (
        "{{#ctx.newAlerts}}a\nPainel: https://d.example/app\nb: r.md#x\n{{/ctx.newAlerts}}"
    )
    assert addressed(template, None, "r.md") == "{{#ctx.newAlerts}}a\nb: r.md#x\n{{/ctx.newAlerts}}"


@pytest.mark.servers
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_an_awkward_name_is_told_as_it_is_and_a_webhooks_json_still_parses(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection, language: str
) -> None:
    stage(node.url, alone(store(title=AWKWARD, **HEARD_LONG_AGO)), NOW)
    monitor = of("agent_silent", language)
    (result,) = evaluate(client, connection, [monitor], NOW * 1000)
    (alert,) = result.raised
    assert (alert.key, alert.keys) == ("Loja001", f"Loja001,{AWKWARD}")
    found = documents(client, connection, ["Loja001"])["Loja001"]
    subject, text = messages.filled_in(client, connection, monitor, "opened", [(alert, found)])
    assert text.splitlines()[0].partition(": ")[0] == f"{WORDS[language][0]} Loja001,{AWKWARD}"
    assert text.splitlines()[1:] == AGENT_SILENT[language].splitlines()[1:]
    sent = rendered(node, as_body(monitor, monitor.action("opened")), "newAlerts", [alert], found)
    assert sent == {
        "finding": "agent_silent",
        "severity": 1,
        "state": "active",
        "action": "opened",
        "of": f"Loja001,{AWKWARD}",
        "subject": subject,
        "text": text,
    }


def rendered(
    node: OpenSearchCluster, template: str, alerts: str, of_: list[Raised], document: Json | None = None
) -> Any:
    """The JSON that the Alerting plugin would post: it fills in by the cluster's mustache, as this does."""
    each: list[Json] = [{"bucket_keys": one.keys} for one in of_]
    for one in each if document else []:
        one["sample_documents"] = [document]
    body = json.dumps({"source": template, "params": {"ctx": {alerts: each}}})
    return node.request("POST", "/_render/template", body)["template_output"]


@pytest.mark.servers
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_every_webhook_template_gives_the_json_of_an_alert(node: OpenSearchCluster, language: str) -> None:
    lists = {"opened": "newAlerts", "reminder": "dedupedAlerts", "closed": "completedAlerts"}
    for monitor in MONITORS[language]:
        for name, alerts in lists.items():
            template = as_body(monitor, monitor.action(name))
            for keys in ("Loja001,A", f"Loja002,{AWKWARD}"):
                one = Raised(monitor.finding, monitor.severity, keys[:7], keys)
                sent = rendered(node, template, alerts, [one])
                assert (sent["finding"], sent["action"], sent["of"]) == (monitor.finding, name, keys)
                assert sent["state"] == ("completed" if name == "closed" else "active")
                named = "{{{bucket_keys}}}" in monitor.action(name)["message_template"]["source"]
                assert (keys in sent["text"]) is named


@pytest.mark.servers
def test_a_key_that_looks_like_a_template_has_no_alert(
    node: OpenSearchCluster, client: OpenSearch, connection: Connection
) -> None:
    """The Alerting plugin would fill it in, and never come past it."""
    stage(node.url, alone(store(title="Loja {{x}}", **HEARD_LONG_AGO)), NOW)
    assert told(client, connection, MONITORS["pt-BR"]) == {}
    stage(node.url, alone(store(), quarantined("{{x}}")), NOW)
    (result,) = evaluate(client, connection, [of("quarantine")], NOW * 1000)
    assert [(one.key, one.keys) for one in result.raised] == [("-", "-")]


@pytest.mark.servers
def test_reminder_end_and_several_at_once(client: OpenSearch, connection: Connection) -> None:
    monitor = of("idle")
    alerts = [(Raised("idle", 1, f"Loja00{n}", f"Loja00{n},Loja {n}"), None) for n in (1, 2)]
    assert messages.filled_in(client, connection, monitor, "closed", alerts) == (
        "Fim · a loja voltou a ter ligações",
        "\n".join(
            f"FIM Loja00{n},Loja {n}: a loja voltou a ter ligações (ou parou de dar sinal)" for n in (1, 2)
        ),
    )
    subject, text = messages.filled_in(client, connection, monitor, "reminder", alerts[:1])
    assert subject == "Alerta · a loja está sem ligações"
    assert text.splitlines()[0] == "CONTINUA Loja001,Loja 1: a loja está sem ligações"
    assert text.splitlines()[-1] == f"Como resolver: {RUNBOOK}#idle"


def test_ids_of_triggers_and_actions_never_change() -> None:
    for language, monitors in MONITORS.items():
        for monitor in monitors:
            assert monitor.name == f"PABX {monitor.finding}"
            assert monitor.trigger["id"] == monitor.finding
            actions = [action["id"] for action in monitor.trigger["actions"]]
            assert actions == [f"{monitor.finding}-{name}" for name in ("opened", "reminder", "closed")]
            assert monitor.body["ui_metadata"]["pabx"]["language"] == language
