"""docs/security.md: its commands are run, its tables are those of the files."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.central.security.secured import API, CALLS, ROLES, STORES, Secured
from tests.central.security.test_store_manager import SEARCHES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
USERS = {
    "gate": "pabx_ingest",
    "loja-direta": "pabx_agent",
    "ana": "pabx_operator",
    "bruno": "pabx_store_manager",
    "instalador": "pabx_installer",
    "rotina": "pabx_maintainer",
}


def test_every_role_is_explained() -> None:
    assert tuple(sorted(re.findall(r"^\| `(pabx_\w+)` \|", PAGE, re.MULTILINE))) == ROLES


@pytest.mark.servers
def test_every_command_does_what_the_page_says(filled: Secured, tmp_path: Path) -> None:
    node = filled.node
    assert len(COMMANDS) == 4
    netrc = tmp_path / "admin.netrc"
    netrc.write_text(f"machine {node.host} login {node.user} password {node.password}\n")
    (tmp_path / "admin.password").write_text(str(node.password))
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "OPENSEARCH_URL": node.url,
        "OPENSEARCH_CA_FILE": str(node.ca_file),
    }
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail"],
            input="".join(COMMANDS),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert node.request("GET", f"{API}/rolesmapping/own_index")["own_index"]["users"] == []
        for user, role in USERS.items():
            found = node.request("GET", f"{API}/internalusers/{user}")[user]
            assert found["backend_roles"] == [role]
            assert (tmp_path / f"{user}.password").stat().st_mode & 0o077 == 0
        bruno = (tmp_path / "bruno.password").read_text().strip()
        status, answer = filled.ask("bruno", "POST", f"/{CALLS}/_search", SEARCHES["terms"], password=bruno)
        buckets = [bucket["key"] for bucket in answer["aggregations"]["a"]["buckets"]]
        assert (status, buckets) == (200, [STORES[0], STORES[2]])
    finally:
        for user in USERS:
            node.request("DELETE", f"{API}/internalusers/{user}")
