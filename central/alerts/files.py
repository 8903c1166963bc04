"""The monitors that are shipped: a folder for each language, a file for each finding."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from central.errors import CentralError, MissingAssetsError

Json = dict[str, Any]

LANGUAGES: Final = ("pt-BR", "en")
RUNBOOKS: Final = {"pt-BR": "docs/alertas.md", "en": "docs/runbook.md"}
"""Of each language, where no other address is given."""
DASHBOARDS_PLACE: Final = "__DASHBOARDS_URL__"
RUNBOOK_PLACE: Final = "__RUNBOOK_URL__"
_PACKAGE: Final = Path(__file__).resolve().parents[1]
# Inside an installed wheel they lie in the package, in a checkout beside it.
_PLACES: Final = (_PACKAGE / "assets" / "monitors", _PACKAGE.parent / "dashboards" / "monitors")


@dataclass(frozen=True)
class Monitor:
    """One monitor, as `POST _plugins/_alerting/monitors` takes it.

    Attributes:
        finding: what it finds, `agent_silent`.
        body: of the request.
    """

    finding: str
    body: Json

    @property
    def name(self) -> str:
        """Its name in the cluster, by which it is known again."""
        return str(self.body["name"])

    @property
    def trigger(self) -> Json:
        """Its only trigger."""
        trigger: Json = self.body["triggers"][0]["bucket_level_trigger"]
        return trigger

    @property
    def severity(self) -> int:
        """1 (at once) to 5."""
        return int(self.trigger["severity"])

    @property
    def search(self) -> Json:
        """Its only search: `indices` and `query`."""
        search: Json = self.body["inputs"][0]["search"]
        return search

    def action(self, name: str) -> Json:
        """One of its actions: `opened`, `reminder`, `closed`."""
        found: Json = next(one for one in self.trigger["actions"] if one["name"] == name)
        return found


def load(
    language: str,
    dashboards_url: str | None = None,
    runbook_url: str | None = None,
    places: Sequence[Path] = (),
) -> list[Monitor]:
    """Read the monitors of a language, with the addresses in their messages.

    Args:
        language: one of `LANGUAGES`.
        dashboards_url: of OpenSearch Dashboards as people reach it; None: lines with it are left out.
        runbook_url: of the page that says what to do; None: the one in the checkout.
        places: folders where they may be, instead of those of the package; the first wins.

    Raises:
        MissingAssetsError: the installation lacks them.
        CentralError: a file holds something else.
    """
    for place in places or _PLACES:
        files = sorted((place / language).glob("*.json"))
        if files:
            return [_read(path, dashboards_url, runbook_url or RUNBOOKS[language]) for path in files]
    raise MissingAssetsError(
        f"no monitor lies in {' or '.join(str(place / language) for place in places or _PLACES)}: "
        "install the package again, or run: make generate"
    )


def _read(path: Path, dashboards_url: str | None, runbook_url: str) -> Monitor:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        monitor = Monitor(body["triggers"][0]["bucket_level_trigger"]["id"], body)
        for action in monitor.trigger["actions"]:
            template = action["message_template"]
            template["source"] = addressed(template["source"], dashboards_url, runbook_url)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise CentralError(
            f"{path} is no monitor ({type(error).__name__}: {error}): "
            "install the package again, or run: make generate"
        ) from error
    return monitor


def addressed(template: str, dashboards_url: str | None, runbook_url: str) -> str:
    """Put the addresses in; a line with one that is not known goes."""
    if dashboards_url:
        template = template.replace(DASHBOARDS_PLACE, dashboards_url.rstrip("/"))
    else:
        template = re.sub(rf"(?<=[\n}}])[^\n{{}}]*{DASHBOARDS_PLACE}[^\n]*\n", "", template)
    return template.replace(RUNBOOK_PLACE, runbook_url)


def as_json(template: str) -> str:
    """A template of text as one of a JSON text: mustache escapes what `{{x}}` stands for, this the rest."""
    return json.dumps(template, ensure_ascii=False).replace("{{{", "{{").replace("}}}", "}}")


def finding_of(body: Mapping[str, Any]) -> str:
    """What a monitor from the cluster finds; empty: it is none of ours."""
    metadata = body.get("ui_metadata") or {}
    return str((metadata.get("pabx") or {}).get("finding", ""))
