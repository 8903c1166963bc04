"""What `shipper check` finds, asked of one version as the agent's user, and told in a technician's words."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.linux import database
from deploy.linux.layout import USER, Layout
from deploy.linux.machine import last_line, local_environment, run, start_command
from deploy.linux.site import DATABASE_SECRET, Site
from deploy.linux.text import InstallError, Text, same

HOLDS_BACK: Final = {"time zone"}
"""Parts without which the agent is not started: a wrong zone would date all calls wrongly, for good."""
NEEDED: Final = {"database", "rights", "spool"}
"""Parts without which it is started, and waits: nothing arrives."""


@dataclass(frozen=True)
class Found:
    """One part's result.

    Attributes:
        part: as `shipper check` names it.
        state: `ok`, `warning`, `failed` or `skipped`.
        message: what it says.
        hint: what mends it.
    """

    part: str
    state: str
    message: str
    hint: str

    @property
    def failed(self) -> bool:
        """The part does not work."""
        return self.state == "failed"


_PARTS: Final = {
    "database": Text("Banco de dados do PABX", "The PBX's database"),
    "rights": Text("Direitos no banco", "Rights in the database"),
    "time zone": Text("Fuso horário", "Time zone"),
    "trunks": Text("Troncos", "Trunks"),
    "output": Text("Envio para a central", "Sending to head office"),
    "clock": Text("Relógio", "Clock"),
    "spool": Text("Fila no disco", "Spool on the disk"),
    "ami": Text("Eventos do Asterisk (AMI)", "Asterisk's events (AMI)"),
}
_STATES: Final = {
    "ok": Text("certo", "ok"),
    "warning": Text("atenção", "warning"),
    "failed": Text("NÃO FUNCIONA", "FAILED"),
    "skipped": Text("não testado", "not tried"),
}
_REFUSALS: Final = ("denied", "refused user", "takes no connection")
"""In what the agent says where the database answered, and let nobody in."""
_ADVICE: Final = {
    "time zone": Text(
        "O fuso do arquivo da loja não é o do PABX: avise a central, para que ela gere outro arquivo.",
        "The file's time zone is not the PBX's: tell head office, which makes another file.",
    ),
    "trunks": Text(
        "As chamadas chegam, mas podem ficar sem direção: avise a central.",
        "Calls arrive, but may lack a direction: tell head office.",
    ),
    "clock": Text("Acerte o relógio deste computador.", "Set this machine's clock."),
    "spool": Text(
        "Falta espaço ou permissão em disco: df -h /var/lib", "Room or rights are missing: df -h /var/lib"
    ),
    "ami": Text(
        "Chamadas em andamento não aparecem; as terminadas chegam. Com o Asterisk ligado: "
        "asterisk -rx 'manager reload', e confira enabled = yes em /etc/asterisk/manager.conf.",
        "Calls in progress are not seen; those that ended arrive. With Asterisk running: "
        "asterisk -rx 'manager reload', and see enabled = yes in /etc/asterisk/manager.conf.",
    ),
}


def check(layout: Layout, agent: Path) -> list[Found]:
    """Have a version try every part.

    Args:
        layout: of the machine.
        agent: the version's file.

    Raises:
        InstallError: it cannot even be asked.
    """
    done = run(
        [agent, "check", "--json", "--config", layout.settings], user=USER, environ=local_environment(layout)
    )
    try:
        found = json.loads(done.stdout)
        return [
            Found(str(one["part"]), str(one["state"]), str(one["message"]), str(one["hint"])) for one in found
        ]
    except (ValueError, KeyError, TypeError):
        said = last_line(done.stderr) or last_line(done.stdout) or f"{done.returncode}"
        raise InstallError(
            Text(f"shipper check não funciona: {said}", f"shipper check does not work: {said}"),
            Text(f"veja: sudo -u {USER} {agent} check", f"see: sudo -u {USER} {agent} check"),
        ) from None


def knows_zone(found: list[Found]) -> bool:
    """Whether the time zone was looked at: without the database nobody can."""
    return any(one.part == "time zone" and one.state != "skipped" for one in found)


def waiting(layout: Layout, agent: Path) -> int | None:
    """How many documents wait to be sent; None: there is no spool that could be asked."""
    command: list[str | Path] = [agent, "status", "--json", "--config", layout.settings]
    done = run(command, user=USER, environ=local_environment(layout))
    try:
        return int(json.loads(done.stdout)["spool_documents"])
    except (ValueError, KeyError, TypeError):
        return None


def lines(found: list[Found], site: Site) -> list[Text]:
    """What is shown of it.

    Args:
        found: by `check`.
        site: the machine.
    """
    shown = []
    for one in found:
        name, state = _PARTS.get(one.part, same(one.part)), _STATES.get(one.state, same(one.state))
        shown.append(Text(f"  {name.pt:<28} {state.pt}", f"  {name.en:<28} {state.en}"))
        if one.state in ("warning", "failed"):
            if advice := _advice(one, site):
                shown.append(same("    ") + advice)
            detail = one.message + (f"; {one.hint}" if one.hint else "")
            shown.append(Text(f"    Para o suporte: {detail}", f"    For support: {detail}"))
    return shown


def _advice(one: Found, site: Site) -> Text | None:
    config = site.config
    if one.part == "database":
        return _database_advice(one, site)
    if one.part == "output":
        forward = config.output.forward
        direct = config.output.kind == "opensearch"
        where = config.output.opensearch.url if direct else f"{forward.host}:{forward.port}"
        return Text(
            f"A central ({where}) não respondeu. Confira a internet da loja e se esta porta sai pelo "
            "firewall; o agente tenta sozinho e não perde nada.",
            f"Head office ({where}) did not answer. Is the store online, and does the firewall let this "
            "port out? The agent tries by itself and loses nothing.",
        )
    return _ADVICE.get(one.part)


def _database_advice(one: Found, site: Site) -> Text:
    cdr, layout = site.config.cdr, site.layout
    if any(said in one.message for said in _REFUSALS):  # by MariaDB, which therefore runs
        who, file = database.account(cdr).en, layout.config / DATABASE_SECRET
        sql = "\n      ".join(database.by_hand(cdr))
        return Text(
            f"O MariaDB está ligado, mas recusou o agente: falta o usuário {who} ou um direito dele, "
            f"ou a senha em {file} não é a dele. Rode a instalação sem --no-database, ou faça à mão, no "
            f"MariaDB, com uma senha no lugar de …, e grave a mesma senha em {file}:\n      {sql}",
            f"MariaDB runs, but refused the agent: there is no user {who}, or it lacks a right, "
            f"or the password in {file} is not theirs. Install without --no-database, or do it by hand, in "
            f"MariaDB, with a password in the place of …, and write the same to {file}:\n      {sql}",
        )
    where, start = f"{cdr.host}:{cdr.port}", start_command(layout.root, "mariadb")
    return Text(
        f"O MariaDB ({where}) não respondeu. Para ligá-lo: {start}",
        f"MariaDB ({where}) did not answer. To start it: {start}",
    )
