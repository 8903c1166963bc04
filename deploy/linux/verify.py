"""How a store's agent is: every part tried, and whether it runs, in a technician's words."""

from deploy.linux import checked, holding, versions
from deploy.linux.layout import SERVICE, Layout
from deploy.linux.machine import cron_runs
from deploy.linux.site import Options, Site, old_site
from deploy.linux.text import InstallError, Text, same
from deploy.linux.upgrade import Tell


def verify(layout: Layout, tell: Tell) -> bool:
    """Look, change nothing, and say what to do.

    Args:
        layout: of the machine.
        tell: what is found.

    Returns:
        True: all works, and the agent runs.

    Raises:
        InstallError: none is installed.
    """
    if not layout.agent.is_file():
        raise InstallError(
            Text("nenhum agente está instalado aqui", "no agent is installed here"),
            Text("instale com o arquivo da loja", "install the store's bundle"),
        )
    site = old_site(layout, Options())
    store, version = site.config.store.id, versions.current(layout)
    tell(Text(f"Loja {store}, agente {version}. Conferindo:", f"Store {store}, agent {version}. Checking:"))
    good = True
    failed: set[str] = set()
    try:
        found = checked.check(layout, layout.agent)
    except InstallError as error:
        good = False
        tell(same("  ") + error.text)
    else:
        failed = {one.part for one in found if one.failed}
        for line in checked.lines(found, site):
            tell(line)
    waiting = checked.waiting(layout, layout.agent)
    if waiting is not None:
        tell(Text(f"Esperando envio: {waiting} documentos.", f"Waiting to be sent: {waiting} documents."))
    state = _state(site, zone="time zone" in failed)
    for line in state:
        tell(line)
    good = good and not failed and not state
    if good:
        tell(
            Text(
                "O agente está ligado. Tudo certo: as chamadas desta loja vão para a central.",
                "The agent runs. All is well: this store's calls go to head office.",
            )
        )
    elif not state:
        tell(
            Text(
                "O agente está ligado; veja acima o que NÃO FUNCIONA.",
                "The agent runs; see above what FAILED.",
            )
        )
    return good


def _state(site: Site, *, zone: bool) -> list[Text]:
    """Why it is not just running, and what to do; empty: it runs as it should."""
    layout, runs = site.layout, site.service.runs
    held = holding.why(layout)
    do = same("  ") + Text("O que fazer: ", "What to do: ")
    if held == holding.UNFINISHED:
        told = Text(
            "O agente está ligado, mas com as configurações antigas: a instalação não terminou.",
            "The agent runs, but with the settings of before: the installation did not end.",
        )
        off = Text(
            "O agente está DESLIGADO: a instalação não terminou.",
            "The agent is OFF: the installation did not end.",
        )
        return [told if runs else off, do + holding.remedy(layout) + same(".")]
    if runs:
        return []
    if held == holding.ZONE or zone:
        return [
            Text(
                "O agente está DESLIGADO de propósito, por causa do fuso horário: as chamadas chegariam "
                "com a hora errada.",
                "The agent is OFF on purpose, because of the time zone: all calls would be dated wrongly.",
            ),
            do
            + Text(
                "avise a central e instale o arquivo novo que ela mandar. Nada se perde até lá.",
                "tell head office, and install the new file that it sends. Nothing is lost until then.",
            ),
        ]
    return [
        Text("O agente está DESLIGADO.", "The agent is OFF."),
        do + same(f"sudo {_start(site)}"),
        Text(f"  Se não ficar ligado, para o suporte: {_log(site)}", f"  If it ends again: {_log(site)}"),
    ]


def _start(site: Site) -> str:
    if site.service.by_systemd:
        return f"systemctl start {SERVICE}"
    return "shipper keep-alive" if cron_runs() else "shipper keep-alive; sudo service cron start"


def _log(site: Site) -> str:
    return f"sudo journalctl -u {SERVICE}" if site.service.by_systemd else f"sudo tail {site.layout.log}"
