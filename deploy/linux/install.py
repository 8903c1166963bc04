"""Installs a bundle: plan, question, steps, check, start."""

from collections.abc import Callable
from pathlib import Path

from deploy.linux import checked, holding, versions
from deploy.linux.bundle import read_bundle
from deploy.linux.layout import Layout
from deploy.linux.machine import cron_runs, is_root
from deploy.linux.notes import notes
from deploy.linux.pbx_steps import AmiUser, DatabaseUser, reload_asterisk
from deploy.linux.service_steps import Keeper
from deploy.linux.settings_steps import Secrets, Settings
from deploy.linux.site import Options, Site, new_site, old_site
from deploy.linux.steps import Launcher, Step, SystemUser, Version
from deploy.linux.text import InstallError, Text, same
from deploy.linux.upgrade import Tell, finish_unfinished, upgrade

Ask = Callable[[], bool]
"""Whether to go on; False ends it, and nothing was changed."""


def require_root(layout: Layout) -> None:
    """Make sure that all may be written.

    Raises:
        InstallError: we are not root.
    """
    if not is_root() and layout == Layout():
        raise InstallError(
            Text("isto precisa ser feito como root", "this needs root"),
            Text("ponha sudo na frente do comando", "put sudo in front of the command"),
            2,
        )


def steps_of(site: Site) -> list[Step]:
    """The steps, in the order in which they are done; undone in the reverse order."""
    return [
        SystemUser(site),
        Version(site),
        Settings(site),
        Secrets(site),
        DatabaseUser(site),
        AmiUser(site),
        Launcher(site),
        Keeper(site),
    ]


def install(layout: Layout, source: Path, options: Options, tell: Tell, ask: Ask) -> bool:
    """Install a bundle, or bring an installation up to date.

    Args:
        layout: of the machine.
        source: the bundle.
        options: what was asked for.
        tell: what happens.
        ask: before anything is written.

    Returns:
        False: it was not wanted.

    Raises:
        InstallError: something is not done; the same command goes on from there.
    """
    site = new_site(layout, options, read_bundle(source))
    planned = [(step, step.plan()) for step in steps_of(site)]
    lines = _new_version(site) + [line for _, told in planned for line in told]
    for note in notes(site):
        tell(note)
    held = holding.why(layout)
    if not lines and site.service.runs and not held:
        tell(Text("Nada a fazer: tudo já está instalado.", "Nothing to do: all is installed already."))
        if options.rehearse:
            ask()  # says that it was one
        return _judged(site, tell, start=False)
    tell(opening(site))
    for line in lines or [Text("conferir e ligar o agente", "check, and start the agent")]:
        tell(same("  - ") + line)
    if not ask():
        return False
    if not held:
        before = old_site(layout, options)
        finish_unfinished(before, tell)
        if Version(site).newer:
            upgrade(before, site.new.agent, tell)
    if held or any(told and isinstance(step, Settings | Version) for step, told in planned):
        holding.hold(layout, holding.UNFINISHED)
    _do(planned, tell)
    return _judged(site, tell, start=True)


def _do(planned: list[tuple[Step, list[Text]]], tell: Tell) -> None:
    for step, told in planned:
        if told:
            step.do()
        for line in told:
            tell(same("  ok: ") + line)


def opening(site: Site) -> Text:
    """What comes before the list of what is done, or would be."""
    store = site.config.store.id
    if site.options.rehearse:
        return Text(f"Loja {store}. Seria feito:", f"Store {store}. This would be done:")
    return Text(f"Loja {store}. Vou fazer:", f"Store {store}. This will be done:")


def _new_version(site: Site) -> list[Text]:
    if not Version(site).newer or holding.why(site.layout):
        return []
    now, new = versions.current(site.layout), site.new.agent.version
    return [Text(f"atualizar o agente de {now} para {new}", f"upgrade the agent from {now} to {new}")]


def _judged(site: Site, tell: Tell, *, start: bool) -> bool:
    """Check, show it, and start the agent where nothing speaks against it."""
    layout = site.layout
    tell(Text("Conferindo:", "Checking:"))
    found = checked.check(layout, layout.agent)
    rehearsed = site.options.rehearse
    if any(one.part == "ami" and one.failed for one in found) and not rehearsed and reload_asterisk():
        found = checked.check(layout, layout.agent)
    for line in checked.lines(found, site):
        tell(line)
    failed = {one.part for one in found if one.failed}
    again = Text("corrija e rode o mesmo comando de novo", "mend it, and run the same command again")
    if failed & checked.HOLDS_BACK:
        if rehearsed:
            raise InstallError(
                Text(
                    "o agente seria desligado, por causa do que NÃO FUNCIONA acima",
                    "the agent would be stopped, because of what FAILED above",
                )
            )
        holding.hold(layout, holding.ZONE)
        Keeper(site).off()
        raise InstallError(
            Text(
                "instalado, mas o agente não foi ligado, por causa do que NÃO FUNCIONA acima",
                "installed, but the agent was not started, because of what FAILED above",
            ),
            again,
        )
    if start and holding.why(layout) and not checked.knows_zone(found):
        raise InstallError(
            Text(
                "instalado, mas o agente não foi ligado: sem o banco, o fuso horário não foi conferido",
                "installed, but the agent was not started: without the database nobody knows the time zone",
            ),
            again,
        )
    if start:
        holding.release(layout)
        site.service.stop()
        site.service.start()
    if failed & checked.NEEDED:
        raise InstallError(
            Text(
                "o agente está ligado, mas nada é enviado, por causa do que NÃO FUNCIONA acima",
                "the agent runs, but nothing is sent, because of what FAILED above",
            ),
            again,
        )
    tell(Text("O agente está ligado.", "The agent runs."))
    if failed:
        tell(
            Text(
                "Pronto, com uma ressalva: veja acima o que NÃO FUNCIONA.",
                "Done, but for what FAILED above.",
            )
        )
    else:
        tell(
            Text(
                "Pronto. As chamadas desta loja estão indo para a central.",
                "Done. This store's calls are on their way to head office.",
            )
        )
    for line in _left(site, good=not failed):
        tell(line)
    return True


def _left(site: Site, *, good: bool) -> list[Text]:
    """What only a person can do now."""
    told, source = [], site.new.source
    if source.is_file() and not site.options.rehearse:
        then = Text("Agora apague", "Now delete")
        if not good:
            then = Text(
                "Depois de corrigir, confira com sudo shipper verify, e apague",
                "Once that is mended, look by sudo shipper verify, and delete",
            )
        told.append(
            Text(
                f"{then.pt} {source}: quem tem este arquivo envia dados como se fosse a loja.",
                f"{then.en} {source}: whoever has this file can send data as the store.",
            )
        )
    if not site.service.by_systemd and not cron_runs():
        told += [
            Text(
                "AINDA FALTA: aqui não há systemd nem cron ligado, e sem eles o agente não volta sozinho se "
                "parar ou quando a máquina reiniciar.",
                "STILL TO DO: neither systemd nor cron runs here; without them the agent does not come back "
                "where it ends, or after a reboot.",
            ),
            Text(
                "No Windows, a tarefa do instalar.cmd cuida disso. Sem ela, rode isto agora e a cada vez que "
                "o Linux ligar:",
                "On Windows the task of instalar.cmd does it. Without it, run this now and each time Linux "
                "starts:",
            ),
            same("  service cron start"),
        ]
    return told
