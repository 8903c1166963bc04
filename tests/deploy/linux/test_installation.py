"""An installation from the first command to the last, on a Debian with MariaDB, seen from outside.

Asterisk is the one thing that is not real here: a fake AMI server takes the log-in, and a script stands in
for its console.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from compose.simulator.ami import FakeAmi
from compose.stack import OpenSearchCluster
from shipper.sources.ami.rights import READ
from tests.deploy.linux.pbx import CUSTOM, Pbx, agent, agent_source, broken_in, settings
from tests.shipper.running import central_install

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]  # the first run makes the tree
BACKUPS = {"/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-"}
"""Copies that useradd and userdel keep of their files."""
NEEDS_MORE = """
import json, sys
if "check" in sys.argv:
    print(json.dumps([{"part": "database", "state": "failed", "message": "broken on purpose", "hint": ""}]))
    sys.exit(1)
from shipper.real_cli import main
"""


def until(question: Callable[[], Any], seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := question()):
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.2)
    return found


def failing_check() -> dict[str, str]:
    """An agent whose check says that the database does not work any more."""
    return {"shipper/real_cli.py": agent_source(), "shipper/cli.py": NEEDS_MORE}


def report(pbx: Pbx) -> dict[str, str]:
    found: dict[str, str] = json.loads(pbx.box.read("/var/lib/pabx-shipper/upgrade.json"))
    return found


def test_from_the_first_command_to_the_last(  # noqa: PLR0915  # one life, in its order
    pbx: Pbx, artefact: bytes, indices: OpenSearchCluster
) -> None:
    central_install(indices)
    box = pbx.box
    pbx.call(1)
    pbx.give(artefact, settings(pbx, indices.url))
    before, users = box.listing(), pbx.users()

    # Before anybody agrees, nothing is changed.
    rehearsed = pbx.install("--dry-run")
    assert "criar o usuário 'shipper'@'127.0.0.1' no MariaDB" in rehearsed.stdout
    assert "nada foi mudado" in rehearsed.stdout
    assert (box.listing(), pbx.users()) == (before, users)
    unanswered = pbx.install(check=False)  # nobody is there to answer, so nothing is done
    assert (unanswered.returncode, "--yes" in unanswered.stderr) == (2, True)
    assert (box.listing(), pbx.users()) == (before, users)

    refused = pbx.answer("n", "install", "--bundle", "/root/Loja001.zip")
    assert (refused.returncode, "Nada foi mudado." in refused.stdout) == (1, True)
    assert (box.listing(), pbx.users()) == (before, users)

    done = pbx.answer("s", "install", "--bundle", "/root/Loja001.zip")
    assert done.returncode == 0
    assert "Envio para a central         certo" in done.stdout
    said = done.stdout.rstrip().splitlines()
    ready = next(number for number, line in enumerate(said) if line.startswith("Pronto"))
    assert said[ready + 1].startswith("Depois de corrigir")  # Asterisk is not there yet
    assert "apague /root/Loja001.zip" in said[ready + 1]
    assert said[ready + 2].startswith("AINDA FALTA")  # no cron runs here
    assert said[-1] == "  service cron start"
    now = box.listing()
    made = {path: now[path].rpartition(" ")[0] for path in now.keys() - before.keys()}
    number = box.run("id", "-u", "pabx-shipper").stdout.strip()
    group = box.run("id", "-g", "pabx-shipper").stdout.strip()
    root, theirs, secret = "0:0", f"{number}:{group}", f"0:{group} 100640"
    assert {path: made[path] for path in made if not path.startswith("/var/lib/pabx-shipper/")} == {
        "/opt/pabx-shipper": f"{root} 40755",
        "/opt/pabx-shipper/current": f"{root} 120777",
        "/opt/pabx-shipper/versions": f"{root} 40755",
        "/opt/pabx-shipper/versions/0.1.0": f"{root} 40755",
        "/opt/pabx-shipper/versions/0.1.0/shipper.pyz": f"{root} 100755",
        "/usr/local/bin/shipper": f"{root} 120777",
        "/etc/pabx-shipper": f"0:{group} 40750",
        "/etc/pabx-shipper/shipper.toml": secret,
        "/etc/pabx-shipper/bundle.toml": secret,
        "/etc/pabx-shipper/ca.pem": secret,
        "/etc/pabx-shipper/cdr.password": secret,
        "/etc/pabx-shipper/ami.secret": secret,
        "/etc/cron.d/pabx-shipper": f"{root} 100644",
        "/var/lib/pabx-shipper": f"{theirs} 40750",
        "/var/log/pabx-shipper.log": f"{root} 100640",
    }
    grants = sorted(line for (line,) in pbx.ask("SHOW GRANTS FOR shipper@'127.0.0.1'"))
    assert [line.partition(" TO ")[0] for line in grants] == [
        "GRANT SELECT ON `asterisk`.`trunks`",
        "GRANT SELECT ON `asteriskcdrdb`.`cdr`",
        "GRANT USAGE ON *.*",
    ]
    custom = box.read("/etc/asterisk/manager_custom.conf")
    assert custom.startswith(CUSTOM + "\n")
    assert (
        "permit = 127.0.0.1/255.255.255.255\nread = call,cdr,system,agent,security\nwrite = reporting"
        in custom
    )
    assert now["/etc/asterisk/manager_custom.conf"].split()[1] == "100664"
    assert "manager reload" in box.read("/run/asterisk-console")

    with FakeAmi(pbx.ami_port, secret=pbx.secret(), read=",".join(READ)) as ami:
        until(lambda: ami.clients)
        until(lambda: rows(indices) == 1)
        again = pbx.install("--yes")
        assert "Nada a fazer" in again.stdout
        assert "Eventos do Asterisk (AMI)    certo" in again.stdout
        rehearsed = pbx.install("--dry-run")
        assert ("nada foi mudado" in rehearsed.stdout, "apague" in rehearsed.stdout) == (True, False)
        assert "Agora apague /root/Loja001.zip" in again.stdout
        verified = pbx.shipper("verify")
        assert "Envio para a central         certo\n" in verified.stdout
        assert verified.stdout.endswith("Tudo certo: as chamadas desta loja vão para a central.\n")
        unchanged = box.listing()
        for path in now.keys() | unchanged.keys():
            if not path.startswith(("/var/lib/pabx-shipper/", "/var/log/")):
                assert now.get(path) == unchanged.get(path), path

    killed = pbx.pid()
    box.run("kill", "-9", str(killed))
    off = pbx.shipper("verify", check=False)
    assert (off.returncode, "O agente está DESLIGADO.\n" in off.stdout) == (1, True)
    assert "O que fazer: sudo shipper keep-alive" in off.stdout
    pbx.call(2)
    both = [box.start("/usr/local/bin/shipper", "keep-alive") for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    alive = until(pbx.pid)
    assert alive != killed
    pbx.shipper("keep-alive")  # one runs: nothing is done
    assert pbx.pid() == alive
    assert box.run("pgrep", "-c", "-f", "shipper.pyz run").stdout.strip() == "1"
    until(lambda: rows(indices) == 2)

    # As the Windows task calls it, for ever; and the log does not grow for ever.
    box.run("kill", "-9", str(alive))
    box.run("sh", "-c", "head -c 5000000 /dev/zero >>/var/log/pabx-shipper.log")
    staying = box.start("/usr/local/bin/shipper", "keep-alive", "--stay")
    until(lambda: pbx.pid() not in (0, alive))
    box.run("pkill", "-f", "keep-alive --stay")
    assert staying.wait(30) == 0
    assert pbx.pid()
    assert int(box.run("stat", "-c", "%s", "/var/log/pabx-shipper.log").stdout) < 1_000_000

    box.write("/root/next.pyz", agent("0.2.0"))
    assert "Pronto: o agente 0.2.0" in pbx.shipper("upgrade", "/root/next.pyz").stdout
    assert pbx.shipper("--version").stdout == "shipper 0.2.0\n"
    told = report(pbx)
    assert (told["from"], told["to"], told["state"], told["message"]) == ("0.1.0", "0.2.0", "done", "")
    assert "Nada a fazer" in pbx.shipper("upgrade", "/root/next.pyz").stdout

    for version, broken, said in (
        ("0.3.0", broken_in("run"), "broken on purpose"),
        ("0.4.0", failing_check(), "shipper check, database: broken on purpose"),
    ):
        box.write("/root/broken.pyz", agent(version, broken))
        failed = pbx.shipper("upgrade", "/root/broken.pyz", check=False)
        assert (failed.returncode, f"{version} não serve" in failed.stderr) == (1, True), failed
        assert pbx.shipper("--version").stdout == "shipper 0.2.0\n"
        told = report(pbx)
        assert (told["from"], told["to"], told["state"]) == ("0.2.0", version, "rolled_back")
        assert said in told["message"]
        assert pbx.pid()

    assert box.run("ls", "/opt/pabx-shipper/versions").stdout.split() == ["0.1.0", "0.2.0"]
    assert pbx.shipper("upgrade", "/root/shipper.pyz", check=False).returncode == 2  # it is older
    assert "0.1.0 voltou" in pbx.shipper("rollback").stdout
    assert pbx.shipper("--version").stdout == "shipper 0.1.0\n"
    told = report(pbx)
    assert (told["to"], told["state"], told["message"]) == ("0.2.0", "rolled_back", "put back by hand")
    assert "não há versão anterior" in pbx.shipper("rollback", check=False).stderr
    pbx.call(3)
    until(lambda: rows(indices) == 3)

    until(lambda: pbx.shipper("verify", check=False).stdout.count("Esperando envio: 0 documentos."))
    gone = pbx.shipper("uninstall", "--yes")
    assert gone.stdout.startswith("Loja Loja001. Vou fazer:\n")
    assert "Tudo o que foi lido já foi enviado." in gone.stdout
    assert gone.stdout.rstrip().endswith("Pronto: o agente foi removido.")
    box.run("rm", "/root/next.pyz", "/root/broken.pyz")
    after = box.listing()
    differs = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert differs <= BACKUPS
    assert (pbx.users(), pbx.pid()) == (users, 0)
    assert box.read("/etc/asterisk/manager_custom.conf") == CUSTOM


def rows(cluster: OpenSearchCluster) -> int:
    cluster.request("POST", "/pabx-cdr-*/_refresh?ignore_unavailable=true")
    count: int = cluster.request("GET", "/pabx-cdr-*/_count?ignore_unavailable=true")["count"]
    return count
