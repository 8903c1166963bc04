"""Every setting with its default; the dataclasses are the documentation of ``shipper.toml``."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """``[store]``: who this is, which clock its PBX runs by, and how its numbers are read."""

    id: str = ""
    timezone: str = "America/Sao_Paulo"
    country: str = "BR"
    area_code: str = ""
    trunks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CdrSettings:
    """``[cdr]``: the database that Asterisk writes its call detail records into."""

    host: str = "127.0.0.1"
    port: int = 3306
    user: str = "shipper"
    password: str = field(default="", repr=False)
    database: str = "asteriskcdrdb"
    table: str = "cdr"
    freepbx_database: str = "asterisk"
    poll_seconds: float = 5.0
    lookback_hours: float = 24.0


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """``[ami]``: the Asterisk Manager Interface."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 5038
    username: str = "shipper"
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ForwardSettings:
    """``[output.forward]``: a Fluent Bit or Fluentd that speaks the Forward protocol."""

    host: str = ""
    port: int = 24224
    tls: bool = True
    ca_file: str = ""
    shared_key: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    client_certificate: str = ""
    client_certificate_key: str = ""


@dataclass(frozen=True, slots=True)
class OpenSearchSettings:
    """``[output.opensearch]``: straight to a cluster."""

    url: str = "http://127.0.0.1:9200"
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """``[output]``: where the documents go."""

    kind: Literal["forward", "opensearch"] = "forward"
    forward: ForwardSettings = field(default_factory=ForwardSettings)
    opensearch: OpenSearchSettings = field(default_factory=OpenSearchSettings)


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """``[spool]``: the file between reading and acknowledgement."""

    path: str = "/var/lib/pabx-shipper/spool.db"
    max_mib: int = 512


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """``[privacy]``: what of the outside numbers and names leaves the store."""

    mode: Literal["clear", "masked", "hashed"] = "clear"
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """``[agent]``: the agent itself."""

    heartbeat_seconds: float = 30.0
    log_format: Literal["auto", "text", "json"] = "auto"


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of one agent."""

    store: StoreSettings = field(default_factory=StoreSettings)
    cdr: CdrSettings = field(default_factory=CdrSettings)
    ami: AmiSettings = field(default_factory=AmiSettings)
    output: OutputSettings = field(default_factory=OutputSettings)
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    agent: AgentSettings = field(default_factory=AgentSettings)


SECRETS = frozenset({"password", "secret", "shared_key", "key"})
"""Keys whose value may come from a file: ``password_file``, ``secret_file``, ``key_file``, …"""
