"""What may be in the way of an installation: it is named with what mends it, and the same command goes on."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.deploy.linux.pbx import Pbx, agent, agent_source, broken_in, settings

pytestmark = pytest.mark.timeout(900)  # the first run makes the tree
NOWHERE = "http://127.0.0.1:1"
"""Head office that is not there: the agent is started all the same."""


def installed(done: "subprocess.CompletedProcess[str]") -> bool:
    return done.returncode == 0 and "O agente está ligado." in done.stdout


SLOW_CHECK = """
import sys, time
if "check" in sys.argv[1:2]:
    open("/tmp/checking", "w").close()
    time.sleep(60)
from shipper.real_cli import main
"""


def cut_at_the_check(pbx: Pbx) -> None:
    """Install, and end the installer while it checks: Ctrl-C, a closed window, or a power cut."""
    pbx.box.run("rm", "-f", "/tmp/checking")
    command = ("python3", "/root/shipper.pyz", "install", "--bundle", "/root/Loja001.zip", "--yes")
    running = pbx.box.start(*command)
    deadline = time.monotonic() + 60
    while pbx.box.run("test", "-e", "/tmp/checking", check=False).returncode:
        assert time.monotonic() < deadline, "it does not come to the check"
        assert running.poll() is None, "it ended before the check"
        time.sleep(0.1)
    pbx.box.run("pkill", "-9", "-f", "install --bundle")
    running.wait(30)


def test_nothing_runs_that_was_not_checked(pbx: Pbx) -> None:
    """The installer is killed at its check, on a new machine and on one that runs; then cron comes."""
    box = pbx.box
    slow = agent(changed={"shipper/real_cli.py": agent_source(), "shipper/cli.py": SLOW_CHECK})
    pbx.call(1)
    wrong = settings(pbx, NOWHERE).replace('area_code = "11"', 'timezone = "Asia/Tokyo"')
    pbx.give(slow, wrong)
    cut_at_the_check(pbx)
    assert "keep-alive" in box.read("/etc/cron.d/pabx-shipper")

    def refused(*words: str) -> str:
        done = pbx.shipper(*words, check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False), done
        return done.stderr

    for words in (("keep-alive",), ("rollback",), ("upgrade", "/root/shipper.pyz")):
        assert "a instalação não terminou; rode de novo" in refused(*words)
    assert pbx.pid() == 0

    # The same command again goes on, and sees what is wrong; cron's minute changes nothing then either.
    newer = agent("0.1.1")
    pbx.give(newer, wrong)  # a newer one in the place of one that never ran
    held = pbx.install("--yes", check=False)
    assert (held.returncode, "o agente não foi ligado" in held.stderr) == (1, True)
    assert "de propósito: o fuso horário está errado" in refused("keep-alive")
    verified = pbx.shipper("verify", check=False)
    assert verified.returncode == 1
    assert "Fuso horário                 NÃO FUNCIONA" in verified.stdout
    assert "DESLIGADO de propósito, por causa do fuso horário" in verified.stdout
    english = pbx.shipper("verify", "--language", "en", check=False).stdout
    assert "The agent is OFF on purpose, because of the time zone" in english
    assert pbx.pid() == 0

    # The right file: it runs. Then a wrong one over it, killed at the check: the old process goes on as it
    # was, and once it has ended nothing starts it with settings that nobody checked.
    right = settings(pbx, NOWHERE)
    pbx.give(newer, right)
    assert installed(pbx.install("--yes"))
    running = pbx.pid()
    assert "NÃO FUNCIONA" in pbx.shipper("verify", check=False).stdout  # head office is away
    slow = agent("0.1.1", {"shipper/real_cli.py": agent_source(), "shipper/cli.py": SLOW_CHECK})
    pbx.give(slow, wrong)
    cut_at_the_check(pbx)
    assert 'timezone = "Asia/Tokyo"' in box.read("/etc/pabx-shipper/shipper.toml")
    pbx.shipper("keep-alive", check=False)
    assert pbx.pid() == running
    box.run("kill", "-9", str(running))
    assert "a instalação não terminou" in refused("keep-alive")
    assert pbx.pid() == 0
    pbx.give(newer, right)
    assert installed(pbx.install("--yes"))
    assert box.run("test", "-e", "/opt/pabx-shipper/held", check=False).returncode == 1

    # A rehearsal of a wrong one stops nothing, and leaves nothing behind.
    box.run(
        "sh",
        "-c",
        "rm /run/pabx-shipper.lock; sed -i 's|^area_code.*|timezone = \"Asia/Tokyo\"|'"
        " /etc/pabx-shipper/shipper.toml",
    )
    running = pbx.pid()
    rehearsed = pbx.install("--dry-run", check=False)
    assert (rehearsed.returncode, "o agente seria desligado" in rehearsed.stderr) == (1, True), rehearsed
    assert pbx.pid() == running
    assert "keep-alive" in box.read("/etc/cron.d/pabx-shipper")
    assert box.run("test", "-e", "/run/pabx-shipper.lock", check=False).returncode == 1


def test_what_is_wrong_before_anything_is_written(pbx: Pbx, artefact: bytes) -> None:
    box = pbx.box
    pbx.give(artefact, settings(pbx, NOWHERE))
    before = box.listing()

    def refused(*words: str, **given: str) -> str:
        done = pbx.install("--yes", *words, check=False, **given)
        assert done.returncode in (1, 2), done
        assert "Traceback" not in done.stderr
        return done.stderr

    # Not root.
    box.write("/tmp/shipper.pyz", artefact)
    nobody = ("setpriv", "--reuid=nobody", "--clear-groups")
    done = box.run(*nobody, "python3", "/tmp/shipper.pyz", "install", "--bundle", "/tmp/x.zip", check=False)
    assert done.returncode == 2
    assert done.stderr == "shipper: isto precisa ser feito como root; ponha sudo na frente do comando\n"

    # The bundle.
    assert "/root/Loja002.zip não pode ser lido" in refused(bundle="/root/Loja002.zip")
    box.write("/root/torn.zip", b"PK\x03\x04 torn")
    assert "/root/torn.zip está danificado" in refused(bundle="/root/torn.zip")
    box.run("rm", "/root/torn.zip")

    # MariaDB: away, without FreePBX's table, or closed to root.
    pbx.ask("RENAME TABLE asteriskcdrdb.cdr TO asteriskcdrdb.other")
    assert "não tem a tabela asteriskcdrdb.cdr" in refused()
    pbx.ask("RENAME TABLE asteriskcdrdb.other TO asteriskcdrdb.cdr")
    pbx.ask("CREATE USER poor@localhost IDENTIFIED BY 'poor'")
    box.write("/root/admin.cnf", "[client]\nuser=poor\npassword=poor\n")
    poor = refused("--database-admin-file", "/root/admin.cnf")
    assert "recusou o usuário poor (erro 1142); confira em /root/admin.cnf" in poor
    box.write("/root/admin.cnf", "nothing\n")
    assert "escreva [client]" in refused("--database-admin-file", "/root/admin.cnf")
    pbx.ask("DROP USER poor@localhost")
    box.run("rm", "/root/admin.cnf")
    pbx.stop_database()
    assert "service mariadb start" in refused()
    pbx.start_database()

    # A command of that name that is somebody else's; Asterisk that is not here.
    box.write("/usr/local/bin/shipper", "#!/bin/sh\n", mode="0755")
    assert "/usr/local/bin/shipper já existe" in refused()
    box.run("rm", "/usr/local/bin/shipper")
    box.run("mv", "/etc/asterisk", "/etc/asterisk.away")
    assert "--no-ami" in refused()
    box.run("mv", "/etc/asterisk.away", "/etc/asterisk")

    now = box.listing()
    assert {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)} <= {"/root"}


def test_a_failure_half_way_and_the_same_command_again(pbx: Pbx, artefact: bytes) -> None:
    """A directory that cannot be written: on a machine, a disk that is full or read-only."""
    box = pbx.box
    pbx.give(artefact, settings(pbx, NOWHERE))
    box.run("cp", "-a", "/etc/asterisk", "/etc/asterisk.copy")
    box.run("mount", "-t", "tmpfs", "tmpfs", "/etc/asterisk")
    box.run("sh", "-c", "cp -a /etc/asterisk.copy/* /etc/asterisk; mount -o remount,ro /etc/asterisk")
    done = pbx.install("--yes", check=False)
    assert done.returncode == 1
    assert "mount -o remount,rw /etc/asterisk, e rode o mesmo comando de novo" in done.stderr
    password = box.read("/etc/pabx-shipper/cdr.password")
    box.run("umount", "/etc/asterisk")
    again = pbx.install("--yes")
    assert installed(again)
    assert "criar o usuário do sistema" not in again.stdout  # was done the first time
    assert box.read("/etc/pabx-shipper/cdr.password") == password
    assert pbx.pid()

    # Another store's bundle on this machine.
    pbx.give(artefact, settings(pbx, NOWHERE, store="Loja002"))
    other = pbx.install("--yes", check=False)
    assert (other.returncode, "já é a loja Loja001" in other.stderr) == (2, True)
    assert installed(pbx.install("--yes", "--replace"))
    assert 'id = "Loja002"' in box.read("/etc/pabx-shipper/shipper.toml")
    assert "spool.db.of-Loja001" in box.run("ls", "/var/lib/pabx-shipper").stdout

    # Settings that somebody edited are kept beside those of a new bundle.
    edited = box.read("/etc/pabx-shipper/shipper.toml") + "# by hand\n"
    box.write("/etc/pabx-shipper/shipper.toml", edited, mode="0640")
    assert "Nada a fazer" in pbx.install("--yes").stdout
    pbx.give(artefact, settings(pbx, NOWHERE, store="Loja002") + "# newer\n")
    assert "guardar as suas alterações" in pbx.install("--yes").stdout
    assert box.read("/etc/pabx-shipper/shipper.toml.edited") == edited
    assert box.read("/etc/pabx-shipper/shipper.toml").endswith("# newer\n")


def test_what_somebody_made_by_hand_before(pbx: Pbx, artefact: bytes) -> None:
    box = pbx.box
    pbx.ask("CREATE USER shipper@'127.0.0.1' IDENTIFIED BY 'by hand'")
    pbx.ask("GRANT ALL ON asteriskcdrdb.* TO shipper@'127.0.0.1'")
    custom = "[shipper]\nsecret = by-hand\nread = all\n"
    box.write("/etc/asterisk/manager_custom.conf", custom)
    pbx.give(artefact, settings(pbx, NOWHERE), upgrade_pub=b"of head office\n")
    done = pbx.install("--yes")
    assert installed(done)
    assert "já existe: trocar a senha" in done.stdout
    assert box.read("/etc/pabx-shipper/ami.secret") == "by-hand\n"
    assert box.read("/etc/asterisk/manager_custom.conf") == custom
    grants = {line.partition(" TO ")[0] for (line,) in pbx.ask("SHOW GRANTS FOR shipper@'127.0.0.1'")}
    assert grants == {
        "GRANT USAGE ON *.*",
        "GRANT SELECT ON `asteriskcdrdb`.`cdr`",
        "GRANT SELECT ON `asterisk`.`trunks`",
    }
    # The bundle has the key of upgrades: cron asks for them, in this store's own minute.
    minute = box.read("/etc/cron.d/pabx-shipper").splitlines()[-1]
    assert minute.split()[1:5] == ["*", "*", "*", "*"]
    assert "shipper upgrade --fetch" in minute
    fetched = pbx.shipper("upgrade", "--fetch", check=False)  # this store does not send through the gate
    assert (fetched.returncode, "upgrades come through head office's gate" in fetched.stderr) == (1, True)

    # A wrong clock would date all calls wrongly: such an agent is not started.
    pbx.call(1)
    pbx.give(artefact, settings(pbx, NOWHERE).replace('area_code = "11"', 'timezone = "Asia/Tokyo"'))
    held = pbx.install("--yes", check=False)
    assert (held.returncode, "o agente não foi ligado" in held.stderr) == (1, True)
    assert "Fuso horário                 NÃO FUNCIONA" in held.stdout
    assert pbx.pid() == 0
    assert box.run("ls", "/etc/cron.d").stdout.split() == ["e2scrub_all"]
    assert box.read("/var/log/pabx-shipper.log")  # what it said stays for support


def test_without_the_rights_to_make_users(pbx: Pbx, artefact: bytes) -> None:
    box = pbx.box
    pbx.give(artefact, settings(pbx, NOWHERE))
    users = pbx.users()
    held = pbx.install("--yes", "--no-database", "--no-ami", check=False)
    assert (held.returncode, "Banco de dados do PABX       NÃO FUNCIONA" in held.stdout) == (1, True)
    assert "O MariaDB está ligado, mas recusou o agente" in held.stdout
    assert "cdr.password, vazio: a senha é posta à mão" in held.stdout
    assert "o agente não foi ligado: sem o banco, o fuso horário não foi conferido" in held.stderr
    assert pbx.shipper("keep-alive", check=False).returncode == 1
    assert pbx.pid() == 0
    assert pbx.users() == users
    pbx.ask("CREATE USER shipper@'127.0.0.1' IDENTIFIED BY 'by hand'")
    pbx.ask("GRANT SELECT ON asteriskcdrdb.cdr TO shipper@'127.0.0.1'")
    box.run("sh", "-c", "echo 'by hand' >/etc/pabx-shipper/cdr.password")
    assert installed(pbx.install("--yes", "--no-database", "--no-ami"))
    assert "[shipper]" not in box.read("/etc/asterisk/manager_custom.conf")

    # Settings that were checked once may wait for a database that comes back.
    pbx.ask("ALTER USER shipper@'127.0.0.1' IDENTIFIED BY 'another'")
    waits = pbx.install("--yes", "--no-database", "--no-ami", check=False)
    assert (waits.returncode, "está ligado, mas nada é enviado" in waits.stderr) == (1, True)
    assert pbx.pid()
    pbx.ask("ALTER USER shipper@'127.0.0.1' IDENTIFIED BY 'by hand'")

    # A newer bundle is an upgrade; an older one leaves the newer version alone.
    pbx.give(agent("0.2.0"), settings(pbx, NOWHERE))
    upgraded = pbx.install("--yes", "--no-database", "--no-ami")
    assert "atualizar o agente de 0.1.0 para 0.2.0" in upgraded.stdout
    assert pbx.shipper("--version").stdout == "shipper 0.2.0\n"
    pbx.give(artefact, settings(pbx, NOWHERE))
    older = pbx.install("--yes", "--no-database", "--no-ami")
    assert "O agente instalado (0.2.0) é mais novo que o do arquivo (0.1.0) e fica." in older.stdout
    assert pbx.shipper("--version").stdout == "shipper 0.2.0\n"

    # The power went in the middle of an upgrade to a version that does not start: the old one comes back.
    box.write("/opt/pabx-shipper/versions/0.2.0/shipper.pyz", agent("0.2.0", broken_in("run")), mode="0755")
    box.write("/opt/pabx-shipper/upgrading.json", '{"from": "0.1.0", "to": "0.2.0"}')
    box.run("kill", "-9", str(pbx.pid()))
    assert "0.1.0 voltou" in pbx.shipper("keep-alive").stdout
    assert pbx.shipper("--version").stdout == "shipper 0.1.0\n"
    assert '"state": "rolled_back"' in box.read("/var/lib/pabx-shipper/upgrade.json")
    assert pbx.pid()

    # In English, as head office's support reads it.
    gone = pbx.shipper("uninstall", "--yes", "--no-database", "--language", "en")
    assert gone.stdout.rstrip().endswith("Done: the agent was removed.")
    assert not Path(f"/proc/{box.first}/root/opt/pabx-shipper").exists()
