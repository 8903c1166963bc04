"""What compose.yaml and the Dockerfiles promise, read from them: needs no Docker."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from shipper import __version__

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose"
FILES = {path.name: path for path in (COMPOSE / "docker").glob("*.Dockerfile")}
ONE_SHOT = {"setup", "install", "central", "demo-secrets", "demo-enrol"}
# Its image has neither shell nor client: `gate`, in the same network namespace, looks at it.
LOOKED_AT_BY_ANOTHER = {"fluent-bit"}
# Their makers' images write below their own folders, or change their user, when they start.
WRITES_ITS_ROOT = {"opensearch", "opensearch-2", "opensearch-3", "dashboards", "demo-database"}
OUR_IMAGES = {"pabx-central", "pabx-demo", "pabx-shipper"}
_DEFAULT = re.compile(r"\$\{[A-Z_]+(?::-([^}]*))?\}")


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def _plain(value: object) -> str:
    """With the defaults of its variables."""
    return _DEFAULT.sub(lambda found: found[1] or "", str(value))


COMPOSED = _load(COMPOSE / "compose.yaml")
AGENT = _load(COMPOSE / "docker" / "agent.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSED["services"]
ALL = {**SERVICES, "agent": AGENT["services"]["shipper"]}


@pytest.mark.parametrize("name", sorted(ALL))
def test_what_stays_is_looked_after_and_what_ends_does_not_come_back(name: str) -> None:
    service = ALL[name]
    if name in ONE_SHOT:
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert ("healthcheck" in service) != (name in LOOKED_AT_BY_ANOTHER)


@pytest.mark.parametrize("name", sorted(ALL))
def test_no_service_takes_the_whole_machine(name: str) -> None:
    service = ALL[name]
    assert re.fullmatch(r"\d+[mg]", _plain(service["mem_limit"]))
    assert 0 < float(service["cpus"]) <= 2
    assert 0 < service["pids_limit"] <= 4096
    assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}


@pytest.mark.parametrize("name", sorted(ALL))
def test_no_service_gains_rights(name: str) -> None:
    service = ALL[name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service.get("network_mode") != "host" or name == "agent"
    assert service.get("read_only", False) == (name not in WRITES_ITS_ROOT)
    if name != "demo-database":
        assert service["cap_drop"] == ["ALL"]
    added = set(service.get("cap_add", ()))
    assert added == ({"CHOWN", "DAC_OVERRIDE", "FOWNER"} if service.get("user") == "0:0" else set())
    assert (service.get("user") == "0:0") == (name in ONE_SHOT - {"install"})
    assert "/var/run/docker.sock" not in str(service)


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_image_has_a_version(name: str) -> None:
    image, _, tag = _plain(ALL[name]["image"]).rpartition(":")
    assert re.fullmatch(r"\d+\.\d+\.\d+", tag)
    if image in OUR_IMAGES:
        assert tag == __version__


def test_the_servers_are_the_measured_versions() -> None:
    images = {name: _plain(service["image"]) for name, service in SERVICES.items()}
    assert images["opensearch"] == "opensearchproject/opensearch:3.4.0"
    assert images["dashboards"] == "opensearchproject/opensearch-dashboards:3.4.0"
    assert images["fluent-bit"] == "fluent/fluent-bit:5.1.1"
    assert images["demo-database"] == "mariadb:11.4.5"


@pytest.mark.parametrize("name", sorted(FILES))
def test_an_image_is_built_of_locked_parts_and_runs_as_nobody(name: str) -> None:
    text = FILES[name].read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert bases[0] == "python:3.11.14-slim-bookworm"
    assert set(bases[1:]) <= set(re.findall(r" AS (\S+)", text))
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE)[-1] == "10001:10001"
    for install in re.findall(r"pip install[^&]*", text):
        assert "--require-hashes" in install
    assert "ADD " not in text
    assert not re.search(r"^ARG |ENV .*(PASSWORD|SECRET|TOKEN)", text, re.MULTILINE)


def test_no_secret_and_no_registry_stands_in_a_file() -> None:
    paths = [COMPOSE / "compose.yaml", *(COMPOSE / "docker").rglob("*"), ROOT / ".dockerignore"]
    for path in paths:
        if not path.is_file() or path.suffix in {".pyc", ".lock"}:
            continue
        text = path.read_text(encoding="utf-8")
        # A password is a file's name, or comes from a function; never a literal.
        assert not re.search(
            r"(?i)(password|secret|token)\w*\s*[:=]\s*['\"]?[A-Za-z0-9+/]{8,}['\"]?\s*$", text
        ), path
        assert not re.search(r"(?i)https?://(?!localhost|search:|dashboards:|127\.0\.0\.1|\{)", text), path
    for service in ALL.values():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN", variable):
                assert variable.endswith("_FILE")
                assert str(value).startswith(("/run/", "/etc/"))


def test_only_the_door_is_open_to_the_network() -> None:
    published = {
        name: [_plain(port) for port in service["ports"]]
        for name, service in ALL.items()
        if "ports" in service
    }
    assert published == {
        "opensearch": ["127.0.0.1:9200:9200"],
        "dashboards": ["127.0.0.1:5601:5601"],
        "gate": ["24224:24224"],
    }


def test_no_agent_reaches_the_cluster() -> None:
    assert set(SERVICES["demo-store-1"]["networks"]) == {"demo", "stores"}
    both = [
        name
        for name, service in SERVICES.items()
        if {"cluster", "stores"} <= set(service.get("networks", ()))
    ]
    assert both == ["gate"]


def _sources(service: dict[str, Any]) -> set[str]:
    return {
        volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
        for volume in service.get("volumes", ())
    }


def test_each_secret_is_mounted_by_whoever_needs_it_and_nobody_else() -> None:
    users = {
        volume: {name for name, service in SERVICES.items() if volume in _sources(service)}
        for volume in COMPOSED["volumes"]
    }
    assert users["authority"] == {"setup"}
    assert users["admin"] == {"setup", "install", "central", "demo-enrol"}
    assert users["routine"] == {"setup", "watch", "routine"}
    assert users["dashboards"] == {"setup", "dashboards"}
    assert users["gate"] == {"setup", "gate", "fluent-bit", "door", "central", "demo-enrol"}
    nodes = {"opensearch", "opensearch-2", "opensearch-3"}
    assert users["opensearch-certificates"] == users["opensearch-security"] == {"setup", *nodes}
    assert users["demo-1"] == {"demo-secrets", "demo-calls", "demo-enrol", "demo-store-1"}


def test_the_users_of_the_makers_image_do_not_come_along() -> None:
    """Docker fills an empty volume with what the image has at that place, before anything runs."""
    for name in ("opensearch", "opensearch-2", "opensearch-3"):
        (users,) = (one for one in SERVICES[name]["volumes"] if isinstance(one, dict))
        assert users["volume"] == {"nocopy": True}
        assert users["read_only"] is True
        assert SERVICES[name]["environment"]["DISABLE_INSTALL_DEMO_CONFIG"] == "true"


def test_all_nodes_are_alike_but_for_their_name_their_data_and_who_begins() -> None:
    first, second, third = (dict(SERVICES[name]) for name in ("opensearch", "opensearch-2", "opensearch-3"))
    begins = dict(first.pop("environment"))
    assert begins.pop("cluster.initial_cluster_manager_nodes") == "opensearch"
    for number, other in ((2, second), (3, third)):
        assert other.pop("profiles") == ["cluster"]
        assert other.pop("environment") == {**begins, "node.name": f"opensearch-{number}"}
        other["volumes"] = [str(one).replace(f"-data-{number}:", "-data:") for one in other["volumes"]]
    del first["ports"]
    first["volumes"] = [str(one) for one in first["volumes"]]
    assert first == second == third


def test_without_a_profile_it_is_head_office_with_one_node() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == {
        "setup", "opensearch", "dashboards", "install", "gate", "fluent-bit", "door", "watch", "routine",
    }  # fmt: skip


def test_every_setting_stands_in_the_example() -> None:
    text = (COMPOSE / "compose.yaml").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{([A-Z_]+)", text)) - {"COMPOSE_PROJECT_NAME"}
    example = (COMPOSE / "docker" / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#?(PABX_[A-Z_]+)=", example, re.MULTILINE)) == used
