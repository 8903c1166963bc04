"""Messages: which store, since when, what it usually does at this hour, what to check first, and where.

Mustache, filled in by the plugin or by `central alerts`: `{{{x}}}` where it is text. A per-alert message
loops all the same: where too many stores are in trouble at once the plugin sends one message of all of them.
A run in which the search failed has no alert, so its message is empty and is not sent.
"""

from typing import Final

from dashboards.alerts.finding import OF_ALL, Finding
from dashboards.build.words import Say

DASHBOARDS: Final = "__DASHBOARDS_URL__"
RUNBOOK: Final = "__RUNBOOK_URL__"
"""`central install` puts the addresses in their places; a line with one that is not known is left out."""
_STORE: Final = "_source.store"


def subject(finding: Finding, say: Say, action: str) -> str:
    """Of the message of one of the three actions."""
    words = finding.words.over if action == "closed" else finding.words.title
    what = say("Fim", "Over") if action == "closed" else say("Alerta", "Alert")
    return f"{what} · {words}"


def opened(finding: Finding, say: Say) -> str:
    """When it begins."""
    lines = [_head(finding, say("ALERTA", "ALERT"), finding.words.title)]
    lines += _from_document(finding, say)
    lines += _first(finding, say)
    return _loop("newAlerts", lines)


def reminded(finding: Finding, say: Say) -> str:
    """When it goes on."""
    lines = [_head(finding, say("CONTINUA", "STILL"), finding.words.title)]
    lines += _first(finding, say)
    return _loop("dedupedAlerts", lines)


def closed(finding: Finding, say: Say) -> str:
    """When it is over."""
    silent = say(" (ou parou de dar sinal)", " (or is heard no more)") if finding.heard else ""
    return _loop("completedAlerts", [_head(finding, say("FIM", "OVER"), finding.words.over + silent)])


def fact(field: str, line: str) -> str:
    """A line that is left out where the store's document lacks the field, and repeated where it is a list.

    Args:
        field: below `store.`.
        line: with `@` where the field's value belongs.
    """
    # Not `{{_source.field}}`: the plugin would fetch such fields alone, and no list comes whole then.
    name = f"{_STORE}.{field}"
    return f"{{{{#{name}}}}}{line.replace('@', '{{{.}}}')}\n{{{{/{name}}}}}"


def value(field: str) -> str:
    """A field of the store's document."""
    return f"{{{{#{_STORE}.{field}}}}}{{{{{{.}}}}}}{{{{/{_STORE}.{field}}}}}"


def usual(say: Say) -> str:
    """What the store usually does at this hour."""
    hour = value("watch.hour")
    return fact(
        "watch.usual_calls",
        say(f"De costume nesta hora ({hour} h): @ ligações", f"Usual in this hour ({hour}:00): @ calls"),
    )


def _head(finding: Finding, word: str, what: str) -> str:
    # What is of all stores has a bucket, and no name.
    of = "" if finding.keys == OF_ALL else " {{{bucket_keys}}}"
    return f"{word}{of}: {what}"


def _from_document(finding: Finding, say: Say) -> list[str]:
    if not finding.words.facts:
        return []
    link = _link(value("id"))
    where = fact("city", say("Cidade: @", "City: @"))
    lines = "".join((where, *(one if one.endswith("}}") else f"{one}\n" for one in finding.words.facts)))
    return [
        f"{{{{#sample_documents}}}}{lines}{say('Painel', 'Dashboard')}: {link}\n{{{{/sample_documents}}}}"
    ]


def _first(finding: Finding, say: Say) -> list[str]:
    lines = []
    if finding.words.first:
        lines.append(f"{say('Verifique primeiro', 'Check first')}:")
        lines += [f"{number}. {line}" for number, line in enumerate(finding.words.first, start=1)]
    if finding.store and not finding.words.facts:
        lines.append(f"{say('Painel', 'Dashboard')}: {_link('{{{bucket_keys}}}')}")
    elif not finding.store:
        lines.append(f"{say('Painel', 'Dashboard')}: {DASHBOARDS}/app/dashboards#/view/pabx-fleet")
    lines.append(f"{say('Como resolver', 'Runbook')}: {RUNBOOK}#{finding.id}")
    return lines


def _link(store: str) -> str:
    query = f"_a=(query:(language:kuery,query:'store.id:%22{store}%22'))"
    return f"{DASHBOARDS}/app/dashboards#/view/pabx-store?{query}"


def _loop(alerts: str, lines: list[str]) -> str:
    body = "".join(line if line.endswith("\n{{/sample_documents}}") else f"{line}\n" for line in lines)
    return f"{{{{#ctx.{alerts}}}}}{body}{{{{/ctx.{alerts}}}}}"
