"""The ingest pipeline `pabx-register`: the whole register in its parameters; pure.

The script reads of each line its first day, its zone and the names that a document gets; what else is known
stands beside them (`more`), so that the whole register can be read back from the cluster.
"""

from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from central.errors import CentralError
from central.generate.pipeline import REGISTER_PIPELINE
from central.stores.register import NAMES, Line, Register
from shipper.schema import VERSION

DOCUMENTS_PIPELINE: Final = "pabx-documents"


def body(register: Register) -> dict[str, Any]:
    """Give the pipeline for a register."""
    stores = {name: [_entry(line) for line in lines] for name, lines in sorted(register.items())}
    source = resources.files("central.generate").joinpath("painless", "register.painless").read_text("utf-8")
    script = {
        "tag": "register",
        "description": "names the store by the register's line of the document's day",
        "ignore_failure": True,
        "source": source,
        "params": {"stores": stores},
    }
    return {
        "description": "What head office's register says of the stores; written by central stores apply.",
        "version": VERSION,
        "processors": [{"script": script}],
    }


def register_of(found: Mapping[str, Any] | None) -> dict[str, tuple[Line, ...]]:
    """Read the register back from the pipeline in the cluster; None: there is none yet.

    Raises:
        CentralError: somebody else wrote it.
    """
    if found is None:
        return {}
    try:
        stores = found["processors"][0]["script"]["params"]["stores"]
        return {name: tuple(_line(entry) for entry in lines) for name, lines in stores.items()}
    except (LookupError, TypeError, AttributeError) as error:
        raise CentralError(
            f"ingest pipeline {REGISTER_PIPELINE}: it does not hold a register "
            f"({type(error).__name__}: {error}): delete it and apply the whole file again"
        ) from error


def calls_register(documents: Mapping[str, Any] | None) -> bool:
    """Tell whether the pipeline that all documents pass calls this one."""
    processors = (documents or {}).get("processors", [])
    return any(one.get("pipeline", {}).get("name") == REGISTER_PIPELINE for one in processors)


def names_of(line: Line) -> dict[str, str]:
    """Give what a document gets from a line."""
    return {key: value for key, value in line.said().items() if key in NAMES}


def _entry(line: Line) -> dict[str, Any]:
    own = {"valid_from", "timezone", *NAMES}
    more = {key: value for key, value in line.said().items() if key not in own}
    return {"from": line.valid_from, "timezone": line.timezone, "names": names_of(line), "more": more}


def _line(entry: Mapping[str, Any]) -> Line:
    own = {"valid_from": entry["from"], "timezone": entry["timezone"]}
    return Line.of({**entry["more"], **entry["names"], **own})
