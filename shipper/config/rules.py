"""What a setting must satisfy beyond its type."""

import difflib
import zoneinfo
from urllib.parse import urlsplit

from shipper.config.settings import Config, ForwardSettings
from shipper.errors import ConfigError

STORE_ID_LENGTH = 64
PORTS = range(1, 65536)
DAY_SECONDS = 24 * 3600
YEAR_HOURS = 366 * 24
LOGIN_BYTES = 256
"""Of a user, password or key: a login has 1,023 bytes at most, a store's id 256."""


def check(config: Config, source: str) -> None:
    """Raise `ConfigError` for the first setting that cannot work."""
    _store(config, source)
    _cdr(config, source)
    _output(config, source)
    if config.privacy.mode == "hashed" and not config.privacy.key:
        raise ConfigError(
            f'{source}: privacy.mode is "hashed", but privacy.key is empty',
            "set privacy.key_file to the file with the chain's secret key",
        )
    if config.spool.max_mib < 1:
        raise ConfigError(f"{source}: spool.max_mib is {config.spool.max_mib}", "set at least 1 (MiB)")
    if not config.spool.path:
        raise ConfigError(f"{source}: spool.path is empty", "name a file on a local disk")
    if not 0 < config.agent.heartbeat_seconds <= DAY_SECONDS:
        raise ConfigError(
            f"{source}: agent.heartbeat_seconds is {config.agent.heartbeat_seconds:g}",
            f"set it above 0, at most {DAY_SECONDS}; usual: 30",
        )


def _store(config: Config, source: str) -> None:
    store = config.store
    if not store.id:
        raise ConfigError(f"{source}: store.id is missing", 'set it in [store], for example id = "Loja001"')
    if len(store.id) > STORE_ID_LENGTH or not all(c.isalnum() or c in "._-" for c in store.id):
        raise ConfigError(
            f"{source}: store.id is {store.id!r}", "use letters, digits, dot, dash and underscore, 64 at most"
        )
    if not (store.area_code == "" or (store.area_code.isascii() and store.area_code.isdigit())):
        raise ConfigError(
            f"{source}: store.area_code is {store.area_code!r}", 'write its digits alone, for example "11"'
        )
    known = zoneinfo.available_timezones()
    if store.timezone not in known:
        near = difflib.get_close_matches(store.timezone, sorted(known), n=1)
        hint = f"did you mean {near[0]}?" if near else "use an IANA name such as America/Sao_Paulo"
        raise ConfigError(f"{source}: store.timezone is {store.timezone!r}, no known zone", hint)


def _cdr(config: Config, source: str) -> None:
    cdr = config.cdr
    if cdr.port not in PORTS:
        raise ConfigError(f"{source}: cdr.port is {cdr.port}", "use 1 to 65535; MariaDB listens on 3306")
    if not 0 < cdr.poll_seconds <= DAY_SECONDS:
        raise ConfigError(
            f"{source}: cdr.poll_seconds is {cdr.poll_seconds:g}",
            f"set it above 0, at most {DAY_SECONDS}; usual: 5",
        )
    if not 0 < cdr.lookback_hours <= YEAR_HOURS:
        raise ConfigError(
            f"{source}: cdr.lookback_hours is {cdr.lookback_hours:g}",
            f"set it above 0, at most {YEAR_HOURS}; usual: 24",
        )
    if not cdr.host:
        raise ConfigError(f"{source}: cdr.host is empty", "name the database's host; usual: 127.0.0.1")
    for key, name in (("database", cdr.database), ("table", cdr.table)):
        if not name or "`" in name or "\0" in name:
            raise ConfigError(f"{source}: cdr.{key} is {name!r}", "FreePBX uses asteriskcdrdb and cdr")


def _output(config: Config, source: str) -> None:
    output = config.output
    if output.kind == "forward":
        _forward(output.forward, source)
        return
    try:
        url = urlsplit(output.opensearch.url)
        usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is no number, half an IPv6 address
        usable = False
    if not usable:
        raise ConfigError(
            f"{source}: output.opensearch.url is {_without_login(output.opensearch.url)!r}",
            "write it as https://host:9200",
        )
    if url.username or url.password:
        raise ConfigError(
            f"{source}: output.opensearch.url holds a user or password",
            "move them to output.opensearch.user and password_file",
        )


def _without_login(url: str) -> str:
    """A URL for a message: what stands before an @ may be a password."""
    scheme, mark, rest = url.rpartition("://")
    return f"{scheme}{mark}…@{rest.rpartition('@')[2]}" if "@" in rest else url


def _forward(forward: ForwardSettings, source: str) -> None:
    if not forward.host:
        raise ConfigError(
            f"{source}: output.forward.host is missing",
            'name the Fluent Bit of head office, or set output.kind = "opensearch"',
        )
    if forward.port not in PORTS:
        raise ConfigError(f"{source}: output.forward.port is {forward.port}", "use 1 to 65535")
    logins = {"username": forward.username, "password": forward.password, "shared_key": forward.shared_key}
    for name, text in logins.items():
        # Not the text itself: two of the three are secret.
        if (size := len(text.encode(errors="surrogatepass"))) > LOGIN_BYTES:
            raise ConfigError(
                f"{source}: output.forward.{name} has {size} bytes",
                f"at most {LOGIN_BYTES}: Fluent Bit reads no longer login",
            )
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ConfigError(f"{source}: output.forward.{name} is no UTF-8", "write it as UTF-8 text")
    if bool(forward.client_certificate) != bool(forward.client_certificate_key):
        missing = "client_certificate_key" if forward.client_certificate else "client_certificate"
        raise ConfigError(
            f"{source}: output.forward.{missing} is missing",
            "a certificate and its key belong together: set both, or none",
        )
    if forward.client_certificate and not forward.tls:
        raise ConfigError(
            f"{source}: output.forward.client_certificate is set, but output.forward.tls is false",
            "a client certificate is shown in TLS: set output.forward.tls = true, or leave it out",
        )
