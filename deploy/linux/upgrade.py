"""Puts another version in the place of the one that runs, and the old one back where that does not work.

The order is what makes it safe: the new version is tried beside the old one, which goes on working; only then
the agent is stopped, the link turned round, and the agent started. Whatever fails after that turns it back.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from deploy.linux import checked, holding, versions
from deploy.linux.bundle import Artefact, numbers
from deploy.linux.layout import USER
from deploy.linux.machine import run
from deploy.linux.remembered import Result, write_result
from deploy.linux.site import Site
from deploy.linux.text import InstallError, Text, same

Tell = Callable[[Text], None]
_SPOOL_SUFFIXES: Final = ("", "-wal", "-shm")


def upgrade(site: Site, artefact: Artefact, tell: Tell, *, allow_older: bool = False) -> bool:
    """Replace the version that runs.

    Args:
        site: the machine.
        artefact: the new agent.
        tell: what happens.
        allow_older: also by an older one.

    Returns:
        False: there was nothing to do.

    Raises:
        InstallError: the new version is not used; the old one runs, and `upgrade.json` says why.
    """
    layout = site.layout
    old, new = versions.current(layout), artefact.version
    if not old:
        raise InstallError(
            Text("nenhum agente está instalado aqui", "no agent is installed here"),
            Text("instale com o arquivo da loja", "install the store's bundle"),
        )
    holding.require_free(layout)
    if old == new:
        return False
    if numbers(new) < numbers(old) and not allow_older:
        raise InstallError(
            Text(
                f"{new} é mais antigo que {old}, que está em uso",
                f"{new} is older than {old}, which runs here",
            ),
            Text(
                "para voltar: shipper rollback; ou --allow-older",
                "to go back: shipper rollback; or --allow-older",
            ),
            2,
        )
    tell(Text(f"Atualizando de {old} para {new}.", f"Upgrading from {old} to {new}."))
    was = versions.previous(layout)
    try:
        versions.put(layout, artefact)
        _require_no_worse(site, versions.path_of(layout, old), versions.path_of(layout, new))
    except InstallError as error:
        _report(site, old, new, "rolled_back", error.problem)
        versions.prune(layout)
        raise _stayed(old, new, error) from error
    versions.begin(layout, old, new)
    try:
        _switch(site, new)
    except InstallError as error:
        _back(site, (was, old, new), error.problem, tell)
        raise _stayed(old, new, error) from error
    versions.finish(layout)
    _report(site, old, new, "done", same(""))
    versions.prune(layout)
    tell(Text(f"Pronto: o agente {new} está em uso.", f"Done: the agent {new} is in use."))
    return True


def rollback(site: Site, tell: Tell) -> str:
    """Go back to the version before, by hand.

    Returns:
        The version that runs now.

    Raises:
        InstallError: there is none, or it does not come up.
    """
    layout = site.layout
    holding.require_free(layout)
    bad, good = versions.current(layout), versions.previous(layout)
    if not good or not versions.path_of(layout, good).is_file():
        raise InstallError(
            Text("não há versão anterior para voltar", "there is no version before this one"),
            Text("instale uma: shipper upgrade ARQUIVO.pyz", "install one: shipper upgrade FILE.pyz"),
        )
    tell(Text(f"Voltando de {bad} para {good}.", f"Going back from {bad} to {good}."))
    versions.begin(layout, good, bad)
    _back(site, ("", good, bad), Text("voltou à mão", "put back by hand"), tell)
    return good


def finish_unfinished(site: Site, tell: Tell) -> None:
    """After a power cut in an upgrade: keep the new version if it works, else go back.

    Raises:
        InstallError: not even the old one comes up, or none may be started.
    """
    holding.require_free(site.layout)
    found = versions.unfinished(site.layout)
    if found is None:
        return
    now = versions.current(site.layout)
    if now != found.new:
        versions.finish(site.layout)
        return
    tell(
        Text(
            f"Uma atualização para {found.new} foi interrompida; conferindo.",
            f"An upgrade to {found.new} was broken off; looking whether it works.",
        )
    )
    try:
        site.service.stop()
        site.service.start()
    except InstallError as error:
        _back(site, ("", found.old, found.new), error.problem, tell)
        return
    versions.finish(site.layout)
    _report(site, found.old, found.new, "done", same(""))


def _require_no_worse(site: Site, old: Path, new: Path) -> None:
    """Have both try every part; what worked for the old one has to work for the new one.

    Raises:
        InstallError: something does not.
    """
    broken: set[str] | None = None
    with suppress(InstallError):  # an old version that cannot even be asked is a reason to go on
        broken = {one.part for one in checked.check(site.layout, old) if one.failed}
    worse = [one for one in checked.check(site.layout, new) if one.failed and one.part not in (broken or ())]
    if worse and broken is not None:
        one = worse[0]
        said = one.message + (f"; {one.hint}" if one.hint else "")
        raise InstallError(same(f"shipper check, {one.part}: {said}"))


def _switch(site: Site, version: str) -> None:
    site.service.stop()
    versions.switch(site.layout, version)
    site.service.start()


def _back(site: Site, which: tuple[str, str, str], why: Text, tell: Tell) -> None:
    """Put the old version back, and report.

    Args:
        site: the machine.
        which: the version before the old one, the old one, the new one.
        why: it did not work.
        tell: what happens.
    """
    before, old, new = which
    with suppress(InstallError):  # one that does not end is taken care of by the start
        site.service.stop()
    _set_newer_spool_aside(site, versions.path_of(site.layout, old))
    versions.back(site.layout, old, before)
    _report(site, old, new, "rolled_back", why)
    try:
        site.service.start()
    except InstallError as error:
        raise InstallError(
            Text(
                f"o agente {old} voltou, mas não fica ligado ({error.problem.pt})",
                f"the agent {old} is back, but does not stay up ({error.problem.en})",
            ),
            error.hint,
        ) from error
    versions.finish(site.layout)
    versions.prune(site.layout)
    tell(Text(f"O agente {old} voltou e está ligado.", f"The agent {old} is back, and runs."))


def _set_newer_spool_aside(site: Site, agent: Path) -> None:
    """A spool that only the newer version can read must not keep the old one down.

    It holds no truth of its own: all rows are read from the table and sent again, and none is doubled.
    """
    done = run([agent, "status", "--json", "--config", site.layout.settings], user=USER)
    spool = Path(site.config.spool.path)
    if done.returncode and spool.exists():
        for suffix in _SPOOL_SUFFIXES:
            with suppress(OSError):
                spool.with_name(spool.name + suffix).rename(spool.with_name(f"{spool.name}.newer{suffix}"))


def _report(site: Site, old: str, new: str, state: str, why: Text) -> None:
    """For the agent, which puts it into its heartbeat; a disk that is full must not undo an upgrade."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with suppress(OSError):
        write_result(Path(site.config.spool.path).parent, Result(stamp, old, new, state, why.en))


def _stayed(old: str, new: str, error: InstallError) -> InstallError:
    return InstallError(
        Text(
            f"o agente {new} não serve nesta máquina ({error.problem.pt}); {old} continua em uso",
            f"the agent {new} does not work on this machine ({error.problem.en}); {old} stays in use",
        ),
        error.hint,
    )
