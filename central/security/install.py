"""Sets the roles up: reads what the cluster has, and sends only what differs."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from opensearchpy import OpenSearch, exceptions

from central.assets import Bodies
from central.client import Connection, translated
from central.errors import CentralError
from central.plan import Action, Step
from central.security.wanted import ROLE, steps


class NoSecurityError(Exception):
    """The cluster has no OpenSearch Security, or it is turned off."""


def plan(client: OpenSearch, connection: Connection, roles: Bodies) -> list[Step]:
    """List every role and its mapping, and what has to be done with it.

    Raises:
        NoSecurityError: there is nothing to set up.
        CentralError: the cluster cannot be read, or the user may not set up roles.
    """
    with translated(connection, "reading roles"):
        try:
            return steps(roles, client.security.get_roles(), client.security.get_role_mappings())
        except exceptions.RequestError as error:
            if "no handler found" not in str(error.error):
                raise
            raise NoSecurityError from error
        except exceptions.AuthorizationException as error:
            raise _left_out(connection, list(roles), error) from error


def apply(client: OpenSearch, connection: Connection, step: Step, left: Sequence[str]) -> None:
    """Do one step.

    Args:
        client: the cluster.
        connection: where it is, and who asks.
        step: one of `plan`'s.
        left: the roles that are not set up yet, this step's included.

    Raises:
        CentralError: the cluster refuses it.
    """
    if step.action is Action.UNCHANGED:
        return
    name = step.resource.name
    with translated(connection, str(step.resource)):
        try:
            if step.resource.kind == ROLE:
                client.security.create_role(role=name, body=step.body)
            else:
                client.security.create_role_mapping(role=name, body=step.body)
        except exceptions.AuthorizationException as error:
            raise _left_out(connection, left, error) from error


def _left_out(connection: Connection, roles: Sequence[str], error: exceptions.TransportError) -> CentralError:
    info: Any = error.info
    # Security's own interface answers {"status": ..., "message": ...}, not with an `error`.
    reason = info.get("message") if isinstance(info, dict) else None
    return CentralError(
        f"roles {', '.join(roles)} were left out: user {connection.user!r} may not set up roles "
        f"({reason or HTTPStatus.FORBIDDEN.phrase}): run central install as an administrator of OpenSearch "
        "Security; docs/security.md tells how else"
    )
