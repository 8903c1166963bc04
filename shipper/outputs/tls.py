"""TLS settings and what their failures mean."""

import ssl
from pathlib import Path

from shipper.errors import OutputError

_EXPIRED, _NOT_YET = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID
_NO_TLS = ("WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
_OURS = ("CERTIFICATE", "UNKNOWN_CA")


def context(ca_file: str, setting: str, certificate: str = "", key: str = "") -> ssl.SSLContext:
    """A client's TLS context, 1.2 at least: certificate and host name are always checked.

    Args:
        ca_file: PEM file of the authority that signed the server's certificate; empty for the system's.
        setting: Name of that setting, for the error.
        certificate: PEM file of our own certificate, for servers that ask for one; empty for none.
        key: PEM file of its key.

    Raises:
        OutputError: A file cannot be used; names it and its setting.
    """
    try:
        made = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        reason = "no PEM certificates in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise OutputError(
            f"{setting} {ca_file} cannot be used ({reason})",
            f"put the CA's certificate there (openssl x509 -in {ca_file} -noout -text shows it)",
            permanent=True,
        ) from error
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        _show(made, certificate, key, setting.rpartition(".")[0])
    return made


def _show(made: ssl.SSLContext, certificate: str, key: str, section: str) -> None:
    """Show our own certificate to a server that asks."""
    names = {"client_certificate": certificate, "client_certificate_key": key}
    for name, file in names.items():
        try:
            Path(file).open("rb").close()  # OpenSSL's error does not say which of the two it is
        except OSError as error:
            raise OutputError(
                f"{section}.{name} {file} cannot be read ({error.strerror})",
                f"run: ls -l {file}",
                permanent=True,
            ) from None
    try:
        # Without a password of ours OpenSSL would ask on the terminal, and wait.
        made.load_cert_chain(certificate, key, password="")
    except OSError as error:
        mismatch = "KEY_VALUES_MISMATCH" in str(error)
        reason = (
            "it is not the certificate's key" if mismatch else "no PEM of a certificate and its plain key"
        )
        raise OutputError(
            f"{section}.client_certificate_key {key} does not fit {section}.client_certificate "
            f"{certificate} ({reason})",
            "put both there as head office made them; the key must not have a passphrase",
            permanent=True,
        ) from None


def rejected(error: ssl.SSLError, where: str, setting: str) -> OutputError:
    """The output error behind a failed handshake.

    Args:
        error: What OpenSSL says.
        where: The server.
        setting: Name of the setting of its authority.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrusted(error, where, setting)
    reason = str(error.reason or error)
    section = setting.rpartition(".")[0]
    if "ALERT" in reason and any(word in reason for word in _OURS):
        return OutputError(
            f"{where} asks for a client certificate that it knows and is valid ({reason})",
            f"set {section}.client_certificate and client_certificate_key to what head office made",
            permanent=True,
        )
    if reason in _NO_TLS:
        reason = f"it does not speak TLS there, or ended the connection: {reason}"
    return OutputError(f"no TLS with {where} ({reason})", "is the port right, and does it speak TLS there?")


def _distrusted(error: ssl.SSLCertVerificationError, where: str, setting: str) -> OutputError:
    if error.verify_code == _EXPIRED:
        return OutputError(
            f"the certificate of {where} has expired",
            "head office must renew it; or is this machine's clock ahead (date -u)?",
            permanent=True,
        )
    if error.verify_code == _NOT_YET:
        return OutputError(
            f"the certificate of {where} is not yet valid",
            "this machine's clock is behind (date -u), or the certificate was made for later",
            permanent=True,
        )
    return OutputError(
        f"the certificate of {where} was rejected ({error.verify_message})",
        f"set {setting} to the CA that signed it, and use a host name that it was made for",
        permanent=True,
    )
