"""The agent's settings: ``shipper.toml``, overridden by the environment.

Order of precedence: ``SHIPPER_<SECTION>_<KEY>``, then the file, then the default.
"""

from shipper.config.load import config_path, load
from shipper.config.settings import (
    AgentSettings,
    AmiSettings,
    CdrSettings,
    Config,
    ForwardSettings,
    OpenSearchSettings,
    OutputSettings,
    PrivacySettings,
    SpoolSettings,
    StoreSettings,
)

__all__ = [
    "AgentSettings",
    "AmiSettings",
    "CdrSettings",
    "Config",
    "ForwardSettings",
    "OpenSearchSettings",
    "OutputSettings",
    "PrivacySettings",
    "SpoolSettings",
    "StoreSettings",
    "config_path",
    "load",
]
