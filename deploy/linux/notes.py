"""What is told of a machine before its installation: odd, but no reason to stop."""

from deploy.linux import versions
from deploy.linux.site import Site
from deploy.linux.steps import Version
from deploy.linux.text import Text


def notes(site: Site) -> list[Text]:
    """What is odd about the machine, and no reason to stop.

    Args:
        site: with a bundle.
    """
    told = []
    if not (site.layout.root / "etc/debian_version").exists():
        told.append(
            Text(
                "Aviso: isto não é um Debian; não foi testado aqui.",
                "Note: this is no Debian; it was not tried here.",
            )
        )
    told += _ami_notes(site)
    found, new = versions.current(site.layout), site.new.agent.version
    if found and found != new and not Version(site).newer:
        told.append(
            Text(
                f"O agente instalado ({found}) é mais novo que o do arquivo ({new}) e fica.",
                f"The installed agent ({found}) is newer than the bundle's ({new}), and stays.",
            )
        )
    return told


def _ami_notes(site: Site) -> list[Text]:
    if not (site.options.ami and site.config.ami.enabled):
        return []
    found = site.general()
    where = site.layout.asterisk / "manager.conf"
    if found is None:
        return [Text(f"Aviso: não há {where}.", f"Note: there is no {where}.")]
    told = []
    if not found.enabled:
        told.append(
            Text(
                f"Aviso: o AMI está desligado (enabled = no em {where}): chamadas em andamento não aparecem. "
                "Ligue-o no FreePBX: Configurações avançadas, Asterisk Manager.",
                f"Note: AMI is off (enabled = no in {where}); calls in progress are not seen. "
                "Turn it on in FreePBX: Advanced Settings, Asterisk Manager.",
            )
        )
    if not found.includes:
        told.append(
            Text(
                f"Aviso: {where} não lê manager_custom.conf. Acrescente no fim: #include manager_custom.conf",
                f"Note: {where} does not read manager_custom.conf. Add below: #include manager_custom.conf",
            )
        )
    if found.address not in ("0.0.0.0", "127.0.0.1", "::", "localhost"):  # noqa: S104  # it is compared
        told.append(
            Text(
                f"Aviso: o AMI só atende em {found.address} (bindaddr em {where}), e o agente usa 127.0.0.1.",
                f"Note: AMI listens on {found.address} only (bindaddr in {where}); the agent asks 127.0.0.1.",
            )
        )
    return told
