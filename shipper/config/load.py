"""Reads ``shipper.toml`` and the environment into a `Config`; every fault names file, key and value."""

import dataclasses
import difflib
import os
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from shipper.config.rules import check
from shipper.config.settings import SECRETS, Config
from shipper.errors import ConfigError

DEFAULT_PATH = "/etc/pabx-shipper/shipper.toml"
PREFIX = "SHIPPER_"

_Settings = TypeVar("_Settings")


def config_path(argument: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The configuration file: ``--config``, else ``$SHIPPER_CONFIG``, else the system's place."""
    return Path(argument or environ.get(PREFIX + "CONFIG") or DEFAULT_PATH)


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the settings of one store.

    Args:
        path: The TOML file.
        environ: Where ``SHIPPER_*`` overrides are looked up.

    Raises:
        ConfigError: Anything that is not as it should be; says file, key, value and what mends it.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist", "name the file by --config or SHIPPER_CONFIG") from None
    except PermissionError as error:
        hint = f"put sudo in front of the command, or run: ls -l {path}"
        raise ConfigError(f"{path} cannot be read ({error.strerror})", hint) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})", f"run: ls -l {path}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 (byte {error.start})", "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}", "mend the line that it names") from None
    config = _section(Config, document, _Place(str(path), (), _overrides(environ)))
    check(config, str(path))
    return config


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where in the settings we are, and what the environment says."""

    source: str
    keys: tuple[str, ...]
    environ: Mapping[str, str]

    def below(self, key: str) -> "_Place":
        return _Place(self.source, (*self.keys, key), self.environ)

    @property
    def variable(self) -> str:
        return PREFIX + "_".join(self.keys).upper()

    def __str__(self) -> str:
        return f"{self.source}: {'.'.join(self.keys)}" if self.keys else self.source


def _overrides(environ: Mapping[str, str]) -> dict[str, str]:
    """The ``SHIPPER_*`` variables; an unknown one is an error, so that a typing mistake is not silent."""
    known = {PREFIX + "CONFIG", *_variables(Config, PREFIX)}
    found = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    for name in found:
        if name not in known:
            raise ConfigError(f"environment variable {name} is no setting", _did_you_mean(name, known))
    return found


def _variables(settings: type[Any], prefix: str) -> list[str]:
    names: list[str] = []
    for name, kind in typing.get_type_hints(settings).items():
        if dataclasses.is_dataclass(kind):
            names += _variables(typing.cast("type[Any]", kind), f"{prefix}{name.upper()}_")
        else:
            names.append(prefix + name.upper())
            if name in SECRETS:
                names.append(f"{prefix}{name.upper()}_FILE")
    return names


def _section(settings: type[_Settings], table: Any, place: _Place) -> _Settings:
    if not isinstance(table, dict):
        raise ConfigError(f"{place} is {table!r}, not a section", f"write it as [{'.'.join(place.keys)}]")
    kinds = typing.get_type_hints(settings)
    known = {*kinds, *(f"{key}_file" for key in kinds if key in SECRETS)}
    for key in table:
        if key not in known:
            raise ConfigError(f"{place.below(key)} is no setting", _did_you_mean(key, known))
    values: dict[str, Any] = {}
    for key, kind in kinds.items():
        inner = place.below(key)
        if dataclasses.is_dataclass(kind):
            values[key] = _section(typing.cast("type[Any]", kind), table.get(key, {}), inner)
        elif (value := _value(key, kind, table, inner)) is not None:
            values[key] = value
    return settings(**values)


def _value(key: str, kind: Any, table: dict[str, Any], place: _Place) -> Any:
    """One setting from the environment or the file; None where neither has it."""
    text = place.environ.get(place.variable)
    if text is not None:
        return _from_text(kind, text, place)
    if key in SECRETS:
        if name := place.environ.get(place.variable + "_FILE"):
            return _secret(name, f"{place.variable}_FILE")
        if name := table.get(f"{key}_file"):
            if key in table:
                raise ConfigError(f"{place} and {key}_file are both set", "keep one of them")
            return _secret(str(name), f"{place}_file")
    return _checked(kind, table[key], place) if key in table else None


def _secret(name: str, where: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"{where}: {name} cannot be read ({reason})", f"run: ls -l {name}") from None


def _from_text(kind: Any, text: str, place: _Place) -> Any:
    named = _Place(f"environment variable {place.variable}", (), {})
    if kind is bool:
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if text.lower() not in words:
            raise ConfigError(f"{named} is {text!r}, not true or false", "set it to true or false")
        return words[text.lower()]
    if get_origin(kind) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise ConfigError(f"{named} is {text!r}, not a number", "set it to a number") from None
    return _checked(kind, text, named)


def _checked(kind: Any, value: Any, place: _Place) -> Any:
    if get_origin(kind) is Literal:
        allowed = [str(choice) for choice in get_args(kind)]
        if value not in allowed:
            raise ConfigError(f"{place} is {value!r}", f"allowed: {', '.join(allowed)}")
        return value
    if get_origin(kind) is tuple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigError(f"{place} is {value!r}, not a list of texts", 'write it as ["vivo", "acme"]')
        return tuple(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        words = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
        shown = "not shown here" if place.keys[-1:] and place.keys[-1] in SECRETS else repr(value)
        raise ConfigError(f"{place} is {shown}, not {words[kind]}", f"write {words[kind]}")
    return value


def _did_you_mean(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
