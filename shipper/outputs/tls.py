"""TLS settings and what their failures mean."""

import ssl

from shipper.errors import OutputError


def context(ca_file: str, setting: str) -> ssl.SSLContext:
    """A client's TLS context: certificate and host name are always checked.

    Args:
        ca_file: PEM file of the authority that signed the server's certificate; empty for the system's.
        setting: Name of that setting, for the error.
    """
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        reason = "no PEM certificates in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise OutputError(
            f"{setting} {ca_file} cannot be used ({reason})",
            f"put the CA's certificate there (openssl x509 -in {ca_file} -noout -text shows it)",
            permanent=True,
        ) from error


def rejected(error: ssl.SSLError, where: str, setting: str) -> OutputError:
    """The output error behind a failed handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return OutputError(
            f"the certificate of {where} was rejected ({error.verify_message})",
            f"set {setting} to the CA that signed it, and use a host name that it was made for",
            permanent=True,
        )
    return OutputError(
        f"no TLS with {where} ({error.reason or error})", "is the port right, and does it speak TLS there?"
    )
