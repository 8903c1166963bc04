"""A store as head office makes it: its own bundle by one command, then upgrades from a real door."""

import json
from pathlib import Path

import pytest

from central.gate import gate as making
from central.gate.render import StoreFacts
from central.stores import bundle
from central.upgrades.artefact import Artefact
from tests.deploy.linux.pbx import STORE, Pbx, agent, broken_in
from tests.gate.running import now
from tests.gate.upgrading import Office

pytestmark = pytest.mark.timeout(900)  # the first run makes the tree


def test_a_store_fetches_upgrades_and_goes_back(pbx: Pbx, artefact: bytes, tmp_path: Path) -> None:
    office = Office(tmp_path / "office")
    office.open()
    try:
        token = making.credit(office.folder, [STORE], now(), renew=False)[STORE].token
        files = making.store_files(office.folder, StoreFacts(STORE), token, now(), installed=True)
        text = files["shipper.toml"].replace("[cdr]\n", f"[cdr]\nport = {pbx.database_port}\n")
        members = {
            **bundle.installers(),
            "shipper.pyz": artefact,
            **{name: content.encode() for name, content in {**files, "shipper.toml": text}.items()},
            "upgrade.pub": office.folder.read("upgrade.pub").encode(),
        }
        pbx.box.write("/root/Loja001.zip", bundle.packed(members))
        installed = pbx.box.run("python3", "/root/Loja001.zip", "--yes")
        assert "O agente está ligado." in installed.stdout
        assert "Nada a fazer: nenhuma versão nova." in pbx.shipper("upgrade", "--fetch").stdout

        office.publish(Artefact(agent("0.2.0", broken_in("run")), "0.2.0"))
        failed = pbx.shipper("upgrade", "--fetch", check=False)
        assert (failed.returncode, "0.1.0 continua em uso" in failed.stderr) == (1, True)
        told = json.loads(pbx.box.read("/var/lib/pabx-shipper/upgrade.json"))
        assert (told["from"], told["to"], told["state"]) == ("0.1.0", "0.2.0", "rolled_back")
        assert "Nada a fazer" in pbx.shipper("upgrade", "--fetch").stdout  # the same is not tried again

        office.publish(Artefact(agent("0.3.0"), "0.3.0"))
        pbx.shipper("upgrade", "--fetch")
        assert pbx.shipper("--version").stdout == "shipper 0.3.0\n"
        told = json.loads(pbx.box.read("/var/lib/pabx-shipper/upgrade.json"))
        assert (told["from"], told["to"], told["state"]) == ("0.1.0", "0.3.0", "done")

        # Who goes back by hand is not upgraded to it again within the hour.
        pbx.shipper("rollback")
        assert "Nada a fazer" in pbx.shipper("upgrade", "--fetch").stdout
        assert pbx.shipper("--version").stdout == "shipper 0.1.0\n"
    finally:
        office.close()
