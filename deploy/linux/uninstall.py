"""Removes all that an installation made."""

from typing import Final

from deploy.linux import checked
from deploy.linux.install import Ask, opening
from deploy.linux.layout import Layout
from deploy.linux.pbx_steps import AmiUser, DatabaseUser
from deploy.linux.service_steps import Keeper
from deploy.linux.settings_steps import Settings
from deploy.linux.site import Options, old_site
from deploy.linux.steps import Launcher, Step, SystemUser, Version
from deploy.linux.text import Text, same
from deploy.linux.upgrade import Tell

ORDER: Final[tuple[type[Step], ...]] = (
    Keeper,
    AmiUser,
    DatabaseUser,
    Settings,
    SystemUser,
    Launcher,
    Version,
)
"""What needs the settings to be found comes first; the command and the version that runs this come last."""


def uninstall(layout: Layout, options: Options, tell: Tell, ask: Ask) -> bool:
    """Remove the agent, its users, its settings and its spool.

    Args:
        layout: of the machine.
        options: `database` and `ami`: remove those users too.
        tell: what happens.
        ask: before anything is removed.

    Returns:
        False: it was not wanted.

    Raises:
        InstallError: something is left; the same command goes on from there.
    """
    site = old_site(layout, options)
    planned = [(kind(site), kind(site).undo_plan()) for kind in ORDER]
    lines = [line for _, told in planned for line in told]
    if not lines:
        tell(Text("Nada a fazer: o agente não está instalado.", "Nothing to do: the agent is not installed."))
        return True
    tell(opening(site))
    for line in lines:
        tell(same("  - ") + line)
    tell(_lost(checked.waiting(layout, layout.agent)))
    if not ask():
        return False
    for step, told in planned:
        if told:
            step.undo()
            for line in told:
                tell(same("  ok: ") + line)
    tell(Text("Pronto: o agente foi removido.", "Done: the agent was removed."))
    return True


def _lost(waiting: int | None) -> Text:
    stay = Text("As chamadas continuam no PABX. ", "The calls stay in the PBX. ")
    if waiting is None:
        return stay + Text(
            "O que ainda não foi enviado não chega à central.",
            "What was not sent yet does not get to head office.",
        )
    if not waiting:
        return stay + Text("Tudo o que foi lido já foi enviado.", "All that was read has been sent.")
    return stay + Text(
        f"Documentos ainda por enviar, que não chegarão à central: {waiting}.",
        f"Documents not sent yet, which will not get to head office: {waiting}.",
    )
