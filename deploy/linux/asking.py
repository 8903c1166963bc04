"""Gets files from head office's door, with the store's credential, and never more bytes than are allowed."""

import http.client
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from deploy.linux.remembered import OfferError
from shipper.config import ForwardSettings
from shipper.outputs import tls

PROTOCOL: Final = "http/1.1"
"""Offered in the TLS handshake: by it the door tells this from the way of the documents."""
TIMEOUT_SECONDS: Final = 60.0
_AGAIN: Final = "it is tried again in an hour; shipper check says whether the way to head office works"
_SETTING: Final = "output.forward.ca_file"


class BrokenOffError(Exception):
    """An answer that is not whole, or too long."""


@dataclass(frozen=True)
class Door:
    """Head office's door.

    Attributes:
        forward: where it is, and who asks.
    """

    forward: ForwardSettings

    @property
    def where(self) -> str:
        """Host and port."""
        return f"{self.forward.host}:{self.forward.port}"

    def read(self, path: str, most: int) -> bytes | None:
        """A file; None: there is none for this store.

        Args:
            path: of it.
            most: bytes that it may have.

        Raises:
            OfferError: the way there, or the log-in.
            BrokenOffError: what came is not whole, or longer.
        """
        with self._asked(path) as response:
            if response.status == http.client.NOT_FOUND:
                return None
            self._require_ok(response.status)
            try:
                found = response.read(most + 1)
            except (OSError, http.client.HTTPException) as error:
                raise BrokenOffError(f"{path}: it broke off ({_words(error)})") from error
            if len(found) > most:
                raise BrokenOffError(f"{path}: more than the {most} bytes came that it may have")
            if response.length:
                raise BrokenOffError(f"{path}: it broke off after {len(found)} bytes")
            return found

    @contextmanager
    def _asked(self, path: str) -> Iterator[http.client.HTTPResponse]:
        forward = self.forward
        context = tls.context(
            forward.ca_file, _SETTING, forward.client_certificate, forward.client_certificate_key
        )
        context.set_alpn_protocols([PROTOCOL])
        login = b64encode(f"{forward.username}:{forward.password}".encode()).decode("ascii")
        connection = http.client.HTTPSConnection(
            forward.host, forward.port, timeout=TIMEOUT_SECONDS, context=context
        )
        try:
            connection.connect()
            self._require_files(connection)
            connection.request("GET", path, headers={"Authorization": f"Basic {login}"})
            with connection.getresponse() as response:
                yield response
        except ssl.SSLError as error:
            raise OfferError(tls.rejected(error, self.where, _SETTING).problem, _AGAIN) from error
        except (OSError, http.client.HTTPException) as error:
            raise OfferError(f"{self.where} cannot be asked for it ({_words(error)})", _AGAIN) from error
        finally:
            connection.close()

    def _require_files(self, connection: http.client.HTTPSConnection) -> None:
        spoken = getattr(connection.sock, "selected_alpn_protocol", lambda: None)()
        if spoken != PROTOCOL:
            raise OfferError(
                f"{self.where} serves no upgrades",
                "head office needs central gate serve of this version (docs/upgrades.md)",
            )

    def _require_ok(self, status: int) -> None:
        if status == http.client.UNAUTHORIZED:
            raise OfferError(
                f"{self.where} does not know {self.forward.username} with this token",
                "ask head office for a new bundle",
            )
        if status != http.client.OK:
            raise OfferError(f"{self.where} answers {status} when asked for an upgrade", _AGAIN)


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
