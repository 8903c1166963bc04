"""The configuration that is made on the machine because it holds something secret; pure functions.

All of it is JSON, which is YAML too.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

ADMIN, SERVER, GATE, ROUTINE = "admin", "kibanaserver", "gate", "routine"
"""Users of the cluster. Security has a role for the server of Dashboards, by this name of its user."""
BACKEND_ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    ADMIN: ("admin",),
    SERVER: (),
    GATE: ("pabx_ingest",),
    ROUTINE: ("pabx_maintainer",),
}
"""`central install` maps each of its roles to the backend role of its own name (docs/security.md)."""
_VERSION: Final = 2


def security(hashes: Mapping[str, str]) -> dict[str, str]:
    """Security's files, from which a new cluster takes its users: none of the ones that it is shipped with.

    Args:
        hashes: bcrypt hash of each user's password.

    Returns:
        Text by file name.
    """
    users = {
        user: {"hash": hashes[user], "reserved": user == SERVER, "backend_roles": list(roles)}
        for user, roles in BACKEND_ROLES.items()
    }
    # Left out on purpose: own_index, which gives each user all rights on an index of the user's name.
    mapping: dict[str, Any] = {
        "all_access": {"reserved": False, "backend_roles": ["admin"]},
        "kibana_server": {"reserved": True, "users": [SERVER]},
    }
    basic = {
        "http_enabled": True,
        "transport_enabled": True,
        "order": 0,
        "http_authenticator": {"type": "basic", "challenge": True},
        "authentication_backend": {"type": "intern"},
    }
    # One set of dashboards for all: with tenants, whoever logs in would look into an empty one of their own.
    dynamic = {
        "kibana": {"multitenancy_enabled": False, "server_username": SERVER},
        "http": {"anonymous_auth_enabled": False},
        "authc": {"basic_internal_auth_domain": basic},
        "authz": {},
    }
    audit = {"enabled": False, "audit": {}, "compliance": {"enabled": False}}
    bodies = {
        "internalusers": ("internal_users", users),
        "rolesmapping": ("roles_mapping", mapping),
        "config": ("config", {"config": {"dynamic": dynamic}}),
        "roles": ("roles", {}),
        "actiongroups": ("action_groups", {}),
        "tenants": ("tenants", {}),
        "nodesdn": ("nodes_dn", {}),
        "allowlist": ("allowlist", {"config": {"enabled": False, "requests": {}}}),
        "audit": ("audit", {"config": audit}),
    }
    return {
        f"{name}.yml": _json({"_meta": {"type": kind, "config_version": _VERSION}, **body})
        for kind, (name, body) in bodies.items()
    }


def dashboards(password: str, cookie: str, folder: str) -> str:
    """Configuration of OpenSearch Dashboards.

    Args:
        password: of its user in the cluster.
        cookie: secret of its sessions, 32 characters at least.
        folder: where it finds `ca.pem`.
    """
    return _json(
        {
            "server.host": "0.0.0.0",  # noqa: S104  # of its own container; compose.yaml publishes it
            "opensearch.hosts": ["https://search:9200"],
            "opensearch.ssl.certificateAuthorities": [f"{folder}/ca.pem"],
            "opensearch.ssl.verificationMode": "full",
            "opensearch.username": SERVER,
            "opensearch.password": password,
            "opensearch.requestHeadersAllowlist": ["authorization", "securitytenant"],
            # Else a line for each request, that of the health check too.
            "logging.quiet": True,
            "opensearch_security.multitenancy.enabled": False,
            "opensearch_security.cookie.password": cookie,
            "opensearch_security.cookie.secure": False,
        }
    )


def _json(value: Any) -> str:
    lines = json.dumps(value, indent=1, ensure_ascii=False)
    return lines + "\n"
