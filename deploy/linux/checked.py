"""What `shipper check` finds, asked of one version as the agent's user, and told in a technician's words."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.linux.layout import USER, Layout
from deploy.linux.machine import last_line, local_environment, run
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
_ADVICE: Final = {
    "database": Text(
        "Confira se o MariaDB está ligado: systemctl status mariadb (ou service mariadb status).",
        "See whether MariaDB runs: systemctl status mariadb (or service mariadb status).",
    ),
    "time zone": Text(
        "O fuso do arquivo da loja não é o do PABX: avise a central, para que ela gere outro arquivo.",
        "The file's time zone is not the PBX's: tell head office, which makes another file.",
    ),
    "trunks": Text(
        "As chamadas chegam, mas podem ficar sem direção: avise a central.",
        "Calls arrive, but may lack a direction: tell head office.",
    ),
    "output": Text(
        "A central não respondeu. Confira a internet da loja; o agente tenta sozinho e não perde nada.",
        "Head office did not answer. Is the store online? The agent tries by itself and loses nothing.",
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


def lines(found: list[Found]) -> list[Text]:
    """What is shown of it."""
    shown = []
    for one in found:
        name, state = _PARTS.get(one.part, same(one.part)), _STATES.get(one.state, same(one.state))
        shown.append(Text(f"  {name.pt:<28} {state.pt}", f"  {name.en:<28} {state.en}"))
        if one.state in ("warning", "failed"):
            if one.part in _ADVICE:
                shown.append(same("    ") + _ADVICE[one.part])
            detail = one.message + (f"; {one.hint}" if one.hint else "")
            shown.append(Text(f"    Para o suporte: {detail}", f"    For support: {detail}"))
    return shown
