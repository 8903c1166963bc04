"""The files that `central install` puts into the cluster."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from central.errors import MissingAssetsError

Bodies = dict[str, dict[str, Any]]

_PACKAGE: Final = Path(__file__).resolve().parent
# Inside an installed wheel they lie in the package, in a checkout beside it.
_PLACES: Final = (_PACKAGE / "assets", _PACKAGE.parent)


@dataclass(frozen=True)
class Assets:
    """What is shipped, each by its name in the cluster.

    Attributes:
        pipelines: ingest pipelines.
        components: component templates.
        templates: index templates.
    """

    pipelines: Bodies
    components: Bodies
    templates: Bodies


def load_assets() -> Assets:
    """Read all files.

    Raises:
        MissingAssetsError: the installation lacks them.
    """
    root = assets_root()
    return Assets(
        pipelines=_read(root / "pipelines" / "ingest"),
        components=_read(root / "index_templates" / "component"),
        templates=_read(root / "index_templates" / "index"),
    )


def assets_root() -> Path:
    """Where `index_templates/` and `pipelines/` are.

    Raises:
        MissingAssetsError: the installation lacks them.
    """
    for place in _PLACES:
        if (place / "index_templates").is_dir() and (place / "pipelines").is_dir():
            return place
    raise MissingAssetsError(
        f"index_templates/ and pipelines/ are neither in {_PLACES[0]} nor in {_PLACES[1]}: "
        "install the package again, or run it from a checkout"
    )


def _read(folder: Path) -> Bodies:
    files = sorted(folder.glob("*.json"))
    if not files:
        raise MissingAssetsError(
            f"{folder} holds no *.json: install the package again, or run: make generate"
        )
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}
