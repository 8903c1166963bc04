"""The saved objects that are shipped: a file for each language, one object a line."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from central.errors import CentralError, MissingAssetsError

LANGUAGES: Final = ("pt-BR", "en")
_PACKAGE: Final = Path(__file__).resolve().parents[1]
# Inside an installed wheel they lie in the package, in a checkout beside it.
_PLACES: Final = (_PACKAGE / "assets" / "dashboards", _PACKAGE.parent / "dashboards" / "saved_objects")


@dataclass(frozen=True)
class SavedObject:
    """One object of a file.

    Attributes:
        type: `index-pattern`, `visualization`, `search`, `query` or `dashboard`.
        id: the same in every language.
        attributes: as the type has them.
        references: to other objects, each with `name`, `type` and `id`.
        line: the whole object as the file has it, without the line's end.
    """

    type: str
    id: str
    attributes: dict[str, Any]
    references: list[dict[str, str]]
    line: str

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by: type and id."""
        return self.type, self.id


def load(language: str, places: Sequence[Path] = ()) -> list[SavedObject]:
    """Read the objects of a language.

    Args:
        language: one of `LANGUAGES`.
        places: directories where the file may be, instead of those of the package; the first wins.

    Raises:
        MissingAssetsError: the installation lacks the file.
        CentralError: the file holds something else.
    """
    for place in places or _PLACES:
        path = place / f"pabx.{language}.ndjson"
        if path.is_file():
            return read(path)
    raise MissingAssetsError(
        f"pabx.{language}.ndjson is missing in {' and '.join(map(str, places or _PLACES))}: "
        "install the package again, or run: make generate"
    )


def read(path: Path) -> list[SavedObject]:
    """Read a file of saved objects.

    Raises:
        CentralError: a line is no saved object, or two are the same.
    """
    # Not splitlines(): a text inside JSON may hold one of the rarer line separators.
    lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    objects = [_object(line, f"{path}: line {number}") for number, line in enumerate(lines, start=1)]
    keys = [one.key for one in objects]
    for kind, name in keys:
        if keys.count((kind, name)) > 1:
            raise CentralError(
                f"{path}: {kind} {name} is there twice, which refuses the whole file: run: make generate"
            )
    return objects


def _object(line: str, where: str) -> SavedObject:
    try:
        found = json.loads(line)
        return SavedObject(found["type"], found["id"], found["attributes"], found["references"], line)
    except (ValueError, KeyError, TypeError) as error:
        raise CentralError(
            f"{where} is no saved object ({type(error).__name__}: {error}): "
            "install the package again, or run: make generate"
        ) from error
